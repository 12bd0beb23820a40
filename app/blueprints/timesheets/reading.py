"""Worked hours, reckoned: of a ticket against what is billed for it, and of a mechanic from one day to another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, select

from app.blueprints.mechanics.errors import MechanicNotFound
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets.errors import TicketNotFound
from app.blueprints.service_tickets.models import ServiceTicket, TicketLine
from app.blueprints.timesheets.models import ClockEntry
from app.blueprints.timesheets.service import is_forgotten, mechanic_of
from app.blueprints.workshops.terms import time_zone_of
from app.core import clock
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.money import rounded
from app.extensions import db

MOST_SHOWN = 100
MOST_DAYS = 31
Told = dict[str, Any]


def told(entry: ClockEntry, moment: datetime) -> Told:
    """Return an entry as it is shown at a moment, with how long it lasts in whole seconds.

    One that is running counts up to the moment; one that was forgotten counts nothing until it is corrected.
    """
    forgotten = is_forgotten(entry.started_at, entry.ended_at, moment)
    state = "forgotten" if forgotten else "running" if entry.ended_at is None else "stopped"
    return {
        "id": entry.id,
        "mechanic_id": entry.mechanic_id,
        "service_ticket_id": entry.service_ticket_id,
        "line_id": entry.line_id,
        "started_at": entry.started_at,
        "ended_at": entry.ended_at,
        "seconds": 0 if forgotten else seconds_between(entry.started_at, entry.ended_at or moment),
        "state": state,
        "reason": entry.reason,
        "version": entry.version,
    }


def seconds_between(start: datetime, end: datetime) -> int:
    """Return the whole seconds from one instant to a later one; none where it is not later."""
    return max(0, (end - start) // timedelta(seconds=1))


def hours_of(seconds: int) -> Decimal:
    """Return seconds as hours with two places, rounded half up."""
    return Decimal((seconds * 100 + 1800) // 3600).scaleb(-2)


def shown(entry: ClockEntry) -> Told:
    """Return an entry as it is shown now."""
    return told(entry, clock.now())


def _labour(workshop_id: int, ticket_id: int) -> Sequence[Row[int, str, Decimal]]:
    """Return the lines of labour that a ticket bills: id, words and hours."""
    return db.session.execute(
        select(TicketLine.id, TicketLine.description, TicketLine.quantity)
        .where(
            TicketLine.workshop_id == workshop_id,
            TicketLine.service_ticket_id == ticket_id,
            TicketLine.kind == "labour",
        )
        .order_by(TicketLine.id)
    ).all()


def _by_line(labour: Sequence[Row[int, str, Decimal]], entries: Sequence[Told]) -> list[Told]:
    """Return what was worked against what is billed by lines of labour, and what was worked on none of them."""
    seconds: defaultdict[int | None, int] = defaultdict(int)
    for entry in entries:
        seconds[entry["line_id"]] += entry["seconds"]
    rows: list[tuple[int | None, str | None, Decimal]] = [(row[0], row[1], row[2]) for row in labour]
    if seconds[None]:
        rows.append((None, None, Decimal(0)))
    return [
        {
            "line_id": line_id,
            "description": description,
            "billed_hours": rounded(hours),
            "worked_seconds": seconds[line_id],
            "worked_hours": hours_of(seconds[line_id]),
        }
        for line_id, description, hours in rows
    ]


def of_ticket(caller: Principal, ticket_id: int) -> Told:
    """Return the hours that were worked on a ticket against those that it bills, in sum and by lines, and its entries.

    :raises TicketNotFound: unknown here.
    """
    known = select(ServiceTicket.id).where(
        ServiceTicket.workshop_id == caller.workshop_id, ServiceTicket.id == ticket_id
    )
    if db.session.scalar(known) is None:
        raise TicketNotFound()
    entries = _told_all(
        select(ClockEntry).where(
            ClockEntry.workshop_id == caller.workshop_id, ClockEntry.service_ticket_id == ticket_id
        )
    )
    labour = _labour(caller.workshop_id, ticket_id)
    billed = sum((row[2] for row in labour), Decimal(0))
    return {"billed_hours": rounded(billed), "lines": _by_line(labour, entries), **_summed(entries)}


def of_mechanic(
    caller: Principal, mechanic_id: int, first_day: date | None = None, last_day: date | None = None
) -> Told:
    """Return what a mechanic worked from one day to another, both included, by when an entry began in the workshop's time zone.

    Without days it is the last seven.
    :raises NotYourClock: another's. :raises MechanicNotFound: unknown here. :raises Invalid: not in order, or more than 31
    days.
    """
    whose = mechanic_of(caller, mechanic_id, "hours:read")
    known = select(Mechanic.id).where(Mechanic.workshop_id == caller.workshop_id, Mechanic.id == whose)
    if db.session.scalar(known) is None:  # who has left has worked
        raise MechanicNotFound()
    for name, day in (("from", first_day), ("to", last_day)):
        if day is not None and not 2000 <= day.year < 2200:
            raise Invalid("That is too far away.", errors={name: ["Not from 2000 to 2199."]})
    zone = time_zone_of(caller.workshop_id)
    last = last_day or max(clock.now().astimezone(zone).date(), first_day or date.min)
    first = first_day or last - timedelta(days=6)
    _require_days(first, last)
    entries = _told_all(
        select(ClockEntry).where(
            ClockEntry.workshop_id == caller.workshop_id,
            ClockEntry.mechanic_id == whose,
            ClockEntry.started_at >= _midnight(first, zone),
            ClockEntry.started_at < _midnight(last + timedelta(days=1), zone),
        )
    )
    return {"mechanic_id": whose, "first_day": first, "last_day": last, **_summed(entries)}


def _require_days(first: date, last: date) -> None:
    if last < first:
        raise Invalid("The days are not in order.", errors={"to": ["Before `from`."]})
    if last - first >= timedelta(days=MOST_DAYS):
        raise Invalid("That is too long.", errors={"to": [f"More than {MOST_DAYS} days."]})
    if not (first.year >= 2000 and last.year < 2200):
        raise Invalid("That is too far away.", errors={"from": ["Not from 2000 to 2199."]})


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _told_all(statement: Select[ClockEntry]) -> list[Told]:
    moment = clock.now()
    ordered = statement.order_by(ClockEntry.started_at.desc(), ClockEntry.id.desc())
    return [told(entry, moment) for entry in db.session.scalars(ordered)]


def _summed(entries: Sequence[Told]) -> Told:
    """Return sums over all entries with the last of them: a ticket has dozens, and its sums are of all."""
    worked = sum(entry["seconds"] for entry in entries)
    return {
        "worked_seconds": worked,
        "worked_hours": hours_of(worked),
        "running": sum(entry["state"] == "running" for entry in entries),
        "forgotten": sum(entry["state"] == "forgotten" for entry in entries),
        "entry_count": len(entries),
        "entries": entries[:MOST_SHOWN],
    }
