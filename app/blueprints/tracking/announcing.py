"""Each change of a ticket is announced with its commit, whoever makes it: heard from the session that writes it."""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.orm import Session as AnySession
from sqlalchemy.orm import UOWTransaction

from app.blueprints.service_tickets.models import ServiceTicket
from app.core import live
from app.core.db import Session


def topic_of(workshop_id: int, ticket_id: int) -> str:
    """Return what a ticket is called between processes."""
    return f"ticket:{workshop_id}:{ticket_id}"


@event.listens_for(Session, "after_flush")
def _announce_tickets(session: AnySession, context: UOWTransaction) -> None:
    for row in (*session.dirty, *session.deleted):
        if isinstance(row, ServiceTicket):
            live.announce_after_commit(session, topic_of(row.workshop_id, row.id))
