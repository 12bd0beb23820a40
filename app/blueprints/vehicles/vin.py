"""Vehicle identification numbers: ISO 3779, and the check digit of 49 CFR 565.15."""

from __future__ import annotations

import re

from app.core.errors import Invalid

_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_CHASSIS_NUMBER = re.compile(r"(?=.*[A-Z0-9])[A-Z0-9-]{3,16}")
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES = dict(
    zip(
        "0123456789ABCDEFGHJKLMNPRSTUVWXYZ",
        (*range(10), *range(1, 9), *range(1, 6), 7, 9, *range(2, 10)),
        strict=True,
    )
)
LENGTH, TAIL_LENGTH = 17, 6
SHORT_BEFORE = 1981
"""From this model year on a VIN has its 17 characters (49 CFR 565)."""
# What `normalised` takes, as the document tells it (ECMA-262).
PATTERN = r"^ *(?:(?:[A-HJ-NPR-Za-hj-npr-z0-9] *){17}|(?=[ -]*[A-Za-z0-9])(?:[A-Za-z0-9-] *){3,16})$"


class InvalidVin(Invalid):
    """Neither a VIN nor the chassis number of a car from before 1981."""

    code, title = "invalid_vin", "The VIN is not valid."


def normalised(text: str) -> str:
    """Return a VIN in capitals and without blanks; a shorter text is an old car's chassis number.

    :raises InvalidVin: not 17 of A-HJ-NPR-Z0-9, nor 3 to 16 letters, digits and hyphens, of which one is no hyphen.
    """
    given = "".join(text.split())
    vin = given.upper()  # of more than ASCII that makes other letters: ß becomes SS
    if not given.isascii() or not (_VIN.fullmatch(vin) or _CHASSIS_NUMBER.fullmatch(vin)):
        raise InvalidVin(
            "17 of A-Z and 0-9 without I, O and Q are needed; fewer for a car from before 1981.",
            errors={"VIN": ["Not a VIN, nor a chassis number of 3 to 16 letters, digits and hyphens."]},
        )
    return vin


def is_short(vin: str) -> bool:
    """Tell whether a normalised `vin` is the chassis number of a car from before 1981."""
    return len(vin) < LENGTH


def check_digit(vin: str) -> str:
    """Return the ninth character that a 17-character `vin` should have (49 CFR 565.15: weighted sum modulo 11, 10 is X)."""
    remainder = sum(_VALUES[character] * weight for character, weight in zip(vin, _WEIGHTS, strict=True)) % 11
    return "X" if remainder == 10 else str(remainder)


def warnings(vin: str) -> list[str]:
    """Return what a person should look at twice in a normalised `vin`; nothing that would refuse it."""
    if is_short(vin):
        return ["Shorter than 17 characters: taken as the chassis number of a car from before 1981."]
    if vin[0] in "12345" and vin[8] != check_digit(vin):
        return [
            f"The check digit (position 9) of this North American VIN should be {check_digit(vin)}: is it misread?"
        ]
    return []
