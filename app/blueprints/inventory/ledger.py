"""The ledger of the stock: every movement is entered beside the change of `on_hand` and of its value, in the same transaction.

What is on hand is worth an exact sum. What comes in adds what it cost; what goes takes its share, to the cent, and the last one
takes the rest: so no cent is lost or made, and the average that people are shown is only that share, for one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.blueprints.inventory import reservations
from app.blueprints.inventory.alerts import look_again
from app.blueprints.inventory.errors import BelowReserved, NotEnoughOnHand, StockReserved
from app.blueprints.inventory.models import Part, StockMovement
from app.blueprints.inventory.vocabulary import Kind
from app.core import clock, paging
from app.core.errors import Invalid
from app.core.identity import acting_account
from app.core.money import GREATEST_AMOUNT, rounded
from app.core.paging import Order, Page, Walk
from app.core.quantities import GREATEST_QUANTITY, told
from app.extensions import db

ORDER = Order(StockMovement.id, "-id")
NOTHING = Decimal("0.00")
SET = "Set by hand."
INSTEAD = "Take it off those tickets, or count it and post the count with `release`."


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is of a part, and what that is worth; `on_hand` is None where it is not counted."""

    on_hand: Decimal | None = None
    value: Decimal = NOTHING

    def share_of(self, quantity: Decimal | int) -> Decimal:
        """Return what `quantity` of it is worth: all of it the whole value, part of it a share to the cent."""
        if not self.on_hand or quantity >= self.on_hand:
            return self.value
        return rounded(self.value * quantity / self.on_hand)


@dataclass(frozen=True, slots=True)
class Entry:
    """A movement to be entered, with what is there after it."""

    part_id: int
    kind: Kind
    quantity: Decimal | int
    value: Decimal
    after: Stock
    ticket_id: int | None = None


def enter(session: Session, workshop_id: int, entries: Iterable[Entry]) -> None:
    """Enter movements whose parts are locked and changed already, all by one statement."""
    now, account_id = clock.now(), acting_account()
    rows: list[dict[str, Any]] = [
        {
            "workshop_id": workshop_id,
            "part_id": entry.part_id,
            "kind": entry.kind,
            "quantity": entry.quantity,
            "unit_cost": _each(entry.value, entry.quantity),
            "value": entry.value,
            "balance": entry.after.on_hand,
            "balance_value": entry.after.value,
            "at": now,
            "account_id": account_id,
            "service_ticket_id": entry.ticket_id,
        }
        for entry in entries
    ]
    if rows:
        session.execute(insert(StockMovement).values(rows))
        look_again(session, workshop_id, [row["part_id"] for row in rows])


def post(
    session: Session,
    part: Part,
    kind: Kind,
    quantity: Decimal,
    *,
    unit_cost: Decimal | None = None,
    reason: str | None = None,
    order_id: int | None = None,
) -> StockMovement:
    """Move stock of a counted part that is locked: up at `unit_cost`, or at its average; down at its share of the value.

    Where nobody ever said what those on hand cost, they are taken to have cost what the first ones did of which somebody does.
    :raises NotEnoughOnHand: fewer are there. :raises BelowReserved: fewer would be left than tickets have set aside.
    :raises Invalid: more than can be counted.
    """
    assert part.on_hand is not None
    if quantity < 0:
        left = part.on_hand + quantity
        if left < 0:
            raise NotEnoughOnHand(told_short(part.name, part.on_hand, part.reserved, -quantity))
        if left < part.reserved:
            raise BelowReserved(f"{reservations.told_below(part, left)} {INSTEAD}")
        value = -Stock(part.on_hand, part.stock_value).share_of(-quantity)
    else:
        if unit_cost is not None and part.last_cost is None and part.on_hand:
            revalue(session, part, unit_cost, "What it cost was not known before.")
        value = rounded((_cost(part) if unit_cost is None else unit_cost) * quantity)
    return _enter_one(
        session,
        part,
        StockMovement(
            kind=kind,
            quantity=quantity,
            value=value,
            unit_cost=_each(value, quantity) if unit_cost is None else unit_cost,
            reason=reason,
            purchase_order_id=order_id,
        ),
        unit_cost,
    )


def told_short(
    name: str, on_hand: Decimal | None, reserved: Decimal, wanted: Decimal | int, own: Decimal | int = 0
) -> str:
    """Return in words that there is too little of a part, `own` of what is reserved being for whoever asks."""
    for_others = reserved - own
    kept = f", {told(for_others)} of them reserved" if for_others else ""
    return f"{name}: {told(on_hand)} on hand{kept}, {told(wanted)} asked for."


def _each(value: Decimal, quantity: Decimal | int) -> Decimal | None:
    """Return what one is worth of so many; nothing is told of what is worth nothing, for mostly nobody said."""
    return rounded(value / quantity) if value else None


def _cost(part: Part) -> Decimal:
    return NOTHING if part.average_cost is None else part.average_cost


def revalue(session: Session, part: Part, unit_cost: Decimal, reason: str | None) -> StockMovement:
    """Say that each of those on hand cost `unit_cost`, of a counted part that is locked.

    :raises Invalid: more than can be counted.
    """
    assert part.on_hand is not None
    value = rounded(unit_cost * part.on_hand) - part.stock_value
    quantity = Decimal(0)
    movement = StockMovement(
        kind="revaluation", quantity=quantity, value=value, unit_cost=unit_cost, reason=reason
    )
    return _enter_one(session, part, movement, unit_cost)


def _enter_one(
    session: Session, part: Part, movement: StockMovement, unit_cost: Decimal | None
) -> StockMovement:
    assert part.on_hand is not None
    part.on_hand += movement.quantity
    part.stock_value += movement.value
    if part.on_hand > GREATEST_QUANTITY:
        raise Invalid("See `errors`.", errors={"quantity": [f"More than {GREATEST_QUANTITY:,} on hand."]})
    if part.stock_value > GREATEST_AMOUNT:
        raise Invalid("See `errors`.", errors={"unit_cost": ["The stock would be worth too much."]})
    if unit_cost is not None:
        part.last_cost = unit_cost
    look_again(session, part.workshop_id, [part.id])
    return _with_what_is_there(session, part, movement)


def _with_what_is_there(session: Session, part: Part, movement: StockMovement) -> StockMovement:
    assert part.on_hand is not None
    movement.workshop_id, movement.part_id = part.workshop_id, part.id
    movement.balance, movement.balance_value = part.on_hand, part.stock_value
    movement.at, movement.account_id = clock.now(), acting_account()
    session.add(movement)
    return movement


def enter_transfer(
    session: Session, part: Part, from_bin: str | None, reason: str | None = None
) -> StockMovement | None:
    """Enter that a locked part lay in another bin until now: all of it, so that none comes or goes.

    None is returned where nothing is to be entered: it is the same bin, or the part is not counted.
    """
    if part.on_hand is None or part.bin == from_bin:
        return None
    nothing = {"quantity": Decimal(0), "value": NOTHING}
    transfer = StockMovement(kind="transfer", from_bin=from_bin, to_bin=part.bin, reason=reason, **nothing)
    return _with_what_is_there(session, part, transfer)


def set_level(session: Session, part: Part, level: Decimal | None) -> None:
    """Let so many of a locked part be on hand, by the movement that this takes; None stops the counting.

    :raises Invalid: more than can be counted. :raises BelowReserved: fewer than tickets have set aside.
    :raises StockReserved: counted no more, with some reserved.
    """
    if level is None:
        if part.reserved:
            raise StockReserved(f"{told(part.reserved)} are reserved.")
        if part.on_hand:
            post(session, part, "adjustment", -part.on_hand, reason="Counted no more.")
        part.on_hand = None
        return
    begins = part.on_hand is None
    if part.on_hand is None:
        part.on_hand = Decimal(0)
    if level != part.on_hand:
        kind: Kind = "opening" if begins else "adjustment"
        post(session, part, kind, level - part.on_hand, reason=None if begins else SET)


def find(workshop_id: int, part_id: int, walk: Walk, *, kind: list[str] | None = None) -> Page:
    """Return one page of a part's movements, of some kinds or of all."""
    statement: Any = select(StockMovement).where(
        StockMovement.workshop_id == workshop_id, StockMovement.part_id == part_id
    )
    if kind is not None:
        statement = statement.where(StockMovement.kind.in_(kind))
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )
