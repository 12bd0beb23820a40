"""Requests that all find the limits' storage gone at once: each is answered."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import redis
from flask import Flask

from app.core import caching, limits
from app.core.limits import OneTripRedisStorage
from app.extensions import limiter
from tests.applications import CLOSED_PORT
from tests.concurrency.racing import Meeting, race
from tests.factories import Shop


@pytest.fixture
def storage_fails(app: Flask, limits: None, monkeypatch: pytest.MonkeyPatch) -> Meeting:
    """A storage that is gone, which two requests find out together."""
    meeting, storage = Meeting(2), OneTripRedisStorage(f"shop+{CLOSED_PORT}")

    def fail(*arguments: Any, **options: Any) -> int:
        meeting.wait()
        raise redis.ConnectionError

    monkeypatch.setattr(storage, "count", fail)
    monkeypatch.setattr(limiter, "_storage", storage)
    with app.app_context():
        monkeypatch.setattr(caching.backend(), "_away_until", 0.0)
        monkeypatch.setattr(caching.backend(), "_was_away", False)
    return meeting


def race_to_find_out(shop: Shop) -> list[int]:
    answers = race(*[partial(shop.nobody.get, "/livez")] * 2)
    return sorted(answer.status_code for answer in answers)


def test_two_requests_that_find_the_storage_gone_are_both_answered(
    shop: Shop, storage_fails: Meeting
) -> None:
    assert race_to_find_out(shop) == [200, 200]
    assert storage_fails.was_held


def test_control_where_the_failure_is_not_caught_neither_is(
    shop: Shop, storage_fails: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GONE", ())

    assert race_to_find_out(shop) == [500, 500]
    assert storage_fails.was_held
