"""What opening hours and closures look like on the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate

from app.blueprints.workshops.opening import ORDER
from app.core.paging import ListQuery
from app.core.schema import Day, Instant, Schema, Text, Whole

MOST_BREAKS = 10
WITHIN_TWO_MONTHS = "Null while it is {}, and where that is not within two months."


class ClockTime(fields.String):
    """A time of the wall clock as HH:MM; `24:00` is the end of a day, where one may end."""

    BEFORE_MIDNIGHT: ClassVar[str] = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"
    UP_TO_MIDNIGHT: ClassVar[str] = r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"

    def __init__(self, example: str, *, may_end_the_day: bool = False, **options: Any) -> None:
        self.pattern = self.UP_TO_MIDNIGHT if may_end_the_day else self.BEFORE_MIDNIGHT
        super().__init__(metadata={"pattern": self.pattern, "example": example}, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(self.pattern.strip("^$"), text):
            raise ValidationError("A time of day: HH:MM.")
        return text


class OpenNow(fields.Boolean):
    """Whether a workshop is open."""

    def __init__(self, **options: Any) -> None:
        metadata = {"description": "By its hours and closures; null without hours.", "example": True}
        super().__init__(metadata=metadata, **options)


class OpensNext(Instant):
    """When a workshop opens that is closed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            metadata={"description": WITHIN_TWO_MONTHS.format("open"), "example": None}, **options
        )


class ClosesNext(Instant):
    """When a workshop closes that is open."""

    def __init__(self, **options: Any) -> None:
        text = "Null while it is closed, and where it stays open for more than a week."
        super().__init__(metadata={"description": text, "example": "2026-03-02T23:00:00Z"}, **options)


class BreakIn(Schema):
    """A pause within the hours of a day."""

    begins = ClockTime("12:00", required=True)
    ends = ClockTime("12:30", required=True)


class DayIn(Schema):
    """The hours of a weekday; without `opens` and `closes` it is closed."""

    weekday = Whole(1, 7, required=True, metadata={"description": "ISO 8601: 1 is Monday.", "example": 1})
    opens = ClockTime("08:00", load_default=None, allow_none=True)
    closes = ClockTime("17:00", may_end_the_day=True, load_default=None, allow_none=True)
    breaks = fields.List(fields.Nested(BreakIn), load_default=list, validate=validate.Length(max=MOST_BREAKS))


class WeekIn(Schema):
    """The hours of a week, whole: a weekday that is left out is closed.

    Wall time in the workshop's zone. Hours past midnight end at `24:00` and go on at `00:00` of the next day.
    """

    days = fields.List(fields.Nested(DayIn), required=True, validate=validate.Length(max=7))


class BreakOut(Schema):
    """A pause within the hours of a day."""

    begins = fields.String(required=True, metadata={"example": "12:00"})
    ends = fields.String(required=True, metadata={"example": "12:30"})


class DayOut(Schema):
    """The hours of a weekday; `opens` and `closes` are null when it is closed."""

    weekday = fields.Integer(required=True, metadata={"description": "1 is Monday.", "example": 1})
    opens = fields.String(required=True, allow_none=True, metadata={"example": "08:00"})
    closes = fields.String(required=True, allow_none=True, metadata={"example": "17:00"})
    breaks = fields.List(fields.Nested(BreakOut), required=True)


class WeekOut(Schema):
    """The hours of a week, Monday first, and whether it is open."""

    time_zone = fields.String(required=True, metadata={"example": "America/Chicago"})
    days = fields.List(fields.Nested(DayOut), required=True)
    open_now = OpenNow(required=True, allow_none=True)
    opens_next = OpensNext(required=True, allow_none=True)
    closes_next = ClosesNext(required=True, allow_none=True)


class ClosureIn(Schema):
    """Days on which the workshop is closed, the first and the last included."""

    first_day = Day(required=True, metadata={"example": "2026-12-24"})
    last_day = Day(required=True, metadata={"example": "2026-12-26"})
    reason = Text(load_default=None, allow_none=True, metadata={"example": "Christmas"})


class ClosureBrief(Schema):
    """A closure, in a workshop's entry."""

    id = fields.Integer(required=True, metadata={"example": 1})
    first_day = Day(required=True, metadata={"example": "2026-12-24"})
    last_day = Day(required=True, metadata={"example": "2026-12-26"})
    reason = fields.String(required=True, allow_none=True, metadata={"example": "Christmas"})


class ClosureOut(ClosureBrief):
    """A closure."""

    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class ClosuresQuery(ListQuery):
    """Which closures, in which order."""

    sort = ORDER.field()
    ends_from = Day(
        metadata={"description": "Only those that end on this day or later.", "example": "2026-12-01"}
    )
