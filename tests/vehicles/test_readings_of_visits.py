"""What a visit in a car's history comes to, and which readings are its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from app.blueprints.service_tickets.models import ServiceTicket
from app.core.db import atomic
from tests.factories import Shop
from tests.mailing import Clock


def step(shop: Shop, ticket: dict[str, Any], *statuses: str) -> None:
    for status in statuses:
        answer = shop.owner.post(f"/service_tickets/{ticket['id']}/status", json={"status": status})
        assert answer.status_code == 200


def read(shop: Shop, car_id: int, value: int) -> None:
    answer = shop.owner.post(f"/vehicles/{car_id}/readings", json={"value": value, "unit": "km"})
    assert answer.status_code == 201


def values(visit: dict[str, Any]) -> list[int]:
    return [one["value"] for one in visit["readings"]]


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2101-01-01", "9999-12-31"])
@pytest.mark.parametrize("role", ["owner", "customer"])
def test_a_visit_on_a_day_out_of_reason_is_refused(shop: Shop, role: str, day: str) -> None:
    caller = getattr(shop, role)
    ticket = shop.make_ticket()
    body = {
        "VIN": ticket["VIN"], "service_date": day, "service_desc": "Oil", "customer_id": shop.customer_id,
    }  # fmt: skip
    path = f"/service_tickets/{ticket['id']}"

    answers = [
        caller.post("/service_tickets", json=body),
        caller.put(path, json=body),
        caller.patch(path, json={"service_date": day}),
    ]

    assert [(answer.status_code, list(answer.json["errors"])) for answer in answers] == [
        (400, ["service_date"])
    ] * 3


@pytest.mark.parametrize("zone", ["Europe/Warsaw", "Pacific/Auckland", "America/Chicago"])
@pytest.mark.parametrize("day", [date(1, 1, 1), date(9999, 12, 31)])
def test_one_that_was_taken_on_such_a_day_before_does_not_hide_the_history(
    shop: Shop, zone: str, day: date
) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", json={"time_zone": zone})
    car = shop.make_vehicle()
    ticket = shop.make_ticket(VIN=car.vin)
    with shop.inside(), atomic() as session:
        session.execute(
            update(ServiceTicket).where(ServiceTicket.id == ticket["id"]).values(service_date=day)
        )

    for path in ("history", "history/pdf"):
        assert shop.owner.get(f"/vehicles/{car.id}/{path}").status_code == 200


def test_what_the_parts_come_to_is_the_sum_of_their_lines(shop: Shop) -> None:
    car = shop.make_vehicle()
    ticket = shop.make_ticket(VIN=car.vin)
    part = shop.make_part(price=Decimal("0.05"), unit="l").id
    for description in ("Oil", "Grease", "Coolant"):
        line = {"kind": "part", "item_id": part, "quantity": 0.5, "description": description}
        assert shop.owner.post(f"/service_tickets/{ticket['id']}/lines", json=line).status_code == 201
    labour = {"kind": "labour", "description": "Filling up", "quantity": 1, "unit_price": 10}
    shop.owner.post(f"/service_tickets/{ticket['id']}/lines", json=labour)

    [visit] = shop.owner.get(f"/vehicles/{car.id}/history").json

    nets = [line["net"] for line in visit["lines"] if line["kind"] == "part"]
    assert visit["parts_total"] == pytest.approx(sum(nets))
    assert (nets, visit["parts_total"], visit["net_total"]) == ([0.03] * 3, 0.09, 10.09)


def test_a_visit_is_over_when_the_car_is_handed_back_and_not_when_something_of_it_is_validated(
    shop: Shop, clock_set: Clock
) -> None:
    car = shop.make_vehicle()
    ticket = shop.make_ticket(VIN=car.vin, service_date=clock_set.now().date())
    step(shop, ticket, "received", "in_progress")
    path = f"/service_tickets/{ticket['id']}/progress"
    update_id = shop.mechanic.post(path, json={"text": "The pads are on."}).json["id"]
    step(shop, ticket, "completed")
    clock_set.pass_(minutes=1)
    read(shop, car.id, 2_000)  # at hand-over
    step(shop, ticket, "delivered")
    clock_set.pass_(minutes=1)
    read(shop, car.id, 3_000)
    shop.owner.post(f"{path}/{update_id}/validate")

    [visit] = shop.owner.get(f"/vehicles/{car.id}/history").json

    assert values(visit) == [2_000]


def test_a_visit_to_come_has_no_readings_unless_the_car_comes_before_its_day(
    shop: Shop, clock_set: Clock
) -> None:
    car = shop.make_vehicle()
    day = clock_set.now().date() + timedelta(days=90)
    ticket = shop.make_ticket(VIN=car.vin, service_date=day)
    clock_set.pass_(minutes=5)
    read(shop, car.id, 1_000)

    [booked] = shop.owner.get(f"/vehicles/{car.id}/history").json
    clock_set.pass_(minutes=5)
    step(shop, ticket, "received")
    read(shop, car.id, 1_001)
    [came_early] = shop.owner.get(f"/vehicles/{car.id}/history").json

    assert (values(booked), values(came_early)) == ([], [1_001])


def test_what_is_read_in_the_second_of_the_last_step_is_of_the_visit(shop: Shop, clock_set: Clock) -> None:
    car = shop.make_vehicle()
    clock_set.pass_(microseconds=900_000 - clock_set.now().microsecond)
    ticket = shop.make_ticket(VIN=car.vin, service_date=datetime.now(UTC).date() - timedelta(days=2))
    read(shop, car.id, 1_000)
    step(shop, ticket, "cancelled")

    [visit] = shop.owner.get(f"/vehicles/{car.id}/history").json

    assert values(visit) == [1_000]
