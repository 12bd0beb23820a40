"""What the audit log looks like on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from app.blueprints.audit.service import ORDER
from app.core.paging import ListQuery
from app.core.parameters import QueryInteger
from app.core.schema import Instant, InstantIn, Schema, Text


class AuditEntryOut(Schema):
    """A change: who, what, before, after, when, by which request."""

    id = fields.Integer(
        required=True, metadata={"description": "Counts within the workshop, without a gap.", "example": 1}
    )
    at = Instant(required=True)
    account_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "Whose doing it was; null for the system, and for who registers.",
            "example": 1,
        },
    )
    role = fields.String(
        required=True, allow_none=True, metadata={"description": "What they acted as.", "example": "owner"}
    )
    key_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The API key by which it was done; null for people.", "example": None},
    )
    action = fields.String(required=True, metadata={"example": "part.updated"})
    subject_kind = fields.String(required=True, metadata={"example": "part"})
    subject_id = fields.Integer(required=True, allow_none=True, metadata={"example": 1})
    before = fields.Dict(
        keys=fields.String(),
        required=True,
        allow_none=True,
        metadata={
            "description": "The fields that changed, as they were; null where there was nothing.",
            "example": {"price": "19.99"},
        },
    )
    after = fields.Dict(
        keys=fields.String(),
        required=True,
        allow_none=True,
        metadata={
            "description": "The fields that changed, as they are since.",
            "example": {"price": "21.50"},
        },
    )
    erased = fields.Boolean(
        required=True,
        metadata={
            "description": "What it said of a person is gone, since they were erased.",
            "example": False,
        },
    )
    request_id = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The `X-Request-Id` of the request that did it; null for a command.",
            "example": "4f1c0a9be2d34c5f8a7b6c5d",
        },
    )
    hash = fields.String(
        required=True,
        metadata={
            "description": "Keyed, over this entry and the hash of the one before: what chains them.",
            "example": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        },
    )


class AuditQuery(ListQuery):
    """Which entries; the newest first."""

    sort = ORDER.field()
    subject_kind = Text(
        longest=40, metadata={"description": "Changes of this kind of thing.", "example": "part"}
    )
    subject_id = QueryInteger(
        metadata={"description": "Changes of this one; together with `subject_kind`.", "example": 1}
    )
    account_id = QueryInteger(metadata={"description": "Changes that this account made.", "example": 1})
    action = Text(longest=60, metadata={"description": "Changes of this sort.", "example": "part.updated"})
    since = InstantIn(metadata={"description": "From this instant on."})
    until = InstantIn(
        metadata={"description": "Up to this instant, not with it.", "example": "2026-03-03T09:30:00Z"}
    )

    @validates_schema
    def _subject_of_a_kind(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "subject_id" in data and "subject_kind" not in data:
            raise ValidationError("Together with `subject_kind` alone.", "subject_id")
