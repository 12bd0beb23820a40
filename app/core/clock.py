"""The one place that reads the clock, so that a test can move it."""

from __future__ import annotations

from datetime import UTC, date, datetime


def now() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return the present day, in UTC."""
    return now().date()


def as_utc(value: datetime | str) -> datetime:
    """Return an instant from the database, or its ISO 8601 text, as an aware datetime in UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """Return an instant in UTC as RFC 3339, to the second, with Z."""
    return (
        moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    )  # strftime writes the year 281 in three digits
