"""Stock as a table: how many of each part are there; what differs is entered in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from sqlalchemy import or_
from sqlalchemy.orm import Session

from app.blueprints.inventory import ledger, pricing
from app.blueprints.inventory.alerts import look_again
from app.blueprints.inventory.models import Part
from app.blueprints.inventory.stocktakes import least_left
from app.blueprints.inventory.tables import cells
from app.blueprints.inventory.tables.cells import Column
from app.blueprints.inventory.tables.importing import REASON, Outcome, Wanted
from app.blueprints.inventory.vocabulary import Kind, is_divisible
from app.core.db import locked
from app.core.errors import DomainError
from app.core.quantities import NOT_WHOLE, is_whole
from app.core.schema import GREATEST_ID

COLUMNS = {
    "id": Column(cells.whole(GREATEST_ID)),
    "sku": Column(cells.text(60)),
    "name": Column(cells.text(200)),  # for whoever reads it: it changes nothing
    "bin": Column(cells.text(40)),  # the same
    "on_hand": Column(cells.quantity),
    "unit_cost": Column(cells.price),
}


class Stock:
    """How many of each part are there. What is not counted is empty, and stays so."""

    name = "stock"
    model = Part
    columns = COLUMNS
    log = None  # its ledger tells it

    def __init__(self, workshop_id: int) -> None:
        self.workshop_id = workshop_id
        self.touched: set[int] = set()

    def take(self, session: Session, wanted: Sequence[Wanted]) -> Iterator[Outcome]:
        ids = {one.values["id"] for one in wanted if one.values.get("id") is not None}
        skus = {one.values["sku"] for one in wanted if one.values.get("sku") is not None}
        found = locked(Part, stays=True).where(
            Part.workshop_id == self.workshop_id,
            Part.archived_at.is_(None),
            or_(Part.id.in_(ids), Part.sku.in_(skus)),
        )
        parts = session.scalars(found.order_by(Part.id)).all()
        by_id = {part.id: part for part in parts}
        by_sku = {part.sku: part for part in parts if part.sku is not None}
        for one in wanted:
            id_ = one.values.get("id")
            part = by_sku.get(one.values.get("sku") or "") if id_ is None else by_id.get(id_)
            yield self._outcome(session, one, part)
        pricing.set_prices(session, self.workshop_id, [part for part in parts if session.is_modified(part)])
        session.flush()

    def _outcome(self, session: Session, one: Wanted, part: Part | None) -> Outcome:
        level: Decimal | None = one.values.get("on_hand")
        if part is None:
            return one.refused(id=["No such item, or one that was taken out."])
        if one.values.get("sku") not in (None, part.sku):  # as where a spreadsheet sorted one column alone
            return one.refused(sku=["The item with this id has another one."])
        if part.id in self.touched:
            return one.refused(id=["Another line is about the same item."])
        self.touched.add(part.id)
        if level == part.on_hand:
            return Outcome(one.line, "unchanged", one.about)
        if level is None:
            return one.refused(on_hand=["Empty, and the stock of the item is counted."])
        if level < least_left(part):
            return one.refused(on_hand=[f"At least {least_left(part)} must stay."])
        if not is_whole(level) and not is_divisible(part.unit):
            return one.refused(on_hand=[NOT_WHOLE])
        try:
            self._enter(session, part, level, one.values.get("unit_cost"))
        except DomainError as refusal:
            return one.refused(**(refusal.errors or {"on_hand": [refusal.detail]}))
        return Outcome(one.line, "updated", one.about, ("on_hand",))

    def _enter(self, session: Session, part: Part, level: Decimal, unit_cost: Decimal | None) -> None:
        begins = part.on_hand is None
        before = Decimal(0) if part.on_hand is None else part.on_hand
        part.on_hand = before
        if level == before:
            look_again(session, self.workshop_id, [part.id])
            return
        cost = unit_cost if level > before else None
        kind: Kind = "opening" if begins and level > 0 else "adjustment"
        ledger.post(session, part, kind, level - before, unit_cost=cost, reason=REASON)
