"""What is kept of a customer's cars: given out; plates go when they are erased, and the cars stay for their next keepers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select

from app.blueprints.accounts import service as accounts
from app.blueprints.vehicles.models import (
    MaintenanceInterval,
    OdometerReading,
    Vehicle,
    VehiclePlate,
    VehicleTransfer,
    VehicleView,
)
from app.core import privacy
from app.core.db import atomic
from app.core.privacy import Erased, Kept, Subject
from app.extensions import db


def _theirs(
    person: Subject, model: type[Vehicle | VehiclePlate | OdometerReading | MaintenanceInterval]
) -> list[ColumnElement[bool]]:
    return [model.workshop_id == person.workshop_id, model.customer_id == person.customer_id]


def _handed(person: Subject) -> list[ColumnElement[bool]]:
    either = (VehicleTransfer.from_customer_id, VehicleTransfer.to_customer_id)
    return [
        VehicleTransfer.workshop_id == person.workshop_id,
        or_(*(column == person.customer_id for column in either)),
    ]


@privacy.knows
def _plates(person: Subject) -> Iterator[str | None]:
    """Tell the plates of somebody's cars: whoever reads one finds out whose it was."""
    yield from db.session.scalars(select(VehiclePlate.plate).where(*_theirs(person, VehiclePlate)))


@privacy.part("vehicles", says="the cars that are yours.", tables=("vehicles",))
def _give(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (
        Vehicle.id, Vehicle.vin.label("VIN"), Vehicle.make, Vehicle.model, Vehicle.year, Vehicle.fuel_type,
        Vehicle.transmission, Vehicle.engine_capacity_cc, Vehicle.engine_power_kw, Vehicle.colour, Vehicle.odometer_unit,
        Vehicle.created_at, Vehicle.archived_at,
    )  # fmt: skip
    return privacy.walked(select(*columns).where(*_theirs(person, Vehicle)), Vehicle.id)


@privacy.part("plates", says="the plates that your cars have or had.", tables=("vehicle_plates",))
def _give_plates(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (
        VehiclePlate.id,
        VehiclePlate.vehicle_id,
        VehiclePlate.plate,
        VehiclePlate.since,
        VehiclePlate.until,
    )
    return privacy.walked(select(*columns).where(*_theirs(person, VehiclePlate)), VehiclePlate.id)


@privacy.part(
    "odometer_readings",
    says="what the odometers of your cars showed, and why where it was less than before.",
    tables=("vehicle_readings",),
)
def _give_readings(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (
        OdometerReading.id, OdometerReading.vehicle_id, OdometerReading.value, OdometerReading.unit, OdometerReading.source,
        OdometerReading.read_at, OdometerReading.recorded_at, OdometerReading.reason,
    )  # fmt: skip
    return privacy.walked(select(*columns).where(*_theirs(person, OdometerReading)), OdometerReading.id)


@privacy.part(
    "vehicle_transfers",
    says="when a car came to you, or went to somebody else.",
    tables=("vehicle_transfers",),
)
def _give_transfers(person: Subject) -> Iterator[dict[str, Any]]:
    came = (VehicleTransfer.to_customer_id == person.customer_id).label("came_to_you")
    columns = (VehicleTransfer.id, VehicleTransfer.vehicle_id, VehicleTransfer.at, came)
    return privacy.walked(select(*columns).where(*_handed(person)), VehicleTransfer.id)


@privacy.part(
    "maintenance_intervals",
    says="what you said that your cars need again.",
    tables=("maintenance_intervals",),
)
def _give_maintenance(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (
        MaintenanceInterval.id, MaintenanceInterval.vehicle_id, MaintenanceInterval.title,
        MaintenanceInterval.every_months, MaintenanceInterval.every_distance, MaintenanceInterval.unit,
        MaintenanceInterval.last_done_on, MaintenanceInterval.last_done_at,
    )  # fmt: skip
    return privacy.walked(
        select(*columns).where(*_theirs(person, MaintenanceInterval)), MaintenanceInterval.id
    )


@privacy.part("vehicle_views", says="which of your cars you looked at last.", tables=("vehicle_views",))
def _give_views(person: Subject) -> Iterator[dict[str, Any]]:
    seen = (VehicleView.vehicle_id, VehicleView.seen_at)
    account = accounts.account_of(person.workshop_id, customer_id=person.customer_id)
    theirs = (
        VehicleView.workshop_id == person.workshop_id,
        VehicleView.account_id == (account.id if account else 0),
    )
    return privacy.walked(select(*seen).where(*theirs), VehicleView.vehicle_id)


@privacy.erases(
    "vehicles",
    "vehicle_plates",
    "vehicle_readings",
    "vehicle_transfers",
    "vehicle_views",
    "maintenance_intervals",
)
def _erase(person: Subject) -> Iterator[Erased | Kept]:
    """The vehicles' own rows are not touched: a ticket that is opened meanwhile holds one, and waits for the customer's."""
    with atomic() as session:
        gone = session.scalars(
            delete(VehiclePlate)
            .where(*_theirs(person, VehiclePlate))
            .returning(VehiclePlate.id)
            .execution_options(synchronize_session=False)
        ).all()
        said = session.scalars(
            delete(MaintenanceInterval)
            .where(*_theirs(person, MaintenanceInterval))
            .returning(MaintenanceInterval.id)
            .execution_options(synchronize_session=False)
        ).all()
        account = accounts.account_of(person.workshop_id, customer_id=person.customer_id)
        if account is not None:
            session.execute(
                delete(VehicleView)
                .where(VehicleView.workshop_id == person.workshop_id, VehicleView.account_id == account.id)
                .execution_options(synchronize_session=False)
            )
    yield Erased("plates", len(gone))
    yield Erased("maintenance_intervals", len(said))
    yield Kept(
        "vehicles",
        _number(*_theirs(person, Vehicle)),
        "A car's history goes on with its next keeper; its number stays encrypted.",
    )
    yield Kept(
        "odometer_readings",
        _number(*_theirs(person, OdometerReading)),
        "How far a car has come belongs to the car. What somebody wrote as a reason stays as it was written.",
    )
    yield Kept("vehicle_transfers", _number(*_handed(person)), "That a car changed hands, by numbers alone.")


def _number(*conditions: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).where(*conditions)) or 0
