"""The tenant, when it is open, and its counters."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Text,
    and_,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.blueprints.workshops.vocabulary import SPECIALISATIONS
from app.core.db import Cents, Id, Instant, Percent, Versioned, one_of
from app.core.model import Model
from app.core.tenancy import WorkshopOwned

_LISTED: dict[str, Any] = {
    "sqlite_where": text("listed = 1 AND suspended_at IS NULL"),
    "postgresql_where": text("listed AND suspended_at IS NULL"),
}


_SUSPENDED: dict[str, Any] = {
    f"{database}_where": text("suspended_at IS NOT NULL") for database in ("sqlite", "postgresql")
}


class Workshop(Versioned, Model):
    """A workshop: everything else belongs to exactly one.

    One that is closed is kept with `closed_at`: what belongs to it stays as long as the law wants it. The rating is the sum of
    the stars and how many gave some; nothing but reviews writes it. The row with the id 0 is no workshop but the place of the
    installation itself (`tenancy.INSTALLATION`), closed from the beginning.
    """

    __tablename__ = "workshops"
    __table_args__ = (
        CheckConstraint("length(slug) >= 2", name="slug_length"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude_on_earth"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude_on_earth"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="located_by_both"),
        CheckConstraint("rating_sum BETWEEN 0 AND 5 * rating_count", name="rating_of_five"),
        CheckConstraint("tax_rate BETWEEN 0 AND 100000", name="tax_rate_percent"),
        CheckConstraint("labour_rate >= 0", name="labour_rate_not_negative"),
        CheckConstraint("approval_tolerance BETWEEN 0 AND 100000", name="approval_tolerance_percent"),
        CheckConstraint("closed_at IS NULL OR NOT listed", name="closed_is_unlisted"),
        CheckConstraint(
            "(suspended_at IS NULL) = (suspension_reason IS NULL)", name="suspended_for_a_reason"
        ),
        CheckConstraint("id > 0 OR (id = 0 AND closed_at IS NOT NULL)", name="installation_is_closed"),
        Index("ix_workshops_name", "name", "id"),
        Index("ix_workshops_suspended", "id", **_SUSPENDED),
        Index("ix_workshops_place", "latitude", "longitude", "id", **_LISTED),
        Index("ix_workshops_directory", "name", "id", **_LISTED),
        Index("ix_workshops_country", "country", "name", "id", **_LISTED),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    description: Mapped[str | None] = mapped_column(Text)
    street: Mapped[str | None] = mapped_column(String(200))
    city: Mapped[str | None] = mapped_column(String(100))
    region: Mapped[str | None] = mapped_column(String(100))
    postal_code: Mapped[str | None] = mapped_column(String(20))
    country: Mapped[str] = mapped_column(String(2), default="US")
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    place_id: Mapped[str | None] = mapped_column(String(255))
    phone: Mapped[str | None] = mapped_column(String(20))
    email: Mapped[str | None] = mapped_column(String(254))
    website: Mapped[str | None] = mapped_column(String(300))
    rating_sum: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    rating_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    listed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    locale: Mapped[str] = mapped_column(String(12), default="en", server_default="en")
    time_zone: Mapped[str] = mapped_column(String(60), default="UTC")
    tax_rate: Mapped[Decimal | None] = mapped_column(Percent)
    tax_id: Mapped[str | None] = mapped_column(String(40))
    prices_include_tax: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    labour_rate: Mapped[Decimal | None] = mapped_column(Cents)
    approval_required: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    approval_tolerance: Mapped[Decimal] = mapped_column(Percent, default=Decimal(0), server_default="0")
    second_factor_for_staff: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    inspections_validated_automatically: Mapped[bool] = mapped_column(
        default=False, server_default=text("false")
    )
    progress_validated_automatically: Mapped[bool] = mapped_column(
        default=False, server_default=text("false")
    )
    suspended_at: Mapped[datetime | None] = mapped_column(Instant)
    suspension_reason: Mapped[str | None] = mapped_column(String(300))
    closed_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def state(self) -> str:
        """Whether it is open, suspended or closed."""
        if self.closed_at is not None:
            return "closed"
        return "open" if self.suspended_at is None else "suspended"

    @property
    def location(self) -> str | None:
        """Where it is, in short: city and region."""
        return ", ".join(part for part in (self.city, self.region) if part) or None

    @property
    def full_address(self) -> str | None:
        """Where it is, on one line: street, postal code and city, region, country."""
        town = " ".join(part for part in (self.postal_code, self.city) if part)
        parts = [part for part in (self.street, town, self.region) if part]
        return ", ".join([*parts, self.country]) if parts else None

    @property
    def rating(self) -> Decimal | None:
        """The average of the stars, 0 to 5, to two places; None where nobody gave any."""
        if not self.rating_count:
            return None
        return (Decimal(self.rating_sum) / self.rating_count).quantize(Decimal("0.01"), ROUND_HALF_UP)


IN_DIRECTORY = and_(Workshop.listed, Workshop.suspended_at.is_(None))
STATES = ("open", "suspended", "closed")


class Specialisation(WorkshopOwned, Model):
    """One thing that a workshop is good at."""

    __tablename__ = "workshop_specialisations"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "specialisation"),
        CheckConstraint(one_of("specialisation", SPECIALISATIONS), name="specialisation_known"),
        Index("ix_workshop_specialisations_specialisation", "specialisation", "workshop_id"),
    )

    specialisation: Mapped[str] = mapped_column(String(40))


class OpeningPeriod(WorkshopOwned, Model):
    """A time in which a workshop is open each week: minutes of the wall clock since midnight; 1440 is midnight at its end.

    A break is the gap between two periods of a day. That two never overlap is kept by an exclusion constraint on PostgreSQL
    and a trigger on SQLite, which the migration makes.
    """

    __tablename__ = "opening_periods"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "weekday", "opens"),
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_known"),
        CheckConstraint("opens >= 0 AND opens < closes AND closes <= 1440", name="within_the_day"),
    )

    weekday: Mapped[int] = mapped_column(SmallInteger)
    opens: Mapped[int] = mapped_column(SmallInteger)
    closes: Mapped[int] = mapped_column(SmallInteger)


class Closure(WorkshopOwned, Versioned, Model):
    """Days on which a workshop is closed though its hours say otherwise. Two never overlap, as with opening periods."""

    __tablename__ = "closures"
    __table_args__ = (
        CheckConstraint("last_day >= first_day", name="last_day_not_before_first"),
        CheckConstraint("first_day >= '2000-01-01' AND last_day <= '2199-12-31'", name="days_within_reason"),
        Index("ix_closures_first_day", "workshop_id", "first_day", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)
    reason: Mapped[str | None] = mapped_column(String(200))


class Counter(WorkshopOwned, Model):
    """The last number given out of a series, such as the ticket numbers of a workshop."""

    __tablename__ = "counters"
    __table_args__ = (PrimaryKeyConstraint("workshop_id", "series"),)

    series: Mapped[str] = mapped_column(String(40))
    value: Mapped[int] = mapped_column(BigInteger, default=0)
