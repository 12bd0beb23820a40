"""What invitations look like on the wire. Their tokens are on none but the mail's."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.blueprints.invitations.models import STATES
from app.blueprints.invitations.service import ORDER
from app.core.paging import ListQuery
from app.core.parameters import CommaSeparated
from app.core.schema import Email, Instant, Money, Password, Phone, Reference, Schema, SixDigits, Text
from app.core.scopes import MEMBERS, STAFF

LONGEST_TOKEN = 200
# What an invitation to a role is made of; a mechanic who is on record is invited by `mechanic_id` alone.
MADE_OF: dict[str, tuple[str, ...]] = {
    "owner": ("email", "name"),
    "mechanic": ("email", "name", "phone", "salary"),
    "staff": ("email", "name", "role_id"),
}


class InvitationIn(Schema):
    """Somebody to invite to the staff: a mechanic who is on record by that record, anybody else by address and name.

    For a new mechanic phone and salary are needed too: the record is made of them once the invitation is accepted. For `staff`
    the role of the workshop's own is.
    """

    role = fields.String(
        required=True, validate=validate.OneOf(STAFF), metadata={"description": "What they become.", "example": "mechanic"}
    )  # fmt: skip
    email = Email(metadata={"example": "jane@example.com"})
    name = Text(metadata={"example": "Jane Wrench"})
    phone = Phone(metadata={"example": "555-987-6543"})
    salary = Money(metadata={"example": 60000})
    role_id = Reference(
        metadata={"description": "With `staff`: the role of the workshop's own.", "x-in-place-of": "salary"}
    )
    mechanic_id = Reference(
        metadata={
            "description": "A mechanic who is on record and cannot sign in yet. The mail goes to the record's address.",
            "x-in-place-of": "email",
        }
    )

    @validates_schema
    def _whole_and_no_more(self, data: dict[str, Any], **kwargs: Any) -> None:
        on_record = data["role"] == "mechanic" and "mechanic_id" in data
        wanted = ("mechanic_id",) if on_record else MADE_OF[data["role"]]
        errors = {name: ["Missing data for required field."] for name in wanted if name not in data}
        beside = "`mechanic_id`" if on_record else "this role"
        errors |= {name: [f"Not together with {beside}."] for name in data if name not in ("role", *wanted)}
        if errors:
            raise ValidationError(errors)


class InvitationOut(Schema):
    """An invitation, as those see it who may invite."""

    id = fields.Integer(required=True, metadata={"example": 1})
    state = fields.String(
        required=True,
        validate=validate.OneOf(STATES),
        metadata={
            "description": "`open`: the link is good. An `expired` one can still be sent again.",
            "example": "open",
        },
    )
    role = fields.String(
        required=True, validate=validate.OneOf(MEMBERS), metadata={"description": "What they become.", "example": "mechanic"}
    )  # fmt: skip
    email = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Where it was sent. Null once the person was erased.", "example": "jane@example.com"},
    )  # fmt: skip
    name = fields.String(required=True, allow_none=True, metadata={"example": "Jane Wrench"})
    role_id = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "With `staff`: the role of the workshop's own, until it is removed.",
            "example": None,
        },
    )
    customer_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The customer's record that it is to.", "example": None}
    )  # fmt: skip
    mechanic_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The mechanic's record that it is to.", "example": 1}
    )  # fmt: skip
    invited_by = fields.Integer(
        required=True, metadata={"description": "The account that sent it last.", "example": 1}
    )
    created_at = Instant(required=True)
    sent_at = Instant(required=True, metadata={"description": "When it was sent last."})
    expires_at = Instant(required=True)
    accepted_at = Instant(required=True, allow_none=True, metadata={"example": None})
    withdrawn_at = Instant(required=True, allow_none=True, metadata={"example": None})


class InvitationQuery(ListQuery):
    """Which invitations, in which order."""

    sort = ORDER.field()
    state = CommaSeparated(STATES, metadata={"description": "One state or several."})


def _token() -> fields.String:
    return fields.String(
        required=True,
        validate=validate.Length(1, LONGEST_TOKEN),
        load_only=True,
        metadata={"description": "From the link.", "example": "b64Yx9..."},
    )


class InvitationTokenIn(Schema):
    """What the link in the mail carries."""

    token = _token()


class InvitingWorkshopOut(Schema):
    """The workshop that invites."""

    name = fields.String(required=True, metadata={"example": "Ada's Garage"})
    slug = fields.String(required=True, metadata={"example": "adas-garage"})


class InvitationPreviewOut(Schema):
    """What an invitation is to, for who has read its mail."""

    workshop = fields.Nested(InvitingWorkshopOut, required=True)
    role = fields.String(required=True, validate=validate.OneOf(MEMBERS), metadata={"example": "mechanic"})
    role_name = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "With `staff`: what the workshop calls the role.", "example": None},
    )
    name = fields.String(required=True, allow_none=True, metadata={"example": "Jane Wrench"})
    email = fields.String(
        required=True, metadata={"description": "Most of its name hidden.", "example": "j***@example.com"}
    )
    has_account = fields.Boolean(
        required=True,
        metadata={
            "description": "Whether the address has an account: its password is needed then, else a new one."
        },
    )
    expires_at = Instant(required=True)


class InvitationAcceptanceIn(Schema):
    """Who accepts an invitation, by its token."""

    token = _token()
    password = Password(
        metadata={
            "description": "A new account's; or that of the account that the address has, where nobody is signed in to it.",
        }
    )
    second_factor_code = SixDigits(
        metadata={
            "description": "Beside the password of an account with a second factor: its code of this moment.",
        }
    )
    name = Text(
        metadata={
            "description": "How a customer's or a new mechanic's record is to call them; as the workshop has it, unless given.",
            "example": "Jane Wrench",
        }
    )
    refresh_in = fields.String(
        load_default="body",
        validate=validate.OneOf(["body", "cookie"]),
        metadata={
            "description": "Where the refresh token goes: in the answer's body, or in a cookie that scripts cannot read.",
            "example": "body",
        },
    )
