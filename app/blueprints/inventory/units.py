"""By what parts are counted: what has no fractions has none anywhere, be it on the shelf, on tickets, on order or on a sheet.

Whoever writes a fraction holds the part before asking for its unit, and whoever changes the unit locks the part before looking
for fractions: so neither misses the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import or_, select

from app.blueprints.inventory.errors import FractionsLeft
from app.blueprints.inventory.models import Part
from app.blueprints.inventory.order_models import PurchaseOrder, PurchaseOrderLine
from app.blueprints.inventory.reservations import keeper, named
from app.blueprints.inventory.stocktake_models import Stocktake, StocktakeLine
from app.blueprints.inventory.vocabulary import is_divisible
from app.core.quantities import has_fraction, is_whole
from app.extensions import db

QUANTITIES = ("on_hand", "minimum_stock_level", "reorder_quantity")


def broken_by(part: Part | None, unit: str, values: Mapping[str, Any]) -> list[str]:
    """Return which quantities would be fractions, though `unit` has none: those that change, or with the unit all there are."""
    if is_divisible(unit):
        return []
    is_new = part is None or part.unit != unit
    present = {name: values.get(name, getattr(part, name, None)) for name in QUANTITIES}
    return [
        name
        for name, quantity in present.items()
        if quantity is not None and not is_whole(quantity) and (is_new or name in values)
    ]


def require_no_fractions(part: Part, unit: str) -> None:
    """Refuse a locked part a unit without fractions as long as some are promised, expected or counted of it.

    :raises FractionsLeft: naming the tickets, orders and stocktakes.
    """
    if is_divisible(unit) or not is_divisible(part.unit):
        return
    places = {
        "tickets": keeper().broken(part.workshop_id, part.id),
        "purchase orders": _orders_with(part),
        "stocktakes": _sheets_with(part),
    }
    if told := [f"{place} {named(numbers)}" for place, numbers in places.items() if numbers]:
        raise FractionsLeft(f"{part.name} has fractions on {', on '.join(told)}.")


def _orders_with(part: Part) -> list[int]:
    line = PurchaseOrderLine
    outstanding: Any = line.quantity - line.received - line.cancelled
    statement = (
        select(PurchaseOrder.number)
        .join(line, line.purchase_order_id == PurchaseOrder.id)
        .where(
            PurchaseOrder.workshop_id == part.workshop_id,
            line.workshop_id == part.workshop_id,
            line.part_id == part.id,
            has_fraction(outstanding),
        )
    )
    return list(db.session.scalars(statement.order_by(PurchaseOrder.number)))


def _sheets_with(part: Part) -> list[int]:
    line = StocktakeLine
    statement = (
        select(Stocktake.number)
        .join(line, line.stocktake_id == Stocktake.id)
        .where(
            Stocktake.workshop_id == part.workshop_id,
            line.workshop_id == part.workshop_id,
            line.part_id == part.id,
            line.open,
            or_(has_fraction(line.counted), has_fraction(line.book)),
        )
    )
    return list(db.session.scalars(statement.order_by(Stocktake.number)))
