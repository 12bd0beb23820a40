"""What races are run with: threads that start together, and a place in the code where they wait for each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.engine import Connection
from sqlalchemy.sql import Select

from app.core import audit, engines
from app.core import db as core_db
from app.extensions import db

PATIENCE = 0.4
Outcome = TypeVar("Outcome")


def race(*runners: Callable[[], Outcome]) -> list[Outcome]:
    """Run all of `runners` at once, each in a thread of its own, and return what each returned, in their order."""
    start = threading.Barrier(len(runners))

    def run(runner: Callable[[], Outcome]) -> Outcome:
        start.wait(10)
        return runner()

    with ThreadPoolExecutor(len(runners)) as threads:
        running = [threads.submit(run, runner) for runner in runners]
        return [one.result(60) for one in running]


class Meeting:
    """A place between a read and the write that rests on it, where racers wait until all of them have read.

    Where a guard keeps them apart they cannot all come: those who wait go on after a moment, and `was_held` stays False.
    A control asserts that it was held, so that it shows the anomaly by order and not by luck.
    """

    def __init__(self, parties: int) -> None:
        self.was_held = False
        self._barrier = threading.Barrier(parties, action=self._note)

    def _note(self) -> None:
        self.was_held = True

    def wait(self) -> None:
        try:
            self._barrier.wait(PATIENCE)
        except threading.BrokenBarrierError:
            return

    def after(
        self, function: Callable[..., Outcome], and_then: threading.Event | None = None
    ) -> Callable[..., Outcome]:
        """Return `function` with the meeting after it; and where it was held, until the other is done (`and_then`)."""

        def meeting_afterwards(*arguments: Any, **options: Any) -> Outcome:
            outcome = function(*arguments, **options)
            self.wait()
            if self.was_held and and_then is not None:
                and_then.wait(10)
            return outcome

        return meeting_afterwards

    def before(self, function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        """Return `function` with the meeting before it."""

        def meeting_beforehand(*arguments: Any, **options: Any) -> Outcome:
            self.wait()
            return function(*arguments, **options)

        return meeting_beforehand


def telling(done: threading.Event, runner: Callable[[], Outcome]) -> Callable[[], Outcome]:
    """Return `runner`, which says so when it is done."""

    def run() -> Outcome:
        try:
            return runner()
        finally:
            done.set()

    return run


@contextmanager
def without_write_lock(app: Flask, begin: str | None = None, *, logs: bool = False) -> Iterator[None]:
    """Take SQLite's guard away: the lock that a writing transaction takes at its start, before it reads.

    Unless `logs`, nothing is written to the audit log there, whose chain that lock keeps in order.
    `begin` stands in its place; by default nothing, so that reads are made outside of a transaction as with Python's own
    driver. On PostgreSQL, where that lock does not exist, nothing is changed.
    """
    with app.app_context():
        engine = db.engine
    if engine.dialect.name != "sqlite":
        yield
        return

    def begin_otherwise(connection: Connection) -> None:
        if begin is not None and not connection.get_execution_options().get("shop_reads"):
            connection.exec_driver_sql(begin)

    event.remove(engine, "begin", engines._begin)
    event.listen(engine, "begin", begin_otherwise)
    if not logs:
        event.remove(core_db.Session, "before_commit", audit._append_noted)
    try:
        yield
    finally:
        if not logs:
            event.listen(core_db.Session, "before_commit", audit._append_noted)
        event.remove(engine, "begin", begin_otherwise)
        event.listen(engine, "begin", engines._begin)


def without_row_locks(monkeypatch: pytest.MonkeyPatch, *services: Any) -> None:
    """Take PostgreSQL's guard away: let these `services` read without FOR UPDATE what they are about to change."""

    def unlocked(model: type[Any], *, stays: bool = False) -> Select[Any]:
        return select(model).execution_options(populate_existing=True)

    for service in services:
        monkeypatch.setattr(service, "locked", unlocked)
