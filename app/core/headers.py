"""The headers that every answer carries, and those that a request adds to its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
TRANSPORT_SECURITY = "max-age=31536000; includeSubDomains"


Header = tuple[str, str]
OWN_HEADERS = "shop.headers"


class CommonHeaders:
    """Puts on every answer the headers that all have, and what the request has added to them (`add_headers`).

    As a WSGI layer: one by one through Flask they cost as much as a view.
    """

    def __init__(self, wsgi_app: WSGIApplication) -> None:
        self._wsgi_app = wsgi_app
        always = {**SECURITY_HEADERS, "Cache-Control": "no-store"}
        self._always = [(name.lower(), (name, value)) for name, value in always.items()]
        secure = ("Strict-Transport-Security", TRANSPORT_SECURITY)
        self._always_secure = [*self._always, (secure[0].lower(), secure)]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        common = self._always_secure if environ["wsgi.url_scheme"] == "https" else self._always
        own: list[Header] = []
        environ[OWN_HEADERS] = own

        def start(status: str, headers: list[Header], *rest: Any) -> Any:
            present = {name.lower() for name, _ in headers}
            missing = [header for name, header in common if name not in present]
            return start_response(status, [*headers, *own, *missing], *rest)

        return self._wsgi_app(environ, start)


def add_headers(*headers: Header) -> None:
    """Put `headers` on the answer to this request, whatever that will be."""
    request.environ.setdefault(OWN_HEADERS, []).extend(headers)
