"""What progress updates and comments look like on the wire."""

from __future__ import annotations

from marshmallow import fields

from app.blueprints.attachments.schemas import photo_ids, photos_out
from app.blueprints.progress import comments, service
from app.core.paging import ListQuery
from app.core.schema import Instant, PatchSchema, Schema, Text

LONGEST = 2000
PROGRESS = {"example": "The old brake discs are off; the new ones come at noon."}
COMMENT = {"example": "He is in a hurry: ring him up before three."}
WHO = {"description": "Who wrote it (an account).", "example": 1}


class ProgressUpdateIn(Schema):
    """How the work goes on."""

    text = Text(required=True, longest=LONGEST, metadata=PROGRESS)
    photo_ids = photo_ids(load_default=())


class ProgressUpdatePatch(PatchSchema):
    """What changes of a progress update."""

    text = Text(longest=LONGEST, metadata=PROGRESS)
    photo_ids = photo_ids()


class ProgressUpdateOut(Schema):
    """How the work goes on."""

    id = fields.Integer(required=True, metadata={"example": 1})
    service_ticket_id = fields.Integer(required=True, metadata={"example": 1})
    text = fields.String(required=True, metadata=PROGRESS)
    photos = photos_out()
    account_id = fields.Integer(required=True, allow_none=True, metadata=WHO)
    validated = fields.Boolean(
        required=True, metadata={"description": "Whether the customer sees it.", "example": False}
    )
    validated_at = Instant(required=True, allow_none=True, metadata={"example": None})
    validated_by = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "By whom (an account); null where the workshop's setting did it.",
            "example": None,
        },
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class ProgressQuery(ListQuery):
    """Which page of a ticket's progress, the newest first."""

    sort = service.ORDER.field()


class CommentIn(Schema):
    """A comment."""

    text = Text(required=True, longest=LONGEST, metadata=COMMENT)


class CommentPatch(PatchSchema):
    """What changes of a comment."""

    text = Text(longest=LONGEST, metadata=COMMENT)


class CommentOut(Schema):
    """A comment, for staff."""

    id = fields.Integer(required=True, metadata={"example": 1})
    service_ticket_id = fields.Integer(required=True, metadata={"example": 1})
    text = fields.String(required=True, metadata=COMMENT)
    account_id = fields.Integer(required=True, allow_none=True, metadata=WHO)
    edited = fields.Boolean(
        required=True, metadata={"description": "Whether it said something else before.", "example": False}
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class CommentQuery(ListQuery):
    """Which page of the comments on a ticket, in the order in which they were written."""

    sort = comments.ORDER.field()
