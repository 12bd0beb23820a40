"""The rules of stock that people move by hand: receipts, corrections, what breaks and what comes back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.blueprints.inventory import ledger, pricing
from app.blueprints.inventory.errors import AlreadyInBin, PartNotFound, StockNotCounted
from app.blueprints.inventory.models import Part, StockMovement
from app.blueprints.inventory.service import one
from app.blueprints.inventory.vocabulary import GOING, Kind, is_divisible
from app.core import audit
from app.core.db import atomic, locked
from app.core.errors import Invalid
from app.core.paging import Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.quantities import NOT_WHOLE, is_whole, told
from app.extensions import db

RECORD = ("kind", "unit_cost", "value", "balance_value", "reason")
BINS = ("from_bin", "to_bin")
UNPRICED: tuple[Kind, ...] = (*GOING, "transfer")
"""After these, one costs what it did."""


def move(
    workshop_id: int,
    part_id: int,
    kind: Kind,
    *,
    quantity: Decimal | None,
    unit_cost: Decimal | None,
    reason: str | None,
    to_bin: str | None = None,
    expected: Expected = None,
) -> StockMovement:
    """Move stock of a part. `quantity` is positive, but for an adjustment, which goes either way.

    A revaluation has none, and a transfer neither: it moves all that is there to the bin `to_bin`.
    :raises PartNotFound: unknown here, or taken out. :raises Stale: not the `expected` version.
    :raises StockNotCounted: none is kept of it. :raises NotEnoughOnHand: fewer are on hand.
    :raises BelowReserved: fewer would be left than tickets have set aside.
    :raises AlreadyInBin: it lies there.
    :raises Invalid: a fraction of what is counted by whole ones, or more than can be counted.
    """
    with atomic() as session:
        part = one(locked(Part, stays=True), workshop_id, part_id)
        require_version(part, expected)
        if part.on_hand is None:
            raise StockNotCounted(
                f"{part.name}: no stock is kept of it. A number `on_hand` begins the counting."
            )
        if to_bin is None:
            movement = _move(session, part, kind, quantity, unit_cost, reason)
        else:
            movement = _transfer(session, part, to_bin, reason)
        if kind not in UNPRICED:
            pricing.follow(session, workshop_id, [part])
        session.flush()
        said = audit.fields_of(movement, RECORD if to_bin is None else (*RECORD, *BINS))
        said |= {"quantity": told(movement.quantity), "balance": told(movement.balance)}
        audit.note("stock.moved", "part", part_id, after=said)
    return movement


def _move(
    session: Session,
    part: Part,
    kind: Kind,
    quantity: Decimal | None,
    unit_cost: Decimal | None,
    reason: str | None,
) -> StockMovement:
    if quantity is None:
        assert unit_cost is not None
        return ledger.revalue(session, part, unit_cost, reason)
    if not is_whole(quantity) and not is_divisible(part.unit):
        raise Invalid("See `errors`.", errors={"quantity": [NOT_WHOLE]})
    signed = -quantity if kind in GOING else quantity
    return ledger.post(session, part, kind, signed, unit_cost=unit_cost, reason=reason)


def _transfer(session: Session, part: Part, to_bin: str, reason: str | None) -> StockMovement:
    before, part.bin = part.bin, to_bin
    movement = ledger.enter_transfer(session, part, before, reason)
    if movement is None:
        raise AlreadyInBin(f"{part.name} lies in {to_bin} already.")
    return movement


def movements(workshop_id: int, part_id: int, walk: Walk, **filters: Any) -> Page:
    """Return one page of a part's ledger, be it one that was taken out.

    :raises PartNotFound: unknown here.
    """
    page = ledger.find(workshop_id, part_id, walk, **filters)
    there = select(Part.id).where(Part.workshop_id == workshop_id, Part.id == part_id)
    if not page.rows and db.session.scalar(there) is None:
        raise PartNotFound()
    return page
