"""Whether the stock is what its ledger says: the sums of each part's movements, and each balance from the one before.

And whether what is reserved of a part is what tickets have set aside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, literal, null, or_, select, union_all

from app.blueprints.inventory import reservations
from app.blueprints.inventory.ledger import NOTHING
from app.blueprints.inventory.models import Part, StockMovement
from app.core import audit
from app.core.db import atomic, locked
from app.core.quantities import told
from app.extensions import db

PARTS_AT_ONCE = 1_000
FOUND = "Found by `flask stock verify`: it was changed past the ledger."
NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A part whose stock is not the sum of its movements, or a movement after which another number was there.

    Or a part of which another number is reserved than tickets have set aside. Sums (`is_sum`) can be entered.
    """

    part_id: int
    words: str
    is_sum: bool = True


def number_of_parts(workshop_id: int) -> int:
    """Return how many parts a workshop has or had."""
    return db.session.scalar(select(func.count()).where(Part.workshop_id == workshop_id)) or 0


def discrepancies(
    workshop_id: int, done: Callable[[int], object] = lambda number: None
) -> Iterator[Discrepancy]:
    """Yield where the stock is not what the ledger says, so many parts by a statement; `done` hears of each batch.

    The sums are compared with the parts in one statement, so what is moved meanwhile is in both or in neither.
    """
    place = 0
    while ids := _next_parts(workshop_id, place):
        for row in _sums(workshop_id, place, ids[-1]):
            yield from _compared(row)
        yield from _leaps(workshop_id, place, ids[-1])
        yield from _reserved_otherwise(workshop_id, place, ids[-1])
        place = ids[-1]
        done(len(ids))


def _next_parts(workshop_id: int, after: int) -> Sequence[int]:
    statement = select(Part.id).where(Part.workshop_id == workshop_id, Part.id > after)
    return db.session.scalars(statement.order_by(Part.id).limit(PARTS_AT_ONCE)).all()


def _sums(workshop_id: int, after: int, last: int) -> Sequence[Row[Any]]:
    """Return the parts beyond the id `after`, up to `last`, each with the sums of its movements.

    Each row is read once and nothing is joined: so it stays quick where the database has no statistics of the workshop yet.
    """
    parts = select(
        Part.id, Part.name, Part.on_hand, Part.stock_value,
        literal(None, StockMovement.quantity.type).label("quantity"),
        literal(None, StockMovement.value.type).label("value"),
    ).where(Part.workshop_id == workshop_id, Part.id > after, Part.id <= last)  # fmt: skip
    moved = select(
        StockMovement.part_id, null(), null(), null(), StockMovement.quantity, StockMovement.value
    ).where(
        StockMovement.workshop_id == workshop_id, StockMovement.part_id > after, StockMovement.part_id <= last
    )
    both = union_all(parts, moved).subquery()
    told_once = (func.max(both.c[name]).label(name) for name in ("name", "on_hand", "stock_value"))
    added_up = (func.sum(both.c[name]).label(name) for name in ("quantity", "value"))
    statement = select(both.c.id, *told_once, *added_up).group_by(both.c.id).order_by(both.c.id)
    return db.session.execute(statement).all()


def _compared(row: Row[Any]) -> Iterator[Discrepancy]:
    on_hand, quantity = row.on_hand or NONE, row.quantity or NONE
    if on_hand != quantity:
        told_on_hand = "not counted" if row.on_hand is None else f"{on_hand} on hand"
        yield Discrepancy(
            row.id, f"item {row.id} ({row.name}): {told_on_hand}, and the ledger says {quantity}"
        )
    if row.stock_value != (row.value or NOTHING):
        worth = f"worth {row.stock_value}, and the ledger says {row.value or NOTHING}"
        yield Discrepancy(row.id, f"item {row.id} ({row.name}): {worth}")


def _leaps(workshop_id: int, after: int, last: int) -> Iterator[Discrepancy]:
    """Yield the movements whose balance does not follow from the one before."""

    def before(column: Any) -> Any:
        previous = func.lag(column, type_=column.type)
        return func.coalesce(previous.over(partition_by=StockMovement.part_id, order_by=StockMovement.id), 0)

    steps = (
        select(
            StockMovement.id,
            StockMovement.part_id,
            (StockMovement.balance - before(StockMovement.balance) - StockMovement.quantity).label(
                "quantity"
            ),
            (StockMovement.balance_value - before(StockMovement.balance_value) - StockMovement.value).label(
                "value"
            ),
        )
        .where(
            StockMovement.workshop_id == workshop_id,
            StockMovement.part_id > after,
            StockMovement.part_id <= last,
        )
        .subquery()
    )
    leaping = select(steps.c.id, steps.c.part_id).where(or_(steps.c.quantity != 0, steps.c.value != 0))
    for movement_id, part_id in db.session.execute(leaping.order_by(steps.c.part_id, steps.c.id)):
        words = (
            f"item {part_id}: the balance after movement {movement_id} does not follow from the one before"
        )
        yield Discrepancy(part_id, words, is_sum=False)


def _reserved_otherwise(workshop_id: int, after: int, last: int) -> Iterator[Discrepancy]:
    """Yield the parts of which another number is reserved than tickets have set aside, both read by one statement."""
    aside = reservations.keeper().sums(workshop_id, after, last).subquery()
    number = func.coalesce(aside.c.reserved, 0)
    statement = (
        select(Part.id, Part.name, Part.reserved, aside.c.reserved.label("aside"))
        .outerjoin(aside, aside.c.part_id == Part.id)
        .where(Part.workshop_id == workshop_id, Part.id > after, Part.id <= last, Part.reserved != number)
        .order_by(Part.id)
    )
    for part_id, name, reserved, set_aside in db.session.execute(statement):
        held = f"{told(reserved)} reserved, and tickets have set {told(set_aside or NONE)} aside"
        yield Discrepancy(part_id, f"item {part_id} ({name}): {held}", is_sum=False)


def adjust(workshop_id: int, part_id: int) -> None:
    """Enter what is missing in the ledger of a part whose stock was changed past it; the stock stays as it is."""
    with atomic() as session:
        part = session.scalars(
            locked(Part, stays=True).where(Part.workshop_id == workshop_id, Part.id == part_id)
        ).one()
        sums = _sums(workshop_id, part_id - 1, part_id)[0]
        quantity = (part.on_hand or NONE) - (sums.quantity or NONE)
        value = part.stock_value - (sums.value or NOTHING)
        after = {
            "balance": part.on_hand or NONE,
            "reason": FOUND,
            "workshop_id": workshop_id,
            "part_id": part_id,
        }
        if quantity:
            before = part.stock_value - value
            session.add(
                StockMovement(
                    kind="adjustment", quantity=quantity, value=NOTHING, balance_value=before, **after
                )
            )
            session.flush()  # so that it comes before the other
        if value:
            session.add(
                StockMovement(
                    kind="revaluation", quantity=NONE, value=value, balance_value=part.stock_value, **after
                )
            )
        audit.note("stock.adjusted", "part", part_id, after={"quantity": told(quantity), "value": value})
