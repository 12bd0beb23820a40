"""What is told to customers when their tickets take a step."""

from __future__ import annotations

from app.blueprints.progress import notices
from app.blueprints.service_tickets.events import TicketStatusChanged
from app.core.events import handles


@handles(TicketStatusChanged)
def notify_of_completion(event: TicketStatusChanged) -> None:
    """Tell a customer that the work on their car is done."""
    if event.after == "completed":
        notices.tell_of_completion(event.workshop_id, event.ticket_id)
