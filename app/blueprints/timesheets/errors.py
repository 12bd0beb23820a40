"""The refusals of the mechanics' clock."""

from __future__ import annotations

from app.core.errors import Conflict, NotAllowed, NotFound


class ClockEntryNotFound(NotFound):
    """The ticket has no such entry."""

    code, title = "clock_entry_not_found", "There is no such clock entry on this ticket."


class NotYourClock(NotAllowed):
    """A mechanic reached for another's clock."""

    code, title = "not_your_clock", "This is another mechanic's clock."


class ClockRunning(Conflict):
    """The mechanic's clock runs already, here or on another ticket."""

    code, title = "clock_running", "The mechanic's clock is running already."


class ClockNotRunning(Conflict):
    """The mechanic's clock does not run on this ticket."""

    code, title = "clock_not_running", "The mechanic's clock does not run on this ticket."


class ClockForgotten(Conflict):
    """A clock ran for so long that nobody can have worked: when it ended is said by an owner, with a reason."""

    code, title = "clock_forgotten", "The clock was forgotten: an owner says when the work ended."


class ClockOverlaps(Conflict):
    """The mechanic worked on something else at that time."""

    code, title = "clock_overlaps", "The mechanic has another entry at that time."


class TicketWorkedOn(Conflict):
    """A ticket that somebody worked on is not deleted: its hours are wages."""

    code, title = "ticket_worked_on", "Somebody worked on the ticket: it is kept."
