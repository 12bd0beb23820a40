"""What is kept of a customer in estimates: given out; who decided goes when they are erased, what was decided stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from app.blueprints.estimates.models import Estimate
from app.blueprints.service_tickets.models import ServiceTicket
from app.core import privacy
from app.core.privacy import Erased, Kept, Subject
from app.extensions import db

PERSONAL = ("sent_to", "decided_name", "decided_address", "decided_agent", "decided_note")


def _theirs(person: Subject) -> list[ColumnElement[bool]]:
    tickets = select(ServiceTicket.id).where(
        ServiceTicket.workshop_id == person.workshop_id, ServiceTicket.customer_id == person.customer_id
    )
    return [Estimate.workshop_id == person.workshop_id, Estimate.service_ticket_id.in_(tickets)]


@privacy.part(
    "estimates",
    says="what you were asked, what was decided in your name, and from where.",
    tables=("estimates",),
)
def _give(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (
        Estimate.id, Estimate.service_ticket_id, Estimate.revision, Estimate.state, Estimate.content, Estimate.content_hash,
        Estimate.message, Estimate.valid_until, Estimate.sent_to, Estimate.accepted_line_ids, Estimate.accepted_total,
        Estimate.decided_at, Estimate.decided_how, Estimate.decided_name, Estimate.decided_address, Estimate.decided_agent,
        Estimate.decided_note, Estimate.created_at,
    )  # fmt: skip
    return privacy.walked(select(*columns).where(*_theirs(person)), Estimate.id)


@privacy.erases("estimates")
def _erase(person: Subject) -> Iterator[Erased | Kept]:
    number = db.session.scalar(select(func.count()).where(*_theirs(person))) or 0
    db.session.execute(
        update(Estimate)
        .where(*_theirs(person))
        .values(dict.fromkeys(PERSONAL))
        .execution_options(synchronize_session=False)
    )
    yield Erased("who decided estimates, from where and how", number)
    yield Kept("estimates", number, "What was agreed to belongs to what was done and charged, which is kept.")
