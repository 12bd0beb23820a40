"""Prices by mark-up: which rule is a part's, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from sqlalchemy import case, literal, select, update
from sqlalchemy.orm import Session

from app.blueprints.inventory.models import Part, PartCategory
from app.blueprints.inventory.pricing_models import MarkupRule
from app.blueprints.inventory.vocabulary import MARKUP
from app.blueprints.workshops import numbers
from app.core import audit, clock
from app.core.db import Cents, Id
from app.core.money import GREATEST_AMOUNT, from_cents, rounded

PARTS_AT_ONCE = 500
RECORD = ("price", "markup_rule_id")


def hold() -> None:
    """Lock the current workshop's rules, be there none yet, until the transaction ends; before any part is locked.

    Whoever changes which rule is whose does so: a rule, the tree of categories, a part's category, a part that goes over to
    mark-up. A receipt need not: its part is on mark-up already, and whoever changes a rule meanwhile waits for that very part.
    """
    numbers.hold_series("markup_rules")


def hold_parts(session: Session, workshop_id: int) -> None:
    """Lock all parts on mark-up in the order of their ids, before a rule is: a receipt, too, has its part before its rule."""
    session.execute(_parts(workshop_id).with_only_columns(Part.id)).all()


def _parts(workshop_id: int) -> Any:
    columns = (
        Part.category_id,
        Part.price,
        Part.markup_rule_id,
        Part.on_hand,
        Part.stock_value,
        Part.last_cost,
    )
    marked_up = select(Part.id, *columns).where(Part.workshop_id == workshop_id, Part.pricing == MARKUP)
    return marked_up.order_by(Part.id).with_for_update(key_share=True)


def marked_up(value: Decimal, quantity: Decimal, percent: Decimal) -> Decimal:
    """Return the price of one of so many that cost `value` together, rounded half up, and once."""
    exact = Fraction(value) / Fraction(quantity) * (100 + Fraction(percent)) / 100
    return min(from_cents(floor(exact * 100 + Fraction(1, 2))), GREATEST_AMOUNT)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a workshop by category, those of the dearest bands first, and which category is within which."""

    by_category: dict[int | None, list[MarkupRule]]
    parents: dict[int, int | None]

    def of(self, category_id: int | None, cost: Decimal) -> MarkupRule | None:
        """Return the rule of the nearest category that has one for what costs so much."""
        while True:
            for rule in self.by_category.get(category_id, ()):
                if rule.cost_from <= cost:
                    return rule
            if category_id is None:
                return None
            category_id = self.parents.get(category_id)

    def price(self, part: Any) -> tuple[Decimal, int | None]:
        """Return what a part is sold at and by which rule; as it was where none fits, or nobody knows what it cost."""
        if part.last_cost is None:
            return part.price, None
        value, quantity = (part.stock_value, part.on_hand) if part.on_hand else (part.last_cost, Decimal(1))
        rule = self.of(part.category_id, rounded(value / quantity))
        return (part.price, None) if rule is None else (marked_up(value, quantity, rule.percent), rule.id)


def rules_of(session: Session, workshop_id: int, *, without: int | None = None) -> Rules:
    """Read the rules of a workshop, but for one that goes."""
    found = session.scalars(
        select(MarkupRule).where(MarkupRule.workshop_id == workshop_id).order_by(MarkupRule.cost_from.desc())
    )
    by_category: dict[int | None, list[MarkupRule]] = {}
    for rule in found:
        if rule.id != without:
            by_category.setdefault(rule.category_id, []).append(rule)
    tree = session.execute(
        select(PartCategory.id, PartCategory.parent_id).where(PartCategory.workshop_id == workshop_id)
    )
    return Rules(by_category, {row.id: row.parent_id for row in tree})


def set_prices(session: Session, workshop_id: int, parts: Iterable[Part]) -> None:
    """Let those of some locked parts that are on mark-up cost what their rules say."""
    if marked := [part for part in parts if part.pricing == MARKUP]:
        rules = rules_of(session, workshop_id)
        for part in marked:
            part.price, part.markup_rule_id = rules.price(part)


def follow(session: Session, workshop_id: int, parts: Sequence[Part]) -> None:
    """Let the prices of locked parts follow what has come of them, and say so in the audit log."""
    before = {part.id: audit.fields_of(part, RECORD) for part in parts}
    set_prices(session, workshop_id, parts)
    for part in parts:
        if (after := audit.fields_of(part, RECORD)) != before[part.id]:
            audit.note_change("part.repriced", "part", part.id, before[part.id], after)


def reprice(session: Session, workshop_id: int, *, without: int | None = None) -> int:
    """Let all parts on mark-up cost what the rules say, but for one that goes; return how many changed. `hold` is held.

    The parts are locked in the order of their ids, and changed some hundred by a statement.
    """
    session.flush()
    rules = rules_of(session, workshop_id, without=without)
    rows = session.execute(_parts(workshop_id))
    changed = {
        row.id: priced for row in rows if (priced := rules.price(row)) != (row.price, row.markup_rule_id)
    }
    ids = list(changed)
    for first in range(0, len(ids), PARTS_AT_ONCE):
        some = {id_: changed[id_] for id_ in ids[first : first + PARTS_AT_ONCE]}
        _write(session, workshop_id, some)
    return len(changed)


def _write(session: Session, workshop_id: int, some: dict[int, tuple[Decimal, int | None]]) -> None:
    prices = {id_: literal(price, Cents) for id_, (price, _) in some.items()}
    rules = {id_: literal(rule_id, Id) for id_, (_, rule_id) in some.items()}
    session.execute(
        update(Part)
        .where(Part.workshop_id == workshop_id, Part.id.in_(some))
        .values(
            price=case(prices, value=Part.id),
            markup_rule_id=case(rules, value=Part.id),
            version=Part.version + 1,
            updated_at=clock.now(),
        )
        .execution_options(synchronize_session=False)
    )
