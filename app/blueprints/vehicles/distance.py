"""How far a car has come: whole kilometres or miles, compared in metres."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

# The international mile of 1959 is 1,609.344 metres exactly.
_METRES = {"km": Decimal(1000), "mi": Decimal("1609.344")}


def in_metres(value: int, unit: str) -> int:
    """Return a distance in whole metres: half a metre at most is lost, so it comes back as it was told."""
    return _whole(value * _METRES[unit])


def of_metres(metres: int, unit: str) -> int:
    """Return a distance of whole metres in whole kilometres or miles."""
    return _whole(metres / _METRES[unit])


def _whole(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))
