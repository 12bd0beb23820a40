"""The rules of the inventory: prices, SKUs, and a stock that never drops below zero."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy import update as sql_update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.inventory import barcodes, categories, ledger
from app.blueprints.inventory.errors import (
    BarcodeTaken,
    CategoryNotFound,
    NotEnoughOnHand,
    PartNotFound,
    SkuTaken,
)
from app.blueprints.inventory.ledger import Entry, Stock
from app.blueprints.inventory.models import Part, Supplier
from app.blueprints.inventory.vocabulary import PIECE, is_divisible
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.errors import CurrencyInUse
from app.core import audit, clock, paging
from app.core.db import atomic, is_still_named, locked, violated
from app.core.errors import Invalid
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.quantities import NOT_WHOLE, is_whole, told
from app.core.search import contains, pattern
from app.extensions import db

QUANTITIES = ("on_hand", "minimum_stock_level", "reorder_quantity")
RECORD = (
    "name", "price", "sku", "barcode", "manufacturer", "category_id", "bin", "warranty_months", "unit",
)  # fmt: skip
ORDER = Order(Part.id, "name", name=Part.name, price=Part.price)


@dataclass(frozen=True, slots=True)
class Taken:
    """A part as it was when some were taken: the price that the ticket keeps, and what those taken had cost together."""

    id: int
    name: str
    price: Decimal
    cost: Decimal = ledger.NOTHING
    after: Stock = field(default_factory=Stock)


def _recorded(part: Part) -> dict[str, Any]:
    """Return what the audit log keeps of a part."""
    return audit.fields_of(part, RECORD) | {name: told(getattr(part, name)) for name in QUANTITIES}


def add(workshop_id: int, **fields: Any) -> Part:
    """Make a part; what is on hand opens its ledger.

    :raises SkuTaken: another has the SKU. :raises BarcodeTaken: another has the barcode.
    :raises CategoryNotFound: the category is unknown here. :raises Invalid: a fraction of what is counted by whole ones.
    """
    part = Part(workshop_id=workshop_id, **{"unit": PIECE, **fields})
    _require_whole(part)
    with atomic() as session:
        session.add(part)
        _flush(session)
        if part.on_hand:
            opening = Entry(part.id, "opening", part.on_hand, ledger.NOTHING, Stock(part.on_hand))
            ledger.enter(session, workshop_id, [opening])
        audit.note("part.added", "part", part.id, after=_recorded(part))
    return part


def _require_whole(part: Part) -> None:
    """Refuse half a filter.

    :raises Invalid: naming the fields.
    """
    if is_divisible(part.unit):
        return
    present = {name: getattr(part, name) for name in QUANTITIES}
    if broken := [
        name for name, quantity in present.items() if quantity is not None and not is_whole(quantity)
    ]:
        raise Invalid("See `errors`.", errors={name: [NOT_WHOLE] for name in broken})


def _flush(session: Session) -> None:
    try:
        session.flush()
    except DBAPIError as error:
        if is_still_named(error):
            raise CategoryNotFound() from error
        if not isinstance(error, IntegrityError):
            raise
        raise (BarcodeTaken() if "barcode" in violated(error) else SkuTaken()) from error


def get(workshop_id: int, part_id: int) -> Part:
    """Return a part.

    :raises PartNotFound: unknown here, or taken out.
    """
    return one(select(Part), workshop_id, part_id)


def one(statement: Select[Part], workshop_id: int, part_id: int) -> Part:
    """Return the part that `statement` finds here.

    :raises PartNotFound: unknown here, or taken out.
    """
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
    workshop_id: int,
    walk: Walk,
    *,
    sku: str | None = None,
    barcode: str | None = None,
    category_id: int | None = None,
    q: str | None = None,
    low: bool | None = None,
) -> Page:
    """Return one page of the parts that fit; `low`: counted, and at their minimum or below (or not).

    What is within a category is in those within it too.
    """
    statement = select(Part).where(Part.workshop_id == workshop_id, Part.archived_at.is_(None))
    if sku is not None:
        statement = statement.where(Part.sku == sku)
    if barcode is not None:
        statement = statement.where(Part.barcode == barcode)
    if category_id is not None:
        within = categories.with_those_within(workshop_id, category_id)
        statement = statement.where(Part.category_id.in_(within))
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


def look_up(workshop_id: int, code: str) -> Part:
    """Return the part with a scanned code: its barcode, or else its SKU.

    :raises PartNotFound: none has it.
    """
    barcode = barcodes.normalised_or_none(code)
    codes = Part.sku == code if barcode is None else or_(Part.barcode == barcode, Part.sku == code)
    found = db.session.scalars(
        select(Part)
        .where(Part.workshop_id == workshop_id, Part.archived_at.is_(None), codes)
        .order_by((Part.barcode == barcode).is_not(True), Part.id)
        .limit(1)
    ).first()
    if found is None:
        raise PartNotFound(f"No item has the code {code}.")
    return found


def update(workshop_id: int, part_id: int, changes: dict[str, Any], expected: Expected = None) -> Part:
    """Change a part; another number on hand is entered in the ledger.

    :raises PartNotFound: unknown here. :raises Stale: not the `expected` version. :raises SkuTaken: another has the SKU.
    :raises BarcodeTaken: another has the barcode. :raises CategoryNotFound: the category is unknown here.
    :raises Invalid: a fraction of what is counted by whole ones.
    """
    with atomic() as session:
        part = one(locked(Part), workshop_id, part_id)
        require_version(part, expected)
        before = _recorded(part)
        level = changes.pop("on_hand", part.on_hand)
        for field, value in changes.items():
            setattr(part, field, value)
        ledger.set_level(session, part, level)
        _require_whole(part)
        _flush(session)
        audit.note_change("part.updated", "part", part_id, before, _recorded(part))
    return part


def remove(workshop_id: int, part_id: int, expected: Expected = None) -> None:
    """Take a part out of the inventory; tickets that have it keep it.

    :raises PartNotFound: unknown here, or taken out already. :raises Stale: not the `expected` version.
    """
    with atomic():
        part = one(locked(Part), workshop_id, part_id)
        require_version(part, expected)
        part.archived_at = clock.now()
        audit.note("part.removed", "part", part_id, before=_recorded(part))


def divisible_among(workshop_id: int, part_ids: Iterable[int]) -> set[int]:
    """Return those of `part_ids` of which a fraction can be taken."""
    rows = db.session.execute(
        select(Part.id, Part.unit).where(Part.workshop_id == workshop_id, Part.id.in_(part_ids))
    )
    return {part_id for part_id, unit in rows if is_divisible(unit)}


def hold(workshop_id: int, part_ids: Iterable[int]) -> dict[int, Stock]:
    """Lock parts until the transaction ends, in the order of their ids, and return what there is of each.

    What both gives some back and takes some does so first: each of the two keeps that order for itself, but two exchanges in
    opposite directions would still wait in a circle.
    """
    statement = select(Part.id, Part.on_hand, Part.stock_value)
    statement = statement.where(Part.workshop_id == workshop_id, Part.id.in_(part_ids)).order_by(Part.id)
    rows = db.session.execute(statement.with_for_update(key_share=True))
    return {part_id: Stock(on_hand, value) for part_id, on_hand, value in rows}


def take(
    workshop_id: int,
    quantities: dict[int, Decimal],
    *,
    ticket_id: int | None = None,
    held: dict[int, Stock] | None = None,
) -> list[Taken]:
    """Take parts from stock, all or none, in the order of their ids so that two who want the same never wait in a circle.

    The UPDATE's own condition decides; the CHECK on the table stands behind it. What is taken goes at its share of the stock's
    value, as it stands under the lock; who has them in `held` already is spared the trip.
    :raises PartNotFound: one is unknown here. :raises NotEnoughOnHand: fewer are on hand.
    """
    with atomic() as session:
        stocks = hold(workshop_id, quantities) if held is None else held
        taken = [
            _take(workshop_id, part_id, quantities[part_id], stocks.get(part_id, Stock()))
            for part_id in sorted(quantities)
        ]
        sales = (
            Entry(one.id, "sale", -quantities[one.id], -one.cost, one.after, ticket_id)
            for one in taken
            if one.after.on_hand is not None
        )
        ledger.enter(session, workshop_id, sales)
    return taken


def _take(workshop_id: int, part_id: int, quantity: Decimal, stock: Stock) -> Taken:
    cost = stock.share_of(quantity)
    statement = (
        sql_update(Part)
        .where(
            Part.workshop_id == workshop_id,
            Part.id == part_id,
            Part.archived_at.is_(None),
            or_(Part.on_hand.is_(None), Part.on_hand >= quantity),
        )
        .values(
            on_hand=Part.on_hand - quantity,
            stock_value=Part.stock_value - cost,
            version=Part.version + 1,
            updated_at=clock.now(),
        )
        .returning(Part.id, Part.name, Part.price, Part.on_hand, Part.stock_value)
        .execution_options(synchronize_session=False)
    )
    taken = db.session.execute(statement).one_or_none()
    if taken is None:
        part = get(workshop_id, part_id)
        raise NotEnoughOnHand(f"{part.name}: {part.on_hand} on hand, {quantity} asked for.")
    return Taken(taken.id, taken.name, taken.price, cost, Stock(taken.on_hand, taken.stock_value))


def give_back(
    workshop_id: int,
    quantities: dict[int, Decimal],
    costs: dict[int, Decimal] | None = None,
    *,
    ticket_id: int | None = None,
) -> None:
    """Put parts back into stock at what they had cost, those that are counted, in the order of their ids."""
    returns = []
    with atomic() as session:
        for part_id in sorted(quantities):
            quantity, cost = quantities[part_id], (costs or {}).get(part_id, ledger.NOTHING)
            statement = (
                sql_update(Part)
                .where(Part.workshop_id == workshop_id, Part.id == part_id, Part.on_hand.is_not(None))
                .values(
                    on_hand=Part.on_hand + quantity,
                    stock_value=Part.stock_value + cost,
                    version=Part.version + 1,
                    updated_at=clock.now(),
                )
                .returning(Part.on_hand, Part.stock_value)
                .execution_options(synchronize_session=False)
            )
            if after := session.execute(statement).one_or_none():
                returns.append(Entry(part_id, "return", quantity, cost, Stock(*after), ticket_id))
        ledger.enter(session, workshop_id, returns)


@workshops.consulted_before("changing the currency")
def require_no_prices(workshop_id: int) -> None:
    """Refuse to call the prices of parts, or what suppliers ask for, amounts of another currency.

    :raises CurrencyInUse: there are some, be it of parts that were taken out.
    """
    parts = select(Part.id).where(Part.workshop_id == workshop_id)
    asking = select(Supplier.id).where(
        Supplier.workshop_id == workshop_id, Supplier.minimum_order_value.is_not(None)
    )
    if any(db.session.scalar(some.limit(1)) is not None for some in (parts, asking)):
        raise CurrencyInUse()
