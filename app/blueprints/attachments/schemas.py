"""What attachments look like on the wire."""

from __future__ import annotations

from typing import Any

from flask_smorest.fields import Upload
from marshmallow import fields, validate

from app.blueprints.attachments import photos
from app.blueprints.attachments.service import ORDER
from app.core.paging import ListQuery
from app.core.parameters import QueryFlag
from app.core.schema import Flag, Instant, PatchSchema, Reference, Schema

URL = {
    "description": "Open to whoever knows it, without a token, until `expires_at`.",
    "format": "uri-reference",
    "example": "/files/AAAAAAAAAAEAAAAAAAAAAQAAAABppVnMQ2hlY2tlZCBieSBITUFDLVNIQS0yNTYgYXMgYWx3YXlz",
}


class AttachmentIn(Schema):
    """A picture (JPEG, PNG, WebP) or a PDF as a form's field, of at most 10 MB; it is known by its bytes."""

    file = Upload(required=True)


class AttachmentOptions(Schema):
    """Who is to see what is attached."""

    visible_to_customer = QueryFlag(
        load_default=False,
        metadata={"description": "Whether the ticket's customer sees it.", "example": True},
    )


class AttachmentPatch(PatchSchema):
    """Who is to see an attachment."""

    visible_to_customer = Flag(required=True, metadata={"example": True})


class AttachmentOut(Schema):
    """An attachment, and where it is to be had for a quarter of an hour."""

    id = fields.Integer(required=True, metadata={"example": 1})
    kind = fields.String(
        required=True,
        validate=validate.OneOf(("picture", "document")),
        metadata={
            "description": "A picture is a JPEG, drawn anew; a document is a PDF.",
            "example": "picture",
        },
    )
    name = fields.String(
        required=True,
        metadata={"description": "What it was called by who sent it, for people.", "example": "brakes.jpg"},
    )
    content_type = fields.String(required=True, metadata={"example": "image/jpeg"})
    size = fields.Integer(required=True, metadata={"description": "In bytes.", "example": 148210})
    url = fields.String(required=True, metadata=dict(URL))
    thumbnail_url = fields.String(
        required=True,
        allow_none=True,
        metadata={**URL, "description": "Of a picture: a JPEG of at most 320 pixels."},
    )
    expires_at = Instant(
        required=True, metadata={"description": "When both addresses are of no use any more."}
    )
    visible_to_customer = fields.Boolean(required=True, metadata={"example": True})
    account_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Who attached it; null to customers.", "example": 1},
    )
    created_at = Instant(required=True)


class ShownPhotoOut(Schema):
    """A photo, and where it is to be had for a quarter of an hour."""

    id = fields.Integer(required=True, metadata={"description": "The attachment's.", "example": 1})
    name = fields.String(required=True, metadata={"example": "brakes.jpg"})
    content_type = fields.String(required=True, metadata={"example": "image/jpeg"})
    size = fields.Integer(required=True, metadata={"description": "In bytes.", "example": 148210})
    url = fields.String(required=True, metadata=dict(URL))
    thumbnail_url = fields.String(
        required=True, metadata={**URL, "description": "A JPEG of at most 320 pixels."}
    )
    expires_at = Instant(
        required=True, metadata={"description": "When both addresses are of no use any more."}
    )


def photo_ids(more: str = "", **options: Any) -> fields.List[int]:
    """Return the field by which something names photos of its ticket."""
    return fields.List(
        Reference(metadata={"example": 1}),
        validate=validate.Length(max=photos.MOST),
        metadata={
            "uniqueItems": True,
            "description": f"Pictures among the ticket's attachments, at most {photos.MOST}, in their order. {more}".strip(),
            "example": [1],
        },
        **options,
    )


def photos_out(which: str = "In their order.") -> fields.List[Any]:
    """Return the field in which photos are shown."""
    return fields.List(fields.Nested(ShownPhotoOut), required=True, metadata={"description": which})


class AttachmentQuery(ListQuery):
    """Which page of a ticket's attachments."""

    sort = ORDER.field()
