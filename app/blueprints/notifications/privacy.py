"""What was written to a customer: given out, and erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, select

from app.blueprints.notifications import others
from app.core import clock, outbox, privacy
from app.core.outbox import OutboxMessage
from app.core.privacy import Erased, Kept, Subject


def _is_theirs(person: Subject) -> ColumnElement[bool]:
    return outbox.is_to(person.workshop_id, person.customer_id, others.addresses_of_nobody_else(person))


@privacy.part(
    "notifications",
    says="what was sent to you in this workshop's name: about what, when, and whether it left.",
    tables=("outbox_messages",),
)
def _give(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (
        OutboxMessage.id,
        OutboxMessage.topic,
        OutboxMessage.recipient,
        OutboxMessage.state,
        OutboxMessage.created_at,
        OutboxMessage.sent_at,
    )
    return privacy.walked(select(*columns).where(_is_theirs(person)), OutboxMessage.id)


@privacy.erases("outbox_messages")
def _erase(person: Subject) -> Iterator[Erased | Kept]:
    alone = others.addresses_of_nobody_else(person)
    number = outbox.forget(person.workshop_id, person.customer_id, alone)
    yield Erased("recipients_and_contents_of_mail", number)
    until = clock.now() + timedelta(days=current_app.config["MAIL_LOG_DAYS"] + 1)
    yield Kept("notifications", number, "That something was sent and about what, without to whom.", until)
