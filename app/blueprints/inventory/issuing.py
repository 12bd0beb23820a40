"""What the work takes out of the stock: parts are set aside for a ticket, issued to it, and come back from it.

Whatever touches several parts does so in the order of their ids, so that two who want the same never wait in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select, true
from sqlalchemy import update as sql_update

from app.blueprints.inventory import ledger, service
from app.blueprints.inventory.errors import NotEnoughOnHand, PartNotFound
from app.blueprints.inventory.ledger import Entry, Stock
from app.blueprints.inventory.models import Part
from app.blueprints.inventory.vocabulary import is_divisible
from app.core import clock
from app.core.db import atomic
from app.extensions import db

NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Taken:
    """A part as it was when some were taken: price and core charge, which the ticket keeps, and what they had cost together."""

    id: int
    name: str
    price: Decimal
    cost: Decimal = ledger.NOTHING
    after: Stock = field(default_factory=Stock)
    core_charge: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SetAside:
    """A part as it was when some were set aside, and how many: fewer than wanted where there were too few."""

    id: int
    name: str
    price: Decimal
    core_charge: Decimal | None
    counted: bool
    quantity: Decimal


def divisible_among(workshop_id: int, part_ids: Iterable[int]) -> set[int]:
    """Return those of `part_ids` of which a fraction can be taken."""
    rows = db.session.execute(
        select(Part.id, Part.unit).where(Part.workshop_id == workshop_id, Part.id.in_(part_ids))
    )
    return {part_id for part_id, unit in rows if is_divisible(unit)}


def counted_among(workshop_id: int, part_ids: Iterable[int]) -> set[int]:
    """Return those of `part_ids` of which stock is kept."""
    statement = select(Part.id).where(
        Part.workshop_id == workshop_id, Part.id.in_(part_ids), Part.on_hand.is_not(None)
    )
    return set(db.session.scalars(statement))


def hold(workshop_id: int, part_ids: Iterable[int]) -> dict[int, Stock]:
    """Lock parts until the transaction ends, in the order of their ids, and return what there is of each.

    What both gives some back and takes some does so first: each of the two keeps that order for itself, but two exchanges in
    opposite directions would still wait in a circle.
    """
    statement = select(Part.id, Part.on_hand, Part.stock_value)
    rows = db.session.execute(_locked(statement, workshop_id, part_ids))
    return {part_id: Stock(on_hand, value) for part_id, on_hand, value in rows}


def _locked(statement: Any, workshop_id: int, part_ids: Iterable[int]) -> Any:
    ordered = statement.where(Part.workshop_id == workshop_id, Part.id.in_(part_ids)).order_by(Part.id)
    return ordered.with_for_update(key_share=True)


def set_aside(workshop_id: int, quantities: Mapping[int, Decimal]) -> dict[int, SetAside]:
    """Reserve parts, each as many as there are up to what is wanted; of what is not counted, none need be.

    :raises PartNotFound: one is unknown here, or taken out.
    """
    with atomic() as session:
        found = session.execute(
            _locked(
                select(Part.id, Part.name, Part.price, Part.core_charge, Part.on_hand, Part.reserved).where(
                    Part.archived_at.is_(None)
                ),
                workshop_id,
                quantities,
            )
        ).all()
        if missing := sorted(set(quantities) - {part.id for part in found}):
            raise PartNotFound(f"Unknown here: {', '.join(map(str, missing))}.")
        reserved = {}
        for part in found:
            there = NONE if part.on_hand is None else part.on_hand - part.reserved
            quantity = min(there, quantities[part.id])
            if quantity:
                _reserve(workshop_id, part.id, quantity)
            reserved[part.id] = SetAside(
                part.id, part.name, part.price, part.core_charge, part.on_hand is not None, quantity
            )
    return reserved


def release(workshop_id: int, quantities: Mapping[int, Decimal]) -> None:
    """Let parts that were set aside be anybody's again."""
    with atomic():
        for part_id in sorted(quantities):
            if quantities[part_id]:
                _reserve(workshop_id, part_id, -quantities[part_id])


def _reserve(workshop_id: int, part_id: int, quantity: Decimal) -> None:
    """Change how many are reserved; the CHECK on the table refuses more than are on hand, and fewer than none."""
    db.session.execute(
        sql_update(Part)
        .where(Part.workshop_id == workshop_id, Part.id == part_id)
        .values(reserved=Part.reserved + quantity, version=Part.version + 1, updated_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def take(
    workshop_id: int,
    quantities: dict[int, Decimal],
    *,
    ticket_id: int | None = None,
    held: dict[int, Stock] | None = None,
    own: Mapping[int, Decimal] | None = None,
    archived_too: bool = False,
) -> list[Taken]:
    """Take parts from stock, all or none, in the order of their ids so that two who want the same never wait in a circle.

    The UPDATE's own condition decides; the CHECK on the table stands behind it. What is taken goes at its share of the stock's
    value, as it stands under the lock; who has them in `held` already is spared the trip. What others have set aside is not
    there; `own` says how many of those taken were set aside for the taker. `archived_too`: be the part taken out since.
    :raises PartNotFound: one is unknown here. :raises NotEnoughOnHand: fewer are on hand.
    """
    with atomic() as session:
        stocks = hold(workshop_id, quantities) if held is None else held
        taken = [
            _take(
                workshop_id,
                part_id,
                quantities[part_id],
                stocks.get(part_id, Stock()),
                (own or {}).get(part_id, NONE),
                archived_too=archived_too,
            )
            for part_id in sorted(quantities)
        ]
        sales = (
            Entry(one.id, "sale", -quantities[one.id], -one.cost, one.after, ticket_id)
            for one in taken
            if one.after.on_hand is not None
        )
        ledger.enter(session, workshop_id, sales)
    return taken


def _take(
    workshop_id: int, part_id: int, quantity: Decimal, stock: Stock, own: Decimal, *, archived_too: bool
) -> Taken:
    cost = stock.share_of(quantity)
    statement = (
        sql_update(Part)
        .where(
            Part.workshop_id == workshop_id,
            Part.id == part_id,
            true() if archived_too else Part.archived_at.is_(None),
            or_(Part.on_hand.is_(None), Part.on_hand - Part.reserved >= quantity - own),
        )
        .values(
            on_hand=Part.on_hand - quantity,
            reserved=Part.reserved - own,
            stock_value=Part.stock_value - cost,
            version=Part.version + 1,
            updated_at=clock.now(),
        )
        .returning(Part.id, Part.name, Part.price, Part.core_charge, Part.on_hand, Part.stock_value)
        .execution_options(synchronize_session=False)
    )
    taken = db.session.execute(statement).one_or_none()
    if taken is None:
        part = service.get(workshop_id, part_id)
        raise NotEnoughOnHand(ledger.told_short(part.name, part.on_hand, part.reserved, quantity, own))
    after = Stock(taken.on_hand, taken.stock_value)
    return Taken(taken.id, taken.name, taken.price, cost, after, taken.core_charge)


def give_back(
    workshop_id: int,
    quantities: dict[int, Decimal],
    costs: dict[int, Decimal] | None = None,
    *,
    ticket_id: int | None = None,
) -> None:
    """Put parts back into stock at what they had cost, those that are counted, in the order of their ids."""
    returns = []
    with atomic() as session:
        for part_id in sorted(quantities):
            quantity, cost = quantities[part_id], (costs or {}).get(part_id, ledger.NOTHING)
            statement = (
                sql_update(Part)
                .where(Part.workshop_id == workshop_id, Part.id == part_id, Part.on_hand.is_not(None))
                .values(
                    on_hand=Part.on_hand + quantity,
                    stock_value=Part.stock_value + cost,
                    version=Part.version + 1,
                    updated_at=clock.now(),
                )
                .returning(Part.on_hand, Part.stock_value)
                .execution_options(synchronize_session=False)
            )
            if after := session.execute(statement).one_or_none():
                returns.append(Entry(part_id, "return", quantity, cost, Stock(*after), ticket_id))
        ledger.enter(session, workshop_id, returns)
