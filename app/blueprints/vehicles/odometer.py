"""The rules of the odometer: readings are appended, and none is lower than the one before it unless somebody says why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, select

from app.blueprints.customers import service as customers
from app.blueprints.vehicles import distance
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.errors import OdometerLower
from app.blueprints.vehicles.models import OdometerReading, Vehicle, VehicleTransfer
from app.blueprints.vehicles.pace import Read
from app.core import audit, clock, paging
from app.core.db import atomic
from app.core.errors import Invalid, NotAllowed
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.extensions import db

Neighbours = tuple[int | None, int | None]  # the metres before and after
LATEST = 50
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
ORDER = Order(OdometerReading.id, "-read_at", read_at=OdometerReading.read_at)


def read(
    caller: Principal,
    vehicle_id: int,
    *,
    value: int,
    unit: str,
    source: str | None = None,
    read_at: datetime | None = None,
    override_reason: str | None = None,
) -> OdometerReading:
    """Append a reading to a vehicle; what a customer tells is marked as told by them.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises VehicleArchived: it is.
    :raises OdometerLower: lower than the reading before it, or higher than the one after, and not overridden.
    :raises NotAllowed: overridden by somebody who may not.
    :raises Invalid: read in the future, before 1900, or by a customer before the car was theirs.
    """
    if override_reason is not None and not caller.may("vehicles:override"):
        raise NotAllowed("To override what the odometer showed before needs the scope `vehicles:override`.")
    with atomic():
        vehicle = vehicles.hold(caller, vehicle_id)
        if caller.customer_id is not None and read_at is not None:
            _require_own_time(vehicle, read_at)
        return append(
            caller, vehicle, value=value, unit=unit, source=source, read_at=read_at, reason=override_reason
        )


def _require_own_time(vehicle: Vehicle, read_at: datetime) -> None:
    """Refuse a customer's word of a time before the car was theirs: a refusal would tell what a former keeper's readings are.

    :raises Invalid: it is one.
    """
    came = select(func.max(VehicleTransfer.at)).where(
        VehicleTransfer.workshop_id == vehicle.workshop_id, VehicleTransfer.vehicle_id == vehicle.id
    )
    since = db.session.scalar(came)
    if since is not None and read_at < since:
        raise Invalid("See `errors`.", errors={"read_at": ["The car was not yours then."]})


def append(
    caller: Principal,
    vehicle: Vehicle,
    *,
    value: int,
    unit: str,
    source: str | None = None,
    read_at: datetime | None = None,
    reason: str | None = None,
) -> OdometerReading:
    """Append a reading to a vehicle that is held, or just made.

    :raises OdometerLower: see `read`. :raises Invalid: read in the future, or before 1900.
    """
    now = clock.now()
    if read_at is not None and not EARLIEST <= read_at <= now:
        raise Invalid("See `errors`.", errors={"read_at": ["From 1900 on, and not in the future."]})
    reading = OdometerReading(
        workshop_id=vehicle.workshop_id,
        vehicle_id=vehicle.id,
        customer_id=vehicle.customer_id,
        value=value,
        unit=unit,
        metres=distance.in_metres(value, unit),
        source=_source(caller, source),
        read_at=read_at or now,
        account_id=caller.account_id,
        reason=reason,
    )
    if reason is None:
        _require_in_order(vehicle, reading)
    db.session.add(reading)
    if vehicle.odometer_read_at is None or reading.read_at >= vehicle.odometer_read_at:
        vehicle.odometer_unit = vehicle.odometer_unit or unit
        vehicle.odometer_metres, vehicle.odometer_read_at = reading.metres, reading.read_at
    db.session.flush()
    told = audit.fields_of(reading, ("value", "unit", "source", "read_at", "reason"))
    about = (
        customers.person(vehicle.customer_id) if reason is not None else None
    )  # in whose words somebody may be named
    audit.note("vehicle.odometer_read", "vehicle", vehicle.id, after=told, person=about)
    return reading


def _source(caller: Principal, source: str | None) -> str:
    if caller.customer_id is not None:
        return "customer"
    return source or "dashboard"


def _require_in_order(vehicle: Vehicle, reading: OdometerReading) -> None:
    """Refuse a reading that does not fit between its neighbours in time.

    :raises OdometerLower: lower than the one before it, or higher than the one after.
    """
    if vehicle.odometer_metres is None or vehicle.odometer_read_at is None:
        return
    is_last = reading.read_at >= vehicle.odometer_read_at
    known: Neighbours = (vehicle.odometer_metres, None)
    before, after = known if is_last else _neighbours(vehicle, reading.read_at)
    unit = reading.unit
    if before is not None and reading.metres < before:
        raise OdometerLower(f"It showed {distance.of_metres(before, unit)} {unit} before that.")
    if after is not None and reading.metres > after:
        raise OdometerLower(f"It showed {distance.of_metres(after, unit)} {unit} after that.")


def _neighbours(vehicle: Vehicle, read_at: datetime) -> Neighbours:
    at, theirs = OdometerReading.read_at, _of(vehicle).with_only_columns(OdometerReading.metres).limit(1)
    earlier = theirs.where(at <= read_at).order_by(at.desc(), OdometerReading.id.desc())
    later = theirs.where(at > read_at).order_by(at, OdometerReading.id)
    return db.session.scalar(earlier), db.session.scalar(later)


def _of(vehicle: Vehicle) -> Select[Any]:
    return select(OdometerReading).where(
        OdometerReading.workshop_id == vehicle.workshop_id, OdometerReading.vehicle_id == vehicle.id
    )


def latest(vehicle: Vehicle, keeper: int | None = None) -> list[Read]:
    """Return the latest readings of a vehicle, or of those the ones of a `keeper`'s time, in the order of their time."""
    columns = OdometerReading.id, OdometerReading.read_at, OdometerReading.metres
    statement = _of(vehicle).with_only_columns(*columns)
    if keeper is not None:
        statement = statement.where(OdometerReading.customer_id == keeper)
    newest_first = statement.order_by(OdometerReading.read_at.desc(), OdometerReading.id.desc())
    return [Read(*row) for row in db.session.execute(newest_first.limit(LATEST))][::-1]


def readings(caller: Principal, vehicle_id: int, walk: Walk) -> Page:
    """Return one page of a vehicle's readings: all to staff, to its keeper those since it is theirs.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's.
    """
    statement = _of(vehicles.get(caller, vehicle_id))
    if not caller.may("vehicles:read"):
        statement = statement.where(OdometerReading.customer_id == caller.customer_id)
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def between(caller: Principal, vehicle_id: int, first: datetime, last: datetime) -> list[OdometerReading]:
    """Return the readings of a vehicle that `caller` may see and that were taken from one instant to another."""
    statement = select(OdometerReading).where(
        OdometerReading.workshop_id == caller.workshop_id,
        OdometerReading.vehicle_id == vehicle_id,
        OdometerReading.read_at.between(first, last),
    )
    if not caller.may("vehicles:read") and caller.customer_id is not None:
        statement = statement.where(OdometerReading.customer_id == caller.customer_id)
    return list(db.session.scalars(statement.order_by(OdometerReading.read_at, OdometerReading.id)))
