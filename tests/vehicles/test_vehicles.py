"""Vehicles: found by their VIN, one active record each, and never readable in the database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.vehicles.models import Vehicle
from app.core import clock
from app.core.db import atomic
from app.extensions import db
from tests.factories import Shop, unique_vin


def vehicle_of(shop: Shop, ticket: dict[str, Any]) -> Vehicle:
    with shop.inside():
        statement = select(Vehicle).join(ServiceTicket, ServiceTicket.vehicle_id == Vehicle.id)
        return db.session.scalars(statement.where(ServiceTicket.id == ticket["id"])).one()


def test_a_second_visit_finds_the_same_car(shop: Shop) -> None:
    vin = unique_vin()

    first, second = shop.make_ticket(VIN=vin), shop.make_ticket(VIN=f" {vin.lower()} ")

    assert vehicle_of(shop, first).id == vehicle_of(shop, second).id
    assert second["VIN"] == vin


def test_a_car_that_changed_hands_is_still_the_same(shop: Shop) -> None:
    vin, buyer = unique_vin(), shop.make_customer(name="Buyer")

    sold, bought = shop.make_ticket(VIN=vin), shop.make_ticket(VIN=vin, customer_id=buyer.id)

    assert vehicle_of(shop, sold).id == vehicle_of(shop, bought).id
    assert (sold["customer_id"], bought["customer_id"]) == (shop.customer_id, buyer.id)


def test_the_next_keeper_sees_nothing_of_the_former(shop: Shop) -> None:
    vin = unique_vin()
    sold = shop.make_ticket(VIN=vin)
    body = {
        "VIN": vin,
        "service_date": "2026-04-01",
        "service_desc": "Tyres",
        "customer_id": int(shop.other_customer.principal.customer_id or 0),
    }

    bought = shop.other_customer.post("/service_tickets", json=body)

    assert bought.status_code == 201
    assert "Customer 0" not in bought.text
    assert [ticket["id"] for ticket in shop.other_customer.get("/customers/my-tickets").json] == [
        bought.json["id"]
    ]
    assert shop.other_customer.get(f"/service_tickets/{sold['id']}").status_code == 403


def test_each_workshop_has_its_own_record_of_a_car(shop: Shop, other_shop: Shop) -> None:
    vin = unique_vin()

    here, there = shop.make_ticket(VIN=vin), other_shop.make_ticket(VIN=vin)

    assert vehicle_of(shop, here).id != vehicle_of(other_shop, there).id
    assert [
        ticket["id"] for ticket in shop.owner.get("/service_tickets", query_string={"VIN": vin}).json
    ] == [here["id"]]


def test_an_archived_car_gives_its_number_to_a_new_record(shop: Shop) -> None:
    vin = unique_vin()
    old = vehicle_of(shop, shop.make_ticket(VIN=vin))
    with shop.inside(), atomic():
        db.session.get_one(Vehicle, old.id).archived_at = clock.now()

    added = shop.make_vehicle(VIN=vin)
    new = vehicle_of(shop, shop.make_ticket(VIN=vin))

    assert new.id == added.id != old.id
    assert len(shop.owner.get("/service_tickets", query_string={"VIN": vin}).json) == 2


def test_a_ticket_names_its_vehicle_to_staff_and_to_its_customer_wherever_it_is_shown(shop: Shop) -> None:
    car = shop.make_vehicle()
    made = shop.customer.post(
        "/service_tickets",
        json={
            "VIN": car.vin, "service_date": "2026-04-01", "service_desc": "Tyres", "customer_id": shop.customer_id,
        },
    )  # fmt: skip
    path = f"/service_tickets/{made.json['id']}"

    shown = [made.json, shop.mechanic.get(path).json, shop.customer.get(path).json]
    lists = [
        (shop.mechanic, "/service_tickets"),
        (shop.customer, "/customers/my-tickets"),
        (shop.customer, f"/vehicles/{car.id}/history"),
    ]

    listed = [caller.get(place).json[0] for caller, place in lists]
    assert [ticket["vehicle_id"] for ticket in (*shown, *listed)] == [car.id] * 6


@pytest.mark.parametrize(
    ("vin", "asked", "found"),
    [
        ("1HGCM82633A004352", "1HGCM82633A004352", True),
        ("1HGCM82633A004352", " 1hgcm8 2633a 004352", True),
        ("1HGCM82633A004352", "004352", True),
        ("1HGCM82633A004352", "04352", False),
        ("1HGCM82633A004352", "A004352", False),
        ("1HGCM82633A004352", "1HGCM8", False),
        ("1HGCM82633A004352", "1HGCM82633A004353", False),
        ("9F02M123456", "9f02m123456", True),
        ("9F02M123456", "123456", True),
        ("123456", "123456", True),
        ("ABC", "abc", True),
        ("ABC", "ABCD", False),
    ],
)
def test_a_car_is_found_by_its_number_or_the_last_six_of_it(
    shop: Shop, vin: str, asked: str, found: bool
) -> None:
    shop.make_ticket(VIN=vin)
    shop.make_ticket()

    answer = shop.mechanic.get("/service_tickets", query_string={"VIN": asked})

    assert [ticket["VIN"] for ticket in answer.json] == ([vin] if found else [])


def test_the_database_never_holds_the_number_itself(shop: Shop) -> None:
    vin = unique_vin()
    vehicle = vehicle_of(shop, shop.make_ticket(VIN=vin))

    with shop.inside(), db.engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM vehicles WHERE id = :id"), {"id": vehicle.id}).one()

    kept = b"|".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in row
    )
    assert vin.encode() not in kept
    assert vin[-6:].encode() not in kept
    assert vehicle.vin == vin


def test_equal_numbers_do_not_look_equal_in_the_database(shop: Shop) -> None:
    first, second = (vehicle_of(shop, shop.make_ticket(VIN=vin)) for vin in ("123456", "9F02M123456"))

    with shop.inside(), db.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT vin, vin_digest, vin_tail_digest FROM vehicles WHERE id IN (:a, :b)"),
            {"a": first.id, "b": second.id},
        ).all()

    assert len({bytes(row.vin_digest) for row in rows} | {bytes(row.vin_tail_digest) for row in rows}) == 3
    assert len({bytes(row.vin) for row in rows}) == 2
