"""The rules of the mechanics' clock: who starts and stops whose, and what may be corrected afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.exc import DBAPIError

from app.blueprints.mechanics import service as mechanics
from app.blueprints.service_tickets import lines
from app.blueprints.service_tickets.holding import held, hold, require_open
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.timesheets.errors import (
    ClockEntryNotFound,
    ClockForgotten,
    ClockNotRunning,
    ClockOverlaps,
    ClockRunning,
    NotYourClock,
)
from app.blueprints.timesheets.models import ClockEntry
from app.core import audit, clock
from app.core.db import Session, atomic, locked, violated
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.preconditions import Expected, require_version
from app.extensions import db

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LONGEST = timedelta(hours=16)  # beyond it nobody worked: somebody forgot to stop
RECORD = ("mechanic_id", "service_ticket_id", "line_id", "started_at", "ended_at", "reason")


def _now() -> datetime:
    return clock.now().replace(microsecond=0)


def is_forgotten(started_at: datetime, ended_at: datetime | None, moment: datetime) -> bool:
    """Tell whether a clock has run for longer than anybody works."""
    return ended_at is None and moment - started_at > LONGEST


def mechanic_of(caller: Principal, mechanic_id: int | None, scope: str) -> int:
    """Return whose clock is meant: the caller's own, or that of `mechanic_id`, for whoever has `scope`.

    :raises NotYourClock: another's. :raises Invalid: nobody is named, and the caller is no mechanic.
    """
    own = caller.person_id if caller.role != "customer" else None
    if mechanic_id is None and own is None:
        raise Invalid("Say whose clock.", errors={"mechanic_id": ["Needed: you have no mechanic's record."]})
    if mechanic_id is not None and mechanic_id != own and not caller.may(scope):
        raise NotYourClock()
    return mechanic_id if mechanic_id is not None else own or 0


def running_on(workshop_id: int, ticket_id: int) -> list[int]:
    """Return the ids of the mechanics whose clocks run on a ticket: it is neither completed nor cancelled before they stop.

    Inside the `atomic()` that holds the ticket nobody starts meanwhile.
    """
    return list(
        db.session.scalars(
            select(ClockEntry.mechanic_id)
            .where(
                ClockEntry.workshop_id == workshop_id,
                ClockEntry.service_ticket_id == ticket_id,
                ClockEntry.ended_at.is_(None),
            )
            .order_by(ClockEntry.mechanic_id)
        )
    )


# ---- Starting and stopping ------------------------------------------------------------------------------------------


def start(
    caller: Principal, ticket_id: int, *, mechanic_id: int | None = None, line_id: int | None = None
) -> ClockEntry:
    """Start a mechanic's clock on a ticket, and on a line of it.

    :raises TicketNotFound: unknown here. :raises TicketClosed: finished or cancelled. :raises MechanicNotFound: unknown, or
    gone.
    :raises NotYourClock: another's. :raises Invalid: nobody is named, or the line is no labour.
    :raises LineNotFound: the ticket has no such line. :raises ClockRunning: it runs, here or elsewhere.
    """
    whose = mechanic_of(caller, mechanic_id, "hours:write")
    with atomic() as session:
        ticket = hold(caller, ticket_id, None)
        require_open(ticket)
        _require_labour(ticket, line_id)
        mechanics.keep_from_leaving(caller.workshop_id, whose)
        made = ClockEntry(
            workshop_id=caller.workshop_id,
            mechanic_id=whose,
            service_ticket_id=ticket_id,
            line_id=line_id,
            started_at=_now(),
        )
        session.add(made)
        try:
            _flush(session)
        except ClockOverlaps as error:  # with one that runs, which has no end
            raise ClockRunning() from error
        audit.note("clock.started", "clock_entry", made.id, after=_told(made))
    return made


def _require_labour(ticket: ServiceTicket, line_id: int | None) -> None:
    if line_id is not None and lines.one(ticket, line_id).kind != "labour":
        raise Invalid("See `errors`.", errors={"line_id": ["Not a line of labour."]})


def stop(caller: Principal, ticket_id: int, *, mechanic_id: int | None = None) -> ClockEntry:
    """Stop a mechanic's clock that runs on a ticket, whatever has become of the ticket.

    :raises TicketNotFound: unknown here. :raises NotYourClock: another's. :raises Invalid: nobody is named.
    :raises ClockNotRunning: it does not run here. :raises ClockForgotten: it has run for more than 16 hours.
    """
    whose = mechanic_of(caller, mechanic_id, "hours:write")
    with atomic() as session:
        hold(caller, ticket_id, None)
        running = session.scalar(
            locked(ClockEntry).where(
                ClockEntry.workshop_id == caller.workshop_id,
                ClockEntry.service_ticket_id == ticket_id,
                ClockEntry.mechanic_id == whose,
                ClockEntry.ended_at.is_(None),
            )
        )
        if running is None:
            raise ClockNotRunning()
        now = _now()
        if is_forgotten(running.started_at, None, now):
            raise ClockForgotten()
        running.ended_at = max(now, running.started_at)
        session.flush()
        audit.note("clock.stopped", "clock_entry", running.id, after={"ended_at": running.ended_at})
    return running


def stop_all(workshop_id: int, ticket_id: int) -> None:
    """Stop the clocks that run on a ticket, whose work is over: inside the `atomic()` that ends it.

    One that was forgotten stays as it is: when somebody stopped working is for a person to say.
    """
    _stop_running(workshop_id, ClockEntry.service_ticket_id == ticket_id)


def stop_wherever(workshop_id: int, mechanic_id: int) -> None:
    """Stop the clock of a mechanic who leaves, whatever it runs on: inside the `atomic()` in which they do. See `stop_all`."""
    _stop_running(workshop_id, ClockEntry.mechanic_id == mechanic_id)


def _stop_running(workshop_id: int, which: ColumnElement[bool]) -> None:
    now = _now()
    running = db.session.scalars(
        locked(ClockEntry).where(ClockEntry.workshop_id == workshop_id, which, ClockEntry.ended_at.is_(None))
    )
    for entry in running:
        if not is_forgotten(entry.started_at, None, now):
            entry.ended_at = max(now, entry.started_at)
            audit.note("clock.stopped", "clock_entry", entry.id, after={"ended_at": entry.ended_at})


def leave_lines(workshop_id: int, line_ids: Sequence[int]) -> None:
    """Let what was worked on lines be on their ticket alone: inside the `atomic()` in which a customer declines them."""
    entries = db.session.scalars(
        locked(ClockEntry).where(ClockEntry.workshop_id == workshop_id, ClockEntry.line_id.in_(line_ids))
    )
    for entry in entries:
        audit.note(
            "clock.changed",
            "clock_entry",
            entry.id,
            before={"line_id": entry.line_id},
            after={"line_id": None},
        )
        entry.line_id = None
    db.session.flush()


# ---- Correcting -----------------------------------------------------------------------------------------------------


def get(caller: Principal, ticket_id: int, entry_id: int) -> ClockEntry:
    """Return an entry of a ticket.

    :raises ClockEntryNotFound: not on this ticket.
    """
    return _one(select(ClockEntry), caller, ticket_id, entry_id)


def _one(statement: Select[ClockEntry], caller: Principal, ticket_id: int, entry_id: int) -> ClockEntry:
    found = db.session.scalar(
        statement.where(
            ClockEntry.workshop_id == caller.workshop_id,
            ClockEntry.service_ticket_id == ticket_id,
            ClockEntry.id == entry_id,
        )
    )
    if found is None:
        raise ClockEntryNotFound()
    return found


def _ticket_of_entry(caller: Principal, ticket_id: int) -> ServiceTicket:
    """Return the ticket of an entry, locked until the transaction ends: who corrects hours need not be one who changes tickets.

    :raises ClockEntryNotFound: unknown here.
    """
    ticket = held(caller.workshop_id, ticket_id)
    if ticket is None:
        raise ClockEntryNotFound()
    return ticket


def correct(
    caller: Principal,
    ticket_id: int,
    entry_id: int,
    changes: dict[str, Any],
    reason: str,
    expected: Expected = None,
) -> ClockEntry:
    """Say when and on which line of labour somebody worked in truth, and why it stood otherwise.

    :raises ClockEntryNotFound: not on this ticket. :raises Stale: not the `expected` version.
    :raises Invalid: it ends before it starts, in the future, or after more than 16 hours; or the line is no labour.
    :raises LineNotFound: the ticket has no such line.
    :raises ClockOverlaps: the mechanic has another entry then. :raises ClockRunning: it is to run on, and another runs.
    :raises TicketClosed: it is to run on, and the ticket is finished or cancelled. :raises MechanicNotFound: or who is gone.
    """
    with atomic() as session:
        ticket = _ticket_of_entry(caller, ticket_id)
        known = get(caller, ticket_id, entry_id)
        if changes.get("ended_at", known.ended_at) is None:
            mechanics.keep_from_leaving(caller.workshop_id, known.mechanic_id)  # before what leaving stops
        entry = _one(locked(ClockEntry), caller, ticket_id, entry_id)
        require_version(entry, expected)
        _require_labour(ticket, changes.get("line_id"))
        before = _told(entry)
        for name, value in {**changes, "reason": reason}.items():
            setattr(entry, name, value.replace(microsecond=0) if isinstance(value, datetime) else value)
        _require_span(entry)
        if entry.ended_at is None:
            require_open(ticket)
        _flush(session)
        after = _told(entry)
        if after != before:
            audit.note("clock.changed", "clock_entry", entry_id, before=before, after=after)
    return entry


def _require_span(entry: ClockEntry) -> None:
    now = _now()
    if entry.started_at > now:
        raise Invalid("See `errors`.", errors={"started_at": ["In the future."]})
    if entry.started_at < EARLIEST:
        raise Invalid("See `errors`.", errors={"started_at": ["Before 2000."]})
    if entry.ended_at is None:
        return
    if entry.ended_at > now:
        raise Invalid("See `errors`.", errors={"ended_at": ["In the future."]})
    if entry.ended_at < entry.started_at:
        raise Invalid("See `errors`.", errors={"ended_at": ["Before `started_at`."]})
    if entry.ended_at - entry.started_at > LONGEST:
        raise Invalid("See `errors`.", errors={"ended_at": ["More than 16 hours after `started_at`."]})


def _flush(session: Session) -> None:
    try:
        session.flush()
    except DBAPIError as error:  # pg8000 has no kind of its own for what an exclusion constraint refuses
        if "no_overlap" in violated(error):
            raise ClockOverlaps() from error
        if "running" in violated(error) or "clock_entries.mechanic_id" in violated(error):
            raise ClockRunning() from error
        raise


def remove(caller: Principal, ticket_id: int, entry_id: int, reason: str, expected: Expected = None) -> None:
    """Delete an entry; what it said and why it went is in the audit log.

    :raises ClockEntryNotFound: not on this ticket. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        entry = _one(locked(ClockEntry), caller, ticket_id, entry_id)
        require_version(entry, expected)
        before = _told(entry)
        session.delete(entry)
        session.flush()
        audit.note("clock.removed", "clock_entry", entry_id, before=before, after={"reason": reason})


def _told(entry: ClockEntry) -> dict[str, Any]:
    return audit.fields_of(entry, RECORD)
