"""When the clock stops by itself, as the work is over or the mechanic leaves, and what it does when work is declined."""

from __future__ import annotations

from app.blueprints.mechanics.events import MechanicLeft
from app.blueprints.service_tickets.events import TicketStatusChanged, WorkDeclined
from app.blueprints.timesheets import service
from app.core.events import handles


@handles(TicketStatusChanged)
def _stop_the_clocks(step: TicketStatusChanged) -> None:
    if step.after in ("completed", "cancelled"):
        service.stop_all(step.workshop_id, step.ticket_id)


@handles(MechanicLeft)
def _stop_the_clock_of(leaving: MechanicLeft) -> None:
    service.stop_wherever(leaving.workshop_id, leaving.mechanic_id)


@handles(WorkDeclined)
def _leave_what_was_declined(event: WorkDeclined) -> None:
    """Hours that were worked on a line that is declined stay with the ticket, and on no line."""
    worked_on = [line.line_id for line in event.work if line.kind == "labour"]
    if worked_on:
        service.leave_lines(event.ticket.workshop_id, worked_on)
