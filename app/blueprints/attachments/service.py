"""The rules of attachments: what is taken, who sees it, and how many a ticket takes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.blueprints.attachments import papers
from app.blueprints.attachments.errors import (
    AttachmentInUse,
    AttachmentNotFound,
    AttachmentTypeNotTaken,
    TooManyAttachments,
)
from app.blueprints.attachments.models import ITS_FILE, MOST_ON_A_TICKET, Attachment
from app.blueprints.customers import service as customers
from app.blueprints.service_tickets.errors import TicketNotFound
from app.blueprints.service_tickets.holding import hold, require_own
from app.blueprints.service_tickets.models import ServiceTicket
from app.core import audit, files, images, paging
from app.core.db import Session, atomic, is_still_named, locked, violated
from app.core.files import Draft, StoredFile
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.extensions import db

MOST_BYTES = 10_000_000
SIDES = (2048, 320)  # pixels of a picture's and its thumbnail's longer side
LONGEST_NAME = 200
NAMELESS = "attachment"
ORDER = Order(Attachment.id, "id")


@dataclass(frozen=True, slots=True)
class Shown:
    """An attachment with its file, as a caller is shown it."""

    attachment: Attachment
    file: StoredFile
    is_for_staff: bool

    @property
    def version(self) -> int:
        return self.attachment.version


# ---- Seeing -------------------------------------------------------------------------------------------------------


def find(caller: Principal, ticket_id: int, walk: Walk) -> Page:
    """Return one page of a ticket's attachments: all to staff, to its customer those that are visible to them.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    is_for_staff = _sees_all(caller, ticket_id)
    page = paging.fetch(
        _with_file(caller, ticket_id, is_for_staff).add_columns(Attachment.id),
        ORDER,
        walk,
        lambda s, v: db.session.execute(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )
    rows = [Shown(row[0], row[1], is_for_staff) for row in page.rows]
    return Page(rows, walk, page.next_cursor, page.total)


def get(caller: Principal, ticket_id: int, attachment_id: int) -> Shown:
    """Return an attachment of a ticket.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    :raises AttachmentNotFound: not on this ticket, or not for the caller to see.
    """
    is_for_staff = _sees_all(caller, ticket_id)
    statement = _with_file(caller, ticket_id, is_for_staff).where(Attachment.id == attachment_id)
    row = db.session.execute(statement).one_or_none()
    if row is None:
        raise AttachmentNotFound()
    return Shown(row[0], row[1], is_for_staff)


def _sees_all(caller: Principal, ticket_id: int) -> bool:
    """Refuse a ticket that is not the caller's to see, and tell whether they see all that is attached to it."""
    customer_id = db.session.scalar(
        select(ServiceTicket.customer_id).where(
            ServiceTicket.workshop_id == caller.workshop_id, ServiceTicket.id == ticket_id
        )
    )
    if customer_id is None:
        raise TicketNotFound()
    if not caller.may("tickets:write"):  # who attaches sees what is there
        require_own(caller, customer_id, "tickets:read")
    return caller.may("tickets:read", "tickets:write")


def _with_file(caller: Principal, ticket_id: int, is_for_staff: bool) -> Select[*tuple[Any, ...]]:
    statement = (
        select(Attachment, StoredFile)
        .join(StoredFile, ITS_FILE)
        .where(Attachment.workshop_id == caller.workshop_id, Attachment.service_ticket_id == ticket_id)
    )
    return statement if is_for_staff else statement.where(Attachment.visible_to_customer)


# ---- Attaching ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What was sent, looked at and ready to be kept."""

    kind: str
    file: Draft
    thumbnail: Draft | None = None


def add(
    caller: Principal, ticket_id: int, sent: bytes, *, name: str, visible_to_customer: bool = False
) -> Shown:
    """Attach what was sent to a ticket: a picture drawn anew, with a thumbnail, or a PDF as it is.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    :raises AttachmentTypeNotTaken: it is neither, by its bytes. :raises NotAnImage: a broken picture.
    :raises PictureTooLarge: it has too many pixels. :raises NotADocument: no whole PDF.
    :raises TooManyAttachments: the ticket takes no more. :raises StoreAway: the store of files cannot be reached.
    """
    _sees_all(caller, ticket_id)
    drawn = _drawn(sent)  # takes its time, and is stored: before anything is locked
    with atomic() as session:
        ticket = hold(caller, ticket_id, None)
        customers.is_kept_from_erasure(caller.workshop_id, ticket.customer_id)  # waits for one under way
        file = files.keep(caller.workshop_id, drawn.kind, drawn.file)
        thumbnail = files.keep(caller.workshop_id, drawn.kind, drawn.thumbnail) if drawn.thumbnail else None
        made = Attachment(
            workshop_id=caller.workshop_id,
            service_ticket_id=ticket_id,
            place=_free_place(ticket),
            kind=drawn.kind,
            name=clean_name(name),
            file_id=file.id,
            thumbnail_id=thumbnail.id if thumbnail else None,
            visible_to_customer=visible_to_customer,
            account_id=caller.account_id,
        )
        session.add(made)
        _flush(session)
        audit.note("ticket.attachment_added", "ticket", ticket_id, after=_told(made))
    return Shown(made, file, is_for_staff=True)


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        if "place" not in violated(error):
            raise
        raise TooManyAttachments("Somebody attached something in the same moment.") from error


def _drawn(sent: bytes) -> _Drawn:
    if sent.startswith(papers.HEADER):
        papers.require_whole(sent)
        return _Drawn("document", files.draft([sent]))
    if not images.is_known(sent):
        raise AttachmentTypeNotTaken()
    picture, thumbnail = images.drawn(sent, "file", SIDES)
    return _Drawn("picture", files.draft([picture]), files.draft([thumbnail]))


def _free_place(ticket: ServiceTicket) -> int:
    """Return the first place on a ticket, held, that nothing is at.

    :raises TooManyAttachments: there is none.
    """
    taken = set(
        db.session.scalars(
            select(Attachment.place).where(
                Attachment.workshop_id == ticket.workshop_id, Attachment.service_ticket_id == ticket.id
            )
        )
    )
    for place in range(1, MOST_ON_A_TICKET + 1):
        if place not in taken:
            return place
    raise TooManyAttachments(f"A ticket takes {MOST_ON_A_TICKET}.")


def clean_name(sent: str) -> str:
    """Return what a file was called, as people may read it: no control and no invisible characters, at most 200."""
    composed = unicodedata.normalize("NFC", sent)
    seen = "".join(" " if letter.isspace() else letter for letter in composed)
    seen = "".join(letter for letter in seen if unicodedata.category(letter)[0] != "C")
    name = " ".join(seen.split()).strip(". ")
    if len(name) > LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        kept = dot + ending if stem and len(ending) <= 10 else ""
        name = name[: LONGEST_NAME - len(kept)] + kept
    return name or NAMELESS


def _told(attachment: Attachment) -> dict[str, Any]:
    return {
        "attachment_id": attachment.id, "kind": attachment.kind, "visible_to_customer": attachment.visible_to_customer
    }  # fmt: skip


# ---- Changing -----------------------------------------------------------------------------------------------------


def show_to_customer(
    caller: Principal, ticket_id: int, attachment_id: int, visible: bool | None, expected: Expected = None
) -> Shown:
    """Let the customer see an attachment, or see it no more; links that were given out go on for their quarter of an hour.

    None leaves it as it is.
    :raises TicketNotFound: unknown here. :raises AttachmentNotFound: not on this ticket.
    :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        hold(caller, ticket_id, None)
        attachment = _held(caller, ticket_id, attachment_id, expected)
        before = _told(attachment)
        if visible is not None:
            attachment.visible_to_customer = visible
        session.flush()
        audit.note_change("ticket.attachment_shown", "ticket", ticket_id, before, _told(attachment))
        return get(caller, ticket_id, attachment_id)


def remove(caller: Principal, ticket_id: int, attachment_id: int, expected: Expected = None) -> None:
    """Take an attachment off a ticket, with its files. A photo that something shows stays until that names it no more.

    :raises TicketNotFound: unknown here. :raises AttachmentNotFound: not on this ticket.
    :raises Stale: not the `expected` version. :raises AttachmentInUse: something on the ticket shows it.
    """
    with atomic():
        hold(caller, ticket_id, None)
        attachment = _held(caller, ticket_id, attachment_id, expected)
        before = _told(attachment)
        try:
            discard(caller.workshop_id, [attachment])
        except DBAPIError as error:
            if not is_still_named(error):
                raise
            raise AttachmentInUse("Take it out there first; what is validated keeps its photos.") from error
        audit.note("ticket.attachment_removed", "ticket", ticket_id, before=before)


def _held(caller: Principal, ticket_id: int, attachment_id: int, expected: Expected) -> Attachment:
    attachment = db.session.scalar(
        locked(Attachment).where(
            Attachment.workshop_id == caller.workshop_id,
            Attachment.service_ticket_id == ticket_id,
            Attachment.id == attachment_id,
        )
    )
    if attachment is None:
        raise AttachmentNotFound()
    require_version(attachment, expected)
    return attachment


def discard(workshop_id: int, attachments: Sequence[Attachment]) -> int:
    """Delete attachments with their files, and return how many there were. Inside the `atomic()` that holds their tickets."""
    with atomic() as session:
        for attachment in attachments:
            session.delete(attachment)
        session.flush()
        files.forget(workshop_id, list(files_of(attachments)))
    return len(attachments)


def files_of(attachments: Sequence[Attachment]) -> Iterator[int]:
    """Yield the ids of the files of attachments."""
    for attachment in attachments:
        yield attachment.file_id
        if attachment.thumbnail_id is not None:
            yield attachment.thumbnail_id
