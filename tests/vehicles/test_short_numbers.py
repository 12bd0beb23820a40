"""A shorter number is the chassis number of a car from before 1981, and is marked as one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Shop, unique, unique_vin

TOO_SHORT = "1HGCM82633A00435"


def short() -> str:
    return unique("CH-")


@pytest.mark.parametrize(
    ("vin", "year", "status"),
    [
        ("9F02M123456", 1969, 201), ("9F02M123456", 1980, 201), ("9F02M123456", None, 201),
        ("9F02M123456", 1981, 400), (TOO_SHORT, 2003, 400), ("ABC", 2015, 400), ("1HGCM82633A004352", 1979, 201),
    ],
)  # fmt: skip
def test_a_car_from_1981_on_has_a_whole_vin(shop: Shop, vin: str, year: int | None, status: int) -> None:
    made = shop.customer.post("/vehicles", json={"VIN": vin, "year": year})

    assert made.status_code == status
    if status == 400:
        assert list(made.json["errors"]) == ["VIN"]
    else:
        assert made.json["short_number"] is (len(vin) < 17)


def test_one_without_a_letter_or_digit_is_none(shop: Shop) -> None:
    for path, body in (
        ("/vehicles", {}),
        ("/service_tickets", {"service_date": "2026-03-02", "service_desc": "Oil"}),
    ):
        answer = shop.owner.post(path, json={"VIN": "---", "customer_id": shop.customer_id, **body})
        assert (answer.status_code, list(answer.json["errors"])) == (400, ["VIN"])


@pytest.mark.parametrize(
    ("before", "changes", "status"),
    [
        ({"year": 1969}, {"year": 2003}, 400),
        ({"year": None}, {"year": 2003}, 400),
        ({"year": None}, {"year": 1969}, 200),
        ({"year": 1969}, {"colour": "Red"}, 200),
        ({"year": 2003, "VIN": unique_vin()}, {"VIN": TOO_SHORT}, 400),
        ({"year": 2003, "VIN": unique_vin()}, {"VIN": TOO_SHORT, "year": 1979}, 200),
    ],
)
def test_a_change_makes_no_later_car_of_one(
    shop: Shop, before: dict[str, Any], changes: dict[str, Any], status: int
) -> None:
    car = shop.make_vehicle(**{"VIN": short(), **before})

    answer = shop.owner.patch(f"/vehicles/{car.id}", json=changes)

    assert answer.status_code == status


def test_it_is_marked_in_lists_and_a_ticket_makes_one_as_before(shop: Shop) -> None:
    ticket = shop.make_ticket(VIN=short())
    whole = shop.make_vehicle()

    listed = {car["id"]: car["short_number"] for car in shop.mechanic.get("/vehicles").json}

    assert listed == {ticket["vehicle_id"]: True, whole.id: False}
