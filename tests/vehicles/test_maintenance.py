"""What a car needs again: by time, by distance, and when that will be; no guess from fewer than three readings."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.blueprints.vehicles import pace
from app.blueprints.vehicles.pace import Read
from tests.factories import Shop

OIL: dict[str, Any] = {
    "title": "Oil change", "every_months": 12, "every_distance": 15_000, "unit": "km", "last_done_on": "2026-01-10",
    "last_done_at": 80_000,
}  # fmt: skip
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def read(*points: tuple[float, int]) -> list[Read]:
    """Return readings by (days since the first of January, kilometres)."""
    return [Read(n, FIRST + timedelta(days=day), km * 1000) for n, (day, km) in enumerate(points)]


@pytest.mark.parametrize(
    ("points", "usual"),
    [
        ([], None),
        ([(0, 0), (10, 500)], None),
        ([(0, 0), (10, 500), (20, 1_000)], 50),
        ([(0, 0), (10, 500), (20, 1_500), (30, 1_600)], 50),
        ([(0, 0), (0.5, 400), (10, 500)], None),
        ([(0, 90_000), (10, 90_500), (20, 10), (30, 20), (40, 40)], 1.5),
        ([(0, 0), (10, 0), (20, 0)], 0),
    ],
)
def test_the_pace_is_the_median_a_day_between_readings_a_day_apart(
    points: list[tuple[float, int]], usual: float | None
) -> None:
    found = pace.of(read(*points))

    assert (found.usual / 1000 if found else None) == usual


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=20))
def test_the_usual_pace_lies_within_the_spread(steps: list[int]) -> None:
    found = pace.of(read(*((day, sum(steps[: day + 1])) for day in range(len(steps)))))

    assert found is not None
    assert found.slowest <= found.usual <= found.fastest
    assert pace.LEAST_READINGS <= len(found.readings) <= pace.MOST_READINGS


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 10, 31), 1, date(2026, 11, 30)),
        (date(2026, 12, 15), 12, date(2027, 12, 15)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_last(day: date, months: int, later: date) -> None:
    assert pace.months_on(day, months) == later


def test_a_car_that_stands_gets_nowhere() -> None:
    last = read((0, 100))[0]

    assert pace.reached_on(0, last, 200_000) is None
    assert pace.reached_on(1, last, 10**12) is None
    assert pace.reached_on(0, last, 100_000) == FIRST.date()


def car_with_readings(shop: Shop, *points: tuple[int, int]) -> int:
    car = shop.make_vehicle().id
    for days_ago, km in points:
        at = (datetime.now(UTC) - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"value": km, "unit": "km", "read_at": at}
        assert shop.owner.post(f"/vehicles/{car}/readings", json=body).status_code == 201
    return car


def test_the_day_by_distance_comes_with_its_readings_and_spread(shop: Shop) -> None:
    car = car_with_readings(shop, (40, 90_000), (30, 90_400), (20, 91_000), (10, 91_500))

    told = shop.mechanic.post(f"/vehicles/{car}/maintenance", json=OIL).json

    assert (told["due_by"], told["due_at"]) == ("time", 95_000)
    assert told["due_on"] == "2027-01-10"
    estimate = told["estimate"]
    assert (estimate["per_day"], estimate["unit"]) == (50, "km")
    assert [one["value"] for one in estimate["readings"]] == [90_000, 90_400, 91_000, 91_500]
    expected = (datetime.now(UTC) - timedelta(days=10) + timedelta(days=70)).date()
    assert abs(date.fromisoformat(estimate["on"]) - expected) <= timedelta(days=1)
    assert estimate["earliest"] < estimate["on"] < estimate["latest"]


def test_the_earlier_day_is_the_one(shop: Shop) -> None:
    car = car_with_readings(shop, (40, 90_000), (30, 90_400), (20, 91_000), (10, 91_500))
    soon = {**OIL, "every_months": None}

    told = shop.mechanic.post(f"/vehicles/{car}/maintenance", json=soon).json

    assert (told["due_by"], told["due_on"]) == ("distance", told["estimate"]["on"])


def test_from_two_readings_nothing_is_guessed(shop: Shop) -> None:
    car = car_with_readings(shop, (20, 91_000), (10, 91_500))

    by_both = shop.mechanic.post(f"/vehicles/{car}/maintenance", json=OIL).json
    by_distance = shop.mechanic.post(f"/vehicles/{car}/maintenance", json={**OIL, "every_months": None}).json

    assert (by_both["due_by"], by_both["estimate"]) == ("time", None)
    assert (by_distance["due_on"], by_distance["due_by"], by_distance["due_at"]) == (None, None, 95_000)


def test_what_was_done_begins_anew_and_can_be_taken_back(shop: Shop) -> None:
    car = shop.make_vehicle().id
    made = shop.mechanic.post(f"/vehicles/{car}/maintenance", json=OIL)
    path = made.headers["Location"]

    done = shop.mechanic.put(path, json={"title": "Oil", "every_months": 6, "last_done_on": "2026-03-31"})
    stale = shop.mechanic.delete(path, headers={"If-Match": made.headers["ETag"]})
    listed = shop.customer.get(f"/vehicles/{car}/maintenance").json
    gone = shop.mechanic.delete(path)

    assert (done.status_code, done.json["due_on"], done.json["unit"]) == (200, "2026-09-30", None)
    assert stale.status_code == 412
    assert [one["title"] for one in listed] == ["Oil"]
    assert gone.json == {"message": f"Maintenance {made.json['id']} deleted."}
    assert (shop.mechanic.get(path).status_code, shop.mechanic.get(path).json["code"]) == (
        404,
        "maintenance_not_found",
    )


def test_of_another_car_it_is_not_there(shop: Shop) -> None:
    mine, other = shop.make_vehicle().id, shop.make_vehicle().id
    made = shop.owner.post(f"/vehicles/{mine}/maintenance", json=OIL).json["id"]

    for answer in (
        shop.owner.get(f"/vehicles/{other}/maintenance/{made}"),
        shop.owner.put(f"/vehicles/{other}/maintenance/{made}", json=OIL),
        shop.owner.delete(f"/vehicles/{other}/maintenance/{made}"),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "maintenance_not_found")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"every_months": None, "every_distance": None, "unit": None, "last_done_at": None}, "every_months"),
        ({"unit": None}, "unit"),
        ({"last_done_at": None}, "last_done_at"),
        ({"every_distance": None}, "every_distance"),
        ({"every_months": 0}, "every_months"),
        ({"every_distance": 0}, "every_distance"),
        ({"last_done_on": "2999-01-01"}, "last_done_on"),
        ({"title": ""}, "title"),
    ],
)
def test_what_is_no_interval_is_refused(shop: Shop, change: dict[str, Any], field: str) -> None:
    car = shop.make_vehicle().id

    answer = shop.owner.post(f"/vehicles/{car}/maintenance", json={**OIL, **change})

    assert (answer.status_code, list(answer.json["errors"])) == (400, [field])


def test_it_goes_with_a_car_that_is_deleted(shop: Shop) -> None:
    car = shop.make_vehicle().id
    shop.owner.post(f"/vehicles/{car}/maintenance", json=OIL)

    assert shop.owner.delete(f"/vehicles/{car}").json["message"].endswith("deleted.")
