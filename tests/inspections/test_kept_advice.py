"""Advice that the customer knows of: kept with the car whatever becomes of the visit, offered again, and charged once."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.estimates.asking import ask, decide, ids
from tests.factories import Shop, unique_vin
from tests.inspections.examining import advise, advised, begun, car_of, offered, refused
from tests.service_tickets.life import bring, ticket_in
from tests.tampering import owners_connection

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


class TestAnInspectionThatIsNotValidated:
    @pytest.mark.parametrize("accepts", [False, True])
    def test_stays_once_the_customer_decided_on_what_it_recommends(self, shop: Shop, accepts: bool) -> None:
        path = ticket_in(shop, "analysis")
        inspection = begun(shop, int(path.rpartition("/")[2]))
        shop.mechanic.post(f"{path}/recommendations/{advise(shop, inspection)}")
        estimate = ask(shop, path)
        decide(shop, estimate, *(ids(estimate) if accepts else []))
        later = shop.make_ticket(VIN=shop.owner.get(path).json["VIN"])["id"]
        before = offered(shop.mechanic, later)

        assert refused(shop.mechanic.delete(inspection)) == (409, "recommendation_settled")
        assert len(before) == (0 if accepts else 1)
        assert offered(shop.mechanic, later) == before
        assert shop.owner.post(f"{inspection}/validate").status_code == 200

    def test_goes_once_its_advice_is_off_the_ticket_again(self, shop: Shop) -> None:
        path = ticket_in(shop, "analysis")
        inspection = begun(shop, int(path.rpartition("/")[2]))
        taken = shop.mechanic.post(f"{path}/recommendations/{advise(shop, inspection)}").json

        refusal = shop.mechanic.delete(inspection)
        for line in taken["lines"]:
            shop.mechanic.delete(f"{path}/lines/{line['id']}")

        assert refused(refusal) == (409, "recommendation_settled")
        assert shop.mechanic.delete(inspection).status_code == 200


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


class TestAVinThatWasMisread:
    def test_is_corrected_and_what_was_found_goes_along(self, shop: Shop) -> None:
        ticket = shop.make_ticket()
        wrong = car_of(shop, ticket)
        first = begun(shop, ticket["id"])
        advice = advise(shop, first)
        shop.owner.post(f"{first}/validate")
        unfinished = begun(shop, ticket["id"])
        later = shop.make_ticket(VIN=(right := unique_vin()))["id"]
        place = f"/service_tickets/{ticket['id']}"
        shop.mechanic.post(f"{place}/recommendations/{advice}")

        corrected = shop.mechanic.patch(place, {"VIN": right})

        car = car_of(shop, {"VIN": right})
        assert (corrected.status_code, corrected.json["VIN"]) == (200, right)
        assert {shop.mechanic.get(one).json["vehicle_id"] for one in (first, unfinished)} == {car}
        assert shop.mechanic.get(f"/vehicles/{wrong}/recommendations").json == []
        told = shop.customer.get(f"/vehicles/{car}/recommendations/{advice}").json
        assert (told["state"], told["taken_ticket_id"]) == ("taken", ticket["id"])
        for line in shop.mechanic.get(place).json["lines"]:
            shop.mechanic.delete(f"{place}/lines/{line['id']}")
        assert offered(shop.mechanic, later) == [advice]

    def test_is_corrected_with_what_was_declined(self, shop: Shop) -> None:
        path = ticket_in(shop)
        shop.mechanic.post(f"{path}/lines", json=PADS)
        bring(shop, path, "declined")
        later = shop.make_ticket()

        assert shop.mechanic.patch(path, {"VIN": later["VIN"]}).status_code == 200
        assert len(offered(shop.mechanic, later["id"])) == 1

    def test_stays_while_advice_of_that_car_is_to_be_done(self, shop: Shop) -> None:
        ticket, path = advised(shop)
        advice = path.rpartition("/")[2]
        second = f"/service_tickets/{shop.make_ticket(VIN=ticket['VIN'])['id']}"
        [line] = shop.mechanic.post(f"{second}/recommendations/{advice}").json["lines"]
        right = {"VIN": unique_vin()}

        at_the_second, at_the_first = (
            shop.mechanic.patch(place, right) for place in (second, f"/service_tickets/{ticket['id']}")
        )
        shop.mechanic.delete(f"{second}/lines/{line['id']}")

        assert refused(at_the_second) == refused(at_the_first) == (409, "ticket_in_use")
        assert shop.mechanic.patch(second, right).status_code == 200
        assert shop.mechanic.get(path).json["state"] == "open"

    def test_stays_where_the_ticket_follows_one_of_that_car(self, shop: Shop) -> None:
        first = shop.owner.get(ticket_in(shop, "delivered")).json
        follows = {"follows_ticket_id": first["id"], "follows_as": "warranty"}
        path = f"/service_tickets/{shop.make_ticket(VIN=first['VIN'], **follows)['id']}"

        assert refused(shop.mechanic.patch(path, {"VIN": unique_vin()})) == (409, "cannot_follow")
        assert shop.mechanic.patch(path, {"VIN": first["VIN"]}).status_code == 200

    def test_is_all_that_is_corrected_of_what_is_validated(self, app: Flask, shop: Shop) -> None:
        inspection = begun(shop)
        shop.owner.post(f"{inspection}/validate")

        for change in ("title = 'x'", "summary = 'x'", "validated_at = NULL", "validated_by = NULL"):
            with pytest.raises(DBAPIError), owners_connection(app) as connection:
                connection.execute(text(f"UPDATE inspections SET {change}"))
