"""`flask worker` and `flask outbox`, as somebody at a terminal sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.commands.work import _told
from app.core.workers import Workers
from tests.commands.conftest import run
from tests.factories import Shop
from tests.mailing import NEVER, Clock, Scripted, deliver, post


@pytest.mark.parametrize(
    ("redis", "told"),
    [
        ("", "Without REDIS_URL no nudge reaches this process"),
        ("redis://127.0.0.1:6379/0", "Nudges come through Redis."),
    ],
)
def test_a_worker_says_what_it_does_and_that_it_stopped(
    app: Flask, monkeypatch: pytest.MonkeyPatch, redis: str, told: str
) -> None:
    worked: list[Workers] = []
    monkeypatch.setitem(app.config, "REDIS_URL", redis)
    monkeypatch.setattr(Workers, "work", lambda self: worked.append(self))

    said = run(app, "worker")

    assert said.exit_code == 0
    assert worked == [app.extensions["jobs"]]
    assert said.output.splitlines()[0] == "Mail leaves by: memory."
    assert told in said.output
    assert "Every minute: deliver-mail." in said.output
    assert "Every day: clean-mail-log." in said.output
    assert said.output.splitlines()[-1] == "Stopped."


def test_the_outbox_is_told_in_numbers(shop: Shop, transport: Scripted, clock_set: Clock) -> None:
    transport.script = [NEVER]
    post(shop)
    deliver(shop)
    post(shop)
    clock_set.pass_(hours=3)

    lines = dict(line.split(maxsplit=1) for line in run(shop.app, "outbox").output.splitlines())

    assert (lines["pending"], lines["overdue"]) == ("1", "1")
    assert int(lines["dead"]) >= 1
    assert lines["oldest"].endswith("Z, 3 hours ago")


def test_an_outbox_where_nothing_waits_has_no_oldest(shop: Shop, transport: Scripted) -> None:
    said = run(shop.app, "outbox").output

    assert said.startswith("pending  0\noverdue  0\ndead  ")
    assert "oldest" not in said


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(minutes=1), "minute"),
        (timedelta(minutes=59), "59 minutes"),
        (timedelta(hours=1), "hour"),
        (timedelta(days=2, hours=5), "2 days"),
    ],
)
def test_a_span_is_told_in_its_greatest_unit(span: timedelta, told: str) -> None:
    assert _told(span) == told
