"""Telephone numbers: E.164 where they are valid in the workshop's country, else as they were given."""

from __future__ import annotations

import phonenumbers


def normalised(text: str, country: str) -> str:
    """Return `text` as E.164 (ITU-T) when it is a valid number in `country` (ISO 3166-1 alpha-2), else unchanged."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return text
    if not phonenumbers.is_valid_number(number) or number.extension:
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
