"""Staying signed in: carrying a session on, seeing one's sessions, ending them, acting in another workshop."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, jsonify, request

from app.blueprints.accounts import registration, sessions, signing_in
from app.blueprints.accounts.answers import (
    COOKIE,
    forget_cookies,
    let_in,
    refresh_token_sent,
    signed_in_answer,
    token_answer,
)
from app.blueprints.accounts.errors import RefreshRefused, RegistrationClosed
from app.blueprints.accounts.models import AccountSession
from app.blueprints.accounts.schemas import (
    LoginOut,
    RefreshIn,
    RegistrationIn,
    SessionOut,
    SessionQuery,
    SwitchIn,
    SwitchOut,
)
from app.core import idempotency, paging
from app.core.contract import (
    evenly_timed,
    limited,
    public,
    public_recognising_members,
    signed_in,
    takes_cookie,
    unversioned,
)
from app.core.errors import NotSignedIn
from app.core.identity import principal, principal_if_admitted, require_person
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("sessions", __name__, url_prefix="/auth", description="Staying signed in.")


@bp.post("/register", tags=["accounts"])
@limited("register")
@public
@unversioned
@evenly_timed
@bp.arguments(RegistrationIn)
@bp.response(201, LoginOut)
@bp.alt_response(401, description="The account has a second factor, and no good code came.")
@bp.alt_response(403, description="The installation does not open workshops by itself.")
def register_workshop(wanted: dict[str, Any]) -> tuple[Response, int, dict[str, str]]:
    """Open a workshop and sign in as its owner.

    Where the installation allows it (`OPEN_REGISTRATION`). An address that has an account needs that account's password, and a
    code of its second factor if it has one.
    """
    if not current_app.config["OPEN_REGISTRATION"]:
        raise RegistrationClosed()
    if "second_factor_code" in wanted:
        idempotency.show_once()
    in_cookie = wanted.pop("refresh_in") == "cookie"
    owner = registration.register(**wanted, address=request.remote_addr)
    answer = let_in(owner, in_cookie=in_cookie, message="Workshop opened")
    return answer, 201, {"Location": f"/workshops/{owner.principal.workshop_id}"}


@bp.post("/refresh", tags=["accounts"])
@limited("refresh")
@public
@unversioned
@takes_cookie(COOKIE)
@bp.arguments(RefreshIn, required=False)
@bp.response(200, LoginOut)
@bp.alt_response(401, description="The refresh token is not good any more.")
@bp.alt_response(403, description="The cookie came without its CSRF token.")
def refresh(body: dict[str, Any]) -> Response:
    """Take a refresh token for a new access token and the next refresh token.

    Each is good once. One that comes a second time ends the session: it has been copied. From the cookie it is taken with
    `X-CSRF-Token` beside it, and the next one goes into the cookie again; one that is refused is taken back from the browser.
    """
    token, in_cookie = refresh_token_sent(body)
    if token is None:
        raise RefreshRefused()
    return signed_in_answer(sessions.refresh(token), in_cookie=in_cookie, message="Session refreshed")


@bp.post("/logout", tags=["accounts"])
@limited("refresh")
@public_recognising_members
@unversioned
@takes_cookie(COOKIE)
@bp.arguments(RefreshIn, required=False)
@bp.response(200, Message)
@bp.alt_response(403, description="The cookie came without its CSRF token.")
def logout(body: dict[str, Any]) -> Response:
    """End the session: its access tokens and its refresh token are worth nothing from this moment.

    Named by the access token, or by the refresh token where that one is not good any more. A cookie is taken back, be
    it good or not.
    """
    caller = principal_if_admitted()
    require_person(caller)
    if caller is not None:
        sessions.end(caller.account_id, caller.session_id, by="logout")
    else:
        token, _ = refresh_token_sent(body)
        if token is None or not sessions.end_by_token(token):
            raise NotSignedIn("Send an access token or a refresh token that is still good.", error=None)
    return forget_cookies(jsonify(message="Signed out."))


@bp.get("/sessions", tags=["accounts"])
@limited("read")
@signed_in
@bp.arguments(SessionQuery, location="query")
@bp.response(200, SessionOut(many=True))
def list_sessions(query: dict[str, Any]) -> Any:
    """List one's own sessions that go on."""
    rows, headers = paging.answer(sessions.find(principal().account_id, paging.walk_of(query)))
    return [_shown(session) for session in rows], headers


def _shown(session: AccountSession) -> dict[str, Any]:
    fields = ("id", "started_at", "last_used_at", "expires_at", "address", "agent")
    return {field: getattr(session, field) for field in fields} | {
        "current": session.id == principal().session_id
    }


@bp.delete("/sessions/<int:session_id>", tags=["accounts"])
@limited("delete")
@signed_in
@unversioned
@bp.response(200, Message)
def end_session(session_id: int) -> dict[str, str]:
    """End one of one's own sessions, wherever it is."""
    sessions.end(principal().account_id, session_id, by="logout")
    return {"message": f"Session {session_id} ended."}


@bp.post("/switch", tags=["accounts"])
@limited("refresh")
@signed_in
@unversioned
@bp.arguments(SwitchIn)
@bp.response(200, SwitchOut)
def switch_workshop(wanted: dict[str, str | None]) -> dict[str, Any]:
    """Act in another of one's workshops: the answer's token names it, and so do those that the session is refreshed with.

    With `"workshop": null` who administers the installation acts as that, in no workshop.
    """
    return token_answer(signing_in.act_in(principal(), wanted["workshop"]), "Workshop switched")
