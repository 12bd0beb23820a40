"""Photos that something on a ticket names: pictures among its attachments, at most ten, in the order in which they are named.

Whoever names some has a table of its own for that (`NamesPhoto`), and reads them with its rows, by no statement of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, ForeignKeyConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from app.blueprints.attachments.errors import AttachmentNotFound
from app.blueprints.attachments.models import ITS_FILE, Attachment
from app.core.crypto import decrypt
from app.core.db import Id, atomic
from app.core.errors import Invalid
from app.core.files import StoredFile
from app.core.sqljson import ascii_text, json_objects, json_text, nested
from app.extensions import db

MOST = 10


class NamesPhoto:
    """A row that names a photo of its own ticket, at a place that counts from 1."""

    service_ticket_id: Mapped[int] = mapped_column(Id)
    attachment_id: Mapped[int] = mapped_column(Id)
    place: Mapped[int]


def keys(table: str) -> tuple[ForeignKeyConstraint, ForeignKeyConstraint]:
    """Return what holds a row of `table` to its ticket, with which it goes, and to a photo of that ticket, which stays.

    The rows go with the ticket by a key of their own: going with what names the photo alone, PostgreSQL would find them still
    there when the ticket's photos go.
    """
    return (
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            name=f"fk_{table}_ticket",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id", "attachment_id"],
            [f"{Attachment.__tablename__}.{name}" for name in ("workshop_id", "service_ticket_id", "id")],
            name=f"fk_{table}_photo",
        ),
    )


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture on a ticket, and where its files are."""

    id: int
    name: str
    content_type: str
    size: int
    workshop_id: int
    file_id: int
    thumbnail_id: int


def collected(naming: Any, *conditions: ColumnElement[bool]) -> ColumnElement[str]:
    """Return a column of the photos that the rows of `naming` name which fit `conditions`; `read` reads what it has."""
    found = (
        select(
            json_objects(
                place=naming.place,
                id=Attachment.id,
                name=ascii_text(Attachment.name),
                content_type=StoredFile.content_type,
                size=StoredFile.size,
                workshop_id=Attachment.workshop_id,
                file_id=Attachment.file_id,
                thumbnail_id=Attachment.thumbnail_id,
            )
        )
        .select_from(naming)
        .join(
            Attachment,
            (Attachment.workshop_id == naming.workshop_id) & (Attachment.id == naming.attachment_id),
        )
        .join(StoredFile, ITS_FILE)
        .where(*conditions)
        .correlate_except(naming, Attachment, StoredFile)
        .scalar_subquery()
    )
    return json_text(photos=nested(found))


def read(text: str) -> list[Photo]:
    """Return the photos that a row's column of `collected` has, in their order."""
    found = sorted(orjson.loads(text)["photos"], key=lambda one: one.pop("place"))
    return [Photo(**{**one, "name": decrypt(one["name"])}) for one in found]


def named(
    workshop_id: int, ticket_id: int, wanted: Mapping[int, Sequence[int]], field: str
) -> dict[int, list[Photo]]:
    """Return the photos of a ticket that each of `wanted` names by their ids, in their order.

    `field` is where a refusal finds what was sent.
    :raises AttachmentNotFound: the ticket has no such attachment. :raises Invalid: one is no picture, or comes twice.
    """
    if any(len(set(ids)) < len(ids) for ids in wanted.values()):
        raise _refusal(field, "Each photo at most once.")
    all_ids = {one for ids in wanted.values() for one in ids}
    known = _known(workshop_id, ticket_id, all_ids) if all_ids else {}
    if missing := all_ids - set(known):
        raise AttachmentNotFound(f"There is no attachment {min(missing)} on this ticket.")
    if others := [one for one, photo in known.items() if photo is None]:
        raise _refusal(field, f"Attachment {min(others)} is no picture.")
    return {owner: [known[one] for one in ids] for owner, ids in wanted.items()}


def _known(workshop_id: int, ticket_id: int, ids: set[int]) -> dict[int, Any]:
    """Return what is attached to a ticket under these ids: photos, and None for documents."""
    statement = (
        select(Attachment, StoredFile)
        .join(StoredFile, ITS_FILE)
        .where(
            Attachment.workshop_id == workshop_id,
            Attachment.service_ticket_id == ticket_id,
            Attachment.id.in_(ids),
        )
    )
    return {row[0].id: as_photo(*row) for row in db.session.execute(statement)}


def as_photo(attachment: Attachment, file: StoredFile) -> Photo | None:
    """Return an attachment with its file as a photo; None of a document."""
    if attachment.thumbnail_id is None:
        return None
    return Photo(
        attachment.id, attachment.name, file.content_type, file.size, attachment.workshop_id, file.id,
        attachment.thumbnail_id,
    )  # fmt: skip


def _refusal(field: str, why: str) -> Invalid:
    return Invalid("See `errors`.", errors={field: [why]})


def rows_of(photos: Sequence[Photo], **owner: int) -> list[dict[str, Any]]:
    """Return the rows by which `owner` names photos, in their order."""
    return [{**owner, "attachment_id": photo.id, "place": place} for place, photo in enumerate(photos, 1)]


def forget(naming: Any, workshop_id: int, ticket_ids: Any) -> None:
    """Let nothing on these tickets show a photo any more, validated or not. Inside the erasure that deletes the photos."""
    with atomic() as session:
        session.execute(
            delete(naming)
            .where(naming.workshop_id == workshop_id, naming.service_ticket_id.in_(ticket_ids))
            .execution_options(synchronize_session=False)
        )
