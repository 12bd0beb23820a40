"""Rankings over the tickets: which mechanics worked on most, which parts were used most."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select

from app.blueprints.inventory.models import Part
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets.models import ServiceTicket, TicketMechanic, TicketPart
from app.extensions import db


def mechanics_by_tickets(
    workshop_id: int,
    *,
    service_date_from: date | None = None,
    service_date_to: date | None = None,
    limit: int = 20,
) -> list[dict[str, Any]]:
    """Return the mechanics who work here with the number of their tickets in the period, most first."""
    counts = (
        select(TicketMechanic.mechanic_id, func.count().label("ticket_count"))
        .where(TicketMechanic.workshop_id == workshop_id)
        .group_by(TicketMechanic.mechanic_id)
    )
    if period := _period(service_date_from, service_date_to):
        counts = counts.join(ServiceTicket, _of_ticket(TicketMechanic)).where(*period)
    counted = counts.subquery()
    number = func.coalesce(counted.c.ticket_count, 0)
    statement = (
        select(Mechanic.id, Mechanic.name, number.label("ticket_count"))
        .outerjoin(counted, counted.c.mechanic_id == Mechanic.id)
        .where(Mechanic.workshop_id == workshop_id, Mechanic.left_at.is_(None))
        .order_by(number.desc(), Mechanic.id)
        .limit(limit)
    )
    return [row._asdict() for row in db.session.execute(statement)]


def parts_by_quantity(
    workshop_id: int,
    *,
    service_date_from: date | None = None,
    service_date_to: date | None = None,
    limit: int = 20,
) -> list[dict[str, Any]]:
    """Return the parts that went on tickets in the period, by quantity, most first; cancelled tickets used none."""
    used = (
        select(
            TicketPart.part_id,
            func.sum(TicketPart.quantity).label("quantity_used"),
            func.count(TicketPart.service_ticket_id.distinct()).label("ticket_count"),
        )
        .join(ServiceTicket, _of_ticket(TicketPart))
        .where(
            TicketPart.workshop_id == workshop_id,
            ServiceTicket.status != "cancelled",
            *_period(service_date_from, service_date_to),
        )
        .group_by(TicketPart.part_id)
        .subquery()
    )
    statement = (
        select(Part.id, Part.name, used.c.quantity_used, used.c.ticket_count)
        .join(used, used.c.part_id == Part.id)
        .where(Part.workshop_id == workshop_id)
        .order_by(used.c.quantity_used.desc(), Part.id)
        .limit(limit)
    )
    return [row._asdict() for row in db.session.execute(statement)]


def _of_ticket(link: type[TicketMechanic] | type[TicketPart]) -> ColumnElement[bool]:
    return and_(ServiceTicket.workshop_id == link.workshop_id, ServiceTicket.id == link.service_ticket_id)


def _period(first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    bounds = []
    if first is not None:
        bounds.append(ServiceTicket.service_date >= first)
    if last is not None:
        bounds.append(ServiceTicket.service_date <= last)
    return bounds
