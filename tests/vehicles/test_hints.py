"""What a VIN says by itself, before there is a record of the car."""

from __future__ import annotations

import pytest

from tests.factories import Shop


@pytest.mark.parametrize("role", ["owner", "mechanic", "customer"])
def test_it_is_told_while_a_form_is_filled_in_and_nothing_is_kept(shop: Shop, role: str) -> None:
    told = getattr(shop, role).get("/vehicles/hints?VIN=1hgcm8 2633a 004352")

    assert (told.status_code, told.json) == (
        200,
        {
            "VIN": "1HGCM82633A004352",
            "short_number": False,
            "hints": {"make": "Honda", "country": "United States", "years": [2003]},
            "warnings": [],
        },
    )
    assert shop.owner.get("/vehicles").json == []


def test_it_is_the_same_as_with_the_record(shop: Shop) -> None:
    made = shop.owner.post("/vehicles", json={"VIN": "1M8GDM9A1KP042788", "customer_id": shop.customer_id})

    told = shop.owner.get("/vehicles/hints?VIN=1M8GDM9A1KP042788").json

    assert {name: made.json[name] for name in told} == told
    assert told["warnings"]


def test_of_an_old_cars_number_there_are_no_hints(shop: Shop) -> None:
    told = shop.owner.get("/vehicles/hints?VIN=9F02M123456").json

    assert (told["short_number"], told["hints"], len(told["warnings"])) == (True, None, 1)


@pytest.mark.parametrize(
    "query", ["", "?VIN=", "?VIN=---", "?VIN=1HGCM82633A0O4352", "?vin=1HGCM82633A004352"]
)
def test_what_is_no_vin_is_refused(shop: Shop, query: str) -> None:
    assert shop.owner.get(f"/vehicles/hints{query}").status_code == 400
