"""Rankings over the tickets: which mechanics worked on most, which parts were used most.

A cancelled ticket counts nowhere: nobody worked on it, and what was fitted came back.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, exists, func, null, select

from app.blueprints.inventory.models import Part
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets.models import ServiceTicket, TicketLine, TicketMechanic
from app.blueprints.service_tickets.vocabulary import Grouping
from app.blueprints.vehicles.models import Vehicle
from app.core.search import same
from app.extensions import db

_KEYS: dict[Grouping, ColumnElement[Any]] = {
    "part": TicketLine.part_id.expression,
    "make": func.lower(Vehicle.make),
    "mechanic": TicketMechanic.mechanic_id.expression,
}
_CAR = and_(Vehicle.workshop_id == ServiceTicket.workshop_id, Vehicle.id == ServiceTicket.vehicle_id)
_NOT_CANCELLED = ServiceTicket.status != "cancelled"
_HANDS = and_(
    TicketMechanic.workshop_id == TicketLine.workshop_id,
    TicketMechanic.service_ticket_id == TicketLine.service_ticket_id,
)


def mechanics_by_tickets(
    workshop_id: int,
    *,
    service_date_from: date | None = None,
    service_date_to: date | None = None,
    limit: int = 20,
) -> list[dict[str, Any]]:
    """Return the mechanics who work here with the number of their tickets in the period, most first, but for cancelled ones."""
    counted = (
        select(TicketMechanic.mechanic_id, func.count().label("ticket_count"))
        .join(ServiceTicket, _of_ticket(TicketMechanic))
        .where(
            TicketMechanic.workshop_id == workshop_id,
            _NOT_CANCELLED,
            *_period(service_date_from, service_date_to),
        )
        .group_by(TicketMechanic.mechanic_id)
        .subquery()
    )
    number = func.coalesce(counted.c.ticket_count, 0)
    statement = (
        select(Mechanic.id, Mechanic.name, number.label("ticket_count"))
        .outerjoin(counted, counted.c.mechanic_id == Mechanic.id)
        .where(Mechanic.workshop_id == workshop_id, Mechanic.left_at.is_(None))
        .order_by(number.desc(), Mechanic.id)
        .limit(limit)
    )
    return [row._asdict() for row in db.session.execute(statement)]


def parts_used(
    workshop_id: int,
    *,
    by: Grouping = "part",
    item_id: int | None = None,
    make: str | None = None,
    mechanic_id: int | None = None,
    service_date_from: date | None = None,
    service_date_to: date | None = None,
    limit: int = 20,
) -> list[dict[str, Any]]:
    """Return how many parts were fitted on tickets of the period, by part, make of the car or mechanic, most first.

    What is wanted and not fitted yet was not used, be it counted or not; who finishes a job has fitted what it wanted.
    Cancelled tickets used none. What was fitted on a ticket of two mechanics counts for each. Cars without a make are one group
    without a name, and so are tickets that nobody works on.
    """
    key, quantity = _KEYS[by], func.sum(TicketLine.fitted)
    statement = (
        select(
            key.label("key"),
            func.min(Vehicle.make if by == "make" else null()).label("make"),
            quantity.label("quantity_used"),
            func.count(TicketLine.service_ticket_id.distinct()).label("ticket_count"),
        )
        .join(ServiceTicket, _of_ticket(TicketLine))
        .where(
            TicketLine.workshop_id == workshop_id,
            TicketLine.part_id.is_not(None) if item_id is None else TicketLine.part_id == item_id,
            TicketLine.fitted > 0,
            _NOT_CANCELLED,
            *_period(service_date_from, service_date_to),
        )
        .group_by(key)
        .order_by(quantity.desc(), key.nulls_last())
        .limit(limit)  # before the names are read, which lie far apart among many parts
    )
    if by == "make" or make is not None:
        statement = statement.join(Vehicle, _CAR)
    if make is not None:
        statement = statement.where(same(Vehicle.make, make))
    if by == "mechanic":
        statement = statement.outerjoin(TicketMechanic, _HANDS)
    if mechanic_id is not None:
        worked = TicketMechanic.mechanic_id == mechanic_id
        statement = statement.where(worked if by == "mechanic" else exists().where(_HANDS, worked))
    return [row._asdict() for row in db.session.execute(_named(by, workshop_id, statement.subquery()))]


def _named(by: Grouping, workshop_id: int, used: Subquery) -> Select[Any]:
    """Return what gives each group its name, in the order of the ranking."""
    counts = (used.c.quantity_used, used.c.ticket_count)
    most = used.c.quantity_used.desc()
    if by == "make":
        return select(null().label("id"), used.c.make.label("name"), *counts).order_by(
            most, used.c.key.nulls_last()
        )
    if by == "mechanic":
        named = select(Mechanic.id, Mechanic.name, *counts).select_from(used)
        known = and_(Mechanic.workshop_id == workshop_id, Mechanic.id == used.c.key)
        return named.outerjoin(Mechanic, known).order_by(most, used.c.key.nulls_last())
    named = select(Part.id, Part.name, *counts).join(used, used.c.key == Part.id)
    return named.where(Part.workshop_id == workshop_id).order_by(most, Part.id)


def _of_ticket(link: type[TicketMechanic] | type[TicketLine]) -> ColumnElement[bool]:
    return and_(ServiceTicket.workshop_id == link.workshop_id, ServiceTicket.id == link.service_ticket_id)


def _period(first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    bounds = []
    if first is not None:
        bounds.append(ServiceTicket.service_date >= first)
    if last is not None:
        bounds.append(ServiceTicket.service_date <= last)
    return bounds
