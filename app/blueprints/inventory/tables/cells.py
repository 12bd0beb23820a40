"""How the cells of a table are read: each kind of column from text to a value, and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from email_validator import EmailNotValidError, validate_email

from app.blueprints.inventory import barcodes
from app.blueprints.inventory.vocabulary import PRICINGS, UNITS
from app.blueprints.workshops.vocabulary import COUNTRIES
from app.core.money import from_cents, to_cents
from app.core.quantities import GREATEST_QUANTITY, told, trimmed
from app.core.sheets import Line

# A comma before one or two digits is a decimal one, as in half of Europe's spreadsheets; before three it may part thousands.
_PRICE = re.compile(r"[0-9]{1,10}(?:[.,][0-9]{1,2})?")
_QUANTITY = re.compile(r"[0-9]{1,10}(?:\.[0-9]{1,3}|,[0-9]{1,2})?")
_WHOLE = re.compile(r"[0-9]{1,18}")
_PHONE = re.compile(r"\+?\(?[0-9][0-9 ().\-/]*[0-9)](?: ?x[0-9]+)?")
_WEBSITE = re.compile(r"https?://[A-Za-z0-9][!-;=?-~]*")


class WrongCell(ValueError):
    """A cell that is not what its column takes. The text is for whoever mends the file."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how a cell becomes a value, and whether it may be empty."""

    parse: Callable[[str], Any]
    needed: bool = False


def text(longest: int) -> Callable[[str], str]:
    """Return how a text of at most so many characters is read."""

    def parse(cell: str) -> str:
        if len(cell) > longest:
            raise WrongCell(f"Longer than {longest} characters.")
        return cell

    return parse


def price(cell: str) -> Decimal:
    """Read an amount of money: 19.99 or 19,99."""
    if not _PRICE.fullmatch(cell):
        raise WrongCell("Not an amount such as 19.99.")
    return from_cents(to_cents(_decimal(cell)))


def quantity(cell: str) -> Decimal:
    """Read a quantity of at most three places: 4.5 or 4,5."""
    if not _QUANTITY.fullmatch(cell) or (found := _decimal(cell)) > GREATEST_QUANTITY:
        raise WrongCell("Not a quantity such as 4.5.")
    return trimmed(found)


def _decimal(cell: str) -> Decimal:
    return Decimal(cell.replace(",", "."))


def positive(cell: str) -> Decimal:
    """Read a quantity above 0."""
    if not (found := quantity(cell)):
        raise WrongCell("Not above 0.")
    return found


def whole(most: int) -> Callable[[str], int]:
    """Return how a whole number from 0 is read."""

    def parse(cell: str) -> int:
        if not _WHOLE.fullmatch(cell) or int(cell) > most:
            raise WrongCell(f"Not a whole number from 0 to {most}.")
        return int(cell)

    return parse


def unit(cell: str) -> str:
    """Read by what a part is counted."""
    if cell not in UNITS:
        raise WrongCell(f"Not a unit: {', '.join(UNITS)}.")
    return cell


def pricing(cell: str) -> str:
    """Read how a part is priced."""
    if cell not in PRICINGS:
        raise WrongCell(f"Not a pricing: {', '.join(PRICINGS)}.")
    return cell


def barcode(cell: str) -> str:
    """Read a barcode, into the form in which it is kept."""
    found = barcodes.normalised_or_none(cell)
    if found is None:
        raise WrongCell("Not an EAN-8, EAN-13 or UPC-A, or its check digit is wrong.")
    return found


def email(cell: str) -> str:
    """Read an address, in lower case."""
    try:
        found = validate_email(cell, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise WrongCell("Not a valid email address.") from error
    return text(254)(found.normalized.lower())


def phone(cell: str) -> str:
    """Read a telephone number."""
    if not 5 <= len(cell) <= 20 or not _PHONE.fullmatch(cell):
        raise WrongCell("A phone number has digits and the usual marks: + ( ) . - /")
    return cell


def website(cell: str) -> str:
    """Read the address of a page."""
    if not _WEBSITE.fullmatch(text(300)(cell)):
        raise WrongCell("Not the address of a page: https://...")
    return cell


def country(cell: str) -> str:
    """Read a country (ISO 3166-1 alpha-2)."""
    if cell not in COUNTRIES:
        raise WrongCell("Not a country such as PL.")
    return cell


def rating(cell: str) -> Decimal:
    """Read a rating from 0 to 5."""
    if (found := price(cell)) > 5:
        raise WrongCell("From 0 to 5.")
    return found


def flag(cell: str) -> bool:
    """Read yes or no."""
    if cell not in ("yes", "no"):
        raise WrongCell("`yes` or `no`.")
    return cell == "yes"


def parsed(line: Line, columns: Mapping[str, Column]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the values of a line by its columns, and what is wrong with which cell."""
    values: dict[str, Any] = {}
    faults: dict[str, list[str]] = {}
    if line.fault is not None:
        return values, {"line": [line.fault]}
    for name, cell in line.cells.items():
        if cell is None:
            values[name] = None
            if columns[name].needed:
                faults[name] = ["Empty."]
            continue
        try:
            values[name] = columns[name].parse(cell)
        except WrongCell as wrong:
            faults[name] = [str(wrong)]
    return values, faults


def written(value: Any) -> str:
    """Return a value as a cell, in the form in which it is read again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal) and value.as_tuple().exponent != -2:
        return f"{told(value)}"
    return str(value)
