"""What old parts look like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.cores.reading import ORDER
from app.blueprints.cores.vocabulary import CORE_STATUSES, OUTCOMES
from app.core.paging import ListQuery
from app.core.parameters import CommaSeparated, QueryInteger
from app.core.quantities import THOUSANDTH, Amount
from app.core.schema import Instant, Money, Reference, Schema, Text

MOST = 10_000
SOME = {"description": "Of so many; without it: of all. The rest goes on as others.", "example": 1}
REFERENCE = {"description": "Of the consignment: a delivery note, say.", "example": "RMA-2041"}
REASON = {"description": "Why nobody gives anything for them.", "example": "The housing is cracked."}


class CoreSettlementIn(Schema):
    """What becomes of the old parts of a line."""

    outcome = fields.String(
        required=True,
        validate=validate.OneOf(OUTCOMES),
        metadata={
            "description": "`held`: on the shelf, to go back to a supplier. `kept`: by the customer, who pays the core charge."
            " `scrapped`: worth nothing, and the deposit is lost.",
            "example": "held",
        },
    )
    quantity = Amount(
        THOUSANDTH,
        MOST,
        load_default=None,
        allow_none=True,
        metadata={"description": "Of so many; without it: of all that are due.", "example": 1},
    )


class _SomeIn(Schema):
    quantity = Amount(THOUSANDTH, MOST, load_default=None, allow_none=True, metadata=dict(SOME))


class CoreReturnIn(_SomeIn):
    """To whom old parts are sent."""

    supplier_id = Reference(required=True)
    reference = Text(longest=100, load_default=None, allow_none=True, metadata=dict(REFERENCE))


class CoreCreditIn(_SomeIn):
    """What a supplier gave for old parts."""

    amount = Money(
        required=True, metadata={"description": "For all of them together, maybe nothing.", "example": 45}
    )


class CoreRejectionIn(_SomeIn):
    """That nobody gives anything for old parts."""

    reason = Text(longest=300, required=True, metadata=dict(REASON))


class CoreItemOut(Schema):
    """The item that was fitted in place of the old part."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Alternator, exchange"})


class CoreSupplierOut(Schema):
    """To whom old parts went."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Parts & Co"})


class CoreOut(Schema):
    """Old parts of a line of a ticket of which the same became."""

    id = fields.Integer(required=True, metadata={"example": 1})
    status = fields.String(
        required=True, validate=validate.OneOf(CORE_STATUSES), metadata={"example": "returned"}
    )
    item = fields.Nested(CoreItemOut, required=True)
    service_ticket_id = fields.Integer(required=True, metadata={"example": 1})
    line_id = fields.Integer(
        required=True, metadata={"description": "The line of what was fitted.", "example": 1}
    )
    quantity = Amount(required=True, metadata={"example": 1})
    charge = Money(required=True, metadata={"description": "The deposit on each.", "example": 45})
    deposit = Money(required=True, metadata={"description": "On all of them.", "example": 45})
    supplier = fields.Nested(
        CoreSupplierOut,
        required=True,
        allow_none=True,
        metadata={"description": "To whom they went.", "example": {"id": 1, "name": "Parts & Co"}},
    )
    returned_at = Instant(
        required=True, allow_none=True, metadata={"description": "When they went to a supplier."}
    )
    reference = fields.String(required=True, allow_none=True, metadata=dict(REFERENCE))
    credit = Money(
        required=True,
        allow_none=True,
        metadata={"description": "What the supplier gave for all of them.", "example": None},
    )
    reason = fields.String(required=True, allow_none=True, metadata={**REASON, "example": None})
    decided_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When they were credited or rejected.", "example": None},
    )
    fee_line_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "The line by which the customer pays for what they keep, be it one that was taken off since.",
            "example": None,
        },
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class CoreQuery(ListQuery):
    """Which old parts, in which order: the latest first."""

    sort = ORDER.field()
    status = CommaSeparated(
        CORE_STATUSES, metadata={"description": "One or more, comma-separated.", "example": ["held"]}
    )
    supplier_id = QueryInteger(metadata={"description": "That went to this supplier."})
    item_id = QueryInteger(metadata={"description": "Of this item."})
    service_ticket_id = QueryInteger(metadata={"description": "Of this ticket."})
