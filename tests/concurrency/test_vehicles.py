"""Vehicles that several people write to at once: one VIN, one odometer, one deletion, one plate; nobody waits in a circle."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.blueprints.service_tickets import handlers
from app.blueprints.service_tickets import service as tickets
from app.blueprints.vehicles import keeping, odometer, plates
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.models import OdometerReading, Vehicle, VehiclePlate
from app.extensions import db
from tests.concurrency.racing import Meeting, race, telling, without_row_locks, without_write_lock
from tests.factories import Shop, unique_vin


def race_to_read(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], list[int]]:
    """Record 200 and 100 at once; the meeting is where both fit. Return the statuses, and what is kept in order."""
    car = shop.make_vehicle().id
    monkeypatch.setattr(odometer, "_require_in_order", meeting.after(odometer._require_in_order))
    path = f"/vehicles/{car}/readings"

    answers = race(
        *(partial(shop.owner.post, path, json={"value": value, "unit": "km"}) for value in (200, 100))
    )

    with shop.inside():
        kept = db.session.scalars(
            select(OdometerReading.value)
            .where(OdometerReading.vehicle_id == car)
            .order_by(OdometerReading.read_at)
        ).all()
    return sorted(answer.status_code for answer in answers), list(kept)


def test_two_readings_at_once_never_run_backwards(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Meeting(2)

    statuses, kept = race_to_read(shop, meeting, monkeypatch)

    assert statuses in ([201, 201], [201, 409])
    assert not meeting.was_held
    assert len(kept) == statuses.count(201)


def test_control_without_the_row_lock_both_fit_where_one_does_not(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, vehicles)

    with without_write_lock(app):
        statuses, _ = race_to_read(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert statuses == [201, 201]


def test_two_who_add_one_car_give_one_201_and_one_409(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    vin, meeting = unique_vin(), Meeting(2)
    monkeypatch.setattr(keeping, "_flush", meeting.before(keeping._flush))
    body = {"VIN": vin, "customer_id": shop.customer_id}

    answers = race(*(partial(shop.owner.post, "/vehicles", json=body) for _ in range(2)))

    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert count(shop, vin) == 1


def test_control_without_the_index_there_are_two(
    lax_shop: Shop, without_vin_index: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    vin, body = unique_vin(), {"customer_id": lax_shop.customer_id}
    body = {"VIN": vin, "customer_id": lax_shop.customer_id}

    answers = race(*(partial(lax_shop.owner.post, "/vehicles", json=body) for _ in range(2)))

    assert [answer.status_code for answer in answers] == [201, 201]
    assert count(lax_shop, vin) == 2


def count(shop: Shop, vin: str) -> int:
    with shop.inside():
        same = select(func.count()).select_from(Vehicle).where(Vehicle.vin_digest == vehicles.digest(vin))
        return db.session.scalar(same) or 0


def test_a_car_that_is_deleted_as_a_ticket_is_opened_for_it_is_kept_for_that_or_made_anew(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    car = shop.make_vehicle()
    meeting = Meeting(2)
    monkeypatch.setattr(keeping, "_is_deleted", meeting.before(keeping._is_deleted))
    monkeypatch.setattr(tickets.vehicles, "find_or_make", meeting.before(vehicles.find_or_make))
    body = {
        "VIN": car.vin, "service_date": "2026-03-02", "service_desc": "Brakes", "customer_id": shop.customer_id,
    }  # fmt: skip

    deleted, opened = race(
        partial(shop.owner.delete, f"/vehicles/{car.id}"),
        partial(shop.mechanic.post, "/service_tickets", json=body),
    )

    assert deleted.status_code in (200, 409)  # whose ticket was there first stays in use
    assert opened.status_code == 201
    assert shop.owner.get(f"/service_tickets/{opened.json['id']}").json["VIN"] == car.vin


def race_to_archive(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, *, only_when_opened: bool
) -> tuple[list[int], bool]:
    """Archive a car and open a ticket for it at once, from where no ticket was seen on; `only_when_opened`: in that order.

    Return the statuses, and whether the ticket's car is archived.
    """
    car, opened, meeting = (
        shop.make_vehicle(odometer_value=10, odometer_unit="km"),
        threading.Event(),
        Meeting(2),
    )
    seen = meeting.after(handlers.open_tickets, and_then=opened if only_when_opened else None)
    monkeypatch.setattr(handlers, "open_tickets", seen)
    monkeypatch.setattr(tickets.vehicles, "find_or_make", meeting.before(vehicles.find_or_make))
    body = {
        "VIN": car.vin, "service_date": "2026-03-02", "service_desc": "Brakes", "customer_id": shop.customer_id,
    }  # fmt: skip

    answers = race(
        partial(shop.owner.delete, f"/vehicles/{car.id}"),
        telling(opened, partial(shop.mechanic.post, "/service_tickets", json=body)),
    )

    brought = shop.owner.get(f"/vehicles/{answers[1].json['vehicle_id']}").json
    assert brought["id"] == car.id
    return [answer.status_code for answer in answers], brought["archived"]


def test_a_car_that_is_archived_as_a_ticket_is_opened_for_it_stays_or_comes_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses, is_archived = race_to_archive(shop, monkeypatch, only_when_opened=False)

    assert statuses in ([200, 201], [409, 201])
    assert not is_archived


def test_control_without_the_row_lock_an_archived_car_has_an_open_ticket(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, on_postgresql: bool
) -> None:
    if not on_postgresql:
        pytest.skip("On SQLite the deletion that is tried first takes the write lock already.")
    without_row_locks(monkeypatch, vehicles)

    statuses, is_archived = race_to_archive(shop, monkeypatch, only_when_opened=True)

    assert (statuses, is_archived) == ([200, 201], True)


@pytest.mark.parametrize("_again", range(3))
def test_an_erasure_amid_plates_tickets_and_readings_waits_in_no_circle(shop: Shop, _again: int) -> None:
    """Each takes the vehicle, then the customer, then the plates; the erasure has the customer and wants the plates."""
    customer = shop.make_customer().id
    car = shop.make_vehicle(customer_id=customer, plate="GD 1")
    path = f"/vehicles/{car.id}"
    ticket = {
        "VIN": car.vin, "service_date": "2026-03-02", "service_desc": "Brakes", "customer_id": customer,
    }  # fmt: skip

    answers = race(
        partial(shop.owner.delete, f"/customers/{customer}"),
        partial(shop.owner.patch, path, json={"plate": "GD 2"}),
        partial(shop.mechanic.post, "/service_tickets", json=ticket),
        partial(shop.mechanic.post, f"{path}/readings", json={"value": 1, "unit": "km"}),
        partial(shop.owner.post, f"{path}/transfer", json={"customer_id": shop.customer_id}),
    )

    assert {answer.status_code for answer in answers} <= {200, 201, 404, 409}
    assert answers[0].status_code == 200
    with shop.inside():
        theirs = select(func.count()).select_from(VehiclePlate).where(VehiclePlate.customer_id == customer)
        assert db.session.scalar(theirs) == 0


def test_two_who_change_a_plate_at_once_leave_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    car, meeting = shop.make_vehicle(plate="GD 1").id, Meeting(2)
    monkeypatch.setattr(plates, "take_off", meeting.before(plates.take_off))

    answers = race(
        *(partial(shop.owner.patch, f"/vehicles/{car}", json={"plate": plate}) for plate in ("GD 2", "GD 3"))
    )

    assert [answer.status_code for answer in answers] == [200, 200]
    listed = shop.owner.get(f"/vehicles/{car}/plates").json
    assert [one["until"] is None for one in listed] == [True, False, False]
    assert not meeting.was_held
