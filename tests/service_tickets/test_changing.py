"""Changing and deleting a ticket: PUT, PATCH, DELETE, and who may when."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Caller, Shop, unique_vin
from tests.service_tickets.life import ticket_in

OPEN = ("booked", "received", "in_progress")
CLOSED = ("completed", "delivered", "cancelled")


def whole(shop: Shop, **overrides: Any) -> dict[str, Any]:
    return {
        "VIN": unique_vin(), "service_date": "2026-05-01", "service_desc": "Brakes",
        "customer_id": shop.customer_id, **overrides,
    }  # fmt: skip


@pytest.mark.parametrize("status", OPEN)
@pytest.mark.parametrize("role", ["owner", "mechanic"])
def test_staff_replace_what_a_ticket_says_until_it_is_finished(shop: Shop, role: str, status: str) -> None:
    caller: Caller = getattr(shop, role)
    path, body = ticket_in(shop, status), whole(shop, customer_id=shop.make_customer(name="New").id)

    answer = caller.put(path, json=body)

    assert answer.status_code == 200
    assert answer.json.items() >= (body | {"status": status}).items()
    assert answer.json["customer"] == {"id": body["customer_id"], "name": "New"}
    assert caller.get(path).json == answer.json


@pytest.mark.parametrize("status", ["approved", "declined"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_one_customer_agreed_to_binds_no_other(shop: Shop, method: str, status: str) -> None:
    path = ticket_in(shop, status)
    before = shop.owner.get(path).json

    given = shop.owner.open(method, path, json=whole(shop, customer_id=shop.other_customer_id))

    assert (given.status_code, given.json["code"]) == (409, "ticket_in_use")
    assert shop.owner.get(path).json == before
    assert shop.owner.open(method, path, json=whole(shop)).status_code == 200


@pytest.mark.parametrize("status", CLOSED)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("role", ["owner", "mechanic", "customer"])
def test_a_closed_ticket_is_changed_by_nobody(shop: Shop, role: str, method: str, status: str) -> None:
    caller: Caller = getattr(shop, role)
    path = ticket_in(shop, status)
    before = caller.get(path).json

    answer = caller.open(method, path, json=whole(shop))

    assert (answer.status_code, answer.json["code"]) == (409, "ticket_closed")
    assert caller.get(path).json == before


@pytest.mark.parametrize(("status", "allowed"), [("booked", 200), ("received", 409), ("in_progress", 409)])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_customer_changes_their_own_while_it_is_booked(
    shop: Shop, method: str, status: str, allowed: int
) -> None:
    answer = shop.customer.open(method, ticket_in(shop, status), json=whole(shop))

    assert answer.status_code == allowed
    assert allowed == 200 or answer.json["code"] == "ticket_closed"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_nobody_changes_another_customers_or_gives_theirs_away(shop: Shop, method: str) -> None:
    path = ticket_in(shop)
    assert shop.other_customer.principal is not None

    taken = shop.other_customer.open(
        method, path, json=whole(shop, customer_id=shop.other_customer.principal.customer_id)
    )
    given = shop.customer.open(
        method, path, json=whole(shop, customer_id=shop.other_customer.principal.customer_id)
    )

    assert [(answer.status_code, answer.json["code"]) for answer in (taken, given)] == [
        (403, "not_your_ticket")
    ] * 2
    assert shop.customer.get(path).json["service_desc"] == "Oil change"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"service_desc": "Brakes"},
        {"service_date": "2026-05-01"},
        {"VIN": "1M8GDM9AXKP042788"},
        {"VIN": "ABC", "service_desc": "X"},
    ],
)
def test_patch_changes_what_it_names(shop: Shop, changes: dict[str, str]) -> None:
    path = ticket_in(shop)
    before = shop.owner.get(path).json

    answer = shop.customer.patch(path, json=changes)

    ignored = {
        "updated_at": "",
        "warnings": [],
        "allowed_transitions": [],
        "open_recommendations": None,
        "vehicle_id": 0,
    }
    assert answer.status_code == 200
    assert (answer.json["vehicle_id"] == before["vehicle_id"]) == ("VIN" not in changes)
    assert answer.json | ignored == before | changes | ignored


@pytest.mark.parametrize("field", ["VIN", "service_date", "service_desc", "customer_id"])
def test_nothing_of_a_ticket_is_cleared_and_put_needs_the_whole(shop: Shop, field: str) -> None:
    path, body = ticket_in(shop), whole(shop)
    del body[field]

    cleared, partial = shop.owner.patch(path, json={field: None}), shop.owner.put(path, json=body)

    assert [(answer.status_code, list(answer.json["errors"])) for answer in (cleared, partial)] == [
        (400, [field])
    ] * 2


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_ticket_goes_to_no_customer_who_is_unknown_here(shop: Shop, other_shop: Shop, method: str) -> None:
    path, erased = ticket_in(shop), shop.make_customer()
    shop.owner.delete(f"/customers/{erased.id}")

    answers = [
        shop.owner.open(method, path, json=whole(shop, customer_id=id_))
        for id_ in (erased.id, other_shop.customer_id, 2**62)
    ]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
        (404, "customer_not_found")
    ] * 3
    assert shop.owner.get(path).json["service_desc"] == "Oil change"


def test_what_an_erased_customer_left_is_still_worked_on(shop: Shop) -> None:
    path, customer_id = ticket_in(shop), shop.customer_id
    shop.customer.delete("/customers")

    patched = shop.mechanic.patch(path, json={"service_desc": "Brakes too"})
    put = shop.mechanic.put(path, json=whole(shop, customer_id=customer_id))

    assert (patched.status_code, put.status_code) == (200, 200)
    assert put.json["customer"] == {"id": customer_id, "name": "Former customer"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_what_is_unknown_here_is_not_found(shop: Shop, other_shop: Shop, method: str) -> None:
    path = ticket_in(other_shop)
    sent = {} if method == "DELETE" else {"json": whole(shop)}

    answer = shop.owner.open(method, path, **sent)

    assert (answer.status_code, answer.json["code"]) == (404, "service_ticket_not_found")
    assert other_shop.owner.get(path).json["service_desc"] == "Oil change"


@pytest.mark.parametrize(
    ("method", "sent", "status"),
    [
        (method, sent, status)
        for method in ("PUT", "PATCH", "DELETE")
        for sent, status in (
            ("{now}", 200), ('"0-00", {now}', 200), ("*", 200), ("{old}", 412), ("W/{now}", 412), ('"x"', 412),
            ("{old}, W/{now}", 412),
        )
    ],
)  # fmt: skip
def test_if_match_guards_every_change(shop: Shop, method: str, sent: str, status: int) -> None:
    path = ticket_in(shop)
    old = shop.owner.get(path).headers["ETag"]
    now = shop.owner.patch(path, json={"service_desc": "Seen by nobody"}).headers["ETag"]
    body = {} if method == "DELETE" else {"json": whole(shop)}

    answer = shop.owner.open(method, path, headers={"If-Match": sent.format(old=old, now=now)}, **body)

    assert answer.status_code == status
    assert status == 200 or shop.owner.get(path).json["service_desc"] == "Seen by nobody"


@pytest.mark.parametrize("what", ["mechanic", "item", "status", "edit"])
def test_what_hangs_on_a_ticket_counts_as_a_change_of_it(shop: Shop, what: str) -> None:
    path, part = ticket_in(shop), shop.make_part()
    old = shop.owner.get(path).headers["ETag"]
    if what == "mechanic":
        shop.owner.put(f"{path}/assign-mechanic/{shop.mechanic_id}")
    elif what == "item":
        shop.owner.post(f"{path}/inventory", json={"item_id": part.id})
    elif what == "status":
        shop.owner.post(f"{path}/status", json={"status": "received"})
    else:
        shop.owner.put(f"{path}/edit", json={"add_item_ids": [part.id]})

    answer = shop.owner.patch(path, json={"service_desc": "X"}, headers={"If-Match": old})

    assert answer.status_code == 412


class TestDeleting:
    @pytest.mark.parametrize("status", [*OPEN, "cancelled"])
    @pytest.mark.parametrize("role", ["owner", "mechanic"])
    def test_what_is_not_finished_can_go(self, shop: Shop, role: str, status: str) -> None:
        caller: Caller = getattr(shop, role)
        path = ticket_in(shop, status)
        caller.get("/service_tickets")

        gone = caller.delete(path)

        number = path.rpartition("/")[2]
        assert (gone.status_code, gone.json) == (
            200,
            {"message": f"Service ticket {number} (number 1) deleted."},
        )
        assert caller.get(path).status_code == caller.delete(path).status_code == 404
        assert caller.get("/service_tickets").json == shop.customer.get("/customers/my-tickets").json == []

    @pytest.mark.parametrize("status", ["completed", "delivered"])
    def test_what_is_finished_is_kept(self, shop: Shop, status: str) -> None:
        path = ticket_in(shop, status)

        answer = shop.owner.delete(path)

        assert (answer.status_code, answer.json["code"]) == (409, "ticket_closed")
        assert shop.owner.get(path).status_code == 200

    @pytest.mark.parametrize("status", [*OPEN, "cancelled"])
    def test_what_somebody_works_on_is_not_deleted_before_they_are_off(self, shop: Shop, status: str) -> None:
        path = f"/service_tickets/{shop.make_ticket()['id']}"
        shop.owner.put(f"{path}/assign-mechanic/{shop.mechanic_id}")
        for step in {"booked": [], "received": ["received"], "in_progress": ["received", "in_progress"]}.get(
            status, [status]
        ):
            shop.owner.post(f"{path}/status", json={"status": step})

        refused = shop.owner.delete(path)
        shop.owner.put(f"{path}/remove-mechanic/{shop.mechanic_id}")

        assert (refused.status_code, refused.json["code"]) == (409, "mechanics_assigned")
        assert str(shop.mechanic_id) in refused.json["detail"]
        assert shop.owner.delete(path).status_code == 200

    def test_its_items_go_back_into_stock(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=5)
        shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 3})

        shop.owner.delete(path)

        assert shop.owner.get(f"/inventory/{part.id}").json["on_hand"] == 5

    def test_those_of_a_cancelled_one_have_gone_back_already(self, shop: Shop) -> None:
        path, part = ticket_in(shop), shop.make_part(on_hand=5)
        shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 3})
        shop.owner.post(f"{path}/status", json={"status": "cancelled"})

        shop.owner.delete(path)

        assert shop.owner.get(f"/inventory/{part.id}").json["on_hand"] == 5

    def test_a_customer_deletes_none(self, shop: Shop) -> None:
        assert shop.customer.delete(ticket_in(shop)).status_code == 403
