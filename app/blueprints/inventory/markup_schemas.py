"""What mark-up rules look like on the wire."""

from __future__ import annotations

from decimal import Decimal

from marshmallow import fields

from app.core.schema import Instant, Money, PatchSchema, Percent, Reference, Schema

MOST_PERCENT = 999
CATEGORY = {
    "description": "Of items in this category or in one within it, where that has no rule of its own; null of all.",
    "example": None,
}
COST_FROM = {
    "description": "Of what costs so much or more, up to where the next rule of the category begins.",
    "example": 0,
}
PERCENT = {"description": "What is put on top of the cost, in per cent.", "example": 40}


class MarkupRuleIn(Schema):
    """A mark-up rule, whole. Without category and cost it is the default: the rule of what no other one fits."""

    category_id = Reference(load_default=None, allow_none=True, metadata=CATEGORY)
    cost_from = Money(load_default=Decimal("0.00"), metadata=COST_FROM)
    percent = Percent(MOST_PERCENT, required=True, metadata=PERCENT)


class MarkupRulePatch(PatchSchema):
    """What changes of a mark-up rule."""

    category_id = Reference(allow_none=True, metadata=CATEGORY)
    cost_from = Money(metadata=COST_FROM)
    percent = Percent(MOST_PERCENT, metadata=PERCENT)


class MarkupRuleOut(Schema):
    """A mark-up rule."""

    id = fields.Integer(required=True, metadata={"example": 1})
    category_id = fields.Integer(required=True, allow_none=True, metadata=CATEGORY)
    cost_from = Money(required=True, metadata=COST_FROM)
    percent = Percent(MOST_PERCENT, required=True, metadata=PERCENT)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)
