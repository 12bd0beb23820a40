"""What mechanics announce."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MechanicLeft:
    """That a mechanic leaves, whose row is locked: from now on no work is theirs."""

    workshop_id: int
    mechanic_id: int
