"""What customers look like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.customers.service import ORDER
from app.core.national_ids import KINDS
from app.core.paging import ListQuery
from app.core.schema import Email, Instant, NewPassword, Password, PatchSchema, Phone, Schema, SixDigits, Text


class CustomerRegistrationIn(Schema):
    """A new customer. Staff who record a walk-in may leave out all but the name."""

    name = Text(required=True, metadata={"example": "Ada Obi"})
    email = Email()
    phone = Phone()
    password = NewPassword()
    second_factor_code = SixDigits(
        metadata={
            "description": "Beside the password of an account with a second factor: its code of this moment.",
        }
    )
    national_id_kind = fields.String(validate=validate.OneOf(KINDS), metadata={"example": "PL-PESEL"})
    national_id = Text(
        longest=40, metadata={"description": "Together with its kind.", "example": "44051401359"}
    )


class CustomerSelfIn(Schema):
    """A customer's own record, whole; what they sign in with follows it.

    Another address is asked about at both: until it is confirmed there, they sign in with the one before. A password, if
    given, replaces theirs; who signed in more than half an hour ago gives the present one too.
    """

    name = Text(required=True, metadata={"example": "Ada Obi"})
    email = Email(required=True)
    phone = Phone(required=True)
    password = NewPassword()
    present_password = Password()


class CustomerSelfPatch(PatchSchema):
    """What a customer changes of their own record."""

    name = Text(metadata={"example": "Ada Obi"})
    email = Email()
    phone = Phone()
    password = NewPassword()
    present_password = Password()


class CustomerIn(Schema):
    """A customer's record, whole, as the owner keeps it."""

    name = Text(required=True, metadata={"example": "Ada Obi"})
    email = Email(load_default=None, allow_none=True)
    phone = Phone(load_default=None, allow_none=True)


class CustomerPatch(PatchSchema):
    """What the owner changes of a customer's record."""

    name = Text(metadata={"example": "Ada Obi"})
    email = Email(allow_none=True)
    phone = Phone(allow_none=True)


class CustomerOut(Schema):
    """A customer."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Ada Obi"})
    email = fields.String(required=True, allow_none=True, metadata={"example": "ada@example.com"})
    phone = fields.String(required=True, allow_none=True, metadata={"example": "555-123-4567"})
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class CustomerQuery(ListQuery):
    """Which customers, in which order."""

    sort = ORDER.field()
    email = Email(metadata={"description": "The whole address."})
    phone = Phone(metadata={"description": "The whole number."})
    q = Text(
        shortest=2,
        longest=100,
        metadata={"description": "Words in name, address and number, in any order.", "example": "obi ada"},
    )
