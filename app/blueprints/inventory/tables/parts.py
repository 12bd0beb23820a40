"""Parts as a table: found by id, or else by SKU; what is found by neither is new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.blueprints.inventory import ledger, pricing, units
from app.blueprints.inventory.alerts import look_again
from app.blueprints.inventory.errors import FractionsLeft
from app.blueprints.inventory.models import Part, PartCategory
from app.blueprints.inventory.service import recorded, taken_meanwhile
from app.blueprints.inventory.tables import cells
from app.blueprints.inventory.tables.cells import Column, WrongCell
from app.blueprints.inventory.tables.importing import REASON, Log, Outcome, Wanted, changed, is_new
from app.blueprints.inventory.vocabulary import FIXED, MARKUP, PIECE
from app.core.db import locked
from app.core.quantities import NOT_WHOLE
from app.core.schema import GREATEST_ID
from app.extensions import db

SIGN = ">"
PATH = f" {SIGN} "
NEEDED = ("name", "price")
COLUMNS = {
    "id": Column(cells.whole(GREATEST_ID)),
    "sku": Column(cells.text(60)),
    "name": Column(cells.text(200), needed=True),
    "price": Column(cells.price, needed=True),
    "pricing": Column(cells.pricing, needed=True),
    "unit": Column(cells.unit, needed=True),
    "barcode": Column(cells.barcode),
    "manufacturer": Column(cells.text(100)),
    "category": Column(cells.text(1000)),
    "bin": Column(cells.text(40)),
    "warranty_months": Column(cells.whole(600)),
    "minimum_stock_level": Column(cells.quantity),
    "reorder_quantity": Column(cells.positive),
}


def paths(workshop_id: int) -> dict[int, str]:
    """Return the categories of a workshop by id, each written from the top: `Fluids > Oils`.

    A `>` within a name is written twice: so no two are written alike.
    """
    rows = db.session.execute(
        select(PartCategory.id, PartCategory.parent_id, PartCategory.name).where(
            PartCategory.workshop_id == workshop_id
        )
    ).all()
    known = {row.id: row for row in rows}

    def path(id_: int) -> str:
        row = known[id_]
        name = row.name.replace(SIGN, SIGN * 2)
        return name if row.parent_id is None else f"{path(row.parent_id)}{PATH}{name}"

    return {id_: path(id_) for id_ in known}


def _by_path(paths: Mapping[int, str]) -> dict[str, int]:
    """Return categories by how they may be written: as in `paths`, or with each `>` once where that is no other one too."""
    exactly, loosely = {}, defaultdict(set)
    for id_, path in paths.items():
        exactly[path.casefold()] = id_
        loosely[path.replace(SIGN * 2, SIGN).casefold()].add(id_)
    return {text: next(iter(ids)) for text, ids in loosely.items() if len(ids) == 1} | exactly


class Parts:
    """Parts, without their stock, which is a table of its own."""

    name = "parts"
    model = Part

    def __init__(self, workshop_id: int) -> None:
        self.workshop_id = workshop_id
        self.touched: set[int] = set()
        self.log = Log("part", recorded)
        categories = _by_path(paths(workshop_id))

        def category(cell: str) -> int:
            try:
                return categories[cell.casefold()]
            except KeyError as error:
                raise WrongCell("Unknown: write it from the top, as in `Fluids > Oils`.") from error

        self.columns = {**COLUMNS, "category": Column(category)}

    def take(self, session: Session, wanted: Sequence[Wanted]) -> Iterator[Outcome]:
        with taken_meanwhile():
            yield from self._take(session, wanted)

    def _take(self, session: Session, wanted: Sequence[Wanted]) -> Iterator[Outcome]:
        if any("pricing" in one.values or "category" in one.values for one in wanted):
            pricing.hold()
        batch = _Batch(self.workshop_id, session, wanted, self.log)
        new = []
        for one in wanted:
            part, outcome = batch.plan(one, self.touched)
            yield outcome
            if part is not None and outcome.action == "created":
                session.add(part)
                new.append(part)
                self.log.added(part)
        pricing.set_prices(
            session, self.workshop_id, [part for part in batch.parts if session.is_modified(part)]
        )
        session.flush()
        self.log.tell()
        self.touched.update(part.id for part in new)


class _Batch:
    """Some lines with the parts that they may be about, or whose SKU or barcode they may want."""

    def __init__(self, workshop_id: int, session: Session, wanted: Sequence[Wanted], log: Log) -> None:
        self.workshop_id, self.session, self.log = workshop_id, session, log
        sought = {
            name: {one.values[name] for one in wanted if one.values.get(name) is not None}
            for name in ("id", "sku", "barcode")
        }
        found = locked(Part, stays=True).where(
            Part.workshop_id == workshop_id,
            Part.archived_at.is_(None),
            or_(Part.id.in_(sought["id"]), Part.sku.in_(sought["sku"]), Part.barcode.in_(sought["barcode"])),
        )
        self.parts = session.scalars(found.order_by(Part.id)).all()
        self.by_id = {part.id: part for part in self.parts}
        self.by_sku = {part.sku: part for part in self.parts if part.sku is not None}
        self.by_barcode = {part.barcode: part for part in self.parts if part.barcode is not None}

    def plan(self, one: Wanted, touched: set[int]) -> tuple[Part | None, Outcome]:
        """Change the part that a line is about, or make it; tell what became of the line."""
        values = {name: value for name, value in one.values.items() if name not in ("id", "category")}
        if "category" in one.values:
            values["category_id"] = one.values["category"]
        part = self._found(one)
        if part is None and one.values.get("id") is not None:
            return None, one.refused(id=["No such item, or one that was taken out."])
        if part is None and (missing := [name for name in NEEDED if name not in values]):
            return None, one.refused(**{name: ["Needed for a new item."] for name in missing})
        if part is not None and (is_new(part) or part.id in touched):
            return None, one.refused(id=["Another line is about the same item."])
        if faults := self._clashes(part, values):
            return None, one.refused(**faults)
        if part is None:
            return self._made(one, values)
        touched.add(part.id)
        return part, self._changed(one, part, values)

    def _found(self, one: Wanted) -> Part | None:
        if one.values.get("id") is not None:
            return self.by_id.get(one.values["id"])
        sku = one.values.get("sku")
        return None if sku is None else self.by_sku.get(sku)

    def _clashes(self, part: Part | None, values: dict[str, Any]) -> dict[str, list[str]]:
        faults: dict[str, list[str]] = {}
        for name, holders in (("sku", self.by_sku), ("barcode", self.by_barcode)):
            holder = holders.get(values.get(name) or "")
            if holder is not None and holder is not part:
                faults[name] = ["Another item has it."]
        unit = values.get("unit") or (part.unit if part is not None else PIECE)
        differing = {name: value for name, value in values.items() if getattr(part, name, None) != value}
        for name in units.broken_by(part, unit, differing):
            faults[name if name in COLUMNS else "unit"] = [NOT_WHOLE]
        if part is not None and not faults:
            try:
                units.require_no_fractions(part, unit)
            except FractionsLeft as refusal:
                faults["unit"] = [refusal.detail]
        return faults

    def _made(self, one: Wanted, values: dict[str, Any]) -> tuple[Part, Outcome]:
        part = Part(workshop_id=self.workshop_id, **{"unit": PIECE, "pricing": FIXED, **values})
        self._note(part)
        return part, Outcome(one.line, "created", one.about)

    def _changed(self, one: Wanted, part: Part, values: dict[str, Any]) -> Outcome:
        self.by_sku.pop(part.sku or "", None)
        self.by_barcode.pop(part.barcode or "", None)
        if values.get("pricing", part.pricing) == MARKUP and part.markup_rule_id is not None:
            values.pop("price", None)  # its rule makes it
        self.log.before(part)
        lay_in = part.bin
        fields = changed(part, values)
        ledger.enter_transfer(self.session, part, lay_in, REASON)
        if part.pricing == FIXED:
            part.markup_rule_id = None
        self._note(part)
        if "minimum_stock_level" in fields:
            look_again(self.session, self.workshop_id, [part.id])
        return Outcome(one.line, "updated" if fields else "unchanged", one.about, fields)

    def _note(self, part: Part) -> None:
        if part.sku is not None:
            self.by_sku[part.sku] = part
        if part.barcode is not None:
            self.by_barcode[part.barcode] = part
