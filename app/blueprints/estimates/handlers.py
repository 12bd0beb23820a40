"""What estimates do when a ticket takes a step: one that is out is decided while the ticket awaits it, and not afterwards."""

from __future__ import annotations

from app.blueprints.estimates import service
from app.blueprints.service_tickets.events import TicketStatusChanged
from app.blueprints.service_tickets.status import BY_WORD
from app.core.events import handles


@handles(TicketStatusChanged)
def withdraw_what_can_be_decided_no_more(event: TicketStatusChanged) -> None:
    """Who cancels a ticket takes back what was asked; nobody approves or declines it while an estimate is out."""
    if event.before == "awaiting_approval" and event.after not in BY_WORD:
        service.withdraw_what_stands(event.workshop_id, event.ticket_id)
