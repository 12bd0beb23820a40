"""Whose visit it is, for those who look at what hangs on it."""

from __future__ import annotations

from sqlalchemy import select

from app.blueprints.customers import service as customers
from app.blueprints.service_tickets.errors import TicketNotFound
from app.blueprints.service_tickets.holding import require_own
from app.blueprints.service_tickets.models import ServiceTicket
from app.core.identity import Principal
from app.core.sealing import Person
from app.extensions import db


def require_ticket(caller: Principal, ticket_id: int) -> None:
    """Refuse to show what hangs on a ticket that `caller` may not see.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    require_own(caller, _customer_of(caller, ticket_id), "tickets:read")


def person_of(caller: Principal, ticket_id: int) -> Person:
    """Return under whose key the audit log keeps what is written about a visit: it may tell of its customer.

    :raises TicketNotFound: unknown here.
    """
    return customers.person(_customer_of(caller, ticket_id))


def _customer_of(caller: Principal, ticket_id: int) -> int:
    customer_id = db.session.scalar(
        select(ServiceTicket.customer_id).where(
            ServiceTicket.workshop_id == caller.workshop_id, ServiceTicket.id == ticket_id
        )
    )
    if customer_id is None:
        raise TicketNotFound()
    return customer_id
