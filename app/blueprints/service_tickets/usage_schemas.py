"""What rankings look like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.service_tickets.vocabulary import GROUPINGS
from app.core.parameters import QueryInteger
from app.core.quantities import Amount
from app.core.schema import Day, Schema, Text

MOST_USED = 10**15


class UsageQuery(Schema):
    """A period of service dates, and how many."""

    service_date_from = Day(metadata={"description": "From this day on.", "example": "2026-01-01"})
    service_date_to = Day(metadata={"description": "Up to this day.", "example": "2026-12-31"})
    limit = QueryInteger(most=100, load_default=20, metadata={"description": "How many.", "example": 20})


class ItemUsageQuery(UsageQuery):
    """A period of service dates, of which parts, cars and mechanics, and what is ranked."""

    by = fields.String(
        load_default="part",
        validate=validate.OneOf(GROUPINGS),
        metadata={"description": "What is ranked.", "example": "part"},
    )
    item_id = QueryInteger(metadata={"description": "Of this item alone."})
    make = Text(
        longest=60,
        metadata={
            "description": "Of cars of this make, whatever the case of its letters.",
            "example": "Honda",
        },
    )
    mechanic_id = QueryInteger(metadata={"description": "Of tickets that this mechanic works on."})


class MechanicUsageOut(Schema):
    """A mechanic and how many tickets they worked on."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Jane Wrench"})
    ticket_count = fields.Integer(required=True, metadata={"example": 12})


class ItemUsageOut(Schema):
    """An inventory item, a make or a mechanic, and how many items were fitted on tickets."""

    id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Of the item or the mechanic; null of a make.", "example": 1},
    )
    name = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Null of cars without a make, and of tickets that nobody works on.",
            "example": "Oil Filter",
        },
    )
    quantity_used = Amount(required=True, most=MOST_USED, metadata={"example": 40})
    ticket_count = fields.Integer(required=True, metadata={"example": 31})
