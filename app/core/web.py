"""What every request and answer carries: the request id, JSON, security headers, CORS, one log line."""

from __future__ import annotations

import io
import re
import secrets
import sys
import time
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

import orjson
import structlog
from flask import Flask, Request, Response, current_app, g, has_app_context, request
from flask.json.provider import JSONProvider
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.exceptions import NotFound
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from app.core.headers import CommonHeaders, add_headers
from app.core.schema import GREATEST_ID
from app.core.steps import EvenSteps

if TYPE_CHECKING:
    from structlog.typing import EventDict

log = structlog.get_logger("app.request")

_WELL_FORMED = re.compile(r"[A-Za-z0-9._\-]{8,128}")


class OrjsonProvider(JSONProvider):
    """JSON by orjson: decimals as number literals, keys in the order given, NaN refused."""

    mimetype = "application/json"

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return self._bytes(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(self._bytes(self._prepare_response_obj(args, kwargs)), mimetype=self.mimetype)

    @staticmethod
    def _bytes(obj: Any) -> bytes:
        return orjson.dumps(obj, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    raise TypeError(f"{type(value).__name__} has no JSON form")


class BoundedInteger(IntegerConverter):
    """An id in a path: one beyond what the database can hold is simply not found.

    Werkzeug's own `max` would answer 405 to the methods whose routes it looks at last.
    """

    regex = r"[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number: int = super().to_python(value)
        if number > GREATEST_ID:
            raise NotFound
        return number


class PrivateRequest(Request):
    """A request whose files stay in memory, as bounded as its body is: what people send lies on no disk in the open."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return io.BytesIO()


def configure_logging(app: Flask) -> None:
    """Send structured lines, one JSON object each, to standard output."""
    structlog.configure(
        processors=[
            _name_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(
                serializer=lambda event, **_: orjson.dumps(event, default=repr)
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(app.config["LOG_LEVEL"]),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stdout.buffer),
        cache_logger_on_first_use=not app.testing,
    )


class NoSessions(SessionInterface):
    """Flask's sessions switched off: nothing here keeps any, and reading them costs each request."""

    def open_session(self, app: Flask, request: Request) -> NullSession:
        return NullSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Save nothing: there is nothing that could have been written to."""


def begin_request() -> None:
    """Take the request id, if well-formed, or make one."""
    sent = request.headers.get("X-Request-Id", "")
    g.request_id = sent if _WELL_FORMED.fullmatch(sent) else secrets.token_hex(12)
    g.started = time.perf_counter()
    add_headers(("X-Request-Id", g.request_id))


def _name_request(logger: Any, method: str, event: EventDict) -> EventDict:
    """Put the id of the request that a line was written for into it."""
    if has_app_context() and "request_id" in g:
        event["request_id"] = g.request_id
    return event


def hide_tokens(app: Flask) -> None:
    """Let the log leave out what comes after the paths that lead to a token, be the request routed or not."""
    doors = {
        rule.rule.partition("<")[0].strip("/")
        for rule in app.url_map.iter_rules()
        if "token" in rule.arguments
    }
    found = "|".join(sorted(re.escape(door) for door in doors))
    app.extensions["token_paths"] = re.compile(rf"(\A/+(?:{found})/+).+", re.IGNORECASE | re.DOTALL)


def _told(path: str) -> str:
    """Return a path without the token in it: whoever reads the log is not let in by that."""
    hidden: str = current_app.extensions["token_paths"].sub(r"\1<token>", path)
    return hidden


def log_request(answer: Response) -> Response:
    """Write the one line of a request: what was asked, by whom, what came of it and how long it took."""
    principal, environ = g.get("principal"), request.environ
    by_key = {"key": principal.key_id} if principal and principal.key_id else {}
    log.info(
        "request",
        method=environ["REQUEST_METHOD"],
        path=_told(request.path),
        status=answer.status_code,
        milliseconds=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 2),
        address=environ.get("REMOTE_ADDR"),
        account=principal.account_id if principal else None,
        workshop=principal.workshop_id if principal else None,
        **by_key,
    )
    return answer


def init_app(app: Flask) -> None:
    """Bind all of it to `app`. Called before the other extensions: answers pass these hooks last."""
    configure_logging(app)
    app.json = OrjsonProvider(app)
    app.request_class = PrivateRequest
    app.session_interface = NoSessions()
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.converters["int"] = BoundedInteger
    app.wsgi_app = EvenSteps(CommonHeaders(app.wsgi_app))  # type: ignore[method-assign]
    if proxies := app.config["TRUSTED_PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
    app.before_request(begin_request)
    app.after_request(log_request)
    if app.config["CORS_ORIGINS"]:
        _allow_origins(app)


def _allow_origins(app: Flask) -> None:
    """Let the pages of CORS_ORIGINS call the API, and read the headers that it explains itself by."""
    from app.extensions import cors

    cors.init_app(
        app,
        origins=app.config["CORS_ORIGINS"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "If-Match",
            "If-None-Match",
            "Idempotency-Key",
            "Last-Event-ID",
            "X-CSRF-Token",
            "X-Workshop",
            "X-Request-Id",
        ],
        supports_credentials="*" not in app.config["CORS_ORIGINS"],  # the cookie of a refresh token
        expose_headers=[
            "Content-Disposition",
            "ETag",
            "Link",
            "Location",
            "Idempotency-Replayed",
            "Retry-After",
            "WWW-Authenticate",
            "X-Pagination",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
            "X-Request-Id",
            "X-Total-Count",
        ],
        methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        max_age=600,
        vary_header=False,  # we say it ourselves
    )
    _look_at_browsers_alone(app)


def _look_at_browsers_alone(app: Flask) -> None:
    """Let flask-cors pass by what no page has asked: it weighs its options anew for each answer, whoever it is for."""
    hooks = app.after_request_funcs[None]
    add_permissions: Any = hooks.pop()

    def permit(answer: Response) -> Response:
        answer.headers.add(
            "Vary", "Origin"
        )  # of every answer: what is kept of one must not be shown to another's page
        return add_permissions(answer) if "Origin" in request.headers else answer

    app.after_request(permit)
