"""What the customer agreed to: work does not come to more without being asked for."""

from __future__ import annotations

from decimal import Decimal

from app.blueprints.service_tickets.errors import ApprovalExceeded
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.service_tickets.status import Situation
from app.blueprints.workshops.terms import Terms
from app.core import clock


def require(ticket: ServiceTicket, terms: Terms) -> None:
    """Refuse work on a ticket whose lines come to more than was approved, by the limit that the guards of its steps keep.

    :raises ApprovalExceeded: they do.
    """
    situation = Situation(
        total=ticket.total,
        approved_total=ticket.approved_total,
        approval_required=terms.approval_required,
        tolerance=terms.tolerance,
        parts_missing=False,
        estimate_open_until=ticket.estimate_open_until,
        now=clock.now(),
    )
    if situation.refuses("within_approval"):
        raise ApprovalExceeded(told(situation))


def told(situation: Situation) -> str:
    """Return in words by how much the work is beyond what was approved."""
    approved = Decimal("0.00") if situation.approved_total is None else situation.approved_total
    return (
        f"The work comes to {situation.total}, and {approved} was approved."
        " Ask the customer: take the ticket to awaiting_approval."
    )
