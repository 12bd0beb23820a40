"""Stock: the last parts go to as many as there are, come back once, and nobody waits in a circle for them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from app.blueprints.inventory import issuing, proving, stock
from app.blueprints.inventory import service as inventory
from app.blueprints.inventory.errors import NotEnoughOnHand
from app.blueprints.inventory.ledger import Stock
from app.blueprints.inventory.models import Part
from app.blueprints.service_tickets import holding, moving
from app.extensions import db
from tests.concurrency.racing import Meeting, race, without_row_locks, without_write_lock
from tests.factories import Shop


def take_one(shop: Shop, part_id: int, ticket_id: int) -> TestResponse:
    return shop.owner.post(
        f"/service_tickets/{ticket_id}/inventory", json={"item_id": part_id, "quantity": 1}
    )


def on_hand(shop: Shop, part_id: int) -> int:
    number: int = shop.owner.get(f"/inventory/{part_id}").json["on_hand"]
    return number


def on_tickets(shop: Shop, ticket_ids: list[int]) -> int:
    tickets_ = [shop.owner.get(f"/service_tickets/{ticket_id}").json for ticket_id in ticket_ids]
    return sum(item["quantity"] for ticket in tickets_ for item in ticket["inventory_items"])


# ---- The last ones ----------------------------------------------------------------------------------------------


def race_for_the_last(shop: Shop, buyers: int, stock: int) -> tuple[list[int], int, int]:
    """Let `buyers`, each with a ticket of their own, take one part each; return statuses, what is left, what was fitted."""
    part_id = shop.make_part(on_hand=stock).id
    ticket_ids = [shop.make_ticket()["id"] for _ in range(buyers)]

    answers = race(*(partial(take_one, shop, part_id, ticket_id) for ticket_id in ticket_ids))

    return (
        sorted(answer.status_code for answer in answers),
        on_hand(shop, part_id),
        on_tickets(shop, ticket_ids),
    )


def test_fifty_requests_for_the_last_ten_give_ten(shop: Shop) -> None:
    statuses, left, fitted = race_for_the_last(shop, buyers=50, stock=10)

    assert statuses == [201] * 10 + [409] * 40
    assert (left, fitted) == (0, 10)


def test_control_reading_the_stock_before_taking_it_sells_the_last_one_four_times(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(4)

    def read_then_write(
        workshop_id: int, part_id: int, quantity: Decimal, seen: Stock, own: Decimal, **options: Any
    ) -> issuing.Taken:
        part = inventory.get(workshop_id, part_id)
        meeting.wait()
        assert part.on_hand is not None
        if part.on_hand < quantity:
            raise NotEnoughOnHand()
        new_level = (
            update(Part)
            .where(Part.workshop_id == workshop_id, Part.id == part_id)
            .values(on_hand=part.on_hand - quantity)
        )
        db.session.execute(new_level.execution_options(synchronize_session=False))
        return issuing.Taken(part.id, part.name, part.price)

    def hold_nothing(workshop_id: int, part_ids: Iterable[int]) -> dict[int, Stock]:
        return {}

    monkeypatch.setattr(issuing, "_take", read_then_write)
    monkeypatch.setattr(issuing, "hold", hold_nothing)
    with without_write_lock(app):
        statuses, left, fitted = race_for_the_last(shop, buyers=4, stock=1)

    assert meeting.was_held
    assert statuses == [201] * 4
    assert (left, fitted) == (0, 4)


# ---- Back into stock --------------------------------------------------------------------------------------------


def race_to_cancel(shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], int]:
    """Cancel a ticket with 3 of the 10 parts twice at once; return the statuses and the stock afterwards."""
    part_id = shop.make_part(on_hand=10).id
    ticket_id = shop.make_ticket()["id"]
    shop.owner.post(f"/service_tickets/{ticket_id}/inventory", json={"item_id": part_id, "quantity": 3})
    cancel = partial(shop.owner.post, f"/service_tickets/{ticket_id}/status", json={"status": "cancelled"})
    monkeypatch.setattr(moving, "_require_allowed", meeting.after(moving._require_allowed))

    answers = race(cancel, cancel)

    return sorted(answer.status_code for answer in answers), on_hand(shop, part_id)


def test_cancelling_twice_at_once_returns_the_stock_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Meeting(2)

    statuses, left = race_to_cancel(shop, meeting, monkeypatch)

    assert statuses == [200, 409]
    assert left == 10
    assert not meeting.was_held


def test_control_without_the_lock_on_the_ticket_the_stock_returns_twice(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, holding)

    with without_write_lock(app):
        statuses, left = race_to_cancel(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert statuses == [200, 200]
    assert left == 13


# ---- The ledger -------------------------------------------------------------------------------------------------


def race_to_receive(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], int, list[str]]:
    """Receive 5 twice at once where there are 10; return statuses, what is there then, and what the ledger says against it."""
    part_id = shop.make_part(on_hand=10).id
    body = {"kind": "purchase", "quantity": 5, "unit_cost": "3.33"}
    monkeypatch.setattr(stock, "require_version", meeting.after(stock.require_version))

    receive = partial(shop.owner.post, f"/inventory/{part_id}/movements", json=body)
    answers = race(receive, receive)

    with shop.inside():
        found = [one.words for one in proving.discrepancies(shop.id)]
    return sorted(answer.status_code for answer in answers), on_hand(shop, part_id), found


def test_two_receipts_at_once_are_both_counted_and_entered(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    outcome = race_to_receive(shop, meeting, monkeypatch)

    assert outcome == ([201, 201], 20, [])
    assert not meeting.was_held


def test_control_without_the_lock_on_the_part_one_receipt_is_lost_and_the_ledger_shows_it(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, stock)

    with without_write_lock(app):
        statuses, left, found = race_to_receive(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert (statuses, left) == ([201, 201], 15)
    assert "15 on hand, and the ledger says 20" in found[0]


def test_receipts_and_sales_at_once_leave_a_ledger_that_adds_up_to_the_cent(shop: Shop) -> None:
    part_id = shop.make_part(on_hand=10, unit="l").id
    ticket_ids = [shop.make_ticket()["id"] for _ in range(10)]
    body = {"kind": "purchase", "quantity": 1.5, "unit_cost": "7.77"}
    receive = partial(shop.owner.post, f"/inventory/{part_id}/movements", json=body)
    sell = [
        partial(
            shop.owner.post,
            f"/service_tickets/{ticket_id}/inventory",
            json={"item_id": part_id, "quantity": 0.7},
        )
        for ticket_id in ticket_ids
    ]

    answers = race(*sell, *[receive] * 10)

    with shop.inside():
        assert list(proving.discrepancies(shop.id)) == []
    assert {answer.status_code for answer in answers} == {201}
    assert on_hand(shop, part_id) == 18


# ---- Waiting in a circle ----------------------------------------------------------------------------------------


def race_in_opposite_orders(shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Put the same two parts on two tickets, named in opposite orders; the meeting is after each one's first part."""
    first, second = shop.make_part(on_hand=10).id, shop.make_part(on_hand=10).id
    orders = [[first, second], [second, first]]
    ticket_ids = [shop.make_ticket()["id"] for _ in orders]
    monkeypatch.setattr(issuing, "_take", meeting.after(issuing._take))

    def add(ticket_id: int, part_ids: list[int]) -> TestResponse:
        lines = [{"item_id": part_id, "quantity": 1} for part_id in part_ids]
        return shop.owner.post(f"/service_tickets/{ticket_id}/inventory", json=lines)

    answers = race(*(partial(add, *pair) for pair in zip(ticket_ids, orders, strict=True)))

    assert {on_hand(shop, first), on_hand(shop, second)} == {10 - [a.status_code for a in answers].count(201)}
    return sorted(answer.status_code for answer in answers)


def test_parts_added_in_opposite_orders_never_deadlock(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Meeting(2)

    statuses = race_in_opposite_orders(shop, meeting, monkeypatch)

    assert statuses == [201, 201]
    assert not meeting.was_held


def test_control_parts_taken_in_the_order_given_deadlock(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, on_postgresql: bool
) -> None:
    """On SQLite one writer at a time is the guard; a transaction that takes its lock at the first write is refused there."""
    meeting = Meeting(2)

    def in_the_order_given(
        workshop_id: int, quantities: dict[int, Decimal], **options: Any
    ) -> list[issuing.Taken]:
        if not on_postgresql:
            meeting.wait()
        return [
            issuing._take(workshop_id, part_id, quantity, Stock(), Decimal(0), archived_too=False)
            for part_id, quantity in quantities.items()
        ]

    monkeypatch.setattr(issuing, "take", in_the_order_given)
    with without_write_lock(app, begin="BEGIN DEFERRED"):
        statuses = race_in_opposite_orders(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert statuses == [201, 503]


def race_to_exchange(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch, **instead: Any
) -> tuple[list[int], tuple[int, int]]:
    """On two tickets, take off the part that the other puts on; the meeting is between the two. Return the stock too.

    `instead` has what stands in for functions of the inventory, once the parts are on the tickets.
    """
    first, second = shop.make_part(on_hand=10).id, shop.make_part(on_hand=10).id
    exchanges = [(first, second), (second, first)]
    ticket_ids = [shop.make_ticket()["id"] for _ in exchanges]
    for ticket_id, (old, _) in zip(ticket_ids, exchanges, strict=True):
        assert take_one(shop, old, ticket_id).status_code == 201
    monkeypatch.setattr(issuing, "give_back", meeting.after(issuing.give_back))
    for name, function in instead.items():
        monkeypatch.setattr(issuing, name, function)

    def exchange(ticket_id: int, parts: tuple[int, int]) -> TestResponse:
        changes = {"remove_item_ids": [parts[0]], "add_item_ids": [parts[1]]}
        return shop.owner.put(f"/service_tickets/{ticket_id}/edit", json=changes)

    answers = race(*(partial(exchange, *pair) for pair in zip(ticket_ids, exchanges, strict=True)))

    return sorted(answer.status_code for answer in answers), (on_hand(shop, first), on_hand(shop, second))


def test_parts_exchanged_in_opposite_directions_never_deadlock(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    statuses, stocks = race_to_exchange(shop, meeting, monkeypatch)

    assert statuses == [200, 200]
    assert stocks == (9, 9)
    assert not meeting.was_held


def test_control_exchanging_parts_without_holding_them_first_deadlocks(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, on_postgresql: bool
) -> None:
    """On SQLite the guard is one writer at a time, as above: the first write of a late transaction is refused."""
    meeting = Meeting(2)

    def hold_nothing(workshop_id: int, part_ids: Iterable[int]) -> dict[int, Stock]:
        if not on_postgresql:
            meeting.wait()
        return {}

    with without_write_lock(app, begin="BEGIN DEFERRED"):
        statuses, _ = race_to_exchange(shop, meeting, monkeypatch, hold=hold_nothing)

    assert meeting.was_held
    assert statuses == [200, 503]


# ---- Bins ---------------------------------------------------------------------------------------------------------


def test_what_is_put_into_two_bins_at_once_goes_into_one_after_the_other(shop: Shop) -> None:
    path = f"/inventory/{shop.make_part(on_hand=1, bin='A').id}/movements"

    race(*(partial(shop.owner.post, path, json={"kind": "transfer", "to_bin": bin}) for bin in "BC"))

    first, second = shop.owner.get(f"{path}?kind=transfer&sort=id").json
    assert (first["from_bin"], second["from_bin"]) == ("A", first["to_bin"])
    assert {first["to_bin"], second["to_bin"]} == {"B", "C"}
