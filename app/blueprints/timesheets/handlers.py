"""What the clock does when a ticket takes a step: work that is over is not worked on."""

from __future__ import annotations

from app.blueprints.service_tickets.events import TicketStatusChanged
from app.blueprints.timesheets import service
from app.core.events import handles


@handles(TicketStatusChanged)
def _stop_the_clocks(step: TicketStatusChanged) -> None:
    if step.after in ("completed", "cancelled"):
        service.stop_all(step.workshop_id, step.ticket_id)
