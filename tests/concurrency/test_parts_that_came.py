"""What came is set aside for tickets that wait, and these are changed at once: each part is there once, and whose it is."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from flask import Flask

from app.blueprints.inventory import proving
from app.blueprints.service_tickets import holding, lines, reserving
from tests.concurrency.racing import Meeting, race, telling, without_row_locks, without_write_lock
from tests.factories import Shop
from tests.inventory.test_parts_that_came import ORDERS
from tests.inventory.test_parts_to_order import want


def race_for_a_line(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], list[str]]:
    """Receive what a line waits for while the line is taken off; return the statuses, and what does not agree afterwards."""
    part = shop.make_part(on_hand=0).id
    path = want(shop, part, 3)
    line = f"{path}/lines/{shop.owner.get(path).json['lines'][0]['id']}"
    order = f"{ORDERS}/{shop.make_order(part)['id']}/receipts"
    received = threading.Event()  # the other order happens to leave all in order
    monkeypatch.setattr(reserving, "_change", meeting.before(reserving._change))
    monkeypatch.setattr(lines, "one", meeting.after(lines.one, and_then=received))

    answers = race(
        telling(received, partial(shop.mechanic.post, order, json={})), partial(shop.mechanic.delete, line)
    )

    with shop.inside():
        wrong = [one.words for one in proving.discrepancies(shop.id)]
    return [answer.status_code for answer in answers], wrong


def test_what_comes_for_a_line_that_is_taken_off_at_once_is_set_aside_for_nobody(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    outcome = race_for_a_line(shop, meeting, monkeypatch)

    assert outcome == ([200, 200], [])
    assert not meeting.was_held


def test_control_without_the_lock_on_the_ticket_it_stays_set_aside_for_no_line(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, holding, reserving)

    with without_write_lock(app):
        statuses, wrong = race_for_a_line(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert wrong or 500 in statuses


def test_a_delivery_and_tickets_that_want_it_at_once_wait_in_no_circle(shop: Shop) -> None:
    """The tickets are held before the parts by both, or a ticket and a delivery would wait for each other."""
    first, second = shop.make_part(on_hand=0).id, shop.make_part(on_hand=0).id
    paths = [want(shop, part, 2) for part in (first, second, first, second)]
    orders = [f"{ORDERS}/{shop.make_order(first, second)['id']}/receipts" for _ in range(2)]
    adding = [
        partial(
            shop.mechanic.post,
            f"{path}/lines",
            json=[{"kind": "part", "item_id": part, "quantity": 3} for part in pair],
        )
        for path, pair in zip(paths, [(first, second), (second, first)] * 2, strict=True)
    ]

    answers = race(*adding, *(partial(shop.mechanic.post, order, json={}) for order in orders))

    assert {answer.status_code for answer in answers} <= {200, 201}
    with shop.inside():
        assert not list(proving.discrepancies(shop.id))
    items = [shop.owner.get(f"/inventory/{part}").json for part in (first, second)]
    aside = [line for path in paths for line in shop.owner.get(path).json["lines"]]
    for item in items:
        mine = [line for line in aside if line["item_id"] == item["id"]]
        assert item["on_hand"] == 20
        assert (
            sum(line["reserved"] for line in mine)
            == item["reserved"]
            == sum(line["quantity"] for line in mine)
            == 16
        )
