"""The public directory: the one place that reads across workshops, and what of each it shows to whom.

A workshop is in it while it is listed and not suspended. One that is not is shown to its own members; to all others it looks
missing. Tax settings and whether it is listed are for its owner. An admin of the installation sees every entry and its state.
An entry is one statement with all that hangs on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Date, Select, bindparam, or_, select

from app.blueprints.workshops import hours
from app.blueprints.workshops.errors import WorkshopNotFound
from app.blueprints.workshops.hours import Period
from app.blueprints.workshops.models import IN_DIRECTORY, Closure, OpeningPeriod, Specialisation, Workshop
from app.core import clock, paging
from app.core.errors import NotAllowed
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.search import has_words, same
from app.core.sqljson import json_objects, json_text, nested
from app.core.tenancy import INSTALLATION, across_workshops
from app.extensions import db

Entry = dict[str, Any]

ORDER = Order(Workshop.id, "name", name=Workshop.name)
ONE_DAY = timedelta(days=1)

IN_STATE: dict[str, ColumnElement[bool]] = {
    "open": Workshop.closed_at.is_(None) & Workshop.suspended_at.is_(None),
    "suspended": Workshop.closed_at.is_(None) & Workshop.suspended_at.is_not(None),
    "closed": Workshop.closed_at.is_not(None),
}

_PERIODS = (
    select(
        json_objects(weekday=OpeningPeriod.weekday, opens=OpeningPeriod.opens, closes=OpeningPeriod.closes)
    )
    .where(OpeningPeriod.workshop_id == Workshop.id)
    .correlate(Workshop)
    .scalar_subquery()
)
_CLOSURES = (
    select(
        json_objects(
            id=Closure.id, first_day=Closure.first_day, last_day=Closure.last_day, reason=Closure.reason
        )
    )
    .where(
        Closure.workshop_id == Workshop.id,
        Closure.last_day >= bindparam("from_day", type_=Date),
        Closure.first_day <= bindparam("to_day", type_=Date),
    )
    .correlate(Workshop)
    .scalar_subquery()
)
_SPECIALISATIONS = (
    select(json_objects(name=Specialisation.specialisation))
    .where(Specialisation.workshop_id == Workshop.id)
    .correlate(Workshop)
    .scalar_subquery()
)
_ENTRIES = select(
    Workshop,
    json_text(periods=nested(_PERIODS), closures=nested(_CLOSURES), specialisations=nested(_SPECIALISATIONS)),
).execution_options(populate_existing=True)


def get(workshop_id: int, caller: Principal | None = None) -> Entry:
    """Return a workshop as `caller` may see it.

    :raises WorkshopNotFound: unknown, closed, or neither listed nor the caller's.
    """
    if _sees_all(caller):
        return get_with_state(workshop_id)
    found = entries(_ENTRIES.where(Workshop.id == workshop_id, _visible_to(caller, workshop_id)), {})
    if not found:
        raise WorkshopNotFound()
    (workshop, entry), *_ = found
    keeps_it = caller is not None and caller.may("workshop:write") and caller.workshop_id == workshop_id
    return entry | _private(workshop) if keeps_it else entry


def get_with_state(workshop_id: int) -> Entry:
    """Return a workshop as those who open and suspend it see it.

    :raises WorkshopNotFound: unknown.
    """
    found = entries(_ENTRIES.where(Workshop.id == workshop_id, Workshop.id != INSTALLATION), {})
    if not found:
        raise WorkshopNotFound()
    (workshop, entry), *_ = found
    return entry | _state_of(workshop)


def require_visible(workshop_id: int, caller: Principal | None) -> None:
    """Refuse what is asked of a workshop that `caller` may not see.

    :raises WorkshopNotFound: unknown, closed, or neither listed nor the caller's.
    """
    if not rows(select(Workshop.id).where(Workshop.id == workshop_id, _visible_to(caller, workshop_id)), {}):
        raise WorkshopNotFound()


def _visible_to(caller: Principal | None, workshop_id: int) -> ColumnElement[bool]:
    if _sees_all(caller):
        return Workshop.id != INSTALLATION
    is_member = caller is not None and caller.workshop_id == workshop_id
    return Workshop.closed_at.is_(None) if is_member else IN_DIRECTORY


def _sees_all(caller: Principal | None) -> bool:
    return caller is not None and caller.may("workshops:read")


def find(
    walk: Walk,
    caller: Principal | None = None,
    *,
    q: str | None = None,
    city: str | None = None,
    country: str | None = None,
    specialisation: Iterable[str] = (),
    state: Iterable[str] = (),
) -> Page:
    """Return one page of the workshops that fit: words in the name, any one of the specialisations, any one of the states.

    Those of the directory; every one for an admin of the installation, with the state that it is in.
    :raises NotAllowed: somebody else asks by state.
    """
    sees_all = _sees_all(caller)
    if state and not sees_all:
        raise NotAllowed("`state` is for admins of the installation.")
    within = [Workshop.id != INSTALLATION] if sees_all else [IN_DIRECTORY]
    if state:
        within.append(or_(*(IN_STATE[one] for one in sorted(set(state)))))
    statement = _ENTRIES.where(*within, *good_at(specialisation))
    if q is not None:
        statement = statement.where(has_words(q, Workshop.name))
    if city is not None:
        statement = statement.where(same(Workshop.city, city))
    if country is not None:
        statement = statement.where(Workshop.country == country)
    return paging.fetch(statement, ORDER, walk, _shown_with_state if sees_all else _shown, _counted)


def good_at(specialisations: Iterable[str]) -> list[ColumnElement[bool]]:
    """Return the condition that a workshop is good at one of these; none where none is named."""
    wanted = sorted(set(specialisations))
    if not wanted:
        return []
    some = select(Specialisation.workshop_id).where(Specialisation.specialisation.in_(wanted))
    return [Workshop.id.in_(some)]


def by_ids(workshop_ids: list[int]) -> dict[int, Entry]:
    """Return those of these workshops that are listed, by their ids."""
    if not workshop_ids:
        return {}
    # Filled up with the last one to a power of two: a text for each number of ids would be prepared anew each time.
    missing = 2 ** (len(workshop_ids) - 1).bit_length() - len(workshop_ids)
    sought = workshop_ids + workshop_ids[-1:] * missing
    found = entries(_ENTRIES.where(IN_DIRECTORY, Workshop.id.in_(sought)), {})
    return {workshop.id: entry for workshop, entry in found}


def rows(statement: Any, values: dict[str, Any]) -> Any:
    """Run a statement across the workshops; it says itself that it reads the listed ones."""
    with across_workshops():
        return db.session.execute(statement, values).all()


def entries(statement: Select[Workshop, Any], values: dict[str, Any]) -> list[tuple[Workshop, Entry]]:
    """Return the workshops of a statement made of entries, each with what everybody may see of it."""
    moment = clock.now()
    day = moment.date()
    span = {"from_day": day - ONE_DAY, "to_day": day + hours.AHEAD}
    return [
        (workshop, _entry(workshop, orjson.loads(related), moment))
        for workshop, related in rows(statement, {**values, **span})
    ]


def _shown(statement: Any, values: dict[str, Any]) -> list[Entry]:
    return [entry for _, entry in entries(statement, values)]


def _shown_with_state(statement: Any, values: dict[str, Any]) -> list[Entry]:
    return [entry | _state_of(workshop) for workshop, entry in entries(statement, values)]


def _counted(statement: Any, values: dict[str, Any]) -> int:
    number: int = rows(statement, values)[0][0]
    return number


def _entry(workshop: Workshop, related: dict[str, Any], moment: datetime) -> Entry:
    periods = [Period(**period) for period in related["periods"]]
    closures = sorted(related["closures"], key=lambda closure: closure["first_day"])
    days = [(date.fromisoformat(one["first_day"]), date.fromisoformat(one["last_day"])) for one in closures]
    return {
        "id": workshop.id,
        "name": workshop.name,
        "slug": workshop.slug,
        "description": workshop.description,
        "specialisations": sorted(one["name"] for one in related["specialisations"]),
        **_place(workshop),
        "phone": workshop.phone,
        "email": workshop.email,
        "website": workshop.website,
        "rating": workshop.rating,
        "rating_count": workshop.rating_count,
        "currency": workshop.currency,
        "locale": workshop.locale,
        "time_zone": workshop.time_zone,
        **_state(hours.state(moment, workshop.time_zone, periods, days)),
        "opening_hours": hours.week_of(periods),
        "closures": closures,
        "created_at": clock.rfc3339(workshop.created_at),
        "updated_at": clock.rfc3339(workshop.updated_at),
        "version": workshop.version,
    }


def _place(workshop: Workshop) -> Entry:
    return {
        "location": workshop.location,
        "full_address": workshop.full_address,
        "street": workshop.street,
        "city": workshop.city,
        "region": workshop.region,
        "postal_code": workshop.postal_code,
        "country": workshop.country,
        "latitude": workshop.latitude,
        "longitude": workshop.longitude,
        "place_id": workshop.place_id,
    }


def _state(now: hours.State) -> Entry:
    return {
        "open_now": now.open_now,
        "opens_next": now.opens_next and clock.rfc3339(now.opens_next),
        "closes_next": now.closes_next and clock.rfc3339(now.closes_next),
    }


def _state_of(workshop: Workshop) -> Entry:
    return {
        "listed": workshop.listed,
        "state": workshop.state,
        "suspended_at": workshop.suspended_at and clock.rfc3339(workshop.suspended_at),
        "suspension_reason": workshop.suspension_reason,
        "closed_at": workshop.closed_at and clock.rfc3339(workshop.closed_at),
    }


def _private(workshop: Workshop) -> Entry:
    return {
        "listed": workshop.listed,
        "tax_rate": workshop.tax_rate,
        "tax_id": workshop.tax_id,
        "prices_include_tax": workshop.prices_include_tax,
        "labour_rate": workshop.labour_rate,
        "approval_required": workshop.approval_required,
        "approval_tolerance": workshop.approval_tolerance,
        "second_factor_for_staff": workshop.second_factor_for_staff,
        "inspections_validated_automatically": workshop.inspections_validated_automatically,
        "progress_validated_automatically": workshop.progress_validated_automatically,
    }
