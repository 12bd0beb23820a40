"""What the board looks like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.service_tickets.board import ACTIONS
from app.blueprints.service_tickets.schemas import PersonOut
from app.blueprints.service_tickets.status import OPEN, STAGES
from app.core.schema import Day, Instant, Money, Schema


class BoardVehicleOut(Schema):
    """A car as one knows it in the yard."""

    id = fields.Integer(required=True, metadata={"example": 1})
    make = fields.String(required=True, allow_none=True, metadata={"example": "Honda"})
    model = fields.String(required=True, allow_none=True, metadata={"example": "Accord"})
    plate = fields.String(required=True, allow_none=True, metadata={"example": "GD 4711"})


class BoardTicketOut(Schema):
    """An open ticket, and what somebody has to do about it."""

    id = fields.Integer(required=True, metadata={"example": 1})
    number = fields.Integer(required=True, metadata={"example": 17})
    status = fields.String(required=True, validate=validate.OneOf(OPEN), metadata={"example": "received"})
    stage = fields.String(required=True, validate=validate.OneOf(STAGES), metadata={"example": "pickup"})
    service_date = Day(required=True, metadata={"example": "2026-03-02"})
    service_desc = fields.String(required=True, metadata={"example": "Brake pads, front"})
    customer = fields.Nested(PersonOut, required=True)
    vehicle = fields.Nested(BoardVehicleOut, required=True)
    mechanics = fields.List(fields.Nested(PersonOut), required=True)
    total = Money(required=True, metadata={"example": 157.11})
    updated_at = Instant(required=True)
    needs = fields.List(
        fields.String(validate=validate.OneOf(ACTIONS)),
        required=True,
        metadata={"description": "What is to be done about it.", "example": ["assign_mechanic"]},
    )


class BoardColumnOut(Schema):
    """The open tickets of one status, the oldest day first."""

    status = fields.String(required=True, validate=validate.OneOf(OPEN), metadata={"example": "received"})
    count = fields.Integer(required=True, metadata={"example": 1})
    tickets = fields.List(fields.Nested(BoardTicketOut), required=True)


class BoardOut(Schema):
    """Every status that is open, in the order of a ticket's life, with its tickets."""

    columns = fields.List(fields.Nested(BoardColumnOut), required=True)
    open = fields.Integer(required=True, metadata={"description": "So many are listed.", "example": 12})
    need_action = fields.Integer(required=True, metadata={"example": 5})
    is_cut = fields.Boolean(
        required=True, metadata={"description": "More are open than are listed: 500 are.", "example": False}
    )
    today = Day(required=True, metadata={"description": "In the workshop's zone.", "example": "2026-03-02"})
