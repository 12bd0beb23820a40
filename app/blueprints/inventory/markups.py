"""The rules of mark-up rules: few, never two for the same, and the prices follow them in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.inventory import pricing
from app.blueprints.inventory.errors import (
    CategoryNotFound,
    MarkupRuleNotFound,
    MarkupRuleTaken,
    TooManyMarkupRules,
)
from app.blueprints.inventory.pricing_models import MarkupRule
from app.core import audit
from app.core.db import atomic, is_still_named, locked
from app.core.preconditions import Expected, require_version
from app.extensions import db

MOST_RULES = 200
RECORD = ("category_id", "cost_from", "percent")


def find(workshop_id: int) -> Sequence[MarkupRule]:
    """Return all rules of a workshop, those for everything first."""
    statement = select(MarkupRule).where(MarkupRule.workshop_id == workshop_id)
    return db.session.scalars(
        statement.order_by(MarkupRule.category_id.nulls_first(), MarkupRule.cost_from)
    ).all()


def get(workshop_id: int, rule_id: int) -> MarkupRule:
    """Return a rule.

    :raises MarkupRuleNotFound: unknown here.
    """
    return _one(select(MarkupRule), workshop_id, rule_id)


def _one(statement: Select[MarkupRule], workshop_id: int, rule_id: int) -> MarkupRule:
    found = db.session.scalar(
        statement.where(MarkupRule.workshop_id == workshop_id, MarkupRule.id == rule_id)
    )
    if found is None:
        raise MarkupRuleNotFound()
    return found


def add(workshop_id: int, *, category_id: int | None, cost_from: Decimal, percent: Decimal) -> MarkupRule:
    """Make a rule, and let the prices follow it.

    :raises CategoryNotFound: the category is unknown here. :raises MarkupRuleTaken: there is one for the same.
    :raises TooManyMarkupRules: there are two hundred.
    """
    rule = MarkupRule(workshop_id=workshop_id, category_id=category_id, cost_from=cost_from, percent=percent)
    with atomic() as session:
        pricing.hold()
        number = select(func.count()).where(MarkupRule.workshop_id == workshop_id)
        if session.scalar(number) == MOST_RULES:
            raise TooManyMarkupRules(f"The workshop has {MOST_RULES} rules.")
        session.add(rule)
        _flush(session)
        repriced = pricing.reprice(session, workshop_id)
        after = audit.fields_of(rule, RECORD) | {"items_repriced": repriced}
        audit.note("markup_rule.added", "markup_rule", rule.id, after=after)
    return rule


def update(workshop_id: int, rule_id: int, changes: dict[str, Any], expected: Expected = None) -> MarkupRule:
    """Change a rule, and let the prices follow it.

    :raises MarkupRuleNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises CategoryNotFound: the category is unknown here. :raises MarkupRuleTaken: there is one for the same.
    """
    with atomic() as session:
        pricing.hold()
        pricing.hold_parts(session, workshop_id)
        rule = _one(locked(MarkupRule), workshop_id, rule_id)
        require_version(rule, expected)
        before = audit.fields_of(rule, RECORD)
        for field, value in changes.items():
            setattr(rule, field, value)
        _flush(session)
        repriced = pricing.reprice(session, workshop_id)
        after = audit.fields_of(rule, RECORD) | {"items_repriced": repriced}
        audit.note_change(
            "markup_rule.updated", "markup_rule", rule_id, before | {"items_repriced": 0}, after
        )
    return rule


def remove(workshop_id: int, rule_id: int, expected: Expected = None) -> None:
    """Remove a rule: parts go over to the next one that fits, or keep their price.

    :raises MarkupRuleNotFound: unknown here. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        pricing.hold()
        pricing.hold_parts(session, workshop_id)
        rule = _one(locked(MarkupRule), workshop_id, rule_id)
        require_version(rule, expected)
        before = audit.fields_of(rule, RECORD)
        repriced = pricing.reprice(session, workshop_id, without=rule_id)
        session.delete(rule)
        session.flush()
        after = {"items_repriced": repriced}
        audit.note("markup_rule.removed", "markup_rule", rule_id, before=before, after=after)


def _flush(session: Session) -> None:
    try:
        session.flush()
    except DBAPIError as error:
        if is_still_named(error):
            raise CategoryNotFound() from error
        if not isinstance(error, IntegrityError):
            raise
        raise MarkupRuleTaken() from error
