"""What signing in takes and answers. Every door shares these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate

from app.core.schema import Email, Password, Schema, Text


class _KnownAs(Email):
    """An address to sign in with, brought to the form it is kept in; what is no address is merely unknown."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = Text._deserialize(self, value, attr, data, **kwargs)
        try:
            return super()._deserialize(text, attr, data, **kwargs)
        except ValidationError:
            return text


class LoginIn(Schema):
    """An e-mail address and a password."""

    email = _KnownAs(required=True, metadata={"example": "customer@example.com"})
    password = Password(required=True)


class LoginOut(Schema):
    """An access token."""

    status = fields.String(required=True, metadata={"example": "success"})
    message = fields.String(required=True, metadata={"example": "Login successful"})
    auth_token = fields.String(
        required=True,
        metadata={
            "description": "Send it as `Authorization: Bearer <token>`.",
            "example": "eyJhbGciOiJIUzI1NiIs...",
        },
    )
    token_type = fields.String(required=True, metadata={"example": "Bearer"})
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds.", "example": 1800})
    role = fields.String(
        required=True,
        validate=validate.OneOf(["owner", "mechanic", "customer"]),
        metadata={"description": "What the token lets you act as.", "example": "customer"},
    )
