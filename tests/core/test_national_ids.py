"""National identification numbers: each kind by the rules of its country."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from app.core import national_ids
from app.core.national_ids import KINDS, NotANationalId, masked, normalised

pytestmark = pytest.mark.one_database

# Well-formed numbers from the issuers' own or python-stdnum's documentation; none is known to be a living person's.
VALID = {
    "AT-VNR": "1237 010180", "BE-NN": "85.07.30-033 28", "BG-EGN": "752316 926 3", "BR-CPF": "390.533.447-05",
    "CH-AHV": "756.9217.0769.85", "CZ-RC": "710319/2745", "DE-IDNR": "36 574 261 809", "DK-CPR": "211062-5629",
    "EE-IK": "36805280109", "ES-DNI": "54362315-K", "ES-NIE": "x-2482300w", "FI-HETU": "131052-308T",
    "FR-NIR": "2 95 10 99 126 111 93", "GB-NINO": "AB 12 34 56 C", "HR-OIB": "33392005961", "IE-PPS": "6433435F",
    "IN-AADHAAR": "234123412346", "IT-CF": "RCCMNL83S18D969H", "LT-AK": "33309240064", "MX-CURP": "BOXW310820HNERXN09",
    "NL-BSN": "1112.22.333", "NO-FNR": "151086 95088", "PL-PESEL": "44051401359", "PT-CC": "00000000 0 ZZ4",
    "RO-CNP": "1630615123457", "SE-PNR": "880320-0016", "SK-RC": "710319/2745", "TR-TCKN": "17291716060",
    "UA-RNTRC": "1759013776", "US-SSN": "536-90-4399", "ZA-ID": "7503305044089",
}  # fmt: skip


def test_every_kind_has_an_example() -> None:
    assert set(VALID) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_is_taken_with_its_marks_and_kept_without(kind: str) -> None:
    number = normalised(kind, VALID[kind])

    assert number == normalised(kind, number)
    assert " " not in number


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "1", "not a number", "\uff14" * 11, "9" * 40])
def test_what_is_none_is_refused(kind: str, text: str) -> None:
    with pytest.raises(NotANationalId):
        normalised(kind, text)


@pytest.mark.parametrize("text", ["44051401358", "44051401395", "44133101359"], ids=["digit", "order", "day"])
def test_a_pesel_with_a_slip_is_refused(text: str) -> None:
    with pytest.raises(NotANationalId):
        normalised("PL-PESEL", text)


@pytest.mark.parametrize("text", ["BG123456C", "DA123456C", "AO123456C", "AB123456E", "AB12345C"])
def test_a_national_insurance_number_that_is_never_given_out_is_refused(text: str) -> None:
    with pytest.raises(NotANationalId):
        normalised("GB-NINO", text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("880320-0016", "198803200016"),
        ("8803200016", "198803200016"),
        ("19880320-0016", "198803200016"),
        ("198803200016", "198803200016"),
        ("880320+0016", "188803200016"),
        ("18880320+0016", "188803200016"),
        ("261129-0012", "202611290012"),  # today
        ("261130-0019", "192611300019"),  # tomorrow
        ("261130+0019", "192611300019"),
    ],
)
def test_a_swedish_number_has_one_form_however_its_century_is_told(text: str, number: str) -> None:
    with time_machine.travel(datetime(2026, 11, 29, 12, tzinfo=UTC), tick=False):
        assert normalised("SE-PNR", text) == number
        assert normalised("SE-PNR", number) == number


def test_a_mask_shows_the_end_alone() -> None:
    assert masked("44051401359") == "********359"
    assert national_ids.SHOWN == 3
