"""The refusals of workshops."""

from __future__ import annotations

from app.core.errors import Conflict, Invalid, NotAllowed, NotFound


class WorkshopNotFound(NotFound):
    """No workshop has that id or slug, or it is not the caller's and not listed."""

    code, title = "workshop_not_found", "There is no such workshop."


class WorkshopRequired(Invalid):
    """A public request must name a workshop where there are several."""

    code, title = "workshop_required", "Name the workshop: send its slug as `X-Workshop`."


class WorkshopSuspended(NotAllowed):
    """Those who run the installation have suspended the workshop: nobody acts in it until it is reinstated."""

    code, title = "workshop_suspended", "This workshop is suspended by those who run the installation."


class AlreadySuspended(Conflict):
    """A workshop or an account is suspended once."""

    code, title = "already_suspended", "It is suspended already."


class NotSuspended(Conflict):
    """Only what is suspended is reinstated."""

    code, title = "not_suspended", "It is not suspended."


class SlugTaken(Conflict):
    """Another workshop has the slug."""

    code, title = "slug_taken", "Another workshop has this slug."


class CurrencyInUse(Conflict):
    """Prices are kept in the present currency: in another they would be other prices."""

    code, title = "currency_in_use", "There are prices in the present currency."


class ClosureNotFound(NotFound):
    """No such closure of this workshop."""

    code, title = "closure_not_found", "Closure not found."


class ClosuresOverlap(Conflict):
    """The workshop is closed on one of these days already."""

    code, title = "closures_overlap", "Another closure has one of these days."


class HoursNotInOrder(Invalid):
    """Opening hours whose times do not follow each other."""

    code, title = "hours_not_in_order", "The opening hours are not in order."

    @classmethod
    def at(cls, place: int, field: str, message: str) -> HoursNotInOrder:
        """Return the refusal of the day at `place`."""
        return cls(message, errors={"days": {str(place): {field: [message]}}})


class NotConfirmed(Invalid):
    """A workshop is closed only by somebody who says its name."""

    code, title = "not_confirmed", "Name the workshop to close it."
