"""Jobs: each slot's once however many workers there are; nudges that may be lost; threads that start only when asked."""

from __future__ import annotations

import runpy
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from huey.registry import Message
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.core import clock, jobs, workers
from app.core.db import atomic
from app.core.jobs import JOBS, Job, JobRun
from app.core.outbox import DELIVERY
from app.core.workers import Scheduler, Workers
from app.extensions import db
from app.extensions import jobs as queue
from tests.applications import CLOSED_PORT, AnotherApp
from tests.concurrency.racing import Meeting, race
from tests.factories import unique
from tests.watching import log_lines, redis_commands, statements

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def ran() -> list[str]:
    return []


@pytest.fixture
def job(ran: list[str]) -> Job:
    """A job of this test's own, once an hour."""
    name = unique("job-")
    return Job(name, HOUR, lambda: ran.append(name))


def slots(app: Flask, job: Job) -> list[int]:
    with app.app_context():
        return list(
            db.session.scalars(select(JobRun.slot).where(JobRun.job == job.name).order_by(JobRun.slot))
        )


class TestASlot:
    def test_is_run_once_however_often_it_is_looked_at(self, app: Flask, job: Job, ran: list[str]) -> None:
        with app.app_context():
            mine = [jobs.run_slot(job, NOON + timedelta(minutes=minute)) for minute in (0, 1, 59)]
            next_hour = jobs.run_slot(job, NOON + HOUR)

        assert (mine, next_hour) == ([True, False, False], True)
        assert ran == [job.name] * 2
        assert len(slots(app, job)) == 2

    def test_is_run_once_by_workers_that_come_at_once(
        self, app: Flask, job: Job, ran: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meeting = Meeting(4)
        monkeypatch.setattr(jobs, "atomic", meeting.before(jobs.atomic))

        outcomes = race(*[lambda: in_context(app, lambda: jobs.run_slot(job, NOON))] * 4)

        assert meeting.was_held
        assert sorted(outcomes) == [False, False, False, True]
        assert ran == [job.name]

    def test_control_without_the_claim_it_is_run_by_each(
        self, app: Flask, job: Job, ran: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jobs, "_claim", lambda *_: True)

        race(*[lambda: in_context(app, lambda: jobs.run_slot(job, NOON))] * 4)

        assert ran == [job.name] * 4

    def test_that_is_past_is_claimed_by_no_clock_that_is_behind(
        self, app: Flask, job: Job, ran: list[str]
    ) -> None:
        with app.app_context():
            outcomes = [jobs.run_slot(job, NOON), jobs.run_slot(job, NOON - HOUR)]

        assert outcomes == [True, False]
        assert ran == [job.name]

    @pytest.mark.parametrize("every", [timedelta(seconds=10), timedelta(minutes=1), HOUR, timedelta(days=1)])
    @pytest.mark.parametrize("ahead", [timedelta(days=3), timedelta(days=365)])
    def test_that_a_clock_far_ahead_claimed_stops_nobody_and_is_told(
        self, app: Flask, ran: list[str], every: timedelta, ahead: timedelta
    ) -> None:
        job = Job(unique("job-"), every, lambda: ran.append("ran"))
        with app.app_context(), log_lines() as log:
            astray = jobs.run_slot(job, NOON + ahead)
            outcomes = [jobs.run_slot(job, NOON + step * every) for step in (0, 0, 1, 2)]

        assert (astray, outcomes) == (True, [True, False, True, True])
        assert ran == ["ran"] * 4
        assert slots(app, job) == [job.slot(NOON) + step for step in range(3)]
        (told,) = [line for line in log.events("job.clock_wrong") if line["job"] == job.name]
        assert told["level"] == "warning"
        assert (told["claimed_at"], told["here"]) == (clock.rfc3339(NOON + ahead), clock.rfc3339(NOON))

    @pytest.mark.parametrize(
        ("every", "ahead"),
        [(timedelta(seconds=10), timedelta(minutes=4)), (HOUR, HOUR), (timedelta(days=1), timedelta(days=1))],
    )
    def test_that_a_clock_a_little_ahead_claimed_is_its(
        self, app: Flask, ran: list[str], every: timedelta, ahead: timedelta
    ) -> None:
        job = Job(unique("job-"), every, lambda: ran.append("ran"))
        with app.app_context(), log_lines() as log:
            outcomes = [jobs.run_slot(job, NOON + ahead), jobs.run_slot(job, NOON)]

        assert outcomes == [True, False]
        assert ran == ["ran"]
        assert log.events("job.clock_wrong") == []

    def test_leaves_the_last_hundred_behind(self, app: Flask, job: Job) -> None:
        with app.app_context():
            for hour in range(105):
                jobs.run_slot(job, NOON + hour * HOUR)

        last = job.slot(NOON + 104 * HOUR)
        assert slots(app, job) == list(range(last - 100, last + 1))

    def test_of_a_job_that_fails_is_over_and_the_next_one_comes(self, app: Flask, ran: list[str]) -> None:
        def fail() -> None:
            ran.append("tried")
            raise ZeroDivisionError

        job = Job(unique("job-"), HOUR, fail)
        with app.app_context(), log_lines() as log:
            outcomes = [jobs.run_slot(job, NOON), jobs.run_slot(job, NOON), jobs.run_slot(job, NOON + HOUR)]

        assert outcomes == [True, False, True]
        assert ran == ["tried", "tried"]
        assert [(line["job"], line["level"]) for line in log.events("job.failed")] == [
            (job.name, "error")
        ] * 2

    def test_says_when_it_was_begun_and_done(self, app: Flask, job: Job) -> None:
        with app.app_context():
            jobs.run_slot(job, NOON)
            run = db.session.scalars(select(JobRun).where(JobRun.job == job.name)).one()

        assert run.claimed_at == NOON
        assert run.finished_at is not None

    def test_that_another_has_costs_one_read_and_no_write(self, app: Flask, job: Job) -> None:
        with app.app_context():
            jobs.run_slot(job, NOON)
            with statements(app) as seen:
                jobs.run_slot(job, NOON)

        assert [statement.split()[0] for statement in seen] == ["SELECT"]


def in_context(app: Flask, work: Callable[[], Any]) -> Any:
    with app.app_context():
        return work()


class TestDeclaring:
    def test_makes_a_function_a_job_under_its_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jobs, "JOBS", {})

        @jobs.periodic("sweep", every=timedelta(minutes=5), at_start=True)
        def sweep() -> str:
            return "swept"

        assert {"sweep": Job("sweep", timedelta(minutes=5), sweep, at_start=True)} == jobs.JOBS
        assert sweep() == "swept"

    @pytest.mark.parametrize(
        ("name", "every"), [(DELIVERY, HOUR), ("new", timedelta(0)), ("new", timedelta(milliseconds=1500))]
    )
    def test_refuses_a_name_twice_and_odd_spans(self, name: str, every: timedelta) -> None:
        with pytest.raises(ValueError, match="a name of its own"):
            jobs.periodic(name, every=every)(lambda: None)

    def test_has_every_job_with_its_time(self, app: Flask) -> None:
        assert {name: (job.every, job.at_start) for name, job in JOBS.items()} == {
            DELIVERY: (timedelta(minutes=1), True),
            "clean-mail-log": (timedelta(days=1), False),
            "mail-codes": (timedelta(seconds=10), False),
            "forget-codes": (timedelta(hours=1), False),
            "forget-begun-second-factors": (timedelta(hours=1), False),
            "forget-challenges": (timedelta(hours=1), False),
            "forget-failures": (timedelta(hours=1), False),
            "forget-sessions": (timedelta(hours=1), False),
            "forget-invitations": (timedelta(hours=1), False),
            "forget-exports": (timedelta(hours=1), False),
            "sweep-files": (timedelta(minutes=10), True),
            "forget-vehicle-views": (timedelta(days=1), False),
            "remind-of-maintenance": (timedelta(hours=1), False),
            "stock-digests": (timedelta(minutes=15), True),
            "make-exports": (timedelta(minutes=1), True),
        }


def scheduler_of(app: Flask) -> Scheduler:
    stop = threading.Event()
    stop.wait = lambda timeout=None: pauses.append(timeout)  # type: ignore[method-assign, assignment, return-value, func-returns-value]
    pauses.clear()
    return Scheduler(app, stop, huey=app.extensions["jobs"].huey, interval=1, periodic=False)


pauses: list[float | None] = []


class TestTheScheduler:
    @pytest.fixture
    def only(self, monkeypatch: pytest.MonkeyPatch, job: Job) -> Job:
        """The test's own job, and no other."""
        monkeypatch.setattr(jobs, "JOBS", {job.name: job})
        return job

    def test_runs_a_slot_when_it_begins_and_asks_the_database_no_more_in_it(
        self, app: Flask, only: Job, ran: list[str]
    ) -> None:
        scheduler = scheduler_of(app)

        scheduler.loop(NOON)
        with statements(app) as later:
            scheduler.loop(NOON + timedelta(minutes=59))
        scheduler.loop(NOON + HOUR)

        assert ran == [only.name] * 2
        assert later == []
        assert pauses == [1, 1, 1]

    def test_of_two_workers_runs_it_once(self, app: Flask, only: Job, ran: list[str]) -> None:
        for scheduler in (scheduler_of(app), scheduler_of(app)):
            scheduler.loop(NOON)

        assert ran == [only.name]

    def test_tries_a_slot_again_when_the_database_was_away(
        self, app: Flask, only: Job, ran: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object) -> bool:
            raise OperationalError("SELECT", {}, Exception("away"))

        scheduler = scheduler_of(app)
        with monkeypatch.context() as patch, log_lines() as log:
            patch.setattr(jobs, "_claim", away)
            scheduler.loop(NOON)
        scheduler.loop(NOON)

        assert ran == [only.name]
        assert pauses == [10, 1]
        assert [line["reason"] for line in log.events("jobs.no_slot")] == ["OperationalError"]

    def test_begins_with_the_jobs_that_want_it(
        self, app: Flask, ran: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        early, late = (
            Job(name, HOUR, lambda name=name: ran.append(name), name == "early") for name in ("early", "late")
        )  # type: ignore[misc]
        monkeypatch.setattr(jobs, "JOBS", {"early": early, "late": late})

        scheduler_of(app).initialize()

        assert ran == ["early"]

    def test_begins_no_slot_once_it_stops(self, app: Flask, only: Job, ran: list[str]) -> None:
        scheduler = scheduler_of(app)
        scheduler.stop_flag.set()

        scheduler.loop(NOON)

        assert ran == []


def own_workers(app: Flask) -> Workers:
    """Return workers with a queue of their own name, so that nobody else's nudges are in it."""
    named = SimpleNamespace(
        config={**app.config, "CACHE_KEY_PREFIX": unique("workers")}, app_context=app.app_context
    )
    return Workers(named)  # type: ignore[arg-type]


@pytest.fixture
def running(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Workers]]:
    """Start workers with the jobs that are named, and stop them at the end."""
    started: list[Workers] = []

    def start(*known: Job) -> Workers:
        monkeypatch.setattr(jobs, "JOBS", {job.name: job for job in known})
        started.append(own_workers(app))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.stop()


def soon(condition: Callable[[], Any]) -> bool:
    """Tell whether `condition` comes within ten seconds."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(condition())


FAR = timedelta(days=10_000)


class TestTheWorkers:
    def test_are_not_started_by_an_application_or_a_nudge(self, app: Flask) -> None:
        before = threading.active_count()

        with app.app_context():
            queue.nudge(DELIVERY)
            stopping = queue.is_stopping

        assert threading.active_count() == before
        assert not stopping

    def test_hear_a_nudge(self, app: Flask, running: Callable[..., Workers]) -> None:
        heard = threading.Event()
        job = Job(unique("job-"), FAR, heard.set)
        with app.app_context():
            jobs._claim(job, job.slot(datetime.now(UTC)), datetime.now(UTC))
        started = running(job)
        assert not heard.wait(0.3)

        started.nudge(job.name)

        assert heard.wait(10)

    def test_run_a_slot_once_among_several(self, running: Callable[..., Workers], ran: list[str]) -> None:
        job = Job(unique("job-"), FAR, lambda: ran.append("ran"))
        others = Job(unique("job-"), timedelta(seconds=1), lambda: ran.append("tick"))

        for _ in range(3):
            running(job, others)

        assert soon(lambda: ran.count("tick") >= 2)
        assert ran.count("ran") == 1

    def test_finish_what_they_are_at_when_they_stop(self, running: Callable[..., Workers]) -> None:
        begun, done = threading.Event(), []

        def work() -> None:
            begun.set()
            time.sleep(0.3)
            done.append(started.is_stopping)

        started = running(Job(unique("job-"), FAR, work))
        assert begun.wait(10)

        started.stop()

        assert done == [True]
        assert not started.is_stopping

    def test_start_once_in_a_process(self, running: Callable[..., Workers]) -> None:
        started = running()

        assert started.start() is started.start()

    def test_stop_without_having_started(self, app: Flask) -> None:
        own_workers(app).stop()

        assert not own_workers(app).is_stopping

    @pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
    def test_of_a_process_end_with_a_signal(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch, number: str
    ) -> None:
        handlers: dict[Any, Any] = {}
        looks: list[str] = []
        monkeypatch.setattr(jobs, "JOBS", {})
        monkeypatch.setattr(workers.signal, "signal", handlers.__setitem__)
        monkeypatch.setattr(workers, "HEALTH_SECONDS", 0)
        monkeypatch.setattr(workers.Consumer, "check_worker_health", lambda self: looks.append("looked"))
        worker = own_workers(app)

        def press(seconds: float) -> None:
            if looks:
                handlers[getattr(workers.signal, number)](0, None)

        monkeypatch.setattr(workers.time, "sleep", press)
        worker.work()

        assert looks
        assert set(handlers) == {workers.signal.SIGTERM, workers.signal.SIGINT}
        assert not worker.is_stopping


class TestNudges:
    def test_are_json_and_no_pickles(self, app: Flask) -> None:
        serializer = workers.PlainSerializer()
        message = Message("id", "name", None, 0, 0, None, ["a"], {}, None, None, None, None, None, None, 0)

        packed = serializer.serialize(message)

        assert packed.startswith(b'["id","name",')
        assert serializer.deserialize(packed) == message

    def test_come_out_of_redis_as_they_went_in(self, app: Flask, needs_redis: None) -> None:
        one, other = own_workers(app), own_workers(app)
        other.huey.storage = one.huey.storage

        one.nudge("sweep")

        task = other.huey.dequeue()
        assert task.args == ["sweep"]
        assert other.huey.dequeue() is None

    def test_are_lost_without_a_word_to_the_caller_when_redis_is_away(self, another_app: AnotherApp) -> None:
        made = another_app()
        made.config["REDIS_URL"] = CLOSED_PORT
        worker = Workers(made)

        with log_lines() as log:
            worker.nudge(DELIVERY)
            heard = [worker.huey.dequeue() for _ in range(3)]

        assert heard == [None] * 3
        assert [line["level"] for line in log.events("jobs.redis_away")] == ["warning"]

    def test_are_executed_with_nothing_asked_of_redis_but_the_nudge(
        self, app: Flask, needs_redis: None, job: Job, ran: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jobs, "JOBS", {job.name: job})
        worker = own_workers(app)
        worker.nudge(job.name)

        with redis_commands() as sent:
            worker.huey.execute(worker.huey.dequeue())

        assert sent == ["RPOP"]
        assert ran == [job.name]


class TestTheServer:
    """gunicorn's hooks: what starts the jobs beside the requests, and ends them."""

    @pytest.fixture
    def hooks(self) -> dict[str, Any]:
        return runpy.run_path(str(Path(__file__).parents[2] / "gunicorn.conf.py"))

    @pytest.mark.parametrize(("inside", "calls"), [(True, ["start", "stop"]), (False, ["stop"])])
    def test_does_the_jobs_where_the_settings_say_so(
        self, hooks: dict[str, Any], monkeypatch: pytest.MonkeyPatch, inside: bool, calls: list[str]
    ) -> None:
        seen: list[str] = []
        bound = SimpleNamespace(start=lambda: seen.append("start"), stop=lambda: seen.append("stop"))
        wsgi = SimpleNamespace(config={"JOBS_IN_SERVER": inside}, extensions={"jobs": bound})
        worker = SimpleNamespace(wsgi=wsgi, handle_exit=None)
        monkeypatch.setattr(hooks["signal"], "signal", lambda *_: None)

        hooks["post_worker_init"](worker)
        hooks["worker_exit"](None, worker)

        assert seen == calls

    def test_stops_nothing_of_a_worker_that_never_loaded(self, hooks: dict[str, Any]) -> None:
        assert hooks["worker_exit"](None, SimpleNamespace()) is None


def test_what_is_run_stands_in_one_table_that_holds_each_slot_once(app: Flask, job: Job) -> None:
    with app.app_context():
        jobs.run_slot(job, NOON)
        with atomic() as session:
            twice = session.scalar(select(func.count()).where(JobRun.job == job.name))

    assert twice == 1
