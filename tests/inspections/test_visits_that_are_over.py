"""Inspections of a visit that is over: nothing is found any more; what was found an owner may come to the next morning."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Shop
from tests.inspections.examining import ADVICE, advise, begun, refused
from tests.service_tickets.life import bring

RED: dict[str, Any] = {"points": [{"place": 1, "condition": "red"}]}
OVER = pytest.mark.parametrize("status", ["completed", "out_for_delivery", "delivered", "cancelled"])


@OVER
def test_nothing_is_found_or_recommended_any_more(shop: Shop, status: str) -> None:
    ticket = shop.make_ticket()["id"]
    path = begun(shop, ticket)
    advice = f"{path}/recommendations/{advise(shop, path)}"
    bring(shop, f"/service_tickets/{ticket}", status)
    before = shop.mechanic.get(path).json

    for answer in (
        shop.mechanic.post(f"{path}/points", json=RED),
        shop.mechanic.post(f"{path}/recommendations", json=ADVICE),
        shop.mechanic.patch(advice, json={"urgency": "now"}),
        shop.mechanic.delete(advice),
    ):
        assert refused(answer) == (409, "ticket_closed")
    assert shop.mechanic.get(path).json == before


@OVER
def test_what_was_found_is_finished_and_validated_unless_the_visit_was_cancelled(
    shop: Shop, status: str
) -> None:
    ticket = shop.make_ticket()["id"]
    path = begun(shop, ticket)
    shop.mechanic.post(f"{path}/points", json=RED)
    bring(shop, f"/service_tickets/{ticket}", status)

    answers = shop.mechanic.post(f"{path}/finish", json={}), shop.owner.post(f"{path}/validate")

    if status == "cancelled":
        for answer in (*answers, shop.mechanic.delete(path)):
            assert refused(answer) == (409, "ticket_closed")
        assert shop.customer.get(path).status_code == 404
    else:
        assert [answer.status_code for answer in answers] == [200, 200]
        assert shop.customer.get(path).status_code == 200


@pytest.mark.parametrize("automatic", [True, False])
def test_one_that_says_nothing_is_neither_finished_nor_validated(shop: Shop, automatic: bool) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", json={"inspections_validated_automatically": automatic})
    path = begun(shop)

    wrong = [shop.mechanic.post(f"{path}/finish", json={}), shop.owner.post(f"{path}/validate")]
    shop.mechanic.post(f"{path}/points", json=RED)
    done = shop.mechanic.post(f"{path}/finish", json={})

    assert [refused(answer) for answer in wrong] == [(409, "nothing_inspected")] * 2
    assert (done.status_code, done.json["state"]) == (200, "validated" if automatic else "finished")


def test_of_a_cancelled_ticket_nothing_follows_and_it_says_so(shop: Shop) -> None:
    ticket = shop.make_ticket()
    shop.owner.post(f"/service_tickets/{ticket['id']}/status", json={"status": "cancelled"})
    body = {
        "VIN": ticket["VIN"], "service_date": "2026-12-01", "service_desc": "Again", "customer_id": shop.customer_id,
        "follows_ticket_id": ticket["id"], "follows_as": "comeback",
    }  # fmt: skip

    answer = shop.owner.post("/service_tickets", json=body)

    assert refused(answer) == (409, "cannot_follow")
    assert "was cancelled" in answer.json["detail"]
