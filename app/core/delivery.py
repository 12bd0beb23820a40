"""The outbox's delivery: every message at least once, and twice in one case alone.

A worker claims one message at a time by a lease, sends it outside of any transaction, and marks it. Killed between sending and
marking it has left a message that somebody has and nobody here knows of; the lease ends, and it is sent again with the same
Message-ID. That is the one way to a double, and there is none to a loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import CursorResult, Select, exists, or_, select, update
from sqlalchemy.orm import defer

from app.core import clock, letters, mail, tenancy
from app.core.db import atomic
from app.core.jobs import periodic
from app.core.letters import Letter
from app.core.outbox import (
    DELIVERY,
    OutboxAttachment,
    OutboxMessage,
    attached_to,
    forget_attached,
    is_not_silenced,
    letterhead_of,
)

log = structlog.get_logger(__name__)

AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this worker may send until its lease ends, and nobody else before."""

    id: int
    workshop_id: int
    attempts: int
    until: datetime


@periodic(DELIVERY, every=timedelta(minutes=1), at_start=True)
def deliver() -> int:
    """Send what is due, a bounded number; return how many were tried. Stops where nobody takes mail now."""
    from app.extensions import jobs

    for tried in range(AT_ONCE):
        claim = None if jobs.is_stopping else claim_next()
        if claim is None:
            return tried
        if not _deliver(claim):
            return tried + 1
    jobs.nudge(DELIVERY)
    return AT_ONCE


def claim_next() -> Claim | None:
    """Claim the message that has been due longest; None when nothing is.

    What a suspended workshop has to say waits. PostgreSQL skips those that another worker is just claiming; on SQLite the
    transaction has the one write lock.
    """
    now = clock.now()
    until = now + timedelta(seconds=current_app.config["MAIL_LEASE_SECONDS"])
    with tenancy.across_workshops(), atomic() as session:
        message = session.scalar(_due(now))
        if message is None:
            return None
        message.attempts += 1  # counted before it is sent: one that kills its worker is given up too
        message.claimed_until = until
    return Claim(message.id, message.workshop_id, message.attempts, until)


def _due(now: datetime) -> Select[OutboxMessage]:
    free = or_(OutboxMessage.claimed_until.is_(None), OutboxMessage.claimed_until <= now)
    return (
        select(OutboxMessage)
        .where(OutboxMessage.state == "pending", OutboxMessage.due_at <= now, free, is_not_silenced())
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .options(defer(OutboxMessage.recipient), defer(OutboxMessage.template_values))
        .execution_options(populate_existing=True)
    )


def _deliver(claim: Claim) -> bool:
    """Send a claimed message and mark what came of it; tell whether the next one is worth trying."""
    if claim.attempts > len(current_app.config["MAIL_PAUSES"]) + 1:
        _give_up(claim, "the worker died at every try")
        return True
    try:
        with tenancy.acting_in(claim.workshop_id):
            letter = _letter(claim)
        sent_by = mail.transport().send(letter)
    except mail.Refused as refusal:
        _give_up(claim, str(refusal))
    except mail.NotSent as failure:
        _put_off(claim, str(failure))
        return not isinstance(failure, mail.Unreachable)
    except (
        Exception
    ) as fault:  # a key that is gone, a template that is wrong: the other messages can't help it
        log.exception("mail.fault", message=claim.id, attempt=claim.attempts)
        _put_off(claim, f"a fault of ours: {type(fault).__name__}")
    else:
        _mark_sent(claim, sent_by)
        if letter.attachments:
            _forget_files(claim)
    return True


def _letter(claim: Claim) -> Letter:
    from app.extensions import db

    kept = db.session.execute(
        select(
            OutboxMessage.topic,
            OutboxMessage.template_values,
            OutboxMessage.language,
            OutboxMessage.recipient,
            OutboxMessage.message_id,
            exists()
            .where(OutboxAttachment.workshop_id == claim.workshop_id, OutboxAttachment.message_id == claim.id)
            .label("has_files"),
        ).where(OutboxMessage.workshop_id == claim.workshop_id, OutboxMessage.id == claim.id)
    ).one()
    assert kept.template_values is not None
    assert kept.recipient is not None
    return letters.render(
        kept.topic,
        kept.template_values,
        head=letterhead_of(claim.workshop_id),
        language=kept.language,
        sender=mail.sender_address(),
        recipient=kept.recipient,
        message_id=kept.message_id,
        attachments=attached_to(claim.workshop_id, claim.id) if kept.has_files else (),
    )


def _forget_files(claim: Claim) -> None:
    """Delete what went with a message; dying before it leaves it until the message goes from the log."""
    with tenancy.acting_in(claim.workshop_id), atomic():
        forget_attached(claim.workshop_id, claim.id)


def _mark_sent(claim: Claim, sent_by: str) -> None:
    if _settle(
        claim, state="sent", sent_at=clock.now(), sent_by=sent_by, template_values=None, last_error=None
    ):
        log.info("mail.sent", message=claim.id, attempt=claim.attempts, by=sent_by)


def _put_off(claim: Claim, reason: str) -> None:
    """Try again after the next pause; after the last one, give up."""
    pauses: list[int] = current_app.config["MAIL_PAUSES"]
    if claim.attempts > len(pauses):
        _give_up(claim, reason)
        return
    due = clock.now() + timedelta(seconds=pauses[claim.attempts - 1])
    if _settle(claim, due_at=due, last_error=reason[:200]):
        log.warning("mail.put_off", message=claim.id, attempt=claim.attempts, reason=reason)


def _give_up(claim: Claim, reason: str) -> None:
    if _settle(claim, state="dead", last_error=reason[:200]):
        log.error("mail.dead", message=claim.id, attempt=claim.attempts, reason=reason)


def _settle(claim: Claim, **changes: Any) -> bool:
    """End a claim with what came of it; False where the lease ended first and the message is another worker's."""
    statement = (
        update(OutboxMessage)
        .where(
            OutboxMessage.workshop_id == claim.workshop_id,
            OutboxMessage.id == claim.id,
            OutboxMessage.state == "pending",
            OutboxMessage.claimed_until == claim.until,
        )
        .values(claimed_until=None, version=OutboxMessage.version + 1, updated_at=clock.now(), **changes)
        .execution_options(synchronize_session=False)
    )
    with tenancy.acting_in(claim.workshop_id), atomic() as session:
        result = session.execute(statement)
        assert isinstance(result, CursorResult)
        settled = result.rowcount == 1
    if not settled:
        log.warning("mail.lease_lost", message=claim.id, attempt=claim.attempts)
    return settled


@periodic("clean-mail-log", every=timedelta(days=1))
def clean() -> None:
    """Remove from the log what is older than MAIL_LOG_DAYS; what waits is never old enough to."""
    before = clock.now() - timedelta(days=current_app.config["MAIL_LOG_DAYS"])
    with tenancy.across_workshops(), atomic() as session:
        # By the table, past the cache's listener: it would take a deletion across workshops for a reason to forget everything.
        table: Any = OutboxMessage.__table__
        old = (table.c.state != "pending", table.c.created_at < before)
        files: Any = OutboxAttachment.__table__
        session.connection().execute(
            files.delete().where(files.c.message_id.in_(select(table.c.id).where(*old)))
        )
        session.connection().execute(table.delete().where(*old))
