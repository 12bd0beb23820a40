"""Purchase orders: two deliveries entered at once are never more than was ordered, and what runs low is drafted once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask

from app.blueprints.inventory import orders, proposals, proving, receiving
from app.blueprints.workshops import numbers
from tests.concurrency.racing import Meeting, race, without_row_locks, without_write_lock
from tests.factories import Shop

ORDERS = "/inventory/purchase_orders"


# ---- Receiving --------------------------------------------------------------------------------------------------


def race_to_receive(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], int, int]:
    """Enter twice at once that 6 of 10 came; return statuses, what the ledger says came, and what the order says."""
    part = shop.make_part(on_hand=0).id
    order = f"{ORDERS}/{shop.make_order(part)['id']}"
    monkeypatch.setattr(receiving, "_require_expected", meeting.after(receiving._require_expected))
    body = {"lines": [{"item_id": part, "quantity": 6}]}

    receive = partial(shop.mechanic.post, f"{order}/receipts", json=body)
    answers = race(receive, receive)

    entered = sum(one["quantity"] for one in shop.owner.get(f"{order}/movements").json)
    received = shop.owner.get(order).json["lines"][0]["received"]
    return sorted(answer.status_code for answer in answers), entered, received


def test_two_deliveries_entered_at_once_are_not_more_than_was_ordered(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    outcome = race_to_receive(shop, meeting, monkeypatch)

    assert outcome == ([200, 409], 6, 6)
    assert not meeting.was_held


def test_control_without_the_lock_on_the_order_more_comes_than_was_ordered(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, receiving)

    with without_write_lock(app):
        statuses, entered, received = race_to_receive(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert (statuses, entered, received) == ([200, 200], 12, 6)


def test_an_order_received_and_cancelled_at_once_is_one_after_the_other(shop: Shop) -> None:
    part = shop.make_part(on_hand=0).id
    order = f"{ORDERS}/{shop.make_order(part)['id']}"
    body = {"lines": [{"item_id": part, "quantity": 4}]}

    race(
        partial(shop.mechanic.post, f"{order}/receipts", json=body),
        partial(shop.owner.post, f"{order}/cancel", json={}),
    )

    told = shop.owner.get(order).json
    line = told["lines"][0]
    assert (told["status"], line["received"], line["cancelled"]) in (("received", 4, 6), ("cancelled", 0, 10))
    assert shop.owner.get(f"/inventory/{part}").json["on_hand"] == line["received"]


def test_deliveries_of_the_same_parts_by_two_orders_never_wait_in_a_circle(shop: Shop) -> None:
    first, second = shop.make_part(on_hand=0).id, shop.make_part(on_hand=0).id
    made = [shop.make_order(first, second), shop.make_order(second, first)]

    answers = race(
        *(partial(shop.mechanic.post, f"{ORDERS}/{order['id']}/receipts", json={}) for order in made)
    )

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [shop.owner.get(f"/inventory/{part}").json["on_hand"] for part in (first, second)] == [20, 20]
    with shop.inside():
        assert list(proving.discrepancies(shop.id)) == []


# ---- Proposals --------------------------------------------------------------------------------------------------


def race_to_draft(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch, least: int | None = 4
) -> int:
    """Ask twice at once that what a ticket lacks, and what runs low, is drafted; return how many orders there are."""
    part, supplier = shop.make_part(on_hand=0, minimum_stock_level=least).id, shop.make_supplier().id
    shop.owner.put(f"/inventory/{part}/suppliers/{supplier}", json={"price": 2})
    line = {"kind": "part", "item_id": part, "quantity": 2}
    assert shop.owner.post(f"/service_tickets/{shop.make_ticket()['id']}/lines", json=line).status_code == 201
    monkeypatch.setattr(proposals, "proposed", meeting.after(proposals.proposed))

    race(*[partial(shop.owner.post, f"{ORDERS}/proposals", json={})] * 2)

    return len(shop.owner.get(ORDERS).json)


@pytest.mark.parametrize("least", [None, 4])
def test_what_is_lacking_is_drafted_once_by_two_who_ask_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, least: int | None
) -> None:
    meeting = Meeting(2)

    assert race_to_draft(shop, meeting, monkeypatch, least) == 1
    assert not meeting.was_held


def test_control_without_holding_the_series_it_is_drafted_twice(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    monkeypatch.setattr(numbers, "hold_series", lambda series: None)
    given = iter(range(1, 9))
    monkeypatch.setattr(numbers, "next_number", lambda series: next(given))

    with without_write_lock(app):
        assert race_to_draft(shop, meeting, monkeypatch) == 2

    assert meeting.was_held


def test_drafting_holds_the_series_before_supplier_and_parts_as_proposing_does(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other way round, two drafts with a delivery between them would wait in a circle."""
    held: list[str] = []

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            held.append(name)
            return function(*arguments)

        return noted

    monkeypatch.setattr(numbers, "next_number", noting("series", numbers.next_number))
    for name in ("_orderable", "_parts"):
        monkeypatch.setattr(orders, name, noting(name, getattr(orders, name)))
    body = {
        "supplier_id": shop.make_supplier().id,
        "lines": [{"item_id": shop.make_part(on_hand=0).id, "quantity": 1}],
    }

    assert shop.owner.post(ORDERS, json=body).status_code == 201
    assert held == ["series", "_orderable", "_parts"]
