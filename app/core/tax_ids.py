"""Tax numbers of businesses, by the rules of their country (python-stdnum)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from stdnum import get_cc_module
from stdnum.exceptions import ValidationError

LONGEST = 40
# Where businesses have a number that is no VAT number.
_OTHERS = {"US": "us.ein"}


class NotATaxId(ValueError):
    """Not a tax number of its country: its length, form or check digit is wrong."""


def normalised(country: str, text: str) -> str:
    """Return a tax number of a country (ISO 3166-1 alpha-2) without blanks and marks; as it is where no rules are known.

    :raises NotATaxId: it is none of that country.
    """
    module = _rules_of(country)
    if module is None:
        return " ".join(text.split())
    if not text.isascii():
        raise NotATaxId
    try:
        number = str(module.validate(text))
    except ValidationError as error:
        raise NotATaxId from error
    if len(number) > LONGEST:
        raise NotATaxId
    return number


def _rules_of(country: str) -> Any:
    if country in _OTHERS:
        return import_module(f"stdnum.{_OTHERS[country]}")
    return get_cc_module(country, "vat")
