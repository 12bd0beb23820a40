"""Old parts: what becomes of them when they come off, what that stops, and their way back to a supplier."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.blueprints.service_tickets import settling
from tests.cores.exchanging import CORES, Exchange, exchanged, refusal
from tests.factories import Shop
from tests.service_tickets.life import bring, ticket_in
from tests.tampering import owners_connection

GONE = 999_999_999


def actions(shop: Shop) -> list[str]:
    """Return what the log says was done with old parts, the latest last."""
    told = shop.owner.get("/audit?per_page=50").json
    return [entry["action"] for entry in reversed(told) if entry["action"].startswith("core.")]


class TestACoreCharge:
    def test_is_the_items_own_and_empty_where_it_is_left_out(self, shop: Shop) -> None:
        item = shop.owner.post("/inventory", {"name": "Starter", "price": 90, "core_charge": "30.50"}).json
        path = f"/inventory/{item['id']}"

        changed = shop.owner.patch(path, {"core_charge": 35}).json
        cleared = shop.owner.patch(path, {"core_charge": None}).json
        replaced = shop.owner.put(path, {"name": "Starter", "price": 90, "core_charge": 40}).json
        without = shop.owner.put(path, {"name": "Starter", "price": 90}).json

        told = [one["core_charge"] for one in (item, changed, cleared, replaced, without)]
        assert told == [30.5, 35, None, 40, None]
        assert shop.owner.get(path).json == without

    @pytest.mark.parametrize("charge", [0, "0", -1, 1.005, 1e308, "much", True, []])
    def test_is_a_cent_at_least(self, shop: Shop, charge: Any) -> None:
        answer = shop.owner.post("/inventory", {"name": "Starter", "price": 90, "core_charge": charge})

        assert (answer.status_code, list(answer.json["errors"])) == (400, ["core_charge"])

    def test_is_kept_by_the_line_as_it_was_and_charges_nobody_by_itself(self, shop: Shop) -> None:
        part = shop.make_part(price=Decimal(120), core_charge=Decimal(45), on_hand=5)
        path = ticket_in(shop)
        wanted = {"kind": "part", "item_id": part.id, "quantity": 2}
        written = shop.mechanic.post(f"{path}/lines", json=wanted).json["lines"][0]
        shop.owner.patch(f"/inventory/{part.id}", {"core_charge": 60})

        fitted = shop.mechanic.post(f"{path}/lines/{written['id']}/fit", json={"quantity": 1}).json

        assert (written["core_charge"], written["cores_due"]) == (45, 0)
        assert [(line["core_charge"], line["cores_due"]) for line in fitted["lines"]] == [(45, 1)]
        assert fitted["total"] == 240
        assert shop.owner.get(f"/inventory/{part.id}").json["stock_value"] == 0

    def test_another_one_makes_another_line_of_the_cards_own_call(self, shop: Shop) -> None:
        exchange = exchanged(shop, 1)
        body = {"item_id": exchange.part_id}
        shop.owner.post(f"{exchange.ticket}/inventory", json=body)
        shop.owner.patch(f"/inventory/{exchange.part_id}", {"core_charge": 60})

        ticket = shop.owner.post(f"{exchange.ticket}/inventory", json=body).json

        told = [(line["quantity"], line["core_charge"], line["cores_due"]) for line in ticket["lines"]]
        assert told == [(2, 45, 2), (1, 60, 1)]
        assert [item["quantity"] for item in ticket["inventory_items"]] == [3]

    def test_stays_when_what_was_written_out_is_read_in(self, shop: Shop) -> None:
        part = shop.make_part(core_charge=Decimal(45)).id
        table = shop.owner.get("/inventory/exports/parts").data

        read = shop.owner.post("/inventory/imports/parts", data={"file": (io.BytesIO(table), "parts.csv")})

        assert read.json["unchanged"] == 1
        assert shop.owner.get(f"/inventory/{part}").json["core_charge"] == 45

    def test_no_line_but_a_parts_has_one(self, shop: Shop) -> None:
        path = ticket_in(shop)
        fee = {"kind": "fee", "description": "Disposal", "unit_price": 5}

        line = shop.owner.post(f"{path}/lines", json=fee).json["lines"][0]

        assert (line["core_charge"], line["cores_due"]) == (None, None)


class TestWhatBecomesOfAnOldPart:
    @pytest.mark.parametrize("outcome", ["held", "scrapped"])
    def test_changes_nothing_that_is_charged_unless_the_customer_keeps_it(
        self, shop: Shop, outcome: str
    ) -> None:
        exchange = exchanged(shop)

        answer = exchange.settle(outcome, 1)

        assert (answer.status_code, answer.headers["Location"]) == (201, exchange.ticket)
        assert (answer.json["total"], len(answer.json["lines"])) == (240, 1)
        assert exchange.line["cores_due"] == 1
        (core,) = exchange.cores
        assert core.items() >= {
            "status": outcome, "quantity": 1, "charge": 45, "deposit": 45, "supplier": None, "fee_line_id": None,
            "line_id": exchange.line_id, "item": {"id": exchange.part_id, "name": "Alternator"},
        }.items()  # fmt: skip
        assert actions(shop) == ["core.settled"]

    def test_that_the_customer_keeps_is_a_fee_taxed_as_the_part_is(self, shop: Shop) -> None:
        shop.owner.patch(f"/workshops/{shop.id}", {"tax_rate": 10})
        exchange = exchanged(shop)
        shop.owner.patch(f"/workshops/{shop.id}", {"tax_rate": 20})

        ticket = exchange.settle("kept").json

        fee = ticket["lines"][1]
        assert (fee["kind"], fee["description"]) == ("fee", "Core charge: Alternator")
        assert (fee["quantity"], fee["unit_price"], fee["net"], fee["tax"]) == (2, 45, 90, 9)
        assert (ticket["total"], fee["agreed"]) == (363, False)
        assert [(core["status"], core["fee_line_id"]) for core in exchange.cores] == [("kept", fee["id"])]
        assert ticket == shop.owner.get(exchange.ticket).json

    def test_goes_beyond_what_was_approved_as_any_line_does(self, shop: Shop) -> None:
        exchange = exchanged(shop, status="approved")

        kept = exchange.settle("kept")
        begun = shop.owner.post(f"{exchange.ticket}/status", json={"status": "in_progress"})

        assert (kept.status_code, kept.json["approved_total"], kept.json["total"]) == (201, 240, 330)
        assert refusal(begun) == (409, "approval_exceeded")

    def test_is_said_of_each_once(self, shop: Shop) -> None:
        exchange = exchanged(shop, 3)
        exchange.settle("held", 1)
        exchange.settle("scrapped", 1)

        too_many = exchange.settle("held", 2)
        rest = exchange.settle("held")
        none_left = exchange.settle("held")

        assert refusal(too_many) == refusal(none_left) == (409, "too_many_cores")
        assert "1 are due" in too_many.json["detail"]
        assert (rest.status_code, exchange.line["cores_due"]) == (201, 0)
        assert [(core["status"], core["quantity"]) for core in exchange.cores] == [
            ("held", 1), ("scrapped", 1), ("held", 1),
        ]  # fmt: skip

    @pytest.mark.parametrize("status", ["completed", "out_for_delivery", "delivered"])
    def test_is_said_of_a_finished_job_which_is_charged_no_more(self, shop: Shop, status: str) -> None:
        exchange = exchanged(shop, status=status)
        before = shop.owner.get(exchange.ticket).json["total"]

        kept = exchange.settle("kept")
        said = [exchange.settle(outcome, 1).status_code for outcome in ("held", "scrapped")]

        assert refusal(kept) == (409, "ticket_closed")
        assert (said, shop.owner.get(exchange.ticket).json["total"]) == ([201, 201], before)

    def test_is_nothing_on_a_cancelled_ticket(self, shop: Shop) -> None:
        exchange = exchanged(shop, status="cancelled")

        answers = [exchange.settle(outcome) for outcome in ("held", "kept", "scrapped")]

        assert {refusal(answer) for answer in answers} == {(409, "ticket_closed")}
        assert (exchange.line["cores_due"], exchange.cores) == (0, [])

    def test_is_asked_of_exchange_parts_alone(self, shop: Shop) -> None:
        plain = exchanged(shop, core_charge=None)
        fee = {"kind": "fee", "description": "Disposal", "unit_price": 5}
        fee_id = shop.owner.post(f"{plain.ticket}/lines", json=fee).json["lines"][-1]["id"]
        of_a_fee = Exchange(shop, plain.ticket, fee_id, plain.part_id)

        assert refusal(plain.settle("held")) == (409, "no_core_charge")
        assert refusal(of_a_fee.settle("held")) == (404, "item_not_on_ticket")

    def test_follows_the_unit_of_the_part(self, shop: Shop) -> None:
        by_piece, by_weight = exchanged(shop), exchanged(shop, 4.5, unit="kg")

        half = by_piece.settle("held", 0.5)
        some = by_weight.settle("held", 1.5)

        assert (half.status_code, list(half.json["errors"])) == (400, ["quantity"])
        assert (some.status_code, by_weight.line["cores_due"]) == (201, 3)
        assert by_weight.cores[0]["deposit"] == 67.5

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "outcome"), ({"outcome": "sold"}, "outcome"), ({"outcome": None}, "outcome"),
            ({"outcome": ["held"]}, "outcome"), ({"outcome": "returned"}, "outcome"),
            ({"outcome": "held", "quantity": 0}, "quantity"), ({"outcome": "held", "quantity": -1}, "quantity"),
            ({"outcome": "held", "quantity": "1"}, "quantity"),
            ({"outcome": "held", "quantity": 1e308}, "quantity"), ({"outcome": "held", "quantity": True}, "quantity"),
            ({"outcome": "held", "charge": 1}, "charge"), ({"outcome": "kept", "unit_price": 1}, "unit_price"),
        ],
    )  # fmt: skip
    def test_is_not_guessed_from_a_careless_word(self, shop: Shop, body: dict[str, Any], field: str) -> None:
        exchange = exchanged(shop)

        answer = shop.mechanic.post(exchange.path, json=body)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])
        assert (exchange.line["cores_due"], exchange.cores) == (2, [])

    def test_is_said_from_the_version_of_the_ticket_that_was_seen(self, shop: Shop) -> None:
        exchange = exchanged(shop)
        seen = {"If-Match": shop.owner.get(exchange.ticket).headers["ETag"]}

        first, second = (
            shop.mechanic.post(exchange.path, json={"outcome": "held", "quantity": 1}, headers=seen)
            for _ in range(2)
        )

        assert (first.status_code, second.status_code, exchange.line["cores_due"]) == (201, 412, 1)


class TestWhatIsSettled:
    @pytest.mark.parametrize("outcome", ["held", "kept", "scrapped"])
    def test_stays_fitted_whoever_would_take_it_off(self, shop: Shop, outcome: str) -> None:
        exchange = exchanged(shop, on_hand=5)
        exchange.settle(outcome, 1)
        before = shop.owner.get(exchange.ticket).json
        line = f"{exchange.ticket}/lines/{exchange.line_id}"

        answers = [
            shop.owner.post(f"{line}/return", json={}), shop.owner.delete(line),
            shop.owner.delete(f"{exchange.ticket}/inventory/{exchange.part_id}"),
            shop.owner.put(f"{exchange.ticket}/edit", json={"remove_item_ids": [exchange.part_id]}),
            shop.owner.post(f"{exchange.ticket}/status", json={"status": "cancelled"}), shop.owner.delete(exchange.ticket),
        ]  # fmt: skip

        assert {refusal(answer) for answer in answers} == {(409, "cores_settled")}
        assert shop.owner.get(exchange.ticket).json == before
        assert "cancelled" not in before["allowed_transitions"]
        assert shop.owner.get(f"/inventory/{exchange.part_id}").json["on_hand"] == 3

    def test_lets_the_others_go_back(self, shop: Shop) -> None:
        exchange = exchanged(shop, 3, on_hand=5)
        exchange.settle("held", 1)
        back = f"{exchange.ticket}/lines/{exchange.line_id}/return"

        too_many = shop.owner.post(back, json={"quantity": 3})
        others = shop.owner.post(back, json={"quantity": 2})

        assert refusal(too_many) == (409, "cores_settled")
        assert (others.status_code, exchange.line["fitted"], exchange.line["cores_due"]) == (200, 1, 0)

    @pytest.mark.parametrize("outcome", ["held", "kept", "scrapped"])
    def test_is_taken_back_with_its_fee_and_stops_nothing_then(self, shop: Shop, outcome: str) -> None:
        exchange = exchanged(shop, on_hand=5)
        exchange.settle(outcome)

        back = shop.mechanic.delete(f"{exchange.path}/{exchange.cores[0]['id']}")
        cancelled = shop.owner.post(f"{exchange.ticket}/status", json={"status": "cancelled"})

        assert (back.status_code, back.json["total"], len(back.json["lines"])) == (200, 240, 1)
        assert (back.json["lines"][0]["cores_due"], exchange.cores) == (2, [])
        assert (cancelled.status_code, actions(shop)) == (200, ["core.settled", "core.taken_back"])

    def test_is_the_customers_though_staff_let_them_off_the_fee(self, shop: Shop) -> None:
        exchange = exchanged(shop)
        fee = exchange.settle("kept").json["lines"][1]["id"]

        shop.owner.delete(f"{exchange.ticket}/lines/{fee}")
        let_off = exchange.cores
        back = shop.owner.delete(f"{exchange.path}/{let_off[0]['id']}")

        assert [(core["status"], core["fee_line_id"]) for core in let_off] == [("kept", fee)]
        assert (back.status_code, back.json["total"]) == (200, 240)

    def test_is_not_taken_back_where_the_fee_is_frozen_or_it_went_to_a_supplier(self, shop: Shop) -> None:
        exchange = exchanged(shop)
        exchange.settle("kept", 1)
        sent = exchange.held()
        bring(shop, exchange.ticket, "completed")
        shop.owner.post(f"{sent}/return", json={"supplier_id": shop.make_supplier().id})

        kept, returned = (shop.owner.delete(f"{exchange.path}/{core['id']}") for core in exchange.cores)

        assert (refusal(kept), refusal(returned)) == ((409, "ticket_closed"), (409, "core_step_not_open"))

    def test_is_kept_by_the_database_too(self, shop: Shop) -> None:
        exchange = exchanged(shop)
        exchange.settle("held")
        tampering = (
            "UPDATE service_ticket_lines SET fitted = fitted / 2 WHERE id = :line",
            "UPDATE service_ticket_lines SET cores_settled = cores_settled * 2 WHERE id = :line",
            "UPDATE service_ticket_lines SET core_charge = NULL WHERE id = :line",
            "DELETE FROM service_ticket_lines WHERE id = :line",
            "DELETE FROM service_tickets WHERE id IN (SELECT service_ticket_id FROM cores WHERE line_id = :line)",
            "UPDATE cores SET status = 'returned' WHERE line_id = :line",
            "UPDATE cores SET status = 'credited', credit = 1 WHERE line_id = :line",
        )

        for statement in tampering:
            with pytest.raises(DBAPIError), owners_connection(shop.app) as connection:
                connection.execute(text(statement), {"line": exchange.line_id})


class TestTheWayBack:
    def test_leads_to_a_supplier_who_pays_or_does_not(self, shop: Shop) -> None:
        exchange, supplier = exchanged(shop), shop.make_supplier()
        first, second = exchange.held(1), exchange.held(1)
        body = {"supplier_id": supplier.id, "reference": " RMA-1 "}

        sent = [shop.mechanic.post(f"{core}/return", json=body).json for core in (first, second)]
        credited = shop.mechanic.post(f"{first}/credit", json={"amount": "40.00"}).json
        rejected = shop.mechanic.post(f"{second}/reject", json={"reason": "Cracked."}).json

        assert [(core["status"], core["reference"], core["supplier"]) for core in sent] == [
            ("returned", "RMA-1", {"id": supplier.id, "name": supplier.name})
        ] * 2
        assert None not in [core["returned_at"] for core in sent]
        assert (credited["status"], credited["credit"], credited["decided_at"] is None) == (
            "credited",
            40,
            False,
        )
        assert (rejected["status"], rejected["reason"], rejected["credit"]) == ("rejected", "Cracked.", None)
        assert shop.owner.get(first).json == credited
        assert actions(shop)[2:] == ["core.returned", "core.returned", "core.credited", "core.rejected"]

    def test_is_gone_by_so_many_and_the_rest_stays_where_it_was(self, shop: Shop) -> None:
        exchange, supplier = exchanged(shop, 5), shop.make_supplier().id
        held = exchange.held()

        sent = shop.mechanic.post(f"{held}/return", json={"supplier_id": supplier, "quantity": 3}).json
        paid = shop.mechanic.post(f"{held}/credit", json={"amount": 90, "quantity": 2}).json
        too_many = shop.mechanic.post(f"{held}/credit", json={"amount": 1, "quantity": 3})
        half = shop.mechanic.post(
            f"{CORES}/{exchange.cores[1]['id']}/return", json={"supplier_id": supplier, "quantity": 0.5}
        )

        assert (sent["quantity"], paid["quantity"], paid["deposit"]) == (3, 2, 90)
        assert [(core["status"], core["quantity"], core["credit"]) for core in exchange.cores] == [
            ("credited", 2, 90), ("held", 2, None), ("returned", 1, None),
        ]  # fmt: skip
        assert {core["supplier"] and core["supplier"]["id"] for core in exchange.cores} == {supplier, None}
        assert refusal(too_many) == (409, "core_step_not_open")
        assert (half.status_code, list(half.json["errors"])) == (400, ["quantity"])
        assert exchange.line["cores_due"] == 0

    def test_is_not_gone_by_more_than_there_are(self, shop: Shop) -> None:
        held = exchanged(shop).held()

        answer = shop.mechanic.post(f"{held}/reject", json={"reason": "Cracked.", "quantity": 3})

        assert (refusal(answer), shop.owner.get(held).json["status"]) == ((409, "too_many_cores"), "held")

    @pytest.mark.parametrize(
        ("before", "open_to"),
        [
            ("held", {"return", "reject"}), ("returned", {"credit", "reject"}), ("credited", set()), ("rejected", set()),
            ("kept", set()), ("scrapped", set()),
        ],
    )  # fmt: skip
    def test_has_these_steps_and_no_other(self, shop: Shop, before: str, open_to: set[str]) -> None:
        exchange, supplier = exchanged(shop, 3), shop.make_supplier().id
        bodies = {"return": {"supplier_id": supplier}, "credit": {"amount": 1}, "reject": {"reason": "No."}}
        way = {"returned": ["return"], "credited": ["return", "credit"], "rejected": ["reject"]}

        done = set()
        for action, body in bodies.items():
            exchange.settle("held" if before in (*way, "held") else before, 1)
            core = f"{CORES}/{exchange.cores[-1]['id']}"
            for step in way.get(before, []):
                assert shop.owner.post(f"{core}/{step}", json=bodies[step]).status_code == 200
            answer = shop.owner.post(f"{core}/{action}", json=body)
            if answer.status_code == 200:
                done.add(action)
            else:
                assert refusal(answer) == (409, "core_step_not_open")
                assert shop.owner.get(core).json["status"] == before

        assert done == open_to

    @pytest.mark.parametrize(
        ("action", "body", "field"),
        [
            ("return", {}, "supplier_id"), ("return", {"supplier_id": 0}, "supplier_id"),
            ("return", {"supplier_id": 1, "reference": "x" * 101}, "reference"), ("credit", {}, "amount"),
            ("credit", {"amount": -1}, "amount"), ("credit", {"amount": 1.005}, "amount"), ("reject", {}, "reason"),
            ("reject", {"reason": ""}, "reason"), ("reject", {"reason": "a\0"}, "reason"),
            ("reject", {"reason": "a", "quantity": 0}, "quantity"), ("reject", {"reason": "a", "status": "held"}, "status"),
        ],
    )  # fmt: skip
    def test_is_not_gone_by_a_careless_step(
        self, shop: Shop, action: str, body: dict[str, Any], field: str
    ) -> None:
        held = exchanged(shop).held()

        answer = shop.mechanic.post(f"{held}/{action}", json=body)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])
        assert shop.owner.get(held).json["status"] == "held"

    def test_goes_on_from_the_version_that_was_seen(self, shop: Shop) -> None:
        exchange = exchanged(shop)
        held, supplier = exchange.held(), shop.make_supplier().id
        seen = {"If-Match": shop.owner.get(held).headers["ETag"]}
        shop.owner.post(f"{held}/return", json={"supplier_id": supplier, "quantity": 1})

        stale = shop.owner.post(f"{held}/credit", json={"amount": 1}, headers=seen)

        assert (stale.status_code, shop.owner.get(held).json["status"]) == (412, "returned")

    def test_keeps_the_supplier(self, shop: Shop) -> None:
        held, supplier = exchanged(shop).held(), shop.make_supplier().id
        shop.owner.post(f"{held}/return", json={"supplier_id": supplier})

        answer = shop.owner.delete(f"/inventory/suppliers/{supplier}")

        assert refusal(answer) == (409, "supplier_in_use")


class TestTheList:
    def test_is_narrowed_and_has_the_latest_first(self, shop: Shop) -> None:
        one, other, supplier = exchanged(shop, 3), exchanged(shop, 1), shop.make_supplier().id
        one.settle("scrapped", 1)
        sent, last = one.held(1), other.held()
        shop.owner.post(f"{sent}/return", json={"supplier_id": supplier})

        def ids(query: str = "") -> list[str]:
            return [f"{CORES}/{core['id']}" for core in shop.mechanic.get(f"{CORES}{query}").json]

        scrapped = ids("?status=scrapped")
        assert ids() == [last, sent, *scrapped]
        assert ids("?status=held,returned&sort=id") == [sent, last]
        assert (ids(f"?supplier_id={supplier}"), ids(f"?item_id={other.part_id}")) == ([sent], [last])
        assert ids(f"?item_id={one.part_id}&status=held") == ids(f"?supplier_id={GONE}") == []
        assert shop.owner.get(f"{CORES}?status=lost").status_code == 400

    def test_is_staffs_and_shows_what_replaced_a_part_that_was_taken_out(self, shop: Shop) -> None:
        held = exchanged(shop).held()
        part = shop.owner.get(held).json["item"]["id"]
        assert shop.owner.delete(f"/inventory/{part}").status_code == 200

        assert [core["item"]["name"] for core in shop.mechanic.get(CORES).json] == ["Alternator"]
        assert {shop.customer.get(path).status_code for path in (CORES, held)} == {403}


def test_old_parts_of_another_line_or_workshop_look_missing(shop: Shop, other_shop: Shop) -> None:
    mine, another, theirs = exchanged(shop), exchanged(shop), exchanged(other_shop)
    held, their_core = mine.held(1), theirs.held(1)
    their_id, another_id = theirs.cores[0]["id"], int(another.held(1).rpartition("/")[2])
    their_supplier = other_shop.make_supplier().id

    answers = [
        shop.owner.get(their_core), *(shop.owner.post(f"{their_core}/{action}", json=body) for action, body in (
            ("return", {"supplier_id": shop.make_supplier().id}), ("credit", {"amount": 1}), ("reject", {"reason": "No."}),
        )),
        *(shop.owner.delete(f"{mine.path}/{core_id}") for core_id in (their_id, another_id, GONE)),
        shop.owner.delete(f"{theirs.path}/{their_id}"), shop.owner.post(theirs.path, json={"outcome": "held"}),
        shop.owner.post(Exchange(shop, mine.ticket, theirs.line_id, 0).path, json={"outcome": "held"}),
        shop.owner.post(f"{held}/return", json={"supplier_id": their_supplier}),
    ]  # fmt: skip

    assert [answer.json["code"] for answer in answers] == [
        *["core_not_found"] * 7, "service_ticket_not_found", "service_ticket_not_found", "line_not_found", "supplier_not_found",
    ]  # fmt: skip
    assert {core["id"] for core in shop.owner.get(CORES).json} == {mine.cores[0]["id"], another_id}
    assert [core["status"] for core in theirs.cores] == ["held"]
    assert shop.owner.get(f"{CORES}?supplier_id={their_supplier}").json == []


def test_the_name_of_a_fee_fits_its_line(shop: Shop) -> None:
    exchange = exchanged(shop, name="A" * 200)
    shop.owner.patch(f"{exchange.ticket}/lines/{exchange.line_id}", {"description": "B" * 300})

    fee = exchange.settle("kept", 1).json["lines"][1]

    assert len(fee["description"]) == settling.LONGEST
