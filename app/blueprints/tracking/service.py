"""The rules of watching a ticket: for how long, what is told, and when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from sqlalchemy import select

from app.blueprints.service_tickets.errors import TicketNotFound
from app.blueprints.service_tickets.holding import require_own
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.service_tickets.status import STAGE
from app.core import clock
from app.core.identity import Principal
from app.core.live import Hub, Watcher
from app.extensions import db

HEARTBEAT_SECONDS = 15.0
POLL_SECONDS = 2.0  # while nobody wakes us
TICK_SECONDS = 1.0  # within which a worker that stops, or a watcher who left, is noticed
RETRY_MILLISECONDS = 3000
State = dict[str, Any]
Look = Callable[[], State | None]
HasLeft = Callable[[], bool]


def state_of(caller: Principal, ticket_id: int) -> State:
    """Return what is told of a ticket: its version and status, and what stage that is to its customer.

    No connection is held afterwards.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    row = db.session.execute(
        select(
            ServiceTicket.customer_id, ServiceTicket.version, ServiceTicket.status, ServiceTicket.updated_at
        ).where(ServiceTicket.workshop_id == caller.workshop_id, ServiceTicket.id == ticket_id)
    ).one_or_none()
    db.session.commit()
    if row is None:
        raise TicketNotFound()
    require_own(caller, row.customer_id, "tickets:read")
    return {
        "id": ticket_id,
        "version": row.version,
        "status": row.status,
        "stage": STAGE[row.status],
        "updated_at": clock.rfc3339(row.updated_at),
    }


def told(
    hub: Hub, watcher: Watcher, look: Look, has_left: HasLeft, seconds: float, seen: int | None
) -> Iterator[str]:
    """Yield server-sent events for so many seconds at most: the present state where it is newer than `seen`, then each change.

    `look` returns the state, None where the watcher may see it no more: that is told, and the stream ends. It ends too where
    they have left, the worker stops or another needs the place; a browser comes back by itself, and is told what it missed.
    """
    ends, woken = time.monotonic() + seconds, True
    yield f"retry: {RETRY_MILLISECONDS}\n\n"
    while True:
        state = look()
        looked = time.monotonic()
        if state is None:
            yield "event: end\ndata: {}\n\n"
            return
        if seen is None or state["version"] > seen:
            seen = state["version"]
            yield f"id: {seen}\nevent: ticket\ndata: {orjson.dumps(state).decode()}\n\n"
        elif not woken:
            yield ": still here\n\n"
        heard = _wait(hub, watcher, has_left, looked, ends)
        if heard is None:
            return
        woken = heard


def _wait(hub: Hub, watcher: Watcher, has_left: HasLeft, looked: float, ends: float) -> bool | None:
    """Wait until there is something to look at (True), it is time to look all the same (False), or to end (None)."""
    while True:
        now = time.monotonic()
        if now >= ends or hub.is_stopping or watcher.is_sent_home or has_left():
            return None
        if watcher.wait(min(TICK_SECONDS, ends - now)) and not watcher.is_sent_home:
            return True
        pause = HEARTBEAT_SECONDS if hub.is_linked else POLL_SECONDS
        if time.monotonic() - looked >= pause:
            return False
