"""Finding vehicles: by VIN or its end, plate, words and keeper, in order and page by page."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Shop, unique_vin


def found(shop: Shop, **query: Any) -> list[int]:
    answer = shop.owner.get("/vehicles", query_string=query)
    assert answer.status_code == 200, answer.json
    return [row["id"] for row in answer.json]


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [("1HGCM82633A004352", True), (" 1hgcm8 2633a 004352", True), ("004352", True), ("1HGCM8", False)],
)
def test_a_vehicle_is_found_by_its_vin_or_the_last_six_of_it(shop: Shop, asked: str, is_found: bool) -> None:
    car = shop.make_vehicle(VIN="1HGCM82633A004352")
    shop.make_vehicle()

    assert found(shop, vin=asked) == ([car.id] if is_found else [])


@pytest.mark.parametrize(
    ("asked", "is_found"),
    [("GD 2137K", True), ("gd2137k", True), ("GD-2137-K", True), ("GD 2137", False), ("GD 2138K", False)],
)
def test_a_vehicle_is_found_by_its_plate_however_it_is_written(
    shop: Shop, asked: str, is_found: bool
) -> None:
    car = shop.make_vehicle(plate="gd  2137k")
    shop.make_vehicle(plate="GD 99")

    assert found(shop, plate=asked) == ([car.id] if is_found else [])


@pytest.mark.parametrize(
    ("words", "is_found"),
    [("hond", True), ("ACCORD", True), ("2137", True), ("%", False), ("civic", False), ("XX", False)],
)
def test_a_vehicle_is_found_by_words_in_make_model_and_plate(shop: Shop, words: str, is_found: bool) -> None:
    car = shop.make_vehicle(make="Honda", model="Accord", plate="GD 2137K")
    shop.make_vehicle(make="Škoda", model="Fabia", plate="GD 99")

    assert found(shop, q=words if len(words) > 1 else f"{words}{words}") == ([car.id] if is_found else [])


@pytest.mark.parametrize(
    ("words", "is_found"),
    [
        ("GD2137K", True), ("gd-2137k", True), ("2137K GD", True), ("accord gd", True), ("2137 hon", True),
        ("gd accord honda 37k", True), ("accord PO", False), ("gd2137k civic", False), ("gd -", False), ("--", False),
    ],
)  # fmt: skip
def test_a_vehicle_is_found_by_words_of_its_plate_beside_others_in_any_order(
    shop: Shop, words: str, is_found: bool
) -> None:
    car = shop.make_vehicle(make="Honda", model="Accord", plate="GD 2137K")
    shop.make_vehicle(make="Škoda", model="Octavia", plate="PO 99")

    assert found(shop, q=words) == ([car.id] if is_found else [])


def test_a_plate_that_it_has_no_more_finds_nothing(shop: Shop) -> None:
    car = shop.make_vehicle(plate="GD 1234")
    shop.owner.patch(f"/vehicles/{car.id}", json={"plate": "GD 5678"})

    assert (found(shop, plate="GD 1234"), found(shop, q="1234"), found(shop, plate="GD 5678")) == (
        [],
        [],
        [car.id],
    )


def test_vehicles_are_found_by_their_keeper_and_all_conditions_together(shop: Shop) -> None:
    first = shop.make_vehicle(make="Honda")
    shop.make_vehicle(make="Škoda")
    shop.make_vehicle(make="Honda", customer_id=shop.other_customer_id)

    assert found(shop, customer_id=shop.customer_id, q="honda") == [first.id]


def test_a_customer_finds_their_own_alone(shop: Shop) -> None:
    own, others = (
        shop.make_vehicle(plate="GD 1"),
        shop.make_vehicle(customer_id=shop.other_customer_id, plate="GD 1"),
    )

    assert [row["id"] for row in shop.customer.get("/vehicles").json] == [own.id]
    assert shop.customer.get(f"/vehicles?vin={others.vin}").json == []
    assert [row["id"] for row in shop.customer.get("/vehicles?plate=GD1").json] == [own.id]
    assert shop.customer.get(f"/vehicles?customer_id={shop.other_customer_id}").json == []


def test_the_last_one_added_comes_first_and_each_order_can_be_walked_to_its_end(shop: Shop) -> None:
    ids = [shop.make_vehicle().id for _ in range(5)]
    shop.owner.patch(f"/vehicles/{ids[1]}", json={"colour": "Red"})
    orders = {
        "-created_at": ids[::-1],
        "created_at": ids,
        "-updated_at": [ids[1], *[i for i in ids[::-1] if i != ids[1]]],
        "-id": ids[::-1],
    }

    for sort, expected in orders.items():
        walked: list[int] = []
        path: str | None = f"/vehicles?per_page=2&sort={sort}"
        while path:
            answer = shop.owner.get(path)
            walked += [row["id"] for row in answer.json]
            link = answer.headers.get("Link")
            path = link.split(">")[0].lstrip("<") if link else None
        assert walked == expected, sort
    assert found(shop) == ids[::-1]
    counted = shop.owner.get("/vehicles?page=1&per_page=2&q=xx")
    assert counted.headers["X-Total-Count"] == "0"


@pytest.mark.parametrize(
    "query", ["vin=12", "q=x", "sort=vin", "archived=maybe", "plate=-", "customer_id=0", "colour=red"]
)
def test_what_no_list_can_be_asked_for_is_refused(shop: Shop, query: str) -> None:
    assert shop.owner.get(f"/vehicles?{query}").status_code == 400


def test_a_car_that_a_ticket_made_is_listed_with_what_is_known(shop: Shop) -> None:
    vin = unique_vin()
    shop.make_ticket(VIN=vin)

    [row] = shop.owner.get("/vehicles").json

    assert (row["VIN"], row["make"], row["plate"], row["customer_id"]) == (vin, None, None, shop.customer_id)
