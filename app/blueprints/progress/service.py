"""The rules of progress updates: staff write them, an owner or the workshop's setting validates, then the customer is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ScalarSelect, Select, delete, func, insert, select

from app.blueprints.attachments import photos
from app.blueprints.attachments.photos import Photo
from app.blueprints.customers import service as customers
from app.blueprints.progress import notices
from app.blueprints.progress.errors import UpdateNotFound, UpdateValidated
from app.blueprints.progress.models import ProgressUpdate, ProgressUpdatePhoto
from app.blueprints.progress.seeing import person_of, require_ticket
from app.blueprints.service_tickets.board import validated_later
from app.blueprints.service_tickets.holding import hold, require_open, stir
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.workshops.models import Workshop
from app.core import audit, clock, paging
from app.core.db import atomic, locked, touch
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.prepared import here
from app.extensions import db

ORDER = Order(ProgressUpdate.id, "-id")
SHOWN = (
    "id", "service_ticket_id", "text", "account_id", "validated", "validated_at", "validated_by", "created_at",
    "updated_at", "version",
)  # fmt: skip
Shown = dict[str, Any]


@validated_later
def _unvalidated() -> ScalarSelect[int]:
    return (
        select(func.count())
        .select_from(ProgressUpdate)
        .where(
            here(ProgressUpdate),
            ProgressUpdate.service_ticket_id == ServiceTicket.id,
            ProgressUpdate.validated_at.is_(None),
        )
        .correlate(ServiceTicket)
        .scalar_subquery()
    )


def _photos() -> Any:
    return photos.collected(
        ProgressUpdatePhoto,
        ProgressUpdatePhoto.workshop_id == ProgressUpdate.workshop_id,
        ProgressUpdatePhoto.progress_update_id == ProgressUpdate.id,
    )


def _shown(update: ProgressUpdate, shown: Sequence[Photo]) -> Shown:
    return audit.fields_of(update, SHOWN) | {"photos": list(shown)}


def write(caller: Principal, ticket_id: int, text: str, photo_ids: Sequence[int] = ()) -> Shown:
    """Write how the work goes on. Where the workshop's setting says so, the customer is told at once.

    :raises TicketNotFound: unknown here. :raises TicketClosed: finished or cancelled.
    :raises AttachmentNotFound: a photo is not on the ticket. :raises Invalid: one is no picture, or comes twice.
    """
    with atomic() as session:
        ticket = hold(caller, ticket_id, None)
        require_open(ticket)
        named = _named(caller.workshop_id, ticket_id, photo_ids)
        update = ProgressUpdate(
            workshop_id=caller.workshop_id, service_ticket_id=ticket.id, text=text, account_id=caller.account_id
        )  # fmt: skip
        session.add(update)
        session.flush()
        _add_photos(update, named)
        if _is_automatic(caller.workshop_id):
            update.validated_at = clock.now()
            touch(ticket)
            session.flush()
        audit.note(
            "progress.written", "progress_update", update.id,
            after={"service_ticket_id": ticket.id, "validated": update.validated, **_told(update, named)},
            person=customers.person(ticket.customer_id),
        )  # fmt: skip
        if update.validated:
            notices.tell_of_progress(update)
    return _shown(update, named)


def _named(workshop_id: int, ticket_id: int, photo_ids: Sequence[int]) -> list[Photo]:
    return photos.named(workshop_id, ticket_id, {0: photo_ids}, "photo_ids")[0]


def _add_photos(update: ProgressUpdate, named: Sequence[Photo]) -> None:
    if named:
        owner = {
            "workshop_id": update.workshop_id,
            "service_ticket_id": update.service_ticket_id,
            "progress_update_id": update.id,
        }
        db.session.execute(insert(ProgressUpdatePhoto), photos.rows_of(named, **owner))


def _told(update: ProgressUpdate, named: Sequence[Photo]) -> dict[str, Any]:
    return {"text": update.text, "photo_ids": [photo.id for photo in named]}


def _is_automatic(workshop_id: int) -> bool:
    statement = select(Workshop.progress_validated_automatically).where(Workshop.id == workshop_id)
    return db.session.scalars(statement).one()


def _of_ticket(
    caller: Principal, statement: Select[*tuple[Any, ...]], ticket_id: int
) -> Select[*tuple[Any, ...]]:
    statement = statement.where(
        ProgressUpdate.workshop_id == caller.workshop_id, ProgressUpdate.service_ticket_id == ticket_id
    )
    if not caller.may("tickets:read", "tickets:write", "tickets:oversee"):
        statement = statement.where(ProgressUpdate.validated_at.is_not(None))
    return statement.add_columns(_photos())


def find(caller: Principal, ticket_id: int, walk: Walk) -> Page:
    """Return one page of a ticket's progress, the newest first: all to staff, to its customer what is validated.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    require_ticket(caller, ticket_id)
    page = paging.fetch(
        _of_ticket(caller, select(ProgressUpdate), ticket_id).add_columns(ProgressUpdate.id),
        ORDER,
        walk,
        lambda s, v: db.session.execute(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )
    rows = [_shown(row[0], photos.read(row[1])) for row in page.rows]
    return Page(rows, walk, page.next_cursor, page.total)


def get(caller: Principal, ticket_id: int, update_id: int) -> Shown:
    """Return a progress update with its photos; to a customer, once it is validated.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    :raises UpdateNotFound: not of the ticket, or not for this caller to see.
    """
    require_ticket(caller, ticket_id)
    return _shown(*_one(caller, select(ProgressUpdate), ticket_id, update_id))


def _one(
    caller: Principal, statement: Select[ProgressUpdate], ticket_id: int, update_id: int
) -> tuple[ProgressUpdate, list[Photo]]:
    theirs = _of_ticket(caller, statement, ticket_id)
    found = db.session.execute(theirs.where(ProgressUpdate.id == update_id)).one_or_none()
    if found is None:
        raise UpdateNotFound()
    return found[0], photos.read(found[1])


def _hold(
    caller: Principal, ticket_id: int, update_id: int, expected: Expected
) -> tuple[ProgressUpdate, list[Photo]]:
    """Return an update that may still change, locked until the transaction ends, and its photos.

    :raises UpdateNotFound: not of the ticket. :raises UpdateValidated: it is. :raises Stale: not the `expected` version.
    """
    update, shown = _one(caller, locked(ProgressUpdate), ticket_id, update_id)
    if update.validated:
        raise UpdateValidated()
    require_version(update, expected)
    return update, shown


def change(
    caller: Principal, ticket_id: int, update_id: int, changes: dict[str, Any], expected: Expected = None
) -> Shown:
    """Change what an update says or shows that is not validated.

    :raises UpdateNotFound: not of the ticket. :raises UpdateValidated: it is. :raises Stale: not the `expected` version.
    :raises AttachmentNotFound: a photo is not on the ticket. :raises Invalid: one is no picture, or comes twice.
    """
    with atomic() as session:
        if "photo_ids" in changes:
            hold(caller, ticket_id, None)  # so that no photo goes meanwhile
        update, shown = _hold(caller, ticket_id, update_id, expected)
        before = _told(update, shown)
        update.text = changes.get("text", update.text)
        if "photo_ids" in changes:
            shown = _replace_photos(update, shown, changes["photo_ids"])
        session.flush()
        audit.note_change(
            "progress.changed", "progress_update", update_id,
            before, _told(update, shown), person=person_of(caller, ticket_id),
        )  # fmt: skip
    return _shown(update, shown)


def _replace_photos(update: ProgressUpdate, shown: list[Photo], photo_ids: Sequence[int]) -> list[Photo]:
    """Let an update show these photos in place of those that it shows."""
    named = _named(update.workshop_id, update.service_ticket_id, photo_ids)
    if named != shown:
        theirs = (
            ProgressUpdatePhoto.workshop_id == update.workshop_id,
            ProgressUpdatePhoto.progress_update_id == update.id,
        )
        db.session.execute(
            delete(ProgressUpdatePhoto).where(*theirs).execution_options(synchronize_session=False)
        )
        _add_photos(update, named)
        touch(update)
    return named


def remove(caller: Principal, ticket_id: int, update_id: int, expected: Expected = None) -> None:
    """Take an update back that is not validated. Its photos stay on the ticket.

    :raises UpdateNotFound: not of the ticket. :raises UpdateValidated: it is. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        update, shown = _hold(caller, ticket_id, update_id, expected)
        told = {"service_ticket_id": ticket_id, **_told(update, shown)}
        session.delete(update)
        session.flush()
        audit.note(
            "progress.removed", "progress_update", update_id, before=told, person=person_of(caller, ticket_id)
        )


def validate(caller: Principal, ticket_id: int, update_id: int, expected: Expected = None) -> Shown:
    """Let the customer see an update with its photos, who is told of it by mail.

    :raises TicketNotFound: unknown here. :raises UpdateNotFound: not of the ticket. :raises UpdateValidated: already.
    :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        stir(caller.workshop_id, ticket_id)
        update, shown = _hold(caller, ticket_id, update_id, expected)
        update.validated_at, update.validated_by = clock.now(), caller.account_id
        session.flush()
        audit.note("progress.validated", "progress_update", update_id, after={"validated": True})
        notices.tell_of_progress(update)
    return _shown(update, shown)
