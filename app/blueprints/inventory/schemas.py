"""What inventory items look like on the wire."""

from __future__ import annotations

from marshmallow import fields

from app.blueprints.inventory.service import GREATEST_STOCK, ORDER
from app.core.paging import ListQuery
from app.core.schema import Instant, Money, PatchSchema, Schema, Text, Whole


class InventoryItemIn(Schema):
    """An inventory item, whole. With `on_hand` its stock is counted; with name and price alone it is not."""

    name = Text(required=True, metadata={"example": "Oil Filter"})
    price = Money(required=True)
    sku = Text(load_default=None, allow_none=True, longest=60, metadata={"example": "OF-1234"})
    on_hand = Whole(0, GREATEST_STOCK, load_default=None, allow_none=True, metadata={"example": 10})
    minimum_stock_level = Whole(
        0, GREATEST_STOCK, load_default=None, allow_none=True, metadata={"example": 2}
    )


class InventoryItemPatch(PatchSchema):
    """What changes of an inventory item; `on_hand` null stops the counting."""

    name = Text(metadata={"example": "Oil Filter"})
    price = Money()
    sku = Text(allow_none=True, longest=60, metadata={"example": "OF-1234"})
    on_hand = Whole(0, GREATEST_STOCK, allow_none=True, metadata={"example": 10})
    minimum_stock_level = Whole(0, GREATEST_STOCK, allow_none=True, metadata={"example": 2})


class InventoryItemOut(Schema):
    """An inventory item."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Oil Filter"})
    price = Money(required=True)
    sku = fields.String(required=True, allow_none=True, metadata={"example": "OF-1234"})
    tracked = fields.Boolean(
        required=True, metadata={"description": "Whether stock is counted.", "example": True}
    )
    on_hand = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Null where it is not counted.", "example": 10},
    )
    minimum_stock_level = fields.Integer(required=True, allow_none=True, metadata={"example": 2})
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class InventoryQuery(ListQuery):
    """Which items, in which order."""

    sort = ORDER.field()
    sku = Text(longest=60, metadata={"description": "The whole SKU."})
    q = Text(longest=100, metadata={"description": "Words in the name or SKU.", "example": "filter"})
    low = fields.Boolean(
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Counted, and at the minimum stock level or below (or not)."},
    )
