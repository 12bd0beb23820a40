"""The history of a vehicle: its visits with work, parts and what they came to, and what its odometer showed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from tests.factories import Shop, unique_vin
from tests.mailing import Clock


def test_has_the_visits_with_all_that_hangs_on_them_the_last_first(shop: Shop) -> None:
    car = shop.make_vehicle()
    first = shop.make_ticket(VIN=car.vin, service_date=date(2026, 3, 2), service_desc="Brakes")
    second = shop.make_ticket(VIN=car.vin, service_date=date(2026, 4, 2))
    shop.make_ticket(VIN=unique_vin())
    part = shop.make_part(price=Decimal("19.99"))
    shop.owner.put(
        f"/service_tickets/{first['id']}/edit",
        json={"add_mechanic_ids": [shop.mechanic_id], "add_item_ids": [part.id, part.id]},
    )

    visits = shop.mechanic.get(f"/vehicles/{car.id}/history").json

    assert [visit["id"] for visit in visits] == [second["id"], first["id"]]
    earlier = visits[1]
    assert (earlier["service_desc"], earlier["mechanics"]) == (
        "Brakes",
        [{"id": shop.mechanic_id, "name": "Mel Mechanic"}],
    )
    assert (earlier["parts_total"], visits[0]["parts_total"]) == (39.98, 0.0)


def test_stands_with_the_readings_from_a_visits_day_until_it_was_over(shop: Shop, clock_set: Clock) -> None:
    car = shop.make_vehicle()
    path = f"/vehicles/{car.id}"
    long_ago, yesterday = (clock_set.now() - timedelta(days=days) for days in (30, 1))
    before = {"value": 1_000, "unit": "km", "read_at": long_ago.strftime("%Y-%m-%dT%H:%M:%SZ")}
    shop.owner.post(f"{path}/readings", json=before)
    visit = shop.make_ticket(VIN=car.vin, service_date=yesterday.date())
    shop.owner.post(f"{path}/readings", json={"value": 2_000, "unit": "km"})
    clock_set.pass_(minutes=1)
    shop.owner.post(f"/service_tickets/{visit['id']}/status", json={"status": "cancelled"})
    clock_set.pass_(minutes=1)
    shop.owner.post(f"{path}/readings", json={"value": 3_000, "unit": "km"})

    [told] = shop.owner.get(f"{path}/history").json

    assert [(one["value"], one["unit"]) for one in told["readings"]] == [(2_000, "km")]


def test_is_paged(shop: Shop) -> None:
    car = shop.make_vehicle()
    ids = [shop.make_ticket(VIN=car.vin, service_date=date(2026, 3, day))["id"] for day in (1, 2, 3)]

    page = shop.owner.get(f"/vehicles/{car.id}/history?per_page=2")
    rest = shop.owner.get(page.headers["Link"].split(">")[0].lstrip("<"))
    counted = shop.owner.get(f"/vehicles/{car.id}/history?page=2&per_page=2")

    assert [visit["id"] for visit in (*page.json, *rest.json)] == ids[::-1]
    assert ([visit["id"] for visit in counted.json], counted.headers["X-Total-Count"]) == ([ids[0]], "3")


def test_shows_a_keeper_their_own_visits_alone(shop: Shop) -> None:
    car = shop.make_vehicle()
    own = shop.make_ticket(VIN=car.vin)
    borrowed = shop.make_ticket(VIN=car.vin, customer_id=shop.other_customer_id)

    assert [visit["id"] for visit in shop.customer.get(f"/vehicles/{car.id}/history").json] == [own["id"]]
    assert shop.other_customer.get(f"/vehicles/{car.id}/history").status_code == 403
    assert {visit["id"] for visit in shop.owner.get(f"/vehicles/{car.id}/history").json} == {
        own["id"],
        borrowed["id"],
    }


def test_of_a_car_that_is_archived_is_still_there(shop: Shop) -> None:
    car = shop.make_vehicle()
    visit = shop.make_ticket(VIN=car.vin)
    shop.owner.delete(f"/vehicles/{car.id}")

    assert [one["id"] for one in shop.owner.get(f"/vehicles/{car.id}/history").json] == [visit["id"]]


def test_of_no_car_is_404(shop: Shop, other_shop: Shop) -> None:
    for vehicle_id in (other_shop.make_vehicle().id, 9_000_000_000):
        answer = shop.owner.get(f"/vehicles/{vehicle_id}/history")
        assert (answer.status_code, answer.json["code"]) == (404, "vehicle_not_found")
