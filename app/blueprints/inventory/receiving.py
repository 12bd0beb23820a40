"""What comes of an order: counted against what is still expected, and entered in the ledger at what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.blueprints.inventory import ledger, pricing, reservations
from app.blueprints.inventory.errors import (
    ControlTotalDiffers,
    MoreThanOrdered,
    NotOnOrder,
    OrderNotExpected,
    OrderNotFound,
    StockNotCounted,
)
from app.blueprints.inventory.models import Part, PartSupplier, StockMovement, Supplier
from app.blueprints.inventory.order_lines import Wanted as Received
from app.blueprints.inventory.order_lines import merged
from app.blueprints.inventory.order_models import PurchaseOrder, PurchaseOrderLine
from app.blueprints.inventory.orders import Told, lines_of, one, require_whole, shown
from app.blueprints.inventory.reservations import Given
from app.blueprints.inventory.vocabulary import EXPECTED
from app.core import audit, clock, paging
from app.core.db import atomic, locked, touch
from app.core.money import rounded
from app.core.paging import Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.quantities import told
from app.extensions import db


@dataclass(frozen=True, slots=True)
class Controls:
    """What the delivery note says of the whole: so many in all, worth so much. None: it says nothing."""

    quantity: Decimal | None = None
    value: Decimal | None = None


def receive(
    workshop_id: int,
    order_id: int,
    lines: Sequence[Received] | None = None,
    *,
    delivery_note: str | None = None,
    controls: Controls | None = None,
    expected: Expected = None,
) -> Told:
    """Enter what came of an order, all or nothing; without `lines`, that all came which was still expected.

    One costs what its line here says, or else its line on the order, or else what one costs on average. What tickets wait for
    is set aside for them at once, the earliest day first. The order is locked first, then those tickets, and the parts last, in
    the order of their ids: of two deliveries entered at once the second one sees the first.
    :raises OrderNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises OrderNotExpected: nothing is to come.
    :raises NotOnOrder: it was not ordered. :raises MoreThanOrdered: more than is still expected.
    :raises ControlTotalDiffers: it does not add up. :raises StockNotCounted: none is kept of it any more.
    :raises Invalid: a fraction of what is counted by whole ones, one item at two prices, or more than can be counted.
    """
    with atomic() as session:
        order = one(locked(PurchaseOrder), workshop_id, order_id)
        require_version(order, expected)
        if order.status not in EXPECTED:
            raise OrderNotExpected(f"Order {order.number} is {order.status}.")
        kept = lines_of(workshop_id, order_id)
        came = _everything(kept) if lines is None else merged(lines)
        _require_expected(workshop_id, kept, came)
        came = {part_id: _priced(line, kept[part_id]) for part_id, line in came.items()}
        _require_controls(came, controls or Controls())
        waiting = reservations.keeper().hold_waiting(workshop_id, came) if came else []
        parts = _post(session, order, kept, came, delivery_note)
        given = _give(workshop_id, waiting, parts)
        _close(order, kept)
        session.flush()
        _note(order, came, delivery_note)
        answer = shown(order, _learn_prices(session, order, came))
        return answer | {"set_aside": [asdict(one) for one in given]}


def _give(workshop_id: int, ticket_ids: list[int], parts: Sequence[Part]) -> list[Given]:
    """Set aside what came for the tickets that had waited for it."""
    if not ticket_ids:
        return []
    there = {
        part.id: part.on_hand - part.reserved
        for part in parts
        if part.on_hand is not None and part.archived_at is None
    }
    given = reservations.keeper().give(workshop_id, ticket_ids, there)
    for part in parts:
        part.reserved += sum((one.quantity for one in given if one.part_id == part.id), Decimal(0))
    return given


def _everything(kept: dict[int, PurchaseOrderLine]) -> dict[int, Received]:
    return {
        part_id: Received(part_id, line.outstanding) for part_id, line in kept.items() if line.outstanding
    }


def _require_expected(
    workshop_id: int, kept: dict[int, PurchaseOrderLine], came: dict[int, Received]
) -> None:
    for part_id, line in came.items():
        if part_id not in kept:
            raise NotOnOrder(f"{_named(workshop_id, part_id)} is not on the order.")
        expected = kept[part_id].outstanding
        if line.quantity > expected:
            raise MoreThanOrdered(
                f"{_named(workshop_id, part_id)}: {told(expected)} still expected, {told(line.quantity)} came."
            )


def _named(workshop_id: int, part_id: int) -> str:
    name = db.session.scalar(select(Part.name).where(Part.workshop_id == workshop_id, Part.id == part_id))
    return f"Item {part_id}" if name is None else name


def _priced(line: Received, ordered: PurchaseOrderLine) -> Received:
    price = ordered.unit_price if line.unit_price is None else line.unit_price
    return Received(line.item_id, line.quantity, price)


def _require_controls(came: dict[int, Received], controls: Controls) -> None:
    quantity = sum((line.quantity for line in came.values()), Decimal(0))
    if controls.quantity is not None and quantity != controls.quantity:
        raise ControlTotalDiffers(
            f"The quantities add up to {told(quantity)}, and not to {told(controls.quantity)}."
        )
    value = sum(
        (rounded(line.quantity * (line.unit_price or Decimal(0))) for line in came.values()), Decimal("0.00")
    )
    if controls.value is not None and value != controls.value:
        raise ControlTotalDiffers(f"The values add up to {value}, and not to {controls.value}.")


def _post(
    session: Session,
    order: PurchaseOrder,
    kept: dict[int, PurchaseOrderLine],
    came: dict[int, Received],
    delivery_note: str | None,
) -> Sequence[Part]:
    statement = (
        locked(Part, stays=True)
        .where(Part.workshop_id == order.workshop_id, Part.id.in_(came))
        .order_by(Part.id)
    )
    parts = session.scalars(statement).all()
    for part in parts:
        line = came[part.id]
        if part.on_hand is None:
            raise StockNotCounted(f"{part.name}: no stock is kept of it any more.")
        require_whole(part, line.quantity)
        entered = ledger.post(
            session,
            part,
            "purchase",
            line.quantity,
            unit_cost=line.unit_price,
            reason=delivery_note,
            order_id=order.id,
        )
        kept[part.id].received += line.quantity
        kept[part.id].received_value += entered.value
    pricing.follow(session, order.workshop_id, parts)
    return parts


def _close(order: PurchaseOrder, kept: dict[int, PurchaseOrderLine]) -> None:
    if any(line.outstanding for line in kept.values()):
        order.status = "partly_received"
    else:
        order.status, order.closed_at = "received", clock.now()
    touch(order)


def _note(order: PurchaseOrder, came: dict[int, Received], delivery_note: str | None) -> None:
    lines: dict[int, Any] = {
        part_id: {"quantity": told(line.quantity), "unit_cost": line.unit_price}
        for part_id, line in sorted(came.items())
    }
    after = {"status": order.status, "delivery_note": delivery_note, "lines": lines}
    audit.note("purchase_order.received", "purchase_order", order.id, after=after)


def _learn_prices(session: Session, order: PurchaseOrder, came: dict[int, Received]) -> str:
    """Let what was paid be what the supplier asks from now on, where they are known to have the part; return their name.

    What came for nothing, as a replacement under warranty does, says nothing of what they ask.
    """
    offers = session.scalars(
        locked(PartSupplier)
        .where(
            PartSupplier.workshop_id == order.workshop_id,
            PartSupplier.supplier_id == order.supplier_id,
            PartSupplier.part_id.in_(came),
        )
        .order_by(PartSupplier.part_id)
    )
    for offer in offers:
        paid = came[offer.part_id].unit_price
        if paid and paid != offer.price:
            before, offer.price = offer.price, paid
            whose = {"supplier_id": offer.supplier_id}
            audit.note(
                "part.supplier_set",
                "part",
                offer.part_id,
                before=whose | {"price": before},
                after=whose | {"price": paid},
            )
    session.flush()
    return session.scalars(
        select(Supplier.name).where(
            Supplier.workshop_id == order.workshop_id, Supplier.id == order.supplier_id
        )
    ).one()


def movements(workshop_id: int, order_id: int, walk: Walk) -> Page:
    """Return one page of what the ledger says came of an order.

    :raises OrderNotFound: unknown here.
    """
    statement: Any = select(StockMovement).where(
        StockMovement.workshop_id == workshop_id, StockMovement.purchase_order_id == order_id
    )
    page = paging.fetch(
        statement,
        ledger.ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )
    there = select(PurchaseOrder.id).where(
        PurchaseOrder.workshop_id == workshop_id, PurchaseOrder.id == order_id
    )
    if not page.rows and db.session.scalar(there) is None:
        raise OrderNotFound()
    return page
