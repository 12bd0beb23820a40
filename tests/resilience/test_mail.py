"""Workers killed, stopped and cut off while mail leaves: each message at least once, none lost, doubles in one window alone.

Against a real mail server, PostgreSQL and Redis; the workers are processes.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flask_migrate
import pytest
from aiosmtpd.smtp import Envelope
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.core.outbox import DELIVERY
from app.core.workers import Workers
from app.extensions import db, limiter
from tests.factories import Shop, make_shop
from tests.mailing import post, row
from tests.mailserver import MailServer
from tests.resilience.conftest import Garage
from tests.resilience.load import send
from tests.resilience.services import RedisServer, engine_of, free_port, until
from tests.resilience.worker import MailProcess

THREADS = 3  # of a worker that may each have a message in hand: two that hear nudges, and the scheduler


@pytest.fixture
def server() -> Iterator[MailServer]:
    made = MailServer()
    yield made
    made.close()


class Post:
    """A garage's mail: its outbox, workers, and the nudges that a served request would give."""

    def __init__(
        self, garage: Garage, redis: RedisServer, server: MailServer, app: Flask, folder: Path
    ) -> None:
        self.garage, self.server = garage, server
        self._redis, self._app, self._folder = redis, app, folder
        self.workers: list[MailProcess] = []
        bound = SimpleNamespace(config={**app.config, "REDIS_URL": redis.url}, app_context=app.app_context)
        self._queue = Workers(bound)  # type: ignore[arg-type]

    def worker(self, **settings: str) -> MailProcess:
        """Start a worker, and wait until it works."""
        made = MailProcess(
            ["flask", "--app", "flask_app", "worker"],
            self._app,
            self._folder / f"worker-{len(self.workers)}.log",
            database=self.garage.database_url,
            redis=self._redis.url,
            smtp_port=self.server.port,
            PYTHONUNBUFFERED="1",
            **settings,
        )
        self.workers.append(made)
        until(lambda: "SIGTERM or Ctrl-C ends it" in made.said, "the worker works")
        return made

    def queue(self, number: int) -> list[str]:
        """Queue messages, and return their Message-IDs."""
        ids = [post(self.garage.shop) for _ in range(number)]
        return [row(self.garage.shop, id_).message_id for id_ in ids]

    def nudge(self) -> None:
        self._queue.nudge(DELIVERY)

    def execute(self, statement: str) -> Any:
        with engine_of(self.garage.database_url).connect() as connection:
            result = connection.execute(text(statement))
            return result.all() if result.returns_rows else None

    def pass_the_lease(self) -> None:
        """Let leases and pauses be over, instead of waiting that long."""
        self.execute(
            "UPDATE outbox_messages SET claimed_until = now() - interval '1 second', due_at = now() - interval '1 second' "
            "WHERE state = 'pending'"
        )

    def states(self) -> Counter[str]:
        return Counter(state for (state,) in self.execute("SELECT state FROM outbox_messages"))

    def all_sent(self) -> bool:
        return set(self.states()) == {"sent"}


@pytest.fixture
def mail(
    garage: Garage, redis_that_stops: RedisServer, server: MailServer, resilient_app: Flask, tmp_path: Path
) -> Iterator[Post]:
    made = Post(garage, redis_that_stops, server, resilient_app, tmp_path)
    made.execute("UPDATE one_time_codes SET sealed = NULL")  # what making the garage would send
    made.execute("DELETE FROM outbox_messages")
    yield made
    for worker in made.workers:
        worker.close()
        print(worker.said)


@contextmanager
def marking_held_up(mail: Post) -> Iterator[threading.Event]:
    """Hold up whoever marks a message, from the moment that the mail server has taken it."""
    engine = engine_of(mail.garage.database_url).execution_options(isolation_level="READ COMMITTED")
    taken = threading.Event()
    with engine.connect() as connection, connection.begin():

        def take(envelope: Envelope) -> str:
            if not taken.is_set():
                connection.execute(text("SELECT id FROM outbox_messages FOR UPDATE"))
                taken.set()
            return "250 OK"

        mail.server.at_message = take
        yield taken


def marking_waits(mail: Post) -> bool:
    held = (
        "wait_event_type = 'Lock' AND query LIKE 'UPDATE outbox_messages%' AND datname = current_database()"
    )
    return bool(mail.execute(f"SELECT 1 FROM pg_stat_activity WHERE {held}"))


def test_a_worker_killed_between_sending_and_marking_leaves_a_double_under_the_same_message_id(
    mail: Post,
) -> None:
    (message_id,) = mail.queue(1)

    with marking_held_up(mail) as taken:
        first = mail.worker()
        assert taken.wait(30)
        until(lambda: marking_waits(mail), "the worker is about to mark")
        first.kill()
    until(lambda: not marking_waits(mail), "the database has noticed")
    after_the_kill = (list(mail.server.ids), mail.states())
    second = mail.worker()
    mail.nudge()
    time.sleep(2)  # it looks, and the dead one's lease still stands
    under_the_lease = list(mail.server.ids)
    mail.pass_the_lease()
    mail.nudge()
    until(mail.all_sent, "the message is marked")

    assert after_the_kill == ([message_id], Counter(pending=1))
    assert under_the_lease == [message_id]
    assert mail.server.ids == [message_id, message_id]
    assert second.stop() == 0


def test_workers_killed_under_load_lose_nothing_and_double_only_what_they_had_in_hand(mail: Post) -> None:
    ids = mail.queue(120)
    mail.server.at_message = lambda envelope: time.sleep(0.02)  # type: ignore[func-returns-value]
    kills = 4
    for kill in range(1, kills + 1):
        worker = mail.worker()
        mail.nudge()
        until(lambda kill=kill: len(mail.server.ids) >= 20 * kill, "some mail has left")  # type: ignore[misc]
        worker.kill()
    last = [mail.worker(), mail.worker()]
    until(lambda: mail.states()["sent"] >= len(ids) - kills * THREADS, "the rest has left")
    mail.pass_the_lease()
    mail.nudge()
    until(mail.all_sent, "everything is marked")

    arrived = Counter(mail.server.ids)
    assert set(arrived) == set(ids)
    assert sum(arrived.values()) - len(ids) <= kills * THREADS
    assert max(arrived.values()) <= 2
    assert [worker.stop() for worker in last] == [0, 0]


def test_two_workers_send_each_message_once(mail: Post) -> None:
    ids = mail.queue(60)

    for _ in range(2):
        mail.worker()
    until(mail.all_sent, "everything is marked")

    assert sorted(mail.server.ids) == sorted(ids)


def test_a_mail_server_that_goes_and_comes_back_gets_each_message_once(
    mail: Post, server: MailServer
) -> None:
    server.close()
    ids = mail.queue(5)
    mail.worker()
    until(
        lambda: mail.execute("SELECT 1 FROM outbox_messages WHERE last_error IS NOT NULL"),
        "one try has failed",
    )
    back = MailServer(port=server.port)
    try:
        mail.pass_the_lease()
        mail.nudge()
        until(mail.all_sent, "everything is marked")
        assert sorted(back.ids) == sorted(ids)
    finally:
        back.close()


def test_a_stop_finishes_the_message_in_hand_and_begins_no_other(mail: Post) -> None:
    begun = threading.Event()

    def take_long(envelope: Envelope) -> None:
        begun.set()
        time.sleep(1.5)

    mail.server.at_message = take_long
    mail.queue(20)
    worker = mail.worker()
    assert begun.wait(30)

    status = worker.stop()

    states = mail.states()
    assert status == 0, worker.said
    assert 1 <= states["sent"] <= THREADS
    assert states["sent"] == len(mail.server.ids)
    assert mail.execute("SELECT 1 FROM outbox_messages WHERE claimed_until IS NOT NULL") == []
    assert worker.said.rstrip().endswith("Stopped.")


def test_without_redis_the_next_minute_brings_what_no_nudge_did(
    mail: Post, redis_that_stops: RedisServer
) -> None:
    worker = mail.worker()
    this_minute = (
        "SELECT 1 FROM job_runs WHERE job = 'deliver-mail' AND slot = floor(extract(epoch FROM now()) / 60)"
    )
    until(lambda: mail.execute(this_minute), "this minute's look is over", seconds=75)
    redis_that_stops.stop()
    ids = mail.queue(3)
    mail.nudge()

    until(mail.all_sent, "the next minute's look has found it", seconds=75)
    redis_that_stops.start()
    more = mail.queue(1)
    mail.nudge()
    until(mail.all_sent, "nudges are heard again, long before the minute is over", seconds=15)

    assert mail.server.ids[-1:] == more
    assert sorted(mail.server.ids[:3]) == sorted(ids)
    assert worker.said.count("jobs.redis_away") < 10


def runs(worker: MailProcess, job: str) -> int:
    """Return how often a worker did the work of a job, by what it said."""
    lines = [
        json.loads(line) for line in worker.said.splitlines() if line.startswith("{") and line.endswith("}")
    ]
    return sum(line["event"] in ("job.done", "job.failed") and line["job"] == job for line in lines)


@pytest.mark.parametrize("is_claimed", [True, False], ids=["claimed", "control"])
def test_a_periodic_job_runs_once_in_a_slot_however_many_workers_there_are(
    mail: Post, is_claimed: bool
) -> None:
    """The control takes the slot away after each worker: then each does the day's work."""
    mail.execute("DELETE FROM job_runs")
    workers = []
    for _ in range(3):
        workers.append(mail.worker(LOG_LEVEL="DEBUG"))
        if not is_claimed:
            until(lambda: runs(workers[-1], "clean-mail-log"), "the day's work is done")
            mail.execute("DELETE FROM job_runs WHERE job = 'clean-mail-log'")

    until(lambda: sum(runs(worker, "clean-mail-log") for worker in workers), "the day's work is done")
    time.sleep(3)

    assert sum(runs(worker, "clean-mail-log") for worker in workers) == (1 if is_claimed else 3)


@pytest.fixture
def embedded(tmp_path: Path, resilient_app: Flask) -> Iterator[tuple[Flask, str]]:
    """An installation on SQLite, with nothing beside it."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    keys = {name: resilient_app.config[name] for name in ("SECRET_KEY", "TOKEN_KEYS")}
    made = create_app("testing", DATABASE_URL=url, REDIS_URL="", **keys)
    limiter.enabled = False
    with made.app_context():
        flask_migrate.upgrade(directory=str(Path(__file__).parents[2] / "migrations"))
    yield made, url
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def test_an_embedded_server_sends_by_itself_and_at_once(
    embedded: tuple[Flask, str], server: MailServer, tmp_path: Path
) -> None:
    app, url = embedded
    shop: Shop = make_shop(app)
    with shop.inside(), db.engine.begin() as connection:
        connection.execute(text("UPDATE one_time_codes SET sealed = NULL"))  # what making the shop would send
    dead = shop.make_dead_letter()
    port = free_port()
    command = ["gunicorn", "-c", "gunicorn.conf.py", "flask_app:app"]
    process = MailProcess(
        command, app, tmp_path / "server.log", database=url, redis="", smtp_port=server.port, PORT=str(port)
    )
    try:
        until(answers(port), "the API answers")
        answer = send(port, "POST", f"/notifications/{dead}/resend", shop.owner.headers, None)
        until(lambda: server.ids, "the mail has arrived", seconds=10)
        until(lambda: row(shop, dead).state == "sent", "it is marked", seconds=10)
        status = process.stop()
    finally:
        process.close()
        print(process.said)

    assert answer.status == 200
    assert server.ids == [row(shop, dead).message_id]
    assert status == 0


def answers(port: int) -> Callable[[], bool]:
    """Return what tells whether the API answers."""

    def ask() -> bool:
        try:
            return send(port, "GET", "/readyz").status == 200
        except OSError:
            return False

    return ask
