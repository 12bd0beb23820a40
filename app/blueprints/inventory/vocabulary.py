"""The words of the inventory: by what parts are counted, and how stock moves."""

from __future__ import annotations

from typing import Literal, get_args

# By what a part is counted, and whether a fraction of it can be: nobody sells half a filter.
UNITS: dict[str, bool] = {
    "piece": False, "pair": False, "set": False, "l": True, "ml": True, "kg": True, "g": True, "m": True, "cm": True,
}  # fmt: skip
PIECE = "piece"

Kind = Literal["opening", "purchase", "sale", "return", "adjustment", "write_off", "revaluation"]
KINDS: tuple[Kind, ...] = get_args(Kind)
COMING: tuple[Kind, ...] = ("opening", "purchase", "return")
GOING: tuple[Kind, ...] = ("sale", "write_off")
BY_HAND: tuple[Kind, ...] = ("purchase", "sale", "return", "adjustment", "write_off", "revaluation")
"""What people record themselves: an opening is written when a part begins to be counted."""

Alert = Literal["out", "low", "reorder"]
ALERTS: tuple[Alert, ...] = get_args(Alert)
"""None is there; fewer than the minimum are; as many as the minimum are."""


def is_divisible(unit: str) -> bool:
    """Tell whether a fraction of a unit can be on hand."""
    return UNITS[unit]


def one_of(column: str, words: tuple[str, ...]) -> str:
    """Return the condition that a column has one of `words`, which are ours."""
    return f"{column} IN ({', '.join(repr(word) for word in words)})"
