"""What roles look like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.core.schema import Instant, PatchSchema, Schema, ScopeList, Text
from app.core.scopes import SCOPES

NAME = {"description": "Told apart without regard to case.", "example": "Front desk"}
DESCRIPTION = {"description": "For whom it is.", "example": "Takes cars in and hands them out."}


class RoleIn(Schema):
    """A role, whole."""

    name = Text(required=True, longest=60, metadata=NAME)
    description = Text(load_default=None, allow_none=True, longest=500, metadata=DESCRIPTION)
    scopes = ScopeList(required=True)


class RolePatch(PatchSchema):
    """What changes of a role."""

    name = Text(longest=60, metadata=NAME)
    description = Text(allow_none=True, longest=500, metadata=DESCRIPTION)
    scopes = ScopeList()


class RoleOut(Schema):
    """A role of the workshop's own making."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata=NAME)
    description = fields.String(required=True, allow_none=True, metadata=DESCRIPTION)
    scopes = ScopeList(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class BuiltInRoleOut(Schema):
    """A role that every workshop has."""

    role = fields.String(
        required=True,
        validate=validate.OneOf(["owner", "mechanic", "customer"]),
        metadata={"example": "mechanic"},
    )
    description = fields.String(
        required=True,
        metadata={"example": "Does the work: sees customers and parts, and moves tickets."},
    )
    scopes = fields.List(
        fields.String(validate=validate.OneOf(list(SCOPES))),
        required=True,
        metadata={"example": ["customers:read", "tickets:read", "tickets:write"]},
    )


class ScopeOut(Schema):
    """What a scope lets one do."""

    scope = fields.String(required=True, metadata={"example": "tickets:read"})
    description = fields.String(required=True, metadata={"example": "See every service ticket."})
    grantable = fields.Boolean(
        required=True,
        metadata={"description": "Whether a role of the workshop's own can hold it.", "example": True},
    )


class RolesOut(Schema):
    """All roles of a workshop, and what they are made of."""

    built_in = fields.List(fields.Nested(BuiltInRoleOut), required=True)
    own = fields.List(
        fields.Nested(RoleOut),
        required=True,
        metadata={"description": "Those of the workshop's own making, by name; a hundred at most."},
    )
    scopes = fields.List(fields.Nested(ScopeOut), required=True)
