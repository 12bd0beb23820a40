"""The rules of the inventory: prices, SKUs, and a stock that never drops below zero."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.inventory.errors import NotEnoughOnHand, PartNotFound, SkuTaken
from app.blueprints.inventory.models import Part
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.errors import CurrencyInUse
from app.core import audit, clock, paging
from app.core.db import atomic, locked
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.search import contains, pattern
from app.extensions import db

RECORD = ("name", "price", "sku", "on_hand", "minimum_stock_level")
ORDER = Order(Part.id, "name", name=Part.name, price=Part.price)
GREATEST_STOCK = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Taken:
    """A part as it was when some were taken: the price that the ticket keeps."""

    id: int
    name: str
    price: Decimal


def add(workshop_id: int, **fields: Any) -> Part:
    """Make a part.

    :raises SkuTaken: another has the SKU.
    """
    part = Part(workshop_id=workshop_id, **fields)
    with atomic() as session:
        session.add(part)
        _flush(session)
        audit.note("part.added", "part", part.id, after=audit.fields_of(part, RECORD))
    return part


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise SkuTaken() from error


def get(workshop_id: int, part_id: int) -> Part:
    """Return a part.

    :raises PartNotFound: unknown here, or taken out.
    """
    return _one(select(Part), workshop_id, part_id)


def _one(statement: Select[Part], workshop_id: int, part_id: int) -> Part:
    found = db.session.scalar(
        statement.where(Part.workshop_id == workshop_id, Part.id == part_id, Part.archived_at.is_(None))
    )
    if found is None:
        raise PartNotFound()
    return found


def present_among(workshop_id: int, part_ids: list[int]) -> set[int]:
    """Return those of `part_ids` that are in the inventory."""
    statement = select(Part.id).where(
        Part.workshop_id == workshop_id, Part.id.in_(part_ids), Part.archived_at.is_(None)
    )
    return set(db.session.scalars(statement))


def find(
    workshop_id: int, walk: Walk, *, sku: str | None = None, q: str | None = None, low: bool | None = None
) -> Page:
    """Return one page of the parts that fit; `low`: counted, and at their minimum or below (or not)."""
    statement = select(Part).where(Part.workshop_id == workshop_id, Part.archived_at.is_(None))
    if sku is not None:
        statement = statement.where(Part.sku == sku)
    if q is not None:
        statement = statement.where(or_(contains(Part.name, pattern(q)), contains(Part.sku, pattern(q))))
    if low is not None:
        below = Part.on_hand <= Part.minimum_stock_level
        statement = statement.where(below if low else or_(below.is_(None), ~below))
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def update(workshop_id: int, part_id: int, changes: dict[str, Any], expected: Expected = None) -> Part:
    """Change a part.

    :raises PartNotFound: unknown here. :raises Stale: not the `expected` version. :raises SkuTaken: another has the SKU.
    """
    with atomic() as session:
        part = _one(locked(Part), workshop_id, part_id)
        require_version(part, expected)
        before = audit.fields_of(part, RECORD)
        for field, value in changes.items():
            setattr(part, field, value)
        _flush(session)
        audit.note_change("part.updated", "part", part_id, before, audit.fields_of(part, RECORD))
    return part


def remove(workshop_id: int, part_id: int, expected: Expected = None) -> None:
    """Take a part out of the inventory; tickets that have it keep it.

    :raises PartNotFound: unknown here, or taken out already. :raises Stale: not the `expected` version.
    """
    with atomic():
        part = _one(locked(Part), workshop_id, part_id)
        require_version(part, expected)
        part.archived_at = clock.now()
        audit.note("part.removed", "part", part_id, before=audit.fields_of(part, RECORD))


def hold(workshop_id: int, part_ids: Iterable[int]) -> None:
    """Lock parts until the transaction ends, in the order of their ids: what both gives some back and takes some does so first.

    Each of the two keeps that order for itself, but two exchanges in opposite directions would still wait in a circle.
    """
    statement = (
        select(Part.id).where(Part.workshop_id == workshop_id, Part.id.in_(part_ids)).order_by(Part.id)
    )
    db.session.execute(statement.with_for_update(key_share=True))


def take(workshop_id: int, quantities: dict[int, int]) -> list[Taken]:
    """Take parts from stock, all or none, in the order of their ids so that two who want the same never wait in a circle.

    The UPDATE's own condition decides; the CHECK on the table stands behind it.
    :raises PartNotFound: one is unknown here. :raises NotEnoughOnHand: fewer are on hand.
    """
    with atomic():
        return [_take(workshop_id, part_id, quantities[part_id]) for part_id in sorted(quantities)]


def _take(workshop_id: int, part_id: int, quantity: int) -> Taken:
    statement = (
        sql_update(Part)
        .where(
            Part.workshop_id == workshop_id,
            Part.id == part_id,
            Part.archived_at.is_(None),
            or_(Part.on_hand.is_(None), Part.on_hand >= quantity),
        )
        .values(on_hand=Part.on_hand - quantity, version=Part.version + 1, updated_at=clock.now())
        .returning(Part.id, Part.name, Part.price)
        .execution_options(synchronize_session=False)
    )
    taken = db.session.execute(statement).one_or_none()
    if taken is None:
        part = get(workshop_id, part_id)
        raise NotEnoughOnHand(f"{part.name}: {part.on_hand} on hand, {quantity} asked for.")
    return Taken(taken.id, taken.name, taken.price)


def give_back(workshop_id: int, quantities: dict[int, int]) -> None:
    """Put parts back into stock, those that are counted, in the order of their ids."""
    with atomic() as session:
        for part_id in sorted(quantities):
            session.execute(
                sql_update(Part)
                .where(Part.workshop_id == workshop_id, Part.id == part_id, Part.on_hand.is_not(None))
                .values(
                    on_hand=Part.on_hand + quantities[part_id],
                    version=Part.version + 1,
                    updated_at=clock.now(),
                )
                .execution_options(synchronize_session=False)
            )


@workshops.consulted_before("changing the currency")
def require_no_prices(workshop_id: int) -> None:
    """Refuse to call the prices of parts amounts of another currency.

    :raises CurrencyInUse: there are some, be it of parts that were taken out.
    """
    if db.session.scalar(select(Part.id).where(Part.workshop_id == workshop_id).limit(1)) is not None:
        raise CurrencyInUse()
