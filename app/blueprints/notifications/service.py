"""The rules of the log of notifications: what an owner sees of it, and sending again what was given up."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import defer

from app.blueprints.notifications.errors import NotificationErased, NotificationNotDead, NotificationNotFound
from app.core import audit, outbox, paging
from app.core.db import atomic
from app.core.outbox import OutboxMessage
from app.core.paging import Order, Page, Walk
from app.extensions import db

ORDER = Order(OutboxMessage.id, "-created_at", created_at=OutboxMessage.created_at)


def find(
    workshop_id: int,
    walk: Walk,
    *,
    state: list[str] | None = None,
    topic: list[str] | None = None,
    recipient: str | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
) -> Page:
    """Return one page of the messages that fit, without what they said."""
    statement = (
        select(OutboxMessage)
        .where(OutboxMessage.workshop_id == workshop_id)
        .options(defer(OutboxMessage.template_values, raiseload=True))
    )
    if state is not None:
        statement = statement.where(OutboxMessage.state.in_(state))
    if topic is not None:
        statement = statement.where(OutboxMessage.topic.in_(topic))
    if recipient is not None:
        statement = statement.where(OutboxMessage.recipient_digest == outbox.digest_of(recipient))
    if created_after is not None:
        statement = statement.where(OutboxMessage.created_at >= created_after)
    if created_before is not None:
        statement = statement.where(OutboxMessage.created_at < created_before)
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def send_again(workshop_id: int, message_id: int) -> OutboxMessage:
    """Let a message that was given up start anew.

    :raises NotificationNotFound: unknown here. :raises NotificationNotDead: it waits, or was sent.
    :raises NotificationErased: nobody is left to send it to.
    """
    with atomic():
        message = outbox.find_locked(workshop_id, message_id)
        if message is None:
            raise NotificationNotFound()
        if message.state != "dead":
            raise NotificationNotDead(f"This one is {message.state}.")
        if message.recipient is None or message.template_values is None:
            raise NotificationErased()
        outbox.revive(message)
        audit.note("notification.resent", "notification", message_id)
    return message
