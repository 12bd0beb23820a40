"""Suppliers as a table: found by id, or else by name; what is found by neither is new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import or_
from sqlalchemy.orm import Session

from app.blueprints.inventory.models import Supplier
from app.blueprints.inventory.suppliers import complete, recorded, taken_meanwhile
from app.blueprints.inventory.tables import cells
from app.blueprints.inventory.tables.cells import Column
from app.blueprints.inventory.tables.importing import Log, Outcome, Wanted, changed, is_new
from app.core.db import locked
from app.core.errors import Invalid
from app.core.names import folded
from app.core.schema import GREATEST_ID

COLUMNS = {
    "id": Column(cells.whole(GREATEST_ID)),
    "name": Column(cells.text(200), needed=True),
    "contact_person": Column(cells.text(200)),
    "email": Column(cells.email),
    "phone": Column(cells.phone),
    "address": Column(cells.text(300)),
    "city": Column(cells.text(100)),
    "postal_code": Column(cells.text(20)),
    "country": Column(cells.country),
    "website": Column(cells.website),
    "tax_id": Column(cells.text(40)),
    "rating": Column(cells.rating),
    "delivery_days": Column(cells.whole(365)),
    "minimum_order_value": Column(cells.price),
    "payment_terms": Column(cells.text(200)),
    "active": Column(cells.flag, needed=True),
}


class Suppliers:
    """Suppliers, without what they supply."""

    name = "suppliers"
    model = Supplier
    columns = COLUMNS

    def __init__(self, workshop_id: int) -> None:
        self.workshop_id = workshop_id
        self.touched: set[int] = set()
        self.log = Log("supplier", recorded)

    def take(self, session: Session, wanted: Sequence[Wanted]) -> Iterator[Outcome]:
        ids = {one.values["id"] for one in wanted if one.values.get("id") is not None}
        names = {folded(one.values["name"]) for one in wanted if one.values.get("name") is not None}
        found = locked(Supplier).where(
            Supplier.workshop_id == self.workshop_id,
            or_(Supplier.id.in_(ids), Supplier.folded_name.in_(names)),
        )
        there = session.scalars(found.order_by(Supplier.id)).all()
        self.by_id = {one.id: one for one in there}
        self.by_name = {one.folded_name: one for one in there}
        new: list[Supplier] = []
        with session.no_autoflush:
            for one in wanted:
                yield self._outcome(one, new)
        session.add_all(new)
        with taken_meanwhile():
            session.flush()
        self.log.tell()
        self.touched.update(supplier.id for supplier in new)

    def _outcome(self, one: Wanted, new: list[Supplier]) -> Outcome:
        id_, name = one.values.get("id"), one.values.get("name")
        named = None if name is None else self.by_name.get(folded(name))
        supplier = named if id_ is None else self.by_id.get(id_)
        if supplier is None and id_ is not None:
            return one.refused(id=["No such supplier."])
        if supplier is None and name is None:
            return one.refused(name=["Needed for a new supplier."])
        if supplier is not None and (is_new(supplier) or supplier.id in self.touched):
            return one.refused(id=["Another line is about the same supplier."])
        if named is not None and named is not supplier:
            return one.refused(name=["Another supplier has it."])
        values = {field: value for field, value in one.values.items() if field != "id"}
        return self._made(one, values, new) if supplier is None else self._changed(one, supplier, values)

    def _made(self, one: Wanted, values: dict[str, object], new: list[Supplier]) -> Outcome:
        supplier = Supplier(workshop_id=self.workshop_id, **{"active": True, **values})
        try:
            complete(supplier)
        except Invalid as refusal:
            return one.refused(**(refusal.errors or {}))
        self.by_name[supplier.folded_name] = supplier
        new.append(supplier)
        self.log.added(supplier)
        return Outcome(one.line, "created", one.about)

    def _changed(self, one: Wanted, supplier: Supplier, values: dict[str, object]) -> Outcome:
        before = {name: getattr(supplier, name) for name in (*values, "folded_name", "phone", "tax_id")}
        self.log.before(supplier)
        changed(supplier, values)
        try:
            complete(supplier)
        except Invalid as refusal:
            changed(supplier, before)
            return one.refused(**(refusal.errors or {}))
        self.touched.add(supplier.id)
        self.by_name.pop(before["folded_name"], None)
        self.by_name[supplier.folded_name] = supplier
        fields = tuple(name for name in values if getattr(supplier, name) != before[name])
        return Outcome(one.line, "updated" if fields else "unchanged", one.about, fields)
