"""What canned jobs look like on the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.blueprints.canned_jobs.models import KINDS, MOST_LINES
from app.blueprints.canned_jobs.service import ORDER
from app.blueprints.service_tickets.line_schemas import FOREIGN, NEEDED, QUANTITY, WORDS
from app.blueprints.service_tickets.schemas import MOST_PER_LINE
from app.core.paging import ListQuery
from app.core.quantities import THOUSANDTH, Amount
from app.core.schema import Instant, Money, Percent, Reference, Schema, Text

NAME = {"example": "Oil change"}
KIND = {"example": "labour"}
ITEM = {"description": "Of a part.", "example": None}
PRICE = {
    "description": "Each, or an hour. Without it: the part's price, or the workshop's labour rate, of the day it is put on.",
    "example": None,
}

RATE = {
    "description": "In percent. Without it: the workshop's tax rate of the day it is put on.",
    "example": None,
}


class CannedJobLineIn(Schema):
    """A line of a canned job: labour, a part or a fee."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata=KIND)
    description = Text(longest=300, load_default=None, allow_none=True, metadata=WORDS)
    item_id = Reference(load_default=None, allow_none=True, metadata=ITEM)
    quantity = Amount(THOUSANDTH, MOST_PER_LINE, load_default=lambda: Decimal(1), metadata=QUANTITY)
    unit_price = Money(load_default=None, allow_none=True, metadata=PRICE)
    tax_rate = Percent(load_default=None, allow_none=True, metadata=RATE)

    @validates_schema
    def _fits_kind(self, data: dict[str, Any], **kwargs: Any) -> None:
        kind = data["kind"]
        errors = {name: ["Needed of this kind."] for name in NEEDED[kind] if data[name] is None}
        errors |= {name: ["Not of this kind."] for name in FOREIGN[kind] if data.get(name) is not None}
        if errors:
            raise ValidationError(errors)


class CannedJobIn(Schema):
    """What is done again and again."""

    name = Text(required=True, longest=100, metadata=NAME)
    lines = fields.List(
        fields.Nested(CannedJobLineIn), required=True, validate=validate.Length(1, MOST_LINES)
    )


class CannedJobLineOut(Schema):
    """A line of a canned job."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata=KIND)
    description = fields.String(required=True, allow_none=True, metadata=WORDS)
    item_id = fields.Integer(required=True, allow_none=True, metadata=ITEM)
    quantity = Amount(required=True, metadata=QUANTITY)
    unit_price = Money(required=True, allow_none=True, metadata=PRICE)
    tax_rate = Percent(required=True, allow_none=True, metadata=RATE)


class CannedJobOut(Schema):
    """A canned job."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata=NAME)
    lines = fields.List(fields.Nested(CannedJobLineOut), required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class CannedJobQuery(ListQuery):
    """Which page of the canned jobs."""

    sort = ORDER.field()
