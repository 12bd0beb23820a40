"""Odometer readings: appended, compared over units and time, and never changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.blueprints.vehicles.distance import in_metres, of_metres
from app.blueprints.vehicles.models import GREATEST_READING
from tests.factories import Caller, Shop
from tests.tampering import owners_connection


def record(caller: Caller, vehicle_id: int, value: int, unit: str = "km", **more: Any) -> TestResponse:
    return caller.post(f"/vehicles/{vehicle_id}/readings", json={"value": value, "unit": unit, **more})


def at(day: int) -> str:
    return f"2026-03-{day:02}T09:30:00Z"


@given(value=st.integers(0, GREATEST_READING), unit=st.sampled_from(["km", "mi"]))
def test_a_distance_comes_back_in_its_unit_as_it_was_told(value: int, unit: str) -> None:
    assert of_metres(in_metres(value, unit), unit) == value


@given(less=st.integers(0, GREATEST_READING - 1), unit=st.sampled_from(["km", "mi"]))
def test_more_is_more_in_metres_too(less: int, unit: str) -> None:
    assert in_metres(less, unit) < in_metres(less + 1, unit)


class TestReadings:
    def test_are_appended_and_the_last_one_is_the_vehicles(self, shop: Shop) -> None:
        car = shop.make_vehicle().id

        first, second = record(shop.mechanic, car, 84_200), record(shop.mechanic, car, 84_200)
        third = record(shop.owner, car, 90_000, source="document")

        assert [one.status_code for one in (first, second, third)] == [201, 201, 201]
        listed = shop.owner.get(f"/vehicles/{car}/readings").json
        assert [(one["value"], one["source"]) for one in listed] == [
            (90_000, "document"), (84_200, "dashboard"), (84_200, "dashboard"),
        ]  # fmt: skip
        shown = shop.owner.get(f"/vehicles/{car}").json
        assert (shown["odometer"], shown["odometer_unit"]) == (90_000, "km")
        assert shown["odometer_read_at"] == listed[0]["read_at"]

    def test_raise_the_vehicles_version(self, shop: Shop) -> None:
        car = shop.make_vehicle().id

        record(shop.owner, car, 1)

        assert shop.owner.get(f"/vehicles/{car}").headers["ETag"].startswith('"2-')

    @pytest.mark.parametrize(
        ("unit", "value", "taken"),
        [("km", 100_000, True), ("km", 99_999, False), ("mi", 62_138, True), ("mi", 62_136, False)],
    )
    def test_are_compared_over_units(self, shop: Shop, unit: str, value: int, taken: bool) -> None:
        car = shop.make_vehicle().id
        record(shop.owner, car, 100_000)

        answer = record(shop.owner, car, value, unit)

        assert answer.status_code == (201 if taken else 409)
        if not taken:
            before = "100000 km" if unit == "km" else "62137 mi"
            assert (answer.json["code"], answer.json["detail"]) == (
                "odometer_lower",
                f"It showed {before} before that.",
            )

    def test_that_come_late_fit_between_their_neighbours(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        for day, value in ((1, 1_000), (20, 3_000)):
            assert record(shop.owner, car, value, read_at=at(day)).status_code == 201

        too_low, too_high = (record(shop.owner, car, value, read_at=at(10)) for value in (999, 3_001))
        fitting = record(shop.owner, car, 2_000, read_at=at(10), source="document")
        before_all = record(shop.owner, car, 0, read_at=at(1).replace("09", "08"))

        assert [one.json["detail"] for one in (too_low, too_high)] == [
            "It showed 1000 km before that.", "It showed 3000 km after that.",
        ]  # fmt: skip
        assert (fitting.status_code, before_all.status_code) == (201, 201)
        assert shop.owner.get(f"/vehicles/{car}").json["odometer"] == 3_000
        listed = shop.owner.get(f"/vehicles/{car}/readings?sort=read_at").json
        assert [one["value"] for one in listed] == [0, 1_000, 2_000, 3_000]

    @pytest.mark.parametrize("years", [-1000, 1])
    def test_are_read_neither_in_the_future_nor_before_there_were_odometers(
        self, shop: Shop, years: int
    ) -> None:
        car = shop.make_vehicle().id
        now = datetime.now(UTC)
        moment = f"{now.year + years}-02-01T09:30:00Z"

        answer = record(shop.owner, car, 1, read_at=moment)

        assert answer.json["errors"] == {"read_at": ["From 1900 on, and not in the future."]}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("value", -1), ("value", GREATEST_READING + 1), ("value", 1.5), ("unit", "m"), ("source", "guess"),
            ("read_at", "now"),
        ],
    )  # fmt: skip
    def test_refuse_what_no_odometer_shows(self, shop: Shop, field: str, value: Any) -> None:
        car = shop.make_vehicle().id

        answer = shop.owner.post(f"/vehicles/{car}/readings", json={"value": 1, "unit": "km", field: value})

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    def test_are_paged(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        for value in range(3):
            record(shop.owner, car, value)

        page = shop.owner.get(f"/vehicles/{car}/readings?per_page=2&page=2")

        assert ([one["value"] for one in page.json], page.headers["X-Total-Count"]) == ([0], "3")


class TestALowerOne:
    def test_is_taken_from_an_owner_who_says_why_and_the_next_is_compared_with_it(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        record(shop.mechanic, car, 84_200)

        overridden = record(shop.owner, car, 120, override_reason="The cluster was replaced.")
        next_one = record(shop.mechanic, car, 121)
        below = record(shop.mechanic, car, 119)

        assert (overridden.status_code, overridden.json["reason"]) == (201, "The cluster was replaced.")
        assert (next_one.status_code, below.status_code) == (201, 409)
        assert shop.owner.get(f"/vehicles/{car}").json["odometer"] == 121

    @pytest.mark.parametrize("who", ["mechanic", "customer"])
    def test_is_for_the_owner_alone(self, shop: Shop, who: str) -> None:
        car = shop.make_vehicle().id

        answer = record(getattr(shop, who), car, 1, override_reason="Because.")

        assert (answer.status_code, answer.json["code"]) == (403, "not_allowed")

    def test_is_for_who_has_the_scope(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        record(shop.owner, car, 84_200)
        desk = shop.make_staff("vehicles:write", "vehicles:override")

        assert record(desk, car, 1, override_reason="Because.").status_code == 201

    def test_is_in_the_log_with_its_reason(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        record(shop.owner, car, 5)
        record(shop.owner, car, 1, override_reason="Misread.")

        [last, *_] = shop.owner.get(
            f"/audit?action=vehicle.odometer_read&subject_kind=vehicle&subject_id={car}"
        ).json

        assert (last["after"]["value"], last["after"]["reason"]) == (1, "Misread.")


class TestACustomer:
    def test_tells_what_their_own_shows_and_it_is_marked_as_told(self, shop: Shop) -> None:
        car = shop.make_vehicle().id

        told = record(shop.customer, car, 84_200, source="document")

        assert (told.status_code, told.json["source"]) == (201, "customer")
        answer = record(shop.other_customer, car, 84_300)
        assert (answer.status_code, answer.json["code"]) == (403, "not_your_vehicle")

    def test_sees_the_readings_of_their_own_time(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        record(shop.owner, car, 100)
        shop.owner.post(f"/vehicles/{car}/transfer", json={"customer_id": shop.other_customer_id})
        record(shop.owner, car, 200)

        assert [one["value"] for one in shop.other_customer.get(f"/vehicles/{car}/readings").json] == [200]
        assert [one["value"] for one in shop.mechanic.get(f"/vehicles/{car}/readings").json] == [200, 100]
        assert shop.customer.get(f"/vehicles/{car}/readings").status_code == 403

    @pytest.mark.parametrize("value", [0, 150, 99_999])
    def test_tells_nothing_of_a_former_keepers_time_and_so_learns_nothing_of_it(
        self, shop: Shop, value: int
    ) -> None:
        car = shop.make_vehicle().id
        for day, shown in ((1, 100), (20, 300)):
            record(shop.owner, car, shown, read_at=at(day))
        shop.owner.post(f"/vehicles/{car}/transfer", json={"customer_id": shop.other_customer_id})

        refused = record(shop.other_customer, car, value, read_at=at(10))

        assert (refused.status_code, refused.json["errors"]) == (
            400,
            {"read_at": ["The car was not yours then."]},
        )
        assert record(shop.owner, car, 150, read_at=at(10), source="document").status_code == 201
        assert record(shop.other_customer, car, 400).status_code == 201

    def test_may_tell_of_any_time_while_the_car_has_not_changed_hands(self, shop: Shop) -> None:
        car = shop.make_vehicle().id

        assert record(shop.customer, car, 100, read_at=at(1)).status_code == 201


@pytest.mark.parametrize("table", ["vehicle_readings", "vehicle_transfers"])
@pytest.mark.parametrize("change", ["UPDATE {} SET vehicle_id = vehicle_id", "DELETE FROM {}"])
def test_the_database_itself_lets_nobody_change_them(shop: Shop, table: str, change: str) -> None:
    car = shop.make_vehicle().id
    record(shop.owner, car, 1)
    shop.owner.post(f"/vehicles/{car}/transfer", json={"customer_id": shop.other_customer_id})

    with (
        pytest.raises(DBAPIError, match="appended to, and nothing else"),
        owners_connection(shop.app) as connection,
    ):
        connection.execute(text(change.format(table)))
