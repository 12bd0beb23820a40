"""Vehicles, and what hangs on them: plates, odometer readings, changes of keeper, maintenance, and who looked at them last."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.blueprints.vehicles import distance
from app.blueprints.vehicles.vin import is_short
from app.core import clock
from app.core.crypto import EncryptedText
from app.core.db import Id, Instant, Versioned, one_of
from app.core.model import Model
from app.core.tenancy import WorkshopOwned

ACTIVE = text("archived_at IS NULL")
PRESENT = text("until IS NULL")
WAITING = text("next_look_on IS NOT NULL")
SAID_BY_A_CUSTOMER = text("customer_id IS NOT NULL")
FUELS = (
    "petrol", "diesel", "hybrid", "plug_in_hybrid", "electric", "lpg", "cng", "hydrogen", "other",
)  # fmt: skip
TRANSMISSIONS = ("manual", "automatic", "automated_manual", "dual_clutch", "cvt", "single_speed", "other")
UNITS = ("km", "mi")
SOURCES = ("dashboard", "customer", "document")
EARLIEST_YEAR, LATEST_YEAR = 1886, 2100
GREATEST_CAPACITY, GREATEST_POWER = 100_000, 10_000
GREATEST_READING = 10_000_000
MOST_MONTHS, GREATEST_INTERVAL = 240, 1_000_000


def _of_vehicle(*, goes_with_it: bool) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["workshop_id", "vehicle_id"],
        ["vehicles.workshop_id", "vehicles.id"],
        ondelete="CASCADE" if goes_with_it else None,
    )


def _of_customer(column: str = "customer_id") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["workshop_id", column], ["customers.workshop_id", "customers.id"])


class VehiclePlate(WorkshopOwned, Model):
    """A plate that a car has or had, and whose car it was then. It goes when they are erased.

    `folded` is the plate without blanks and hyphens, by which it is found.
    """

    __tablename__ = "vehicle_plates"
    __table_args__ = (
        _of_vehicle(goes_with_it=True),
        _of_customer(),
        CheckConstraint("until >= since", name="until_not_before_since"),
        Index(
            "uq_vehicle_plates_present",
            "workshop_id",
            "vehicle_id",
            unique=True,
            sqlite_where=PRESENT,
            postgresql_where=PRESENT,
        ),
        Index("ix_vehicle_plates_folded", "workshop_id", "folded"),
        Index("ix_vehicle_plates_vehicle", "workshop_id", "vehicle_id", "since", "id"),
        Index("ix_vehicle_plates_customer", "workshop_id", "customer_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(Id)
    customer_id: Mapped[int] = mapped_column(Id)
    plate: Mapped[str] = mapped_column(String(20))
    folded: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    until: Mapped[datetime | None] = mapped_column(Instant)


class Vehicle(WorkshopOwned, Versioned, Model):
    """A car, known by its VIN: encrypted, and found by keyed digests of the whole and of its last six characters.

    `customer_id` is its keeper; a ticket names its own customer. `odometer_metres` is how far it has come by its last reading.
    """

    __tablename__ = "vehicles"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        _of_customer(),
        CheckConstraint(f"year BETWEEN {EARLIEST_YEAR} AND {LATEST_YEAR}", name="year_within_reason"),
        CheckConstraint(one_of("fuel_type", FUELS), name="fuel_type_known"),
        CheckConstraint(one_of("transmission", TRANSMISSIONS), name="transmission_known"),
        CheckConstraint("engine_capacity_cc > 0", name="engine_capacity_positive"),
        CheckConstraint("engine_power_kw > 0", name="engine_power_positive"),
        CheckConstraint(one_of("odometer_unit", UNITS), name="odometer_unit_known"),
        CheckConstraint("odometer_metres >= 0", name="odometer_not_negative"),
        CheckConstraint(
            "(odometer_metres IS NULL) = (odometer_read_at IS NULL)"
            " AND (odometer_metres IS NULL OR odometer_unit IS NOT NULL)",
            name="odometer_whole",
        ),
        Index(
            "uq_vehicles_active_vin",
            "workshop_id",
            "vin_digest",
            unique=True,
            sqlite_where=ACTIVE,
            postgresql_where=ACTIVE,
        ),
        Index("ix_vehicles_vin_tail_digest", "workshop_id", "vin_tail_digest"),
        Index("ix_vehicles_customer_id", "workshop_id", "customer_id"),
        Index("ix_vehicles_created_at", "workshop_id", "created_at", "id"),
        Index("ix_vehicles_updated_at", "workshop_id", "updated_at", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(Id)
    vin: Mapped[str] = mapped_column(EncryptedText)
    vin_digest: Mapped[bytes] = mapped_column(LargeBinary(16))
    vin_tail_digest: Mapped[bytes] = mapped_column(LargeBinary(16))
    make: Mapped[str | None] = mapped_column(String(60))
    model: Mapped[str | None] = mapped_column(String(80))
    year: Mapped[int | None] = mapped_column(Integer)
    fuel_type: Mapped[str | None] = mapped_column(String(20))
    transmission: Mapped[str | None] = mapped_column(String(20))
    engine_capacity_cc: Mapped[int | None] = mapped_column(Integer)
    engine_power_kw: Mapped[int | None] = mapped_column(Integer)
    colour: Mapped[str | None] = mapped_column(String(40))
    odometer_unit: Mapped[str | None] = mapped_column(String(2))
    odometer_metres: Mapped[int | None] = mapped_column(BigInteger)
    odometer_read_at: Mapped[datetime | None] = mapped_column(Instant)
    archived_at: Mapped[datetime | None] = mapped_column(Instant)
    if TYPE_CHECKING:  # the present one, read with the row: defined below, over both tables
        plate: Mapped[str | None]

    @property
    def odometer(self) -> int | None:
        """What the odometer showed when it was read last, in the car's own unit."""
        if self.odometer_metres is None or self.odometer_unit is None:
            return None
        return distance.of_metres(self.odometer_metres, self.odometer_unit)

    @property
    def short_number(self) -> bool:
        """Whether its number is the chassis number of a car from before 1981."""
        return is_short(self.vin)

    @property
    def archived(self) -> bool:
        """Whether it is kept for its history alone."""
        return self.archived_at is not None


Vehicle.plate = column_property(
    select(VehiclePlate.plate)
    .where(
        VehiclePlate.workshop_id == Vehicle.workshop_id,
        VehiclePlate.vehicle_id == Vehicle.id,
        VehiclePlate.until.is_(None),
    )
    .correlate_except(VehiclePlate)
    .scalar_subquery(),
    expire_on_flush=False,  # who changes it says so
)


class OdometerReading(WorkshopOwned, Model):
    """What a car's odometer showed, as it was told: appended, never changed (also by trigger).

    `metres` is the same distance in one unit, `customer_id` whose car it was then, `reason` why it is less than before.
    """

    __tablename__ = "vehicle_readings"
    __table_args__ = (
        _of_vehicle(goes_with_it=False),
        _of_customer(),
        CheckConstraint(f"value BETWEEN 0 AND {GREATEST_READING}", name="value_within_reason"),
        CheckConstraint("metres >= 0", name="metres_not_negative"),
        CheckConstraint(one_of("unit", UNITS), name="unit_known"),
        CheckConstraint(one_of("source", SOURCES), name="source_known"),
        Index("ix_vehicle_readings_read_at", "workshop_id", "vehicle_id", "read_at", "id"),
        Index("ix_vehicle_readings_customer", "workshop_id", "customer_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(Id)
    customer_id: Mapped[int] = mapped_column(Id)
    value: Mapped[int] = mapped_column(Integer)
    unit: Mapped[str] = mapped_column(String(2))
    metres: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(20))
    read_at: Mapped[datetime] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))
    reason: Mapped[str | None] = mapped_column(String(300))


class VehicleTransfer(WorkshopOwned, Model):
    """That a car changed hands: appended, never changed (also by trigger)."""

    __tablename__ = "vehicle_transfers"
    __table_args__ = (
        _of_vehicle(goes_with_it=False),
        _of_customer("from_customer_id"),
        _of_customer("to_customer_id"),
        CheckConstraint("from_customer_id <> to_customer_id", name="to_somebody_else"),
        Index("ix_vehicle_transfers_vehicle", "workshop_id", "vehicle_id", "id"),
        Index("ix_vehicle_transfers_from", "workshop_id", "from_customer_id"),
        Index("ix_vehicle_transfers_to", "workshop_id", "to_customer_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(Id)
    from_customer_id: Mapped[int] = mapped_column(Id)
    to_customer_id: Mapped[int] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))


class VehicleView(WorkshopOwned, Model):
    """When somebody looked at a car last."""

    __tablename__ = "vehicle_views"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "account_id", "vehicle_id"),
        _of_vehicle(goes_with_it=True),
        Index("ix_vehicle_views_seen_at", "workshop_id", "account_id", "seen_at", "vehicle_id"),
        Index("ix_vehicle_views_vehicle", "workshop_id", "vehicle_id"),
    )

    account_id: Mapped[int] = mapped_column(Id, ForeignKey("accounts.id"))
    vehicle_id: Mapped[int] = mapped_column(Id)
    seen_at: Mapped[datetime] = mapped_column(Instant)


class MaintenanceInterval(WorkshopOwned, Versioned, Model):
    """What a car needs again after a time, a distance, or whichever comes first; and when it was done last.

    `next_look_on` is when it is seen next whether its keeper should be told; empty once they were. `customer_id` is who
    said it of its keepers, empty where it was the workshop.
    """

    __tablename__ = "maintenance_intervals"
    __table_args__ = (
        _of_vehicle(goes_with_it=True),
        _of_customer(),
        CheckConstraint(f"every_months BETWEEN 1 AND {MOST_MONTHS}", name="months_within_reason"),
        CheckConstraint(f"every_distance BETWEEN 1 AND {GREATEST_INTERVAL}", name="distance_within_reason"),
        CheckConstraint(one_of("unit", UNITS), name="unit_known"),
        CheckConstraint("every_months IS NOT NULL OR every_distance IS NOT NULL", name="by_time_or_distance"),
        CheckConstraint(
            "(every_distance IS NULL) = (unit IS NULL) AND (every_distance IS NULL) = (last_done_at IS NULL)",
            name="distance_whole",
        ),
        Index("ix_maintenance_intervals_title", "workshop_id", "vehicle_id", "title", "id"),
        Index(
            "ix_maintenance_intervals_customer",
            "workshop_id",
            "customer_id",
            sqlite_where=SAID_BY_A_CUSTOMER,
            postgresql_where=SAID_BY_A_CUSTOMER,
        ),
        Index(
            "ix_maintenance_intervals_next_look",
            "next_look_on",
            "id",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(Id)
    customer_id: Mapped[int | None] = mapped_column(Id)
    title: Mapped[str] = mapped_column(String(100))
    every_months: Mapped[int | None] = mapped_column(Integer)
    every_distance: Mapped[int | None] = mapped_column(Integer)
    unit: Mapped[str | None] = mapped_column(String(2))
    last_done_on: Mapped[date] = mapped_column(Date)
    last_done_at: Mapped[int | None] = mapped_column(Integer)
    next_look_on: Mapped[date | None] = mapped_column(Date, default=clock.today, server_default="2000-01-01")
