"""One ticket in hand: shown as its caller may see it, or held for a change."""

from __future__ import annotations

from typing import Any

from app.blueprints.service_tickets import reading
from app.blueprints.service_tickets.errors import NotYourTicket, TicketClosed, TicketNotFound
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.service_tickets.status import FINISHED, allowed_transitions
from app.blueprints.vehicles.vin import warnings
from app.core.db import locked
from app.core.identity import Principal
from app.core.preconditions import Expected, require_version
from app.extensions import db

Ticket = dict[str, Any]


def whole(caller: Principal, ticket_id: int) -> Ticket:
    """Return a ticket as `caller` is shown it: with what they may do next, and what to look at twice."""
    return completed(caller, reading.get(ticket_id))


def completed(caller: Principal, ticket: Ticket) -> Ticket:
    """Return a ticket with what `caller` may do next, and what to look at twice."""
    ticket["allowed_transitions"] = allowed_transitions(ticket["status"], caller.role)
    ticket["warnings"] = warnings(ticket["VIN"])
    return ticket


def require_own(caller: Principal, customer_id: int, scope: str = "tickets:write") -> None:
    """Refuse a customer what is another's.

    :raises NotYourTicket: the caller is neither that customer nor has `scope`.
    """
    if not caller.may(scope) and caller.customer_id != customer_id:
        raise NotYourTicket()


def hold(caller: Principal, ticket_id: int, expected: Expected) -> ServiceTicket:
    """Return a ticket, locked until the transaction ends: whoever changes what hangs on it waits here.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's. :raises Stale: not the `expected` version.
    """
    ticket = db.session.scalar(
        locked(ServiceTicket).where(
            ServiceTicket.workshop_id == caller.workshop_id, ServiceTicket.id == ticket_id
        )
    )
    if ticket is None:
        raise TicketNotFound()
    require_own(caller, ticket.customer_id)
    require_version(ticket, expected)
    return ticket


def require_open(ticket: ServiceTicket) -> None:
    """Refuse to change a ticket that is over.

    :raises TicketClosed: it is finished or cancelled.
    """
    if ticket.status in FINISHED or ticket.status == "cancelled":
        raise TicketClosed(f"The ticket is {ticket.status}.")
