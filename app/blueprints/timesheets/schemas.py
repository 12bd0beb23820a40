"""What the mechanics' clock looks like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.core.schema import GREATEST_ID, Day, Instant, InstantIn, PatchSchema, Schema, Text, Whole

STATES = ("running", "stopped", "forgotten")
WHOSE = {"description": "Whose clock: left out, the caller's own. Another's is for an owner.", "example": 1}
LINE = {"description": "The line of the ticket's labour that it is for, if any.", "example": 1}
REASON = {"description": "Why it stood otherwise.", "example": "Forgot to stop before lunch."}


class ClockStartIn(Schema):
    """Whose clock is started, and on which line of the ticket's labour."""

    mechanic_id = Whole(1, GREATEST_ID, load_default=None, allow_none=True, metadata=dict(WHOSE))
    line_id = Whole(1, GREATEST_ID, load_default=None, allow_none=True, metadata=dict(LINE))


class ClockStopIn(Schema):
    """Whose clock is stopped."""

    mechanic_id = Whole(1, GREATEST_ID, load_default=None, allow_none=True, metadata=dict(WHOSE))


class ClockEntryPatch(PatchSchema):
    """When and on which line somebody worked in truth, and why it stood otherwise."""

    line_id = Whole(1, GREATEST_ID, allow_none=True, metadata=dict(LINE))
    started_at = InstantIn(metadata={"example": "2026-03-02T08:00:00Z"})
    ended_at = InstantIn(allow_none=True, metadata={"example": "2026-03-02T12:30:00Z"})
    reason = Text(required=True, longest=500, metadata=dict(REASON))


class ReasonQuery(Schema):
    """Why an entry is deleted."""

    reason = Text(required=True, longest=500, metadata={"description": "Why.", "example": "Wrong ticket."})


class ClockEntryOut(Schema):
    """That a mechanic worked on a ticket."""

    id = fields.Integer(required=True, metadata={"example": 1})
    mechanic_id = fields.Integer(required=True, metadata={"example": 1})
    service_ticket_id = fields.Integer(required=True, metadata={"example": 1})
    line_id = fields.Integer(required=True, allow_none=True, metadata={"example": 1})
    started_at = Instant(required=True)
    ended_at = Instant(required=True, allow_none=True)
    seconds = fields.Integer(
        required=True,
        metadata={"description": "So far, where it is running; 0 where it was forgotten.", "example": 5400},
    )
    state = fields.String(
        required=True,
        validate=validate.OneOf(STATES),
        metadata={
            "description": "`forgotten`: it has run for more than 16 hours, and counts nothing until an owner corrects it.",
            "example": "stopped",
        },
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it was corrected the last time.", "example": None},
    )


class ClockOut(Schema):
    """Hours that were worked, and the entries that they come from."""

    worked_seconds = fields.Integer(required=True, metadata={"example": 5400})
    worked_hours = fields.Decimal(
        required=True, metadata={"description": "The same with two places, rounded half up.", "example": 1.5}
    )
    running = fields.Integer(required=True, metadata={"description": "Clocks that run now.", "example": 0})
    forgotten = fields.Integer(
        required=True, metadata={"description": "Entries that an owner has to correct.", "example": 0}
    )
    entry_count = fields.Integer(required=True, metadata={"example": 1})
    entries = fields.List(
        fields.Nested(ClockEntryOut),
        required=True,
        metadata={"description": "The last one first, at most 100; the sums are of all."},
    )


class LineClockOut(Schema):
    """Hours that were worked on a line of labour against those that it bills; without a line, those worked on none."""

    line_id = fields.Integer(required=True, allow_none=True, metadata={"example": 1})
    description = fields.String(
        required=True, allow_none=True, metadata={"example": "Brake pads, front: replaced"}
    )
    billed_hours = fields.Decimal(required=True, metadata={"example": 1.5})
    worked_seconds = fields.Integer(required=True, metadata={"example": 5400})
    worked_hours = fields.Decimal(required=True, metadata={"example": 1.5})


class TicketClockOut(ClockOut):
    """Hours that were worked on a ticket against those that it bills."""

    billed_hours = fields.Decimal(
        required=True, metadata={"description": "Of the ticket's labour.", "example": 1.5}
    )
    lines = fields.List(
        fields.Nested(LineClockOut),
        required=True,
        metadata={"description": "By its lines of labour; their sums are those of the ticket."},
    )


class MechanicClockOut(ClockOut):
    """Hours that a mechanic worked, by the days on which they began."""

    mechanic_id = fields.Integer(required=True, metadata={"example": 1})
    first_day = Day(required=True, metadata={"example": "2026-03-02"})
    last_day = Day(required=True, metadata={"example": "2026-03-08"})


class MechanicClockQuery(Schema):
    """From which day to which, in the workshop's time zone."""

    first_day = Day(
        data_key="from", metadata={"description": "Left out: seven days in all.", "example": "2026-03-02"}
    )
    last_day = Day(
        data_key="to", metadata={"description": "Left out: today. At most 31 days.", "example": "2026-03-08"}
    )
