"""What later features count of a ticket's car: told with the ticket, by the statements that read and open it.

Service tickets know nothing of what hangs on a car. A later feature says here how it is counted, before a ticket is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ScalarSelect

Count = Callable[[Any], ScalarSelect[int]]
_counts: dict[str, Count] = {}


def counts(name: str) -> Callable[[Count], Count]:
    """Register a function that returns, of a column or a value with a vehicle's id, the subquery that counts."""

    def register(count: Count) -> Count:
        _counts[name] = count
        return count

    return register


def of_vehicle(vehicle_id: Any) -> dict[str, ScalarSelect[int]]:
    """Return all that is counted of a vehicle, by name."""
    return {name: count(vehicle_id) for name, count in sorted(_counts.items())}


def names() -> list[str]:
    """Return the names of all that is counted, in the order of `of_vehicle`."""
    return sorted(_counts)
