"""What is kept of a customer in their tickets: given out, and left without them when they are erased."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select

from app.blueprints.service_tickets import reading
from app.blueprints.service_tickets.models import ServiceTicket
from app.core import privacy
from app.core.privacy import Kept, Subject
from app.extensions import db

TABLES = (
    "service_tickets", "service_ticket_mechanics", "service_ticket_lines", "service_ticket_status_changes",
)  # fmt: skip


@privacy.part(
    "tickets",
    says="your visits: what was done to which car and by whom, work and parts with their prices, each step and its time.",
    tables=TABLES,
)
def _give(person: Subject) -> Iterator[dict[str, Any]]:
    return reading.all_of(person.customer_id)


@privacy.erases(*TABLES)
def _keep(person: Subject) -> Iterator[Kept]:
    theirs = ServiceTicket.workshop_id == person.workshop_id, ServiceTicket.customer_id == person.customer_id
    number = db.session.scalar(select(func.count()).where(*theirs)) or 0
    yield Kept(
        "service_tickets",
        number,
        "What was done and charged is kept without the person, as long as the law on bookkeeping and on warranties asks. What"
        " somebody wrote into a description or a reason stays as it was written.",
    )
