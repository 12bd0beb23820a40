"""Lines of an order as they are asked for: so many of a part, at a price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from app.core.errors import Invalid
from app.core.quantities import GREATEST_QUANTITY


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many of a part, to be ordered at a price; without one, at what the supplier asks."""

    item_id: int
    quantity: Decimal
    unit_price: Decimal | None = None


def merged(lines: Iterable[Wanted]) -> dict[int, Wanted]:
    """Return lines by their parts; what is named twice is added up.

    :raises Invalid: it is named at two prices, or more in all than one line may be.
    """
    found: dict[int, Wanted] = {}
    for line in lines:
        before = found.get(line.item_id)
        if before is None:
            found[line.item_id] = line
            continue
        if before.unit_price != line.unit_price:
            raise Invalid("See `errors`.", errors={"lines": ["One item at two prices."]})
        quantity = before.quantity + line.quantity
        if quantity > GREATEST_QUANTITY:
            raise Invalid(
                "See `errors`.", errors={"lines": [f"More than {GREATEST_QUANTITY:,} of one item."]}
            )
        found[line.item_id] = Wanted(line.item_id, quantity, line.unit_price)
    return found
