"""Refusals and how they are told: RFC 9457 problem documents, made in one place.

A rule that refuses raises a `DomainError`; nothing else in the application decides a status code. The driver's and
SQL's words stay in the log.
"""

from __future__ import annotations

from typing import Any, ClassVar

import structlog
from flask import Flask, Response, g, json
from gunicorn.http.errors import ParseException
from marshmallow import Schema, fields
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, HTTPException

log = structlog.get_logger(__name__)

RETRY_SECONDS = "2"

# The codes that the framework itself answers with; each feature's own stand in its errors.py.
CODES: dict[int, tuple[str, str]] = {
    400: ("invalid_request", "The request is not valid."),
    401: ("not_signed_in", "A valid token is needed."),
    403: ("not_allowed", "You may not do this."),
    404: ("not_found", "There is no such thing here."),
    405: ("method_not_allowed", "This method is not known here."),
    409: ("conflict", "The request conflicts with the present state."),
    412: ("stale", "It was changed since you read it."),
    413: ("too_large", "The request is too large."),
    415: ("unsupported_media_type", "The body must be application/json."),
    422: ("idempotency_key_reused", "The Idempotency-Key was used with another request."),
    428: ("precondition_required", "An If-Match header is needed."),
    429: ("too_many_requests", "Too many requests; wait a little."),
    500: ("internal_error", "Something went wrong on our side."),
    503: ("unavailable", "The database is away; try again shortly."),
}


class DomainError(Exception):
    """A refusal with a stable code. Subclasses stand beside the rules that raise them."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid_request"
    title: ClassVar[str] = "The request is not valid."
    keeps_work: ClassVar[bool] = False
    """Whether what was written before the refusal stays: a counted failure, an ended session."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = errors
        self.headers = headers or {}
        self.members: dict[str, Any] = {}  # what the problem says beside the usual (RFC 9457, section 3.2)


class Invalid(DomainError):
    """The input is wrong in a way that the schema alone cannot see."""


class NotSignedIn(DomainError):
    """No token, or one that is not valid any more."""

    status, code, title = 401, "not_signed_in", "A valid token is needed."

    def __init__(self, detail: str | None = None, *, error: str | None = "invalid_token") -> None:
        challenge = 'Bearer realm="mechanic-shop"' + (f', error="{error}"' if error else "")
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class NotAllowed(DomainError):
    """The caller is known, but not allowed."""

    status, code, title = 403, "not_allowed", "You may not do this."


class SecondFactorSetupRequired(NotAllowed):
    """The workshop asks its staff for a second factor, and the caller has none yet."""

    code, title = "second_factor_setup_required", "This workshop asks its staff for a second factor."


class NotFound(DomainError):
    """Unknown, or another workshop's: the two look alike."""

    status, code, title = 404, "not_found", "There is no such thing here."


class Conflict(DomainError):
    """The request conflicts with the present state."""

    status, code, title = 409, "conflict", "The request conflicts with the present state."


class Stale(DomainError):
    """If-Match names a version that is not the present one."""

    status, code, title = 412, "stale", "It was changed since you read it."


class Unavailable(DomainError):
    """A part that the answer needs is away for the moment."""

    status, code, title = 503, "unavailable", "The database is away; try again shortly."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": RETRY_SECONDS})


class Problem(Schema):
    """A refusal, told as RFC 9457 asks."""

    type = fields.String(
        required=True,
        metadata={
            "description": "A URI reference that names the kind of problem.",
            "example": "/problems/not_found",
        },
    )
    title = fields.String(required=True, metadata={"description": "The kind of problem, for people."})
    status = fields.Integer(required=True, metadata={"description": "The HTTP status.", "example": 404})
    detail = fields.String(required=True, metadata={"description": "What was wrong this time, for people."})
    code = fields.String(
        required=True,
        metadata={
            "description": "The kind of problem, for programs: stable, in snake_case.",
            "example": "not_found",
        },
    )
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={
            "description": "For 400: each field that is wrong, by its path (`lines.0.quantity`), with its messages.",
            "example": {"email": ["Not a valid email address."]},
        },
    )
    challenge = fields.String(
        metadata={
            "description": "For `second_factor_required`: what POST /auth/login/second_factor takes with the code.",
        },
    )
    request_id = fields.String(
        metadata={"description": "Quote this when you ask for help: the log carries it."}
    )


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    errors: Any = None,
    headers: dict[str, str] | None = None,
    members: dict[str, Any] | None = None,
) -> Response:
    """Return a problem document as a response; `members` are what it says beside the usual."""
    document: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **(members or {}),
    }
    if errors:
        document["errors"] = by_field(errors)
    if request_id := g.get("request_id"):
        document["request_id"] = request_id
    answer = Response(json.dumps(document), status=status, content_type="application/problem+json")
    for name, value in (headers or {}).items():
        answer.headers[name] = value
    return answer


def of_domain_error(error: DomainError) -> Response:
    """Answer a refusal that a rule raised."""
    return problem(
        error.status,
        error.code,
        error.title,
        error.detail,
        errors=error.errors,
        headers=error.headers,
        members=error.members,
    )


def by_field(messages: Any, within: str | None = None) -> dict[str, list[str]]:
    """Return marshmallow's messages as one list for each field, which is named by its path: `lines.0.quantity`.

    What is wrong with a whole is said of what it is in; with the whole body, of `_schema`.
    """
    if not isinstance(messages, dict):
        field = "_schema" if within is None else within
        return {field: [messages] if isinstance(messages, str) else list(messages)}
    found: dict[str, list[str]] = {}
    for name, inner in messages.items():
        path = str(name) if within is None else within if name == "_schema" else f"{within}.{name}"
        for field, told in by_field(inner, path).items():
            found.setdefault(field, []).extend(told)
    return found


def _without_location(messages: Any) -> Any:
    """Return marshmallow's messages without the location that webargs puts on top."""
    if isinstance(messages, dict) and len(messages) == 1:
        (location, inner), *_ = messages.items()
        if location in ("json", "query", "headers", "json_or_form", "files", "form"):
            return inner
    return messages


def of_http_exception(error: HTTPException) -> Response:
    """Answer what Flask, Werkzeug, webargs or Flask-Limiter raised."""
    if error.response is not None and isinstance(error.response, Response):
        return error.response
    status = error.code or 500
    if (
        status == 422
    ):  # webargs' word for input that fails its schema; here 422 means a reused Idempotency-Key
        status = 400
    code, title = CODES.get(status, ("error", error.name))
    data = getattr(error, "data", None) or {}
    errors = _without_location(data.get("messages"))
    detail = "See `errors`." if errors else _detail(status, error, title)
    headers = {k: v for k, v in error.get_headers() if k.lower() not in ("content-type", "content-length")}
    headers |= data.get("headers") or {}
    return problem(status, code, title, detail, errors=errors, headers=headers)


def _detail(status: int, error: HTTPException, title: str) -> str:
    if status == 429:
        return f"The limit is {error.description}."
    if status == 400:
        return "The body is not well-formed JSON, or the request could not be read."
    return title


def of_database_error(error: DBAPIError) -> Response:
    """Answer what the driver raised: a database that is away or overloaded is a 503, the rest a 500."""
    from app.core.db import is_passing

    if is_passing(error):
        log.warning("database.away", kind=type(error.orig).__name__)
        return of_domain_error(Unavailable())
    log.error("database.error", exc_info=error)
    return _internal()


def of_full_pool(error: PoolTimeout) -> Response:
    """Answer that no connection was to be had in time: all of this process's are in use."""
    log.warning("database.away", kind="PoolTimeout")
    return of_domain_error(Unavailable())


def of_exception(error: Exception) -> Response:
    """Answer what nobody expected."""
    log.error("unexpected", exc_info=error)
    return _internal()


def _internal() -> Response:
    code, title = CODES[500]
    return problem(500, code, title, title)


def init_app(app: Flask) -> None:
    """Make every error of `app` a problem document."""
    app.register_error_handler(DomainError, of_domain_error)
    app.register_error_handler(HTTPException, of_http_exception)
    app.register_error_handler(DBAPIError, of_database_error)
    app.register_error_handler(PoolTimeout, of_full_pool)
    # A body in chunks that are none: gunicorn finds out when it is read, and raises what Werkzeug does not know.
    app.register_error_handler(ParseException, lambda _: of_http_exception(BadRequest()))
    app.register_error_handler(Exception, of_exception)
