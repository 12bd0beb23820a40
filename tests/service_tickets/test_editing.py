"""Editing a ticket's mechanics and items in one go, with notes on what was unknown or already so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Caller, Shop
from tests.service_tickets.life import bring, ticket_in

ADDRESSES = ("edit", "update-mechanics")


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("role", ["owner", "mechanic"])
def test_all_four_lists_are_done_together(shop: Shop, role: str, address: str) -> None:
    caller: Caller = getattr(shop, role)
    path = ticket_in(shop)
    staying, coming = shop.make_mechanic(name="Staying"), shop.make_mechanic(name="Coming")
    old, new = shop.make_part(on_hand=5), shop.make_part(name="Belt", on_hand=5)
    for mechanic_id in (shop.mechanic_id, staying.id):
        caller.put(f"{path}/assign-mechanic/{mechanic_id}")
    caller.post(f"{path}/inventory", json={"item_id": old.id, "quantity": 3})

    answer = caller.put(
        f"{path}/{address}",
        json={
            "add_mechanic_ids": [coming.id], "remove_mechanic_ids": [shop.mechanic_id], "add_item_ids": [new.id, new.id],
            "remove_item_ids": [old.id],
        },
    )  # fmt: skip

    ticket = answer.json["service_ticket"]
    assert answer.status_code == 200
    assert (answer.json["message"], answer.json["notes"]) == (f"Service ticket {ticket['id']} updated.", [])
    assert [mechanic["name"] for mechanic in ticket["mechanics"]] == ["Staying", "Coming"]
    assert ticket["inventory_items"] == [{"id": new.id, "name": "Belt", "price": 19.99, "quantity": 2}]
    assert caller.get(path).json == ticket
    stock = [shop.owner.get(f"/inventory/{part.id}").json["on_hand"] for part in (old, new)]
    assert stock == [5, 3]


def test_what_is_unknown_or_already_so_is_noted_and_the_rest_done(shop: Shop, other_shop: Shop) -> None:
    path = ticket_in(shop)
    on, idle, part = shop.mechanic_id, shop.make_mechanic().id, shop.make_part(on_hand=1)
    theirs, their_part = other_shop.mechanic_id, other_shop.make_part(on_hand=1)
    shop.owner.put(f"{path}/assign-mechanic/{on}")

    answer = shop.owner.put(
        f"{path}/edit",
        json={
            "add_mechanic_ids": [on, theirs, theirs, 10**17], "remove_mechanic_ids": [idle, idle, 10**16],
            "add_item_ids": [part.id, their_part.id, their_part.id, 10**17], "remove_item_ids": [10**16],
        },
    )  # fmt: skip

    assert answer.status_code == 200
    assert answer.json["notes"] == [
        f"Mechanic {theirs} is unknown.",
        f"Mechanic {10**17} is unknown.",
        f"Mechanic {on} was already assigned.",
        f"Mechanic {idle} was not assigned.",
        f"Mechanic {10**16} was not assigned.",
        f"Item {their_part.id} is unknown.",
        f"Item {10**17} is unknown.",
        f"Item {10**16} was not on the ticket.",
    ]
    assert [mechanic["id"] for mechanic in answer.json["service_ticket"]["mechanics"]] == [on]
    assert [item["id"] for item in answer.json["service_ticket"]["inventory_items"]] == [part.id]


def test_a_mechanic_named_twice_is_put_on_once(shop: Shop) -> None:
    path = ticket_in(shop)

    answer = shop.owner.put(f"{path}/edit", json={"add_mechanic_ids": [shop.mechanic_id] * 3})

    assert (answer.json["notes"], len(answer.json["service_ticket"]["mechanics"])) == ([], 1)


@pytest.mark.parametrize(
    "body", [{}, {"add_item_ids": []}, {"add_mechanic_ids": [], "remove_mechanic_ids": []}]
)
def test_an_edit_of_nothing_changes_nothing(shop: Shop, body: dict[str, Any]) -> None:
    path = ticket_in(shop)
    before = shop.owner.get(path).json

    answer = shop.owner.put(f"{path}/edit", json=body)

    assert (answer.status_code, answer.json["service_ticket"], answer.json["notes"]) == (200, before, [])


def test_a_lack_of_stock_undoes_the_whole_edit(shop: Shop) -> None:
    path, few, plenty = ticket_in(shop), shop.make_part(on_hand=1), shop.make_part(on_hand=5)
    shop.owner.post(f"{path}/inventory", json={"item_id": plenty.id, "quantity": 2})
    before = shop.owner.get(path).json

    answer = shop.owner.put(
        f"{path}/edit",
        json={
            "add_mechanic_ids": [shop.mechanic_id],
            "remove_item_ids": [plenty.id],
            "add_item_ids": [few.id, few.id],
        },
    )

    assert (answer.status_code, answer.json["code"]) == (409, "not_enough_on_hand")
    assert shop.owner.get(path).json == before
    assert [shop.owner.get(f"/inventory/{part.id}").json["on_hand"] for part in (few, plenty)] == [1, 3]


@pytest.mark.parametrize("status", ["completed", "delivered", "cancelled"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_closed_ticket_is_not_edited(shop: Shop, address: str, status: str) -> None:
    path = ticket_in(shop, status)

    answer = shop.owner.put(f"{path}/{address}", json={"add_mechanic_ids": [shop.mechanic_id]})

    assert (answer.status_code, answer.json["code"]) == (409, "ticket_closed")
    assert shop.owner.get(path).json["mechanics"] == []


def test_an_edit_of_a_cancelled_ticket_gives_no_stock_back_again(shop: Shop) -> None:
    path, part = ticket_in(shop), shop.make_part(on_hand=5)
    shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 2})
    bring(shop, path, "cancelled")

    shop.owner.put(f"{path}/edit", json={"remove_item_ids": [part.id]})

    assert shop.owner.get(f"/inventory/{part.id}").json["on_hand"] == 5


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_unknown_ticket_is_not_edited(shop: Shop, other_shop: Shop, address: str) -> None:
    answer = shop.owner.put(
        f"{ticket_in(other_shop)}/{address}", json={"add_mechanic_ids": [shop.mechanic_id]}
    )

    assert (answer.status_code, answer.json["code"]) == (404, "service_ticket_not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (body, field)
        for field in ("add_mechanic_ids", "remove_mechanic_ids", "add_item_ids", "remove_item_ids")
        for body in (
            {field: None}, {field: 1}, {field: "1"}, {field: {"0": 1}}, {field: [None]}, {field: ["1"]},
            {field: [1.5]}, {field: [True]},
            {field: [[1]]}, {field: [0]}, {field: [-1]}, {field: [2**63]}, {field: [1] * 101},
        )
    ],
)  # fmt: skip
def test_a_careless_list_is_refused(shop: Shop, body: dict[str, Any], field: str) -> None:
    answer = shop.owner.put(f"{ticket_in(shop)}/edit", json=body)

    assert answer.status_code == 400
    assert {name.partition(".")[0] for name in answer.json["errors"]} == {field}


@pytest.mark.parametrize(
    ("add", "remove"), [("add_mechanic_ids", "remove_mechanic_ids"), ("add_item_ids", "remove_item_ids")]
)
def test_nothing_is_added_and_removed_at_once(shop: Shop, add: str, remove: str) -> None:
    answer = shop.owner.put(f"{ticket_in(shop)}/edit", json={add: [1, 2], remove: [2, 3]})

    assert (answer.status_code, list(answer.json["errors"])) == (400, [add])
    assert "[2]" in answer.json["errors"][add][0]


def test_nothing_else_is_edited_here(shop: Shop) -> None:
    answer = shop.owner.put(f"{ticket_in(shop)}/edit", json={"service_desc": "X", "add_ids": [1]})

    assert (answer.status_code, sorted(answer.json["errors"])) == (400, ["add_ids", "service_desc"])


@pytest.mark.parametrize(("sent", "status"), [("{now}", 200), ("*", 200), ('"0-00"', 412), ("W/{now}", 412)])
def test_if_match_guards_an_edit_and_its_answer_opens_the_next(shop: Shop, sent: str, status: int) -> None:
    path, body = ticket_in(shop), {"add_mechanic_ids": [shop.mechanic_id]}
    now = shop.owner.get(path).headers["ETag"]

    answer = shop.owner.put(f"{path}/edit", json=body, headers={"If-Match": sent.format(now=now)})

    assert answer.status_code == status
    if status == 200:
        following = {"If-Match": answer.headers["ETag"]}
        assert shop.owner.patch(path, json={"service_desc": "X"}, headers=following).status_code == 200
