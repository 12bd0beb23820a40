"""The rules of counting: a sheet is written, counted while the shop goes on working, compared, and posted as a whole.

A count is compared with what the ledger says of the moment of counting, not of the moment of posting: what was sold or received
in between is neither missing nor too many, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Integer, func, insert, literal, select, true, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.inventory import categories, ledger, reservations
from app.blueprints.inventory.errors import (
    BeingCounted,
    BelowReserved,
    CategoryNotFound,
    NotAllCounted,
    NotEnoughOnHand,
    NothingToCount,
    NotOnSheet,
    SheetTooLong,
    StockNotCounted,
    StocktakeClosed,
)
from app.blueprints.inventory.models import Part, StockMovement
from app.blueprints.inventory.stocktake_models import Stocktake, StocktakeLine
from app.blueprints.inventory.stocktake_reading import Told, one_sheet, with_numbers
from app.blueprints.inventory.vocabulary import StocktakeStatus, is_divisible
from app.blueprints.workshops import numbers
from app.core import audit, clock
from app.core.db import atomic, is_still_named, locked, touch
from app.core.errors import Invalid
from app.core.preconditions import Expected, require_version
from app.core.quantities import NOT_WHOLE, is_whole, told
from app.core.search import begins
from app.extensions import db

MOST_LINES = 2_000
ASTRAY = timedelta(minutes=1)  # by which a phone's clock may be ahead or behind
SERIES = "stocktakes"
RECORD = ("number", "status", "category_id", "bin", "note")
NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Count:
    """So many of a part were counted, at a moment; None is now."""

    item_id: int
    quantity: Decimal
    counted_at: datetime | None = None


# ---- Writing a sheet ----------------------------------------------------------------------------------------------


def open_sheet(
    workshop_id: int, *, category_id: int | None = None, bin: str | None = None, note: str | None = None
) -> Told:
    """Write a sheet of what is counted in a category with all within it, in the bins that begin so, or anywhere.

    :raises CategoryNotFound: unknown here. :raises NothingToCount: no counted part is there.
    :raises SheetTooLong: more than two thousand are. :raises BeingCounted: one is on another open sheet.
    """
    with atomic() as session:
        if category_id is not None:
            categories.get(workshop_id, category_id)
        sheet = Stocktake(
            workshop_id=workshop_id,
            number=numbers.next_number(SERIES),
            category_id=category_id,
            bin=bin,
            note=note,
        )
        session.add(sheet)
        try:
            session.flush()
        except DBAPIError as error:
            if not is_still_named(error):
                raise
            raise CategoryNotFound() from error  # which was removed meanwhile
        number = _write_lines(session, sheet)
        after = audit.fields_of(sheet, RECORD) | {"lines": number}
        audit.note("stocktake.opened", "stocktake", sheet.id, after=after)
        return with_numbers(workshop_id, [sheet])[0]


def _write_lines(session: Session, sheet: Stocktake) -> int:
    parts = _parts_of(sheet).subquery()
    number = session.scalars(select(func.count()).select_from(parts)).one()
    if not number:
        raise NothingToCount()
    if number > MOST_LINES:
        raise SheetTooLong(
            f"{number} items are there, and a sheet has {MOST_LINES} lines: name a category or a bin."
        )
    place = func.row_number().over(order_by=(func.coalesce(parts.c.bin, ""), parts.c.name, parts.c.id))
    rows = select(
        literal(sheet.workshop_id),
        literal(sheet.id),
        sql_cast(place, Integer),
        parts.c.id,
        parts.c.on_hand,
        true(),
    )
    names = ["workshop_id", "stocktake_id", "place", "part_id", "expected", "open"]
    try:
        session.execute(insert(StocktakeLine).from_select(names, rows))
    except IntegrityError as error:
        raise BeingCounted("One of the items is on another open sheet.") from error
    return number


def _parts_of(sheet: Stocktake) -> Any:
    statement: Any = select(Part.id, Part.name, Part.bin, Part.on_hand).where(
        Part.workshop_id == sheet.workshop_id, Part.archived_at.is_(None), Part.on_hand.is_not(None)
    )
    if sheet.category_id is not None:
        within = categories.with_those_within(sheet.workshop_id, sheet.category_id)
        statement = statement.where(Part.category_id.in_(within))
    if sheet.bin is not None:
        statement = statement.where(begins(Part.bin, sheet.bin))
    return statement


# ---- Counting -----------------------------------------------------------------------------------------------------


def count(workshop_id: int, stocktake_id: int, counts: Sequence[Count], *, expected: Expected = None) -> Told:
    """Enter what was counted, all or nothing; who counts something again is right.

    :raises StocktakeNotFound: unknown here. :raises Stale: not the `expected` version. :raises StocktakeClosed: it is.
    :raises NotOnSheet: a part is not on it. :raises StockNotCounted: none is kept of one any more.
    :raises Invalid: counted twice, before the sheet was written or in the future, or a fraction of what has none.
    """
    with atomic() as session:
        sheet = _held(workshop_id, stocktake_id, expected)
        entered = _by_part(counts, sheet)
        parts = _locked_parts(workshop_id, entered)
        kept = _lines_of(sheet, entered)
        moved = _moved_since(workshop_id, [one for one in entered.values() if one.counted_at is not None])
        for part_id, one in entered.items():
            if part_id not in kept:
                raise NotOnSheet(f"Item {part_id} is not on the sheet.")
            on_hand = _countable(parts[part_id], one.quantity)
            line = kept[part_id]
            line.counted, line.counted_at = one.quantity, one.counted_at or clock.now()
            line.book = on_hand - moved.get(part_id, NONE)
        touch(sheet)
        session.flush()
        audit.note("stocktake.counted", "stocktake", sheet.id, after={"lines": len(entered)})
        return with_numbers(workshop_id, [sheet])[0]


def _held(workshop_id: int, stocktake_id: int, expected: Expected) -> Stocktake:
    """Lock an open sheet; its lines are changed under this lock alone."""
    sheet = one_sheet(locked(Stocktake), workshop_id, stocktake_id)
    require_version(sheet, expected)
    if sheet.status != "open":
        raise StocktakeClosed(f"Stocktake {sheet.number} is {sheet.status}.")
    return sheet


def _by_part(counts: Sequence[Count], sheet: Stocktake) -> dict[int, Count]:
    now = clock.now()
    counts = [_put_right(one, sheet.created_at, now) for one in counts]
    found = {one.item_id: one for one in counts}
    if len(found) < len(counts):
        raise Invalid("See `errors`.", errors={"counts": ["An item is counted twice."]})
    moments = [one.counted_at for one in counts if one.counted_at is not None]
    if any(moment > now for moment in moments):
        raise Invalid("See `errors`.", errors={"counts": ["Counted in the future."]})
    if any(moment < sheet.created_at for moment in moments):
        raise Invalid("See `errors`.", errors={"counts": ["Counted before the sheet was written."]})
    return found


def _put_right(one: Count, written_at: datetime, now: datetime) -> Count:
    """Take what a clock says that is a little ahead for now, and a little before the sheet was written for that moment."""
    if one.counted_at is None:
        return one
    within = max(written_at, min(one.counted_at, now))
    return replace(one, counted_at=within) if abs(within - one.counted_at) <= ASTRAY else one


def _locked_parts(workshop_id: int, part_ids: Any) -> dict[int, Part]:
    """Lock parts in the order of their ids, as everything does that moves stock."""
    statement = locked(Part, stays=True).where(Part.workshop_id == workshop_id, Part.id.in_(list(part_ids)))
    return {part.id: part for part in db.session.scalars(statement.order_by(Part.id))}


def _lines_of(sheet: Stocktake, part_ids: Any = None) -> dict[int, StocktakeLine]:
    statement = select(StocktakeLine).where(
        StocktakeLine.workshop_id == sheet.workshop_id, StocktakeLine.stocktake_id == sheet.id
    )
    if part_ids is not None:
        statement = statement.where(StocktakeLine.part_id.in_(list(part_ids)))
    rows = db.session.scalars(statement.execution_options(populate_existing=True))
    return {line.part_id: line for line in rows}


def _countable(part: Part, quantity: Decimal) -> Decimal:
    """Return how many of a part are there, which can be counted so."""
    if part.on_hand is None:
        raise StockNotCounted(f"{part.name}: no stock is kept of it any more.")
    if not is_whole(quantity) and not is_divisible(part.unit):
        raise Invalid("See `errors`.", errors={"counts": [f"{NOT_WHOLE} ({part.name})"]})
    return part.on_hand


def _moved_since(workshop_id: int, counts: Sequence[Count]) -> dict[int, Decimal]:
    """Return how many of each part came (or went, below zero) since it was counted; the parts are locked."""
    moments = {one.item_id: one.counted_at for one in counts if one.counted_at is not None}
    moved: dict[int, Decimal] = {}
    if not moments:
        return moved
    rows = db.session.execute(
        select(StockMovement.part_id, StockMovement.at, StockMovement.quantity).where(
            StockMovement.workshop_id == workshop_id,
            StockMovement.part_id.in_(moments),
            StockMovement.at > min(moments.values()),
        )
    )
    for part_id, at, quantity in rows:
        if at > moments[part_id]:
            moved[part_id] = moved.get(part_id, NONE) + quantity
    return moved


# ---- Posting and cancelling ---------------------------------------------------------------------------------------


def post(
    workshop_id: int,
    stocktake_id: int,
    *,
    leave_uncounted: bool = False,
    release: bool = False,
    expected: Expected = None,
) -> Told:
    """Enter all differences in the ledger as adjustments, or none of them.

    `release`: where fewer were counted than tickets have set aside, the newest tickets go without. The tickets are locked
    before the parts, as whatever reserves does; who reserves in between is not released, and the count refused.
    :raises StocktakeNotFound: unknown here. :raises Stale: not the `expected` version. :raises StocktakeClosed: it is.
    :raises NotAllCounted: a line is empty, and nobody said that it may be.
    :raises StockNotCounted: none is kept of a part any more.
    :raises NotEnoughOnHand: more would be missing than there are now.
    :raises BelowReserved: fewer would be left than tickets have set aside. :raises Invalid: more than can be counted.
    """
    with atomic() as session:
        sheet = _held(workshop_id, stocktake_id, expected)
        kept = _lines_of(sheet)
        empty = sum(line.counted is None for line in kept.values())
        if empty and not leave_uncounted:
            raise NotAllCounted(f"{empty} of {len(kept)} lines are empty.")
        differing = {part_id: difference for part_id, line in kept.items() if (difference := line.difference)}
        holding = _hold_reserving(workshop_id, differing) if release else []
        parts = _locked_parts(workshop_id, differing)
        if holding:
            _release(workshop_id, holding, parts, differing)
        for part in parts.values():
            difference = differing[part.id]
            _require_enough(part, difference)
            ledger.post(session, part, "adjustment", difference, reason=f"Stocktake {sheet.number}.")
        _close(session, sheet, "posted")
        after = {"status": sheet.status, "lines": len(kept), "differing": len(differing)}
        audit.note("stocktake.posted", "stocktake", sheet.id, after=after)
        return with_numbers(workshop_id, [sheet])[0]


def least_left(part: Part) -> Decimal:
    """Return how many of a part a count leaves at least: those that tickets have set aside."""
    return part.reserved


def _require_enough(part: Part, difference: Decimal) -> None:
    if part.on_hand is None:
        raise StockNotCounted(f"{part.name}: no stock is kept of it any more.")
    left = part.on_hand + difference
    if left < 0:
        raise NotEnoughOnHand(
            f"{part.name}: {told(part.on_hand)} on hand by now, and {told(-difference)} would be missing. Count it again."
        )
    if difference < 0 and left < least_left(part):
        raise BelowReserved(
            f"{reservations.told_below(part, left)} Count it again, or post it with `release`."
        )


def _hold_reserving(workshop_id: int, differing: dict[int, Decimal]) -> list[int]:
    missing = [part_id for part_id, difference in differing.items() if difference < 0]
    return reservations.keeper().hold(workshop_id, missing) if missing else []


def _release(
    workshop_id: int, ticket_ids: list[int], parts: dict[int, Part], differing: dict[int, Decimal]
) -> None:
    """Let the tickets go without what was not there, down to what is left of each part."""
    too_many = {}
    for part in parts.values():
        left = (part.on_hand or NONE) + differing[part.id]
        if 0 <= left < least_left(part):
            too_many[part.id] = least_left(part) - left
    if too_many:
        for part_id, quantity in reservations.keeper().release(workshop_id, ticket_ids, too_many).items():
            parts[part_id].reserved -= quantity


def _close(session: Session, sheet: Stocktake, status: StocktakeStatus) -> None:
    sheet.status, sheet.closed_at = status, clock.now()
    session.flush()
    session.execute(
        update(StocktakeLine)
        .where(StocktakeLine.workshop_id == sheet.workshop_id, StocktakeLine.stocktake_id == sheet.id)
        .values(open=False)
        .execution_options(synchronize_session=False)
    )


def cancel(workshop_id: int, stocktake_id: int, *, expected: Expected = None) -> Told:
    """Give a count up: nothing of it is posted.

    :raises StocktakeNotFound: unknown here. :raises Stale: not the `expected` version. :raises StocktakeClosed: it is.
    """
    with atomic() as session:
        sheet = _held(workshop_id, stocktake_id, expected)
        _close(session, sheet, "cancelled")
        audit.note("stocktake.cancelled", "stocktake", sheet.id, after={"status": sheet.status})
        return with_numbers(workshop_id, [sheet])[0]
