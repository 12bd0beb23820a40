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


class VehicleHasOpenTickets(Conflict):
    """A car that is here, or expected, is not archived."""

    code, title = "vehicle_has_open_tickets", "The vehicle has open tickets."


class ApprovalExceeded(Conflict):
    """The work comes to more than the customer agreed to."""

    code, title = "approval_exceeded", "The work comes to more than was approved."


class PartsMissing(Conflict):
    """A job is finished only once all its parts are there."""

    code, title = "parts_missing", "Parts of the ticket are still to be ordered."


class EstimateUndecided(Conflict):
    """An estimate is out, and its decision is what moves the ticket."""

    code, title = "estimate_undecided", "An estimate is out that nobody has decided yet."


class LineNotFound(NotFound):
    """The ticket has no such line."""

    code, title = "line_not_found", "The ticket has no such line."


class LineInUse(Conflict):
    """What hangs on it is kept, and so is the line."""

    code, title = "line_in_use", "Somebody worked on the line, say: it is kept."


class TooManyLines(Conflict):
    """The ticket has as many lines as it may have."""

    code, title = "too_many_lines", "The ticket has too many lines."


class DiscountTooLarge(Conflict):
    """Nobody is paid for bringing a car."""

    code, title = "discount_too_large", "The discounts come to more than the rest."


class AlreadyFitted(Conflict):
    """What is fitted already is returned before fewer are wanted."""

    code, title = "already_fitted", "More of it are fitted already."


class NotFitted(Conflict):
    """So many of the part are not fitted."""

    code, title = "not_fitted", "So many of it are not fitted."


class CoresSettled(Conflict):
    """What became of an old part is settled, so the part that replaced it stays where it is."""

    code, title = "cores_settled", "It is settled what became of the old parts."


class TooManyCores(Conflict):
    """There are not so many old parts."""

    code, title = "too_many_cores", "There are not so many old parts."


class TicketInUse(Conflict):
    """What hangs on it is kept, and so is the ticket."""

    code, title = "ticket_in_use", "Something hangs on the ticket that is kept."


class CannotFollow(Conflict):
    """Only a finished job on the same car can be followed by another."""

    code, title = "cannot_follow", "This ticket cannot follow that one."
