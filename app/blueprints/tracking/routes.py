"""A ticket's changes as server-sent events: staff watch any, a customer their own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from flask import Response, current_app, request, stream_with_context
from sqlalchemy.exc import DBAPIError

from app.blueprints.service_tickets.errors import NotYourTicket, TicketNotFound
from app.blueprints.tracking import service
from app.blueprints.tracking.announcing import topic_of
from app.blueprints.tracking.schemas import WatchQuery
from app.blueprints.tracking.service import State
from app.core import identity, live, tenancy
from app.core.contract import limited, needs, serves_file, unversioned
from app.core.identity import Principal, principal
from app.core.serving import Blueprint

bp = Blueprint("tracking", __name__, description="A ticket's changes, as they happen.")

LAST_SEEN = {
    "in": "header",
    "name": "Last-Event-ID",
    "required": False,
    "description": "The version that was seen last: what is newer is told at once.",
    "schema": {"type": "string"},
    "example": "3",
}
SCOPES = ("tickets:read", "own:read")
LONGEST_VERSION = 18  # digits


@bp.get("/service_tickets/<int:ticket_id>/events", parameters=[LAST_SEEN], tags=["service_tickets"])
@limited("watch")
@needs(*SCOPES)
@serves_file("text/event-stream")
@unversioned
@bp.arguments(WatchQuery, location="query")
@bp.response(200)
def watch_service_ticket(query: dict[str, int], ticket_id: int) -> Response:
    """Tell a ticket's changes as they happen, for five minutes at most.

    Server-sent events: `ticket` with the version as its id, and `id`, `version`, `status`, `stage` and `updated_at` as JSON;
    progress and inspections that are shown from now on count as a change of the ticket. What is there is told first, unless
    `Last-Event-ID` names it; a comment comes every 15 seconds; `end` says that the caller may see the ticket no more.
    Where there is no place left, who watches most gives up the oldest of theirs; its stream ends.
    """
    caller, hub = principal(), live.hub()
    service.state_of(caller, ticket_id)
    watcher = hub.enter(topic_of(caller.workshop_id, ticket_id), caller.account_id)
    seconds = min(query["seconds"], current_app.config["LIVE_SECONDS"])

    live.wait_for_no_slow_reader(request.environ)
    look = partial(_seen_by, caller, ticket_id)
    has_left = partial(live.has_left, request.environ)

    def events() -> Iterator[str]:
        try:
            yield from service.told(hub, watcher, look, has_left, seconds, _last_seen())
        except DBAPIError:  # the database is away: whoever watches comes back
            return

    answer = Response(stream_with_context(events()), content_type="text/event-stream")
    answer.headers["X-Accel-Buffering"] = "no"  # nginx passes on what comes, as it comes
    answer.call_on_close(lambda: hub.leave(watcher))
    return answer


def _last_seen() -> int | None:
    sent = request.headers.get("Last-Event-ID", "")
    return int(sent) if sent.isascii() and sent.isdecimal() and len(sent) <= LONGEST_VERSION else None


def _seen_by(caller: Principal, ticket_id: int) -> State | None:
    """Return the ticket's state, None where whoever asked may not see it any more."""
    with tenancy.acting_in(caller.workshop_id):
        present = identity.still_admitted(caller)
        if present is None or not present.may(*SCOPES):
            return None
        try:
            return service.state_of(present, ticket_id)
        except (TicketNotFound, NotYourTicket):
            return None
