"""The board: what is open, by status, with what somebody has to do about it. For one glance in the morning."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import orjson
from sqlalchemy import ColumnElement, ScalarSelect, and_, case, func, literal_column, select, text

from app.blueprints.customers.models import Customer
from app.blueprints.inventory.models import Part
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets.models import IS_OPEN, ServiceTicket, TicketLine, TicketMechanic
from app.blueprints.service_tickets.status import OPEN, STAGE, Situation
from app.blueprints.vehicles.models import Vehicle, VehiclePlate
from app.blueprints.workshops.terms import terms_of, time_zone_of
from app.core import clock
from app.core.money import from_cents
from app.core.prepared import Prepared, here
from app.core.sqljson import json_object, json_objects, json_text, nested, rfc3339

MOST_TICKETS = 500
# What somebody has to do, in the order in which it is told.
ACTIONS = (
    "overdue", "due_today", "assign_mechanic", "ask_customer", "estimate_expired", "decide_what_next", "begin_work",
    "order_parts", "parts_arrived", "validate", "hand_over",
)  # fmt: skip
Count = Callable[[], ScalarSelect[int]]
_unseen: list[Count] = []


def validated_later(count: Count) -> Count:
    """Register what counts, of a ticket, what of a later feature waits for an owner to validate it."""
    _unseen.append(count)
    return count


_MECHANICS = (
    select(json_objects(id=Mechanic.id, name=Mechanic.name))
    .join(TicketMechanic, TicketMechanic.mechanic_id == Mechanic.id)
    .where(here(Mechanic), here(TicketMechanic), TicketMechanic.service_ticket_id == ServiceTicket.id)
    .correlate(ServiceTicket)
    .scalar_subquery()
)
_PLATE = (
    select(VehiclePlate.plate)
    .where(here(VehiclePlate), VehiclePlate.vehicle_id == Vehicle.id, VehiclePlate.until.is_(None))
    .correlate(Vehicle)
    .limit(literal_column("1"))
    .scalar_subquery()
)

_LACKING: ColumnElement[Any] = func.sum(TicketLine.quantity - TicketLine.reserved - TicketLine.fitted)
# How the counted parts of a ticket stand: 2 where the shelf lacks one, 1 where one is only to be set aside, 0 where all are.
# Each part by all its lines together, and the worst of them.
_STANDING = case((Part.on_hand - Part.reserved < _LACKING, 2), (_LACKING > 0, 1), else_=0)
_PARTS = (
    select(_STANDING)
    .select_from(TicketLine)
    .join(Part, and_(here(Part), Part.id == TicketLine.part_id))
    .where(here(TicketLine), TicketLine.service_ticket_id == ServiceTicket.id, Part.on_hand.is_not(None))
    .group_by(Part.id, Part.on_hand, Part.reserved)
    .order_by(_STANDING.desc())
    .limit(literal_column("1"))
    .correlate(ServiceTicket)
    .scalar_subquery()
)
_BOARD = Prepared(
    lambda: (
        select(
            json_text(
                id=ServiceTicket.id,
                number=ServiceTicket.number,
                status=ServiceTicket.status,
                service_date=ServiceTicket.service_date,
                service_desc=ServiceTicket.service_desc,
                customer=json_object(id=Customer.id, name=Customer.name),
                vehicle=json_object(id=Vehicle.id, make=Vehicle.make, model=Vehicle.model, plate=_PLATE),
                mechanics=nested(_MECHANICS),
                net_total=ServiceTicket.net_total,
                tax_total=ServiceTicket.tax_total,
                approved_total=ServiceTicket.approved_total,
                estimate_open_until=rfc3339(ServiceTicket.estimate_open_until),
                updated_at=rfc3339(ServiceTicket.updated_at),
                parts=_PARTS,
                unseen=sum((count() for count in _unseen), literal_column("0")),
            )
        )
        .select_from(ServiceTicket)
        .join(Vehicle, and_(here(Vehicle), Vehicle.id == ServiceTicket.vehicle_id))
        .join(Customer, and_(here(Customer), Customer.id == ServiceTicket.customer_id))
        .where(here(ServiceTicket), text(IS_OPEN))
        .order_by(ServiceTicket.service_date, ServiceTicket.id)
        .limit(literal_column(str(MOST_TICKETS + 1)))
    )
)


def board(workshop_id: int) -> dict[str, Any]:
    """Return the open tickets of the current workshop by status, the oldest day first, at most 500 of them."""
    terms = terms_of(workshop_id)
    now = clock.now()
    today = now.astimezone(time_zone_of(workshop_id)).date()
    rows = [orjson.loads(row[0]) for row in _BOARD.rows()]
    told = partial(_told, today=today, now=now, required=terms.approval_required, tolerance=terms.tolerance)
    tickets = [told(row) for row in rows[:MOST_TICKETS]]
    by_status = {status: [one for one in tickets if one["status"] == status] for status in OPEN}
    return {
        "columns": [
            {"status": status, "count": len(found), "tickets": found} for status, found in by_status.items()
        ],
        "open": len(tickets),
        "need_action": sum(bool(one["needs"]) for one in tickets),
        "is_cut": len(rows) > MOST_TICKETS,
        "today": today,
    }


def _told(
    row: dict[str, Any], *, today: date, now: datetime, required: bool, tolerance: Decimal
) -> dict[str, Any]:
    total = from_cents(row.pop("net_total") + row.pop("tax_total"))
    approved = row.pop("approved_total")
    until = row.pop("estimate_open_until")
    parts, unseen = row.pop("parts") or 0, row.pop("unseen")
    situation = Situation(
        total=total,
        approved_total=None if approved is None else from_cents(approved),
        approval_required=required,
        tolerance=tolerance,
        parts_missing=parts == 2,
        estimate_open_until=None if until is None else clock.as_utc(until),
        now=now,
    )
    due = date.fromisoformat(row["service_date"])
    row["mechanics"].sort(key=lambda mechanic: mechanic["id"])
    row["stage"], row["total"] = STAGE[row["status"]], total
    needs = _needs(row["status"], (due - today).days, bool(row["mechanics"]), situation, lacks=parts > 0)
    if unseen:
        needs.add("validate")
    row["needs"] = [action for action in ACTIONS if action in needs]
    return row


_UNATTENDED = ("received", "analysis", "approved", "in_progress", "waiting_parts")
_AT_EACH = {"declined": "decide_what_next", "approved": "begin_work", "completed": "hand_over"}


def _needs(
    status: str, days_ahead: int, has_mechanics: bool, situation: Situation, *, lacks: bool
) -> set[str]:
    """Return what somebody has to do about a ticket now."""
    needs = set()
    if status == "booked" and days_ahead <= 0:
        needs.add("overdue" if days_ahead < 0 else "due_today")
    if status in _UNATTENDED and not has_mechanics:
        needs.add("assign_mechanic")
    if status == "awaiting_approval":
        if situation.estimate_open_until is None:
            needs.add("ask_customer")
        elif not situation.refuses("no_estimate_out"):
            needs.add("estimate_expired")
    elif status != "completed" and situation.refuses("within_approval"):
        needs.add("ask_customer")
    if status == "waiting_parts" or (lacks and status not in ("booked", "completed", "out_for_delivery")):
        needs.add("order_parts" if situation.parts_missing else "parts_arrived")
    if status in _AT_EACH and not (status == "approved" and "ask_customer" in needs):
        needs.add(_AT_EACH[status])
    return needs
