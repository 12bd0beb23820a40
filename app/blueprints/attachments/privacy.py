"""What is attached to a customer's tickets: given out with its files, and gone with an erasure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, select

from app.blueprints.attachments import service
from app.blueprints.attachments.models import ITS_FILE, Attachment
from app.blueprints.service_tickets.models import ServiceTicket
from app.core import privacy
from app.core.files import StoredFile
from app.core.privacy import Erased, Subject
from app.extensions import db

AT_ONCE = 100


def _theirs(person: Subject, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .join(
            ServiceTicket,
            (ServiceTicket.workshop_id == Attachment.workshop_id)
            & (ServiceTicket.id == Attachment.service_ticket_id),
        )
        .where(Attachment.workshop_id == person.workshop_id, ServiceTicket.customer_id == person.customer_id)
        .order_by(Attachment.id)
        .limit(AT_ONCE)
    )


@privacy.part(
    "attachments",
    says="pictures and documents on your visits, whether or not they were shown to you.",
    tables=("service_ticket_attachments",),
)
def _give(person: Subject) -> Iterator[dict[str, Any]]:
    statement = _theirs(person, Attachment, StoredFile).join(StoredFile, ITS_FILE)
    seen, found = 0, AT_ONCE
    while found == AT_ONCE:
        rows = db.session.execute(statement.where(Attachment.id > seen)).all()
        for attachment, file in rows:
            yield {
                "id": attachment.id,
                "service_ticket_id": attachment.service_ticket_id,
                "name": attachment.name,
                "visible_to_you": attachment.visible_to_customer,
                "attached_at": attachment.created_at,
                "file": file,
            }
        found, seen = len(rows), rows[-1][0].id if rows else seen


@privacy.erases("service_ticket_attachments")
def _erase(person: Subject) -> Iterator[Erased]:
    gone, found = 0, AT_ONCE
    while found == AT_ONCE:
        attached = db.session.scalars(_theirs(person, Attachment)).all()
        found = service.discard(person.workshop_id, attached)
        gone += found
    yield Erased("attachments", gone)
