"""Count sheets as they are read: with how many lines are counted and differ, and what the differences are worth."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, case, func, select

from app.blueprints.inventory.errors import StocktakeNotFound
from app.blueprints.inventory.models import Part
from app.blueprints.inventory.stocktake_models import Stocktake, StocktakeLine
from app.blueprints.inventory.vocabulary import LineState, StocktakeStatus
from app.core import audit, paging
from app.core.money import rounded
from app.core.paging import Order, Page, Walk
from app.extensions import db

ORDER = Order(Stocktake.id, "-number", number=Stocktake.number)
LINE_ORDER = Order(StocktakeLine.place, "place", place=StocktakeLine.place)
HEAD = (
    "id",
    "number",
    "status",
    "category_id",
    "bin",
    "note",
    "closed_at",
    "version",
    "created_at",
    "updated_at",
)

Told = dict[str, Any]


def find(workshop_id: int, walk: Walk, *, status: list[StocktakeStatus] | None = None) -> Page:
    """Return one page of the stocktakes, the latest first."""
    statement = select(Stocktake).where(Stocktake.workshop_id == workshop_id)
    if status is not None:
        statement = statement.where(Stocktake.status.in_(status))
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: with_numbers(workshop_id, db.session.scalars(s, v).all()),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def get(workshop_id: int, stocktake_id: int) -> Told:
    """Return a stocktake: how many lines it has, how many are counted and differ, and what the differences are worth.

    :raises StocktakeNotFound: unknown here.
    """
    return with_numbers(workshop_id, [one_sheet(select(Stocktake), workshop_id, stocktake_id)])[0]


def one_sheet(statement: Select[Stocktake], workshop_id: int, stocktake_id: int) -> Stocktake:
    """Return the stocktake with an id that `statement` finds in a workshop.

    :raises StocktakeNotFound: it finds none.
    """
    found = db.session.scalar(
        statement.where(Stocktake.workshop_id == workshop_id, Stocktake.id == stocktake_id)
    )
    if found is None:
        raise StocktakeNotFound()
    return found


def with_numbers(workshop_id: int, found: Sequence[Stocktake]) -> list[Told]:
    """Return stocktakes with how many lines each has, how many of these are counted, and how many differ."""
    line, numbers = StocktakeLine, {}
    if found:
        differs = case((line.counted != line.book, 1), else_=0)
        rows = db.session.execute(
            select(line.stocktake_id, func.count(), func.count(line.counted), func.sum(differs))
            .where(line.workshop_id == workshop_id, line.stocktake_id.in_([one.id for one in found]))
            .group_by(line.stocktake_id)
        )
        numbers = {id_: (lines, counted, int(differing)) for id_, lines, counted, differing in rows}
    names = ("lines", "counted", "differing")
    return [dict(zip(names, numbers[one.id], strict=True)) | audit.fields_of(one, HEAD) for one in found]


def lines(workshop_id: int, stocktake_id: int, walk: Walk, *, state: LineState | None = None) -> Page:
    """Return one page of a sheet, in the order in which one walks along the shelves: by bin, then by name.

    :raises StocktakeNotFound: unknown here.
    """
    line = StocktakeLine
    statement = (
        select(line, Part)
        .join(Part, Part.id == line.part_id)
        .where(
            line.workshop_id == workshop_id,
            Part.workshop_id == workshop_id,
            line.stocktake_id == stocktake_id,
        )
    )
    if state is not None:
        states = {
            "uncounted": line.counted.is_(None),
            "counted": line.counted.is_not(None),
            "differing": line.counted != line.book,
        }
        statement = statement.where(states[state])
    page = paging.fetch(
        statement,
        LINE_ORDER,
        walk,
        lambda s, v: [_told(*row) for row in db.session.execute(s, v)],
        lambda s, v: db.session.scalars(s, v).one(),
    )
    if not page.rows:
        one_sheet(select(Stocktake), workshop_id, stocktake_id)
    return page


def _told(line: StocktakeLine, part: Part) -> Told:
    fields = ("place", "expected", "counted", "book", "difference", "counted_at")
    return {
        "item": audit.fields_of(part, ("id", "name", "sku", "barcode", "bin", "unit")),
        "difference_value": _worth(line.difference, part),
        **audit.fields_of(line, fields),
    }


def _worth(difference: Decimal | None, part: Part) -> Decimal | None:
    """Return what a difference is worth by what one costs on average; None where either is not known."""
    if difference is None or part.average_cost is None:
        return None
    return rounded(difference * part.average_cost)
