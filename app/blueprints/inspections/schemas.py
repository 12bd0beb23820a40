"""What inspections look like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.attachments.schemas import photo_ids, photos_out
from app.blueprints.inspections import recommendations, service, templates
from app.blueprints.inspections.vocabulary import (
    CONDITIONS,
    INSPECTION_STATES,
    LINE_KINDS,
    MOST_POINTS,
    STATES,
    URGENCIES,
)
from app.core.paging import ListQuery
from app.core.parameters import CommaSeparated
from app.core.quantities import THOUSANDTH, Amount
from app.core.schema import Flag, Instant, Money, PatchSchema, Percent, Reference, Schema, Text, Whole

MOST_SECTIONS = 40
MOST_HOURS = 1000
MOST_TIED = 100
NAME = {"example": "Winter check"}
STANDARD = {"description": "Whether it is taken where an inspection names none; one is.", "example": True}
DESCRIPTION = {"example": "Replace the front brake pads and discs"}
PRICE = {"description": "In one sum; or else as hours of labour and parts.", "example": None}
HOURS = {"description": "Of labour.", "example": 1.5}
PARTS = {"description": "What the parts come to.", "example": 189.9}
POINT = {"description": "Which point of the inspection it comes of.", "example": 17}
SECTION_EXAMPLE = [{"name": "Brakes", "points": ["Front pads and discs", "Brake fluid"]}]


class SectionIn(Schema):
    """A section of a template."""

    name = Text(required=True, longest=100, metadata={"example": "Brakes"})
    points = fields.List(
        Text(metadata={"example": "Brake fluid"}),
        required=True,
        validate=validate.Length(1, MOST_POINTS),
        metadata={"example": ["Front pads and discs", "Brake fluid"]},
    )


class InspectionTemplateIn(Schema):
    """A template, whole."""

    name = Text(required=True, longest=100, metadata=NAME)
    standard = Flag(load_default=False, metadata=STANDARD)
    sections = fields.List(
        fields.Nested(SectionIn),
        required=True,
        validate=validate.Length(1, MOST_SECTIONS),
        metadata={"description": f"At most {MOST_POINTS} points in all.", "example": SECTION_EXAMPLE},
    )


class SectionOut(Schema):
    """A section of a template."""

    name = fields.String(required=True, metadata={"example": "Brakes"})
    points = fields.List(
        fields.String(), required=True, metadata={"example": ["Front pads and discs", "Brake fluid"]}
    )


class ReferenceTemplateOut(Schema):
    """The template that every workshop has until it makes its own."""

    name = fields.String(required=True, metadata={"example": "40-point inspection"})
    point_count = fields.Integer(required=True, metadata={"example": 40})
    sections = fields.List(fields.Nested(SectionOut), required=True, metadata={"example": SECTION_EXAMPLE})


class InspectionTemplateOut(Schema):
    """A template of a workshop's own."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata=NAME)
    standard = fields.Boolean(required=True, metadata=STANDARD)
    point_count = fields.Integer(required=True, metadata={"example": 2})
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class InspectionTemplateWholeOut(InspectionTemplateOut):
    """A template with what it has looked at."""

    sections = fields.List(fields.Nested(SectionOut), required=True, metadata={"example": SECTION_EXAMPLE})


class InspectionTemplateQuery(ListQuery):
    """Which page of the templates."""

    sort = templates.ORDER.field()


class InspectionIn(Schema):
    """What to inspect by."""

    template_id = Reference(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Without it the standard one, or else the one of 40 points that ships.",
            "example": None,
        },
    )


class FindingIn(Schema):
    """How a point is."""

    place = Whole(1, MOST_POINTS, required=True, metadata={"example": 17})
    condition = fields.String(
        required=True, validate=validate.OneOf(CONDITIONS), metadata={"example": "yellow"}
    )
    note = Text(
        load_default=None, allow_none=True, longest=1000, metadata={"example": "3 mm left, worn evenly."}
    )
    mechanic_id = Reference(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Who looked; without it the mechanic who writes it down.",
            "example": None,
        },
    )
    photo_ids = photo_ids("Without it the photos stay as they are.", load_default=None, allow_none=True)


class FindingsIn(Schema):
    """How some points are; the others stay as they are."""

    points = fields.List(fields.Nested(FindingIn), required=True, validate=validate.Length(1, MOST_POINTS))


class InspectionFinishIn(Schema):
    """What an inspection comes to."""

    summary = Text(
        load_default=None,
        allow_none=True,
        longest=2000,
        metadata={"example": "Sound but for the front brakes."},
    )


class ConditionsOut(Schema):
    """How many points are in which condition."""

    green = fields.Integer(required=True, metadata={"example": 30})
    yellow = fields.Integer(required=True, metadata={"example": 2})
    red = fields.Integer(required=True, metadata={"example": 1})
    not_checked = fields.Integer(required=True, metadata={"example": 7})


class CheckedByOut(Schema):
    """The mechanic who looked."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Jane Wrench"})


class InspectionPointOut(Schema):
    """A point of an inspection."""

    place = fields.Integer(required=True, metadata={"example": 17})
    section = fields.String(required=True, metadata={"example": "Brakes"})
    name = fields.String(required=True, metadata={"example": "Front pads and discs"})
    condition = fields.String(
        required=True, validate=validate.OneOf(CONDITIONS), metadata={"example": "yellow"}
    )
    note = fields.String(required=True, allow_none=True, metadata={"example": "3 mm left, worn evenly."})
    mechanic = fields.Nested(
        CheckedByOut, required=True, allow_none=True, metadata={"example": {"id": 1, "name": "Jane Wrench"}}
    )
    checked_at = Instant(required=True, allow_none=True)
    photos = photos_out()


class RecommendationIn(Schema):
    """Work that a car should have, with its price: in one sum, or as hours of labour and parts."""

    description = Text(required=True, longest=500, metadata=DESCRIPTION)
    urgency = fields.String(required=True, validate=validate.OneOf(URGENCIES), metadata={"example": "soon"})
    point = Whole(1, MOST_POINTS, load_default=None, allow_none=True, metadata=POINT)
    estimated_price = Money(load_default=None, allow_none=True, metadata=PRICE)
    labour_hours = Amount(THOUSANDTH, MOST_HOURS, load_default=None, allow_none=True, metadata=HOURS)
    parts_price = Money(load_default=None, allow_none=True, metadata=PARTS)


class RecommendationPatch(PatchSchema):
    """What changes of a recommendation."""

    description = Text(longest=500, metadata=DESCRIPTION)
    urgency = fields.String(validate=validate.OneOf(URGENCIES), metadata={"example": "soon"})
    point = Whole(1, MOST_POINTS, allow_none=True, metadata=POINT)
    estimated_price = Money(allow_none=True, metadata=PRICE)
    labour_hours = Amount(THOUSANDTH, MOST_HOURS, allow_none=True, metadata=HOURS)
    parts_price = Money(allow_none=True, metadata=PARTS)


class PutOffLineOut(Schema):
    """A line that was put off, as it was: taking it again writes the same one."""

    kind = fields.String(required=True, validate=validate.OneOf(LINE_KINDS), metadata={"example": "part"})
    item_id = fields.Integer(required=True, allow_none=True, metadata={"example": 1})
    quantity = Amount(required=True, metadata={"description": "Of labour, hours.", "example": 2})
    unit_price = Money(required=True, metadata={"description": "Each, or an hour.", "example": 95})
    tax_rate = Percent(required=True, metadata={"example": 10.25})


class RecommendationOut(Schema):
    """Work that a car should have."""

    id = fields.Integer(required=True, metadata={"example": 1})
    vehicle_id = fields.Integer(required=True, metadata={"example": 1})
    service_ticket_id = fields.Integer(
        required=True, metadata={"description": "The visit at which it was found.", "example": 1}
    )
    inspection_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Null where it is declined work of an estimate.", "example": 1},
    )
    point = fields.Integer(required=True, allow_none=True, metadata=POINT)
    description = fields.String(required=True, metadata=DESCRIPTION)
    urgency = fields.String(required=True, validate=validate.OneOf(URGENCIES), metadata={"example": "soon"})
    estimated_price = Money(required=True, allow_none=True, metadata=PRICE)
    labour_hours = Amount(required=True, allow_none=True, metadata=HOURS)
    parts_price = Money(required=True, allow_none=True, metadata=PARTS)
    line = fields.Nested(
        PutOffLineOut,
        required=True,
        allow_none=True,
        metadata={"description": "Of declined work of an estimate, what the line was.", "example": None},
    )
    state = fields.String(required=True, validate=validate.OneOf(STATES), metadata={"example": "open"})
    taken_ticket_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The visit at which it is done.", "example": None},
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class RecommendationChangeOut(Schema):
    """What became of a recommendation."""

    from_state = fields.String(required=True, allow_none=True, metadata={"example": "open"})
    to_state = fields.String(required=True, metadata={"example": "declined"})
    at = Instant(required=True)
    account_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Who.", "example": 1}
    )
    service_ticket_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "At which visit.", "example": 1}
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "To a customer null, but where it was declined: what staff write is their own.",
            "example": "Next time.",
        },
    )


class RecommendationWholeOut(RecommendationOut):
    """Work that a car should have, with all that became of it."""

    changes = fields.List(fields.Nested(RecommendationChangeOut), required=True)
    line_ids = fields.List(
        fields.Integer(),
        required=True,
        metadata={"description": "The lines of the ticket by which it is taken.", "example": [1]},
    )


class RecommendationStateIn(Schema):
    """What became of a recommendation. It is `taken` at a visit."""

    state = fields.String(required=True, validate=validate.OneOf(STATES), metadata={"example": "declined"})
    service_ticket_id = Reference(
        load_default=None, allow_none=True, metadata={"description": "At which visit of the vehicle."}
    )
    line_ids = fields.List(
        Reference(),
        load_default=tuple,
        validate=validate.Length(max=MOST_TIED),
        metadata={
            "description": "With `taken`: by which lines of that ticket. Declined in an estimate they decline it, taken off"
            " they leave it open.",
            "example": [],
        },
    )
    reason = Text(load_default=None, allow_none=True, longest=500, metadata={"example": "Next time."})


class InspectionOut(Schema):
    """An inspection, in short."""

    id = fields.Integer(required=True, metadata={"example": 1})
    service_ticket_id = fields.Integer(required=True, metadata={"example": 1})
    vehicle_id = fields.Integer(required=True, metadata={"example": 1})
    title = fields.String(
        required=True, metadata={"description": "The template's name.", "example": "40-point inspection"}
    )
    state = fields.String(
        required=True, validate=validate.OneOf(INSPECTION_STATES), metadata={"example": "open"}
    )
    summary = fields.String(
        required=True, allow_none=True, metadata={"example": "Sound but for the front brakes."}
    )
    conditions = fields.Nested(ConditionsOut, required=True)
    finished_at = Instant(required=True, allow_none=True)
    validated_at = Instant(required=True, allow_none=True)
    validated_by = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "By whom (an account); null where the workshop's setting did it.",
            "example": None,
        },
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class InspectionWholeOut(InspectionOut):
    """An inspection with its points, and the work that it recommends."""

    points = fields.List(fields.Nested(InspectionPointOut), required=True)
    recommendations = fields.List(fields.Nested(RecommendationOut), required=True)


class InspectionQuery(ListQuery):
    """Which page of a ticket's inspections, the last one first."""

    sort = service.ORDER.field()


class TicketRecommendationQuery(ListQuery):
    """Which page of what is to be offered at a visit."""

    sort = recommendations.ORDER.field()


class VehicleRecommendationQuery(ListQuery):
    """Which of a vehicle's recommendations, the newest first."""

    sort = recommendations.ORDER.field()
    state = CommaSeparated(
        STATES,
        metadata={"description": "In any one of these states, comma-separated.", "example": ["open"]},
    )
