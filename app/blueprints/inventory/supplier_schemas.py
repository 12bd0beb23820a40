"""What suppliers look like on the wire, and what they supply."""

from __future__ import annotations

from decimal import Decimal

from marshmallow import fields, validate

from app.blueprints.inventory.suppliers import ORDER
from app.blueprints.workshops.fields import COUNTRY_CODE, Chosen, Website
from app.blueprints.workshops.vocabulary import COUNTRIES
from app.core.paging import ListQuery
from app.core.parameters import QueryFlag
from app.core.schema import Email, Flag, Instant, Money, PatchSchema, Phone, Schema, Text, Whole
from app.core.tax_ids import LONGEST

MOST_DAYS = 365
OF_FIVE = validate.Range(Decimal(0), Decimal(5))
CONTACT = {"description": "Whom to ask for.", "example": "Jan Nowak"}
EMAIL = {"example": "orders@parts.example.com"}
PHONE = {"description": "E.164 where it is valid in the country.", "example": "+48221234567"}
ADDRESS = {"example": "ul. Prosta 1"}
CITY = {"example": "Warszawa"}
POSTAL_CODE = {"example": "00-001"}
WEBSITE = {"example": "https://parts.example.com"}
TAX_ID = {"description": "Checked by the rules of the country, which it needs.", "example": "8567346215"}
RATING = {"description": "The workshop's own, 0 to 5.", "example": 4.5}
DAYS = {"description": "How long a delivery takes.", "example": 3}
MINIMUM = {"description": "The least that an order is worth.", "example": 200.0}
TERMS = {"example": "30 days net"}
ACTIVE = {"description": "Whether the workshop still orders there.", "example": True}
NUMBER = {
    "description": "What the supplier calls the item; one item's with each supplier.",
    "example": "W 712/95",
}
PRICE = {"description": "What one costs there.", "example": 9.8}
PREFERRED = {"description": "Whether it is ordered there first; one supplier of an item is.", "example": True}


class SupplierIn(Schema):
    """A supplier, whole."""

    name = Text(required=True, metadata={"example": "Parts & Co"})
    contact_person = Text(load_default=None, allow_none=True, metadata=CONTACT)
    email = Email(load_default=None, allow_none=True, metadata=EMAIL)
    phone = Phone(load_default=None, allow_none=True, metadata=PHONE)
    address = Text(load_default=None, allow_none=True, longest=300, metadata=ADDRESS)
    city = Text(load_default=None, allow_none=True, longest=100, metadata=CITY)
    postal_code = Text(load_default=None, allow_none=True, longest=20, metadata=POSTAL_CODE)
    country = Chosen(COUNTRIES, "PL", COUNTRY_CODE, load_default=None, allow_none=True)
    website = Website(load_default=None, allow_none=True)
    tax_id = Text(load_default=None, allow_none=True, longest=LONGEST, metadata=TAX_ID)
    rating = Money(load_default=None, allow_none=True, validate=OF_FIVE, metadata=RATING)
    delivery_days = Whole(0, MOST_DAYS, load_default=None, allow_none=True, metadata=DAYS)
    minimum_order_value = Money(load_default=None, allow_none=True, metadata=MINIMUM)
    payment_terms = Text(load_default=None, allow_none=True, metadata=TERMS)
    active = Flag(load_default=True, metadata=ACTIVE)


class SupplierPatch(PatchSchema):
    """What changes of a supplier."""

    name = Text(metadata={"example": "Parts & Co"})
    contact_person = Text(allow_none=True, metadata=CONTACT)
    email = Email(allow_none=True, metadata=EMAIL)
    phone = Phone(allow_none=True, metadata=PHONE)
    address = Text(allow_none=True, longest=300, metadata=ADDRESS)
    city = Text(allow_none=True, longest=100, metadata=CITY)
    postal_code = Text(allow_none=True, longest=20, metadata=POSTAL_CODE)
    country = Chosen(COUNTRIES, "PL", COUNTRY_CODE, allow_none=True)
    website = Website(allow_none=True)
    tax_id = Text(allow_none=True, longest=LONGEST, metadata=TAX_ID)
    rating = Money(allow_none=True, validate=OF_FIVE, metadata=RATING)
    delivery_days = Whole(0, MOST_DAYS, allow_none=True, metadata=DAYS)
    minimum_order_value = Money(allow_none=True, metadata=MINIMUM)
    payment_terms = Text(allow_none=True, metadata=TERMS)
    active = Flag(metadata=ACTIVE)


class SupplierOut(Schema):
    """A supplier."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Parts & Co"})
    contact_person = fields.String(required=True, allow_none=True, metadata=CONTACT)
    email = fields.String(required=True, allow_none=True, metadata=EMAIL)
    phone = fields.String(required=True, allow_none=True, metadata=PHONE)
    address = fields.String(required=True, allow_none=True, metadata=ADDRESS)
    city = fields.String(required=True, allow_none=True, metadata=CITY)
    postal_code = fields.String(required=True, allow_none=True, metadata=POSTAL_CODE)
    country = fields.String(required=True, allow_none=True, metadata={"example": "PL"})
    website = fields.String(required=True, allow_none=True, metadata=WEBSITE)
    tax_id = fields.String(required=True, allow_none=True, metadata=TAX_ID)
    rating = Money(required=True, allow_none=True, metadata=RATING)
    delivery_days = fields.Integer(required=True, allow_none=True, metadata=DAYS)
    minimum_order_value = Money(required=True, allow_none=True, metadata=MINIMUM)
    payment_terms = fields.String(required=True, allow_none=True, metadata=TERMS)
    active = fields.Boolean(required=True, metadata=ACTIVE)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class SupplierQuery(ListQuery):
    """Which suppliers, in which order."""

    sort = ORDER.field()
    active = QueryFlag(metadata={"description": "Where the workshop still orders (or not)."})
    q = Text(
        longest=100,
        metadata={"description": "Words in name and contact person, in any order.", "example": "parts"},
    )


class SupplierBriefOut(Schema):
    """A supplier by id and name."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Parts & Co"})


class OfferIn(Schema):
    """That a supplier has an item."""

    supplier_number = Text(load_default=None, allow_none=True, longest=60, metadata=NUMBER)
    price = Money(load_default=None, allow_none=True, metadata=PRICE)
    preferred = Flag(load_default=False, metadata=PREFERRED)


class OfferOut(Schema):
    """That a supplier has an item: under which number, and at what price."""

    supplier = fields.Nested(SupplierBriefOut, required=True)
    supplier_number = fields.String(required=True, allow_none=True, metadata=NUMBER)
    price = Money(required=True, allow_none=True, metadata=PRICE)
    preferred = fields.Boolean(required=True, metadata=PREFERRED)
    updated_at = Instant(required=True)
