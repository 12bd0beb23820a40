"""What notification preferences look like on the wire."""

from __future__ import annotations

from marshmallow import fields

from app.core.schema import Flag, Schema

PROGRESS = {"description": "How the work on one's car goes on.", "example": True}
COMPLETION = {"description": "That one's car is ready.", "example": True}
REMINDERS = {"description": "What one's car needs again soon.", "example": False}


class NotificationPreferencesIn(Schema):
    """Which mail about their cars a customer wants, whole: what is left out is wanted."""

    progress_updates = Flag(load_default=True, metadata=PROGRESS)
    completion_notices = Flag(load_default=True, metadata=COMPLETION)
    maintenance_reminders = Flag(load_default=True, metadata=REMINDERS)


class NotificationPreferencesOut(Schema):
    """Which mail about their cars a customer wants."""

    customer_id = fields.Integer(required=True, metadata={"example": 1})
    progress_updates = fields.Boolean(required=True, metadata=PROGRESS)
    completion_notices = fields.Boolean(required=True, metadata=COMPLETION)
    maintenance_reminders = fields.Boolean(required=True, metadata=REMINDERS)
