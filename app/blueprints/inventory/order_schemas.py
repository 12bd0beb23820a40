"""What purchase orders look like on the wire, what comes of them, and what is proposed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import fields, post_load, validate

from app.blueprints.inventory.order_lines import Wanted
from app.blueprints.inventory.orders import MOST_LINES, ORDER
from app.blueprints.inventory.receiving import Controls
from app.blueprints.inventory.stock_schemas import GRADES, GREATEST_COST, SIGNED
from app.blueprints.inventory.supplier_schemas import SupplierBriefOut
from app.blueprints.inventory.vocabulary import ALERTS, ORDER_STATUSES
from app.blueprints.inventory.wanting import MOST_TICKETS
from app.core.paging import ListQuery
from app.core.parameters import CommaSeparated, QueryInteger
from app.core.quantities import THOUSANDTH, Amount
from app.core.schema import Day, Flag, Instant, Money, PatchSchema, Reference, Schema, Text

COST = validate.Range(Decimal(0), GREATEST_COST)
EXPECTED_ON = {"description": "When it should come.", "example": "2026-03-09"}
NOTE = {"description": "Printed on the order.", "example": "Ring before you come."}
STATUS = {"description": "How far it is.", "example": "ordered"}
PRICE = {"description": "What one is expected to cost; null where nobody knows.", "example": 9.8}
ANYWAY = {"description": "Though it is less than the supplier's least order.", "example": False}
LINES = validate.Length(1, MOST_LINES)


class WholeLines(fields.List[Any]):
    """Lines that are whole, also where what they belong to is only changed."""

    def __init__(self, line: type[Schema], **options: Any) -> None:
        super().__init__(fields.Nested(line), validate=LINES, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[Any]:
        return super()._deserialize(value, attr, data, **{**kwargs, "partial": False})


class OrderLineIn(Schema):
    """So many of an item, to be ordered."""

    item_id = Reference(required=True)
    quantity = Amount(THOUSANDTH, required=True, metadata={"example": 10})
    unit_price = Money(
        load_default=None,
        allow_none=True,
        validate=COST,
        metadata={
            "description": "What one is expected to cost; else what the supplier asks, or what one cost last.",
            "example": 9.8,
        },
    )

    @post_load
    def _made(self, data: dict[str, Any], **kwargs: Any) -> Wanted:
        return Wanted(**data)


class PurchaseOrderIn(Schema):
    """A draft of an order, whole. What is named twice is added up."""

    supplier_id = Reference(required=True)
    lines = WholeLines(OrderLineIn, required=True)
    expected_on = Day(load_default=None, allow_none=True, metadata=EXPECTED_ON)
    note = Text(load_default=None, allow_none=True, longest=500, metadata=NOTE)


class PurchaseOrderPatch(PatchSchema):
    """What changes of a draft; its lines as a whole."""

    supplier_id = Reference()
    lines = WholeLines(OrderLineIn)
    expected_on = Day(allow_none=True, metadata=EXPECTED_ON)
    note = Text(allow_none=True, longest=500, metadata=NOTE)


class OrderedItemOut(Schema):
    """An item by name, and by what it is counted."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Oil Filter"})
    sku = fields.String(required=True, allow_none=True, metadata={"example": "OF-1234"})
    unit = fields.String(required=True, metadata={"example": "piece"})


class PurchaseOrderLineOut(Schema):
    """A line of an order: what was ordered, what came of it, and at what price."""

    item = fields.Nested(OrderedItemOut, required=True)
    supplier_number = fields.String(required=True, allow_none=True, metadata={"example": "W 712/95"})
    quantity = Amount(required=True, metadata={"example": 10})
    received = Amount(required=True, metadata={"description": "How many came.", "example": 4})
    cancelled = Amount(required=True, metadata={"description": "How many never will.", "example": 0})
    outstanding = Amount(required=True, metadata={"description": "How many may still come.", "example": 6})
    unit_price = Money(required=True, allow_none=True, metadata=PRICE)
    last_price = Money(
        required=True,
        allow_none=True,
        metadata={
            "description": "What the supplier asked, or one cost, before the order was written.",
            "example": 9.5,
        },
    )
    price_change = Money(
        required=True,
        allow_none=True,
        validate=SIGNED,
        metadata={"description": "By how much one is dearer than before.", "example": 0.3},
    )
    total = Money(required=True, metadata={"description": "Less what was cancelled.", "example": 98.0})
    received_value = Money(
        required=True, metadata={"description": "What those that came cost.", "example": 40.8}
    )
    received_price = Money(
        required=True,
        allow_none=True,
        metadata={"description": "What one of those cost, to the cent.", "example": 10.2},
    )
    received_change = Money(
        required=True,
        allow_none=True,
        validate=SIGNED,
        metadata={"description": "By how much one came dearer than it was ordered.", "example": 0.4},
    )


class PurchaseOrderBriefOut(Schema):
    """An order, without its lines."""

    id = fields.Integer(required=True, metadata={"example": 1})
    number = fields.Integer(
        required=True, metadata={"description": "Counted within the workshop.", "example": 12}
    )
    supplier = fields.Nested(SupplierBriefOut, required=True)
    status = fields.String(required=True, validate=validate.OneOf(ORDER_STATUSES), metadata=STATUS)
    currency = fields.String(required=True, metadata={"example": "USD"})
    total = Money(
        required=True,
        metadata={
            "description": "Of the lines whose price is known, less what was cancelled.",
            "example": 98.0,
        },
    )
    expected_on = fields.Date(required=True, allow_none=True, metadata=EXPECTED_ON)
    note = fields.String(required=True, allow_none=True, metadata=NOTE)
    ordered_at = Instant(required=True, allow_none=True)
    sent_at = Instant(
        required=True, allow_none=True, metadata={"description": "When it was mailed last.", "example": None}
    )
    closed_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "Since when nothing is to come.", "example": None},
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class PurchaseOrderOut(PurchaseOrderBriefOut):
    """An order with its lines, by the names of the items."""

    lines = fields.List(fields.Nested(PurchaseOrderLineOut), required=True)


class SetAsideOut(Schema):
    """So many of an item, set aside for a ticket that had waited for them."""

    ticket_id = fields.Integer(required=True, metadata={"example": 1})
    number = fields.Integer(required=True, metadata={"description": "The ticket's.", "example": 31})
    item_id = fields.Integer(required=True, attribute="part_id", metadata={"example": 1})
    quantity = Amount(required=True, metadata={"example": 2})


class ReceiptOut(PurchaseOrderOut):
    """An order after some of it came, and for which tickets it was set aside, the earliest day first."""

    set_aside = fields.List(fields.Nested(SetAsideOut), required=True)


class PurchaseOrderQuery(ListQuery):
    """Which orders, in which order: the latest first."""

    sort = ORDER.field()
    status = CommaSeparated(
        ORDER_STATUSES, metadata={"description": "One or more, comma-separated.", "example": ["ordered"]}
    )
    supplier_id = QueryInteger(metadata={"description": "From this supplier."})
    item_id = QueryInteger(metadata={"description": "With this item."})


class OrderPlacingIn(Schema):
    """That a draft is to be ordered."""

    below_minimum = Flag(load_default=False, metadata=ANYWAY)


class OrderCancellationIn(Schema):
    """Why what did not come is not wanted any more."""

    reason = Text(
        load_default=None, allow_none=True, longest=300, metadata={"example": "They cannot deliver."}
    )


class ReceivedLineIn(OrderLineIn):
    """So many of an item, which came."""

    unit_price = Money(
        load_default=None,
        allow_none=True,
        validate=COST,
        metadata={"description": "What one cost; else as ordered.", "example": 9.9},
    )


class ReceiptIn(Schema):
    """What came of an order; all that was still expected, where `lines` are left out."""

    lines = WholeLines(
        ReceivedLineIn,
        load_default=None,
        allow_none=True,
        metadata={"example": [{"item_id": 1, "quantity": 4, "unit_price": 9.9}]},
    )
    delivery_note = Text(
        load_default=None,
        allow_none=True,
        longest=100,
        metadata={"description": "Kept as the reason of each movement.", "example": "4711"},
    )
    control_quantity = Amount(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "What the quantities add up to by the delivery note; else nothing is compared.",
            "example": None,
        },
    )
    control_value = Money(
        load_default=None,
        allow_none=True,
        metadata={"description": "The same, of what they cost, rounded line by line.", "example": None},
    )

    @post_load
    def _made(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        controls = Controls(data.pop("control_quantity"), data.pop("control_value"))
        return {**data, "controls": controls}


class ProposalsIn(Schema):
    """Of which proposals drafts are made."""

    supplier_ids = fields.List(
        Reference(),
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 100),
        metadata={"description": "Of these suppliers; else of all.", "example": None},
    )
    below_minimum = Flag(load_default=False, metadata=ANYWAY)


class WaitingTicketOut(Schema):
    """A ticket that waits for an item."""

    id = fields.Integer(required=True, metadata={"example": 1})
    number = fields.Integer(
        required=True, metadata={"description": "Counted within the workshop.", "example": 42}
    )


class ProposedLineOut(Schema):
    """So many of an item, which should be ordered, and why: for an alert, or for tickets that lack it."""

    item = fields.Nested(OrderedItemOut, required=True)
    alert = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(ALERTS),
        metadata={"description": f"{GRADES} Null: enough is there, but for the tickets.", "example": "low"},
    )
    on_hand = Amount(required=True, metadata={"example": 1})
    to_order = Amount(
        required=True,
        metadata={
            "description": "How many the lines of open tickets want that are neither set aside for them nor fitted.",
            "example": 2,
        },
    )
    waiting_tickets = fields.List(
        fields.Nested(WaitingTicketOut),
        required=True,
        metadata={"description": f"Which tickets those are: the first {MOST_TICKETS} by their dates."},
    )
    quantity = Amount(
        required=True,
        metadata={
            "description": "As many as the tickets lack beyond what is there and on the way, and of what has an alert as many "
            "more as keep it above its minimum then; in whole multiples of the quantity to reorder.",
            "example": 10,
        },
    )
    unit_price = Money(required=True, allow_none=True, metadata=PRICE)
    total = Money(required=True, metadata={"example": 98.0})


class ProposalOut(Schema):
    """What should be ordered from a supplier."""

    supplier = fields.Nested(SupplierBriefOut, required=True)
    lines = fields.List(fields.Nested(ProposedLineOut), required=True)
    total = Money(required=True, metadata={"example": 98.0})
    minimum_order_value = Money(
        required=True, allow_none=True, metadata={"description": "The supplier's.", "example": 200.0}
    )
    missing_to_minimum = Money(
        required=True, metadata={"description": "How much more it takes at least.", "example": 102.0}
    )
    purchase_order_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The draft that was made of it; null where none was.", "example": None},
    )


class ProposalsOut(Schema):
    """What should be ordered, by supplier, and what nobody supplies."""

    proposals = fields.List(fields.Nested(ProposalOut), required=True)
    without_supplier = fields.List(
        fields.Nested(ProposedLineOut),
        required=True,
        metadata={"description": "Items that no active supplier is known to have."},
    )
