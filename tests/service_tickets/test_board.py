"""The board: what is open, by status, and what somebody has to do about it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.blueprints.service_tickets import board
from app.blueprints.service_tickets.status import OPEN
from app.core import clock
from tests.estimates.asking import ask, examined
from tests.factories import Shop
from tests.inspections.examining import begun
from tests.service_tickets.life import WAY_TO, ticket_in

PAGE = Path(__file__).parents[2] / "docs" / "on-the-floor.md"
TODAY = datetime.now(UTC).date()
NOON = datetime.combine(TODAY, time(12), UTC)


def look_at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let the board, and nothing else, be looked at then: tokens go by the clock too."""
    monkeypatch.setattr(board, "clock", SimpleNamespace(now=lambda: moment, as_utc=clock.as_utc))


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    look_at(monkeypatch, NOON)


def board_of(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = shop.mechanic.get("/service_tickets/board").json
    return found


def on_board(shop: Shop, path: str) -> dict[str, Any]:
    """Return the card of a ticket, which is on the board once, in the column of its status."""
    cards = [
        (column["status"], card)
        for column in board_of(shop)["columns"]
        for card in column["tickets"]
        if path.endswith(f"/{card['id']}")
    ]
    assert [status for status, _ in cards] == [card["status"] for _, card in cards]
    assert len(cards) == 1
    return cards[0][1]


def with_mechanic(shop: Shop, path: str) -> str:
    assert shop.owner.put(f"{path}/assign-mechanic/{shop.mechanic_id}").status_code == 200
    return path


def test_every_open_ticket_is_in_the_column_of_its_status_and_no_other(shop: Shop, other_shop: Shop) -> None:
    paths = {status: ticket_in(shop, status) for status in WAY_TO}
    ticket_in(other_shop)

    shown = board_of(shop)

    assert {column["status"]: column["count"] for column in shown["columns"]} == dict.fromkeys(OPEN, 1)
    assert shown["open"] == len(OPEN)
    assert [column["tickets"][0]["id"] for column in shown["columns"]] == [
        int(paths[status].rpartition("/")[2]) for status in OPEN
    ]
    assert (shown["today"], shown["is_cut"]) == (TODAY.isoformat(), False)


def test_a_card_has_what_one_asks_for_in_the_yard(shop: Shop) -> None:
    path = with_mechanic(shop, examined(shop))
    car = shop.owner.get(f"/vehicles?vin={shop.owner.get(path).json['VIN']}").json[0]["id"]
    shop.owner.patch(f"/vehicles/{car}", {"plate": "GD 4711", "make": "Honda", "model": "Accord"})

    card = on_board(shop, path)

    assert card["vehicle"] == {"id": car, "make": "Honda", "model": "Accord", "plate": "GD 4711"}
    assert (card["total"], card["stage"]) == (230, "analysis")
    assert [mechanic["id"] for mechanic in card["mechanics"]] == [shop.mechanic_id]
    assert card["customer"]["id"] == shop.customer_id


@pytest.mark.parametrize(
    ("status", "days", "needs"),
    [
        ("booked", 1, []), ("booked", 0, ["due_today"]), ("booked", -1, ["overdue"]), ("received", 0, ["assign_mechanic"]),
        ("analysis", 0, ["assign_mechanic"]), ("awaiting_approval", 0, ["ask_customer"]),
        ("approved", 0, ["assign_mechanic", "begin_work"]), ("declined", 0, ["decide_what_next"]),
        ("in_progress", 0, ["assign_mechanic"]), ("waiting_parts", 0, ["assign_mechanic", "parts_arrived"]),
        ("completed", 0, ["hand_over"]),
        ("out_for_delivery", 0, []),
    ],
)  # fmt: skip
def test_each_status_needs_this(shop: Shop, status: str, days: int, needs: list[str]) -> None:
    path = ticket_in(shop, status, service_date=TODAY + timedelta(days=days))

    assert on_board(shop, path)["needs"] == needs


def test_today_is_the_workshops_day(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    look_at(monkeypatch, NOON + timedelta(hours=15))  # in Chicago it is still evening
    shop.owner.patch(f"/workshops/{shop.id}", {"time_zone": "America/Chicago"})

    assert on_board(shop, ticket_in(shop, service_date=TODAY))["needs"] == ["due_today"]


def test_an_estimate_that_is_out_needs_nothing_until_its_time_is_past(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = examined(shop)
    ask(shop, path, valid_days=7)
    out = on_board(shop, path)["needs"]
    look_at(monkeypatch, NOON + timedelta(days=8))

    assert (out, on_board(shop, path)["needs"]) == ([], ["estimate_expired"])


def test_work_beyond_what_was_approved_is_to_be_asked_for(shop: Shop) -> None:
    path = with_mechanic(shop, ticket_in(shop, "approved"))
    shop.mechanic.post(f"{path}/lines", json={"kind": "fee", "description": "Wax", "unit_price": 5})

    assert on_board(shop, path)["needs"] == ["ask_customer"]


def test_parts_are_to_be_ordered_and_then_they_have_come(shop: Shop) -> None:
    path = with_mechanic(shop, ticket_in(shop, "in_progress"))
    part = shop.make_part(on_hand=1)
    shop.mechanic.post(f"{path}/lines", json={"kind": "part", "item_id": part.id, "quantity": 3})

    before = on_board(shop, path)
    shop.owner.post(
        f"/inventory/{part.id}/movements", json={"kind": "purchase", "quantity": 2, "unit_cost": 1}
    )

    assert (before["status"], before["needs"]) == ("waiting_parts", ["order_parts"])
    assert on_board(shop, path)["needs"] == ["parts_arrived"]


def test_what_two_lines_want_of_one_part_is_ordered_until_there_is_enough_for_both(shop: Shop) -> None:
    path = with_mechanic(shop, ticket_in(shop, "in_progress"))
    part = shop.make_part(on_hand=0)
    line = {"kind": "part", "item_id": part.id, "quantity": 3}
    shop.mechanic.post(f"{path}/lines", json=[line, line])
    needs = []
    for quantity in (4, 2):
        come = {"kind": "purchase", "quantity": quantity, "unit_cost": 1}
        assert shop.owner.post(f"/inventory/{part.id}/movements", json=come).status_code == 201
        needs.append(on_board(shop, path)["needs"])

    assert needs == [["order_parts"], ["parts_arrived"]]


def test_what_waits_for_an_owner_to_validate_it_is_said_until_that_is_done(shop: Shop) -> None:
    path = with_mechanic(shop, ticket_in(shop, "in_progress"))
    quiet = on_board(shop, path)["needs"]
    update = shop.mechanic.post(f"{path}/progress", json={"text": "The pads are off."}).json
    inspection = begun(shop, int(path.rpartition("/")[2]))
    one_waits = on_board(shop, path)["needs"]
    shop.mechanic.post(f"{inspection}/points", json={"points": [{"place": 1, "condition": "red"}]})
    assert shop.mechanic.post(f"{inspection}/finish", json={}).status_code == 200
    two_wait = on_board(shop, path)["needs"]
    shop.owner.post(f"{path}/progress/{update['id']}/validate")
    still = on_board(shop, path)["needs"]
    shop.owner.post(f"{inspection}/validate")

    assert (quiet, one_waits, two_wait, still) == ([], *[["validate"]] * 3)
    assert on_board(shop, path)["needs"] == []


def test_no_more_are_shown_than_one_looks_at(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "MOST_TICKETS", 2)
    for _ in range(3):
        ticket_in(shop)

    shown = board_of(shop)

    assert (shown["open"], shown["is_cut"]) == (2, True)


def test_the_page_says_when_each_of_what_is_to_be_done_is_said() -> None:
    table = re.findall(
        r"^\| `(\w+)` \| \S", PAGE.read_text(encoding="utf-8").partition("## The clock")[0], re.MULTILINE
    )

    assert tuple(table) == board.ACTIONS


def test_a_customer_has_no_board(shop: Shop) -> None:
    assert shop.customer.get("/service_tickets/board").status_code == 403
