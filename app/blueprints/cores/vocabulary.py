"""The words of old parts: what became of one when it came off the car, and on its way back to a supplier."""

from __future__ import annotations

from typing import Literal, get_args

Outcome = Literal["held", "kept", "scrapped"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""On the shelf, to go back; kept by the customer, who pays the charge; worth nothing, so that the workshop does."""

CoreStatus = Literal["held", "returned", "credited", "rejected", "kept", "scrapped"]
CORE_STATUSES: tuple[CoreStatus, ...] = get_args(CoreStatus)
