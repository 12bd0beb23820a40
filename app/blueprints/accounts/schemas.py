"""What signing in and staying in take and answer. Every door shares these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.blueprints.workshops.fields import NewWorkshopIn
from app.core.paging import ListQuery
from app.core.schema import Email, Instant, NewPassword, Password, Phone, Schema, SixDigits, Text
from app.core.scopes import ROLES

LONGEST_TOKEN = 200


class _KnownAs(Text):
    """An address or a number to sign in with, brought to the form it is kept in; what is neither is merely unknown."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        for field in (Email(), Phone()):
            try:
                known: str = field.deserialize(text)
                return known
            except ValidationError:
                continue
        return text


BESIDE = {
    "description": "For scripts, of an account with a second factor: its code of this moment.",
    "x-in-place-of": "a challenge",
}


class RefreshPlace(fields.String):
    """Where the refresh token goes."""

    def __init__(self) -> None:
        super().__init__(
            load_default="body",
            validate=validate.OneOf(["body", "cookie"]),
            metadata={
                "description": "Where the refresh token goes: in the answer's body, or in a cookie that scripts cannot read.",
                "example": "body",
            },
        )


class RefreshIn(Schema):
    """A refresh token, unless it comes in its cookie."""

    refresh_token = fields.String(
        validate=validate.Length(1, LONGEST_TOKEN),
        load_only=True,
        metadata={"description": "Not needed where the cookie has it.", "example": "b64Yx9..."},
    )


def sent_among(names: Sequence[str], sent: Any) -> list[str]:
    """Return which of the fields were sent, be what they say good or not."""
    return [name for name in names if isinstance(sent, Mapping) and name in sent]


class LoginIn(Schema):
    """Who signs in, by one of e-mail, phone or username (which is either), and a password."""

    email = _KnownAs(longest=254, metadata={"example": "customer@example.com"})
    phone = _KnownAs(
        longest=254,
        metadata={"description": "A phone number.", "x-in-place-of": "email", "example": "+1 415 555 0132"},
    )
    username = _KnownAs(
        longest=254,
        metadata={
            "description": "An e-mail address or a phone number, for clients that know a username only.",
            "x-in-place-of": "email",
            "example": "customer@example.com",
        },
    )
    password = Password(required=True)
    second_factor_code = SixDigits(metadata=BESIDE)
    refresh_in = RefreshPlace()

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _named_once(self, data: dict[str, Any], sent: Any, **kwargs: Any) -> None:
        given = sent_among(("email", "phone", "username"), sent)
        if not given:
            raise ValidationError("Missing data for required field.", "email")
        if len(given) > 1:
            raise ValidationError(f"Not together with `{given[0]}`.", given[1])


SETUP = {
    "description": "True where the workshop asks for a second factor and there is none: the token opens one's account alone.",
    "example": True,
}


class LoginOut(Schema):
    """An access token, and what carries the session on."""

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
        validate=validate.OneOf(ROLES),
        metadata={"description": "What the token lets you act as.", "example": "customer"},
    )
    second_factor_setup_required = fields.Boolean(metadata=SETUP)
    refresh_token = fields.String(
        metadata={
            "description": "Taken once by POST /auth/refresh, for new tokens. Not here where it is in the cookie.",
            "example": "b64Yx9...",
        }
    )
    refresh_expires_at = Instant(required=True)
    csrf_token = fields.String(
        metadata={
            "description": "Where the refresh token is in the cookie: send it as `X-CSRF-Token` with it.",
            "example": "5f0c1e...",
        }
    )


class SessionOut(Schema):
    """A sign-in that goes on."""

    id = fields.Integer(required=True, metadata={"example": 12})
    started_at = Instant(required=True)
    last_used_at = Instant(required=True, metadata={"description": "When it began, or was last refreshed."})
    expires_at = Instant(required=True, metadata={"description": "When it ends unless it is refreshed."})
    address = fields.String(
        required=True, allow_none=True, metadata={"description": "Where it began.", "example": "203.0.113.7"}
    )
    agent = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The program it began in.", "example": "curl/8.5.0"},
    )
    current = fields.Boolean(required=True, metadata={"description": "Whether it is the one that asks."})


class SessionQuery(ListQuery):
    """Which sessions to list."""

    sort = fields.String(
        load_default="-last_used_at",
        validate=validate.OneOf(["last_used_at", "-last_used_at", "id", "-id"]),
        metadata={"description": "The order.", "example": "-last_used_at"},
    )


class SwitchIn(Schema):
    """Another workshop of the caller's, or none."""

    workshop = Text(
        longest=60,
        required=True,
        allow_none=True,
        metadata={
            "description": "Its slug; null to act in none, as an admin of the installation.",
            "example": "demo",
        },
    )


class SwitchOut(Schema):
    """An access token for another workshop; the refresh token stays as it is."""

    status = fields.String(required=True, metadata={"example": "success"})
    message = fields.String(required=True, metadata={"example": "Workshop switched"})
    auth_token = fields.String(required=True, metadata={"example": "eyJhbGciOiJIUzI1NiIs..."})
    token_type = fields.String(required=True, metadata={"example": "Bearer"})
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds.", "example": 1800})
    role = fields.String(required=True, validate=validate.OneOf(ROLES), metadata={"example": "mechanic"})
    second_factor_setup_required = fields.Boolean(metadata=SETUP)


class RegistrationIn(Schema):
    """A workshop to open, and the account of its owner."""

    workshop = fields.Nested(NewWorkshopIn, required=True)
    email = Email(required=True)
    phone = Phone(
        load_default=None,
        allow_none=True,
        metadata={"description": "To sign in by as well.", "example": "555-987-6500"},
    )
    password = NewPassword(required=True)
    second_factor_code = SixDigits(metadata=BESIDE)
    refresh_in = RefreshPlace()


class OwnAccountOut(Schema):
    """The caller's account."""

    id = fields.Integer(required=True, metadata={"example": 1})
    email = fields.String(required=True, metadata={"example": "jane@example.com"})
    email_verified = fields.Boolean(required=True, metadata={"example": True})


class OwnWorkshopOut(Schema):
    """The workshop that the caller acts in."""

    id = fields.Integer(required=True, metadata={"example": 1})
    slug = fields.String(required=True, metadata={"example": "demo"})
    name = fields.String(required=True, metadata={"example": "Demo Garage"})


class CallerOut(Schema):
    """Who is asking, and what they may do."""

    account = fields.Nested(OwnAccountOut, required=True)
    workshop = fields.Nested(
        OwnWorkshopOut,
        required=True,
        allow_none=True,
        metadata={
            "description": "Null for an admin.",
            "example": {"id": 1, "slug": "demo", "name": "Demo Garage"},
        },
    )
    member_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "What the account is in the workshop.", "example": 1},
    )
    role = fields.String(required=True, validate=validate.OneOf(ROLES), metadata={"example": "staff"})
    role_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "With `staff`: the role of the workshop's own.", "example": 1},
    )
    role_name = fields.String(required=True, allow_none=True, metadata={"example": "Front desk"})
    customer_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "A customer's record.", "example": None}
    )
    mechanic_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "A mechanic's record.", "example": 1}
    )
    key_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The API key that asks; null for people.", "example": None},
    )
    scopes = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "What the caller may do at this moment.",
            "example": ["tickets:read", "tickets:write"],
        },
    )


class RecoveryIn(Schema):
    """Who wants to get back in."""

    email = Email(required=True)


class RecoveryCodeIn(Schema):
    """The code that was mailed."""

    email = Email(required=True)
    code = SixDigits(required=True)


class RecoveryTokenOut(Schema):
    """What a new password is set with."""

    reset_token = fields.String(required=True, metadata={"example": "b64Yx9..."})
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds.", "example": 300})


class RecoveryPasswordIn(Schema):
    """A new password, for the token that the code was taken for."""

    reset_token = fields.String(
        required=True,
        validate=validate.Length(1, LONGEST_TOKEN),
        load_only=True,
        metadata={"example": "b64Yx9..."},
    )
    password = NewPassword(required=True)


class PasswordChangeIn(Schema):
    """The present password, and the next."""

    present_password = Password(required=True)
    password = NewPassword(required=True)


class EmailChangeIn(Schema):
    """Another address, asked for with the present password."""

    email = Email(required=True)
    present_password = Password(required=True)


class EmailConfirmationIn(Schema):
    """What was sent to an address: the link's token, or the address and its code."""

    token = fields.String(
        validate=validate.Length(1, LONGEST_TOKEN),
        load_only=True,
        metadata={"description": "From the link.", "example": "b64Yx9..."},
    )
    email = Email(metadata={"description": "The address that the code went to.", "x-in-place-of": "token"})
    code = SixDigits(metadata={"description": "With `email`.", "x-in-place-of": "token"})

    @validates_schema
    def _by_link_or_by_code(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "token" in data and ("email" in data or "code" in data):
            raise ValidationError("Not together with `email` and `code`.", "token")
        missing = [name for name in ("email", "code") if name not in data]
        if "token" not in data and missing:
            raise ValidationError({name: ["Missing data for required field."] for name in missing})
