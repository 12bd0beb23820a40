"""What inventory items look like on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from app.blueprints.inventory import barcodes
from app.blueprints.inventory.service import ORDER
from app.blueprints.inventory.vocabulary import PIECE, UNITS
from app.core.paging import ListQuery
from app.core.quantities import THOUSANDTH, Amount
from app.core.schema import Instant, Money, PatchSchema, QueryInteger, Reference, Schema, Text, Whole

LONGEST_WARRANTY = 600
MAKER = {"description": "Who makes it.", "example": "Mann"}
BIN = {"description": "Where it lies.", "example": "A-03-2"}
REORDER = {"description": "How many are ordered at a time.", "example": 10}
SOME_UNITS = "A fraction, of three places at most, where the unit has one."


class Unit(fields.String):
    """By what an item is counted."""

    def __init__(self, **options: Any) -> None:
        whole = ", ".join(f"`{unit}`" for unit, divisible in UNITS.items() if not divisible)
        metadata = {"description": f"By what it is counted; {whole} by whole ones.", "example": PIECE}
        super().__init__(validate=validate.OneOf(tuple(UNITS)), metadata=metadata, **options)


class Barcode(Text):
    """A barcode by its digits: EAN-8, EAN-13 or UPC-A."""

    PATTERN = barcodes.PATTERN

    def __init__(self, **options: Any) -> None:
        metadata = {"description": "EAN-8, EAN-13 or UPC-A.", "example": "5901234123457"}
        super().__init__(longest=barcodes.LONGEST, metadata=metadata, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return barcodes.normalised(text)
        except barcodes.NotABarcode as error:
            raise ValidationError("Not an EAN-8, EAN-13 or UPC-A, or its check digit is wrong.") from error


class InventoryItemIn(Schema):
    """An inventory item, whole. With `on_hand` its stock is counted; with name and price alone it is not."""

    name = Text(required=True, metadata={"example": "Oil Filter"})
    price = Money(required=True)
    sku = Text(load_default=None, allow_none=True, longest=60, metadata={"example": "OF-1234"})
    barcode = Barcode(load_default=None, allow_none=True)
    manufacturer = Text(load_default=None, allow_none=True, longest=100, metadata=MAKER)
    category_id = Reference(load_default=None, allow_none=True, metadata={"example": None})
    bin = Text(load_default=None, allow_none=True, longest=40, metadata=BIN)
    warranty_months = Whole(0, LONGEST_WARRANTY, load_default=None, allow_none=True, metadata={"example": 24})
    unit = Unit(load_default=PIECE)
    on_hand = Amount(load_default=None, allow_none=True, metadata={"description": SOME_UNITS, "example": 10})
    minimum_stock_level = Amount(load_default=None, allow_none=True)
    reorder_quantity = Amount(THOUSANDTH, load_default=None, allow_none=True, metadata=REORDER)


class InventoryItemPatch(PatchSchema):
    """What changes of an inventory item; `on_hand` null stops the counting."""

    name = Text(metadata={"example": "Oil Filter"})
    price = Money()
    sku = Text(allow_none=True, longest=60, metadata={"example": "OF-1234"})
    barcode = Barcode(allow_none=True)
    manufacturer = Text(allow_none=True, longest=100, metadata=MAKER)
    category_id = Reference(allow_none=True, metadata={"example": None})
    bin = Text(allow_none=True, longest=40, metadata=BIN)
    warranty_months = Whole(0, LONGEST_WARRANTY, allow_none=True, metadata={"example": 24})
    unit = Unit()
    on_hand = Amount(allow_none=True, metadata={"description": SOME_UNITS, "example": 10})
    minimum_stock_level = Amount(allow_none=True)
    reorder_quantity = Amount(THOUSANDTH, allow_none=True, metadata=REORDER)


class InventoryItemOut(Schema):
    """An inventory item."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Oil Filter"})
    price = Money(required=True)
    sku = fields.String(required=True, allow_none=True, metadata={"example": "OF-1234"})
    barcode = fields.String(required=True, allow_none=True, metadata={"example": "5901234123457"})
    manufacturer = fields.String(required=True, allow_none=True, metadata=MAKER)
    category_id = fields.Integer(required=True, allow_none=True, metadata={"example": 1})
    bin = fields.String(required=True, allow_none=True, metadata=BIN)
    warranty_months = fields.Integer(required=True, allow_none=True, metadata={"example": 24})
    unit = fields.String(required=True, metadata={"description": "By what it is counted.", "example": PIECE})
    tracked = fields.Boolean(
        required=True, metadata={"description": "Whether stock is counted.", "example": True}
    )
    on_hand = Amount(
        required=True,
        allow_none=True,
        metadata={"description": "Null where it is not counted.", "example": 10},
    )
    minimum_stock_level = Amount(required=True, allow_none=True)
    reorder_quantity = Amount(required=True, allow_none=True, metadata=REORDER)
    average_cost = Money(
        required=True,
        allow_none=True,
        metadata={
            "description": "What one of those on hand cost, on average; null where nobody ever said.",
            "example": 11.4,
        },
    )
    stock_value = Money(
        required=True, metadata={"description": "What those on hand cost, to the cent.", "example": 114.0}
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class InventoryQuery(ListQuery):
    """Which items, in which order."""

    sort = ORDER.field()
    sku = Text(longest=60, metadata={"description": "The whole SKU."})
    barcode = Barcode()
    category_id = QueryInteger(metadata={"description": "Of this category, or of one within it."})
    q = Text(longest=100, metadata={"description": "Words in the name or SKU.", "example": "filter"})
    low = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Counted, and at the minimum stock level or below (or not)."},
    )


class LookupQuery(Schema):
    """What was scanned."""

    code = Text(
        required=True,
        longest=60,
        metadata={"description": "A barcode, or a SKU.", "example": "5901234123457"},
    )
