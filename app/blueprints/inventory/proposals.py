"""What should be ordered, by supplier: the parts of which too few are there or on the way, for the shelf or for tickets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, or_, select, text

from app.blueprints.inventory import orders, wanting
from app.blueprints.inventory.models import ALERTING, Part, PartSupplier, Supplier
from app.blueprints.inventory.order_lines import Wanted
from app.blueprints.inventory.order_models import OUTSTANDING, PurchaseOrderLine
from app.blueprints.inventory.orders import MOST_LINES, Told
from app.blueprints.inventory.vocabulary import is_divisible
from app.blueprints.inventory.wanting import Wanting
from app.blueprints.workshops import numbers
from app.core.db import atomic
from app.core.money import rounded
from app.core.quantities import GREATEST_QUANTITY
from app.extensions import db

MOST_PARTS = 1_000
NONE, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, slots=True)
class Offer:
    """Who has a part, and at what price; `rank` puts the preferred one first, then the cheapest."""

    supplier: Supplier
    price: Decimal | None
    preferred: bool

    @property
    def rank(self) -> tuple[Any, ...]:
        return (not self.preferred, self.price is None, self.price or NONE, self.supplier.id)


@dataclass(frozen=True, slots=True)
class Need:
    """So many of a part should be ordered, and what waits for it."""

    part: Part
    quantity: Decimal
    wants: Wanting


def proposed(workshop_id: int, supplier_ids: Collection[int] | None = None) -> Told:
    """Return what should be ordered, by supplier, and what nobody supplies.

    Looked at are the first thousand parts, by name, of which tickets lack more than is there for anybody, and the first
    thousand that are at their minimum or below. One that has neither a minimum nor a quantity to reorder is bought when it is
    needed, as many as tickets lack, and one that was replaced is no more bought for its own minimum. Of several suppliers the
    preferred one is taken, or the cheapest.
    """
    needs = _needs(workshop_id)
    offers = _offers(workshop_id, [need.part.id for need in needs])
    grouped: defaultdict[int, list[tuple[Need, Offer]]] = defaultdict(list)
    unsupplied = []
    for need in needs:
        if not offers.get(need.part.id):
            unsupplied.append(_line(need, None))
            continue
        best = min(offers[need.part.id], key=lambda offer: offer.rank)
        grouped[best.supplier.id].append((need, best))
    chosen = [group for id_, group in grouped.items() if supplier_ids is None or id_ in supplier_ids]
    chosen.sort(key=lambda group: (group[0][1].supplier.name, group[0][1].supplier.id))
    return {"proposals": [_proposal(group) for group in chosen], "without_supplier": unsupplied}


def _needs(workshop_id: int) -> list[Need]:
    """Return what should be ordered: first what tickets wait for, then the rest of what runs low, each by name."""
    short = wanting.fall_short(workshop_id, MOST_PARTS)
    low = {part.id: part for part in _running_low(workshop_id)}
    parts = {part.id: part for part in short} | low
    coming, waiting = _on_the_way(workshop_id, parts), wanting.of_parts(workshop_id, parts)
    needs = []
    for part_id, part in parts.items():
        wants = waiting.get(part_id, Wanting())
        quantity = _needed(part, coming.get(part_id, NONE), wants.lacking, is_low=part_id in low)
        if quantity > 0:
            needs.append(Need(part, quantity, wants))
    return needs


def _running_low(workshop_id: int) -> Sequence[Part]:
    statement = select(Part).where(
        Part.workshop_id == workshop_id,
        text(ALERTING),
        Part.replaced_by_id.is_(None),
        or_(Part.minimum_stock_level.is_not(None), Part.reorder_quantity.is_not(None)),
    )
    return db.session.scalars(statement.order_by(Part.name, Part.id).limit(MOST_PARTS)).all()


def _on_the_way(workshop_id: int, part_ids: Collection[int]) -> dict[int, Decimal]:
    """Return how many of each part are drafted or ordered and still to come."""
    if not part_ids:
        return {}
    line = PurchaseOrderLine
    statement = (
        select(line.part_id, func.sum(line.quantity), func.sum(line.received), func.sum(line.cancelled))
        .where(line.workshop_id == workshop_id, line.part_id.in_(part_ids), text(OUTSTANDING))
        .group_by(line.part_id)
    )
    return {part_id: ordered - came - gone for part_id, ordered, came, gone in db.session.execute(statement)}


def _needed(part: Part, coming: Decimal, lacking: Decimal = NONE, *, is_low: bool = True) -> Decimal:
    """Return how many to order of a counted part, in whole multiples of its quantity to reorder where it has one.

    As many as tickets lack beyond what is there for anybody and what is on the way. Of what is low, as many as bring it above
    its minimum once the tickets have taken what they lack: what is there and what is on the way is reckoned with once.
    """
    assert part.on_hand is not None
    least, there = part.minimum_stock_level or NONE, part.on_hand + coming - lacking
    wanted = _rounded_up(part, max(part.reserved - there, NONE))
    if is_low and there <= least:
        step = part.reorder_quantity or ONE
        wanted = max(wanted, ((least - there) // step + 1) * step)
    return min(wanted, Decimal(GREATEST_QUANTITY))


def _rounded_up(part: Part, quantity: Decimal) -> Decimal:
    if part.reorder_quantity is None and is_divisible(part.unit):
        return quantity
    step = part.reorder_quantity or ONE
    multiples, rest = divmod(quantity, step)
    return (multiples + bool(rest)) * step


def _offers(workshop_id: int, part_ids: Collection[int]) -> dict[int, list[Offer]]:
    found: defaultdict[int, list[Offer]] = defaultdict(list)
    if not part_ids:
        return found
    statement = (
        select(PartSupplier.part_id, Supplier, PartSupplier.price, PartSupplier.preferred)
        .join(Supplier, Supplier.id == PartSupplier.supplier_id)
        .where(
            PartSupplier.workshop_id == workshop_id,
            Supplier.workshop_id == workshop_id,
            PartSupplier.part_id.in_(part_ids),
            Supplier.active,
        )
    )
    for part_id, supplier, price, preferred in db.session.execute(statement):
        found[part_id].append(Offer(supplier, price, preferred))
    return found


def _line(need: Need, price: Decimal | None) -> Told:
    part = need.part
    return {
        "item": {"id": part.id, "name": part.name, "sku": part.sku, "unit": part.unit},
        "alert": part.alert,
        "on_hand": part.on_hand,
        "to_order": need.wants.lacking,
        "waiting_tickets": need.wants.tickets,
        "quantity": need.quantity,
        "unit_price": price,
        "total": rounded(need.quantity * (price or NONE)),
    }


def _proposal(group: Sequence[tuple[Need, Offer]]) -> Told:
    supplier = group[0][1].supplier
    lines = [
        _line(need, need.part.last_cost if offer.price is None else offer.price)
        for need, offer in group[:MOST_LINES]
    ]
    total = sum((line["total"] for line in lines), Decimal("0.00"))
    least = supplier.minimum_order_value
    return {
        "supplier": {"id": supplier.id, "name": supplier.name},
        "lines": lines,
        "total": total,
        "minimum_order_value": least,
        "missing_to_minimum": max((least or NONE) - total, Decimal("0.00")),
        "purchase_order_id": None,
    }


def draft(
    workshop_id: int, supplier_ids: Collection[int] | None = None, *, below_minimum: bool = False
) -> Told:
    """Draft what is proposed, an order a supplier; one below its supplier's least order only with `below_minimum`.

    The series of the orders' numbers is held first: of two who ask at once the second one finds the drafts of the first.
    :raises Invalid: an order would be worth too much.
    """
    with atomic():
        numbers.hold_series(orders.SERIES)
        found = proposed(workshop_id, supplier_ids)
        for proposal in found["proposals"]:
            if proposal["missing_to_minimum"] and not below_minimum:
                continue
            made = orders.draft(
                workshop_id, supplier_id=proposal["supplier"]["id"], lines=_wanted(proposal["lines"])
            )
            proposal["purchase_order_id"] = made["id"]
    return found


def _wanted(lines: Iterable[Told]) -> list[Wanted]:
    return [Wanted(line["item"]["id"], line["quantity"], line["unit_price"]) for line in lines]
