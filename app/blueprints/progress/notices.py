"""What customers are told by mail of their visits: how the work goes on, and that it is done."""

from __future__ import annotations

from sqlalchemy import select

from app.blueprints.customers import preferences
from app.blueprints.customers.preferences import Kind
from app.blueprints.progress.models import ProgressUpdate
from app.blueprints.service_tickets.models import ServiceTicket
from app.core import outbox
from app.extensions import db


def tell_of_progress(update: ProgressUpdate) -> None:
    """Queue the mail on a progress update that was validated. Inside the caller's `atomic()`."""
    number, whose, address = _addressed(update.workshop_id, update.service_ticket_id, "progress_updates")
    if address is not None:
        outbox.queue(
            update.workshop_id,
            "progress_update",
            address,
            customer_id=whose,
            number=number,
            words=update.text,
        )


def tell_of_completion(workshop_id: int, ticket_id: int) -> None:
    """Queue the mail that a car is ready. Inside the caller's `atomic()`."""
    number, whose, address = _addressed(workshop_id, ticket_id, "completion_notices")
    if address is not None:
        outbox.queue(workshop_id, "ticket_completed", address, customer_id=whose, number=number)


def _addressed(workshop_id: int, ticket_id: int, kind: Kind) -> tuple[int, int, str | None]:
    """Return a ticket's number, whose it is, and where its customer reads mail of a kind, if they want it."""
    number, customer_id = db.session.execute(
        select(ServiceTicket.number, ServiceTicket.customer_id).where(
            ServiceTicket.workshop_id == workshop_id, ServiceTicket.id == ticket_id
        )
    ).one()
    return number, customer_id, preferences.address_for(workshop_id, customer_id, kind)
