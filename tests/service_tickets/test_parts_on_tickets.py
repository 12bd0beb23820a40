"""Inventory items on a ticket: prices that stay, stock that is taken and given back exactly once."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from app.blueprints.inventory.models import Part
from app.core import clock
from app.core.db import atomic
from tests.factories import Caller, Shop
from tests.service_tickets.life import bring, ticket_in


def on_hand(shop: Shop, part: Part) -> int | None:
    found: int | None = shop.owner.get(f"/inventory/{part.id}").json["on_hand"]
    return found


def lines(shop: Shop, path: str) -> list[tuple[int, float, int]]:
    return [
        (item["id"], item["price"], item["quantity"]) for item in shop.owner.get(path).json["inventory_items"]
    ]


class TestAdding:
    @pytest.mark.parametrize("role", ["owner", "mechanic"])
    def test_an_item_goes_on_and_out_of_stock(self, shop: Shop, role: str) -> None:
        caller: Caller = getattr(shop, role)
        path, part = ticket_in(shop), shop.make_part(on_hand=5)

        answer = caller.post(f"{path}/inventory/", json={"item_id": part.id, "quantity": 3})

        assert (answer.status_code, answer.headers["Location"]) == (201, path)
        assert answer.json["inventory_items"] == [
            {"id": part.id, "name": "Oil Filter", "price": 19.99, "quantity": 3}
        ]
        assert on_hand(shop, part) == 2
        assert shop.customer.get(path).json["inventory_items"] == answer.json["inventory_items"]

    def test_one_is_meant_where_no_number_is_given(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=5)

        shop.owner.post(f"{path}/inventory", json={"item_id": part.id})

        assert (lines(shop, path), on_hand(shop, part)) == ([(part.id, 19.99, 1)], 4)

    def test_a_list_goes_on_together(self, shop: Shop) -> None:
        path, counted, not_counted = (
            ticket_in(shop),
            shop.make_part(on_hand=5),
            shop.make_part(price=Decimal("1.50")),
        )
        body = [{"item_id": not_counted.id, "quantity": 10_000}, {"item_id": counted.id, "quantity": 5}]

        answer = shop.owner.post(f"{path}/inventory", json=body)

        assert answer.status_code == 201
        assert lines(shop, path) == [(counted.id, 19.99, 5), (not_counted.id, 1.5, 10_000)]
        assert (on_hand(shop, counted), on_hand(shop, not_counted)) == (0, None)

    @pytest.mark.parametrize(("stock", "status"), [(5, 201), (4, 409)])
    def test_lines_of_one_item_are_added_up_first(self, shop: Shop, stock: int, status: int) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=stock)
        body = [
            {"item_id": part.id, "quantity": 2},
            {"item_id": part.id, "quantity": 2},
            {"item_id": part.id},
        ]

        answer = shop.owner.post(f"{path}/inventory", json=body)

        assert answer.status_code == status
        assert (lines(shop, path), on_hand(shop, part)) == (
            ([(part.id, 19.99, 5)], 0) if status == 201 else ([], stock)
        )

    @pytest.mark.parametrize("last", ["too many", "unknown", "another workshop's", "taken out"])
    def test_all_go_on_or_none(self, shop: Shop, other_shop: Shop, last: str) -> None:
        path, plenty, few, gone = (
            ticket_in(shop),
            shop.make_part(on_hand=5),
            shop.make_part(on_hand=1),
            shop.make_part(on_hand=5),
        )
        shop.take_out(gone.id)
        item_id = {
            "too many": few.id, "unknown": 2**62, "another workshop's": other_shop.make_part(on_hand=9).id,
            "taken out": gone.id,
        }[last]  # fmt: skip

        answer = shop.owner.post(
            f"{path}/inventory",
            json=[{"item_id": plenty.id, "quantity": 2}, {"item_id": item_id, "quantity": 2}],
        )

        refused = (409, "not_enough_on_hand") if last == "too many" else (404, "item_not_found")
        assert (answer.status_code, answer.json["code"]) == refused
        assert (lines(shop, path), on_hand(shop, plenty), on_hand(shop, few)) == ([], 5, 1)

    def test_a_refusal_says_how_many_there_are(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=1)

        answer = shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 2})

        assert answer.json["detail"] == "Oil Filter: 1 on hand, 2 asked for."

    def test_more_of_the_same_is_one_line(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=5)

        for quantity in (1, 3):
            shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": quantity})

        assert (lines(shop, path), on_hand(shop, part)) == ([(part.id, 19.99, 4)], 1)

    def test_the_price_stays_when_the_parts_price_changes(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=5)
        shop.owner.post(f"{path}/inventory", json={"item_id": part.id})
        shop.owner.get("/service_tickets")

        shop.owner.patch(f"/inventory/{part.id}", json={"price": "24.50", "name": "Better Filter"})

        assert lines(shop, path) == [(part.id, 19.99, 1)]
        assert shop.owner.get("/service_tickets").json[0]["inventory_items"][0]["price"] == 19.99

    def test_a_second_price_makes_a_second_line_and_the_first_again_joins_its_own(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=9)

        for price, quantity in (("19.99", 1), ("24.50", 2), ("9.90", 1), ("19.99", 3)):
            shop.owner.patch(f"/inventory/{part.id}", json={"price": price})
            shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": quantity})

        assert lines(shop, path) == [(part.id, 9.9, 1), (part.id, 19.99, 4), (part.id, 24.5, 2)]
        assert on_hand(shop, part) == 2

    def test_the_name_is_the_parts_own(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part()
        shop.owner.post(f"{path}/inventory", json={"item_id": part.id})

        shop.owner.patch(f"/inventory/{part.id}", json={"name": "Better Filter"})

        assert shop.owner.get(path).json["inventory_items"][0]["name"] == "Better Filter"

    @pytest.mark.parametrize("status", ["received", "in_progress"])
    def test_an_open_ticket_takes_items(self, shop: Shop, status: str) -> None:
        answer = shop.owner.post(
            f"{ticket_in(shop, status)}/inventory", json={"item_id": shop.make_part().id}
        )

        assert answer.status_code == 201

    @pytest.mark.parametrize("status", ["completed", "delivered", "cancelled"])
    def test_a_closed_one_does_not(self, shop: Shop, status: str) -> None:
        path, part = ticket_in(shop, status), shop.make_part(on_hand=5)

        answer = shop.owner.post(f"{path}/inventory", json={"item_id": part.id})

        assert (answer.status_code, answer.json["code"]) == (409, "ticket_closed")
        assert on_hand(shop, part) == 5

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            ({}, ["lines.0.item_id"]), ({"quantity": 1}, ["lines.0.item_id"]), ([], ["lines"]),
            (None, ["lines.0"]), ("x", ["lines.0"]),
            (5, ["lines.0"]), ([5], ["lines.0"]), ([[]], ["lines.0"]), ([None], ["lines.0"]),
            ({"lines": []}, ["lines.0.item_id", "lines.0.lines"]),
            ({"item_id": 1, "price": 1}, ["lines.0.price"]),
            *(({"item_id": odd}, ["lines.0.item_id"]) for odd in (0, -1, 1.5, "1", True, None, [1], {"id": 1}, 2**63)),
            *(
                ({"item_id": 1, "quantity": odd}, ["lines.0.quantity"])
                for odd in (0, -1, 1.5, "1", True, None, [1], 10_001, 2**63)
            ),
            ([{"item_id": 1}, {"item_id": "x"}], ["lines.1.item_id"]), ([{"item_id": 1}] * 101, ["lines"]),
        ],
    )  # fmt: skip
    def test_a_careless_body_is_refused_and_the_place_named(
        self, shop: Shop, body: Any, fields: list[str]
    ) -> None:
        answer = shop.owner.open(
            "POST", f"{ticket_in(shop)}/inventory", data=json.dumps(body), content_type="application/json"
        )

        assert answer.status_code == 400
        assert sorted(answer.json["errors"]) == fields

    def test_an_unknown_ticket_takes_nothing(self, shop: Shop, other_shop: Shop) -> None:
        part = shop.make_part(on_hand=5)

        answer = shop.owner.post(f"{ticket_in(other_shop)}/inventory", json={"item_id": part.id})

        assert (answer.status_code, answer.json["code"]) == (404, "service_ticket_not_found")
        assert on_hand(shop, part) == 5

    def test_customers_fit_nothing(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part()

        assert shop.customer.post(f"{path}/inventory", json={"item_id": part.id}).status_code == 403
        assert shop.customer.delete(f"{path}/inventory/{part.id}").status_code == 403

    def test_a_request_sent_again_with_its_key_takes_stock_once(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=5)

        for _ in range(3):
            shop.owner.post(
                f"{path}/inventory", json={"item_id": part.id}, headers={"Idempotency-Key": "fit-1"}
            )

        assert (lines(shop, path), on_hand(shop, part)) == ([(part.id, 19.99, 1)], 4)


class TestRemoving:
    def test_an_item_comes_off_wholly_and_back_into_stock(self, shop: Shop) -> None:
        path, part, other = ticket_in(shop), shop.make_part(on_hand=5), shop.make_part(on_hand=5)
        for price in ("1.00", "2.00"):
            shop.owner.patch(f"/inventory/{part.id}", json={"price": price})
            shop.owner.post(
                f"{path}/inventory", json=[{"item_id": part.id, "quantity": 2}, {"item_id": other.id}]
            )

        answer = shop.mechanic.delete(f"{path}/inventory/{part.id}")

        assert answer.status_code == 200
        assert [item["id"] for item in answer.json["inventory_items"]] == [other.id]
        assert (on_hand(shop, part), on_hand(shop, other)) == (5, 3)

    def test_it_comes_off_once(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=5)
        shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 5})

        answers = [shop.owner.delete(f"{path}/inventory/{part.id}") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 404]
        assert answers[1].json["code"] == "item_not_on_ticket"
        assert on_hand(shop, part) == 5

    def test_what_is_on_another_ticket_stays_there(self, shop: Shop) -> None:
        path, other, part = ticket_in(shop), ticket_in(shop), shop.make_part(on_hand=5)
        shop.owner.post(f"{other}/inventory", json={"item_id": part.id, "quantity": 2})

        answer = shop.owner.delete(f"{path}/inventory/{part.id}")

        assert (answer.status_code, lines(shop, other), on_hand(shop, part)) == (
            404,
            [(part.id, 19.99, 2)],
            3,
        )

    def test_an_unknown_ticket_gives_nothing(self, shop: Shop, other_shop: Shop) -> None:
        path, part = ticket_in(other_shop), other_shop.make_part(on_hand=5)
        other_shop.owner.post(f"{path}/inventory", json={"item_id": part.id})

        answer = shop.owner.delete(f"{path}/inventory/{part.id}")

        assert (answer.status_code, on_hand(other_shop, part)) == (404, 4)

    @pytest.mark.parametrize("status", ["completed", "delivered", "cancelled"])
    def test_nothing_comes_off_a_closed_ticket(self, shop: Shop, status: str) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=5)
        shop.owner.post(f"{path}/inventory", json={"item_id": part.id})
        bring(shop, path, status)
        before = on_hand(shop, part)

        answer = shop.owner.delete(f"{path}/inventory/{part.id}")

        assert (answer.status_code, answer.json["code"]) == (409, "ticket_closed")
        assert (lines(shop, path), on_hand(shop, part)) == ([(part.id, 19.99, 1)], before)


class TestCancelling:
    @pytest.mark.parametrize("status", ["booked", "received", "in_progress"])
    def test_it_gives_the_stock_back_and_the_ticket_remembers(self, shop: Shop, status: str) -> None:
        path, part = ticket_in(shop, status), shop.make_part(on_hand=5)
        shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 3})

        answer = shop.owner.post(f"{path}/status", json={"status": "cancelled"})

        assert answer.status_code == 200
        assert (lines(shop, path), on_hand(shop, part)) == ([(part.id, 19.99, 3)], 5)

    def test_a_customer_who_cancels_gives_it_back_too_and_once(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=5)
        shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 3})

        statuses = [
            shop.customer.post(f"{path}/status", json={"status": "cancelled"}).status_code for _ in range(2)
        ]

        assert (statuses, on_hand(shop, part)) == ([200, 409], 5)

    def test_a_finished_job_gives_nothing_back(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=5)
        shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 3})

        bring(shop, path, "delivered")

        assert on_hand(shop, part) == 2

    def test_what_is_not_counted_stays_so(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part()
        shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 3})

        shop.owner.post(f"{path}/status", json={"status": "cancelled"})

        assert on_hand(shop, part) is None


def test_a_job_is_finished_with_an_item_that_was_taken_out_meanwhile(shop: Shop) -> None:
    item = shop.make_part(price=Decimal("12.00"))
    ticket = shop.make_ticket()["id"]
    path = f"/service_tickets/{ticket}"
    shop.owner.post(f"{path}/lines", json={"kind": "part", "item_id": item.id, "quantity": 2})
    for step in ("received", "in_progress"):
        shop.owner.post(f"{path}/status", json={"status": step})
    with shop.inside(), atomic() as session:
        session.get_one(Part, item.id).archived_at = clock.now()
    assert "completed" in shop.owner.get(path).json["allowed_transitions"]

    done = shop.owner.post(f"{path}/status", json={"status": "completed"})

    assert (done.status_code, done.json["lines"][0]["fitted"]) == (200, 2)
    again = f"/service_tickets/{shop.make_ticket()['id']}/inventory"
    assert shop.owner.post(again, json={"item_id": item.id}).json["code"] == "item_not_found"
