"""The fields of a workshop that other features ask for too: what it is called, where it is and how it reckons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate

from app.blueprints.workshops import vocabulary
from app.core.schema import Schema, Text

SLUG = {"description": "Its short name, as in X-Workshop.", "example": "obis-garage"}
COUNTRY_CODE = "ISO 3166-1 alpha-2."
COUNTRY = "ISO 3166-1 alpha-2: where phone numbers are read."
CURRENCY = "ISO 4217. It stays once there are prices in it."
LOCALE = "BCP 47: the language of mails."


class Slug(Text):
    """A workshop's short name."""

    PATTERN = r"^[a-z0-9][a-z0-9\-]{0,58}[a-z0-9]$"

    def __init__(self, **options: Any) -> None:
        super().__init__(shortest=2, longest=60, metadata={"pattern": self.PATTERN, **SLUG}, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(self.PATTERN, text):
            raise ValidationError("A slug has 2 to 60 of a-z, 0-9 and hyphens inside.")
        return text


class TimeZone(Text):
    """The name of an IANA time zone."""

    FORM: ClassVar[str] = r"^[A-Za-z][A-Za-z0-9_+\-/]*$"

    def __init__(self, **options: Any) -> None:
        metadata = {"pattern": self.FORM, "description": "IANA's name.", "example": "America/Chicago"}
        super().__init__(longest=60, metadata=metadata, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text not in vocabulary.time_zones():
            raise ValidationError("Not an IANA time zone, such as Europe/Warsaw.")
        return text


class Website(Text):
    """The address of a page, by http or https and without credentials in it."""

    PATTERN = r"^https?://[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?:[/?#][!-;=?-~]*)?$"

    def __init__(self, **options: Any) -> None:
        metadata = {"pattern": self.PATTERN, "example": "https://obis-garage.example.com"}
        super().__init__(longest=300, metadata=metadata, **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(self.PATTERN, text):
            raise ValidationError("Not the address of a page: https://...")
        return text


class Chosen(fields.String):
    """One of the `known` words."""

    def __init__(self, known: tuple[str, ...], example: str, text: str, **options: Any) -> None:
        metadata = {"description": text, "example": example}
        super().__init__(validate=validate.OneOf(known), metadata=metadata, **options)


class NewWorkshopIn(Schema):
    """A workshop to open: what is left out is what is usual in its country, and the slug is made of the name."""

    name = Text(required=True, metadata={"example": "Ada's Garage"})
    slug = Slug()
    country = Chosen(vocabulary.COUNTRIES, "PL", COUNTRY, load_default="US")
    currency = Chosen(vocabulary.CURRENCIES, "PLN", CURRENCY)
    locale = Chosen(vocabulary.LOCALES, "pl-PL", LOCALE)
    time_zone = TimeZone()
