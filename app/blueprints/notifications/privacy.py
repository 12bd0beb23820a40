"""What was written to a customer: given out, and erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.core import clock, outbox, privacy
from app.core.outbox import OutboxMessage
from app.core.privacy import Erased, Kept, Subject


@privacy.part(
    "notifications",
    says="what was sent to your addresses in this workshop's name: about what, when, and whether it left.",
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
    theirs = OutboxMessage.recipient_digest.in_([outbox.digest_of(address) for address in person.addresses])
    return privacy.walked(
        select(*columns).where(OutboxMessage.workshop_id == person.workshop_id, theirs), OutboxMessage.id
    )


@privacy.erases("outbox_messages")
def _erase(person: Subject) -> Iterator[Erased | Kept]:
    number = sum(outbox.forget(person.workshop_id, address) for address in person.addresses)
    yield Erased("recipients_and_contents_of_mail", number)
    until = clock.now() + timedelta(days=current_app.config["MAIL_LOG_DAYS"] + 1)
    yield Kept("notifications", number, "That something was sent and about what, without to whom.", until)
