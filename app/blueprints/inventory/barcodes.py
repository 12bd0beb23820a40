"""Barcodes: EAN-8, EAN-13 and UPC-A (GS1 General Specifications, GTIN-8, GTIN-13 and GTIN-12), by their check digits."""

from __future__ import annotations

from stdnum import ean
from stdnum.exceptions import ValidationError

LENGTHS = (8, 12, 13)
PATTERN = r"^[0-9](?:[ \-]?[0-9]){7,12}$"
LONGEST = 25


class NotABarcode(ValueError):
    """Neither an EAN-8, an EAN-13 nor a UPC-A, or the check digit is wrong."""


def normalised(text: str) -> str:
    """Return a barcode in its digits alone; an EAN-13 that begins with 0 is the UPC-A that scanners make it of.

    :raises NotABarcode: its length or check digit is wrong.
    """
    if not text.isascii():
        raise NotABarcode
    try:
        digits = str(ean.validate(text))
    except ValidationError as error:
        raise NotABarcode from error
    if len(digits) not in LENGTHS:
        raise NotABarcode
    return digits[1:] if len(digits) == 13 and digits.startswith("0") else digits


def normalised_or_none(text: str) -> str | None:
    """Return a scanned code as a barcode, None where it is none."""
    try:
        return normalised(text)
    except NotABarcode:
        return None
