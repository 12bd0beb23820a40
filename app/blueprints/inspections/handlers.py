"""What inspections do when work is declined, when lines go off a visit, and when it ends or is deleted."""

from __future__ import annotations

from app.blueprints.inspections import taking
from app.blueprints.service_tickets.events import (
    LinesTakenOff,
    TicketCarChanged,
    TicketDeleted,
    TicketStatusChanged,
    WorkDeclined,
)
from app.core.events import handles

BECOMES = {"completed": "done", "cancelled": "open"}


@handles(TicketStatusChanged)
def settle_what_was_taken(event: TicketStatusChanged) -> None:
    """Work that was taken at a visit is done with it, or open again where the visit is cancelled."""
    state = BECOMES.get(event.after)
    if state is not None:
        taking.settle_taken(event.workshop_id, event.ticket_id, state, event.account_id)


@handles(TicketCarChanged)
def go_along_with_the_car(event: TicketCarChanged) -> None:
    """What was found at a visit was found in the car that stood there."""
    taking.move(event.ticket)


@handles(TicketDeleted)
def reopen_what_was_taken_there(event: TicketDeleted) -> None:
    """Advice that somebody decided on keeps the visit at which it was found. What was to be done at this one is open again."""
    taking.require_none_kept(event.ticket)
    taking.settle_taken(event.ticket.workshop_id, event.ticket.id, "open", event.account_id)


@handles(WorkDeclined)
def keep_what_was_declined(event: WorkDeclined) -> None:
    """Work that was declined at a visit is kept with the car, and offered again at the next."""
    taking.defer(event.ticket, event.account_id, event.work, event.reason)


@handles(LinesTakenOff)
def reopen_what_is_off(event: LinesTakenOff) -> None:
    """Work whose lines are all taken off a ticket is not done there: it is open again."""
    taking.leave(event.workshop_id, event.ticket_id, event.line_ids, "open", event.account_id)
