"""The demo shop's time: seconds of work, counted from its first working day and never by the clock on the wall.

Counting working time keeps every step of a ticket inside opening hours and in order; a fixed last day keeps two loads
alike, whenever they are made.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.blueprints.workshops.hours import Period

TIME_ZONE = "America/Chicago"
TODAY = date(2026, 11, 20)
OPENING, HOUR = time(8), 3600
WORKDAY = 10 * HOUR
LONGEST_LEAD = 12  # working days that a visit is booked ahead at most

# Monday to Saturday with a break at noon; the mechanics take it in turns, so that visits go on.
WEEK = [
    period
    for weekday in range(1, 7)
    for period in (Period(weekday, 8 * 60, 12 * 60), Period(weekday, 12 * 60 + 30, 18 * 60))
]

_FIRST_DAY = TODAY - timedelta(days=364)
WORKING_DAYS = [
    day
    for day in (_FIRST_DAY + timedelta(days=passed) for passed in range(364 + 4 * LONGEST_LEAD))
    if day.weekday() < 6
]
_OPENINGS = [
    datetime.combine(day, OPENING, tzinfo=ZoneInfo(TIME_ZONE)).astimezone(UTC) for day in WORKING_DAYS
]

NOW = WORKING_DAYS.index(TODAY) * WORKDAY + 6 * HOUR  # two in the afternoon
PRICE_RISE = NOW // 2
FOUNDED = _OPENINGS[0] - timedelta(days=365)
CLOSURES = [
    {
        "first_day": date(2026, 12, 24),
        "last_day": date(2026, 12, 26),
        "reason": "Christmas",
        "version": 1,
        "created_at": FOUNDED,
        "updated_at": FOUNDED,
    }
]


def instant(worked: int) -> datetime:
    """Return the instant at which the shop has worked so many seconds."""
    day, seconds = divmod(worked, WORKDAY)
    return _OPENINGS[day] + timedelta(seconds=seconds)


def before_opening(share: float) -> datetime:
    """Return an instant in the year before the first ticket: 0 at its start, 1 at its end."""
    return FOUNDED + timedelta(days=int(share * 365))
