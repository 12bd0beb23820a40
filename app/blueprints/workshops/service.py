"""The rules of workshops: which one a request means, and numbers without gaps of our making."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import bindparam, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from app.blueprints.workshops.errors import SlugTaken, WorkshopNotFound, WorkshopRequired
from app.blueprints.workshops.models import Counter, Workshop
from app.core import audit
from app.core.db import atomic
from app.core.errors import Invalid
from app.core.prepared import Prepared
from app.extensions import db

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])")


def named(slug: str | None) -> Workshop:
    """Return the workshop called `slug`; the only one there is when a public request names none.

    :raises WorkshopNotFound: none has the slug. :raises WorkshopRequired: several, and none is named.
    """
    if slug:
        found = db.session.scalar(select(Workshop).where(Workshop.slug == slug.strip().lower()[:60]))
        if found is None:
            raise WorkshopNotFound()
        return found
    workshops = db.session.scalars(select(Workshop).order_by(Workshop.id).limit(2)).all()
    if len(workshops) != 1:
        raise WorkshopRequired() if workshops else WorkshopNotFound("This installation has no workshop yet.")
    return workshops[0]


def country_of(workshop_id: int) -> str:
    """Return the country (ISO 3166-1 alpha-2) in which a workshop's phone numbers are read."""
    return db.session.scalars(select(Workshop.country).where(Workshop.id == workshop_id)).one()


def open_workshop(name: str, slug: str, **settings: Any) -> Workshop:
    """Make a workshop.

    :raises Invalid: the slug is not one. :raises SlugTaken: another has it.
    """
    if not _SLUG.fullmatch(slug):
        raise Invalid("A slug has 2 to 60 of a-z, 0-9 and hyphens inside.")
    workshop = Workshop(name=name, slug=slug, **settings)
    try:
        with atomic() as session:
            session.add(workshop)
            session.flush()
            audit.note(
                "workshop.opened", "workshop", workshop.id, workshop_id=workshop.id,
                after={"name": name, "slug": slug, **settings},
            )  # fmt: skip
    except IntegrityError as error:
        raise SlugTaken() from error
    return workshop


def _count_on() -> Any:
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    return (
        insert(Counter)
        .values(workshop_id=bindparam("workshop_id"), series=bindparam("series"), value=1)
        .on_conflict_do_update(
            index_elements=["workshop_id", "series"], set_={"value": Counter.value + literal_column("1")}
        )
        .returning(Counter.value)
    )


_COUNT_ON = Prepared(_count_on, writes="counters", by_itself=True)


def next_number(series: str) -> int:
    """Return the next number of the current workshop's `series`: never one that was given out before.

    Outside a transaction it is given for good, whatever comes after; inside one, the series waits for its end.
    """
    number: int = _COUNT_ON.one(series=series)
    return number
