"""GET /audit: who changed what, from what to what, as far as the people in it have not been erased."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
import time_machine

from app.core import chain
from tests.factories import PASSWORD, Shop, unique, unique_vin


def last(shop: Shop, **query: Any) -> dict[str, Any]:
    entry: dict[str, Any] = shop.owner.get("/audit", query_string={"per_page": 1, **query}).json[0]
    return entry


def actions(shop: Shop, **query: Any) -> list[str]:
    return [entry["action"] for entry in shop.owner.get("/audit", query_string=query).json]


class TestAnEntry:
    def test_says_who_what_before_after_when_and_by_which_request(self, shop: Shop) -> None:
        part = shop.make_part()
        assert shop.owner.principal is not None
        request_id = unique("request-")

        with time_machine.travel(datetime(2026, 11, 21, 9, 30, tzinfo=UTC), tick=False):
            shop.owner.patch(
                f"/inventory/{part.id}", json={"price": "21.50"}, headers={"X-Request-Id": request_id}
            )

        entry = last(shop)
        assert len(entry.pop("hash")) == 2 * len(chain.BEGINNING)
        assert entry.pop("id") > 1
        assert entry == {
            "at": "2026-11-21T09:30:00Z", "account_id": shop.owner.principal.account_id, "role": "owner",
            "action": "part.updated", "subject_kind": "part", "subject_id": part.id,
            "before": {"price": "19.99"}, "after": {"price": "21.50"}, "erased": False, "request_id": request_id,
            "key_id": None,
        }  # fmt: skip

    def test_of_a_change_that_changes_nothing_is_not_made(self, shop: Shop) -> None:
        part = shop.make_part()
        before = last(shop)["id"]

        answer = shop.owner.patch(f"/inventory/{part.id}", json={"name": part.name})

        assert (answer.status_code, last(shop)["id"]) == (200, before)

    def test_of_a_refused_change_is_not_made(self, shop: Shop) -> None:
        taken = shop.make_part(sku="TAKEN").sku
        part = shop.make_part()
        before = last(shop)["id"]

        answer = shop.owner.patch(f"/inventory/{part.id}", json={"sku": taken})

        assert (answer.status_code, last(shop)["id"]) == (409, before)

    def test_is_made_once_for_a_request_that_is_sent_twice(self, shop: Shop) -> None:
        before = last(shop)["id"]

        for _ in range(2):
            shop.owner.post(
                "/inventory", json={"name": "Filter", "price": 1}, headers={"Idempotency-Key": "twice"}
            )

        assert last(shop)["id"] == before + 1

    def test_of_a_customer_tells_what_changed(self, shop: Shop) -> None:
        customer = shop.make_customer(name="Ada Obi", email=None)

        shop.owner.patch(f"/customers/{customer.id}", json={"name": "Ada Okafor"})

        entry = last(shop)
        assert (entry["before"], entry["after"]) == ({"name": "Ada Obi"}, {"name": "Ada Okafor"})

    def test_of_a_changed_password_has_it_not(self, shop: Shop) -> None:
        shop.customer.patch("/customers", json={"password": "another-horse-battery"})

        entry = last(shop, action="account.sign_in_changed")
        assert (entry["before"], entry["after"]) == (None, {"password": "changed"})
        assert "horse" not in shop.owner.get("/audit?per_page=100").get_data(as_text=True)

    def test_of_a_ticket_names_people_and_cars_by_id_alone(self, shop: Shop) -> None:
        vin = unique_vin()
        ticket = shop.make_ticket(VIN=vin)

        entry = last(shop)
        assert entry["action"] == "ticket.opened"
        assert set(entry["after"]) == {
            "number", "customer_id", "vehicle_id", "service_date", "service_desc", "status",
        }  # fmt: skip
        assert entry["subject_id"] == ticket["id"]

    def test_of_an_edit_tells_what_went_off_and_what_went_on(self, shop: Shop) -> None:
        ticket, part = shop.make_ticket()["id"], shop.make_part(on_hand=9).id
        gone, come = shop.mechanic_id, shop.make_mechanic().id
        shop.owner.put(f"/service_tickets/{ticket}/edit", json={"add_mechanic_ids": [gone]})

        shop.owner.put(
            f"/service_tickets/{ticket}/edit",
            json={"add_mechanic_ids": [come], "remove_mechanic_ids": [gone], "add_item_ids": [part, part]},
        )

        parts, mechanics = shop.owner.get("/audit?per_page=2").json
        assert (mechanics["before"], mechanics["after"]) == (
            {"mechanic_ids": [gone]},
            {"mechanic_ids": [come]},
        )
        [line] = parts["after"]["lines"]
        assert (parts["before"], line["part_id"], line["quantity"], line["fitted"]) == (None, part, 2, 2)

    def test_of_a_step_tells_from_where_to_where_and_why(self, shop: Shop) -> None:
        ticket = shop.make_ticket()["id"]

        shop.mechanic.post(
            f"/service_tickets/{ticket}/status", json={"status": "received", "reason": "Brought in."}
        )

        entry = last(shop)
        assert (entry["role"], entry["before"]) == ("mechanic", {"status": "booked"})
        assert entry["after"] == {"status": "received", "reason": "Brought in."}

    def test_of_a_registration_is_nobodys_doing(self, shop: Shop) -> None:
        body = {
            "name": "Ada",
            "email": f"{unique('ada')}@example.com",
            "phone": "555-300-4000",
            "password": PASSWORD,
        }
        made = shop.nobody.post("/customers", json=body).json

        joined, recorded = shop.owner.get("/audit?per_page=2").json
        assert (recorded["action"], recorded["subject_id"], recorded["account_id"]) == (
            "customer.recorded", made["id"], None,
        )  # fmt: skip
        assert recorded["after"]["email"] == body["email"]
        assert (joined["action"], joined["after"]["customer_id"]) == ("member.joined", made["id"])


class TestAnErasedPerson:
    @pytest.mark.parametrize("who", ["owner", "customer"])
    def test_can_no_longer_be_read_from_it(self, shop: Shop, who: str) -> None:
        customer_id = shop.customer_id
        email = f"{unique('lovelace')}@example.com"
        shop.customer.patch("/customers", json={"name": "Ada Lovelace", "email": email})
        shop.customer.patch(f"/customers/{customer_id}/profile", json={"street": "Lovelace Lane 1"})
        shown = shop.owner.get("/audit?per_page=100").get_data(as_text=True)

        path = f"/customers/{customer_id}" if who == "owner" else "/customers"
        assert (shop.owner if who == "owner" else shop.customer).delete(path).status_code == 200

        answer = shop.owner.get(f"/audit?per_page=100&subject_kind=customer&subject_id={customer_id}")
        told = {entry["action"]: (entry["erased"], entry["before"], entry["after"]) for entry in answer.json}
        assert "Lovelace" in shown
        assert email in shown
        everything = shop.owner.get("/audit?per_page=100").get_data(as_text=True)
        assert "Lovelace" not in everything
        assert email not in everything
        assert told == {
            "customer.updated": (True, None, None),
            "customer.profile_updated": (True, None, None), "customer.erased": (False, None, None),
        }  # fmt: skip

    def test_leaves_what_is_told_of_others(self, shop: Shop) -> None:
        other = shop.make_customer(name="Grace Hopper")

        shop.owner.delete(f"/customers/{shop.customer_id}")

        entry = last(shop, subject_kind="customer", subject_id=other.id)
        assert entry["after"]["name"] == "Grace Hopper"


class TestFilters:
    @pytest.fixture
    def busy(self, shop: Shop) -> Shop:
        """A shop with an owner and a mechanic who did this and that."""
        part = shop.owner.post("/inventory", json={"name": "Filter", "price": 1}).json
        shop.owner.patch(f"/inventory/{part['id']}", json={"price": 2})
        ticket = shop.mechanic.post(
            "/service_tickets",
            json={
                "VIN": unique_vin(), "service_date": "2026-03-02", "service_desc": "Oil", "customer_id": shop.customer_id,
            },
        ).json  # fmt: skip
        shop.mechanic.delete(f"/service_tickets/{ticket['id']}")
        return shop

    def test_by_kind_of_subject(self, busy: Shop) -> None:
        assert actions(busy, subject_kind="ticket") == ["ticket.deleted", "ticket.opened"]

    def test_by_subject(self, busy: Shop) -> None:
        newest, older = (entry["subject_id"] for entry in busy.owner.get("/audit?action=part.added").json * 2)

        assert newest == older
        assert actions(busy, subject_kind="part", subject_id=newest) == ["part.updated", "part.added"]
        assert actions(busy, subject_kind="ticket", subject_id=10**9) == []

    def test_by_account(self, busy: Shop) -> None:
        assert busy.mechanic.principal is not None

        assert actions(busy, account_id=busy.mechanic.principal.account_id) == [
            "ticket.deleted",
            "ticket.opened",
        ]

    def test_by_action(self, busy: Shop) -> None:
        assert actions(busy, action="part.updated") == ["part.updated"]

    def test_by_period_from_its_beginning_up_to_its_end(self, shop: Shop) -> None:
        for hour in (9, 10, 11):
            with time_machine.travel(datetime(2031, 1, 1, hour, tzinfo=UTC), tick=False):
                shop.make_part(name=f"at {hour}")

        def names(**period: str) -> list[str]:
            answer = shop.owner.get("/audit", query_string={"action": "part.added", **period})
            return [entry["after"]["name"] for entry in answer.json]

        assert names(since="2031-01-01T10:00:00Z") == ["at 11", "at 10"]
        assert names(since="2031-01-01T09:00:00Z", until="2031-01-01T11:00:00+00:00") == ["at 10", "at 9"]
        assert names(since="2031-01-01T12:00:00+01:00") == ["at 11"]

    @pytest.mark.parametrize(
        "query",
        [
            "subject_id=1", "subject_kind=", "account_id=x", "since=yesterday", "since=2031-01-01T10:00:00",
            "until=0001-01-01T00:00:00%2B12:00", "until=9999-12-31T23:59:59-12:00", "sort=at", "who=1",
        ],
    )  # fmt: skip
    def test_what_they_do_not_take_is_refused(self, shop: Shop, query: str) -> None:
        assert shop.owner.get(f"/audit?{query}").status_code == 400

    def test_a_walk_while_entries_are_added_repeats_and_loses_none(self, shop: Shop) -> None:
        made = [shop.make_part().id for _ in range(4)]
        seen: list[int] = []
        path = "/audit?per_page=2&subject_kind=part"
        while path:
            answer = shop.owner.get(path)
            seen += [entry["subject_id"] for entry in answer.json]
            shop.make_part()
            path = answer.headers["Link"].split(">")[0].lstrip("<") if "Link" in answer.headers else ""

        assert seen == made[::-1]

    def test_a_page_is_counted_where_it_is_asked_for(self, shop: Shop) -> None:
        for _ in range(3):
            shop.make_part()

        answer = shop.owner.get("/audit?page=2&per_page=2&action=" + quote("part.added"))

        assert (len(answer.json), answer.headers["X-Total-Count"]) == (1, "3")

    def test_another_workshop_is_not_in_it(self, shop: Shop, other_shop: Shop) -> None:
        part = other_shop.make_part()

        assert actions(shop, subject_kind="part", subject_id=part.id) == []
