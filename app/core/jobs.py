"""Work outside of requests: jobs that look for what is due in the database, when they are nudged and at regular times.

A regular time is a slot that the first worker to come claims by a row in the database, so that a job runs once however many
workers there are. What a job works on must be in tables of its own: a worker that dies has then lost nothing that the next slot
does not find. Who runs the jobs, and how they are nudged: `app.core.workers`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import BigInteger, PrimaryKeyConstraint, String, delete, event, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm import Session as AnySession

from app.core import clock
from app.core.db import Instant, Session, atomic, require_atomic
from app.core.model import Model

log = structlog.get_logger(__name__)

SLOTS_KEPT = 100
CLOCKS_DIFFER = timedelta(minutes=5)  # or a slot, where that is longer


class JobRun(Model):
    """That a job was begun in a slot of time, by whichever worker came first. Belongs to the installation."""

    __tablename__ = "job_runs"
    __table_args__ = (PrimaryKeyConstraint("job", "slot"),)

    job: Mapped[str] = mapped_column(String(60))
    slot: Mapped[int] = mapped_column(BigInteger, autoincrement=False)
    claimed_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Job:
    """Work with a name, done once in each slot of `every`, counted from 1970. `at_start`: also when a worker starts."""

    name: str
    every: timedelta
    work: Callable[[], Any]
    at_start: bool = False

    def slot(self, moment: datetime) -> int:
        return int(moment.timestamp() // self.every.total_seconds())

    def latest_slot(self, moment: datetime) -> int:
        """Return the latest slot that a worker whose clock is right may have claimed at `moment` of one's own clock."""
        return max(self.slot(moment) + 1, self.slot(moment + CLOCKS_DIFFER))


JOBS: dict[str, Job] = {}
Work = Callable[[], Any]


def periodic(name: str, *, every: timedelta, at_start: bool = False) -> Callable[[Work], Work]:
    """Make a function a job. It must be short, or do a bounded piece and be nudged for the rest.

    :raises ValueError: the name is taken, or `every` is no whole number of seconds.
    """

    def declare(work: Work) -> Work:
        if name in JOBS or every < timedelta(seconds=1) or every.microseconds:
            raise ValueError(f"{name}: a job has a name of its own, and every whole number of seconds.")
        JOBS[name] = Job(name, every, work, at_start)
        return work

    return declare


# ---- Nudges -----------------------------------------------------------------------------------------------------


def nudge_after_commit(name: str) -> None:
    """Let a worker run the job `name` once the present transaction is committed: what it looks for is there then.

    :raises RuntimeError: outside `atomic()`.
    """
    from app.extensions import db

    session = db.session()
    require_atomic(session)
    session.info.setdefault("nudges", set()).add(name)


@event.listens_for(Session, "after_commit")
def _nudge(session: AnySession) -> None:
    from app.extensions import jobs

    for name in session.info.pop("nudges", ()):
        jobs.nudge(name)


@event.listens_for(Session, "after_rollback")
def _forget_nudges(session: AnySession) -> None:
    session.info.pop("nudges", None)


# ---- Slots ------------------------------------------------------------------------------------------------------


def run_slot(job: Job, now: datetime) -> bool:
    """Run `job` if nobody has begun it in this slot; tell whether it was this worker's."""
    slot = job.slot(now)
    if not _claim(job, slot, now):
        return False
    run(job)
    statement = update(JobRun).where(JobRun.job == job.name, JobRun.slot == slot)
    with atomic() as session:
        session.execute(statement.values(finished_at=clock.now()))
    return True


def _claim(job: Job, slot: int, now: datetime) -> bool:
    """Claim a slot: the primary key decides between two who come at once. A clock that is behind claims nothing old.

    What was claimed by a clock that was far ahead counts for nothing: the job would not run before that time has come.
    """
    from app.extensions import db

    latest = job.latest_slot(now)
    ends = select(func.max(JobRun.slot).filter(JobRun.slot <= latest), func.max(JobRun.slot))
    row: Any = db.session.execute(ends.where(JobRun.job == job.name)).one()
    newest, farthest = row
    if farthest is not None and farthest > latest:
        _disown(job, latest, now)
    if newest is not None and newest >= slot:
        return False
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(JobRun).values(job=job.name, slot=slot, claimed_at=now)
    with atomic() as session:
        claimed = session.execute(statement.on_conflict_do_nothing().returning(JobRun.slot)).first()
        if claimed is not None:
            session.execute(delete(JobRun).where(JobRun.job == job.name, JobRun.slot < slot - SLOTS_KEPT))
    return claimed is not None


def _disown(job: Job, latest: int, now: datetime) -> None:
    """Delete the slots beyond the latest that there can be, and say so: a clock is wrong, theirs or this one."""
    with atomic() as session:
        ahead = session.scalars(
            delete(JobRun).where(JobRun.job == job.name, JobRun.slot > latest).returning(JobRun.claimed_at)
        ).all()
    if ahead:
        claimed = clock.rfc3339(clock.as_utc(max(ahead)))
        log.warning("job.clock_wrong", job=job.name, claimed_at=claimed, here=clock.rfc3339(now))


def run(job: Job) -> None:
    """Do the work of `job`; what goes wrong is logged, and the next slot tries again."""
    started = time.perf_counter()
    try:
        job.work()
    except Exception:
        log.exception("job.failed", job=job.name)
    else:
        milliseconds = round((time.perf_counter() - started) * 1000, 2)
        log.debug("job.done", job=job.name, milliseconds=milliseconds)
