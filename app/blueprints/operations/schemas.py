"""What the operational routes answer."""

from __future__ import annotations

from marshmallow import fields

from app.core.schema import Schema


class RootOut(Schema):
    """What this is, and where to go on."""

    name = fields.String(required=True, metadata={"example": "Mechanic Shop API"})
    version = fields.String(required=True, metadata={"example": "1.0.0"})
    description = fields.String(required=True)
    links = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"example": {"docs": "/api/docs"}},
    )


class LiveOut(Schema):
    """The process answers."""

    status = fields.String(required=True, metadata={"example": "ok"})


class HealthOut(Schema):
    """The service works: the database answers."""

    status = fields.String(required=True, metadata={"example": "ok"})
    version = fields.String(required=True, metadata={"example": "1.0.0"})
    python = fields.String(required=True, metadata={"example": "3.13.1"})
    database = fields.String(required=True, metadata={"example": "postgresql"})


class ReadyOut(Schema):
    """Each part, and whether it is there; Redis is null where none is configured."""

    status = fields.String(required=True, metadata={"example": "ok"})
    database = fields.Boolean(required=True, metadata={"example": True})
    migrations = fields.Boolean(
        required=True, metadata={"description": "Whether they are current.", "example": True}
    )
    redis = fields.Boolean(required=True, allow_none=True, metadata={"example": True})
