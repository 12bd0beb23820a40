"""The rules of workshops: which one a request means, founding, changing and closing."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, delete, insert, select
from sqlalchemy.exc import IntegrityError

from app.blueprints.workshops import vocabulary
from app.blueprints.workshops.errors import (
    AlreadySuspended,
    NotConfirmed,
    NotSuspended,
    SlugTaken,
    WorkshopNotFound,
    WorkshopRequired,
    WorkshopSuspended,
)
from app.blueprints.workshops.models import Specialisation, Workshop
from app.core import audit, clock, jobs, outbox, phones
from app.core.db import Session, atomic, touch
from app.core.errors import Invalid
from app.core.letters import Letterhead
from app.core.outbox import writes_letterheads
from app.core.preconditions import Expected, require_version
from app.core.tenancy import INSTALLATION
from app.extensions import db

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])")
_OPEN = Workshop.closed_at.is_(None)
RECORD = (
    "name", "slug", "description", "street", "city", "region", "postal_code", "country", "latitude", "longitude", "place_id",
    "phone", "email", "website", "listed", "currency", "locale", "time_zone", "tax_rate", "tax_id", "prices_include_tax",
    "labour_rate", "approval_required", "approval_tolerance", "second_factor_for_staff",
    "inspections_validated_automatically", "progress_validated_automatically",
)  # fmt: skip

outbox.silences(select(Workshop.id).where(Workshop.suspended_at.is_not(None)))

Occasion = Literal[
    "closing", "changing the currency", "changing who needs a second factor", "suspending", "reinstating"
]
Consulted = Callable[[int], None]
_consulted: defaultdict[Occasion, list[Consulted]] = defaultdict(list)


def consulted_before(occasion: Occasion) -> Callable[[Consulted], Consulted]:
    """Register a function of a later feature that is called, in the same transaction that does this to a workshop.

    It refuses by raising, or brings its own part in order.
    """

    def register(function: Consulted) -> Consulted:
        _consulted[occasion].append(function)
        return function

    return register


def _consult(occasion: Occasion, workshop_id: int) -> None:
    for function in _consulted[occasion]:
        function(workshop_id)


def named(slug: str | None) -> Workshop:
    """Return the workshop called `slug`; the only one there is when a public request names none.

    :raises WorkshopNotFound: none has the slug. :raises WorkshopRequired: several, and none is named.
    :raises WorkshopSuspended: it is, and nobody comes in.
    """
    found = with_slug(slug) if slug else _only_one()
    if found.suspended_at is not None:
        raise WorkshopSuspended()
    return found


def with_slug(slug: str) -> Workshop:
    """Return the workshop called `slug`, be it suspended.

    :raises WorkshopNotFound: none has the slug.
    """
    found = db.session.scalar(select(Workshop).where(is_called(slug)))
    if found is None:
        raise WorkshopNotFound()
    return found


def is_called(slug: str) -> ColumnElement[bool]:
    """Return the condition that a workshop, suspended or not, goes by `slug`."""
    return and_(Workshop.slug == slug.strip().lower()[:60], _OPEN)


def _only_one() -> Workshop:
    workshops = db.session.scalars(select(Workshop).where(_OPEN).order_by(Workshop.id).limit(2)).all()
    if len(workshops) != 1:
        raise WorkshopRequired() if workshops else WorkshopNotFound("This installation has no workshop yet.")
    return workshops[0]


@writes_letterheads
def letterhead(workshop_id: int) -> Letterhead:
    """Return in whose name, language and time zone a workshop's mail is written."""
    workshop = db.session.scalars(select(Workshop).where(Workshop.id == workshop_id)).one()
    return Letterhead(workshop.name, workshop.locale, workshop.time_zone, workshop.phone)


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


def found(name: str, slug: str | None = None, *, country: str = "US", **settings: Any) -> Workshop:
    """Make a workshop with what is usual in its country: currency, locale and time zone, unless `settings` say otherwise.

    Without a `slug` it gets one made of its name. It is unlisted until its owner lists it.
    :raises Invalid: the slug is not one. :raises SlugTaken: another has it.
    """
    usual = {
        "currency": vocabulary.currency_of,
        "locale": vocabulary.locale_of,
        "time_zone": vocabulary.time_zone_of,
    }
    chosen = {field: settings.pop(field, None) or guess(country) for field, guess in usual.items()}
    return open_workshop(name, slug or _free_slug(name), country=country, **chosen, **settings)


Seating = Callable[[int, str], None]
_seat: Seating | None = None


def seats_owners(seating: Seating) -> Seating:
    """Register the function that makes whoever has an address the owner of a workshop."""
    global _seat
    _seat = seating
    return seating


def open_for(owner_email: str, **wanted: Any) -> Workshop:
    """Make a workshop for its owner, who hears of it by mail: both or neither.

    :raises SlugTaken: another has the slug. :raises AccountSuspended: the owner's account is.
    """
    if _seat is None:
        raise RuntimeError("No feature seats owners.")
    with atomic():
        opened = found(**wanted)
        _seat(opened.id, owner_email)
        audit.note(
            "workshop.opened", "workshop", opened.id, workshop_id=INSTALLATION, after={"slug": opened.slug}
        )
    return opened


def _free_slug(name: str) -> str:
    """Return a slug made of `name` that no workshop has yet; of two who get the same at once, the second is refused."""
    plain = unicodedata.normalize("NFKD", name.replace("ł", "l").replace("Ł", "L").replace("ß", "ss"))
    words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode().replace("'", "").lower())
    stem = "-".join(words)[:50].strip("-")
    stem = stem if len(stem) >= 2 else "workshop"
    taken = set(
        db.session.scalars(select(Workshop.slug).where(Workshop.slug.startswith(stem, autoescape=True)))
    )
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(slug for slug in (stem, *numbered) if slug not in taken)


def require_own(own_id: int, workshop_id: int) -> int:
    """Return the id of a workshop that a path names, which must be the caller's own.

    :raises WorkshopNotFound: it is another, which looks missing.
    """
    if own_id != workshop_id:
        raise WorkshopNotFound()
    return workshop_id


def held(workshop_id: int, expected: Expected = None) -> Workshop:
    """Return a workshop for a change, locked until the transaction ends; what points to it goes on being made meanwhile.

    :raises WorkshopNotFound: unknown or closed. :raises Stale: not the `expected` version.
    """
    return _locked(workshop_id, expected, key_share=True)


def keep_open(workshop_id: int) -> None:
    """Let a workshop not be closed until the transaction ends; all else that is done to it goes on.

    :raises WorkshopNotFound: unknown or closed.
    """
    statement = select(Workshop.id).where(Workshop.id == workshop_id, _OPEN)
    if db.session.scalar(statement.with_for_update(read=True, key_share=True)) is None:
        raise WorkshopNotFound()


def _locked(workshop_id: int, expected: Expected, *, key_share: bool) -> Workshop:
    statement = select(Workshop).where(Workshop.id == workshop_id, _OPEN)
    workshop = db.session.scalar(
        statement.with_for_update(key_share=key_share).execution_options(populate_existing=True)
    )
    if workshop is None:
        raise WorkshopNotFound()
    require_version(workshop, expected)
    return workshop


def update(workshop_id: int, changes: dict[str, Any], expected: Expected = None) -> None:
    """Change a workshop's entry and settings.

    :raises WorkshopNotFound: unknown or closed. :raises Stale: not the `expected` version. :raises SlugTaken: another has it.
    :raises Invalid: latitude without longitude. :raises CurrencyInUse: there are prices in the present currency.
    """
    changes = dict(changes)
    specialisations = changes.pop("specialisations", None)
    with atomic() as session:
        workshop = held(workshop_id, expected)
        if changes.get("currency", workshop.currency) != workshop.currency:
            _consult("changing the currency", workshop_id)
        asked = workshop.second_factor_for_staff
        if changes.get("second_factor_for_staff", asked) != asked:
            _consult("changing who needs a second factor", workshop_id)
        before = audit.fields_of(workshop, RECORD)
        after: dict[str, Any] = {}
        for field, value in changes.items():
            setattr(workshop, field, value)
        _require_both_coordinates(workshop)
        if changes.get("phone"):
            workshop.phone = phones.normalised(changes["phone"], workshop.country)
        _flush(session)
        if specialisations is not None:
            after["specialisations"] = sorted(set(specialisations))
            before["specialisations"] = _specialise(session, workshop, after["specialisations"])
            session.flush()
        after |= audit.fields_of(workshop, RECORD)
        audit.note_change("workshop.updated", "workshop", workshop_id, before, after)


def _require_both_coordinates(workshop: Workshop) -> None:
    if (workshop.latitude is None) != (workshop.longitude is None):
        missing = "latitude" if workshop.latitude is None else "longitude"
        raise Invalid("A place needs both coordinates.", errors={missing: ["Both or neither."]})


def _specialise(session: Session, workshop: Workshop, words: list[str]) -> list[str]:
    """Let a workshop be good at these things alone, and return what it was good at before."""
    former = session.scalars(
        delete(Specialisation)
        .where(Specialisation.workshop_id == workshop.id)
        .returning(Specialisation.specialisation)
    ).all()
    if words:
        made = [{"workshop_id": workshop.id, "specialisation": word} for word in words]
        session.execute(insert(Specialisation), made)
    touch(workshop)
    return sorted(former)


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise SlugTaken() from error


def close(workshop_id: int, name: str, expected: Expected = None) -> None:
    """Close a workshop for good: nobody signs in to it any more, and it is listed nowhere; what belongs to it is kept.

    :raises WorkshopNotFound: unknown or closed. :raises Stale: not the `expected` version.
    :raises NotConfirmed: `name` is not its name. :raises TicketsOpen: work is under way.
    """
    with atomic():
        # The whole lock: a ticket that is being opened, and so points here, is waited for and seen.
        workshop = _locked(workshop_id, expected, key_share=False)
        if name != workshop.name:
            raise NotConfirmed("That is not its name.", errors={"name": ["Not the workshop's name."]})
        _consult("closing", workshop_id)
        workshop.listed = False
        workshop.closed_at = clock.now()
        audit.note("workshop.closed", "workshop", workshop_id)


def suspend(workshop_id: int, reason: str, expected: Expected = None) -> None:
    """Let nobody act in a workshop, nor see it in the directory, until it is reinstated.

    :raises WorkshopNotFound: unknown or closed. :raises Stale: not the `expected` version. :raises AlreadySuspended: it is.
    """
    with atomic():
        workshop = held(workshop_id, expected)
        if workshop.suspended_at is not None:
            raise AlreadySuspended()
        workshop.suspended_at, workshop.suspension_reason = clock.now(), reason
        _consult("suspending", workshop_id)
        _note_for_both("workshop.suspended", workshop_id, after={"reason": reason})


def reinstate(workshop_id: int, expected: Expected = None) -> None:
    """Let a suspended workshop go on as it was; its mail, which waited, leaves.

    :raises WorkshopNotFound: unknown or closed. :raises Stale: not the `expected` version. :raises NotSuspended: it is not.
    """
    with atomic():
        workshop = held(workshop_id, expected)
        if workshop.suspended_at is None:
            raise NotSuspended()
        workshop.suspended_at = workshop.suspension_reason = None
        _consult("reinstating", workshop_id)
        jobs.nudge_after_commit(outbox.DELIVERY)
        _note_for_both("workshop.reinstated", workshop_id)


def _note_for_both(action: str, workshop_id: int, after: dict[str, Any] | None = None) -> None:
    """Note what an admin does to a workshop in its log, which its owner reads, and in the installation's own."""
    for log in (workshop_id, INSTALLATION):
        audit.note(action, "workshop", workshop_id, workshop_id=log, after=after)
