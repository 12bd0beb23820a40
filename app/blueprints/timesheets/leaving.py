"""A ticket that somebody worked on is not deleted: said to the session that would."""

from __future__ import annotations

from sqlalchemy import event, select
from sqlalchemy.orm import Session as AnySession
from sqlalchemy.orm import UOWTransaction

from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.timesheets.errors import TicketWorkedOn
from app.blueprints.timesheets.models import ClockEntry
from app.core.db import Session


@event.listens_for(Session, "before_flush")
def _keep_what_was_worked_on(session: AnySession, context: UOWTransaction, instances: object) -> None:
    for ticket in session.deleted:
        if isinstance(ticket, ServiceTicket):
            worked = select(ClockEntry.id).where(
                ClockEntry.workshop_id == ticket.workshop_id, ClockEntry.service_ticket_id == ticket.id
            )
            if session.scalar(worked.limit(1)) is not None:
                raise TicketWorkedOn()
