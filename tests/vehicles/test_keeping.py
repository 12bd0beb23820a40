"""A vehicle's record: made with its keeper, shown, changed, and archived once it has a history."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from app.blueprints.vehicles.models import Vehicle, VehiclePlate
from app.core.audit import AuditEntry
from app.extensions import db
from tests.factories import Shop, unique, unique_vin
from tests.service_tickets.life import ticket_in

ACCORD: dict[str, Any] = {
    "VIN": "1HGCM82633A004352", "plate": "GD 2137K", "make": "Honda", "model": "Accord", "year": 2003, "fuel_type": "petrol",
    "transmission": "manual", "engine_capacity_cc": 2354, "engine_power_kw": 118, "colour": "Silver", "odometer_unit": "mi",
}  # fmt: skip


class TestAdding:
    def test_keeps_all_that_is_told_and_shows_it(self, shop: Shop) -> None:
        made = shop.mechanic.post("/vehicles", json={**ACCORD, "customer_id": shop.customer_id})

        assert made.status_code == 201
        assert {name: made.json[name] for name in ACCORD} == ACCORD
        assert made.json["customer_id"] == shop.customer_id
        assert (made.json["odometer"], made.json["odometer_read_at"], made.json["archived"]) == (
            None,
            None,
            False,
        )
        assert made.headers["Location"] == f"/vehicles/{made.json['id']}"
        assert shop.mechanic.get(made.headers["Location"]).json == made.json
        assert made.headers["ETag"].startswith('"1-')

    def test_needs_no_more_than_a_vin_and_a_keeper(self, shop: Shop) -> None:
        body = {"VIN": " wvwzzz1jz 3w386752 ", "customer_id": shop.customer_id}

        made = shop.owner.post("/vehicles", json=body)

        assert made.json["VIN"] == "WVWZZZ1JZ3W386752"
        assert {made.json[name] for name in ACCORD if name != "VIN"} == {None}

    def test_with_an_odometer_begins_its_readings(self, shop: Shop) -> None:
        body = {**ACCORD, "VIN": unique_vin(), "customer_id": shop.customer_id, "odometer": 84_200}

        made = shop.owner.post("/vehicles", json=body)

        assert (made.json["odometer"], made.json["odometer_unit"]) == (84_200, "mi")
        [reading] = shop.owner.get(f"/vehicles/{made.json['id']}/readings").json
        assert (reading["value"], reading["unit"], reading["source"]) == (84_200, "mi", "dashboard")
        assert made.headers["ETag"].startswith('"1-')

    def test_brings_a_new_customer_with_it(self, shop: Shop) -> None:
        newcomer = {"name": "Nora New", "phone": "+48601602603", "email": f"{unique('nora')}@example.com"}

        made = shop.mechanic.post("/vehicles", json={"VIN": unique_vin(), "customer": newcomer})

        assert made.status_code == 201
        keeper = shop.owner.get(f"/customers/{made.json['customer_id']}").json
        assert {name: keeper[name] for name in newcomer} == newcomer

    def test_of_a_car_that_is_here_records_no_customer_either(self, shop: Shop) -> None:
        vin, email = unique_vin(), f"{unique('nora')}@example.com"
        shop.make_vehicle(VIN=vin)

        made = shop.owner.post("/vehicles", json={"VIN": vin, "customer": {"name": "Nora", "email": email}})

        assert (made.status_code, made.json["code"]) == (409, "vin_taken")
        assert shop.owner.get(f"/customers?email={email}").json == []

    @pytest.mark.parametrize(
        ("keeper", "told"),
        [
            ({}, "Missing data for required field, or `customer`."),
            ({"customer_id": 1, "customer": {"name": "Nora"}}, "Not together with `customer`."),
        ],
    )
    def test_by_staff_needs_one_keeper(self, shop: Shop, keeper: dict[str, Any], told: str) -> None:
        answer = shop.owner.post("/vehicles", json={"VIN": unique_vin(), **keeper})

        assert (answer.status_code, answer.json["errors"]) == (400, {"customer_id": [told]})

    def test_for_an_unknown_or_erased_customer_is_404(self, shop: Shop) -> None:
        erased = shop.make_customer().id
        assert shop.owner.delete(f"/customers/{erased}").status_code == 200

        for customer_id in (erased, 9_000_000_000):
            answer = shop.owner.post("/vehicles", json={"VIN": unique_vin(), "customer_id": customer_id})
            assert (answer.status_code, answer.json["code"]) == (404, "customer_not_found")

    def test_by_a_customer_is_of_their_own(self, shop: Shop) -> None:
        made = shop.customer.post("/vehicles", json={"VIN": unique_vin(), "plate": "GD 1"})

        assert (made.status_code, made.json["customer_id"]) == (201, shop.customer_id)
        for body in ({"customer_id": shop.other_customer_id}, {"customer": {"name": "Nora"}}):
            answer = shop.customer.post("/vehicles", json={"VIN": unique_vin(), **body})
            assert (answer.status_code, answer.json["code"]) == (403, "not_your_vehicle")

    def test_a_new_customer_is_for_who_may_record_one(self, shop: Shop) -> None:
        desk = shop.make_staff("vehicles:write")

        answer = desk.post("/vehicles", json={"VIN": unique_vin(), "customer": {"name": "Nora"}})

        assert (answer.status_code, answer.json["code"]) == (403, "not_allowed")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("VIN", "1HGCM82633A00435"[:2]), ("year", 1885), ("year", 2101), ("year", 2090), ("fuel_type", "coal"),
            ("transmission", "chain"), ("engine_capacity_cc", 0), ("engine_power_kw", -1), ("odometer_unit", "m"),
            ("plate", ""), ("plate", " - "), ("plate", "X" * 21), ("plate", "ß" * 20), ("make", ""), ("colour", "C" * 41),
            ("odometer", -1), ("archived", True), ("owner", "Ada"),
        ],
    )  # fmt: skip
    def test_refuses_what_no_car_has(self, shop: Shop, field: str, value: Any) -> None:
        body = {**ACCORD, "customer_id": shop.customer_id, field: value}

        answer = shop.owner.post("/vehicles", json=body)

        assert answer.status_code == 400
        assert field in answer.json["errors"]

    def test_an_odometer_needs_its_unit(self, shop: Shop) -> None:
        body = {"VIN": unique_vin(), "customer_id": shop.customer_id, "odometer": 84_200}

        answer = shop.owner.post("/vehicles", json=body)

        assert answer.json["errors"] == {"odometer_unit": ["Needed with `odometer`."]}

    def test_a_vin_is_one_active_vehicles_in_the_workshop(self, shop: Shop, other_shop: Shop) -> None:
        vin = unique_vin()
        shop.make_vehicle(VIN=vin)

        again = shop.owner.post("/vehicles", json={"VIN": vin.lower(), "customer_id": shop.other_customer_id})
        by_customer = shop.other_customer.post("/vehicles", json={"VIN": vin})
        elsewhere = other_shop.owner.post(
            "/vehicles", json={"VIN": vin, "customer_id": other_shop.customer_id}
        )

        for answer in (again, by_customer):
            assert (answer.status_code, answer.json["code"]) == (409, "vin_taken")
        assert elsewhere.status_code == 201

    def test_a_ticket_finds_the_car_that_was_added(self, shop: Shop) -> None:
        car = shop.make_vehicle(VIN=unique_vin(), make="Honda")

        shop.make_ticket(VIN=car.vin)

        assert [row["make"] for row in shop.owner.get(f"/vehicles?vin={car.vin}").json] == ["Honda"]


class TestHints:
    def test_of_a_vin_are_proposed_and_written_to_nothing(self, shop: Shop) -> None:
        made = shop.owner.post(
            "/vehicles", json={"VIN": "1HGCM82633A004352", "customer_id": shop.customer_id}
        )

        assert made.json["hints"] == {"make": "Honda", "country": "United States", "years": [2003]}
        assert (made.json["make"], made.json["year"], made.json["warnings"]) == (None, None, [])

    @pytest.mark.parametrize(
        ("vin", "hints"),
        [
            ("9F02M123456", None),
            ("WVWZZZ1JZ00000012", {"make": "Volkswagen", "country": "Germany", "years": []}),
            ("JTDKARFU3J3000001", {"make": "Toyota", "country": "Japan", "years": [1988, 2018]}),
            ("00000000000000000", {"make": "Maserati", "country": None, "years": []}),
        ],
    )
    def test_may_be_few_or_none(self, shop: Shop, vin: str, hints: Any) -> None:
        car = shop.make_vehicle(VIN=vin)

        assert shop.owner.get(f"/vehicles/{car.id}").json["hints"] == hints

    def test_a_check_digit_that_is_off_is_warned_of(self, shop: Shop) -> None:
        car = shop.make_vehicle(VIN="1HGCM82633A004353")

        assert "check digit" in shop.owner.get(f"/vehicles/{car.id}").json["warnings"][0]


class TestShowing:
    def test_a_customer_sees_their_own_alone(self, shop: Shop) -> None:
        car = shop.make_vehicle()

        assert shop.customer.get(f"/vehicles/{car.id}").json["VIN"] == car.vin
        answer = shop.other_customer.get(f"/vehicles/{car.id}")
        assert (answer.status_code, answer.json["code"]) == (403, "not_your_vehicle")

    def test_what_is_not_here_is_404(self, shop: Shop, other_shop: Shop) -> None:
        elsewhere = other_shop.make_vehicle().id

        for vehicle_id in (elsewhere, 9_000_000_000):
            answer = shop.owner.get(f"/vehicles/{vehicle_id}")
            assert (answer.status_code, answer.json["code"]) == (404, "vehicle_not_found")

    def test_who_has_it_already_is_told_so(self, shop: Shop) -> None:
        path = f"/vehicles/{shop.make_vehicle().id}"
        tag = shop.owner.get(path).headers["ETag"]

        assert shop.owner.get(path, headers={"If-None-Match": tag}).status_code == 304


class TestChanging:
    def test_a_part_leaves_the_rest(self, shop: Shop) -> None:
        car = shop.make_vehicle(**ACCORD)

        changed = shop.mechanic.patch(f"/vehicles/{car.id}", json={"colour": "Red", "year": None})

        assert {**{name: changed.json[name] for name in ACCORD}} == {**ACCORD, "colour": "Red", "year": None}
        assert changed.headers["ETag"].startswith('"2-')

    def test_the_whole_empties_what_is_left_out(self, shop: Shop) -> None:
        car = shop.make_vehicle(**ACCORD)

        changed = shop.mechanic.put(f"/vehicles/{car.id}", json={"VIN": ACCORD["VIN"], "make": "Honda"})

        emptied = {name: changed.json[name] for name in ACCORD if name not in ("VIN", "make")}
        assert set(emptied.values()) == {None}
        assert (changed.json["VIN"], changed.json["make"]) == (ACCORD["VIN"], "Honda")

    def test_the_unit_of_an_odometer_that_was_read_stays_or_becomes_the_other(self, shop: Shop) -> None:
        car = shop.make_vehicle(odometer_value=100_000, odometer_unit="km")
        path = f"/vehicles/{car.id}"

        emptied = shop.owner.put(path, json={"VIN": car.vin}).json
        turned = shop.owner.patch(path, json={"odometer_unit": "mi"}).json
        back = shop.owner.patch(path, json={"odometer_unit": "km"}).json

        shown = [(one["odometer"], one["odometer_unit"]) for one in (emptied, turned, back)]
        assert shown == [(100_000, "km"), (62_137, "mi"), (100_000, "km")]

    def test_several_things_at_once_are_one_version(self, shop: Shop) -> None:
        car = shop.make_vehicle(plate="GD 1")

        changed = shop.owner.patch(f"/vehicles/{car.id}", json={"plate": "GD 2", "colour": "Red"})

        assert changed.headers["ETag"].startswith('"2-')

    def test_a_version_that_is_not_the_present_one_changes_nothing(self, shop: Shop) -> None:
        path = f"/vehicles/{shop.make_vehicle().id}"
        tag = shop.owner.get(path).headers["ETag"]
        shop.owner.patch(path, json={"colour": "Red"})

        for answer in (
            shop.owner.patch(path, json={"colour": "Blue"}, headers={"If-Match": tag}),
            shop.owner.delete(path, headers={"If-Match": tag}),
            shop.owner.post(
                f"{path}/transfer", json={"customer_id": shop.other_customer_id}, headers={"If-Match": tag}
            ),
        ):
            assert (answer.status_code, answer.json["code"]) == (412, "stale")
        assert shop.owner.get(path).json["colour"] == "Red"

    def test_a_vin_that_was_misread_is_corrected_by_the_workshop(self, shop: Shop) -> None:
        misread, right = unique_vin(), unique_vin()
        ticket = shop.make_ticket(VIN=misread)
        [car] = shop.owner.get(f"/vehicles?vin={misread}").json

        refused = shop.customer.patch(f"/vehicles/{car['id']}", json={"VIN": right})
        corrected = shop.mechanic.patch(f"/vehicles/{car['id']}", json={"VIN": right})

        assert (refused.status_code, refused.json["code"]) == (403, "not_allowed")
        assert corrected.json["VIN"] == right
        assert shop.owner.get(f"/service_tickets/{ticket['id']}").json["VIN"] == right
        assert [row["id"] for row in shop.owner.get(f"/vehicles?vin={right[-6:]}").json] == [car["id"]]
        assert shop.owner.get(f"/vehicles?vin={misread}").json == []

    def test_a_vin_that_another_has_is_refused(self, shop: Shop) -> None:
        first, second = shop.make_vehicle(), shop.make_vehicle()

        answer = shop.owner.patch(f"/vehicles/{second.id}", json={"VIN": first.vin})

        assert (answer.status_code, answer.json["code"]) == (409, "vin_taken")

    def test_a_customer_changes_their_own_with_its_vin_as_it_is(self, shop: Shop) -> None:
        car = shop.make_vehicle()

        changed = shop.customer.put(f"/vehicles/{car.id}", json={"VIN": car.vin.lower(), "colour": "Red"})

        assert (changed.status_code, changed.json["colour"]) == (200, "Red")
        assert shop.other_customer.patch(f"/vehicles/{car.id}", json={"colour": "Red"}).status_code == 403

    def test_what_changed_is_in_the_log_and_readable_to_the_owner_alone(self, shop: Shop) -> None:
        car = shop.make_vehicle(**ACCORD)
        shop.owner.patch(f"/vehicles/{car.id}", json={"colour": "Red", "plate": "GD 999"})

        entries = shop.owner.get(f"/audit?subject_kind=vehicle&subject_id={car.id}").json

        changed = next(entry for entry in entries if entry["action"] == "vehicle.updated")
        assert changed["before"] == {"colour": "Silver", "plate": "GD 2137K"}
        assert changed["after"] == {"colour": "Red", "plate": "GD 999"}
        with shop.inside():
            kept = db.session.scalars(select(AuditEntry.details).where(AuditEntry.subject_id == car.id)).all()
        assert not [text for text in kept if text and ("2137K" in text or ACCORD["VIN"] in text)]


class TestRemoving:
    def test_one_without_a_history_is_gone_with_its_plates(self, shop: Shop) -> None:
        car = shop.make_vehicle(plate="GD 1")
        shop.owner.get(f"/vehicles/{car.id}")

        answer = shop.owner.delete(f"/vehicles/{car.id}")

        assert (answer.status_code, answer.json) == (200, {"message": f"Vehicle {car.id} deleted."})
        assert shop.owner.get(f"/vehicles/{car.id}").status_code == 404
        with shop.inside():
            assert (
                db.session.scalar(select(func.count()).where(VehiclePlate.vehicle_id == car.id)),
                db.session.get(Vehicle, car.id),
            ) == (0, None)

    @pytest.mark.parametrize("history", ["ticket", "reading", "transfer"])
    def test_one_with_a_history_is_archived(self, shop: Shop, history: str) -> None:
        car = shop.make_vehicle()
        path = f"/vehicles/{car.id}"
        if history == "ticket":
            ticket_in(shop, "cancelled", VIN=car.vin)
        elif history == "reading":
            assert shop.owner.post(f"{path}/readings", json={"value": 1, "unit": "km"}).status_code == 201
        else:
            moved = shop.owner.post(f"{path}/transfer", json={"customer_id": shop.other_customer_id})
            assert moved.status_code == 200

        answer = shop.owner.delete(path)

        told = f"Vehicle {car.id} archived: it has a history."
        assert (answer.status_code, answer.json) == (200, {"message": told})
        assert shop.owner.get(path).json["archived"] is True
        assert shop.owner.get("/vehicles").json == []
        assert [row["id"] for row in shop.owner.get("/vehicles?archived=true").json] == [car.id]

    def test_an_archived_one_is_changed_no_more_and_gives_its_vin_to_a_new_record(self, shop: Shop) -> None:
        car = shop.make_vehicle()
        path = f"/vehicles/{car.id}"
        ticket_in(shop, "delivered", VIN=car.vin)
        shop.owner.delete(path)

        for answer in (
            shop.owner.patch(path, json={"colour": "Red"}),
            shop.owner.delete(path),
            shop.owner.post(f"{path}/readings", json={"value": 1, "unit": "km"}),
            shop.owner.post(f"{path}/transfer", json={"customer_id": shop.other_customer_id}),
        ):
            assert (answer.status_code, answer.json["code"]) == (409, "vehicle_archived")
        assert shop.make_vehicle(VIN=car.vin).id != car.id

    def test_a_customer_removes_their_own_alone(self, shop: Shop) -> None:
        car = shop.make_vehicle()

        assert shop.other_customer.delete(f"/vehicles/{car.id}").status_code == 403
        assert shop.customer.delete(f"/vehicles/{car.id}").status_code == 200
