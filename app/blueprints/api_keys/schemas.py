"""What API keys look like on the wire."""

from __future__ import annotations

from marshmallow import fields

from app.blueprints.api_keys.service import ORDER
from app.core.keys import FORM
from app.core.paging import ListQuery
from app.core.schema import Instant, InstantIn, PatchSchema, Schema, ScopeList, Text
from app.core.scopes import FOR_KEYS

NAME = {"description": "What it is for.", "example": "Accounting export"}
EXPIRES = {
    "description": "Until when it is good; null: until it is revoked.",
    "example": "2036-03-02T09:30:00Z",
}


class ApiKeyIn(Schema):
    """A key to make."""

    name = Text(required=True, longest=100, metadata=NAME)
    scopes = ScopeList(of=FOR_KEYS, least=1, required=True)
    expires_at = InstantIn(load_default=None, allow_none=True, metadata=EXPIRES)


class ApiKeyPatch(PatchSchema):
    """What changes of a key: its name."""

    name = Text(longest=100, metadata=NAME)


class ApiKeyOut(Schema):
    """A key, as it is known; never the key itself."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata=NAME)
    prefix = fields.String(
        required=True, metadata={"description": "How the key begins.", "example": "msk_k3v7q2mx4a"}
    )
    scopes = ScopeList(of=FOR_KEYS, required=True)
    member_id = fields.Integer(
        required=True,
        attribute="membership_id",
        metadata={"description": "The member who made it, and for whom it acts.", "example": 1},
    )
    created_at = Instant(required=True)
    expires_at = Instant(required=True, allow_none=True, metadata=EXPIRES)
    last_used_at = Instant(
        required=True, allow_none=True, metadata={"description": "To the minute; null: never."}
    )
    revoked_at = Instant(required=True, allow_none=True)


class ApiKeyMadeOut(ApiKeyOut):
    """A key that was just made, with the key itself: it is shown this once."""

    key = fields.String(
        required=True,
        metadata={
            "description": "Send it as `Authorization: Bearer msk_...`. It is not kept, and not shown again.",
            "pattern": f"^{FORM.pattern}$",
            "example": "msk_k3v7q2mx4a_Zk3n0bV6rQ1sT8uW2xY5zA7cE9gI4kM6oP0qS3tU5vX",
        },
    )


class ApiKeyQuery(ListQuery):
    """Which keys, in which order."""

    sort = ORDER.field()
