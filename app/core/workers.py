"""Who runs the jobs: threads beside the requests where the installation is embedded, else worker processes.

A nudge goes through Huey (Redis, or this process's memory where there is none) and says "look now"; lost, it costs time and
nothing else. The regular times are kept by each worker's own clock and claimed in the database, so they need no Redis.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, cast

import orjson
import structlog
from flask import Flask, current_app
from redis import ConnectionPool
from redis.exceptions import RedisError

from app.core import clock
from app.core.lean import without

with without(
    "psycopg"
):  # which Huey loads for a store of its own that nobody here uses: 11 MB in each process
    from huey import Huey, MemoryHuey
    from huey.consumer import Consumer as HueyConsumer
    from huey.consumer import Scheduler as HueyScheduler
    from huey.registry import Message
    from huey.serializer import Serializer
    from huey.storage import RedisStorage

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1  # how often the scheduler asks its clock, not the database, whether a slot has begun
HEALTH_SECONDS = 10
STOP_SECONDS = 20  # less than what gunicorn and the platforms allow for a stop
REDIS_SECONDS = 0.5
AWAY_SECONDS = 10
NOTICE_SECONDS = 0.2


class PlainSerializer(Serializer):  # type: ignore[misc]
    """Nudges as JSON: Huey's own pickles would let who can write to Redis run code here."""

    def _serialize(self, data: Message) -> bytes:
        return orjson.dumps(list(data))

    def _deserialize(self, data: bytes) -> Message:
        return Message(*orjson.loads(data))


class GuardedRedisStorage(RedisStorage):  # type: ignore[misc]
    """Huey's Redis storage that asks and does not wait, and for which a Redis that is away is one without nudges."""

    def __init__(self, name: str, url: str, **options: Any) -> None:
        pool = ConnectionPool.from_url(
            url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS
        )
        self._told_away = float("-inf")
        super().__init__(name, blocking=False, connection_pool=pool, **options)

    def dequeue(self) -> bytes | None:
        try:
            return cast("bytes | None", super().dequeue())
        except (RedisError, OSError) as error:
            self._note_absence(error)
            return None

    def enqueue(self, data: bytes, priority: int | None = None) -> None:
        try:
            super().enqueue(data, priority)
        except (RedisError, OSError) as error:
            self._note_absence(error)

    def peek_many(self, keys: list[str]) -> dict[str, Any]:
        """Nothing is ever revoked here, which Huey would ask before each task."""
        return {}

    def delete_data(self, key: str) -> bool:
        """Nor is there a note of that to be taken away, which it would try after each task."""
        return False

    def _note_absence(self, error: Exception) -> None:
        if time.monotonic() - self._told_away > AWAY_SECONDS:
            self._told_away = time.monotonic()
            log.warning("jobs.redis_away", reason=type(error).__name__)


class Scheduler(HueyScheduler):  # type: ignore[misc]
    """Runs what has a new slot, in its own thread: the regular times need no Redis."""

    def __init__(self, app: Flask, stop_flag: threading.Event, **options: Any) -> None:
        self._app = app
        self._seen: dict[str, int] = {}
        super().__init__(stop_flag=stop_flag, **options)

    def initialize(self) -> None:
        from app.core import jobs

        for job in jobs.JOBS.values():
            if job.at_start:
                self._run(partial(jobs.run, job))

    def loop(self, now: datetime | None = None) -> None:
        from app.core import jobs

        moment, pause = now or clock.now(), LOOK_SECONDS
        for job in jobs.JOBS.values():
            if self._seen.get(job.name) == job.slot(moment) or self.stop_flag.is_set():
                continue
            if self._run(partial(jobs.run_slot, job, moment)):
                self._seen[job.name] = job.slot(moment)
            else:
                pause = AWAY_SECONDS
        self.stop_flag.wait(pause)

    def _run(self, work: Callable[[], Any]) -> bool:
        try:
            with self._app.app_context():
                work()
        except Exception as error:  # the database is away; what a job itself does wrong does not come here
            log.warning("jobs.no_slot", reason=type(error).__name__)
            return False
        return True


class Consumer(HueyConsumer):  # type: ignore[misc]
    """Huey's consumer in threads of a process that has its own signals: gunicorn's worker, or `flask worker`."""

    def __init__(self, app: Flask, huey: Huey, threads: int) -> None:
        self._app = app
        super().__init__(huey, workers=threads, periodic=False, max_delay=1.0, shutdown_timeout=STOP_SECONDS)

    def _create_scheduler(self) -> Scheduler:
        return Scheduler(
            self._app, self.stop_flag, huey=self.huey, interval=self.scheduler_interval, periodic=False
        )

    def _set_signal_handlers(self) -> None:
        """Leave the signals to the process."""


class Workers:
    """What one application has of all this: its Huey, and its threads where it runs some."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._consumer: Consumer | None = None
        name = app.config["CACHE_KEY_PREFIX"]
        options: dict[str, Any] = {"results": False, "serializer": PlainSerializer()}
        if url := app.config["REDIS_URL"]:
            self.huey = Huey(name, storage_class=GuardedRedisStorage, url=url, **options)
        else:
            self.huey = MemoryHuey(name, **options)
        self.nudge = self.huey.task(name="look")(self._look)

    def _look(self, name: str) -> None:
        from app.core import jobs

        with self._app.app_context():
            jobs.run(jobs.JOBS[name])

    def start(self) -> Consumer:
        """Start the threads that hear nudges and keep the regular times; one set in a process."""
        if self._consumer is None:
            self._consumer = Consumer(self._app, self.huey, self._app.config["JOB_THREADS"])
            self._consumer.start()
        return self._consumer

    def stop(self) -> None:
        """Let the threads finish what they are at, and wait for them for a while."""
        if self._consumer is not None:
            self._consumer.stop(graceful=True)
            self._consumer = None

    @property
    def is_stopping(self) -> bool:
        """Whether a job should begin nothing more."""
        return self._consumer is not None and self._consumer.stop_flag.is_set()

    def work(self) -> None:
        """Be a worker until SIGTERM or SIGINT; what is under way is finished. Called in a process's main thread."""
        caught: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: caught.append(number))
        consumer = self.start()
        looked = time.monotonic()
        while not caught:
            time.sleep(NOTICE_SECONDS)
            if time.monotonic() - looked > HEALTH_SECONDS:
                looked = time.monotonic()
                consumer.check_worker_health()
        self.stop()


class JobQueue:
    """The jobs of the current application: an extension, created unbound."""

    def init_app(self, app: Flask) -> None:
        """Give `app` its workers, none of them started."""
        app.extensions["jobs"] = Workers(app)

    def nudge(self, name: str) -> None:
        """Let a worker run the job `name` soon. With nobody there to hear it, the next slot comes."""
        self._bound.nudge(name)

    @property
    def is_stopping(self) -> bool:
        """Whether a job should begin nothing more."""
        return self._bound.is_stopping

    @property
    def _bound(self) -> Workers:
        bound: Workers = current_app.extensions["jobs"]
        return bound
