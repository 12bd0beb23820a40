"""Counts: posted once by two who post at once, beside sales that go on."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest
from flask import Flask

from app.blueprints.inventory import proving, stocktakes
from app.blueprints.service_tickets import holding, lines, reserving
from app.core.db import atomic
from tests.concurrency.racing import PATIENCE, Meeting, race, telling, without_row_locks, without_write_lock
from tests.factories import Shop

PATH = "/inventory/stocktakes"


def counted(shop: Shop, on_hand: int, found: int) -> tuple[int, str]:
    part = shop.make_part(on_hand=on_hand).id
    sheet: str = shop.mechanic.post(PATH, json={}).headers["Location"]
    body = {"counts": [{"item_id": part, "quantity": found}]}
    assert shop.mechanic.post(f"{sheet}/counts", json=body).status_code == 200
    return part, sheet


def race_to_post(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], list[int]]:
    """Post twice at once that two of ten are missing; return the statuses, and what the ledger has of adjustments."""
    part, sheet = counted(shop, on_hand=10, found=8)
    monkeypatch.setattr(stocktakes, "require_version", meeting.after(stocktakes.require_version))

    answers = race(*[partial(shop.mechanic.post, f"{sheet}/post", json={})] * 2)

    entered = shop.owner.get(f"/inventory/{part}/movements?kind=adjustment").json
    return sorted(answer.status_code for answer in answers), [one["quantity"] for one in entered]


def test_a_count_that_is_posted_twice_at_once_is_entered_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    outcome = race_to_post(shop, meeting, monkeypatch)

    assert outcome == ([200, 409], [-2])
    assert not meeting.was_held


def test_control_without_the_lock_on_the_sheet_it_is_entered_twice(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, stocktakes)

    with without_write_lock(app):
        outcome = race_to_post(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert outcome == ([200, 200], [-2, -2])


def test_what_is_sold_while_it_is_counted_and_posted_is_neither_missing_nor_too_many(shop: Shop) -> None:
    part = shop.make_part(on_hand=100).id
    sheet = shop.mechanic.post(PATH, json={}).headers["Location"]
    sale = partial(shop.mechanic.post, f"/inventory/{part}/movements", json={"kind": "sale", "quantity": 1})

    def count_and_post() -> int:
        there = shop.owner.get(f"/inventory/{part}").json["on_hand"]
        body = {"counts": [{"item_id": part, "quantity": there}]}
        book = shop.mechanic.post(f"{sheet}/counts", json=body)
        assert book.status_code == 200
        return shop.mechanic.post(f"{sheet}/post", json={}).status_code

    outcomes = race(count_and_post, *[sale] * 10)

    line = shop.owner.get(f"{sheet}/lines").json[0]
    assert outcomes[0] == 200
    assert shop.owner.get(f"/inventory/{part}").json["on_hand"] == 90 + line["difference"]
    with shop.inside():
        assert list(proving.discrepancies(shop.id)) == []


def test_a_sheet_written_twice_at_once_has_each_part_once(shop: Shop) -> None:
    for _ in range(5):
        shop.make_part(on_hand=1)

    answers = race(*[partial(shop.mechanic.post, PATH, json={})] * 4)

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


def test_what_a_count_releases_is_fitted_or_set_aside_by_nobody_as_well(app: Flask, shop: Shop) -> None:
    """Tickets fit and reserve while a count lets go of what they have: whoever comes first, the sums agree."""
    part = shop.make_part(on_hand=20).id
    paths, of_lines = [f"/service_tickets/{shop.make_ticket()['id']}" for _ in range(4)], []
    for path in paths:
        line = {"kind": "part", "item_id": part, "quantity": 4}
        shop.owner.post(f"{path}/lines", json=line)
        of_lines.append(f"{path}/lines/{shop.owner.get(path).json['lines'][0]['id']}")
    sheet = shop.mechanic.post(PATH, json={}).headers["Location"]
    shop.mechanic.post(f"{sheet}/counts", json={"counts": [{"item_id": part, "quantity": 6}]})
    wanted = {"kind": "part", "item_id": part, "quantity": 4}

    answers = race(
        partial(shop.mechanic.post, f"{sheet}/post", json={"release": True}),
        *[partial(shop.mechanic.post, f"{line}/fit", json={}) for line in of_lines],
        *[partial(shop.mechanic.post, f"{path}/lines", json=wanted) for path in reversed(paths)],
    )

    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    item = shop.owner.get(f"/inventory/{part}").json
    written = [line for path in paths for line in shop.owner.get(path).json["lines"]]
    fitted, reserved = (sum(line[name] for line in written) for name in ("fitted", "reserved"))
    missing = 14 if answers[0].status_code == 200 else 0
    assert (item["on_hand"], item["reserved"]) == (20 - fitted - missing, reserved)
    with shop.inside():
        assert list(proving.discrepancies(shop.id)) == []


def race_to_release(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], list[str]]:
    """Release by a count what a line has that is taken off at once; return the statuses, and what does not agree afterwards."""
    part = shop.make_part(on_hand=8).id
    line = {"kind": "part", "item_id": part, "quantity": 4}
    for _ in range(2):
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        shop.owner.post(f"{ticket}/lines", json=line)
    newest = f"{ticket}/lines/{shop.owner.get(ticket).json['lines'][0]['id']}"
    sheet = shop.mechanic.post(PATH, json={}).headers["Location"]
    shop.mechanic.post(f"{sheet}/counts", json={"counts": [{"item_id": part, "quantity": 4}]})
    monkeypatch.setattr(reserving, "_let_go", meeting.before(reserving._let_go))
    posted = threading.Event()  # the other order happens to leave all in order
    monkeypatch.setattr(lines, "one", meeting.after(lines.one, and_then=posted))

    answers = race(
        telling(posted, partial(shop.mechanic.post, f"{sheet}/post", json={"release": True})),
        partial(shop.mechanic.delete, newest),
    )

    with shop.inside():
        wrong = [one.words for one in proving.discrepancies(shop.id)]
    return [answer.status_code for answer in answers], wrong


def test_what_is_released_by_a_count_and_taken_off_at_once_is_let_go_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    outcome = race_to_release(shop, meeting, monkeypatch)

    assert outcome == ([200, 200], [])
    assert not meeting.was_held


def test_control_without_the_lock_on_the_ticket_it_is_let_go_twice(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, holding, reserving)

    with without_write_lock(app):
        statuses, wrong = race_to_release(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert wrong or 500 in statuses


def test_a_sheet_and_a_delivery_never_wait_in_a_circle(shop: Shop) -> None:
    last, first = (shop.make_part(name=name, on_hand=1).id for name in ("Z", "A"))
    begun = threading.Event()

    def deliver() -> bool:
        with shop.inside(), atomic():
            stocktakes._locked_parts(shop.id, [last])
            begun.set()
            time.sleep(PATIENCE)  # until the sheet waits
            return first in stocktakes._locked_parts(shop.id, [first])

    def write() -> int:
        begun.wait(10)
        return shop.mechanic.post(PATH, json={}).status_code

    assert race(deliver, write) == [True, 201]
