"""Vehicle identification numbers: what is taken, in which form, and what is worth a second look."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.blueprints.vehicles.vin import PATTERN, InvalidVin, check_digit, is_short, normalised, warnings

IN_A_VIN = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
VINS = st.text(IN_A_VIN, min_size=17, max_size=17)
anything = settings(deadline=None)

# VIN and the check digit that it should have. The first is the worked example of 49 CFR 565.15 as it is usually told;
# 17 ones are the well-known number that satisfies it by design.
KNOWN = [
    ("1M8GDM9AXKP042788", "X"),
    ("11111111111111111", "1"),
    ("5GZCZ43D13S812715", "1"),
    ("1HGCM82633A004352", "3"),
    ("JHMCM56557C404453", "5"),
    ("1M8GDM9A1KP042788", "X"),
    ("1HGCM82633A004353", "5"),
    ("00000000000000000", "0"),
]


@pytest.mark.parametrize(("vin", "digit"), KNOWN)
def test_the_check_digit_of_known_numbers(vin: str, digit: str) -> None:
    assert check_digit(vin) == digit


def by_arithmetic(vin: str) -> str:
    """Reckon the check digit another way: letters in three rows of the keyboard of 565.15, weights counted down."""
    total = 0
    for place, character in enumerate(vin, start=1):
        if character.isdigit():
            value = int(character)
        elif character <= "I":
            value = ord(character) - ord("A") + 1
        elif character <= "R":
            value = ord(character) - ord("J") + 1
        else:
            value = ord(character) - ord("S") + 2
        weight = {8: 10, 9: 0}.get(place, 9 - place if place < 8 else 19 - place)
        total += value * weight
    return "0123456789X"[total % 11]


@anything
@given(vin=VINS)
def test_the_check_digit_agrees_with_another_reckoning(vin: str) -> None:
    assert check_digit(vin) == by_arithmetic(vin)


@anything
@given(vin=VINS, other=st.sampled_from(IN_A_VIN))
def test_only_a_wrong_digit_of_a_north_american_car_is_worth_a_look(vin: str, other: str) -> None:
    right = vin[:8] + by_arithmetic(vin) + vin[9:]
    typed = vin[:8] + other + vin[9:]

    assert warnings(right) == []
    assert bool(warnings(typed)) == (vin[0] in "12345" and typed != right)


@anything
@given(
    digits=st.text("0123456789", min_size=16, max_size=16),
    place=st.sampled_from([place for place in range(1, 17) if place != 8]),
    other=st.sampled_from("0123456789"),
)
def test_one_misread_figure_is_always_noticed(digits: str, place: int, other: str) -> None:
    right = f"1{digits[:7]}{by_arithmetic('1' + digits)}{digits[8:]}"
    misread = right[:place] + other + right[place + 1 :]

    assert bool(warnings(misread)) == (misread != right)


def test_the_warning_names_the_digit_that_was_expected() -> None:
    assert warnings("1M8GDM9A1KP042788") == [
        "The check digit (position 9) of this North American VIN should be X: is it misread?"
    ]


@pytest.mark.parametrize(
    "vin", ["WP0ZZZ99ZTS392124", "JHMCM56557C404453", "VF1BB05CF12345678", "6T153SK2000000000"]
)
def test_cars_from_elsewhere_need_no_check_digit(vin: str) -> None:
    assert warnings(vin) == []


@pytest.mark.parametrize("number", ["ABC", "123456", "9F02M123456", "1G-1234-5678", "0" * 16])
def test_an_old_cars_number_is_marked_as_such(number: str) -> None:
    assert normalised(number) == number
    assert "before 1981" in warnings(number)[0]
    assert is_short(number)


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("1hgcm82633a004352", "1HGCM82633A004352"),
        ("  1HGCM82633A004352  ", "1HGCM82633A004352"),
        ("1HGCM 8263 3A 004352", "1HGCM82633A004352"),
        ("1HGCM\t82633\nA004352", "1HGCM82633A004352"),
        ("1HGCM82633A\u00a0004352", "1HGCM82633A004352"),
        ("iq-o 1", "IQ-O1"),
    ],
)
def test_blanks_and_case_do_not_matter(given_: str, kept: str) -> None:
    assert normalised(given_) == kept


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "AB", "A" * 18, "1HGCM82633A0O4352", "1HGCM82633A0I4352", "1HGCM82633A0Q4352",
        "1HGCM82633A-04352", "1HGCM82633A_04352",
        "1HGCM82633A00435é", "ß" * 8, "\uff11\uff12\uff13\uff14\uff15\uff16", "\u0410\u0412\u0421123", "123'--",
        "a\0bc", "ﬁ123", "---", "- - -", "-" * 16,
        "1HGCM82633A004352,1M8GDM9AXKP042788",
    ],
)  # fmt: skip
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(InvalidVin) as refusal:
        normalised(text)

    assert list(refusal.value.errors or ()) == ["VIN"]


@anything
@given(text=st.one_of(st.text(max_size=20), st.text(IN_A_VIN + " -iIoOqQ", max_size=20)))
def test_the_pattern_of_the_document_says_what_is_taken(text: str) -> None:
    text = re.sub(
        r"[^\S ]", " ", text
    )  # tabs and other blanks are taken too, which the document has no need to say
    try:
        kept = normalised(text)
    except InvalidVin:
        kept = None

    assert (kept is not None) == bool(re.fullmatch(PATTERN, text))
    assert kept is None or (normalised(kept) == kept and not re.search(r"[\sa-z]", kept))
