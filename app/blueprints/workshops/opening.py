"""When a workshop is open: its hours, replaced a week at a time, and the days on which it is closed all the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, delete, insert, select
from sqlalchemy.exc import DBAPIError

from app.blueprints.workshops import directory, hours
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.errors import ClosureNotFound, ClosuresOverlap
from app.blueprints.workshops.models import Closure, OpeningPeriod
from app.core import audit, paging
from app.core.db import Session, atomic, locked, touch, violated
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.tenancy import across_workshops
from app.extensions import db

ORDER = Order(Closure.id, "first_day", first_day=Closure.first_day)
LONGEST_CLOSURE = timedelta(days=366)
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
WEEK = ("time_zone", "open_now", "opens_next", "closes_next", "version")


def week(workshop_id: int, caller: Principal | None = None) -> dict[str, Any]:
    """Return the opening hours of a workshop that `caller` may see, with its version.

    :raises WorkshopNotFound: unknown, closed, or neither listed nor the caller's.
    """
    entry = directory.get(workshop_id, caller)
    return {"days": entry["opening_hours"], **{field: entry[field] for field in WEEK}}


def replace_week(workshop_id: int, days: Iterable[dict[str, Any]], expected: Expected = None) -> None:
    """Give a workshop other opening hours; on the weekdays left out it is closed.

    :raises HoursNotInOrder: the times do not follow each other. :raises Stale: not the workshop's `expected` version.
    """
    periods = hours.periods_of(days)
    with atomic() as session:
        workshop = workshops.held(workshop_id, expected)
        former = session.execute(
            delete(OpeningPeriod)
            .where(OpeningPeriod.workshop_id == workshop_id)
            .returning(OpeningPeriod.weekday, OpeningPeriod.opens, OpeningPeriod.closes)
        ).all()
        if periods:
            made = [{"workshop_id": workshop_id, **period._asdict()} for period in periods]
            session.execute(insert(OpeningPeriod), made)
        touch(workshop)
        before, after = _recorded(map(hours.Period._make, former)), _recorded(periods)
        audit.note("opening_hours.replaced", "workshop", workshop_id, before=before, after=after)


def _recorded(periods: Iterable[hours.Period]) -> dict[str, list[str]]:
    """Return periods as the log keeps them: "1 08:00-12:00" is a Monday's."""
    return {
        "periods": [
            f"{weekday} {hours.clock_time(opens)}-{hours.clock_time(closes)}"
            for weekday, opens, closes in sorted(periods)
        ]
    }


def closures(
    workshop_id: int, caller: Principal | None, walk: Walk, *, ends_from: date | None = None
) -> Page:
    """Return one page of the closures of a workshop that `caller` may see; `ends_from`: that end on that day or later.

    :raises WorkshopNotFound: unknown, closed, or neither listed nor the caller's.
    """
    directory.require_visible(workshop_id, caller)
    statement = select(Closure).where(Closure.workshop_id == workshop_id)
    if ends_from is not None:
        statement = statement.where(Closure.last_day >= ends_from)
    with across_workshops():
        return paging.fetch(
            statement,
            ORDER,
            walk,
            lambda s, v: db.session.scalars(s, v).all(),
            lambda s, v: db.session.scalars(s, v).one(),
        )


def closure(workshop_id: int, closure_id: int, caller: Principal | None = None) -> Closure:
    """Return a closure of a workshop that `caller` may see.

    :raises WorkshopNotFound: unknown, closed, or neither listed nor the caller's. :raises ClosureNotFound: it has none such.
    """
    directory.require_visible(workshop_id, caller)
    with across_workshops():
        return _one(select(Closure), workshop_id, closure_id)


def _one(statement: Select[Closure], workshop_id: int, closure_id: int) -> Closure:
    found = db.session.scalar(statement.where(Closure.workshop_id == workshop_id, Closure.id == closure_id))
    if found is None:
        raise ClosureNotFound()
    return found


def close_for(
    workshop_id: int, first_day: date, last_day: date, reason: str | None, expected: Expected = None
) -> Closure:
    """Close a workshop from one day to another, both included.

    :raises Invalid: the days are not in order, or more than a year. :raises ClosuresOverlap: one of them is in another closure.
    :raises Stale: not the workshop's `expected` version.
    """
    _require_order(first_day, last_day)
    made = Closure(workshop_id=workshop_id, first_day=first_day, last_day=last_day, reason=reason)
    with atomic() as session:
        workshop = workshops.held(workshop_id, expected)
        session.add(made)
        _flush(session)
        touch(workshop)
        audit.note("closure.added", "closure", made.id, after=_told(made))
    return made


def change_closure(
    workshop_id: int,
    closure_id: int,
    first_day: date,
    last_day: date,
    reason: str | None,
    expected: Expected = None,
) -> Closure:
    """Give a closure other days or another reason.

    :raises ClosureNotFound: unknown here. :raises Stale: not its `expected` version. :raises Invalid: as with a new one.
    :raises ClosuresOverlap: one of the days is in another closure.
    """
    _require_order(first_day, last_day)
    with atomic() as session:
        workshop = workshops.held(workshop_id)
        changed = _one(locked(Closure), workshop_id, closure_id)
        require_version(changed, expected)
        before = _told(changed)
        changed.first_day, changed.last_day, changed.reason = first_day, last_day, reason
        _flush(session)
        touch(workshop)
        audit.note_change("closure.changed", "closure", closure_id, before, _told(changed))
    return changed


def open_again(workshop_id: int, closure_id: int, expected: Expected = None) -> None:
    """Take a closure back.

    :raises ClosureNotFound: unknown here. :raises Stale: not its `expected` version.
    """
    with atomic() as session:
        workshop = workshops.held(workshop_id)
        gone = _one(locked(Closure), workshop_id, closure_id)
        require_version(gone, expected)
        session.delete(gone)
        touch(workshop)
        audit.note("closure.removed", "closure", closure_id, before=_told(gone))


def _told(closure: Closure) -> dict[str, Any]:
    return audit.fields_of(closure, ("first_day", "last_day", "reason"))


def _require_order(first_day: date, last_day: date) -> None:
    if last_day < first_day:
        raise Invalid("The days are not in order.", errors={"last_day": ["Before the first day."]})
    for name, day in (("first_day", first_day), ("last_day", last_day)):
        if not FIRST_DAY <= day <= LAST_DAY:
            raise Invalid("That is too far away.", errors={name: ["Not from 2000 to 2199."]})
    if last_day - first_day >= LONGEST_CLOSURE:
        raise Invalid("That is too long.", errors={"last_day": ["More than a year after the first day."]})


def _flush(session: Session) -> None:
    try:
        session.flush()
    except DBAPIError as error:  # pg8000 has no kind of its own for what an exclusion constraint refuses
        if "no_overlap" not in violated(error):
            raise
        raise ClosuresOverlap() from error
