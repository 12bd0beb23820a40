"""What is attached to a ticket goes with it, files and all: announced by the session that deletes the ticket."""

from __future__ import annotations

from sqlalchemy import event, select
from sqlalchemy.orm import Session as AnySession
from sqlalchemy.orm import UOWTransaction

from app.blueprints.attachments.models import Attachment
from app.blueprints.attachments.service import files_of
from app.blueprints.service_tickets.models import ServiceTicket
from app.core import files
from app.core.db import Session

_LEAVING = "files_of_deleted_tickets"


@event.listens_for(Session, "before_flush")
def _note_files(session: AnySession, context: UOWTransaction, instances: object) -> None:
    """Note which files a ticket leaves behind: its attachments go with it by the foreign key."""
    for ticket in session.deleted:
        if isinstance(ticket, ServiceTicket):
            attached = session.scalars(
                select(Attachment).where(
                    Attachment.workshop_id == ticket.workshop_id, Attachment.service_ticket_id == ticket.id
                )
            ).all()
            if attached:
                session.info.setdefault(_LEAVING, {})[ticket.workshop_id, ticket.id] = list(
                    files_of(attached)
                )


@event.listens_for(Session, "before_commit")
def _forget_files(session: AnySession) -> None:
    if session.info.get(_LEAVING):
        session.flush()
        for (workshop_id, _), file_ids in session.info.pop(_LEAVING).items():
            files.forget(workshop_id, file_ids)


@event.listens_for(Session, "after_rollback")
def _forget_nothing(session: AnySession) -> None:
    session.info.pop(_LEAVING, None)
