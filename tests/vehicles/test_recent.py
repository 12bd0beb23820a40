"""What somebody looked at last: theirs alone, eight a page, the last one first."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from app.blueprints.vehicles import views
from app.blueprints.vehicles.models import VehicleView
from app.core import jobs
from app.extensions import db
from tests.factories import Caller, Shop
from tests.mailing import Clock
from tests.service_tickets.life import ticket_in


def recent(caller: Caller) -> list[int]:
    return [row["id"] for row in caller.get("/vehicles/recent").json]


def test_the_last_one_looked_at_comes_first_and_again_counts_once(shop: Shop, clock_set: Clock) -> None:
    first, second = shop.make_vehicle().id, shop.make_vehicle().id
    shop.make_vehicle()
    for vehicle_id in (first, second, first):
        shop.mechanic.get(f"/vehicles/{vehicle_id}")
        clock_set.pass_(seconds=1)

    assert recent(shop.mechanic) == [first, second]
    assert recent(shop.owner) == []


def test_eight_are_a_page_and_the_next_goes_on(shop: Shop, clock_set: Clock) -> None:
    ids = [shop.make_vehicle().id for _ in range(10)]
    for vehicle_id in ids:
        shop.owner.get(f"/vehicles/{vehicle_id}")
        clock_set.pass_(seconds=1)

    page = shop.owner.get("/vehicles/recent")
    rest = shop.owner.get(page.headers["Link"].split(">")[0].lstrip("<"))

    assert [row["id"] for row in (*page.json, *rest.json)] == ids[::-1]
    assert len(page.json) == 8
    assert shop.owner.get("/vehicles/recent?page=1").headers["X-Total-Count"] == "10"


def test_an_answer_that_the_caller_has_already_is_a_look_all_the_same(shop: Shop) -> None:
    path = f"/vehicles/{shop.make_vehicle().id}"
    tag = shop.owner.get(path).headers["ETag"]
    with shop.inside():
        before = db.session.scalar(select(VehicleView.seen_at).where(VehicleView.workshop_id == shop.id))

    assert shop.owner.get(path, headers={"If-None-Match": tag}).status_code == 304

    with shop.inside():
        after = db.session.scalar(select(VehicleView.seen_at).where(VehicleView.workshop_id == shop.id))
    assert after is not None
    assert before is not None
    assert after > before


def test_what_is_not_ones_own_any_more_or_archived_is_not_there(shop: Shop) -> None:
    sold, scrapped = shop.make_vehicle(), shop.make_vehicle()
    for car in (sold, scrapped):
        shop.customer.get(f"/vehicles/{car.id}")
    ticket_in(shop, "cancelled", VIN=scrapped.vin)

    shop.owner.delete(f"/vehicles/{scrapped.id}")
    shop.owner.post(f"/vehicles/{sold.id}/transfer", json={"customer_id": shop.other_customer_id})

    assert recent(shop.customer) == []


def test_a_refused_look_and_an_integrations_are_none(shop: Shop) -> None:
    car = shop.make_vehicle().id
    key = shop.make_key("vehicles:read")

    assert shop.other_customer.get(f"/vehicles/{car}").status_code == 403
    assert key.get(f"/vehicles/{car}").status_code == 200

    assert (recent(shop.other_customer), recent(key), recent(shop.owner)) == ([], [], [])


def test_half_a_year_later_it_is_forgotten(shop: Shop, clock_set: Clock) -> None:
    old, new = shop.make_vehicle().id, shop.make_vehicle().id
    shop.owner.get(f"/vehicles/{old}")
    clock_set.pass_(minutes=1)
    shop.owner.get(f"/vehicles/{new}")
    clock_set.pass_(seconds=(views.KEPT - timedelta(seconds=30)).total_seconds())
    with shop.app.app_context():
        jobs.JOBS["forget-vehicle-views"].work()

    with shop.inside():
        left = db.session.scalars(
            select(VehicleView.vehicle_id).where(VehicleView.workshop_id == shop.id)
        ).all()
    assert left == [new]


def test_what_is_deleted_between_the_look_and_its_note_is_no_error(shop: Shop) -> None:
    car = shop.make_vehicle()
    assert shop.owner.principal is not None
    shop.owner.delete(f"/vehicles/{car.id}")

    with shop.inside():
        views.note(shop.owner.principal, car)
        assert db.session.scalar(select(func.count()).where(VehicleView.workshop_id == shop.id)) == 0
