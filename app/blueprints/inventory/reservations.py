"""What is set aside of parts, as far as the stockroom must know: a later feature keeps it, and says how it is let go.

Whoever releases holds first what the parts are set aside for, and the parts after it, as everything does that reserves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Select

from app.blueprints.inventory.models import Part
from app.core.quantities import told

Parts = Collection[int]
Quantities = dict[int, Decimal]
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Given:
    """So many of a part, set aside for a ticket that had waited for them."""

    part_id: int
    ticket_id: int
    number: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who keeps reservations: in the present transaction, for a workshop and some of its parts.

    `numbers` tells for which tickets each part is set aside, by their numbers. `hold` locks those tickets in the order of their
    ids and returns their ids. `release` lets so many of each part go from tickets that are held, the newest first, and returns
    how many it was. `hold_waiting` locks the tickets that want more of these parts than is set aside for them, as `hold` does.
    `give` sets so many of each part aside at most for tickets that are held, the earliest day first. `sums` selects the parts
    of a range (beyond the first id, up to the last) and how many of each are set aside in all: within one statement, so that
    what is reserved meanwhile is on both sides or on neither. `broken` tells which open tickets have a fraction of a part on a
    line, by their numbers.
    """

    numbers: Callable[[int, Parts], dict[int, list[int]]]
    hold: Callable[[int, Parts], list[int]]
    release: Callable[[int, list[int], Mapping[int, Decimal]], Quantities]
    hold_waiting: Callable[[int, Parts], list[int]]
    give: Callable[[int, list[int], Mapping[int, Decimal]], list[Given]]
    sums: Callable[[int, int, int], Select[int, Decimal]]
    broken: Callable[[int, int], list[int]]


_keeper: Keeper | None = None


def kept_by(keeper: Keeper) -> None:
    """Register who keeps reservations."""
    global _keeper
    _keeper = keeper


def keeper() -> Keeper:
    """Return who keeps reservations."""
    assert _keeper is not None, "Nothing is registered that keeps reservations."
    return _keeper


def told_below(part: Part, left: Decimal) -> str:
    """Return in words that less of a part would be left than is set aside, and for which tickets that is."""
    holders = told_holders(part.workshop_id, part.id)
    return f"{part.name}: {told(left)} would be left, and {told(part.reserved)} are reserved for these tickets: {holders}."


def told_holders(workshop_id: int, part_id: int) -> str:
    """Return in words for which tickets a part is set aside; the first of very many."""
    return named(keeper().numbers(workshop_id, [part_id]).get(part_id, []))


def named(numbers: Sequence[int]) -> str:
    """Return numbers in words; the first of very many."""
    first = ", ".join(map(str, numbers[:MOST_NAMED]))
    more = len(numbers) - MOST_NAMED
    return f"{first} and {more} more" if more > 0 else first
