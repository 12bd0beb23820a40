"""Reminders: the keeper of a car is told once by mail what it needs again soon.

Each interval has a day on which it is looked at next, so that a job reads those alone: a fortnight before it is due, and every
week where the day is reckoned from the odometer and may come sooner. It is claimed by moving that day, in the transaction that
queues the mail.
"""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Select, and_, or_, select, update
from sqlalchemy.orm import Session

from app.blueprints.customers import preferences
from app.blueprints.vehicles import maintenance
from app.blueprints.vehicles.models import MaintenanceInterval, Vehicle
from app.blueprints.vehicles.vin import TAIL_LENGTH
from app.blueprints.workshops.models import Workshop
from app.core import clock, outbox, tenancy
from app.core.db import atomic
from app.core.jobs import periodic
from app.extensions import db

log = structlog.get_logger(__name__)

NAME = "remind-of-maintenance"
AHEAD = timedelta(days=14)
OVERDUE = timedelta(days=60)  # who is later than that knows, or has it done elsewhere
LOOK_AGAIN = timedelta(days=7)
AT_ONCE = 200


@periodic(NAME, every=timedelta(hours=1))
def remind() -> int:
    """Look at the intervals whose day has come at their workshop, a bounded number, and return how many they were."""
    from app.extensions import jobs as queue

    with tenancy.across_workshops():
        days = _days()
        rows = db.session.execute(_waiting(days)).all() if days else []
    for workshop_id, interval_id, zone in rows:
        with tenancy.acting_in(workshop_id):
            _look_safely(workshop_id, interval_id, days[zone])
    if len(rows) == AT_ONCE:
        queue.nudge(NAME)
    return len(rows)


def _days() -> dict[str, date]:
    """Return the day that it is in each time zone in which there is a workshop."""
    now = clock.now()
    zones = db.session.scalars(select(Workshop.time_zone).distinct())
    return {zone: now.astimezone(ZoneInfo(zone)).date() for zone in zones}


def _waiting(days: dict[str, date]) -> Select[int, int, str]:
    """Return what finds the intervals whose day has come by the `days` of the time zones, those that wait longest first.

    Each as its workshop, its id and the zone.
    """
    look_on, distinct = MaintenanceInterval.next_look_on, sorted(set(days.values()))
    has_come = or_(
        look_on <= distinct[0],
        *(
            and_(look_on <= day, Workshop.time_zone.in_([zone for zone in days if days[zone] == day]))
            for day in distinct[1:]
        ),
    )
    return (
        select(MaintenanceInterval.workshop_id, MaintenanceInterval.id, Workshop.time_zone)
        .join(Workshop, Workshop.id == MaintenanceInterval.workshop_id)
        .where(look_on <= distinct[-1], has_come, Workshop.closed_at.is_(None))
        .order_by(MaintenanceInterval.next_look_on, MaintenanceInterval.id)
        .limit(AT_ONCE)
    )


def _look_safely(workshop_id: int, interval_id: int, today: date) -> None:
    """Look at an interval. What goes wrong with one keeps nobody else from being reminded."""
    try:
        with atomic() as session:
            _look(session, workshop_id, interval_id, today)
    except Exception:
        log.exception("maintenance.reminder_failed", interval=interval_id)


def _look(session: Session, workshop_id: int, interval_id: int, today: date) -> None:
    row = session.execute(
        select(MaintenanceInterval, Vehicle)
        .join(Vehicle, Vehicle.id == MaintenanceInterval.vehicle_id)
        .where(
            MaintenanceInterval.workshop_id == workshop_id,
            Vehicle.workshop_id == workshop_id,
            MaintenanceInterval.id == interval_id,
        )
    ).one_or_none()
    if row is None:
        return
    interval, vehicle = row
    due_on = None if vehicle.archived else maintenance.due_on(vehicle, interval)
    is_soon = due_on is not None and due_on <= today + AHEAD
    address = _address(vehicle) if is_soon else None
    if not _claim(session, interval, _next_look(interval, vehicle, due_on, today, told=address is not None)):
        return
    if address is not None and due_on is not None and due_on >= today - OVERDUE:
        outbox.queue(
            workshop_id, "maintenance_due", address, customer_id=vehicle.customer_id,
            title=interval.title, car=_called(vehicle), on=due_on,
        )  # fmt: skip


def _address(vehicle: Vehicle) -> str | None:
    return preferences.address_for(vehicle.workshop_id, vehicle.customer_id, "maintenance_reminders")


def _next_look(
    interval: MaintenanceInterval, vehicle: Vehicle, due_on: date | None, today: date, *, told: bool
) -> date | None:
    """Return the day on which an interval is looked at next; None where its keeper was told, or there is nobody to tell."""
    if told or vehicle.archived:
        return None
    if due_on is None or due_on <= today + AHEAD:
        return today + LOOK_AGAIN  # there is no day yet, or no address, or no wish to be told
    in_time = due_on - AHEAD
    return in_time if interval.every_distance is None else min(in_time, today + LOOK_AGAIN)


def _claim(session: Session, interval: MaintenanceInterval, following: date | None) -> bool:
    """Move an interval's day on, and tell whether nobody else did so meanwhile. Its version is about what people write."""
    moved = session.execute(
        update(MaintenanceInterval)
        .where(
            MaintenanceInterval.workshop_id == interval.workshop_id,
            MaintenanceInterval.id == interval.id,
            MaintenanceInterval.next_look_on == interval.next_look_on,
        )
        .values(next_look_on=following)
        .returning(MaintenanceInterval.id)
        .execution_options(synchronize_session=False)
    )
    return moved.one_or_none() is not None


def _called(vehicle: Vehicle) -> str:
    """Return what a keeper knows a car by: make, model and plate, or else the end of its VIN."""
    words = [word for word in (vehicle.make, vehicle.model, vehicle.plate) if word]
    return " ".join(words) or f"VIN …{vehicle.vin[-TAIL_LENGTH:]}"
