"""What is kept of a customer in how their visits went on; and what staff said among themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import delete, func, select

from app.blueprints.attachments import photos
from app.blueprints.progress.models import ProgressUpdate, ProgressUpdatePhoto, TicketComment
from app.blueprints.service_tickets.models import ServiceTicket
from app.core import privacy
from app.core.db import atomic
from app.core.privacy import Erased, Kept, Subject
from app.extensions import db


def _visits(person: Subject) -> Any:
    return select(ServiceTicket.id).where(
        ServiceTicket.workshop_id == person.workshop_id, ServiceTicket.customer_id == person.customer_id
    )


@privacy.part(
    "progress",
    says="what the workshop told you of how the work on your cars went on; photos are among the attachments, by their ids.",
    tables=("progress_updates", "progress_update_photos"),
)
def _give(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (
        ProgressUpdate.id, ProgressUpdate.service_ticket_id, ProgressUpdate.text, ProgressUpdate.created_at,
        ProgressUpdate.validated_at,
    )  # fmt: skip
    shown = photos.collected(
        ProgressUpdatePhoto,
        ProgressUpdatePhoto.workshop_id == ProgressUpdate.workshop_id,
        ProgressUpdatePhoto.progress_update_id == ProgressUpdate.id,
    )
    theirs = select(*columns, shown.label("photos")).where(
        ProgressUpdate.workshop_id == person.workshop_id,
        ProgressUpdate.service_ticket_id.in_(_visits(person)),
        ProgressUpdate.validated_at.is_not(None),
    )
    for update in privacy.walked(theirs, ProgressUpdate.id):
        yield update | {"photos": [photo.id for photo in photos.read(update["photos"])]}


@privacy.part(
    "comments",
    says="what the workshop's people wrote to each other about your visits.",
    tables=("ticket_comments",),
)
def _give_comments(person: Subject) -> Iterator[dict[str, Any]]:
    columns = TicketComment.id, TicketComment.service_ticket_id, TicketComment.text, TicketComment.created_at
    theirs = select(*columns).where(
        TicketComment.workshop_id == person.workshop_id, TicketComment.service_ticket_id.in_(_visits(person))
    )
    return privacy.walked(theirs, TicketComment.id)


@privacy.erases("progress_updates", "progress_update_photos", "ticket_comments")
def _erase(person: Subject) -> Iterator[Erased | Kept]:
    with atomic() as session:
        gone = session.scalars(
            delete(TicketComment)
            .where(
                TicketComment.workshop_id == person.workshop_id,
                TicketComment.service_ticket_id.in_(_visits(person)),
            )
            .returning(TicketComment.id)
            .execution_options(synchronize_session=False)
        ).all()
    yield Erased("comments", len(gone))
    photos.forget(ProgressUpdatePhoto, person.workshop_id, _visits(person))  # before the attachments go
    theirs = (
        ProgressUpdate.workshop_id == person.workshop_id,
        ProgressUpdate.service_ticket_id.in_(_visits(person)),
    )
    yield Kept(
        "progress_updates",
        db.session.scalar(select(func.count()).where(*theirs)) or 0,
        "How the work went on belongs to the visit, which is kept without the person, as it was written.",
    )
