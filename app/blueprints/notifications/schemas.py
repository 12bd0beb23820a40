"""What notifications look like on the wire. What fills their templates is on no wire: it may open an account."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.notifications.service import ORDER
from app.core.letters import LANGUAGES, TOPICS
from app.core.outbox import STATES
from app.core.paging import ListQuery
from app.core.parameters import CommaSeparated
from app.core.schema import Email, Instant, Schema


class NotificationOut(Schema):
    """A message that was sent in the workshop's name, or that waits to be, or was given up."""

    id = fields.Integer(required=True, metadata={"example": 1})
    topic = fields.String(
        required=True,
        validate=validate.OneOf(tuple(TOPICS)),
        metadata={"description": "What it is about.", "example": "invitation_customer"},
    )
    recipient = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null once the person was erased.", "example": "ada@example.com"},
    )
    language = fields.String(required=True, validate=validate.OneOf(LANGUAGES), metadata={"example": "en"})
    state = fields.String(
        required=True,
        validate=validate.OneOf(STATES),
        metadata={"description": "`dead`: given up; it can be sent again.", "example": "sent"},
    )
    attempts = fields.Integer(
        required=True, metadata={"description": "How often sending was tried.", "example": 1}
    )
    last_error = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why the last try failed.", "example": "recipient refused: 550 5.1.1"},
    )
    message_id = fields.String(
        required=True,
        metadata={
            "description": "The Message-ID: one however often it is sent.",
            "example": "<0f8b0f0e-6f57-4b39-9d58-3a3b6b6c2c11@example.com>",
        },
    )
    sent_by = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The way it took: smtp, brevo or file.", "example": "smtp"},
    )
    created_at = Instant(required=True)
    next_attempt_at = Instant(
        required=True, allow_none=True, metadata={"description": "While it waits.", "example": None}
    )
    sent_at = Instant(required=True, allow_none=True)


class NotificationQuery(ListQuery):
    """Which notifications, in which order."""

    sort = ORDER.field()
    state = CommaSeparated(
        STATES, metadata={"description": "One state or several; `dead` lists the dead letters."}
    )
    topic = CommaSeparated(tuple(TOPICS), metadata={"description": "One topic or several."})
    recipient = Email(metadata={"description": "The whole address."})
    created_after = Instant(metadata={"description": "From this instant on."})
    created_before = Instant(metadata={"description": "Before this instant."})
