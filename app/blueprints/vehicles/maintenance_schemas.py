"""What maintenance looks like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.vehicles.maintenance import ORDER
from app.blueprints.vehicles.models import GREATEST_INTERVAL, GREATEST_READING, MOST_MONTHS, UNITS
from app.core.paging import ListQuery
from app.core.schema import Day, Instant, Schema, Text, Whole

ESTIMATE = {
    "on": "2026-11-20", "earliest": "2026-10-02", "latest": "2027-01-15", "per_day": 41, "unit": "km",
    "readings": [
        {"id": 1, "read_at": "2025-09-02T09:30:00Z", "value": 75000},
        {"id": 2, "read_at": "2025-12-02T09:30:00Z", "value": 78800},
        {"id": 3, "read_at": "2026-03-02T09:30:00Z", "value": 82500},
    ],
}  # fmt: skip


class MaintenanceIn(Schema):
    """What a vehicle needs again, whole: after a time, a distance, or whichever comes first."""

    title = Text(required=True, longest=100, metadata={"example": "Oil change"})
    every_months = Whole(1, MOST_MONTHS, load_default=None, allow_none=True, metadata={"example": 12})
    every_distance = Whole(
        1,
        GREATEST_INTERVAL,
        load_default=None,
        allow_none=True,
        metadata={"description": "In `unit`; together with `last_done_at`.", "example": 15000},
    )
    unit = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(UNITS), metadata={"example": "km"}
    )
    last_done_on = Day(required=True, metadata={"example": "2026-03-02"})
    last_done_at = Whole(
        0,
        GREATEST_READING,
        load_default=None,
        allow_none=True,
        metadata={"description": "What the odometer showed then, in `unit`.", "example": 84200},
    )


class UsedReadingOut(Schema):
    """A reading that an estimate rests on, in the interval's unit."""

    id = fields.Integer(required=True, metadata={"example": 1})
    read_at = Instant(required=True)
    value = fields.Integer(required=True, metadata={"example": 84200})


class EstimateOut(Schema):
    """When the distance will be over, by the median distance a day between readings, and by the least and the most."""

    on = Day(required=True, allow_none=True, metadata={"example": "2026-11-20"})
    earliest = Day(required=True, allow_none=True, metadata={"example": "2026-10-02"})
    latest = Day(required=True, allow_none=True, metadata={"example": "2027-01-15"})
    per_day = fields.Integer(required=True, metadata={"example": 41})
    unit = fields.String(required=True, validate=validate.OneOf(UNITS), metadata={"example": "km"})
    readings = fields.List(
        fields.Nested(UsedReadingOut),
        required=True,
        metadata={"description": "Those that it was reckoned from, at least three."},
    )


class MaintenanceOut(Schema):
    """What a vehicle needs again, and when that will be."""

    id = fields.Integer(required=True, metadata={"example": 1})
    title = fields.String(required=True, metadata={"example": "Oil change"})
    every_months = fields.Integer(required=True, allow_none=True, metadata={"example": 12})
    every_distance = fields.Integer(required=True, allow_none=True, metadata={"example": 15000})
    unit = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(UNITS), metadata={"example": "km"}
    )
    last_done_on = Day(required=True, metadata={"example": "2026-03-02"})
    last_done_at = fields.Integer(required=True, allow_none=True, metadata={"example": 84200})
    due_on = Day(
        required=True,
        allow_none=True,
        metadata={
            "description": "The earlier of the two days; null where there is none to be told.",
            "example": "2026-11-20",
        },
    )
    due_by = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("time", "distance")),
        metadata={"description": "Which of the two that is.", "example": "distance"},
    )
    due_at = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "At what the odometer shows, in `unit`.", "example": 99200},
    )
    estimate = fields.Nested(
        EstimateOut,
        required=True,
        allow_none=True,
        metadata={
            "description": "What a day by distance rests on; null from fewer than three readings.",
            "example": ESTIMATE,
        },
    )


class MaintenanceQuery(ListQuery):
    """Which page of what a vehicle needs again."""

    sort = ORDER.field()
