"""Writing tables out: a thousand rows by a statement, in the order of their ids; a long table is never whole in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import func, select

from app.blueprints.inventory.models import Part, PartCategory, Supplier
from app.blueprints.inventory.tables import parts, stock, suppliers
from app.blueprints.inventory.tables.cells import written
from app.blueprints.inventory.tables.importing import Table
from app.core import sheets, tenancy
from app.extensions import db

ROWS_AT_ONCE = 1_000

Row = Sequence[str]


def _walked(workshop_id: int, model: Any, *conditions: Any) -> Iterator[Any]:
    """Yield the rows of a workshop; each statement sees the moment at which it is sent."""
    place, found = 0, ROWS_AT_ONCE
    while found == ROWS_AT_ONCE:
        with tenancy.acting_in(workshop_id):
            rows = db.session.scalars(
                select(model)
                .where(model.workshop_id == workshop_id, model.id > place, *conditions)
                .order_by(model.id)
                .limit(ROWS_AT_ONCE)
            ).all()
        for row in rows:
            yield row
            db.session.expunge(row)
            place = row.id
        found = len(rows)


def _rows(
    model_rows: Iterator[Any], columns: Sequence[str], **special: Callable[[Any], Any]
) -> Iterator[Row]:
    for row in model_rows:
        yield [written(special[name](row) if name in special else getattr(row, name)) for name in columns]


def _parts(workshop_id: int) -> Iterator[bytes]:
    with tenancy.acting_in(workshop_id):
        paths = parts.paths(workshop_id)
    heads = tuple(parts.COLUMNS)
    found = _walked(workshop_id, Part, Part.archived_at.is_(None))
    return sheets.written(heads, _rows(found, heads, category=lambda part: paths.get(part.category_id)))


def _stock(workshop_id: int) -> Iterator[bytes]:
    heads = tuple(name for name in stock.COLUMNS if name != "unit_cost")
    return sheets.written(heads, _rows(_walked(workshop_id, Part, Part.archived_at.is_(None)), heads))


def _suppliers(workshop_id: int) -> Iterator[bytes]:
    heads = tuple(suppliers.COLUMNS)
    return sheets.written(heads, _rows(_walked(workshop_id, Supplier), heads))


def state(workshop_id: int, name: str) -> bytes:
    """Return a digest of the versions of what a table is written from: another one, once any of it is changed."""
    models: dict[str, tuple[Any, ...]] = {
        "parts": (Part, PartCategory),
        "stock": (Part,),
        "suppliers": (Supplier,),
    }
    digest = blake2b(digest_size=8)
    for model in models[name]:
        row = db.session.execute(
            select(func.count(), func.sum(model.version), func.max(model.id)).where(
                model.workshop_id == workshop_id
            )
        ).one()
        digest.update(repr(tuple(int(number or 0) for number in row)).encode())
    return digest.digest()


EXPORTS: dict[str, Callable[[int], Iterator[bytes]]] = {
    "parts": _parts,
    "suppliers": _suppliers,
    "stock": _stock,
}
TABLES: dict[str, Callable[[int], Table]] = {
    "parts": parts.Parts,
    "suppliers": suppliers.Suppliers,
    "stock": stock.Stock,
}
