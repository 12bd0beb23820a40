"""What cross-references and replacements look like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.inventory.references import ORDER
from app.blueprints.inventory.schemas import PartNumber
from app.blueprints.inventory.vocabulary import REFERENCE_KINDS
from app.core.paging import ListQuery
from app.core.quantities import Amount
from app.core.schema import Instant, Money, Schema, Text

KIND = {
    "description": "`oem`: the number of the maker of the car. `equivalent`: of another maker's part that does the same.",
    "example": "oem",
}
MANUFACTURER = {"description": "Whose number it is.", "example": "Volkswagen"}


class CrossReferenceIn(Schema):
    """A number by which an item is known elsewhere."""

    kind = fields.String(required=True, validate=validate.OneOf(REFERENCE_KINDS), metadata=KIND)
    manufacturer = Text(required=True, longest=100, metadata=MANUFACTURER)
    number = PartNumber(required=True)


class CrossReferenceOut(Schema):
    """A number by which an item is known elsewhere."""

    id = fields.Integer(required=True, metadata={"example": 1})
    kind = fields.String(required=True, validate=validate.OneOf(REFERENCE_KINDS), metadata=KIND)
    manufacturer = fields.String(required=True, metadata=MANUFACTURER)
    number = fields.String(
        required=True, metadata={"description": "As it was written.", "example": "06A 115 561 B"}
    )
    created_at = Instant(required=True)


class CrossReferencesQuery(ListQuery):
    """Which page of an item's cross-references, in which order."""

    sort = ORDER.field()


class InsteadOut(Schema):
    """An item that can be fitted instead of another."""

    id = fields.Integer(required=True, metadata={"example": 2})
    name = fields.String(required=True, metadata={"example": "Oil Filter"})
    sku = fields.String(required=True, allow_none=True, metadata={"example": "OF-1235"})
    price = Money(required=True)
    on_hand = Amount(
        required=True,
        allow_none=True,
        metadata={"description": "Null where it is not counted.", "example": 10},
    )
    available = Amount(
        required=True,
        allow_none=True,
        metadata={"description": "On hand and not set aside; null where it is not counted.", "example": 8},
    )


class ReplacementsOut(Schema):
    """What can be fitted instead of an item."""

    replaced_by = fields.List(
        fields.Nested(InsteadOut),
        required=True,
        metadata={"description": "What replaces it, what replaces that, and so on."},
    )
    replaces = fields.List(
        fields.Nested(InsteadOut),
        required=True,
        metadata={
            "description": "What it replaces, at once or in the end: the nearest first, fifty at most."
        },
    )
    alternatives = fields.List(
        fields.Nested(InsteadOut),
        required=True,
        metadata={
            "description": "What shares a number with it, be it a SKU or a cross-reference: what is available first, then what"
            " is not counted; fifty at most."
        },
    )
