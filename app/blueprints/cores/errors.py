"""The refusals of old parts."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound


class CoreNotFound(NotFound):
    """No such old part in this workshop, or not of this line."""

    code, title = "core_not_found", "Old part not found."


class NoCoreCharge(Conflict):
    """The part is no exchange part, so nobody takes the old one back."""

    code, title = "no_core_charge", "There is no core charge on this part."


class CoreStepNotOpen(Conflict):
    """That cannot follow what became of the old part so far."""

    code, title = "core_step_not_open", "That cannot follow what became of the old part so far."
