"""The rules of the inventory: prices, SKUs, and a stock that never drops below zero."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.inventory import (
    barcodes,
    categories,
    ledger,
    part_numbers,
    pricing,
    succession,
    units,
    wanting,
)
from app.blueprints.inventory.alerts import look_again
from app.blueprints.inventory.errors import (
    BarcodeTaken,
    CategoryNotFound,
    PartInUse,
    PartNotFound,
    PartWanted,
    SkuTaken,
    StockLeft,
    StockReserved,
)
from app.blueprints.inventory.ledger import Entry, Stock
from app.blueprints.inventory.models import Part, PartSupplier, Supplier
from app.blueprints.inventory.vocabulary import FIXED, MARKUP, PIECE
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.errors import CurrencyInUse
from app.core import audit, clock, paging
from app.core.db import atomic, is_still_named, locked, violated
from app.core.errors import Invalid
from app.core.names import folded_number
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.quantities import NOT_WHOLE, told
from app.core.search import has_words
from app.extensions import db

RECORD = (
    "name", "price", "pricing", "markup_rule_id", "sku", "barcode", "manufacturer", "category_id", "bin", "warranty_months",
    "unit", "replaced_by_id", "core_charge",
)  # fmt: skip
ORDER = Order(Part.id, "name", name=Part.name, price=Part.price)


def recorded(part: Part) -> dict[str, Any]:
    """Return what the audit log keeps of a part."""
    return audit.fields_of(part, RECORD) | {name: told(getattr(part, name)) for name in units.QUANTITIES}


def add(workshop_id: int, **fields: Any) -> Part:
    """Make a part; what is on hand opens its ledger.

    :raises SkuTaken: another has the SKU. :raises BarcodeTaken: another has the barcode.
    :raises CategoryNotFound: the category is unknown here. :raises Invalid: a fraction of what is counted by whole ones.
    :raises ReplacementNotFound, ReplacementChainTooLong: see `succession.require_fit`.
    """
    part = Part(workshop_id=workshop_id, **{"unit": PIECE, "pricing": FIXED, **fields})
    _require_whole(None, part.unit, fields)
    with atomic() as session:
        if part.replaced_by_id is not None:
            succession.hold(session, workshop_id, part.replaced_by_id)
            succession.require_fit(session, workshop_id, None, part.replaced_by_id)
        session.add(part)
        _flush(session)
        if part.on_hand:
            opening = Entry(part.id, "opening", part.on_hand, ledger.NOTHING, Stock(part.on_hand))
            ledger.enter(session, workshop_id, [opening])
        if part.alert is not None:
            look_again(session, workshop_id, [part.id])
        audit.note("part.added", "part", part.id, after=recorded(part))
    return part


def _require_whole(part: Part | None, unit: str, values: dict[str, Any]) -> None:
    """Refuse half a filter.

    :raises Invalid: naming the fields.
    """
    if broken := units.broken_by(part, unit, values):
        raise Invalid("See `errors`.", errors={name: [NOT_WHOLE] for name in broken})


def _flush(session: Session) -> None:
    with taken_meanwhile():
        session.flush()


@contextmanager
def taken_meanwhile() -> Iterator[None]:
    """Write parts in the block: of two who write the same at once, the tables refuse the second.

    :raises SkuTaken: another has the SKU. :raises BarcodeTaken: another has the barcode.
    :raises CategoryNotFound: the category is unknown here.
    """
    try:
        yield
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
    number: str | None = None,
    category_id: int | None = None,
    supplier_id: int | None = None,
    bin: str | None = None,
    q: str | None = None,
    low: bool | None = None,
    archived: bool = False,
) -> Page:
    """Return one page of the parts that fit; `low`: counted, and at their minimum or below (or not).

    What is within a category is in those within it too. A `number` is a SKU or a cross-reference, with whatever between its
    letters and digits. `archived`: those that were taken out, and no others.
    """
    statement = select(Part).where(
        Part.workshop_id == workshop_id,
        Part.archived_at.is_not(None) if archived else Part.archived_at.is_(None),
    )
    if sku is not None:
        statement = statement.where(Part.sku == sku)
    if barcode is not None:
        statement = statement.where(Part.barcode == barcode)
    if number is not None:
        statement = statement.where(
            Part.id.in_(part_numbers.parts_with(workshop_id, [folded_number(number)]))
        )
    if category_id is not None:
        within = categories.with_those_within(workshop_id, category_id)
        statement = statement.where(Part.category_id.in_(within))
    if supplier_id is not None:
        theirs = select(PartSupplier.part_id).where(
            PartSupplier.workshop_id == workshop_id, PartSupplier.supplier_id == supplier_id
        )
        statement = statement.where(Part.id.in_(theirs))
    if bin is not None:
        statement = statement.where(Part.bin == bin)
    if q is not None:
        statement = statement.where(has_words(q, Part.name, Part.sku))
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
    """Return the part with a scanned code: its barcode, or else its SKU, or else a cross-reference that it alone has.

    :raises PartNotFound: none has it, or several have it as a cross-reference.
    """
    barcode = barcodes.normalised_or_none(code)
    codes = Part.sku == code if barcode is None else or_(Part.barcode == barcode, Part.sku == code)
    found = db.session.scalars(
        select(Part)
        .where(Part.workshop_id == workshop_id, Part.archived_at.is_(None), codes)
        .order_by((Part.barcode == barcode).is_not(True), Part.id)
        .limit(1)
    ).first()
    return _known_by(workshop_id, code) if found is None else found


def _known_by(workshop_id: int, code: str) -> Part:
    known = part_numbers.known_elsewhere(workshop_id, [folded_number(code)])
    found = db.session.scalars(
        select(Part)
        .where(Part.workshop_id == workshop_id, Part.archived_at.is_(None), Part.id.in_(known))
        .limit(2)
    ).all()
    if len(found) > 1:
        raise PartNotFound(
            f"Several items have the cross-reference {code}: `GET /inventory?number=` lists them."
        )
    if not found:
        raise PartNotFound(f"No item has the code {code}.")
    return found[0]


def update(workshop_id: int, part_id: int, changes: dict[str, Any], expected: Expected = None) -> Part:
    """Change a part; another number on hand, or another bin, is entered in the ledger; a price by mark-up is its rule's.

    :raises PartNotFound: unknown here. :raises Stale: not the `expected` version. :raises SkuTaken: another has the SKU.
    :raises BarcodeTaken: another has the barcode. :raises CategoryNotFound: the category is unknown here.
    :raises Invalid: a fraction of what is counted by whole ones. :raises BelowReserved: fewer than tickets have set aside.
    :raises StockReserved: counted no more, with some set aside. :raises FractionsLeft: see `units.require_no_fractions`.
    :raises ReplacementNotFound, ReplacementCircle, ReplacementChainTooLong: see `succession.require_fit`.
    """
    successor_id = changes.get("replaced_by_id")
    with atomic() as session:
        if changes.get("pricing") == MARKUP or "category_id" in changes:
            pricing.hold()
        if successor_id is not None:
            succession.hold(session, workshop_id, part_id, successor_id)
        part = one(locked(Part, stays=True), workshop_id, part_id)
        require_version(part, expected)
        if successor_id is not None:
            succession.require_fit(session, workshop_id, part_id, successor_id)
        unit = changes.get("unit", part.unit)
        _require_whole(part, unit, changes)
        units.require_no_fractions(part, unit)
        before = recorded(part)
        level = changes.pop("on_hand", part.on_hand)
        for field, value in changes.items():
            setattr(part, field, value)
        ledger.enter_transfer(session, part, before["bin"])
        ledger.set_level(session, part, level)
        if part.pricing == FIXED:
            part.markup_rule_id = None
        _flush(session)
        pricing.set_prices(session, workshop_id, [part])
        session.flush()
        after = recorded(part)
        if any(before[name] != after[name] for name in ("on_hand", "minimum_stock_level")):
            look_again(session, workshop_id, [part_id])
        audit.note_change("part.updated", "part", part_id, before, after)
    return part


def remove(workshop_id: int, part_id: int, expected: Expected = None) -> None:
    """Take a part out of the inventory, of which none is left or wanted; tickets, orders and sheets that have it keep it.

    :raises PartNotFound: unknown here, or taken out already. :raises Stale: not the `expected` version.
    :raises StockReserved: tickets have set some aside. :raises StockLeft: some are on hand.
    :raises PartWanted: tickets wait for some, which could not be bought nor fitted any more.
    :raises ReplacesOthers: others are replaced by it.
    """
    with atomic() as session:
        part = one(locked(Part, stays=True), workshop_id, part_id)
        require_version(part, expected)
        if part.reserved:
            raise StockReserved(f"{told(part.reserved)} are reserved.")
        if part.on_hand:
            raise StockLeft(f"{told(part.on_hand)} are on hand: write them off or count them first.")
        if (wanted := wanting.of_parts(workshop_id, [part_id]).get(part_id)) is not None:
            raise PartWanted(f"{part.name}: {wanted.told()}.")
        succession.require_follows_none(session, workshop_id, part_id)
        if part.alert is not None:
            look_again(session, workshop_id, [part_id])
        part.archived_at = clock.now()
        audit.note("part.removed", "part", part_id, before=recorded(part))


def restore(workshop_id: int, part_id: int, expected: Expected = None) -> Part:
    """Take a part into the inventory again, as it was and with what came of it meanwhile. The indexes of codes decide.

    :raises PartNotFound: unknown here. :raises PartInUse: it was not taken out. :raises Stale: not the `expected` version.
    :raises SkuTaken: another has its SKU by now. :raises BarcodeTaken: another has its barcode.
    """
    with atomic() as session:
        part = session.scalar(
            locked(Part, stays=True).where(Part.workshop_id == workshop_id, Part.id == part_id)
        )
        if part is None:
            raise PartNotFound()
        require_version(part, expected)
        if part.archived_at is None:
            raise PartInUse()
        part.archived_at = None
        _flush(session)
        if part.alert is not None:
            look_again(session, workshop_id, [part_id])
        audit.note("part.restored", "part", part_id, after=recorded(part))
    return part


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
