"""What the history of a vehicle looks like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.attachments.schemas import photos_out
from app.blueprints.history.telling import MOST_NOTES, MOST_PHOTOS
from app.blueprints.inspections.vocabulary import CONDITIONS
from app.blueprints.service_tickets.reading import ORDER
from app.blueprints.service_tickets.schemas import FOLLOWS, ServiceTicketOut, TicketLineOut
from app.blueprints.service_tickets.vocabulary import LINKS
from app.blueprints.vehicles.models import UNITS
from app.core.paging import ListQuery
from app.core.schema import Instant, Money, Schema


class HistoryQuery(ListQuery):
    """Which page of a vehicle's visits."""

    sort = ORDER.field()


class VisitReadingOut(Schema):
    """What the odometer showed during a visit."""

    value = fields.Integer(required=True, metadata={"example": 84200})
    unit = fields.String(required=True, validate=validate.OneOf(UNITS), metadata={"example": "km"})
    read_at = Instant(required=True)


class VisitNoteOut(Schema):
    """What was said at a visit, and validated: how the work went on, or what an inspection found."""

    kind = fields.String(
        required=True, validate=validate.OneOf(("progress", "inspection")), metadata={"example": "inspection"}
    )
    about = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Which point of the inspection; null of it all.", "example": "Front pads"},
    )
    condition = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(CONDITIONS),
        metadata={"description": "How that point was.", "example": "yellow"},
    )
    text = fields.String(required=True, metadata={"example": "3 mm left, worn evenly."})
    at = Instant(required=True, metadata={"description": "When it was validated."})


class VisitOut(ServiceTicketOut):
    """A visit of a vehicle: its ticket with its lines, what the parts come to, the odometer, notes and photos."""

    lines = fields.List(fields.Nested(TicketLineOut), required=True)
    follows_ticket_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata=FOLLOWS,
    )
    follows_as = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(LINKS), metadata={"example": None}
    )
    parts_total = Money(
        required=True, metadata={"description": "The parts' lines, before tax.", "example": 39.98}
    )
    readings = fields.List(
        fields.Nested(VisitReadingOut),
        required=True,
        metadata={
            "description": "Taken from the day of the visit, or from when the car came before that, until it was handed back."
        },
    )
    notes = fields.List(
        fields.Nested(VisitNoteOut),
        required=True,
        metadata={"description": f"The first {MOST_NOTES}: what is validated, and no comments of staff."},
    )
    note_count = fields.Integer(
        required=True, metadata={"description": "How many there are in all.", "example": 1}
    )
    photos = photos_out(
        f"The first {MOST_PHOTOS} pictures: all to staff, to a customer those that they were shown."
    )
    photo_count = fields.Integer(
        required=True, metadata={"description": "How many of these there are in all.", "example": 1}
    )
