"""What the document says of the API as a whole: its parts, headers, parameters and refusals."""

from __future__ import annotations

from typing import Any

DESCRIPTION = """\
The backend of a car repair workshop: customers, vehicles, mechanics, service tickets and inventory.

**Sign in** with `POST /customers/login` or `POST /mechanics/login` and send the token as `Authorization: Bearer <token>`.
An integration sends an API key (`POST /api_keys`) in its place: `Authorization: Bearer msk_...`.

**Lists** are bounded. With `page` an answer has `X-Total-Count`, `X-Pagination` and links to every page; without it, follow
the `Link` header's `next`, which costs the same however far one walks.

**Writing.** Unknown fields are refused. PUT replaces, PATCH merges (RFC 7396). Send `If-Match` with an ETag to change only what
you have seen, and an `Idempotency-Key` with a POST to be able to send it again.

**Errors** are problem documents (RFC 9457) with a stable `code`.
"""

TAGS = {
    "workshops": "The workshops: a public directory, when they are open, and each one's own settings.",
    "accounts": "Signing in, staying signed in, and opening a workshop.",
    "api_keys": "What integrations send in place of a token.",
    "roles": "What people may do: the built-in roles, and those of the workshop's own making.",
    "admins": "Those who run the installation, and the accounts on it.",
    "customers": "The people whose cars the workshop repairs.",
    "files": "Photos and exports, by links that expire.",
    "mechanics": "The people who do the work.",
    "members": "Who may sign in to the workshop as one of its people, and as what.",
    "invitations": "How people come to a workshop: staff, and customers who walked in.",
    "vehicles": "The cars: what they are, whose, how far they came, and what was done to them.",
    "catalogue": "Which makes and models of cars there are.",
    "service_tickets": "One visit of a car each: what is to be done, by whom, with what.",
    "canned_jobs": "What is done again and again, put on a ticket by one call.",
    "estimates": "What the work would come to: sent to the customer, decided line by line.",
    "inspections": "What was looked at in a car, how it was, and what should be done.",
    "progress": "How the work goes on, and what staff say to each other about it.",
    "inventory": "The parts, their prices and their stock; who supplies them, and what is ordered.",
    "notifications": "What was sent in the workshop's name, and what could not be.",
    "audit": "Who changed what, and when.",
    "operations": "What this is, and how it is.",
}

HEADERS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "X-Request-Id": ("Names this request in the log.", {"type": "string"}, "4f1c0a9be2d34c5f8a7b6c5d"),
    "X-RateLimit-Limit": ("Requests allowed in a window.", {"type": "string"}, "300"),
    "X-RateLimit-Remaining": ("Requests left in this window.", {"type": "string"}, "299"),
    "X-RateLimit-Reset": ("When the window ends, in seconds since 1970.", {"type": "string"}, "1772443800"),
    "Retry-After": ("Seconds to wait.", {"type": "string"}, "2"),
    "ETag": ("The version of what is answered.", {"type": "string"}, '"3-9f86d081884c7d65"'),
    "Location": ("Where the new thing is.", {"type": "string"}, "/service_tickets/1"),
    "Link": (
        "Where the list goes on (RFC 8288).",
        {"type": "string"},
        '</customers/?cursor=WyJpZCJd>; rel="next"',
    ),
    "X-Total-Count": ("Rows in all, when `page` is given.", {"type": "string"}, "200"),
    "X-Pagination": (
        "The page, when `page` is given: a JSON object of page, per_page, total and pages.",
        {"type": "string"},
        '{"page":1,"per_page":20,"total":200,"pages":10}',
    ),
    "Idempotency-Replayed": (
        "`true`: this answers the first request with the key.",
        {"type": "string"},
        "true",
    ),
    "WWW-Authenticate": ("How to sign in.", {"type": "string"}, 'Bearer realm="mechanic-shop"'),
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "If-Match": {
        "description": "Change only this version: the ETag that you were answered.",
        "schema": {"type": "string"},
    },
    "If-None-Match": {
        "description": "Answer 304 if this is still the ETag.",
        "schema": {"type": "string"},
    },
    "Idempotency-Key": {
        "description": "Makes this request safe to send again: kept 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    },
    "X-Workshop": {
        "description": "The slug of the workshop that is meant, where the installation has several.",
        "schema": {"type": "string"},
    },
}

MULTIPART = "multipart/form-data"
EVENTS = "text/event-stream"
METHODS = ("get", "post", "put", "patch", "delete")

REFUSALS: dict[int, tuple[str, str]] = {
    400: ("invalid_request", "The input is not valid; `errors` names the fields."),
    401: ("not_signed_in", "No token, or not a valid one."),
    403: ("not_allowed", "Known, but not allowed."),
    404: ("not_found", "Unknown here, or another workshop's."),
    409: ("conflict", "It conflicts with the present state; `code` says how."),
    412: ("stale", "If-Match names a version that is not the present one."),
    413: ("too_large", "The request is too large."),
    415: ("unsupported_media_type", "The body is of a kind that this route does not take."),
    422: ("idempotency_key_reused", "The Idempotency-Key was used with another request."),
    429: ("too_many_requests", "Over the limit of this route; `Retry-After` says when to come back."),
    500: ("internal_error", "Something went wrong on our side."),
    503: ("unavailable", "The database is away; try again shortly."),
}
