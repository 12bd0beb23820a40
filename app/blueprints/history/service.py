"""The history of a vehicle: its visits with all that hangs on them, what the parts cost, its odometer, notes and photos."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from app.blueprints.history import telling
from app.blueprints.history.telling import Bounded
from app.blueprints.service_tickets import reading, shaping
from app.blueprints.service_tickets.models import EARLIEST_DAY
from app.blueprints.vehicles import odometer
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.models import OdometerReading
from app.blueprints.workshops.terms import time_zone_of
from app.core import clock
from app.core.identity import Principal
from app.core.paging import Page, Walk


def of(caller: Principal, vehicle_id: int, walk: Walk, *, for_paper: bool = False) -> Page:
    """Return one page of a vehicle's visits: all to staff, to its keeper those that were theirs.

    Photos are all to staff, to a customer those that they were shown, and only those `for_paper`, which leaves the house.
    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's.
    """
    vehicle = vehicles.get(caller, vehicle_id, "tickets:read")
    own = None if caller.may("tickets:read") else caller.customer_id
    page = reading.find(walk, with_lines=True, vehicle_id=vehicle.id, customer_id=own)
    for visit in page.rows:
        shaping.link(visit, for_customer=for_paper or own is not None)
    if page.rows:
        _complete(caller, vehicle_id, page.rows)
        _illustrate(caller, page.rows, only_shown=for_paper or own is not None)
    return page


def _complete(caller: Principal, vehicle_id: int, visits: Any) -> None:
    """Add to each visit what its parts come to before tax, and what the odometer showed from its day on until it was over."""
    zone = time_zone_of(caller.workshop_id)
    spans = [_span(visit, zone) for visit in visits]
    taken = odometer.between(
        caller, vehicle_id, min(first for first, _ in spans), max(last for _, last in spans)
    )
    for visit, (first, last) in zip(visits, spans, strict=True):
        visit["parts_total"] = sum(
            (line["net"] for line in visit["lines"] if line["kind"] == "part"), Decimal("0.00")
        )
        visit["readings"] = [_told(one) for one in taken if first <= one.read_at <= last]


def _illustrate(caller: Principal, visits: Any, *, only_shown: bool) -> None:
    """Add to each visit what was said of it, and what was shown."""
    ids = [visit["id"] for visit in visits]
    notes = telling.notes(caller.workshop_id, ids)
    pictures = telling.pictures(caller.workshop_id, ids, only_shown=only_shown)
    for visit in visits:
        said, shown = notes.get(visit["id"], Bounded()), pictures.get(visit["id"], Bounded())
        visit["notes"], visit["note_count"] = said.first, said.count
        visit["photos"], visit["photo_count"] = shown.first, shown.count


def _span(visit: dict[str, Any], zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return from when to when a visit's readings are: from its day, or an earlier arrival, until the car left.

    The steps are known to the second, so what was read in the last one is the visit's.
    """
    received, left = visit.pop("received_at"), visit.pop("left_at")
    on = max(date.fromisoformat(visit["service_date"]), EARLIEST_DAY)
    day = datetime.combine(on, time(), tzinfo=zone).astimezone(UTC)
    first = day if received is None else min(day, clock.as_utc(received))
    return first, clock.now() if left is None else clock.as_utc(left) + timedelta(seconds=1)


def _told(one: OdometerReading) -> dict[str, Any]:
    return {"value": one.value, "unit": one.unit, "read_at": clock.rfc3339(one.read_at)}
