"""When the clock stops by itself: the ticket's work is over, or the mechanic leaves."""

from __future__ import annotations

from app.blueprints.mechanics.events import MechanicLeft
from app.blueprints.service_tickets.events import TicketStatusChanged
from app.blueprints.timesheets import service
from app.core.events import handles


@handles(TicketStatusChanged)
def _stop_the_clocks(step: TicketStatusChanged) -> None:
    if step.after in ("completed", "cancelled"):
        service.stop_all(step.workshop_id, step.ticket_id)


@handles(MechanicLeft)
def _stop_the_clock_of(leaving: MechanicLeft) -> None:
    service.stop_wherever(leaving.workshop_id, leaving.mechanic_id)
