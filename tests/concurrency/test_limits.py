"""Requests that all find the limits' storage gone at once: each is answered."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import redis
from flask import Flask

from app.extensions import limiter
from tests.concurrency.racing import Meeting, race
from tests.factories import Shop


@pytest.fixture
def storage_fails(app: Flask, limits: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Meeting]:
    """A storage that is gone, which two requests find out together."""
    meeting = Meeting(2)

    def fail(*arguments: Any, **options: Any) -> int:
        meeting.wait()
        raise redis.ConnectionError

    monkeypatch.setattr(limiter._storage, "incr", fail)
    yield meeting
    limiter._storage_dead = False


def race_to_find_out(shop: Shop) -> list[int]:
    answers = race(*[partial(shop.nobody.get, "/livez")] * 2)
    return sorted(answer.status_code for answer in answers)


def test_two_requests_that_find_the_storage_gone_are_both_answered(
    shop: Shop, storage_fails: Meeting
) -> None:
    assert race_to_find_out(shop) == [200, 200]
    assert storage_fails.was_held


def test_control_where_errors_are_not_swallowed_the_second_one_fails(
    shop: Shop, storage_fails: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "_swallow_errors", False)

    assert race_to_find_out(shop) == [200, 500]
    assert storage_fails.was_held
