"""The rules of maintenance: what a car needs again after a time or a distance, and when that will be next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from app.blueprints.customers import service as customers
from app.blueprints.vehicles import distance, odometer, pace
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.errors import MaintenanceNotFound, NotYourMaintenance
from app.blueprints.vehicles.models import MaintenanceInterval, Vehicle
from app.blueprints.vehicles.pace import Pace, Read
from app.blueprints.workshops.terms import today_in
from app.core import audit, paging
from app.core.db import atomic, locked
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.sealing import Person
from app.extensions import db

RECORD = ("title", "every_months", "every_distance", "unit", "last_done_on", "last_done_at")
SHOWN = ("id", *RECORD, "version")
ORDER = Order(MaintenanceInterval.id, "title", title=MaintenanceInterval.title)
EARLIEST_DAY = date(1900, 1, 1)
BY_DISTANCE = ("every_distance", "unit", "last_done_at")
Shown = dict[str, Any]


def add(caller: Principal, vehicle_id: int, **fields: Any) -> Shown:
    """Say what a vehicle needs again and again.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises VehicleArchived: it is.
    :raises Invalid: neither a time nor a distance, a distance that is not whole, or done before 1900 or after today.
    :raises CustomerNotFound: the caller is a customer, and was erased meanwhile.
    """
    _require_whole(fields, today_in(caller.workshop_id))
    with atomic() as session:
        vehicle = _held_for(caller, vehicle_id)
        interval = MaintenanceInterval(
            workshop_id=caller.workshop_id, vehicle_id=vehicle_id, customer_id=caller.customer_id, **fields
        )
        session.add(interval)
        session.flush()
        audit.note(
            "vehicle.maintenance_added", "vehicle", vehicle_id,
            after=audit.fields_of(interval, RECORD), person=_said_by(interval.customer_id),
        )  # fmt: skip
    return _with_due(vehicle, [interval], keeper=_keeper(caller))[0]


def _held_for(caller: Principal, vehicle_id: int) -> Vehicle:
    """Return a vehicle of which somebody says something, locked; a customer is kept from being erased until it is said."""
    vehicle = vehicles.hold(caller, vehicle_id)
    if caller.customer_id is not None:
        customers.keep_from_erasure(caller.workshop_id, caller.customer_id)
    return vehicle


def _said_by(customer_id: int | None) -> Person | None:
    """Return whose key seals what the audit log has of an interval: its words are theirs who said it, and nobody's of staff."""
    return None if customer_id is None else customers.person(customer_id)


def _keeper(caller: Principal) -> int | None:
    """Return the customer whose own time with a car is all that a caller is shown; None of staff, who see all."""
    return None if caller.may("vehicles:read") else caller.customer_id


def _require_whole(fields: dict[str, Any], today: date) -> None:
    if fields.get("every_months") is None and fields.get("every_distance") is None:
        raise Invalid("See `errors`.", errors={"every_months": ["Needed, or `every_distance`."]})
    lacking = [name for name in BY_DISTANCE if fields.get(name) is None]
    if 0 < len(lacking) < len(BY_DISTANCE):
        told = "These go together: `every_distance`, `unit`, `last_done_at`."
        raise Invalid("See `errors`.", errors={name: [told] for name in lacking})
    if not EARLIEST_DAY <= fields["last_done_on"] <= today:
        told = f"From {EARLIEST_DAY} on, and not in the future."
        raise Invalid("See `errors`.", errors={"last_done_on": [told]})


def get(caller: Principal, vehicle_id: int, interval_id: int) -> Shown:
    """Return what a vehicle needs again, with when.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises MaintenanceNotFound: not of it.
    """
    vehicle = vehicles.get(caller, vehicle_id)
    interval = _one(select(MaintenanceInterval), caller, vehicle, interval_id)
    return _with_due(vehicle, [interval], keeper=_keeper(caller))[0]


def _one(
    statement: Select[MaintenanceInterval], caller: Principal, vehicle: Vehicle, interval_id: int
) -> MaintenanceInterval:
    found = db.session.scalar(statement.where(*_of(caller, vehicle), MaintenanceInterval.id == interval_id))
    if found is None:
        raise MaintenanceNotFound()
    return found


def _held(caller: Principal, vehicle: Vehicle, interval_id: int, expected: Expected) -> MaintenanceInterval:
    interval = _one(locked(MaintenanceInterval), caller, vehicle, interval_id)
    if not caller.may("vehicles:write") and interval.customer_id != caller.customer_id:
        raise NotYourMaintenance()
    require_version(interval, expected)
    return interval


def _of(caller: Principal, vehicle: Vehicle) -> list[ColumnElement[bool]]:
    """Bound a statement to what `caller` is shown of a car's: all to staff; to its keeper what they or the workshop said."""
    keeper = _keeper(caller)
    shown: list[ColumnElement[bool]] = [
        MaintenanceInterval.workshop_id == vehicle.workshop_id,
        MaintenanceInterval.vehicle_id == vehicle.id,
    ]
    if keeper is not None:
        theirs = MaintenanceInterval.customer_id == keeper
        shown.append(or_(MaintenanceInterval.customer_id.is_(None), theirs))
    return shown


def find(caller: Principal, vehicle_id: int, walk: Walk) -> Page:
    """Return one page of what a vehicle needs again, each with when.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's.
    """
    vehicle = vehicles.get(caller, vehicle_id)
    page = paging.fetch(
        select(MaintenanceInterval).where(*_of(caller, vehicle)),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )
    rows = _with_due(vehicle, page.rows, keeper=_keeper(caller))
    return Page(rows, walk, page.next_cursor, page.total)


def replace(
    caller: Principal, vehicle_id: int, interval_id: int, fields: dict[str, Any], expected: Expected = None
) -> Shown:
    """Say anew what a vehicle needs again, such as after it was done; a customer what they said themselves.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises VehicleArchived: it is.
    :raises MaintenanceNotFound: not of it. :raises NotYourMaintenance: the workshop said it, and the caller is a customer.
    :raises Stale: not the `expected` version. :raises Invalid: see `add`.
    """
    today = today_in(caller.workshop_id)
    _require_whole(fields, today)
    with atomic() as session:
        vehicle = _held_for(caller, vehicle_id)
        interval = _held(caller, vehicle, interval_id, expected)
        before = audit.fields_of(interval, RECORD)
        said_by = _said_by(interval.customer_id or caller.customer_id)
        interval.customer_id = caller.customer_id  # whoever said it last
        for name, value in fields.items():
            setattr(interval, name, value)
        after = audit.fields_of(interval, RECORD)
        if after != before:
            interval.next_look_on = today  # it begins anew, and its keeper is reminded anew
        session.flush()
        audit.note_change("vehicle.maintenance_changed", "vehicle", vehicle_id, before, after, person=said_by)
    return _with_due(vehicle, [interval], keeper=_keeper(caller))[0]


def remove(caller: Principal, vehicle_id: int, interval_id: int, expected: Expected = None) -> None:
    """Forget that a vehicle needs something again; a customer what they said themselves.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises VehicleArchived: it is.
    :raises MaintenanceNotFound: not of it. :raises NotYourMaintenance: the workshop said it, and the caller is a customer.
    :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        vehicle = _held_for(caller, vehicle_id)
        interval = _held(caller, vehicle, interval_id, expected)
        before = audit.fields_of(interval, RECORD)
        session.delete(interval)
        session.flush()
        said_by = _said_by(interval.customer_id)
        audit.note("vehicle.maintenance_removed", "vehicle", vehicle_id, before=before, person=said_by)


# ---- When ---------------------------------------------------------------------------------------------------------


def due_on(vehicle: Vehicle, interval: MaintenanceInterval) -> date | None:
    """Return the day on which a vehicle needs something again as its keeper is told it.

    None where there is none, or where a former keeper said it.
    """
    if interval.customer_id not in (None, vehicle.customer_id):
        return None
    day: date | None = _with_due(vehicle, [interval], keeper=vehicle.customer_id)[0]["due_on"]
    return day


def _with_due(
    vehicle: Vehicle, intervals: Sequence[MaintenanceInterval], *, keeper: int | None
) -> list[Shown]:
    """Return intervals with when each is over, reckoned from all readings, or from those of a `keeper`'s own time."""
    by_distance = any(interval.every_distance is not None for interval in intervals)
    readings = odometer.latest(vehicle, keeper) if by_distance else []
    usual = pace.of(readings)
    return [
        audit.fields_of(interval, SHOWN) | _due(interval, readings[-1] if readings else None, usual)
        for interval in intervals
    ]


def _due(interval: MaintenanceInterval, last: Read | None, usual: Pace | None) -> Shown:
    """Return when an interval is over: the earlier of the days by time and by distance, and what the latter rests on."""
    days: dict[str, date] = {}
    if interval.every_months is not None:
        days["time"] = pace.months_on(interval.last_done_on, interval.every_months)
    due_at, estimate = None, None
    if interval.every_distance is not None and interval.last_done_at is not None:
        due_at = interval.last_done_at + interval.every_distance
        estimate = _estimate(due_at, interval.unit or "km", last, usual)
    if estimate is not None and estimate["on"] is not None:
        days["distance"] = estimate["on"]
    by = min(days, key=lambda way: days[way]) if days else None
    return {
        "due_on": days[by] if by else None,
        "due_by": by,
        "due_at": due_at,
        "estimate": estimate,
    }


def _estimate(due_at: int, unit: str, last: Read | None, usual: Pace | None) -> Shown | None:
    if last is None or usual is None:
        return None
    target = distance.in_metres(due_at, unit)
    return {
        "on": pace.reached_on(usual.usual, last, target),
        "earliest": pace.reached_on(usual.fastest, last, target),
        "latest": pace.reached_on(usual.slowest, last, target),
        "per_day": distance.of_metres(round(usual.usual), unit),
        "unit": unit,
        "readings": [
            {"id": one.id, "read_at": one.at, "value": distance.of_metres(one.metres, unit)}
            for one in usual.readings
        ],
    }
