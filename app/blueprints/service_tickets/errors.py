"""The refusals of service tickets."""

from __future__ import annotations

from app.core.errors import Conflict, NotAllowed, NotFound


class TicketNotFound(NotFound):
    """No such ticket in this workshop."""

    code, title = "service_ticket_not_found", "Service ticket not found."


class NotYourTicket(NotAllowed):
    """A customer reached for another customer's ticket."""

    code, title = "not_your_ticket", "This is another customer's ticket."


class MechanicsAssigned(Conflict):
    """A ticket is deleted only once nobody works on it."""

    code, title = "mechanics_assigned", "Mechanics are still assigned to the ticket."


class TicketClosed(Conflict):
    """A finished or cancelled ticket is changed no more."""

    code, title = "ticket_closed", "The ticket is finished or cancelled."


class TransitionNotAllowed(Conflict):
    """That status cannot follow the present one."""

    code, title = "transition_not_allowed", "That status cannot follow the present one."


class MechanicNotAssigned(NotFound):
    """The mechanic does not work on the ticket."""

    code, title = "mechanic_not_assigned", "The mechanic is not assigned to this ticket."


class PartNotOnTicket(NotFound):
    """The ticket has no such part."""

    code, title = "item_not_on_ticket", "The item is not on this ticket."


class TicketsOpen(Conflict):
    """A workshop is closed only once no work is under way."""

    code, title = "tickets_open", "There are open tickets."
