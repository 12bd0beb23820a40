"""What profiles and consents look like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.customers.models import CONSENTS, CONTACTS, GENDERS
from app.blueprints.customers.profiles import ORDER
from app.blueprints.workshops.fields import COUNTRY_CODE, Chosen
from app.blueprints.workshops.vocabulary import COUNTRIES
from app.core.national_ids import KINDS
from app.core.paging import ListQuery
from app.core.schema import Day, Flag, Instant, PatchSchema, Phone, Schema, Text

NATIONAL_ID = {
    "description": "Checked by its kind's rules, kept encrypted, unique in the workshop. Blanks and marks may be left in.",
    "example": "44051401359",
}


class CustomerProfileIn(Schema):
    """A profile, whole: what is left out is empty afterwards."""

    street = Text(load_default=None, allow_none=True, metadata={"example": "ul. Prosta 1/2"})
    city = Text(load_default=None, allow_none=True, longest=100, metadata={"example": "Warszawa"})
    postal_code = Text(load_default=None, allow_none=True, longest=20, metadata={"example": "00-850"})
    country = Chosen(COUNTRIES, "PL", COUNTRY_CODE, load_default=None, allow_none=True)
    preferred_contact = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(CONTACTS), metadata={"example": "email"}
    )
    birth_date = Day(load_default=None, allow_none=True, metadata={"example": "1944-05-14"})
    gender = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.OneOf(GENDERS),
        metadata={"example": "undisclosed"},
    )
    emergency_contact_name = Text(load_default=None, allow_none=True, metadata={"example": "Jan Obi"})
    emergency_contact_phone = Phone(load_default=None, allow_none=True)
    national_id_kind = fields.String(
        load_default=None, allow_none=True, validate=validate.OneOf(KINDS), metadata={"example": "PL-PESEL"}
    )
    national_id = Text(load_default=None, allow_none=True, longest=40, metadata=dict(NATIONAL_ID))


class CustomerProfilePatch(PatchSchema):
    """What changes of a profile."""

    street = Text(allow_none=True, metadata={"example": "ul. Prosta 1/2"})
    city = Text(allow_none=True, longest=100, metadata={"example": "Warszawa"})
    postal_code = Text(allow_none=True, longest=20, metadata={"example": "00-850"})
    country = Chosen(COUNTRIES, "PL", COUNTRY_CODE, allow_none=True)
    preferred_contact = fields.String(
        allow_none=True, validate=validate.OneOf(CONTACTS), metadata={"example": "email"}
    )
    birth_date = Day(allow_none=True, metadata={"example": "1944-05-14"})
    gender = fields.String(
        allow_none=True, validate=validate.OneOf(GENDERS), metadata={"example": "undisclosed"}
    )
    emergency_contact_name = Text(allow_none=True, metadata={"example": "Jan Obi"})
    emergency_contact_phone = Phone(allow_none=True)
    national_id_kind = fields.String(
        allow_none=True, validate=validate.OneOf(KINDS), metadata={"example": "PL-PESEL"}
    )
    national_id = Text(allow_none=True, longest=40, metadata=dict(NATIONAL_ID))


class ConsentIn(Schema):
    """That a customer agrees to a text, or no longer does."""

    kind = fields.String(required=True, validate=validate.OneOf(CONSENTS), metadata={"example": "marketing"})
    text_version = Text(
        required=True,
        longest=40,
        metadata={"description": "Which version of the text was shown.", "example": "2026-03"},
    )
    given = Flag(
        required=True,
        metadata={"description": "False: no longer.", "example": True},
    )


class ConsentOut(Schema):
    """A consent given or withdrawn, and when."""

    id = fields.Integer(required=True, metadata={"example": 1})
    kind = fields.String(required=True, metadata={"example": "marketing"})
    text_version = fields.String(required=True, metadata={"example": "2026-03"})
    given = fields.Boolean(required=True, metadata={"example": True})
    at = Instant(required=True)


class ConsentQuery(ListQuery):
    """Which part of the list; the newest first."""

    sort = ORDER.field()


def _seen(example: str) -> fields.String:
    return fields.String(allow_none=True, metadata={"example": example})


class CustomerProfileOut(Schema):
    """A profile. A mechanic is shown how to reach somebody, and no more."""

    customer_id = fields.Integer(required=True, metadata={"example": 1})
    street = _seen("ul. Prosta 1/2")
    city = _seen("Warszawa")
    postal_code = _seen("00-850")
    country = _seen("PL")
    preferred_contact = _seen("email")
    emergency_contact_name = _seen("Jan Obi")
    emergency_contact_phone = _seen("555-123-4567")
    birth_date = fields.Date(allow_none=True, metadata={"example": "1944-05-14"})
    gender = _seen("undisclosed")
    national_id_kind = _seen("PL-PESEL")
    national_id = fields.String(
        allow_none=True,
        metadata={
            "description": "Whole for an owner; the customer is shown its end.",
            "example": "********359",
        },
    )
    consents = fields.List(fields.Nested(ConsentOut), metadata={"description": "The last word on each kind."})
