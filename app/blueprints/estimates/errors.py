"""The refusals of estimates."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound


class EstimateNotFound(NotFound):
    """No such estimate of the ticket, or a link that is not ours: they look alike."""

    code, title = "estimate_not_found", "There is no such estimate."


class NothingToDecide(Conflict):
    """There is nothing on the ticket that the customer has not agreed to."""

    code, title = "nothing_to_decide", "There is nothing to decide."


class EstimateDecided(Conflict):
    """An estimate is decided once."""

    code, title = "estimate_decided", "The estimate is decided already."


class EstimateExpired(Conflict):
    """It stood until a day that is past."""

    code, title = "estimate_expired", "The estimate has expired."


class AskTheWorkshop(Conflict):
    """Something of the workshop's own stands in the way of a decision; what, is told to staff alone."""

    code, title = "ask_the_workshop", "This cannot be decided here: ask the workshop."


class EstimateWithdrawn(Conflict):
    """The workshop took it back, or sent another, or the ticket went another way."""

    code, title = "estimate_withdrawn", "The estimate was withdrawn."
