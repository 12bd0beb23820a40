"""The rules of canned jobs: what belongs to one, and how it comes on a ticket."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from app.blueprints.canned_jobs.errors import (
    CannedJobNameTaken,
    CannedJobNotFound,
    CannedJobOutdated,
    TooManyCannedJobs,
)
from app.blueprints.canned_jobs.models import CannedJob, CannedJobLine
from app.blueprints.inventory import service as inventory
from app.blueprints.inventory.errors import PartNotFound
from app.blueprints.service_tickets import fitting, work
from app.blueprints.service_tickets.holding import Ticket, hold, require_open, whole
from app.blueprints.workshops import service as workshops
from app.core import audit, paging
from app.core.db import Session, atomic, locked, touch
from app.core.identity import Principal
from app.core.names import folded
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.quantities import told
from app.extensions import db

MOST = 500
ORDER = Order(CannedJob.id, "name", name=CannedJob.name)
SHOWN = ("id", "name", "created_at", "updated_at", "version")
Shown = dict[str, Any]
Line = dict[str, Any]


# ---- Seeing -----------------------------------------------------------------------------------------------------------


def find(workshop_id: int, walk: Walk) -> Page:
    """Return one page of a workshop's canned jobs, each with its lines."""
    page = paging.fetch(
        select(CannedJob).where(CannedJob.workshop_id == workshop_id),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )
    lines = _lines(workshop_id, [job.id for job in page.rows])
    rows = [audit.fields_of(job, SHOWN) | {"lines": lines[job.id]} for job in page.rows]
    return Page(rows, walk, page.next_cursor, page.total)


def get(workshop_id: int, job_id: int) -> Shown:
    """Return a canned job with its lines.

    :raises CannedJobNotFound: unknown here.
    """
    return _whole(_one(select(CannedJob), workshop_id, job_id))


def _one(statement: Select[CannedJob], workshop_id: int, job_id: int) -> CannedJob:
    found = db.session.scalar(statement.where(CannedJob.workshop_id == workshop_id, CannedJob.id == job_id))
    if found is None:
        raise CannedJobNotFound()
    return found


def _whole(job: CannedJob) -> Shown:
    return audit.fields_of(job, SHOWN) | {"lines": _lines(job.workshop_id, [job.id])[job.id]}


def _lines(workshop_id: int, job_ids: list[int]) -> dict[int, list[Line]]:
    """Return the lines of some canned jobs in their order."""
    found: dict[int, list[Line]] = {job_id: [] for job_id in job_ids}
    if job_ids:
        statement = select(CannedJobLine).where(
            CannedJobLine.workshop_id == workshop_id, CannedJobLine.canned_job_id.in_(job_ids)
        )
        for line in db.session.scalars(statement.order_by(CannedJobLine.canned_job_id, CannedJobLine.place)):
            found[line.canned_job_id].append(
                {
                    "kind": line.kind,
                    "description": line.description,
                    "item_id": line.part_id,
                    "quantity": line.quantity,
                    "unit_price": line.unit_price,
                    "tax_rate": line.tax_rate,
                }
            )
    return found


# ---- Changing ---------------------------------------------------------------------------------------------------------


def add(workshop_id: int, *, name: str, lines: list[Line]) -> Shown:
    """Make a canned job.

    :raises CannedJobNameTaken: another has the name. :raises TooManyCannedJobs: there are 500.
    :raises PartNotFound: a part is unknown here. :raises Invalid: a fraction of what is counted by whole ones.
    """
    _require_parts(workshop_id, lines)
    with atomic() as session:
        workshops.held(workshop_id)
        number = select(func.count()).where(CannedJob.workshop_id == workshop_id)
        if session.scalars(number).one() >= MOST:
            raise TooManyCannedJobs(f"There are {MOST}: remove some.")
        job = CannedJob(workshop_id=workshop_id, name=name, folded_name=folded(name))
        session.add(job)
        _flush(session)
        _put(session, job, lines)
        audit.note("canned_job.added", "canned_job", job.id, after=_recorded(name, lines))
        return _whole(job)


def replace(
    workshop_id: int, job_id: int, *, name: str, lines: list[Line], expected: Expected = None
) -> Shown:
    """Replace a canned job, lines and all. Tickets that it was put on stay as they are.

    :raises CannedJobNotFound: unknown here. :raises Stale: not the `expected` version. Else as `add`.
    """
    with atomic() as session:
        job = _one(locked(CannedJob), workshop_id, job_id)
        require_version(job, expected)
        _require_parts(workshop_id, lines)
        before = _recorded(job.name, _lines(workshop_id, [job_id])[job_id])
        job.name, job.folded_name = name, folded(name)
        touch(job)
        _flush(session)
        session.execute(
            delete(CannedJobLine)
            .where(CannedJobLine.workshop_id == workshop_id, CannedJobLine.canned_job_id == job_id)
            .execution_options(synchronize_session=False)
        )
        _put(session, job, lines)
        audit.note_change("canned_job.replaced", "canned_job", job_id, before, _recorded(name, lines))
        return _whole(job)


def remove(workshop_id: int, job_id: int, expected: Expected = None) -> None:
    """Remove a canned job. Tickets that it was put on stay as they are.

    :raises CannedJobNotFound: unknown here. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        job = _one(locked(CannedJob), workshop_id, job_id)
        require_version(job, expected)
        before = _recorded(job.name, _lines(workshop_id, [job_id])[job_id])
        session.delete(job)
        session.flush()
        audit.note("canned_job.removed", "canned_job", job_id, before=before)


def _require_parts(workshop_id: int, lines: list[Line]) -> None:
    wanted = {
        place: (line["item_id"], line["quantity"])
        for place, line in enumerate(lines)
        if line["kind"] == "part"
    }
    if not wanted:
        return
    part_ids = sorted({part_id for part_id, _ in wanted.values()})
    if missing := sorted(set(part_ids) - inventory.present_among(workshop_id, part_ids)):
        raise PartNotFound(f"Unknown here: {', '.join(map(str, missing))}.")
    fitting.require_whole(workshop_id, wanted)


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise CannedJobNameTaken() from error


def _put(session: Session, job: CannedJob, lines: list[Line]) -> None:
    rows = [
        {
            "workshop_id": job.workshop_id,
            "canned_job_id": job.id,
            "place": place,
            "kind": line["kind"],
            "description": line["description"],
            "part_id": line["item_id"],
            "quantity": line["quantity"],
            "unit_price": line["unit_price"],
            "tax_rate": line.get("tax_rate"),
        }
        for place, line in enumerate(lines, 1)
    ]
    # With its NULLs, or lines of each kind would be a statement of their own.
    session.execute(insert(CannedJobLine), rows, execution_options={"render_nulls": True})


def _recorded(name: str, lines: list[Line]) -> dict[str, Any]:
    return {"name": name, "lines": [{**line, "quantity": told(line["quantity"])} for line in lines]}


# ---- On a ticket ------------------------------------------------------------------------------------------------------


def put_on(caller: Principal, ticket_id: int, job_id: int, expected: Expected = None) -> Ticket:
    """Put a canned job's lines on a ticket, all or none; what has no price there goes at the present one.

    :raises TicketNotFound: unknown here. :raises TicketClosed: finished or cancelled.
    :raises Stale: not the `expected` version.
    :raises CannedJobNotFound: unknown here. :raises CannedJobOutdated: a part of it was taken out of the inventory.
    :raises TooManyLines: the ticket would have more than 500. :raises Invalid: an hour without a price.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        job = get(caller.workshop_id, job_id)
        try:
            work.put_on(ticket, job["lines"], caller.account_id)
        except PartNotFound as error:
            raise CannedJobOutdated(f"{error.detail or ''} Change the canned job.".strip()) from error
        return whole(caller, ticket_id)
