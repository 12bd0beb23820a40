"""Advice that the customer knows of: kept with the car whatever becomes of the visit, offered again, and charged once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Shop
from tests.inspections.examining import advise, advised, begun, offered, refused
from tests.service_tickets.life import bring, ticket_in

PADS = {"kind": "labour", "description": "Front pads", "quantity": 1, "unit_price": 100}
RUST = {"kind": "fee", "description": "Rust protection", "unit_price": 80}


def settle(shop: Shop, path: str, state: str, **more: Any) -> Any:
    return shop.mechanic.post(f"{path}/state", json={"state": state, **more})


class TestADeletedTicket:
    @pytest.mark.parametrize("word", ["declined", "approved"])
    def test_is_none_to_which_the_customer_said_yes_or_no(self, shop: Shop, word: str) -> None:
        path = ticket_in(shop)
        shop.mechanic.post(f"{path}/lines", json=[PADS, RUST])
        bring(shop, path, word)
        kept = shop.owner.get(path).json
        later = shop.make_ticket(VIN=kept["VIN"])["id"]
        before = offered(shop.mechanic, later)

        assert refused(shop.owner.delete(path)) == (409, "ticket_in_use")
        assert shop.owner.post(f"{path}/status", json={"status": "cancelled"}).status_code == 200
        assert refused(shop.owner.delete(path)) == (409, "ticket_in_use")
        assert shop.owner.get(path).json["status_history"][4]["reason"] == "By phone."
        assert len(before) == (2 if word == "declined" else 0)
        assert offered(shop.mechanic, later) == before

    def test_is_none_at_which_advice_was_declined(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        assert settle(shop, path, "declined").status_code == 200
        later = shop.make_ticket(VIN=ticket["VIN"])["id"]

        assert refused(shop.owner.delete(f"/service_tickets/{ticket['id']}")) == (409, "ticket_in_use")
        assert offered(shop.mechanic, later) == [int(path.rpartition("/")[2])]

    def test_is_none_whose_advice_is_to_be_done_at_another(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        other = shop.make_ticket(VIN=ticket["VIN"])["id"]
        settle(shop, path, "taken", service_ticket_id=other)

        assert refused(shop.owner.delete(f"/service_tickets/{ticket['id']}")) == (409, "ticket_in_use")

    @pytest.mark.parametrize("put_on", [False, True])
    def test_takes_advice_along_on_which_nobody_decided(self, shop: Shop, put_on: bool) -> None:
        ticket = shop.make_ticket()
        advice = advise(shop, begun(shop, ticket["id"]))
        if put_on:
            shop.mechanic.post(f"/service_tickets/{ticket['id']}/recommendations/{advice}")
        later = shop.make_ticket(VIN=ticket["VIN"])["id"]

        assert shop.owner.delete(f"/service_tickets/{ticket['id']}").status_code == 200
        assert offered(shop.mechanic, later) == []

    def test_leaves_open_what_was_to_be_done_at_it(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        advice = int(path.rpartition("/")[2])
        second, third = (shop.make_ticket(VIN=ticket["VIN"])["id"] for _ in range(2))
        assert shop.mechanic.post(f"/service_tickets/{second}/recommendations/{advice}").status_code == 201

        assert shop.owner.delete(f"/service_tickets/{second}").status_code == 200

        told = shop.mechanic.get(path).json
        assert (told["state"], told["taken_ticket_id"], told["line_ids"]) == ("open", None, [])
        assert told["changes"][-1]["account_id"] == shop.owner.principal.account_id  # type: ignore[union-attr]
        assert shop.mechanic.get(f"/service_tickets/{third}").json["open_recommendations"] == 1
        assert offered(shop.mechanic, third) == [advice]


class TestTakenByHand:
    @pytest.mark.parametrize("status", ["completed", "delivered", "cancelled"])
    def test_it_is_at_a_visit_that_goes_on(self, shop: Shop, status: str) -> None:
        ticket, path = advised(shop)
        over = ticket_in(shop, status, VIN=ticket["VIN"])
        over_id = int(over.rpartition("/")[2])

        answer = settle(shop, path, "taken", service_ticket_id=over_id)

        assert refused(answer) == (409, "ticket_closed")
        assert shop.mechanic.get(path).json["state"] == "open"
        assert settle(shop, path, "done", service_ticket_id=over_id).status_code == 200

    @pytest.mark.parametrize("state", ["open", "declined"])
    def test_it_is_offered_again_once_its_lines_are_off_the_ticket(self, shop: Shop, state: str) -> None:
        ticket, path = advised(shop)
        place = f"/service_tickets/{ticket['id']}"
        advice = path.rpartition("/")[2]
        [line] = shop.mechanic.post(f"{place}/recommendations/{advice}").json["lines"]

        wrong = settle(shop, path, state)
        shop.mechanic.delete(f"{place}/lines/{line['id']}")
        again = shop.mechanic.post(f"{place}/recommendations/{advice}")

        assert refused(wrong) == (409, "recommendation_settled")
        assert [one["unit_price"] for one in again.json["lines"]] == [189.9]
