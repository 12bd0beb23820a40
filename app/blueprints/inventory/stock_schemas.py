"""What movements of stock look like on the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.blueprints.inventory import reports
from app.blueprints.inventory.ledger import ORDER
from app.blueprints.inventory.vocabulary import ALERTS, BY_HAND, GOING, KINDS
from app.core.money import GREATEST_AMOUNT
from app.core.paging import ListQuery
from app.core.parameters import CommaSeparated, QueryFlag, QueryInteger, QueryMoment
from app.core.quantities import GREATEST_QUANTITY, Amount
from app.core.schema import GREATEST_ID, Instant, Money, Schema, Text

GREATEST_COST = Decimal("9999999.99")
FOR_A_REASON = ("adjustment", "write_off", "revaluation")
# What a movement without a quantity has instead.
NEEDED = {"revaluation": "unit_cost", "transfer": "to_bin"}
SIGNED = validate.Range(-GREATEST_AMOUNT, GREATEST_AMOUNT)


class MovementIn(Schema):
    """A movement of stock: what comes, goes or was counted anew, and what one cost."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf(BY_HAND),
        metadata={
            "description": "A `revaluation` says what those on hand cost, and moves none; a `transfer` moves all of them to "
            "another bin.",
            "example": "purchase",
        },
    )
    quantity = Amount(
        -GREATEST_QUANTITY,
        load_default=None,
        metadata={
            "description": "How many: above 0, but for an `adjustment`, which goes either way; none with a `revaluation` or a "
            "`transfer`.",
            "example": 10,
        },
    )
    unit_cost = Money(
        load_default=None,
        validate=validate.Range(Decimal(0), GREATEST_COST),
        metadata={
            "description": "What one cost, of what comes in; else what one costs on average. Needed with a `revaluation`.",
            "example": 11.4,
        },
    )
    reason = Text(
        load_default=None,
        longest=500,
        metadata={
            "description": f"Needed with {', '.join(f'`{kind}`' for kind in FOR_A_REASON)}.",
            "example": "Delivery note 4711.",
        },
    )
    to_bin = Text(
        load_default=None,
        longest=40,
        metadata={
            "description": "Where all of it lies then: with a `transfer`, and only with one.",
            "example": None,
        },
    )

    @validates_schema
    def _whole(self, data: dict[str, Any], **kwargs: Any) -> None:
        kind, quantity, unit_cost = data["kind"], data["quantity"], data["unit_cost"]
        needed = NEEDED.get(kind, "quantity")
        if data[needed] is None:
            raise ValidationError("Missing data for required field.", needed)
        if kind in FOR_A_REASON and data["reason"] is None:
            raise ValidationError("Missing data for required field.", "reason")
        if kind in NEEDED and quantity is not None:
            raise ValidationError(f"Not together with a {kind}.", "quantity")
        if kind == "transfer" and unit_cost is not None:
            raise ValidationError("Not together with a transfer.", "unit_cost")
        if kind != "transfer" and data["to_bin"] is not None:
            raise ValidationError("Only together with a transfer.", "to_bin")
        if quantity == 0 or (quantity is not None and quantity < 0 and kind != "adjustment"):
            raise ValidationError("Above 0, but for an adjustment.", "quantity")
        if unit_cost is not None and (kind in GOING or (kind == "adjustment" and quantity < 0)):
            raise ValidationError("Not together with what goes: that is known.", "unit_cost")


class MovementOut(Schema):
    """A movement of stock, as the ledger has it."""

    id = fields.Integer(required=True, metadata={"example": 1})
    item_id = fields.Integer(required=True, metadata={"example": 1})
    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata={"example": "purchase"})
    quantity = Amount(
        -GREATEST_QUANTITY,
        required=True,
        metadata={"description": "Below 0 where it went.", "example": 10},
    )
    unit_cost = Money(required=True, allow_none=True, metadata={"example": 11.4})
    value = Money(
        required=True,
        validate=SIGNED,
        metadata={"description": "By how much the stock was worth more, to the cent.", "example": 114.0},
    )
    balance = Amount(required=True, metadata={"description": "On hand afterwards.", "example": 12})
    balance_value = Money(
        required=True,
        metadata={"description": "What those on hand had cost, afterwards.", "example": 136.8},
    )
    at = Instant(required=True)
    account_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Who.", "example": 1}
    )
    service_ticket_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "For which ticket, be it one that was deleted since.", "example": None},
    )
    purchase_order_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "By which order it came.", "example": None},
    )
    from_bin = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Of a transfer: out of which bin; null: it lay in none.", "example": None},
    )
    to_bin = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Of a transfer: where it lies since; null: in none.", "example": None},
    )
    reason = fields.String(required=True, allow_none=True, metadata={"example": "Delivery note 4711."})


class MovementsQuery(ListQuery):
    """Which movements, in which order: the latest first."""

    sort = ORDER.field()
    kind = CommaSeparated(
        KINDS, metadata={"description": "One or more, comma-separated.", "example": ["purchase"]}
    )


GRADES = "`out`: none is there. `low`: fewer than the minimum. `reorder`: as many as the minimum."


class StockAlertQuery(ListQuery):
    """Which alerts, in which order."""

    sort = reports.ORDER.field()
    alert = CommaSeparated(
        ALERTS, metadata={"description": "One or more, comma-separated.", "example": ["out", "low"]}
    )


class StockAlertOut(Schema):
    """An item of which too few are there."""

    id = fields.Integer(required=True, metadata={"description": "The item.", "example": 1})
    name = fields.String(required=True, metadata={"example": "Oil Filter"})
    sku = fields.String(required=True, allow_none=True, metadata={"example": "OF-1234"})
    alert = fields.String(
        required=True, validate=validate.OneOf(ALERTS), metadata={"description": GRADES, "example": "low"}
    )
    unit = fields.String(required=True, metadata={"example": "piece"})
    on_hand = Amount(required=True, metadata={"example": 1})
    minimum_stock_level = Amount(required=True, allow_none=True)
    reorder_quantity = Amount(required=True, allow_none=True, metadata={"example": 10})
    on_order = Amount(
        required=True,
        metadata={"description": "Drafted or ordered, and still to come.", "example": 10},
    )
    raised_at = Instant(
        required=True, allow_none=True, metadata={"description": "Since when the alert is what it is."}
    )


class RaisedAlertsQuery(ListQuery):
    """Which of the alerts that were raised, in which order."""

    sort = reports.RAISED_ORDER.field()
    item_id = QueryInteger(most=GREATEST_ID, metadata={"description": "The item.", "example": 1})
    alert = CommaSeparated(
        ALERTS, metadata={"description": "One or more, comma-separated.", "example": ["out", "low"]}
    )
    resolved = QueryFlag(
        metadata={"description": "Those that are over, or those that hold still.", "example": True}
    )


class AlertedItemOut(Schema):
    """The item that an alert was about."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Oil Filter"})
    sku = fields.String(required=True, allow_none=True, metadata={"example": "OF-1234"})


class RaisedAlertOut(Schema):
    """An alert that was raised, whether it is over or not."""

    id = fields.Integer(required=True, metadata={"example": 1})
    item = fields.Nested(AlertedItemOut, required=True)
    alert = fields.String(
        required=True, validate=validate.OneOf(ALERTS), metadata={"description": GRADES, "example": "low"}
    )
    raised_at = Instant(required=True)
    told_at = Instant(
        required=True, allow_none=True, metadata={"description": "When a morning's letter told it."}
    )
    resolved_at = Instant(
        required=True, allow_none=True, metadata={"description": "Null as long as it holds."}
    )


class SlowMoversQuery(ListQuery):
    """Which items lie there, and in which order."""

    sort = reports.ORDER.field()
    days = QueryInteger(
        most=3650,
        load_default=180,
        metadata={"description": "For so many days none was sold.", "example": 180},
    )


class SlowMoverOut(Schema):
    """An item that lies there."""

    id = fields.Integer(required=True, metadata={"description": "The item.", "example": 1})
    name = fields.String(required=True, metadata={"example": "Oil Filter"})
    sku = fields.String(required=True, allow_none=True, metadata={"example": "OF-1234"})
    bin = fields.String(required=True, allow_none=True, metadata={"example": "A-03-2"})
    unit = fields.String(required=True, metadata={"example": "piece"})
    on_hand = Amount(required=True, metadata={"example": 4})
    stock_value = Money(required=True, metadata={"description": "What those on hand cost.", "example": 45.6})
    last_sold_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When one went last, on a ticket or over the counter; null: never."},
    )


class ValuationQuery(Schema):
    """As of when."""

    at = QueryMoment(
        metadata={
            "description": "As of then, or as of the end of a day by the workshop's clock; else as of now.",
            "example": "2026-12-31",
        }
    )


class ValuationOut(Schema):
    """What the stock had cost that was on hand."""

    at = Instant(required=True)
    value = Money(required=True, validate=SIGNED, metadata={"example": 12480.5})
