"""National identification numbers: which there are, and whether one is well-formed (python-stdnum)."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from app.core import clock

# Kind: its module in python-stdnum, which names the standard or law that each follows.
_MODULES = {
    "AT-VNR": "at.vnr",
    "BE-NN": "be.nn",
    "BG-EGN": "bg.egn",
    "BR-CPF": "br.cpf",
    "CH-AHV": "ch.ssn",
    "CZ-RC": "cz.rc",
    "DE-IDNR": "de.idnr",
    "DK-CPR": "dk.cpr",
    "EE-IK": "ee.ik",
    "ES-DNI": "es.dni",
    "ES-NIE": "es.nie",
    "FI-HETU": "fi.hetu",
    "FR-NIR": "fr.nir",
    "HR-OIB": "hr.oib",
    "IE-PPS": "ie.pps",
    "IN-AADHAAR": "in_.aadhaar",
    "IT-CF": "it.codicefiscale",
    "LT-AK": "lt.asmens",
    "MX-CURP": "mx.curp",
    "NL-BSN": "nl.bsn",
    "NO-FNR": "no.fodselsnummer",
    "PL-PESEL": "pl.pesel",
    "PT-CC": "pt.cc",
    "RO-CNP": "ro.cnp",
    "SE-PNR": "se.personnummer",
    "SK-RC": "sk.rc",
    "TR-TCKN": "tr.tckimlik",
    "UA-RNTRC": "ua.rntrc",
    "US-SSN": "us.ssn",
    "ZA-ID": "za.idnr",
}
KINDS: tuple[str, ...] = tuple(sorted([*_MODULES, "GB-NINO"]))
SHOWN = 3
LONGEST = 18

# His Majesty's Revenue and Customs, National Insurance Manual NIM39110.
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]")


class NotANationalId(ValueError):
    """Not a well-formed number of its kind."""


def normalised(kind: str, text: str) -> str:
    """Return a number of one of `KINDS` without blanks and marks, in the one form by which it is told from others.

    :raises NotANationalId: its length, form or check digit is wrong.
    """
    if not text.isascii():
        raise NotANationalId
    if kind == "GB-NINO":
        number = re.sub(r"[ -]", "", text).upper()
        if not _NINO.fullmatch(number):
            raise NotANationalId
        return number
    module: Any = import_module(f"stdnum.{_MODULES[kind]}")
    try:
        number = str(module.validate(text))
    except import_module("stdnum.exceptions").ValidationError as error:
        raise NotANationalId from error
    if len(number) > LONGEST:  # python-stdnum lets a Portuguese one be of any length
        raise NotANationalId
    return _with_century(number) if kind == "SE-PNR" else number


def _with_century(number: str) -> str:
    """Return a Swedish number as 12 digits: a short one's century is told by today and its sign, `+` of who turns 100 or has.

    Folkbokföringslag (1991:481), section 18.
    """
    digits = number[:-5] + number[-4:]
    if len(digits) == 12:
        return digits
    born, today = int(digits[:6]), clock.today()
    this_century = today.year // 100
    is_to_come = born > int(f"{today:%y%m%d}")
    if number[-5] == "+":
        is_to_come = born // 10_000 > today.year % 100
        this_century -= 1
    return f"{this_century - is_to_come}{digits}"


def masked(number: str) -> str:
    """Return a number with all but its last three characters hidden."""
    return "*" * (len(number) - SHOWN) + number[-SHOWN:]
