"""A no takes off what is not done yet, however it came; what is in the car or was worked stays told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cores.exchanging import Exchange, exchanged
from tests.estimates.asking import PADS, RUST, ask, decide, examined, ids
from tests.factories import Shop
from tests.service_tickets.life import step_to, ticket_in

WAYS = pytest.mark.parametrize("way", ["by estimate", "by word"])


def decline(shop: Shop, path: str, way: str) -> Any:
    """Decline all that is on a ticket, and return the ticket."""
    if way == "by estimate":
        answer = decide(shop, ask(shop, path))
        assert (answer.status_code, answer.json["state"]) == (200, "declined")
        return shop.owner.get(path).json
    for step in ("awaiting_approval", "declined"):
        answer = shop.owner.post(f"{path}/status", json=step_to(step))
        assert answer.status_code == 200, answer.text
    return answer.json


def on_hand(shop: Shop, part_id: int) -> int:
    number: int = shop.owner.get(f"/inventory/{part_id}").json["on_hand"]
    return number


@WAYS
def test_what_is_fitted_stays_in_the_car_and_on_the_ticket(shop: Shop, way: str) -> None:
    part = shop.make_part(on_hand=5)
    path = ticket_in(shop, "analysis")
    shop.mechanic.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 2})
    shop.mechanic.post(
        f"{path}/lines", json=[PADS, {"kind": "discount", "description": "Off", "percent": 10}]
    )

    ticket = decline(shop, path, way)

    assert [(line["kind"], line["fitted"], line["agreed"]) for line in ticket["lines"]] == [
        ("part", 2, False), ("discount", None, False),
    ]  # fmt: skip
    assert (ticket["status"], ticket["approved_total"], on_hand(shop, part.id)) == ("declined", 0, 3)
    offered = shop.mechanic.get(f"{path}/recommendations").json
    assert [one["description"] for one in offered] == ["Brake pads, front"]


def test_what_is_fitted_is_agreed_to_or_stays_to_be_settled(shop: Shop) -> None:
    part = shop.make_part(on_hand=5)
    path = examined(shop, PADS, RUST)
    shop.mechanic.post(f"{path}/inventory", json={"item_id": part.id})
    estimate = ask(shop, path)

    decided = decide(shop, estimate, *ids(estimate, "Brake pads, front")).json

    ticket = shop.owner.get(path).json
    assert [line["kind"] for line in ticket["lines"]] == ["labour", "part"]
    assert (decided["accepted_total"], ticket["approved_total"], on_hand(shop, part.id)) == (150, 150, 4)
    assert "in_progress" not in ticket["allowed_transitions"]
    shop.mechanic.post(f"{path}/lines/{ticket['lines'][1]['id']}/return", json={})
    assert "in_progress" in shop.owner.get(path).json["allowed_transitions"]


@WAYS
def test_an_old_part_that_is_settled_stands_in_nobodys_way(shop: Shop, way: str) -> None:
    exchange: Exchange = exchanged(shop, status="analysis")
    exchange.held()

    ticket = decline(shop, exchange.ticket, way)

    assert [(line["fitted"], line["cores_due"]) for line in ticket["lines"]] == [(2, 0)]


@WAYS
def test_hours_that_were_worked_on_what_is_declined_stay_with_the_ticket(shop: Shop, way: str) -> None:
    path = examined(shop, PADS)
    [line] = shop.owner.get(path).json["lines"]
    place = shop.mechanic.post(f"{path}/clock/start", json={"line_id": line["id"]}).headers["Location"]
    shop.mechanic.post(f"{path}/clock/stop", json={})

    ticket = decline(shop, path, way)

    assert (ticket["status"], ticket["lines"]) == ("declined", [])
    assert shop.owner.get(place).json["line_id"] is None


@WAYS
def test_what_was_approved_before_lets_nothing_else_begin(shop: Shop, way: str) -> None:
    path = examined(shop, PADS)
    estimate = ask(shop, path)
    decide(shop, estimate, *ids(estimate))
    (line_id,) = ids(estimate)
    shop.mechanic.patch(f"{path}/lines/{line_id}", json={"unit_price": 200})

    ticket = decline(shop, path, way)
    shop.mechanic.post(f"{path}/lines", json=RUST)
    shop.mechanic.post(f"{path}/status", json={"status": "analysis"})
    begun = shop.mechanic.post(f"{path}/status", json={"status": "in_progress"})

    assert (ticket["status"], ticket["lines"], ticket["approved_total"]) == ("declined", [], 0)
    assert (begun.status_code, begun.json["code"]) == (409, "approval_exceeded")


def test_a_no_by_word_leaves_approved_what_is_left_of_what_was_agreed_to(shop: Shop) -> None:
    path = examined(shop, PADS, RUST)
    estimate = ask(shop, path)
    decide(shop, estimate, *ids(estimate))
    (line_id,) = ids(estimate, "Brake pads, front")
    shop.mechanic.patch(f"{path}/lines/{line_id}", json={"unit_price": 200})

    ticket = decline(shop, path, "by word")

    assert ([line["description"] for line in ticket["lines"]], ticket["approved_total"]) == (
        ["Rust protection"], 80,
    )  # fmt: skip
