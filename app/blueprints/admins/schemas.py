"""What admins and accounts look like on the wire."""

from __future__ import annotations

from marshmallow import fields

from app.blueprints.admins.service import ORDER
from app.core.paging import ListQuery
from app.core.parameters import QueryFlag
from app.core.schema import Email, Instant, PatchSchema, Schema, Text

NAME = {"description": "What they are called.", "example": "Ada Obi"}
ADDRESS = {"example": "ada@example.com"}
HAS_PASSWORD = {
    "description": "Whether they have set a password: without one nobody signs in.",
    "example": True,
}


class AdminIn(Schema):
    """Who becomes an admin. Never with a password: who has no account sets one by the letter that they are sent."""

    email = Email(required=True, metadata=ADDRESS)
    name = Text(load_default=None, allow_none=True, metadata=NAME)


class AdminPatch(PatchSchema):
    """What another admin may change."""

    email = Email(metadata={"description": "Only until they have set a password.", **ADDRESS})
    name = Text(allow_none=True, metadata=NAME)


class AdminOut(Schema):
    """Somebody who runs the installation."""

    id = fields.Integer(required=True, metadata={"description": "Their account's.", "example": 1})
    email = fields.String(required=True, metadata=ADDRESS)
    name = fields.String(required=True, allow_none=True, metadata=NAME)
    has_password = fields.Boolean(required=True, metadata=HAS_PASSWORD)
    created_at = Instant(required=True, metadata={"description": "When their account was made."})
    suspended_at = Instant(required=True, allow_none=True, metadata={"example": None})


class AdminQuery(ListQuery):
    """In which order."""

    sort = ORDER.field()


class AccountOut(Schema):
    """How somebody signs in on this installation."""

    id = fields.Integer(required=True, metadata={"example": 7})
    email = fields.String(required=True, metadata=ADDRESS)
    is_admin = fields.Boolean(required=True, metadata={"example": False})
    has_password = fields.Boolean(required=True, metadata=HAS_PASSWORD)
    email_verified_at = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)
    suspended_at = Instant(required=True, allow_none=True, metadata={"example": None})
    suspension_reason = fields.String(required=True, allow_none=True, metadata={"example": None})


class PlaceOut(Schema):
    """A workshop that an account belongs to, and as what."""

    id = fields.Integer(required=True, attribute="workshop.id", metadata={"example": 1})
    slug = fields.String(required=True, attribute="workshop.slug", metadata={"example": "demo"})
    name = fields.String(required=True, attribute="workshop.name", metadata={"example": "Demo Garage"})
    role = fields.String(required=True, metadata={"example": "owner"})
    since = Instant(required=True)


class AccountDetailOut(AccountOut):
    """An account, and what it is where. Nothing of what those workshops keep."""

    workshops = fields.List(fields.Nested(PlaceOut), required=True)


class AccountQuery(ListQuery):
    """Which accounts, in which order."""

    sort = ORDER.field()
    q = Text(longest=100, metadata={"description": "A part of the address.", "example": "ada@"})
    suspended = QueryFlag(
        metadata={"description": "Only those that are, or only the others.", "example": True}
    )
