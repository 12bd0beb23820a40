"""What service tickets look like on the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, pre_load, validate, validates_schema

from app.blueprints.service_tickets.reading import MOST_FOLLOWERS, ORDER
from app.blueprints.service_tickets.status import STAGES, STATUSES
from app.blueprints.service_tickets.vocabulary import KINDS, LINKS
from app.blueprints.vehicles import vin
from app.core.paging import ListQuery
from app.core.parameters import CommaSeparated, QueryInteger
from app.core.quantities import THOUSANDTH, Amount
from app.core.schema import Day, Instant, Money, PatchSchema, Percent, Reference, Schema, SignedMoney, Text

MOST_IDS = 100
MOST_PER_LINE = 10_000
EXAMPLE_VIN = "1HGCM82633A004352"
FOLLOWS = {
    "description": "The job from which this one follows; null where none, and to a customer where it was another's.",
    "example": None,
}


class _VinText(Text):
    FORM = "17 of A-Z and 0-9 without I, O and Q; fewer for a car from before 1981."
    PATTERN = vin.PATTERN

    def __init__(self, *, description: str = FORM, **options: Any) -> None:
        metadata = {"description": description, "example": EXAMPLE_VIN}
        super().__init__(longest=40, metadata=metadata, **options)


class ServiceTicketIn(Schema):
    """A service ticket, whole. `service_description` is taken for `service_desc`, as an older client calls it."""

    VIN = _VinText(required=True)
    service_date = Day(required=True, metadata={"example": "2026-03-02"})
    service_desc = Text(required=True, longest=2000, metadata={"example": "Oil change"})
    customer_id = Reference(required=True)

    @pre_load
    def _older_name(self, data: Any, **kwargs: Any) -> Any:
        return older_name(data)


class NewServiceTicketIn(ServiceTicketIn):
    """A service ticket to open, be it one that follows from an earlier job."""

    follows_ticket_id = Reference(
        load_default=None,
        allow_none=True,
        metadata={"description": "The finished job from which this one follows.", "example": None},
    )
    follows_as = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(LINKS),
        metadata={"description": "With `follows_ticket_id`: as what.", "example": None},
    )

    @validates_schema
    def _both_or_neither(self, data: dict[str, Any], **kwargs: Any) -> None:
        if (data["follows_ticket_id"] is None) != (data["follows_as"] is None):
            raise ValidationError("Both or neither.", "follows_as")


class ServiceTicketPatch(PatchSchema):
    """What changes of a service ticket."""

    VIN = _VinText()
    service_date = Day(metadata={"example": "2026-03-02"})
    service_desc = Text(longest=2000, metadata={"example": "Oil change"})
    customer_id = Reference()

    @pre_load
    def _older_name(self, data: Any, **kwargs: Any) -> Any:
        return older_name(data)


def older_name(data: Any) -> Any:
    """Return `data` with `service_description` under its present name, unless both are there."""
    if isinstance(data, dict) and "service_description" in data and "service_desc" not in data:
        return {
            ("service_desc" if key == "service_description" else key): value for key, value in data.items()
        }
    return data


class PersonOut(Schema):
    """A person by id and name."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Jane Wrench"})


class TicketItemOut(Schema):
    """Inventory items on a ticket, at the price they had when they were added."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Oil Filter"})
    price = Money(required=True, metadata={"description": "Each.", "example": 19.99})
    quantity = Amount(required=True)


FOLLOWS_LINES = {
    "description": "Of a discount that is so much of the lines before it with its tax rate, and follows them.",
    "example": None,
}


class TicketLineOut(Schema):
    """A line of a ticket. What is told of stock is null where the line is no part."""

    id = fields.Integer(required=True, metadata={"example": 1})
    kind = fields.String(required=True, validate=validate.OneOf(KINDS), metadata={"example": "labour"})
    description = fields.String(required=True, metadata={"example": "Brake pads, front: replaced"})
    item_id = fields.Integer(required=True, allow_none=True, metadata={"example": None})
    quantity = Amount(required=True, metadata={"description": "Of labour, hours.", "example": 1.5})
    unit_price = Money(required=True, metadata={"description": "Each, or an hour.", "example": 95})
    tax_rate = Percent(required=True, metadata={"example": 10.25})
    percent = Percent(required=True, allow_none=True, metadata=FOLLOWS_LINES)
    net = SignedMoney(required=True, metadata={"description": "Before tax.", "example": 142.5})
    tax = SignedMoney(required=True, metadata={"example": 14.61})
    total = SignedMoney(required=True, metadata={"description": "With tax.", "example": 157.11})
    agreed = fields.Boolean(
        required=True, metadata={"description": "Whether the customer agreed to it.", "example": False}
    )
    reserved = Amount(
        required=True,
        allow_none=True,
        metadata={"description": "So many are set aside in the stock.", "example": None},
    )
    fitted = Amount(
        required=True,
        allow_none=True,
        metadata={"description": "So many left the stock for it.", "example": None},
    )
    to_order = Amount(
        required=True,
        allow_none=True,
        metadata={"description": "So many are neither, though the part is counted.", "example": None},
    )
    core_charge = Money(
        required=True,
        allow_none=True,
        metadata={
            "description": "The deposit on the old part of each; null where it is no exchange part.",
            "example": None,
        },
    )
    cores_due = Amount(
        required=True,
        allow_none=True,
        metadata={
            "description": "Of so many that are fitted it is not settled what becomes of the old part.",
            "example": None,
        },
    )


class StatusChangeOut(Schema):
    """A step of a ticket's life."""

    from_status = fields.String(required=True, allow_none=True, metadata={"example": "booked"})
    to_status = fields.String(required=True, metadata={"example": "received"})
    changed_at = Instant(required=True)
    account_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Who.", "example": 1}
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "To a customer: where it is their own, or says how their word came.",
            "example": "Brought by the customer.",
        },
    )


class ServiceTicketOut(Schema):
    """A service ticket with its mechanics, items and customer. `reading` writes this form itself."""

    id = fields.Integer(required=True, metadata={"example": 1})
    number = fields.Integer(
        required=True, metadata={"description": "Counts within the workshop.", "example": 1}
    )
    vehicle_id = fields.Integer(required=True, metadata={"description": "Its vehicle.", "example": 1})
    VIN = fields.String(required=True, metadata={"example": EXAMPLE_VIN})
    service_date = Day(required=True, metadata={"example": "2026-03-02"})
    service_desc = fields.String(required=True, metadata={"example": "Oil change"})
    status = fields.String(required=True, validate=validate.OneOf(STATUSES), metadata={"example": "booked"})
    stage = fields.String(
        required=True,
        validate=validate.OneOf(STAGES),
        metadata={"description": "The status as a customer is told it.", "example": "booked"},
    )
    customer_id = fields.Integer(required=True, metadata={"example": 1})
    customer = fields.Nested(PersonOut, required=True)
    mechanics = fields.List(fields.Nested(PersonOut), required=True)
    inventory_items = fields.List(fields.Nested(TicketItemOut), required=True)
    net_total = Money(required=True, metadata={"description": "Before tax.", "example": 142.5})
    tax_total = Money(required=True, metadata={"example": 14.61})
    total = Money(
        required=True, metadata={"description": "The sum of the lines, with tax.", "example": 157.11}
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class FollowerOut(Schema):
    """A ticket that follows from a finished job."""

    id = fields.Integer(required=True, metadata={"example": 7})
    number = fields.Integer(required=True, metadata={"example": 7})
    follows_as = fields.String(
        required=True, validate=validate.OneOf(LINKS), metadata={"example": "warranty"}
    )


class ServiceTicketWholeOut(ServiceTicketOut):
    """A service ticket with its lines, its history and what may come next."""

    lines = fields.List(fields.Nested(TicketLineOut), required=True)
    approved_total = Money(
        required=True,
        allow_none=True,
        metadata={
            "description": "Up to what the customer agreed, with tax: 0 once they were asked; null where nobody was.",
            "example": None,
        },
    )
    estimate_open_until = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "How long the estimate stands that is out; null where none is."},
    )
    follows_ticket_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata=FOLLOWS,
    )
    follows_as = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(LINKS), metadata={"example": None}
    )
    followed_by = fields.List(
        fields.Nested(FollowerOut),
        required=True,
        metadata={
            "description": f"The first {MOST_FOLLOWERS} jobs that follow from this one: all to staff, to a customer their own.",
            "example": [],
        },
    )
    open_recommendations = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "How much work is to be offered for the car: recommended, and neither taken nor settled. For staff;"
            " null to customers.",
            "example": 2,
        },
    )
    status_history = fields.List(fields.Nested(StatusChangeOut), required=True)
    allowed_transitions = fields.List(
        fields.String(validate=validate.OneOf(STATUSES)),
        required=True,
        metadata={
            "description": "What this caller may make of the status now; empty for who may only read.",
            "example": ["received", "cancelled"],
        },
    )
    warnings = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "What a person should look at twice: a VIN whose check digit is off; for staff, that the car is"
            " another customer's.",
            "example": [],
        },
    )


class _Ids(fields.List[int]):
    def __init__(self, example: int) -> None:
        super().__init__(
            Reference(),
            load_default=list,
            validate=validate.Length(max=MOST_IDS),
            metadata={"example": [example]},
        )


class EditIn(Schema):
    """Mechanics and items to add and to remove; an item named twice is added twice."""

    add_mechanic_ids = _Ids(1)
    remove_mechanic_ids = _Ids(2)
    add_item_ids = _Ids(1)
    remove_item_ids = _Ids(2)

    @validates_schema
    def _not_both(self, data: dict[str, Any], **kwargs: Any) -> None:
        if both := set(data["add_mechanic_ids"]) & set(data["remove_mechanic_ids"]):
            raise ValidationError(f"Added and removed at once: {sorted(both)}.", "add_mechanic_ids")
        if both := set(data["add_item_ids"]) & set(data["remove_item_ids"]):
            raise ValidationError(f"Added and removed at once: {sorted(both)}.", "add_item_ids")


class EditOut(Schema):
    """The ticket after an edit, with notes on what was unknown or already so."""

    message = fields.String(required=True, metadata={"example": "Service ticket 1 updated."})
    service_ticket = fields.Nested(ServiceTicketWholeOut, required=True)
    notes = fields.List(fields.String(), required=True, metadata={"example": ["Mechanic 9 is unknown."]})


class TicketItemIn(Schema):
    """Items to put on a ticket."""

    item_id = Reference(required=True)
    quantity = Amount(
        THOUSANDTH,
        MOST_PER_LINE,
        load_default=lambda: Decimal(1),
        metadata={
            "description": "With a fraction, of three places at most, where the unit has one: 4.5 litres."
        },
    )


class TicketItemsIn(Schema):
    """One line, or a list of lines."""

    DOCUMENTED_AS: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {"$ref": "#/components/schemas/TicketItemIn"},
            {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_IDS,
                "items": {"$ref": "#/components/schemas/TicketItemIn"},
            },
        ]
    }

    lines = fields.List(fields.Nested(TicketItemIn), required=True, validate=validate.Length(1, MOST_IDS))

    @pre_load
    def _lines(self, data: Any, **kwargs: Any) -> Any:
        return {"lines": data if isinstance(data, list) else [data]}


class StatusIn(Schema):
    """The next step of a ticket's life."""

    status = fields.String(required=True, validate=validate.OneOf(STATUSES), metadata={"example": "received"})
    reason = Text(
        load_default=None,
        allow_none=True,
        longest=500,
        metadata={
            "description": "Why; with `approved` and `declined`, which need it, how the customer said so.",
            "example": "Brought by the customer.",
        },
    )


class MyTicketsQuery(ListQuery):
    """Which of one's own tickets, in which order."""

    sort = ORDER.field()
    status = CommaSeparated(
        STATUSES, metadata={"description": "One or more, comma-separated.", "example": ["booked"]}
    )


class ServiceTicketQuery(MyTicketsQuery):
    """Which tickets, in which order."""

    customer_id = QueryInteger(metadata={"description": "Of this customer."})
    mechanic_id = QueryInteger(metadata={"description": "On which this mechanic works."})
    follows_ticket_id = QueryInteger(metadata={"description": "Those that follow from this ticket."})
    VIN = _VinText(description="Of the car with this VIN, or with these last six of it.")
    service_date = Day(metadata={"description": "On this day.", "example": "2026-03-02"})
    service_date_from = Day(metadata={"description": "On this day or later.", "example": "2026-03-01"})
    service_date_to = Day(metadata={"description": "On this day or earlier.", "example": "2026-03-31"})
    q = Text(
        shortest=3,
        longest=100,
        metadata={
            "description": "Words in the description, or in the customer's name, in any order.",
            "example": "brake",
        },
    )
