"""What photos, exports and erasures look like on the wire."""

from __future__ import annotations

from marshmallow import fields

from app.core.schema import Instant, Message, Schema, SentFile

URL = {
    "description": "Open to whoever knows it, without a token, until `expires_at`.",
    "format": "uri-reference",
    "example": "/files/AAAAAAAAAAEAAAAAAAAAAQAAAABppVnMQ2hlY2tlZCBieSBITUFDLVNIQS0yNTYgYXMgYWx3YXlz",
}
BYTES = {"description": "In bytes.", "example": 48210}


class PhotoIn(Schema):
    """A picture as a form's field: a JPEG, PNG or WebP of at most 10 MB, whatever it is called."""

    photo = SentFile(required=True, metadata={"contentMediaType": "image/*"})


class PhotoOut(Schema):
    """Where a photo is to be had: a JPEG, upright, its longer side at most 1024 pixels, without what the camera noted."""

    url = fields.String(required=True, metadata=dict(URL))
    expires_at = Instant(required=True)
    content_type = fields.String(required=True, metadata={"example": "image/jpeg"})
    size = fields.Integer(required=True, metadata=dict(BYTES))


class ExportOut(Schema):
    """How far an export is; when it is ready, where it is to be had."""

    status = fields.String(required=True, metadata={"enum": ["ready", "failed"], "example": "ready"})
    requested_at = Instant(required=True)
    url = fields.String(metadata=dict(URL))
    expires_at = Instant(
        metadata={"description": "When `url` is of no use any more; asking again gives another."}
    )
    size = fields.Integer(metadata=dict(BYTES))
    kept_until = Instant(metadata={"description": "When the archive is deleted: a week after it was made."})


class ExportWaitingOut(Schema):
    """That an export is being made."""

    status = fields.String(required=True, metadata={"enum": ["preparing"], "example": "preparing"})
    requested_at = Instant(required=True)


class ErasedOut(Schema):
    """Something that is gone."""

    what = fields.String(required=True, metadata={"example": "photo"})
    count = fields.Integer(required=True, metadata={"example": 1})


class KeptOut(Schema):
    """Something that stays, and names nobody."""

    what = fields.String(required=True, metadata={"example": "service_tickets"})
    count = fields.Integer(required=True, metadata={"example": 3})
    why = fields.String(
        required=True, metadata={"example": "What was done and charged is kept without the person."}
    )
    until = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "format": "date-time",
            "description": "Null: there is no date.",
            "example": "2027-03-02T09:30:00Z",
        },
    )


class ErasureReportOut(Schema):
    """What of a person went, what stays and why."""

    erased = fields.List(fields.Nested(ErasedOut), required=True)
    kept = fields.List(fields.Nested(KeptOut), required=True)


class ErasedMessage(Message):
    """That a person was erased, and what became of what was kept of them."""

    report = fields.Nested(ErasureReportOut, required=True)


class ErasureOut(Schema):
    """When a customer was erased, and what became of what was kept of them."""

    customer_id = fields.Integer(required=True, metadata={"example": 1})
    erased_at = Instant(required=True)
    report = fields.Nested(ErasureReportOut, required=True)
