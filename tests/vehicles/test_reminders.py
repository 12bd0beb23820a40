"""Reminders: a keeper is told once of what their car needs again, a fortnight before; and may want none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from babel.dates import format_date
from flask import Flask
from sqlalchemy import select, text

from app.blueprints.vehicles import pace, reminders
from app.blueprints.vehicles.models import MaintenanceInterval
from app.core import delivery
from app.core.outbox import OutboxMessage
from app.extensions import db
from tests.factories import Shop
from tests.mailing import Scripted
from tests.tampering import owners_connection

NOW = datetime.now(UTC)
TODAY = NOW.date()
DUE_ON = pace.months_on(TODAY, 12)
SOON = (DUE_ON - TODAY - reminders.AHEAD).days  # so many days from now the keeper is told
YEARLY = {"title": "Oil change", "every_months": 12, "last_done_on": TODAY.isoformat()}
At = Callable[[int], int]


@pytest.fixture(autouse=True)
def nothing_else_waits(app: Flask) -> None:
    """Of other tests nothing is looked at: the job is the installation's."""
    with owners_connection(app) as connection:
        connection.execute(text("UPDATE maintenance_intervals SET next_look_on = NULL"))


@pytest.fixture
def at(app: Flask, transport: Scripted) -> At:
    """Let the job run so many days from now, and what it queued leave; tell how many intervals it looked at."""

    def run(days: int) -> int:
        with app.app_context(), time_machine.travel(NOW + timedelta(days=days), tick=False):
            looked = reminders.remind()
            while delivery.deliver():
                pass
        return looked

    return run


def due(shop: Shop, car: int, **changes: Any) -> str:
    """Say what a car needs again, and return the path of that."""
    made = shop.mechanic.post(f"/vehicles/{car}/maintenance", json={**YEARLY, **changes})
    assert made.status_code == 201, made.json
    path: str = made.headers["Location"]
    return path


def mailed(transport: Scripted) -> list[tuple[str, str]]:
    return [(letter.subject, letter.recipient) for letter in transport.taken]


def whose(shop: Shop) -> list[int | None]:
    """Return whose the letters are that the shop wrote."""
    with shop.inside():
        return list(
            db.session.scalars(select(OutboxMessage.customer_id).where(OutboxMessage.workshop_id == shop.id))
        )


def next_look(shop: Shop, path: str) -> Any:
    with shop.inside():
        return db.session.get_one(MaintenanceInterval, int(path.rpartition("/")[2])).next_look_on


def test_the_keeper_is_told_a_fortnight_before_and_once(shop: Shop, at: At, transport: Scripted) -> None:
    due(shop, shop.make_vehicle(make="Honda", model="Accord", plate="GD 1").id)

    looked = [at(day) for day in (0, 1, SOON - 1, SOON, SOON + 1, SOON + 14, 2 * SOON)]

    assert mailed(transport) == [("Due soon: Oil change", shop.customer.email)]
    told = " ".join(transport.taken[0].text.split())
    assert "Honda Accord GD 1" in told
    assert whose(shop) == [shop.customer_id]
    assert format_date(DUE_ON, "long", locale="en") in told
    assert looked == [1, 0, 0, 1, 0, 0, 0]


def test_after_it_was_done_they_are_told_again(shop: Shop, at: At, transport: Scripted) -> None:
    path = due(shop, shop.make_vehicle().id, last_done_on=(TODAY - timedelta(days=SOON)).isoformat())
    at(1)
    before = shop.mechanic.get(path).headers["ETag"]

    done = shop.mechanic.put(path, json=YEARLY)
    at(2)
    at(SOON)

    assert before.startswith('"1-')  # reminding is no change of it
    assert done.status_code == 200
    assert len(mailed(transport)) == 2


def test_said_again_without_a_change_nobody_is_told_again(shop: Shop, at: At, transport: Scripted) -> None:
    path = due(shop, shop.make_vehicle().id)
    at(SOON)

    shop.mechanic.put(path, json=YEARLY)
    at(SOON + 1)

    assert len(mailed(transport)) == 1


def test_who_wants_none_is_not_told_until_they_do(shop: Shop, at: At, transport: Scripted) -> None:
    due(shop, shop.make_vehicle().id)
    path = f"/customers/{shop.customer_id}/notification_preferences"
    shop.customer.put(path, json={"maintenance_reminders": False})

    at(SOON)
    shop.customer.put(path, json={})
    in_between = at(SOON + 6)
    unwanted = mailed(transport)
    at(SOON + 7)

    assert (in_between, unwanted) == (0, [])
    assert len(mailed(transport)) == 1


def test_nobody_is_told_of_what_is_long_overdue(shop: Shop, at: At, transport: Scripted) -> None:
    path = due(shop, shop.make_vehicle().id, last_done_on="2020-01-01")

    at(0)

    assert mailed(transport) == []
    assert next_look(shop, path) is None


def test_by_distance_it_is_looked_at_every_week(shop: Shop, at: At, transport: Scripted) -> None:
    car = shop.make_vehicle().id
    for days_ago, km in ((30, 80_000), (20, 81_000), (10, 82_000)):
        when = (NOW - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"value": km, "unit": "km", "read_at": when}
        assert shop.mechanic.post(f"/vehicles/{car}/readings", json=body).status_code == 201
    due(shop, car, every_months=None, every_distance=15_000, unit="km", last_done_at=80_000)  # in 120 days

    looked = [at(0), at(6), at(7)]
    for days in range(14, 106, 7):
        at(days)
    before = mailed(transport)
    for days in range(112, 200, 7):
        at(days)

    assert looked == [1, 0, 1]
    assert before == []
    assert mailed(transport) == [("Due soon: Oil change", shop.customer.email)]


def test_where_no_day_can_be_told_it_is_looked_at_again(shop: Shop, at: At, transport: Scripted) -> None:
    by_distance = {"every_months": None, "every_distance": 15_000, "unit": "km", "last_done_at": 80_000}
    path = due(shop, shop.make_vehicle().id, **by_distance)

    at(0)

    assert next_look(shop, path) == TODAY + reminders.LOOK_AGAIN
    assert mailed(transport) == []


def test_of_an_archived_car_nobody_is_told_until_it_is_restored(
    shop: Shop, at: At, transport: Scripted
) -> None:
    car = shop.make_vehicle(odometer_value=10, odometer_unit="km").id
    due(shop, car)
    shop.owner.delete(f"/vehicles/{car}")

    at(SOON)
    archived = mailed(transport)
    shop.owner.post(f"/vehicles/{car}/restore")
    at(SOON + 1)

    assert archived == []
    assert len(mailed(transport)) == 1


def test_the_present_keeper_is_told(shop: Shop, at: At, transport: Scripted) -> None:
    car = shop.make_vehicle().id
    due(shop, car)
    shop.owner.post(f"/vehicles/{car}/transfer", json={"customer_id": shop.other_customer_id})

    at(SOON)

    assert [recipient for _, recipient in mailed(transport)] == [shop.other_customer.email]


def test_nobody_is_told_what_a_former_keeper_said(shop: Shop, at: At, transport: Scripted) -> None:
    car = shop.make_vehicle().id
    assert shop.customer.post(f"/vehicles/{car}/maintenance", json=YEARLY).status_code == 201
    shop.owner.post(f"/vehicles/{car}/transfer", json={"customer_id": shop.other_customer_id})

    at(SOON)

    assert mailed(transport) == []


def test_what_goes_wrong_with_one_keeps_nobody_else_from_being_told(
    shop: Shop, at: At, transport: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = shop.make_vehicle().id, shop.make_vehicle().id
    for car in (broken, sound):
        due(shop, car)
    reckon = reminders.maintenance.due_on

    def failing(vehicle: Any, interval: Any) -> Any:
        if vehicle.id == broken:
            raise ValueError("broken")
        return reckon(vehicle, interval)

    monkeypatch.setattr(reminders.maintenance, "due_on", failing)

    assert at(SOON) == 2
    assert len(mailed(transport)) == 1


def test_many_are_looked_at_in_pieces(
    shop: Shop, at: At, transport: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "AT_ONCE", 2)
    for _ in range(3):
        due(shop, shop.make_vehicle().id)

    assert [at(SOON), at(SOON), at(SOON)] == [2, 1, 0]
    assert len(mailed(transport)) == 3


def test_a_workshop_that_is_closed_reminds_nobody(shop: Shop, at: At, transport: Scripted) -> None:
    due(shop, shop.make_vehicle().id)
    closed = shop.owner.delete(f"/workshops/{shop.id}?name={shop.slug.title()}")
    assert closed.status_code == 200

    assert at(SOON) == 0
    assert mailed(transport) == []
