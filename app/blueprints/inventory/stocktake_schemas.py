"""What counts of the stock look like on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from app.blueprints.inventory.schemas import BIN
from app.blueprints.inventory.stock_schemas import SIGNED
from app.blueprints.inventory.stocktake_reading import LINE_ORDER, ORDER
from app.blueprints.inventory.stocktakes import Count
from app.blueprints.inventory.vocabulary import LINE_STATES, STOCKTAKE_STATUSES
from app.core.paging import ListQuery
from app.core.parameters import CommaSeparated
from app.core.quantities import GREATEST_QUANTITY, Amount
from app.core.schema import Flag, Instant, Money, Reference, Schema, Text

MOST_COUNTS = 500
NOTE = {"example": "Counted by two."}
BINS = {"description": "What is in the bins that begin so.", "example": "A-03"}
CATEGORY = {"description": "What is in this category, or in one within it.", "example": None}


class StocktakeIn(Schema):
    """What is to be counted: in a category, in some bins, or (where both are left out) everything."""

    category_id = Reference(load_default=None, allow_none=True, metadata=CATEGORY)
    bin = Text(load_default=None, allow_none=True, longest=40, metadata=BINS)
    note = Text(load_default=None, allow_none=True, longest=500, metadata=NOTE)


class StocktakeOut(Schema):
    """A count of the stock, and how far it is."""

    id = fields.Integer(required=True, metadata={"example": 1})
    number = fields.Integer(
        required=True, metadata={"description": "Counted within the workshop.", "example": 3}
    )
    status = fields.String(
        required=True, validate=validate.OneOf(STOCKTAKE_STATUSES), metadata={"example": "open"}
    )
    category_id = fields.Integer(required=True, allow_none=True, metadata=CATEGORY)
    bin = fields.String(required=True, allow_none=True, metadata=BINS)
    note = fields.String(required=True, allow_none=True, metadata=NOTE)
    lines = fields.Integer(required=True, metadata={"description": "On the sheet.", "example": 120})
    counted = fields.Integer(required=True, metadata={"description": "Lines with a count.", "example": 118})
    differing = fields.Integer(
        required=True,
        metadata={"description": "Lines whose count is not what the ledger said.", "example": 2},
    )
    closed_at = Instant(required=True, allow_none=True, metadata={"example": None})
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class StocktakeQuery(ListQuery):
    """Which stocktakes, in which order: the latest first."""

    sort = ORDER.field()
    status = CommaSeparated(
        STOCKTAKE_STATUSES, metadata={"description": "One or more, comma-separated.", "example": ["open"]}
    )


class SheetItemOut(Schema):
    """An item on a sheet, and where it lies."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Oil Filter"})
    sku = fields.String(required=True, allow_none=True, metadata={"example": "OF-1234"})
    barcode = fields.String(required=True, allow_none=True, metadata={"example": "5901234123457"})
    bin = fields.String(required=True, allow_none=True, metadata=BIN)
    unit = fields.String(required=True, metadata={"example": "piece"})


class StocktakeLineOut(Schema):
    """A line of a sheet."""

    place = fields.Integer(
        required=True, metadata={"description": "From 1, along the shelves.", "example": 1}
    )
    item = fields.Nested(SheetItemOut, required=True)
    expected = Amount(
        required=True, metadata={"description": "On hand when the sheet was written.", "example": 10}
    )
    counted = Amount(required=True, allow_none=True, metadata={"example": 9})
    counted_at = Instant(required=True, allow_none=True)
    book = Amount(
        -GREATEST_QUANTITY,
        required=True,
        allow_none=True,
        metadata={"description": "On hand by the ledger at the moment of counting.", "example": 10},
    )
    difference = Amount(
        -GREATEST_QUANTITY,
        required=True,
        allow_none=True,
        metadata={"description": "Counted, less what the ledger said then.", "example": -1},
    )
    difference_value = Money(
        required=True,
        allow_none=True,
        validate=SIGNED,
        metadata={"description": "By what one costs on average.", "example": -11.4},
    )


class StocktakeLinesQuery(ListQuery):
    """Which lines of a sheet, along the shelves."""

    sort = LINE_ORDER.field()
    state = fields.String(
        validate=validate.OneOf(LINE_STATES),
        metadata={"description": "Only those; `differing` before it is posted.", "example": "differing"},
    )


class CountIn(Schema):
    """So many of an item, counted."""

    item_id = Reference(required=True)
    quantity = Amount(required=True, metadata={"example": 9})
    counted_at = Instant(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "When it was counted, if that was offline; else now. A clock that is a minute ahead or behind is "
            "put right."
        },
    )

    @post_load
    def _made(self, data: dict[str, Any], **kwargs: Any) -> Count:
        return Count(**data)


class CountsIn(Schema):
    """What was counted: one item, or what somebody wrote down along the shelves."""

    counts = fields.List(fields.Nested(CountIn), required=True, validate=validate.Length(1, MOST_COUNTS))


class PostingIn(Schema):
    """That the differences are to be entered."""

    leave_uncounted = Flag(
        load_default=False,
        metadata={
            "description": "Though some lines are empty: those items stay as they are.",
            "example": False,
        },
    )
    release = Flag(
        load_default=False,
        metadata={
            "description": "Where fewer were counted than tickets have reserved, the newest tickets go without.",
            "example": False,
        },
    )
