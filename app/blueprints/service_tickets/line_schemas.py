"""What lines of tickets look like on the wire, coming in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, pre_load, validate, validates_schema

from app.blueprints.service_tickets.schemas import MOST_IDS, MOST_PER_LINE
from app.blueprints.service_tickets.vocabulary import KINDS
from app.core.quantities import THOUSANDTH, Amount
from app.core.schema import Money, PatchSchema, Percent, Reference, Schema, Text

QUANTITY = {"description": "Of labour, hours. At most three places.", "example": 1.5}
PRICE = {
    "description": "Each, or an hour. Without it: the part's price, or the workshop's labour rate.",
    "example": 95,
}
RATE = {"description": "In percent. Without it: the workshop's tax rate.", "example": 10.25}
WORDS = {"description": "Without it, a part is called by its name.", "example": "Brake pads, front: replaced"}
# What each kind must have, and what none of its lines has.
NEEDED: dict[str, tuple[str, ...]] = {
    "labour": ("description",), "part": ("item_id",), "fee": ("description", "unit_price"), "discount": ("description",),
}  # fmt: skip
FOREIGN: dict[str, tuple[str, ...]] = {
    "labour": ("item_id", "percent"), "part": ("percent",), "fee": ("item_id", "percent"), "discount": ("item_id",),
}  # fmt: skip


class _Share(Percent):
    """A percentage above nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators = [validate.Range(Decimal(0), Decimal(100), min_inclusive=False)]


class TicketLineIn(Schema):
    """A line: labour, a part, a fee, or a discount, which takes `unit_price` off, or `percent` of all that is there."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata={"example": "labour"})
    description = Text(longest=300, load_default=None, allow_none=True, metadata=WORDS)
    item_id = Reference(
        load_default=None, allow_none=True, metadata={"description": "Of a part.", "example": None}
    )
    quantity = Amount(THOUSANDTH, MOST_PER_LINE, load_default=lambda: Decimal(1), metadata=QUANTITY)
    unit_price = Money(load_default=None, allow_none=True, metadata=PRICE)
    tax_rate = Percent(load_default=None, allow_none=True, metadata=RATE)
    percent = _Share(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Of a discount: so much of the lines before it, which it follows from then on.",
            "exclusiveMinimum": 0,
            "example": None,
        },
    )

    @validates_schema
    def _fits_kind(self, data: dict[str, Any], **kwargs: Any) -> None:
        kind = data["kind"]
        errors = {name: ["Needed of this kind."] for name in NEEDED[kind] if data[name] is None}
        errors |= {name: ["Not of this kind."] for name in FOREIGN[kind] if data[name] is not None}
        if kind == "discount":
            if (data["unit_price"] is None) == (data["percent"] is None):
                errors["percent"] = ["Either `unit_price` or `percent`."]
            elif data["percent"] is not None and (data["tax_rate"] is not None or data["quantity"] != 1):
                errors["percent"] = ["It follows the lines: no quantity and no tax rate of its own."]
        if errors:
            raise ValidationError(errors)


class TicketLinesIn(Schema):
    """One line, or a list of lines."""

    DOCUMENTED_AS: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {"$ref": "#/components/schemas/TicketLineIn"},
            {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_IDS,
                "items": {"$ref": "#/components/schemas/TicketLineIn"},
            },
        ]
    }

    lines = fields.List(fields.Nested(TicketLineIn), required=True, validate=validate.Length(1, MOST_IDS))

    @pre_load
    def _lines(self, data: Any, **kwargs: Any) -> Any:
        return {"lines": data if isinstance(data, list) else [data]}


class TicketLinePatch(PatchSchema):
    """What changes of a line; what it is and of which part stays.

    A discount in percent of which more than the description changes is a sum from then on.
    """

    description = Text(longest=300, metadata={"example": "Brake pads, front: replaced"})
    quantity = Amount(THOUSANDTH, MOST_PER_LINE, metadata=QUANTITY)
    unit_price = Money(metadata={"description": "Each, or an hour.", "example": 95})
    tax_rate = Percent(metadata={"description": "In percent.", "example": 10.25})


class SomeIn(Schema):
    """How many of a line's parts."""

    quantity = Amount(
        THOUSANDTH,
        MOST_PER_LINE,
        load_default=None,
        allow_none=True,
        metadata={"description": "Without it: all that are left.", "example": 1},
    )
