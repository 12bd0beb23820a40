"""What invitations look like on the wire. Their tokens are on none but the mail's."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.blueprints.invitations.models import STATES
from app.blueprints.invitations.service import ORDER
from app.core.paging import ListQuery
from app.core.schema import CommaSeparated, Email, Instant, Money, Password, Phone, Reference, Schema, Text
from app.core.scopes import MEMBERS

LONGEST_TOKEN = 200
INVITED = ("owner", "mechanic")
OF_A_PERSON = ("email", "name", "phone", "salary")


class InvitationIn(Schema):
    """Somebody to invite to the staff: a mechanic who is on record by that record, anybody else by address and name.

    For a new mechanic phone and salary are needed too: the record is made of them once the invitation is accepted.
    """

    role = fields.String(
        required=True, validate=validate.OneOf(INVITED), metadata={"description": "What they become.", "example": "mechanic"}
    )  # fmt: skip
    email = Email(metadata={"example": "jane@example.com"})
    name = Text(metadata={"example": "Jane Wrench"})
    phone = Phone(metadata={"example": "555-987-6543"})
    salary = Money(metadata={"example": 60000})
    mechanic_id = Reference(
        metadata={
            "description": "A mechanic who is on record and cannot sign in yet. The mail goes to the record's address.",
            "x-in-place-of": "email",
        }
    )

    @validates_schema
    def _by_record_or_by_address(self, data: dict[str, Any], **kwargs: Any) -> None:
        given = [name for name in OF_A_PERSON if name in data]
        if "mechanic_id" in data:
            needed, excluded, reason = [], given, "`mechanic_id`"
            if data.get("role") != "mechanic":
                raise ValidationError("Not together with this role.", "mechanic_id")
        elif data.get("role") == "mechanic":
            needed, excluded, reason = list(OF_A_PERSON), [], ""
        else:
            needed, excluded, reason = ["email", "name"], ["phone", "salary"], "this role"
        errors = {name: ["Missing data for required field."] for name in needed if name not in data}
        errors |= {name: [f"Not together with {reason}."] for name in excluded if name in data}
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
