"""Tickets opened at once: each gets a number of its own, without a gap, and one new car is recorded once."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.blueprints.service_tickets import service as tickets
from app.blueprints.service_tickets import writing
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.models import Vehicle
from app.blueprints.workshops.models import Counter
from app.core.db import atomic
from app.extensions import db
from tests.concurrency.racing import Meeting, race, without_write_lock
from tests.factories import Shop, unique_vin


def open_one(shop: Shop, vin: str) -> TestResponse:
    ticket = {
        "VIN": vin,
        "service_date": "2026-03-02",
        "service_desc": "Brakes",
        "customer_id": shop.customer_id,
    }
    return shop.owner.post("/service_tickets", json=ticket)


# ---- Numbers ----------------------------------------------------------------------------------------------------


def race_for_numbers(shop: Shop, openers: int) -> list[int]:
    """Open a ticket, then `openers` at once; return their numbers."""
    assert open_one(shop, unique_vin()).json["number"] == 1

    answers = race(*(partial(open_one, shop, unique_vin()) for _ in range(openers)))

    assert [answer.status_code for answer in answers] == [201] * openers
    return sorted(answer.json["number"] for answer in answers)


def test_thirty_tickets_opened_at_once_are_numbered_without_a_gap(shop: Shop) -> None:
    assert race_for_numbers(shop, 30) == list(range(2, 32))


def test_control_reading_the_counter_before_raising_it_gives_one_number_four_times(
    lax_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(4)

    def read_then_write(customer_id: int) -> tuple[int, str]:
        last = db.session.scalar(select(Counter.value).where(Counter.series == "service_tickets")) or 0
        if last:
            meeting.wait()
        with atomic() as session:
            session.merge(Counter(workshop_id=lax_shop.id, series="service_tickets", value=last + 1))
        return last + 1, "Somebody"

    monkeypatch.setattr(writing, "next_number", read_then_write)
    with without_write_lock(lax_shop.app):
        given = race_for_numbers(lax_shop, 4)

    assert meeting.was_held
    assert given == [2, 2, 2, 2]


# ---- Vehicles ---------------------------------------------------------------------------------------------------


def race_with_one_car(
    shop: Shop, openers: int, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], int]:
    """Open `openers` tickets for one new car; the meeting is where it is looked for. Count its records afterwards."""
    vin = unique_vin()
    monkeypatch.setattr(tickets.vehicles, "find_or_make", meeting.before(vehicles.find_or_make))

    answers = race(*(partial(open_one, shop, vin) for _ in range(openers)))

    with shop.inside():
        known = db.session.scalars(select(Vehicle.id).where(Vehicle.vin_digest == vehicles.digest(vin))).all()
    return [answer.status_code for answer in answers], len(known)


def test_tickets_opened_at_once_for_one_new_car_make_one_vehicle(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses, vehicles_made = race_with_one_car(shop, 4, Meeting(4), monkeypatch)

    assert statuses == [201] * 4
    assert vehicles_made == 1


def test_control_looking_for_the_car_before_recording_it_makes_four(
    lax_shop: Shop, without_vin_index: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting, nowhere = Meeting(4), Meeting(1)

    def read_then_write(customer_id: int, vin: str) -> int:
        fields: dict[str, Any] = {
            "vin_digest": vehicles.digest(vin),
            "vin_tail_digest": vehicles.tail_digest(vin),
        }
        vehicle = db.session.scalar(select(Vehicle).where(Vehicle.vin_digest == fields["vin_digest"]))
        meeting.wait()
        if vehicle is None:
            vehicle = Vehicle(workshop_id=lax_shop.id, customer_id=customer_id, vin=vin, **fields)
            db.session.add(vehicle)
            db.session.flush()
        return vehicle.id

    monkeypatch.setattr(vehicles, "find_or_make", read_then_write)
    with without_write_lock(lax_shop.app):
        statuses, vehicles_made = race_with_one_car(lax_shop, 4, nowhere, monkeypatch)

    assert meeting.was_held
    assert statuses == [201] * 4
    assert vehicles_made == 4
