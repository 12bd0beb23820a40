"""One Idempotency-Key sent many times at once: the work is done once."""

from __future__ import annotations

from collections import Counter

import pytest
from werkzeug.test import TestResponse

from app.blueprints.service_tickets import service as tickets
from tests.concurrency.racing import Meeting, race, without_write_lock
from tests.factories import Shop, unique, unique_vin


def race_with_one_key(
    shop: Shop, senders: int, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[TestResponse], int]:
    """Send one creation `senders` times under one key; the meeting is where the work begins. Count the tickets afterwards."""
    ticket = {
        "VIN": unique_vin(),
        "service_date": "2026-03-02",
        "service_desc": "Brakes",
        "customer_id": shop.customer_id,
    }
    key = {"Idempotency-Key": unique("key-")}
    monkeypatch.setattr(tickets, "open_ticket", meeting.before(tickets.open_ticket))

    answers = race(*[lambda: shop.owner.post("/service_tickets", json=ticket, headers=key)] * senders)

    made = len(shop.owner.get("/service_tickets?per_page=100").json)
    return answers, made


def told(answer: TestResponse) -> str:
    if answer.status_code == 201:
        return "replayed" if "Idempotency-Replayed" in answer.headers else "created"
    return str(answer.json["code"])


def test_a_key_sent_twenty_times_at_once_creates_one_ticket(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, made = race_with_one_key(shop, 20, Meeting(20), monkeypatch)
    outcomes = Counter(told(answer) for answer in answers)

    assert made == 1
    assert outcomes["created"] == 1
    assert set(outcomes) <= {"created", "replayed", "request_in_progress"}
    assert len({answer.json["id"] for answer in answers if answer.status_code == 201}) == 1


def test_control_without_the_unique_constraint_each_creates_one(
    lax_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(4)

    with without_write_lock(lax_shop.app):
        answers, made = race_with_one_key(lax_shop, 4, meeting, monkeypatch)

    assert meeting.was_held
    assert [told(answer) for answer in answers] == ["created"] * 4
    assert made == 4
