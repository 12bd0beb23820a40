"""What service tickets do when a car is about to be archived: one that is here, or expected, stays in use."""

from __future__ import annotations

from sqlalchemy import select, text

from app.blueprints.service_tickets.errors import VehicleHasOpenTickets
from app.blueprints.service_tickets.models import IS_OPEN, ServiceTicket
from app.blueprints.vehicles.events import VehicleArchiving
from app.core.events import handles
from app.core.identity import Principal
from app.extensions import db

MOST_NAMED = 10


@handles(VehicleArchiving)
def _keep_what_is_at_work(leaving: VehicleArchiving) -> None:
    """Refuse to archive a car with an open ticket; a customer is told the numbers of their own alone.

    :raises VehicleHasOpenTickets: there is one.
    """
    open_now = open_tickets(leaving.caller.workshop_id, leaving.vehicle_id)
    if not open_now:
        return
    told = [str(number) for number, customer_id in open_now if _is_told(leaving.caller, customer_id)]
    raise VehicleHasOpenTickets(f"Open: {', '.join(told[:MOST_NAMED])}." if told else "Ask the workshop.")


def open_tickets(workshop_id: int, vehicle_id: int) -> list[tuple[int, int]]:
    """Return the numbers of a vehicle's open tickets, each with whose it is."""
    statement = select(ServiceTicket.number, ServiceTicket.customer_id).where(
        ServiceTicket.workshop_id == workshop_id, ServiceTicket.vehicle_id == vehicle_id, text(IS_OPEN)
    )
    rows = db.session.execute(statement.order_by(ServiceTicket.number))
    return [(row.number, row.customer_id) for row in rows]


def _is_told(caller: Principal, customer_id: int) -> bool:
    return caller.may("tickets:read") or caller.customer_id == customer_id
