"""What tickets have set aside of parts, told to the stockroom: let go where a count leaves less, and more where some come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy import Select, cast, func, or_, select, text

from app.blueprints.inventory import reservations
from app.blueprints.inventory.reservations import Given
from app.blueprints.service_tickets import lines, moving
from app.blueprints.service_tickets.models import LACKS_PARTS, ServiceTicket, TicketLine
from app.blueprints.service_tickets.status import OVER, WANTING
from app.core import audit
from app.core.db import Id, locked, touch
from app.core.identity import acting_account
from app.core.quantities import has_fraction, told
from app.extensions import db


def _setting_aside(workshop_id: int, part_ids: Iterable[int]) -> tuple[Any, ...]:
    return (
        TicketLine.workshop_id == workshop_id,
        TicketLine.part_id.in_(part_ids),
        TicketLine.reserved > 0,
    )


def numbers(workshop_id: int, part_ids: Collection[int]) -> dict[int, list[int]]:
    """Return the numbers of the tickets that have set aside some of each part."""
    statement = (
        select(TicketLine.part_id, ServiceTicket.number)
        .join(ServiceTicket, ServiceTicket.id == TicketLine.service_ticket_id)
        .where(ServiceTicket.workshop_id == workshop_id, *_setting_aside(workshop_id, part_ids))
        .distinct()
        .order_by(TicketLine.part_id, ServiceTicket.number)
    )
    found: defaultdict[int, list[int]] = defaultdict(list)
    for part_id, number in db.session.execute(statement):
        assert part_id is not None
        found[part_id].append(number)
    return dict(found)


def hold(workshop_id: int, part_ids: Collection[int]) -> list[int]:
    """Lock the tickets that have set aside some of these parts, in the order of their ids, and return their ids."""
    return _held(workshop_id, ServiceTicket.id.in_(_tickets_of(*_setting_aside(workshop_id, part_ids))))


def _tickets_of(*conditions: Any) -> Select[int]:
    return select(TicketLine.service_ticket_id).where(*conditions)


def _held(workshop_id: int, *conditions: Any) -> list[int]:
    statement = (
        locked(ServiceTicket)
        .where(ServiceTicket.workshop_id == workshop_id, *conditions)
        .order_by(ServiceTicket.id)
    )
    return [ticket.id for ticket in db.session.scalars(statement)]


def release(workshop_id: int, ticket_ids: list[int], quantities: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Let go of so many of each part from tickets that are held, the newest first; return how many it was.

    What a ticket lacks then is to be ordered: one that is being worked on waits for it. The parts are the caller's to change.
    """
    left, done = dict(quantities), defaultdict[int, Decimal](Decimal)
    statement = (
        select(TicketLine, ServiceTicket)
        .join(ServiceTicket, ServiceTicket.id == TicketLine.service_ticket_id)
        .where(
            ServiceTicket.workshop_id == workshop_id,
            ServiceTicket.id.in_(ticket_ids),
            *_setting_aside(workshop_id, quantities),
        )
        .order_by(ServiceTicket.id.desc(), TicketLine.id.desc())
        .execution_options(populate_existing=True)
    )
    rows = db.session.execute(statement).all()
    for ticket, of_ticket in groupby(rows, key=lambda row: row.ServiceTicket):
        released: dict[TicketLine, Decimal] = {}
        for line, _ in of_ticket:
            assert line.part_id is not None
            if quantity := min(left[line.part_id], line.reserved):
                released[line] = quantity
                left[line.part_id] -= quantity
                done[line.part_id] += quantity
        if released:
            _let_go(ticket, released)
    return dict(done)


def _let_go(ticket: ServiceTicket, released: dict[TicketLine, Decimal]) -> None:
    _change(ticket, "ticket.reservation_released", {line: -quantity for line, quantity in released.items()})
    moving.wait_for_parts(ticket, released, acting_account())


def _change(ticket: ServiceTicket, action: str, changes: dict[TicketLine, Decimal]) -> None:
    before = [_recorded(line) for line in changes]
    for line, difference in changes.items():
        line.reserved += difference
    touch(ticket)
    after = [_recorded(line) for line in changes]
    audit.note(action, "ticket", ticket.id, before={"lines": before}, after={"lines": after})


def _recorded(line: TicketLine) -> dict[str, Any]:
    return {"id": line.id, "part_id": line.part_id, "reserved": told(line.reserved)}


def _waiting_for(workshop_id: int, part_ids: Iterable[int]) -> tuple[Any, ...]:
    return TicketLine.workshop_id == workshop_id, TicketLine.part_id.in_(part_ids), text(LACKS_PARTS)


def hold_waiting(workshop_id: int, part_ids: Collection[int]) -> list[int]:
    """Lock the tickets that want more of these parts than is set aside for them, as `hold` does, and return their ids."""
    waiting = _tickets_of(*_waiting_for(workshop_id, part_ids))
    return _held(workshop_id, ServiceTicket.status.in_(WANTING), ServiceTicket.id.in_(waiting))


def give(workshop_id: int, ticket_ids: list[int], quantities: Mapping[int, Decimal]) -> list[Given]:
    """Set so many of each part aside at most for tickets that are held, the earliest day first; return what each was given.

    The parts are the caller's to change. A ticket that waited for them goes on when somebody says so.
    """
    left, given = dict(quantities), []
    statement = (
        select(TicketLine, ServiceTicket)
        .join(ServiceTicket, ServiceTicket.id == TicketLine.service_ticket_id)
        .where(
            ServiceTicket.workshop_id == workshop_id,
            ServiceTicket.id.in_(ticket_ids),
            *_waiting_for(workshop_id, quantities),
        )
        .order_by(ServiceTicket.service_date, ServiceTicket.id, TicketLine.id)
        .execution_options(populate_existing=True)
    )
    rows = db.session.execute(statement).all()
    for ticket, of_ticket in groupby(rows, key=lambda row: row.ServiceTicket):
        kept: dict[TicketLine, Decimal] = {}
        for line, _ in of_ticket:
            assert line.part_id is not None
            if quantity := min(left[line.part_id], lines.lacking(line)):
                kept[line] = quantity
                left[line.part_id] -= quantity
                given.append(Given(line.part_id, ticket.id, ticket.number, quantity))
        if kept:
            _change(ticket, "ticket.parts_set_aside", kept)
    return given


def sums(workshop_id: int, after: int, last: int) -> Select[int, Decimal]:
    """Select parts beyond the id `after`, up to `last`, and how many of each the lines of tickets have set aside."""
    return (
        select(cast(TicketLine.part_id, Id).label("part_id"), func.sum(TicketLine.reserved).label("reserved"))
        .where(
            TicketLine.workshop_id == workshop_id,
            TicketLine.part_id > after,
            TicketLine.part_id <= last,
            TicketLine.reserved > 0,
        )
        .group_by(TicketLine.part_id)
    )


def broken(workshop_id: int, part_id: int) -> list[int]:
    """Return the numbers of the open tickets that have a fraction of a part on a line: wanted, set aside or fitted."""
    quantities = (TicketLine.quantity, TicketLine.reserved, TicketLine.fitted)
    statement = (
        select(ServiceTicket.number)
        .join(TicketLine, TicketLine.service_ticket_id == ServiceTicket.id)
        .where(
            ServiceTicket.workshop_id == workshop_id,
            ServiceTicket.status.not_in(OVER),
            TicketLine.workshop_id == workshop_id,
            TicketLine.part_id == part_id,
            or_(*map(has_fraction, quantities)),
        )
        .distinct()
    )
    return list(db.session.scalars(statement.order_by(ServiceTicket.number)))


reservations.kept_by(
    reservations.Keeper(
        numbers=numbers,
        hold=hold,
        release=release,
        hold_waiting=hold_waiting,
        give=give,
        sums=sums,
        broken=broken,
    )
)
