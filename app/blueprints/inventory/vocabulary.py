"""The words of the inventory: by what parts are counted, and how stock moves."""

from __future__ import annotations

from typing import Literal, get_args

# By what a part is counted, and whether a fraction of it can be: nobody sells half a filter.
UNITS: dict[str, bool] = {
    "piece": False, "pair": False, "set": False, "l": True, "ml": True, "kg": True, "g": True, "m": True, "cm": True,
}  # fmt: skip
PIECE = "piece"
# What they are called on paper and in letters; litres and metres are the same everywhere.
UNIT_WORDS: dict[str, dict[str, str]] = {
    "pl": {"piece": "szt.", "pair": "para", "set": "kpl."},
    "de": {"piece": "Stück", "pair": "Paar", "set": "Satz"},
}

Kind = Literal["opening", "purchase", "sale", "return", "adjustment", "write_off", "revaluation", "transfer"]
KINDS: tuple[Kind, ...] = get_args(Kind)
COMING: tuple[Kind, ...] = ("opening", "purchase", "return")
GOING: tuple[Kind, ...] = ("sale", "write_off")
BY_HAND: tuple[Kind, ...] = (
    "purchase", "sale", "return", "adjustment", "write_off", "revaluation", "transfer",
)  # fmt: skip
"""What people record themselves: an opening is written when a part begins to be counted."""

Pricing = Literal["fixed", "markup"]
FIXED, MARKUP = PRICINGS = get_args(Pricing)
PricedBy = Literal["fixed", "rule", "kept"]
PRICED_BY: tuple[PricedBy, ...] = get_args(PricedBy)
"""By hand; by a mark-up rule; on mark-up, but as it was, since no rule fits or nobody knows what it cost."""

ReferenceKind = Literal["oem", "equivalent"]
REFERENCE_KINDS: tuple[ReferenceKind, ...] = get_args(ReferenceKind)
"""The number that the maker of the car has for it; that of another maker's part which does the same."""

Alert = Literal["out", "low", "reorder"]
ALERTS: tuple[Alert, ...] = get_args(Alert)
"""None is there; fewer than the minimum are; as many as the minimum are."""

OrderStatus = Literal["draft", "ordered", "partly_received", "received", "cancelled"]
ORDER_STATUSES: tuple[OrderStatus, ...] = get_args(OrderStatus)
EXPECTED: tuple[OrderStatus, ...] = ("ordered", "partly_received")
"""Of what was ordered something may still come."""

StocktakeStatus = Literal["open", "posted", "cancelled"]
STOCKTAKE_STATUSES: tuple[StocktakeStatus, ...] = get_args(StocktakeStatus)
LineState = Literal["uncounted", "counted", "differing"]
LINE_STATES: tuple[LineState, ...] = get_args(LineState)


def unit_in(language: str, unit: str) -> str:
    """Return a unit as the people of a language write it."""
    return UNIT_WORDS.get(language, {}).get(unit, unit)


def is_divisible(unit: str) -> bool:
    """Tell whether a fraction of a unit can be on hand."""
    return UNITS[unit]
