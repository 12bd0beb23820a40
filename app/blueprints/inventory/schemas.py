"""What inventory items look like on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.blueprints.inventory import barcodes
from app.blueprints.inventory.labels import LAYOUTS, MOST_COPIES, MOST_ITEMS, MOST_LABELS, SYMBOLS
from app.blueprints.inventory.service import ORDER
from app.blueprints.inventory.vocabulary import FIXED, PIECE, PRICED_BY, PRICINGS, UNITS
from app.core.money import CENT, GREATEST_AMOUNT
from app.core.names import folded_number
from app.core.paging import ListQuery
from app.core.parameters import Ids, QueryFlag, QueryInteger
from app.core.quantities import THOUSANDTH, Amount
from app.core.schema import Instant, Money, PatchSchema, Reference, Schema, Text, Whole

LONGEST_WARRANTY = 600
MAKER = {"description": "Who makes it.", "example": "Mann"}
BIN = {"description": "Where it lies.", "example": "A-03-2"}
PRICING = {
    "description": "`markup`: the price is made of what it costs by a mark-up rule; else it is as it is written.",
    "example": FIXED,
}
REORDER = {"description": "How many are ordered at a time.", "example": 10}
REPLACED_BY = {
    "description": "The item that is fitted in its place. What was replaced is not proposed for its own minimum any more.",
    "example": None,
}
CORE = {
    "description": "The deposit on the old part, which the supplier takes back; null where it is no exchange part.",
    "example": None,
}
A_CENT_AT_LEAST = validate.Range(CENT, GREATEST_AMOUNT)
SOME_UNITS = "A fraction, of three places at most, where the unit has one."


class Unit(fields.String):
    """By what an item is counted."""

    def __init__(self, **options: Any) -> None:
        whole = ", ".join(f"`{unit}`" for unit, divisible in UNITS.items() if not divisible)
        metadata = {
            "description": f"By what it is counted; {whole} by whole ones, once there are no fractions of it.",
            "example": PIECE,
        }
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


class PartNumber(Text):
    """A number of a part, as people write it."""

    def __init__(self, **options: Any) -> None:
        metadata = {
            "description": "It has letters or digits; what stands between them tells no two apart, nor does case.",
            "example": "06A 115 561 B",
        }
        super().__init__(longest=60, metadata=metadata | options.pop("metadata", {}), **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        number = super()._deserialize(value, attr, data, **kwargs)
        if number and not folded_number(number):
            raise ValidationError("A number has letters or digits.")
        return number


class InventoryItemIn(Schema):
    """An inventory item, whole. With `on_hand` its stock is counted; with name and price alone it is not."""

    name = Text(required=True, metadata={"example": "Oil Filter"})
    price = Money(required=True, metadata={"description": "On mark-up: where no rule makes another one."})
    pricing = fields.String(load_default=FIXED, validate=validate.OneOf(PRICINGS), metadata=PRICING)
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
    replaced_by_id = Reference(load_default=None, allow_none=True, metadata=REPLACED_BY)
    core_charge = Money(load_default=None, allow_none=True, validate=A_CENT_AT_LEAST, metadata=dict(CORE))


class InventoryItemReplacement(InventoryItemIn):
    """An inventory item, whole. `on_hand` left out stays as it is: stock moves by intent alone. Null stops the counting."""

    on_hand = Amount(allow_none=True, metadata={"description": SOME_UNITS, "example": 10})


class InventoryItemPatch(PatchSchema):
    """What changes of an inventory item; `on_hand` null stops the counting."""

    name = Text(metadata={"example": "Oil Filter"})
    price = Money(metadata={"description": "On mark-up: where no rule makes another one."})
    pricing = fields.String(validate=validate.OneOf(PRICINGS), metadata=PRICING)
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
    replaced_by_id = Reference(allow_none=True, metadata=REPLACED_BY)
    core_charge = Money(allow_none=True, validate=A_CENT_AT_LEAST, metadata=dict(CORE))


class InventoryItemOut(Schema):
    """An inventory item."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Oil Filter"})
    price = Money(required=True)
    pricing = fields.String(required=True, validate=validate.OneOf(PRICINGS), metadata=PRICING)
    priced_by = fields.String(
        required=True,
        validate=validate.OneOf(PRICED_BY),
        metadata={
            "description": "What made the price. `kept`: on mark-up, but as it was, for no rule fits or no cost is known.",
            "example": FIXED,
        },
    )
    markup_rule_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The rule that made the price.", "example": None},
    )
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
    reserved = Amount(
        required=True, metadata={"description": "Of those on hand: set aside for tickets.", "example": 2}
    )
    available = Amount(
        required=True,
        allow_none=True,
        metadata={"description": "On hand and not set aside; null where it is not counted.", "example": 8},
    )
    minimum_stock_level = Amount(required=True, allow_none=True)
    reorder_quantity = Amount(required=True, allow_none=True, metadata=REORDER)
    replaced_by_id = fields.Integer(required=True, allow_none=True, metadata=REPLACED_BY)
    core_charge = Money(required=True, allow_none=True, metadata=dict(CORE))
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
    number = PartNumber(
        metadata={
            "description": "A SKU or a cross-reference; what stands between letters and digits does not matter, nor does case."
        }
    )
    category_id = QueryInteger(metadata={"description": "Of this category, or of one within it."})
    supplier_id = QueryInteger(metadata={"description": "That this supplier has."})
    bin = Text(longest=40, metadata={"description": "In this bin.", "example": "A-3"})
    q = Text(
        longest=100, metadata={"description": "Words in name and SKU, in any order.", "example": "oil filter"}
    )
    low = QueryFlag(
        metadata={"description": "Counted, and at the minimum stock level or below (or not)."},
    )
    archived = QueryFlag(
        load_default=False,
        metadata={"description": "Those that were taken out, and no others.", "example": False},
    )


class LabelsQuery(Schema):
    """Labels of which items, how many of each, and on what sheet."""

    items = Ids(
        MOST_ITEMS,
        required=True,
        metadata={"description": "The items, comma-separated, in the order of the labels.", "example": [1]},
    )
    copies = QueryInteger(
        most=MOST_COPIES,
        load_default=1,
        metadata={"description": f"Of each item; {MOST_LABELS} labels in all at most.", "example": 1},
    )
    layout = fields.String(
        load_default="3x8",
        validate=validate.OneOf(tuple(LAYOUTS)),
        metadata={"description": "Labels across and down on A4.", "example": "3x8"},
    )
    symbol = fields.String(
        load_default="barcode",
        validate=validate.OneOf(SYMBOLS),
        metadata={
            "description": "A bar code (EAN, UPC or Code 128), or a QR code. What is too wide for a label is a QR code.",
            "example": "barcode",
        },
    )
    skip = QueryInteger(
        0,
        max(layout.number for layout in LAYOUTS.values()) - 1,
        load_default=0,
        metadata={"description": "Labels of the first sheet that are used already.", "example": 0},
    )

    @validates_schema
    def _bounded(self, data: dict[str, Any], **kwargs: Any) -> None:
        number = len(data["items"]) * data["copies"]
        if number > MOST_LABELS:
            raise ValidationError(
                f"At most {MOST_LABELS} labels at once, and these are {number:,}.", "copies"
            )


class LookupQuery(Schema):
    """What was scanned."""

    code = Text(
        required=True,
        longest=60,
        metadata={"description": "A barcode, a SKU or a cross-reference.", "example": "5901234123457"},
    )
