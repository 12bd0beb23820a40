"""The rules of maintenance: what a car needs again after a time or a distance, and when that will be next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, select

from app.blueprints.vehicles import distance, odometer, pace
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.errors import MaintenanceNotFound
from app.blueprints.vehicles.models import MaintenanceInterval, Vehicle
from app.blueprints.vehicles.pace import Pace, Read
from app.core import audit, clock, paging
from app.core.db import atomic, locked
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.extensions import db

RECORD = ("title", "every_months", "every_distance", "unit", "last_done_on", "last_done_at")
SHOWN = ("id", *RECORD, "version")
ORDER = Order(MaintenanceInterval.id, "title", title=MaintenanceInterval.title)
Shown = dict[str, Any]


def add(caller: Principal, vehicle_id: int, **fields: Any) -> Shown:
    """Say what a vehicle needs again and again.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises VehicleArchived: it is.
    :raises Invalid: neither a time nor a distance, or a distance that is not whole.
    """
    _require_whole(fields)
    with atomic() as session:
        vehicle = vehicles.hold(caller, vehicle_id)
        interval = MaintenanceInterval(workshop_id=caller.workshop_id, vehicle_id=vehicle_id, **fields)
        session.add(interval)
        session.flush()
        audit.note(
            "vehicle.maintenance_added", "vehicle", vehicle_id, after=audit.fields_of(interval, RECORD)
        )
    return _with_due(vehicle, [interval])[0]


def _require_whole(fields: dict[str, Any]) -> None:
    by_distance = [fields.get(name) for name in ("every_distance", "unit", "last_done_at")]
    if fields.get("every_months") is None and by_distance[0] is None:
        raise Invalid("See `errors`.", errors={"every_months": ["Needed, or `every_distance`."]})
    if len({value is None for value in by_distance}) > 1:
        told = "Needed with a distance, and with nothing else."
        raise Invalid("See `errors`.", errors={"every_distance": [told]})
    if fields["last_done_on"] > clock.now().date():
        raise Invalid("See `errors`.", errors={"last_done_on": ["In the future."]})


def get(caller: Principal, vehicle_id: int, interval_id: int) -> Shown:
    """Return what a vehicle needs again, with when.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises MaintenanceNotFound: not of it.
    """
    vehicle = vehicles.get(caller, vehicle_id)
    return _with_due(vehicle, [_one(select(MaintenanceInterval), vehicle, interval_id)])[0]


def _one(statement: Select[MaintenanceInterval], vehicle: Vehicle, interval_id: int) -> MaintenanceInterval:
    found = db.session.scalar(statement.where(*_of(vehicle), MaintenanceInterval.id == interval_id))
    if found is None:
        raise MaintenanceNotFound()
    return found


def _of(vehicle: Vehicle) -> tuple[Any, ...]:
    return (
        MaintenanceInterval.workshop_id == vehicle.workshop_id,
        MaintenanceInterval.vehicle_id == vehicle.id,
    )


def find(caller: Principal, vehicle_id: int, walk: Walk) -> Page:
    """Return one page of what a vehicle needs again, each with when.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's.
    """
    vehicle = vehicles.get(caller, vehicle_id)
    page = paging.fetch(
        select(MaintenanceInterval).where(*_of(vehicle)),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )
    return Page(_with_due(vehicle, page.rows), walk, page.next_cursor, page.total)


def replace(
    caller: Principal, vehicle_id: int, interval_id: int, fields: dict[str, Any], expected: Expected = None
) -> Shown:
    """Say anew what a vehicle needs again, such as after it was done.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises VehicleArchived: it is.
    :raises MaintenanceNotFound: not of it. :raises Stale: not the `expected` version. :raises Invalid: see `add`.
    """
    _require_whole(fields)
    with atomic() as session:
        vehicle = vehicles.hold(caller, vehicle_id)
        interval = _one(locked(MaintenanceInterval), vehicle, interval_id)
        require_version(interval, expected)
        before = audit.fields_of(interval, RECORD)
        for name, value in fields.items():
            setattr(interval, name, value)
        session.flush()
        after = audit.fields_of(interval, RECORD)
        audit.note_change("vehicle.maintenance_changed", "vehicle", vehicle_id, before, after)
    return _with_due(vehicle, [interval])[0]


def remove(caller: Principal, vehicle_id: int, interval_id: int, expected: Expected = None) -> None:
    """Forget that a vehicle needs something again.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's. :raises VehicleArchived: it is.
    :raises MaintenanceNotFound: not of it. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        vehicle = vehicles.hold(caller, vehicle_id)
        interval = _one(locked(MaintenanceInterval), vehicle, interval_id)
        require_version(interval, expected)
        before = audit.fields_of(interval, RECORD)
        session.delete(interval)
        session.flush()
        audit.note("vehicle.maintenance_removed", "vehicle", vehicle_id, before=before)


# ---- When ---------------------------------------------------------------------------------------------------------


def _with_due(vehicle: Vehicle, intervals: Sequence[MaintenanceInterval]) -> list[Shown]:
    by_distance = any(interval.every_distance is not None for interval in intervals)
    readings = odometer.latest(vehicle) if by_distance else []
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
