"""The rules of a vehicle's record: made with its keeper, changed, and archived once there is a history to keep."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.customers import service as customers
from app.blueprints.vehicles import hints, odometer, plates
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.errors import NotYourVehicle, VinTaken
from app.blueprints.vehicles.events import VehicleArchiving
from app.blueprints.vehicles.models import EARLIEST_YEAR, Vehicle
from app.blueprints.vehicles.service import DESCRIBED, RECORD
from app.blueprints.vehicles.vin import LENGTH, SHORT_BEFORE, is_short, normalised, warnings
from app.core import audit, clock
from app.core.db import atomic, is_still_named
from app.core.errors import Invalid, NotAllowed
from app.core.events import announce
from app.core.identity import Principal
from app.core.preconditions import Expected

SHOWN = (
    "id", "customer_id", "vin", "short_number", "plate", *DESCRIBED, "odometer", "odometer_read_at", "archived",
    "created_at", "updated_at", "version",
)  # fmt: skip


def whole(vehicle: Vehicle) -> dict[str, Any]:
    """Return a vehicle with what its VIN says by itself, and what to look at twice in it."""
    shown = audit.fields_of(vehicle, SHOWN)
    return shown | {"hints": hints.of(vehicle.vin), "warnings": warnings(vehicle.vin)}


def read_vin(text: str) -> dict[str, Any]:
    """Return what a VIN says by itself before there is a vehicle, and what to look at twice in it.

    :raises InvalidVin: it is not one.
    """
    vin = normalised(text)
    return {"VIN": vin, "short_number": is_short(vin), "hints": hints.of(vin), "warnings": warnings(vin)}


def add(
    caller: Principal,
    *,
    VIN: str,
    customer_id: int | None = None,
    customer: dict[str, Any] | None = None,
    plate: str | None = None,
    odometer_value: int | None = None,
    **described: Any,
) -> Vehicle:
    """Make a vehicle: by staff for a customer who is there or for a new one, by a customer for themselves.

    :raises InvalidVin: it is not one. :raises VinTaken: an active vehicle has it. :raises CustomerNotFound: unknown here.
    :raises NotYourVehicle: a customer names another. :raises Invalid: no keeper or two, no unit, a year to come,
    or one too late for so short a number.
    :raises EmailTaken: a new customer's address is somebody's here. :raises PhoneTaken: their number is.
    """
    vin = normalised(VIN)
    _require_year(described.get("year"), vin)
    if odometer_value is not None and described.get("odometer_unit") is None:
        raise Invalid("See `errors`.", errors={"odometer_unit": ["Needed with `odometer`."]})
    with atomic() as session:
        vehicle = Vehicle(
            workshop_id=caller.workshop_id,
            customer_id=_keeper(caller, customer_id, customer),
            **dict.fromkeys(("odometer_metres", "odometer_read_at", "archived_at")),
            **described,
        )
        _number(vehicle, vin)
        session.add(vehicle)
        _flush(session)
        vehicle.version = 1  # said again, what hangs on it from the beginning is not counted as a change
        plates.screw_on(vehicle, plate)
        if odometer_value is not None:
            odometer.append(caller, vehicle, value=odometer_value, unit=described["odometer_unit"])
        session.flush()
        audit.note(
            "vehicle.added", "vehicle", vehicle.id,
            after=audit.fields_of(vehicle, RECORD), person=customers.person(vehicle.customer_id),
        )  # fmt: skip
    return vehicle


def _keeper(caller: Principal, customer_id: int | None, newcomer: dict[str, Any] | None) -> int:
    """Return whose car it is to be, who is not erased until the transaction ends."""
    if not caller.may("vehicles:write"):
        if newcomer is not None or customer_id not in (None, caller.customer_id):
            raise NotYourVehicle("A customer adds their own cars.")
        customer_id = caller.customer_id
    elif (customer_id is None) == (newcomer is None):
        told = (
            "Missing data for required field, or `customer`."
            if newcomer is None
            else "Not together with `customer`."
        )
        raise Invalid("A vehicle has one keeper.", errors={"customer_id": [told]})
    elif newcomer is not None:
        if not caller.may("customers:create"):
            raise NotAllowed("To record a new customer needs the scope `customers:create`.")
        return customers.record(caller.workshop_id, **newcomer).id
    assert customer_id is not None
    customers.keep_from_erasure(caller.workshop_id, customer_id)
    return customer_id


def _number(vehicle: Vehicle, vin: str) -> None:
    vehicle.vin = vin
    vehicle.vin_digest, vehicle.vin_tail_digest = vehicles.digest(vin), vehicles.tail_digest(vin)


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise VinTaken() from error


def _require_year(year: int | None, vin: str) -> None:
    latest = clock.now().year + 2  # model years run ahead of the calendar
    if year is not None and not EARLIEST_YEAR <= year <= latest:
        raise Invalid("See `errors`.", errors={"year": [f"From {EARLIEST_YEAR} to {latest}."]})
    if year is not None and year >= SHORT_BEFORE and is_short(vin):
        told = f"A car from {SHORT_BEFORE} on has a VIN of {LENGTH} characters."
        raise Invalid("See `errors`.", errors={"VIN": [told]})


def update(caller: Principal, vehicle_id: int, changes: dict[str, Any], expected: Expected = None) -> Vehicle:
    """Change a vehicle. Where the odometer was read, its unit stays when it would be empty; readings come as they are.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises VehicleArchived: it is.
    :raises Stale: not the `expected` version. :raises InvalidVin: it is not one. :raises VinTaken: an active vehicle has it.
    :raises NotAllowed: a customer gives their car another VIN. :raises Invalid: a year to come, or too late for so short a VIN.
    :raises KeeperErased: it is to have a plate, and its keeper was erased.
    """
    vin = normalised(changes.pop("VIN")) if "VIN" in changes else None
    with atomic() as session:
        vehicle = vehicles.hold(caller, vehicle_id, expected)
        if vin is not None or "year" in changes:
            _require_year(changes.get("year", vehicle.year), vin or vehicle.vin)
        before = audit.fields_of(vehicle, RECORD)
        if vin is not None and vin != vehicle.vin:
            if not caller.may("vehicles:write"):
                raise NotAllowed("The workshop corrects a VIN: past visits go by it.")
            _number(vehicle, vin)
        if vehicle.odometer_metres is not None and changes.get("odometer_unit", "") is None:
            del changes["odometer_unit"]
        is_plated = "plate" in changes
        plate = changes.pop("plate", None)
        for field, value in changes.items():
            setattr(vehicle, field, value)
        if is_plated:
            plates.put_on(vehicle, plate)
        _flush(session)
        audit.note_change(
            "vehicle.updated", "vehicle", vehicle_id,
            before, audit.fields_of(vehicle, RECORD), person=customers.person(vehicle.customer_id),
        )  # fmt: skip
    return vehicle


def remove(caller: Principal, vehicle_id: int, expected: Expected = None) -> bool:
    """Delete a vehicle, or archive one with a ticket, a reading or a change of keeper, and tell whether it is gone.

    The foreign keys decide, so that no ticket opened at the same moment is left without its car. Later features refuse
    to have one archived that is still at work (`VehicleHasOpenTickets`).
    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises VehicleArchived: already.
    :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        vehicle = vehicles.hold(caller, vehicle_id, expected)
        before = audit.fields_of(vehicle, RECORD)
        person = customers.person(vehicle.customer_id)
        is_gone = _is_deleted(session, vehicle)
        if is_gone:
            session.expunge(vehicle)
        else:
            announce(VehicleArchiving(caller, vehicle_id))
            vehicle.archived_at = clock.now()
            session.flush()
        action = "vehicle.deleted" if is_gone else "vehicle.archived"
        audit.note(action, "vehicle", vehicle_id, before=before, person=person)
    return is_gone


def _is_deleted(session: Session, vehicle: Vehicle) -> bool:
    """Delete a vehicle unless something names it; in a savepoint of the connection's, which the session need not know of."""
    statement = delete(Vehicle).where(Vehicle.workshop_id == vehicle.workshop_id, Vehicle.id == vehicle.id)
    try:
        with session.connection().begin_nested():
            session.execute(statement.execution_options(synchronize_session=False))
    except DBAPIError as error:
        if not is_still_named(error):
            raise
        return False
    return True


def restore(caller: Principal, vehicle_id: int, expected: Expected = None) -> Vehicle:
    """Take an archived vehicle into use again, with its history and what it needs again. The index of VINs decides.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises VehicleInUse: it is not archived.
    :raises VinTaken: another active vehicle has its VIN. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        vehicle = vehicles.hold_archived(caller, vehicle_id, expected)
        vehicle.archived_at = None
        _flush(session)
        vehicles.use_again(vehicle)
    return vehicle
