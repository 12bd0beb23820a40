"""How tokens go out, and how a refresh token comes back: in the body, or in a cookie with its CSRF token beside it."""

from __future__ import annotations

from typing import Any

from flask import Response, after_this_request, current_app, jsonify, request

from app.blueprints.accounts import sessions
from app.blueprints.accounts.errors import CsrfRefused
from app.blueprints.accounts.schemas import LoginOut
from app.blueprints.accounts.sessions import Entrant, Pass, csrf_matches
from app.core.clock import rfc3339
from app.core.identity import Principal, issue_token

SIGNED_IN = LoginOut  # what `signed_in_answer` looks like, for the doors of other features
COOKIE = "refresh_token"
CSRF_COOKIE = "csrf_token"
COOKIE_PATH = "/auth"


def token_answer(principal: Principal, message: str) -> dict[str, Any]:
    """Return the answer that gives an access token."""
    token, seconds = issue_token(principal)
    due = {"second_factor_setup_required": True} if principal.second_factor_due else {}
    return {
        "status": "success",
        "message": message,
        "auth_token": token,
        "token_type": "Bearer",
        "expires_in": seconds,
        "role": principal.role,
        **due,
    }


def signed_in_answer(passed: Pass, *, in_cookie: bool, message: str) -> Response:
    """Return the answer that gives both tokens, the refresh token where it was asked for."""
    body = token_answer(passed.principal, message) | {"refresh_expires_at": rfc3339(passed.expires_at)}
    if not in_cookie:
        return jsonify(body | {"refresh_token": passed.refresh_token})
    answer: Response = jsonify(body | {"csrf_token": passed.csrf_token})
    _set(answer, COOKIE, passed.refresh_token, passed, path=COOKIE_PATH, httponly=True)
    _set(answer, CSRF_COOKIE, passed.csrf_token, passed, path="/", httponly=False)
    return answer


def let_in(entrant: Entrant, *, in_cookie: bool, message: str = "Login successful") -> Response:
    """Begin a session of who has shown who they are, and return the answer that gives its tokens."""
    passed = sessions.let_in(entrant, address=request.remote_addr, agent=request.headers.get("User-Agent"))
    return signed_in_answer(passed, in_cookie=in_cookie, message=message)


def _set(answer: Response, name: str, value: str, passed: Pass, *, path: str, httponly: bool) -> None:
    same_site = current_app.config["COOKIE_SAMESITE"]
    answer.set_cookie(
        name, value, expires=passed.expires_at, path=path, secure=True, httponly=httponly, samesite=same_site
    )


def forget_cookies(answer: Response) -> Response:
    """Let a browser forget what it was given."""
    same_site = current_app.config["COOKIE_SAMESITE"]
    answer.delete_cookie(COOKIE, path=COOKIE_PATH, secure=True, httponly=True, samesite=same_site)
    answer.delete_cookie(CSRF_COOKIE, path="/", secure=True, samesite=same_site)
    return answer


def refresh_token_sent(body: dict[str, Any]) -> tuple[str | None, bool]:
    """Return the refresh token that the caller sent, and whether it came in the cookie; a refusal of that takes it back.

    :raises CsrfRefused: it did, without the header that a page of another origin cannot send.
    """
    if "refresh_token" in body:
        return body["refresh_token"], False
    token = request.cookies.get(COOKIE)
    if token and not csrf_matches(token, request.headers.get("X-CSRF-Token")):
        raise CsrfRefused()
    if token:
        after_this_request(_forget_refused_cookies)
    return token, token is not None


def _forget_refused_cookies(answer: Response) -> Response:
    return forget_cookies(answer) if answer.status_code == 401 else answer
