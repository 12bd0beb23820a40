"""What workshops look like on the wire."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marshmallow import fields, validate

from app.blueprints.workshops import nearby, vocabulary
from app.blueprints.workshops.directory import ORDER
from app.blueprints.workshops.fields import (
    COUNTRY,
    COUNTRY_CODE,
    CURRENCY,
    LOCALE,
    SLUG,
    Chosen,
    NewWorkshopIn,
    Slug,
    TimeZone,
    Website,
)
from app.blueprints.workshops.models import STATES
from app.blueprints.workshops.opening_schemas import ClosesNext, ClosureBrief, DayOut, OpenNow, OpensNext
from app.core.paging import ListQuery
from app.core.parameters import CommaSeparated, QueryNumber
from app.core.schema import Degrees, Email, Flag, Instant, Money, PatchSchema, Percent, Phone, Schema, Text

DESCRIPTION = {"example": "Family-run since 1984."}
LATITUDE = {"description": "With longitude, or neither.", "example": 41.8817}
LONGITUDE = {"description": "With latitude, or neither.", "example": -87.6584}
PLACE_ID = {"description": "A map provider's name for the place.", "example": "ChIJ7cv00DwsDogR"}
LISTED = {"description": "Whether it is in the public directory.", "example": True}
INCLUDED = {"description": "Whether prices have the tax in them.", "example": False}
LABOUR_RATE = {"description": "What an hour of work costs where a line does not say.", "example": 95}
APPROVAL = {
    "description": "Whether work begins only once the customer agreed to what it comes to.",
    "example": False,
}
TOLERANCE = {"description": "By how much, in percent, work may come to more than was approved.", "example": 0}
SECOND_FACTOR = {
    "description": "Whether owner, mechanics and other staff may do nothing here until they have a second factor.",
    "example": False,
}
INSPECTIONS = {
    "description": "Whether customers see an inspection as soon as it is finished, without an owner's validation.",
    "example": False,
}
PROGRESS = {
    "description": "Whether customers see a progress update as soon as it is written, without an owner's validation.",
    "example": False,
}
ANY_OF = {"description": "Any one of these, comma-separated.", "example": ["brakes"]}


class Specialisations(fields.List[str]):
    """What a workshop is good at."""

    def __init__(self, **options: Any) -> None:
        known = vocabulary.SPECIALISATIONS
        super().__init__(
            fields.String(validate=validate.OneOf(known)),
            validate=validate.Length(max=len(known)),
            metadata={"description": "What it is good at.", "example": ["brakes", "diagnostics"]},
            **options,
        )


class WorkshopIn(Schema):
    """A workshop's entry and settings, whole: what is left out is empty afterwards."""

    name = Text(required=True, metadata={"example": "Obi's Garage"})
    slug = Slug(required=True)
    description = Text(longest=2000, load_default=None, allow_none=True, metadata=DESCRIPTION)
    specialisations = Specialisations(load_default=list)
    street = Text(load_default=None, allow_none=True, metadata={"example": "1200 W Madison St"})
    city = Text(longest=100, load_default=None, allow_none=True, metadata={"example": "Chicago"})
    region = Text(longest=100, load_default=None, allow_none=True, metadata={"example": "IL"})
    postal_code = Text(longest=20, load_default=None, allow_none=True, metadata={"example": "60607"})
    country = Chosen(vocabulary.COUNTRIES, "US", COUNTRY, required=True)
    latitude = Degrees(90, load_default=None, allow_none=True, metadata=LATITUDE)
    longitude = Degrees(180, load_default=None, allow_none=True, metadata=LONGITUDE)
    place_id = Text(longest=255, load_default=None, allow_none=True, metadata=PLACE_ID)
    phone = Phone(load_default=None, allow_none=True, metadata={"example": "312-555-0100"})
    email = Email(load_default=None, allow_none=True, metadata={"example": "office@example.com"})
    website = Website(load_default=None, allow_none=True)
    listed = Flag(load_default=False, metadata=LISTED)
    currency = Chosen(vocabulary.CURRENCIES, "USD", CURRENCY, required=True)
    locale = Chosen(vocabulary.LOCALES, "en-US", LOCALE, required=True)
    time_zone = TimeZone(required=True)
    tax_rate = Percent(load_default=None, allow_none=True)
    tax_id = Text(longest=40, load_default=None, allow_none=True, metadata={"example": "36-1234567"})
    prices_include_tax = Flag(load_default=False, metadata=INCLUDED)
    labour_rate = Money(load_default=None, allow_none=True, metadata=LABOUR_RATE)
    approval_required = Flag(load_default=False, metadata=APPROVAL)
    approval_tolerance = Percent(load_default=Decimal(0), metadata=TOLERANCE)
    second_factor_for_staff = Flag(load_default=False, metadata=SECOND_FACTOR)
    inspections_validated_automatically = Flag(load_default=False, metadata=INSPECTIONS)
    progress_validated_automatically = Flag(load_default=False, metadata=PROGRESS)


class WorkshopForOwnerIn(NewWorkshopIn):
    """A workshop to open, and whose it will be."""

    owner_email = Email(
        required=True,
        metadata={
            "description": "Its owner's. Without an account they get one, and a letter to set its password by.",
            "example": "ada@example.com",
        },
    )


class WorkshopPatch(PatchSchema):
    """What its owner changes of a workshop."""

    name = Text(metadata={"example": "Obi's Garage"})
    slug = Slug()
    description = Text(longest=2000, allow_none=True, metadata=DESCRIPTION)
    specialisations = Specialisations()
    street = Text(allow_none=True, metadata={"example": "1200 W Madison St"})
    city = Text(longest=100, allow_none=True, metadata={"example": "Chicago"})
    region = Text(longest=100, allow_none=True, metadata={"example": "IL"})
    postal_code = Text(longest=20, allow_none=True, metadata={"example": "60607"})
    country = Chosen(vocabulary.COUNTRIES, "US", COUNTRY)
    latitude = Degrees(90, allow_none=True, metadata=LATITUDE)
    longitude = Degrees(180, allow_none=True, metadata=LONGITUDE)
    place_id = Text(longest=255, allow_none=True, metadata=PLACE_ID)
    phone = Phone(allow_none=True, metadata={"example": "312-555-0100"})
    email = Email(allow_none=True, metadata={"example": "office@example.com"})
    website = Website(allow_none=True)
    listed = Flag(metadata=LISTED)
    currency = Chosen(vocabulary.CURRENCIES, "USD", CURRENCY)
    locale = Chosen(vocabulary.LOCALES, "en-US", LOCALE)
    time_zone = TimeZone()
    tax_rate = Percent(allow_none=True)
    tax_id = Text(longest=40, allow_none=True, metadata={"example": "36-1234567"})
    prices_include_tax = Flag(metadata=INCLUDED)
    labour_rate = Money(allow_none=True, metadata=LABOUR_RATE)
    approval_required = Flag(metadata=APPROVAL)
    approval_tolerance = Percent(metadata=TOLERANCE)
    second_factor_for_staff = Flag(metadata=SECOND_FACTOR)
    inspections_validated_automatically = Flag(metadata=INSPECTIONS)
    progress_validated_automatically = Flag(metadata=PROGRESS)


class WorkshopOut(Schema):
    """A workshop, as the directory shows it.

    Its settings are for its owner: taxes, what must be approved, `listed`, `second_factor_for_staff`, what is validated by
    itself. Its state is for admins.
    """

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Obi's Garage"})
    slug = fields.String(required=True, metadata=SLUG)
    description = fields.String(required=True, allow_none=True, metadata=DESCRIPTION)
    specialisations = fields.List(
        fields.String(), required=True, metadata={"example": ["brakes", "diagnostics"]}
    )
    location = fields.String(
        required=True, allow_none=True, metadata={"description": "In short.", "example": "Chicago, IL"}
    )
    full_address = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "On one line.", "example": "1200 W Madison St, 60607 Chicago, IL, US"},
    )
    street = fields.String(required=True, allow_none=True, metadata={"example": "1200 W Madison St"})
    city = fields.String(required=True, allow_none=True, metadata={"example": "Chicago"})
    region = fields.String(required=True, allow_none=True, metadata={"example": "IL"})
    postal_code = fields.String(required=True, allow_none=True, metadata={"example": "60607"})
    country = fields.String(required=True, metadata={"example": "US"})
    latitude = fields.Float(required=True, allow_none=True, metadata={"example": 41.8817})
    longitude = fields.Float(required=True, allow_none=True, metadata={"example": -87.6584})
    place_id = fields.String(required=True, allow_none=True, metadata=PLACE_ID)
    phone = fields.String(required=True, allow_none=True, metadata={"example": "+13125550100"})
    email = fields.String(required=True, allow_none=True, metadata={"example": "office@example.com"})
    website = fields.String(required=True, allow_none=True, metadata={"example": "https://www.example.com"})
    rating = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "The average, 0 to 5; null without any.", "example": 4.67},
    )
    rating_count = fields.Integer(required=True, metadata={"example": 12})
    currency = fields.String(required=True, metadata={"example": "USD"})
    locale = fields.String(required=True, metadata={"example": "en-US"})
    time_zone = fields.String(required=True, metadata={"example": "America/Chicago"})
    open_now = OpenNow(required=True, allow_none=True)
    opens_next = OpensNext(required=True, allow_none=True)
    closes_next = ClosesNext(required=True, allow_none=True)
    opening_hours = fields.List(fields.Nested(DayOut), required=True)
    closures = fields.List(
        fields.Nested(ClosureBrief),
        required=True,
        metadata={"description": "The present one and those that begin within two months."},
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)
    listed = fields.Boolean(metadata={"description": "For its owner and admins.", "example": True})
    tax_rate = Percent(allow_none=True, metadata={"description": "For its owner.", "example": 8.875})
    tax_id = fields.String(
        allow_none=True, metadata={"description": "For its owner.", "example": "36-1234567"}
    )
    prices_include_tax = fields.Boolean(metadata={"description": "For its owner.", "example": False})
    labour_rate = Money(allow_none=True, metadata={"description": "For its owner.", "example": 95})
    approval_required = fields.Boolean(metadata={"description": "For its owner.", "example": False})
    approval_tolerance = Percent(metadata={"description": "For its owner.", "example": 0})
    second_factor_for_staff = fields.Boolean(metadata={"description": "For its owner.", "example": False})
    inspections_validated_automatically = fields.Boolean(
        metadata={"description": "For its owner.", "example": False}
    )
    progress_validated_automatically = fields.Boolean(
        metadata={"description": "For its owner.", "example": False}
    )
    state = fields.String(
        validate=validate.OneOf(STATES), metadata={"description": "For admins.", "example": "open"}
    )
    suspended_at = Instant(allow_none=True, metadata={"description": "For admins.", "example": None})
    suspension_reason = fields.String(
        allow_none=True, metadata={"description": "For admins.", "example": None}
    )
    closed_at = Instant(allow_none=True, metadata={"description": "For admins.", "example": None})


class NearbyOut(WorkshopOut):
    """A workshop near a place."""

    distance_km = fields.Float(
        required=True,
        metadata={"description": "Along a great circle, to the metre.", "example": 3.142},
    )


class WorkshopsQuery(ListQuery):
    """Which workshops, in which order."""

    sort = ORDER.field()
    q = Text(longest=100, metadata={"description": "Words in the name, in any order.", "example": "garage"})
    city = Text(longest=100, metadata={"description": "The whole name, in any case.", "example": "Chicago"})
    country = Chosen(vocabulary.COUNTRIES, "US", COUNTRY_CODE)
    specialisation = CommaSeparated(vocabulary.SPECIALISATIONS, metadata=ANY_OF)
    state = CommaSeparated(
        STATES,
        metadata={"description": "For admins: any one of these, comma-separated.", "example": ["suspended"]},
    )


class NearbyQuery(ListQuery):
    """A place, how far around it, and in which order."""

    sort = nearby.ORDER.field()
    lat = QueryNumber(
        required=True,
        validate=validate.Range(-90, 90),
        metadata={"description": "Latitude.", "example": 41.88},
    )
    lng = QueryNumber(
        required=True,
        validate=validate.Range(-180, 180),
        metadata={"description": "Longitude.", "example": -87.63},
    )
    radius = QueryNumber(
        load_default=nearby.USUAL_RADIUS_KM,
        validate=validate.Range(0, nearby.GREATEST_RADIUS_KM, min_inclusive=False),
        metadata={"description": "In kilometres, at most 500.", "exclusiveMinimum": 0, "example": 10},
    )
    specialisation = CommaSeparated(vocabulary.SPECIALISATIONS, metadata=ANY_OF)


class ClosingQuery(Schema):
    """The confirmation."""

    name = Text(
        required=True,
        metadata={
            "description": "The workshop's name, to confirm that it is meant.",
            "example": "Obi's Garage",
        },
    )
