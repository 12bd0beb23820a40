"""A car that is here or expected is not archived, and one that was archived comes back with the visit that brings it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.blueprints.vehicles.models import MaintenanceInterval
from app.core.audit import AuditEntry
from app.extensions import db
from tests.factories import Shop
from tests.service_tickets.life import WAY_TO, bring

OVER = ("delivered", "cancelled")


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def ticket_of(shop: Shop, vin: str, status: str = "booked", **overrides: Any) -> dict[str, Any]:
    ticket = shop.make_ticket(VIN=vin, **overrides)
    bring(shop, f"/service_tickets/{ticket['id']}", status)
    return ticket


def archived(shop: Shop, **overrides: Any) -> Any:
    """Make a vehicle with a history, archive it, and return it."""
    car = shop.make_vehicle(odometer_value=10, odometer_unit="km", **overrides)
    assert "archived" in shop.owner.delete(f"/vehicles/{car.id}").json["message"]
    return car


class TestOneAtWork:
    @pytest.mark.parametrize("status", [status for status in WAY_TO if status not in OVER])
    def test_is_not_archived_by_anybody(self, shop: Shop, status: str) -> None:
        car = shop.make_vehicle()
        ticket = ticket_of(shop, car.vin, status)

        for caller in (shop.customer, shop.mechanic, shop.owner):
            answer = caller.delete(f"/vehicles/{car.id}")
            assert refused(answer) == (409, "vehicle_has_open_tickets")
            assert answer.json["detail"] == f"Open: {ticket['number']}."
        assert shop.customer.get(f"/vehicles/{car.id}").json["archived"] is False

    @pytest.mark.parametrize("status", OVER)
    def test_is_archived_once_the_visit_is_over(self, shop: Shop, status: str) -> None:
        car = shop.make_vehicle()
        ticket_of(shop, car.vin, status)

        assert "archived" in shop.customer.delete(f"/vehicles/{car.id}").json["message"]

    def test_at_anothers_visit_does_not_tell_its_keeper_of_that(self, shop: Shop) -> None:
        car = shop.make_vehicle()
        borrowed = ticket_of(shop, car.vin, customer_id=shop.other_customer_id)

        kept, told = (caller.delete(f"/vehicles/{car.id}") for caller in (shop.customer, shop.owner))

        assert refused(kept) == refused(told) == (409, "vehicle_has_open_tickets")
        assert (kept.json["detail"], told.json["detail"]) == (
            "Ask the workshop.",
            f"Open: {borrowed['number']}.",
        )


class TestOneThatWasArchived:
    def test_comes_back_with_its_history_by_a_ticket_of_its_keepers(self, shop: Shop) -> None:
        car = archived(shop, plate="GD 1")
        yearly = {"title": "Oil", "every_months": 12, "last_done_on": "2026-03-02"}

        ticket = shop.make_ticket(VIN=car.vin)

        assert (ticket["vehicle_id"], ticket["warnings"]) == (car.id, [])
        shown = shop.customer.get(f"/vehicles/{car.id}").json
        assert (shown["archived"], shown["odometer"], shown["plate"]) == (False, 10, "GD 1")
        assert [one["id"] for one in shop.owner.get(f"/vehicles?vin={car.vin}").json] == [car.id]
        assert shop.owner.get("/vehicles?archived=true").json == []
        assert shop.owner.post(f"/vehicles/{car.id}/maintenance", json=yearly).status_code == 201

    def test_is_noted_in_the_log_and_its_version_counts_it(self, shop: Shop) -> None:
        car = archived(shop)
        before = shop.owner.get(f"/vehicles/{car.id}").headers["ETag"]

        shop.make_ticket(VIN=car.vin)

        assert shop.owner.get(f"/vehicles/{car.id}").headers["ETag"] != before
        with shop.inside():
            noted = select(AuditEntry.action).where(AuditEntry.subject_id == car.id)
            assert "vehicle.restored" in db.session.scalars(noted).all()

    @pytest.mark.parametrize(("is_keepers", "is_looked_at"), [(True, True), (False, False)])
    def test_reminds_its_keeper_again_where_it_is_they_who_bring_it(
        self, shop: Shop, is_keepers: bool, is_looked_at: bool
    ) -> None:
        car = shop.make_vehicle(odometer_value=10, odometer_unit="km")
        yearly = {"title": "Oil", "every_months": 12, "last_done_on": "2026-03-02"}
        shop.owner.post(f"/vehicles/{car.id}/maintenance", json=yearly)
        shop.owner.delete(f"/vehicles/{car.id}")
        with shop.inside():
            db.session.connection().execute(MaintenanceInterval.__table__.update().values(next_look_on=None))  # type: ignore[attr-defined]
            db.session.commit()

        shop.make_ticket(VIN=car.vin, customer_id=shop.customer_id if is_keepers else shop.other_customer_id)

        with shop.inside():
            [day] = db.session.scalars(
                select(MaintenanceInterval.next_look_on).where(MaintenanceInterval.vehicle_id == car.id)
            )
        assert (day is not None) is is_looked_at

    @pytest.mark.parametrize("by", ["mechanic", "other_customer"])
    def test_comes_back_to_its_keeper_whoever_brings_it_and_staff_are_told(self, shop: Shop, by: str) -> None:
        car = archived(shop, plate="GD 1")
        body = {
            "VIN": car.vin, "service_date": "2026-04-01", "service_desc": "Tyres",
            "customer_id": shop.other_customer_id,
        }  # fmt: skip

        made = getattr(shop, by).post("/service_tickets", json=body)

        path = f"/service_tickets/{made.json['id']}"
        warning = f"Vehicle {car.id} is another customer's: hand it over if it changed hands."
        assert made.json["vehicle_id"] == car.id
        assert made.json["warnings"] == ([warning] if by == "mechanic" else [])
        assert shop.mechanic.get(path).json["warnings"] == [warning]
        assert shop.other_customer.get(path).json["warnings"] == []
        assert shop.owner.get(f"/vehicles/{car.id}").json["customer_id"] == shop.customer_id
        assert refused(shop.other_customer.get(f"/vehicles/{car.id}")) == (403, "not_your_vehicle")
        shop.owner.post(f"/vehicles/{car.id}/transfer", json={"customer_id": shop.other_customer_id})
        assert shop.mechanic.get(path).json["warnings"] == []

    def test_of_two_records_it_is_the_customers_own_that_comes_back(self, shop: Shop) -> None:
        own = archived(shop)
        archived(shop, VIN=own.vin, customer_id=shop.other_customer_id)

        assert shop.make_ticket(VIN=own.vin)["vehicle_id"] == own.id

    def test_comes_back_when_a_ticket_is_given_its_number(self, shop: Shop) -> None:
        car, ticket = archived(shop), shop.make_ticket()

        changed = shop.owner.patch(f"/service_tickets/{ticket['id']}", json={"VIN": car.vin})

        assert changed.json["vehicle_id"] == car.id
        assert shop.owner.get(f"/vehicles/{car.id}").json["archived"] is False

    def test_stays_where_another_workshop_opens_a_ticket(self, shop: Shop, other_shop: Shop) -> None:
        car = archived(shop)

        other_shop.make_ticket(VIN=car.vin)

        assert shop.owner.get(f"/vehicles/{car.id}").json["archived"] is True
