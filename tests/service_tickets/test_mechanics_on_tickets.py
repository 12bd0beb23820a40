"""Who works on a ticket."""

from __future__ import annotations

import pytest

from tests.factories import Caller, Shop
from tests.service_tickets.life import ticket_in


def working_on(shop: Shop, path: str) -> list[int]:
    return [mechanic["id"] for mechanic in shop.owner.get(path).json["mechanics"]]


@pytest.mark.parametrize("role", ["owner", "mechanic"])
def test_a_mechanic_is_put_on_and_taken_off(shop: Shop, role: str) -> None:
    caller: Caller = getattr(shop, role)
    path = ticket_in(shop)

    on = caller.put(f"{path}/assign-mechanic/{shop.mechanic_id}")
    off = caller.put(f"{path}/remove-mechanic/{shop.mechanic_id}")

    assert (on.status_code, on.json["mechanics"]) == (200, [{"id": shop.mechanic_id, "name": "Mel Mechanic"}])
    assert (off.status_code, off.json["mechanics"]) == (200, [])


def test_one_who_is_on_it_already_stays(shop: Shop) -> None:
    path = f"{ticket_in(shop)}/assign-mechanic/{shop.mechanic_id}"

    first, again = shop.owner.put(path), shop.owner.put(f"{path}/")

    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json == first.json
    assert again.headers["ETag"] == first.headers["ETag"]


def test_an_empty_body_does_no_harm(shop: Shop) -> None:
    path = f"{ticket_in(shop)}/assign-mechanic/{shop.mechanic_id}"

    assert shop.owner.put(path, json={}).status_code == 200
    assert shop.owner.open("PUT", path, data=b"", content_type="application/json").status_code == 200


def test_several_work_together(shop: Shop) -> None:
    path = ticket_in(shop)
    others = [shop.make_mechanic().id for _ in range(3)]

    for mechanic_id in (*reversed(others), shop.mechanic_id):
        shop.owner.put(f"{path}/assign-mechanic/{mechanic_id}")

    assert working_on(shop, path) == [shop.mechanic_id, *others]


def test_one_who_is_unknown_here_is_not_found(shop: Shop, other_shop: Shop) -> None:
    path = ticket_in(shop)

    answers = [shop.owner.put(f"{path}/assign-mechanic/{id_}") for id_ in (other_shop.mechanic_id, 0, 10**17)]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
        (404, "mechanic_not_found")
    ] * 3
    assert working_on(shop, path) == []


def test_one_who_is_not_on_it_is_not_taken_off(shop: Shop, other_shop: Shop) -> None:
    path = ticket_in(shop)

    answers = [
        shop.owner.put(f"{path}/remove-mechanic/{id_}")
        for id_ in (shop.mechanic_id, other_shop.mechanic_id, 10**17)
    ]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
        (404, "mechanic_not_assigned")
    ] * 3


@pytest.mark.parametrize("what", ["assign-mechanic", "remove-mechanic"])
def test_an_unknown_ticket_has_no_mechanics(shop: Shop, other_shop: Shop, what: str) -> None:
    answer = shop.owner.put(f"{ticket_in(other_shop)}/{what}/{shop.mechanic_id}")

    assert (answer.status_code, answer.json["code"]) == (404, "service_ticket_not_found")


@pytest.mark.parametrize("what", ["assign-mechanic", "remove-mechanic"])
@pytest.mark.parametrize("id_", ["abc", "-1", "1.0", "9" * 30, "1,2"])
def test_an_odd_id_is_not_found(shop: Shop, what: str, id_: str) -> None:
    assert shop.owner.put(f"{ticket_in(shop)}/{what}/{id_}").status_code == 404


@pytest.mark.parametrize("status", ["completed", "delivered", "cancelled"])
def test_nobody_is_put_on_a_closed_ticket(shop: Shop, status: str) -> None:
    path = ticket_in(shop, status)

    answer = shop.owner.put(f"{path}/assign-mechanic/{shop.mechanic_id}")

    assert (answer.status_code, answer.json["code"]) == (409, "ticket_closed")


@pytest.mark.parametrize(("status", "left"), [("completed", 409), ("delivered", 409), ("cancelled", 200)])
def test_who_finished_a_job_stays_on_it(shop: Shop, status: str, left: int) -> None:
    path = ticket_in(shop, "received" if status != "cancelled" else "booked")
    shop.owner.put(f"{path}/assign-mechanic/{shop.mechanic_id}")
    steps = {
        "completed": ["in_progress", "completed"],
        "delivered": ["in_progress", "completed", "delivered"],
    }
    for step in steps.get(status, [status]):
        shop.owner.post(f"{path}/status", json={"status": step})

    answer = shop.owner.put(f"{path}/remove-mechanic/{shop.mechanic_id}")

    assert answer.status_code == left
    assert working_on(shop, path) == ([] if left == 200 else [shop.mechanic_id])


@pytest.mark.parametrize("what", ["assign-mechanic/1", "remove-mechanic/1", "edit", "update-mechanics"])
def test_customers_do_not_choose_who_works(shop: Shop, what: str) -> None:
    assert shop.customer.put(f"{ticket_in(shop)}/{what}", json={}).status_code == 403
