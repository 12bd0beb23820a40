"""The rules of purchase orders: drafted, ordered, cancelled as far as nothing came. What comes: `receiving`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, delete, exists, select
from sqlalchemy.orm import Session

from app.blueprints.inventory.errors import (
    BelowMinimumOrder,
    OrderNotDraft,
    OrderNotExpected,
    OrderNotFound,
    PartNotFound,
    StockNotCounted,
    SupplierInactive,
    SupplierNotFound,
)
from app.blueprints.inventory.models import Part, PartSupplier, Supplier
from app.blueprints.inventory.order_lines import Wanted, merged
from app.blueprints.inventory.order_models import PurchaseOrder, PurchaseOrderLine
from app.blueprints.inventory.vocabulary import EXPECTED, OrderStatus, is_divisible
from app.blueprints.workshops import numbers
from app.blueprints.workshops.models import Workshop
from app.core import audit, clock, paging
from app.core.db import atomic, locked, touch
from app.core.errors import Invalid
from app.core.money import GREATEST_AMOUNT
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.quantities import NOT_WHOLE, is_whole, told
from app.extensions import db

MOST_LINES = 200
SERIES = "purchase_orders"
ORDER = Order(PurchaseOrder.id, "-number", number=PurchaseOrder.number)
RECORD = ("number", "supplier_id", "status", "total", "expected_on", "note")
HEAD = (
    "id", "number", "status", "currency", "total", "expected_on", "note", "ordered_at", "sent_at", "closed_at", "version",
    "created_at", "updated_at",
)  # fmt: skip
LINE = (
    "supplier_number", "quantity", "received", "cancelled", "outstanding", "unit_price", "last_price", "price_change", "total",
    "received_value", "received_price", "received_change",
)  # fmt: skip

Told = dict[str, Any]


# ---- Reading ------------------------------------------------------------------------------------------------------


def find(
    workshop_id: int,
    walk: Walk,
    *,
    status: list[OrderStatus] | None = None,
    supplier_id: int | None = None,
    item_id: int | None = None,
) -> Page:
    """Return one page of the orders that fit, without their lines."""
    statement = select(PurchaseOrder).where(PurchaseOrder.workshop_id == workshop_id)
    if status is not None:
        statement = statement.where(PurchaseOrder.status.in_(status))
    if supplier_id is not None:
        statement = statement.where(PurchaseOrder.supplier_id == supplier_id)
    if item_id is not None:
        line = exists().where(
            PurchaseOrderLine.workshop_id == workshop_id,
            PurchaseOrderLine.purchase_order_id == PurchaseOrder.id,
            PurchaseOrderLine.part_id == item_id,
        )
        statement = statement.where(line)
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: _with_suppliers(workshop_id, db.session.scalars(s, v).all()),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def _with_suppliers(workshop_id: int, orders: Sequence[PurchaseOrder]) -> list[Told]:
    names: dict[int, str] = {}
    if orders:
        statement = select(Supplier.id, Supplier.name).where(
            Supplier.workshop_id == workshop_id, Supplier.id.in_({order.supplier_id for order in orders})
        )
        names = {row.id: row.name for row in db.session.execute(statement)}
    return [
        {
            "supplier": {"id": order.supplier_id, "name": names[order.supplier_id]},
            **audit.fields_of(order, HEAD),
        }
        for order in orders
    ]


def get(workshop_id: int, order_id: int) -> Told:
    """Return an order with its lines, by the names of the parts.

    :raises OrderNotFound: unknown here.
    """
    found = db.session.execute(
        select(PurchaseOrder, Supplier.name)
        .join(Supplier, Supplier.id == PurchaseOrder.supplier_id)
        .where(
            PurchaseOrder.workshop_id == workshop_id,
            Supplier.workshop_id == workshop_id,
            PurchaseOrder.id == order_id,
        )
    ).one_or_none()
    if found is None:
        raise OrderNotFound()
    return shown(*found)


def shown(order: PurchaseOrder, supplier: str) -> Told:
    """Return an order as it is answered, with its lines."""
    rows = db.session.execute(
        select(PurchaseOrderLine, Part.name, Part.sku, Part.unit)
        .join(Part, Part.id == PurchaseOrderLine.part_id)
        .where(
            PurchaseOrderLine.workshop_id == order.workshop_id,
            Part.workshop_id == order.workshop_id,
            PurchaseOrderLine.purchase_order_id == order.id,
        )
        .order_by(Part.name, Part.id)
    )
    lines = [
        {"item": {"id": line.part_id, "name": name, "sku": sku, "unit": unit}, **audit.fields_of(line, LINE)}
        for line, name, sku, unit in rows
    ]
    return {
        "supplier": {"id": order.supplier_id, "name": supplier},
        **audit.fields_of(order, HEAD),
        "lines": lines,
    }


def one(statement: Select[PurchaseOrder], workshop_id: int, order_id: int) -> PurchaseOrder:
    """Return the order that `statement` finds here.

    :raises OrderNotFound: unknown here.
    """
    found = db.session.scalar(
        statement.where(PurchaseOrder.workshop_id == workshop_id, PurchaseOrder.id == order_id)
    )
    if found is None:
        raise OrderNotFound()
    return found


def lines_of(workshop_id: int, order_id: int) -> dict[int, PurchaseOrderLine]:
    """Return an order's lines by their parts; who changes one has locked the order."""
    statement = select(PurchaseOrderLine).where(
        PurchaseOrderLine.workshop_id == workshop_id, PurchaseOrderLine.purchase_order_id == order_id
    )
    rows = db.session.scalars(statement.execution_options(populate_existing=True))
    return {line.part_id: line for line in rows}


# ---- Drafting -----------------------------------------------------------------------------------------------------


def draft(
    workshop_id: int,
    *,
    supplier_id: int,
    lines: Iterable[Wanted],
    expected_on: date | None = None,
    note: str | None = None,
) -> Told:
    """Draft an order. Without a price, a line has the supplier's; without that, what one cost last.

    :raises SupplierNotFound: unknown here. :raises SupplierInactive: nothing is ordered there.
    :raises PartNotFound: one is unknown here, or taken out. :raises StockNotCounted: none is kept of one.
    :raises Invalid: a fraction of what is counted by whole ones, two prices for one, too many of one, or worth too much.
    """
    with atomic() as session:
        # The series is held before supplier and parts, as `proposals.draft` does.
        number = numbers.next_number(SERIES)
        supplier = _orderable(workshop_id, supplier_id)
        wanted = merged(lines)
        parts = _parts(workshop_id, wanted)
        order = PurchaseOrder(
            workshop_id=workshop_id,
            number=number,
            supplier_id=supplier_id,
            currency=session.scalars(select(Workshop.currency).where(Workshop.id == workshop_id)).one(),
            expected_on=expected_on,
            note=note,
        )
        session.add(order)
        session.flush()
        _write_lines(session, order, wanted, parts)
        audit.note("purchase_order.drafted", "purchase_order", order.id, after=_recorded(order, wanted))
        return shown(order, supplier.name)


def _recorded(order: PurchaseOrder, wanted: dict[int, Wanted] | None = None) -> Told:
    said = audit.fields_of(order, RECORD)
    said["expected_on"] = order.expected_on.isoformat() if order.expected_on else None
    if wanted is not None:
        said["lines"] = {part_id: told(line.quantity) for part_id, line in sorted(wanted.items())}
    return said


def _orderable(workshop_id: int, supplier_id: int) -> Supplier:
    """Return a supplier, held so that nobody takes it away meanwhile.

    :raises SupplierNotFound: unknown here. :raises SupplierInactive: nothing is ordered there.
    """
    statement = select(Supplier).where(Supplier.workshop_id == workshop_id, Supplier.id == supplier_id)
    supplier = db.session.scalar(
        statement.with_for_update(read=True, key_share=True).execution_options(populate_existing=True)
    )
    if supplier is None:
        raise SupplierNotFound()
    if not supplier.active:
        raise SupplierInactive(f"{supplier.name} is inactive.")
    return supplier


def _parts(workshop_id: int, wanted: dict[int, Wanted]) -> dict[int, Part]:
    """Return parts that can be ordered so, held so that nobody changes their units meanwhile."""
    statement = select(Part).where(
        Part.workshop_id == workshop_id, Part.id.in_(wanted), Part.archived_at.is_(None)
    )
    held = statement.order_by(Part.id).with_for_update(read=True)
    parts = {part.id: part for part in db.session.scalars(held.execution_options(populate_existing=True))}
    for part_id, line in wanted.items():
        part = parts.get(part_id)
        if part is None:
            raise PartNotFound()
        if part.on_hand is None:
            raise StockNotCounted(f"{part.name}: no stock is kept of it, so none can be received.")
        require_whole(part, line.quantity)
    return parts


def require_whole(part: Part, quantity: Decimal) -> None:
    """Refuse half a filter.

    :raises Invalid: it has a fraction, and the part's unit has none.
    """
    if not is_whole(quantity) and not is_divisible(part.unit):
        raise Invalid("See `errors`.", errors={"lines": [f"{NOT_WHOLE} ({part.name})"]})


def _write_lines(
    session: Session, order: PurchaseOrder, wanted: dict[int, Wanted], parts: dict[int, Part]
) -> None:
    offers = _offers(order, wanted)
    lines = []
    for part_id, line in sorted(wanted.items()):
        offer, part = offers.get(part_id), parts[part_id]
        known = offer.price if offer is not None and offer.price is not None else part.last_cost
        lines.append(
            PurchaseOrderLine(
                workshop_id=order.workshop_id,
                purchase_order_id=order.id,
                part_id=part_id,
                supplier_number=offer.supplier_number if offer is not None else None,
                quantity=line.quantity,
                received=Decimal(0),
                cancelled=Decimal(0),
                received_value=Decimal("0.00"),
                unit_price=known if line.unit_price is None else line.unit_price,
                last_price=known,
            )
        )
    session.add_all(lines)
    set_total(order, lines)
    session.flush()


def _offers(order: PurchaseOrder, part_ids: Iterable[int]) -> dict[int, PartSupplier]:
    statement = select(PartSupplier).where(
        PartSupplier.workshop_id == order.workshop_id,
        PartSupplier.supplier_id == order.supplier_id,
        PartSupplier.part_id.in_(part_ids),
    )
    return {offer.part_id: offer for offer in db.session.scalars(statement)}


def set_total(order: PurchaseOrder, lines: Iterable[PurchaseOrderLine]) -> None:
    """Add an order's lines up.

    :raises Invalid: more than an amount can be.
    """
    total = sum((line.total for line in lines), Decimal("0.00"))
    if total > GREATEST_AMOUNT:
        raise Invalid("See `errors`.", errors={"lines": ["The order would be worth too much."]})
    order.total = total


def update(workshop_id: int, order_id: int, changes: Told, expected: Expected = None) -> Told:
    """Change a draft; its lines, where some are given, as a whole.

    :raises OrderNotFound: unknown here. :raises Stale: not the `expected` version. :raises OrderNotDraft: it is ordered.
    Else as `draft`.
    """
    with atomic() as session:
        order = _held(workshop_id, order_id, expected, ("draft",))
        before = _recorded(order)
        supplier = _orderable(workshop_id, changes.get("supplier_id", order.supplier_id))
        moved = supplier.id != order.supplier_id
        for field in ("supplier_id", "expected_on", "note"):
            if field in changes:
                setattr(order, field, changes[field])
        wanted = merged(changes["lines"]) if "lines" in changes else None
        if wanted is None and moved:  # at the prices of who sells it now
            wanted = {
                part_id: Wanted(part_id, line.quantity)
                for part_id, line in lines_of(workshop_id, order_id).items()
            }
        if wanted is not None:
            _replace_lines(session, order, wanted)
        touch(order)
        session.flush()
        audit.note_change(
            "purchase_order.updated", "purchase_order", order_id, before, _recorded(order, wanted)
        )
        return shown(order, supplier.name)


def _replace_lines(session: Session, order: PurchaseOrder, wanted: dict[int, Wanted]) -> None:
    parts = _parts(order.workshop_id, wanted)
    for line in lines_of(order.workshop_id, order.id).values():
        session.expunge(line)
    session.execute(
        delete(PurchaseOrderLine)
        .where(
            PurchaseOrderLine.workshop_id == order.workshop_id,
            PurchaseOrderLine.purchase_order_id == order.id,
        )
        .execution_options(synchronize_session=False)
    )
    _write_lines(session, order, wanted, parts)


def _held(
    workshop_id: int, order_id: int, expected: Expected, statuses: tuple[OrderStatus, ...]
) -> PurchaseOrder:
    """Lock an order that has one of some statuses; what hangs on it is changed under this lock alone."""
    order = one(locked(PurchaseOrder), workshop_id, order_id)
    require_version(order, expected)
    if order.status not in statuses:
        raise (OrderNotDraft if statuses == ("draft",) else OrderNotExpected)(
            f"Order {order.number} is {order.status}."
        )
    return order


# ---- Ordering and cancelling --------------------------------------------------------------------------------------


def place(workshop_id: int, order_id: int, *, below_minimum: bool = False, expected: Expected = None) -> Told:
    """Order what was drafted. Less than the supplier's least order is refused, unless `below_minimum` says that it is meant.

    :raises OrderNotFound: unknown here. :raises Stale: not the `expected` version. :raises OrderNotDraft: it is ordered.
    :raises SupplierInactive: nothing is ordered there. :raises BelowMinimumOrder: it is worth less.
    """
    with atomic() as session:
        order = _held(workshop_id, order_id, expected, ("draft",))
        supplier = _orderable(workshop_id, order.supplier_id)
        least = supplier.minimum_order_value
        if least is not None and order.total < least and not below_minimum:
            raise BelowMinimumOrder(f"{supplier.name} takes {least} at least; this is {order.total}.")
        order.status, order.ordered_at = "ordered", clock.now()
        session.flush()
        audit.note("purchase_order.ordered", "purchase_order", order_id, after=_recorded(order))
        return shown(order, supplier.name)


def cancel(workshop_id: int, order_id: int, *, reason: str | None = None, expected: Expected = None) -> Told:
    """Cancel what did not come: the whole order where nothing did, else the rest, and then it counts as received.

    :raises OrderNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises OrderNotExpected: all came, or it was cancelled already.
    """
    with atomic() as session:
        order = _held(workshop_id, order_id, expected, ("draft", *EXPECTED))
        before = _recorded(order)
        lines = lines_of(workshop_id, order_id).values()
        for line in lines:
            line.cancelled = line.quantity - line.received
        order.status = "received" if order.status == "partly_received" else "cancelled"
        order.closed_at = clock.now()
        set_total(order, lines)
        session.flush()
        after = _recorded(order) | ({"reason": reason} if reason else {})
        audit.note_change("purchase_order.cancelled", "purchase_order", order_id, before, after)
        name = session.scalars(
            select(Supplier.name).where(Supplier.workshop_id == workshop_id, Supplier.id == order.supplier_id)
        ).one()
        return shown(order, name)
