"""Who changes what a car needs again, and which day it is where that is said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from app.blueprints.vehicles import reminders
from tests.factories import Shop
from tests.mailing import Scripted
from tests.tampering import owners_connection

BELT: dict[str, Any] = {"title": "Timing belt", "every_months": 60, "last_done_on": "2026-01-10"}
FLUID: dict[str, Any] = {"title": "Brake fluid", "every_months": 24, "last_done_on": "2026-01-10"}


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


class TestWhatTheWorkshopSaid:
    @pytest.mark.parametrize("method", ["PUT", "DELETE"])
    def test_is_seen_and_not_changed_by_the_keeper(self, shop: Shop, method: str) -> None:
        car = shop.make_vehicle().id
        place = shop.owner.post(f"/vehicles/{car}/maintenance", json=BELT).headers["Location"]
        body = {**BELT, "every_months": 240} if method == "PUT" else None

        answer = shop.customer.open(method, place, json=body)

        assert refused(answer) == (403, "not_your_maintenance")
        assert shop.customer.get(place).json["every_months"] == 60

    def test_is_changed_and_forgotten_by_staff_like_what_the_keeper_said(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        for caller in (shop.owner, shop.customer):
            place = caller.post(f"/vehicles/{car}/maintenance", json=BELT).headers["Location"]
            assert shop.mechanic.put(place, json=FLUID).status_code == 200
            assert shop.mechanic.delete(place).status_code == 200

    def test_is_not_the_keepers_any_more_once_the_workshop_said_it_anew(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        place = shop.customer.post(f"/vehicles/{car}/maintenance", json=BELT).headers["Location"]

        assert shop.customer.put(place, json=FLUID).status_code == 200
        assert shop.mechanic.put(place, json=BELT).status_code == 200
        assert refused(shop.customer.delete(place)) == (403, "not_your_maintenance")

    def test_leaves_the_keeper_what_they_said_themselves(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        place = shop.customer.post(f"/vehicles/{car}/maintenance", json=BELT).headers["Location"]

        assert shop.customer.delete(place).status_code == 200


# ---- Which day it is

EVENING = datetime(2026, 11, 29, 20, 17, tzinfo=UTC)  # 30 November in Auckland
NIGHT = datetime(2026, 11, 30, 3, 17, tzinfo=UTC)  # 29 November in Chicago
AT_ONCE_THREE_DAYS = datetime(
    2026, 11, 29, 10, 30, tzinfo=UTC
)  # 28 at Pago Pago, 29 in UTC, 30 at Kiritimati


@pytest.mark.parametrize(
    ("zone", "now", "last"),
    [("Pacific/Auckland", EVENING, date(2026, 11, 30)), ("America/Chicago", NIGHT, date(2026, 11, 29))],
)
def test_today_is_the_workshops_day(shop: Shop, zone: str, now: datetime, last: date) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", json={"time_zone": zone})
    car = shop.make_vehicle().id
    profile = f"/customers/{shop.customer_id}/profile"

    with time_machine.travel(now, tick=False):
        caller = shop.sign_in(shop.owner.email) if shop.owner.email else shop.owner
        for day, status in ((last, 201), (last + timedelta(days=1), 400)):
            body = {**FLUID, "last_done_on": day.isoformat()}
            assert caller.post(f"/vehicles/{car}/maintenance", json=body).status_code == status
            born = caller.patch(profile, json={"birth_date": day.isoformat()})
            assert born.status_code == (200 if status == 201 else 400)


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31"])
def test_nothing_was_done_before_1900(shop: Shop, day: str) -> None:
    car = shop.make_vehicle().id

    answer = shop.owner.post(f"/vehicles/{car}/maintenance", json={**FLUID, "last_done_on": day})

    assert (answer.status_code, list(answer.json["errors"])) == (400, ["last_done_on"])


@pytest.mark.parametrize(
    ("zone", "looked"),
    [("Pacific/Kiritimati", [1, 0, 0]), ("UTC", [0, 1, 0]), ("Pacific/Pago_Pago", [0, 0, 1])],
)
def test_a_keeper_is_told_on_the_workshops_day(
    app: Flask, shop: Shop, other_shop: Shop, transport: Scripted, zone: str, looked: list[int]
) -> None:
    for place, its_zone in ((other_shop, "Etc/GMT+12"), (shop, zone)):
        place.owner.patch(f"/workshops/{place.id}", json={"time_zone": its_zone})
    shop.owner.post(f"/vehicles/{shop.make_vehicle().id}/maintenance", json=FLUID)
    with owners_connection(app) as connection:
        connection.execute(text("UPDATE maintenance_intervals SET next_look_on = NULL"))
        connection.execute(
            text("UPDATE maintenance_intervals SET next_look_on = '2026-11-30' WHERE workshop_id = :id"),
            {"id": shop.id},
        )

    found = []
    for hours in (0, 14, 25):  # 30 November begins at Kiritimati, in UTC, at Pago Pago
        with (
            app.app_context(),
            time_machine.travel(AT_ONCE_THREE_DAYS + timedelta(hours=hours), tick=False),
        ):
            found.append(reminders.remind())

    assert found == looked
