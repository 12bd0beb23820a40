"""The fields that the whole API shares: what they take, what they refuse, what they answer."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask, json
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema as PlainSchema
from marshmallow import ValidationError, fields

from app.core import phones
from app.core.money import GREATEST_AMOUNT
from app.core.parameters import CommaSeparated, QueryInteger
from app.core.schema import (
    GREATEST_ID,
    Day,
    Email,
    Instant,
    Message,
    Money,
    Password,
    PatchSchema,
    Phone,
    Reference,
    Schema,
    Text,
    Whole,
)

pytestmark = pytest.mark.one_database


def refused(field: fields.Field[Any], value: Any) -> bool:
    try:
        field.deserialize(value)
    except ValidationError as refusal:
        return bool(refusal.messages)
    return False


class TestText:
    @pytest.mark.parametrize(
        ("given_", "taken"),
        [
            ("Ada", "Ada"),
            ("  Ada Obi ", "Ada Obi"),
            ("żółć", "żółć"),
            ("a\nb\tc", "a\nb\tc"),
            ("x" * 200, "x" * 200),
            ("😀", "😀"),
            ("E\u0301mile", "\u00c9mile"),  # composed, as keyboards write it
            ("م\u200cع", "م\u200cع"),  # a name that is written with a mark that is not seen
        ],
    )
    def test_is_trimmed(self, given_: str, taken: str) -> None:
        assert Text().deserialize(given_) == taken

    @pytest.mark.parametrize(
        "given_", ["", "   ", "x" * 201, "a\x00b", "a\x07b", "\x7f", 7, None, True, [], {}]
    )
    def test_is_not_empty_long_or_full_of_control_characters(self, given_: Any) -> None:
        assert refused(Text(), given_)

    @pytest.mark.parametrize(
        "given_",
        [
            " ",
            "\u00a0",
            "\u200b\u200b",
            "\u2060",
            "\u202e\u00ad",
            "\u2028",
            "\u3164",
            "\u2800",
            " \ufeff \u200d",
        ],
    )
    def test_that_shows_nothing_is_empty(self, given_: str) -> None:
        assert refused(Text(), given_)
        assert Text(shortest=0).deserialize(given_) == ""

    def test_has_bounds_of_its_own_where_it_says_so(self) -> None:
        field = Text(shortest=2, longest=3)

        assert [refused(field, text) for text in ("a", "ab", "abc", "abcd", " a ")] == [
            True,
            False,
            False,
            True,
            True,
        ]


class TestEmail:
    @pytest.mark.parametrize(
        ("given_", "taken"),
        [
            ("ada@example.com", "ada@example.com"), ("  Ada@Example.COM ", "ada@example.com"),
            ("ada+shop@mail.example.co.uk", "ada+shop@mail.example.co.uk"), ("ada@garage.test", "ada@garage.test"),
            ("o'hara@example.com", "o'hara@example.com"),
        ],
    )  # fmt: skip
    def test_is_taken_in_lower_case(self, given_: str, taken: str) -> None:
        assert Email().deserialize(given_) == taken

    @pytest.mark.parametrize(
        "given_",
        ["ada", "ada@", "@example.com", "ada@example", "ada@@example.com", "a b@example.com", "ada@exa mple.com",
         "ada@example..com", "ada@-example.com",
         "x" * 250 + "@example.com", "ada@example.com\x00", "ada@example.com, eve@example.com", 7],
    )  # fmt: skip
    def test_is_one_address(self, given_: Any) -> None:
        assert refused(Email(), given_)


class TestPhone:
    @pytest.mark.parametrize(
        "given_",
        [
            "555-1234",
            "12345",
            "+1 (555) 123-4567",
            "(02) 9876 5432",
            "+48 601.234.567",
            "030/123456",
            "001-555-123-4567x89",
        ],
    )
    def test_has_digits_and_the_usual_marks(self, given_: str) -> None:
        assert Phone().deserialize(given_) == given_

    @pytest.mark.parametrize(
        "given_",
        [
            "1234",
            "1" * 21,
            "call me",
            "555_1234",
            "+",
            "-555-1234",
            "555-1234;ext",
            "\uff11\uff12\uff13\uff14\uff15",
            5551234,
        ],
    )
    def test_has_nothing_else(self, given_: Any) -> None:
        assert refused(Phone(), given_)

    @pytest.mark.parametrize(
        ("given_", "country", "kept"),
        [
            ("(202) 555-0123", "US", "+12025550123"), ("+1 202 555 0123", "PL", "+12025550123"),
            ("601 234 567", "PL", "+48601234567"), ("555-1234", "US", "555-1234"),
            ("12345", "US", "12345"), ("202-555-0123x89", "US", "202-555-0123x89"),
            ("+", "US", "+"), ("601 234 567", "XX", "601 234 567"),
        ],
    )  # fmt: skip
    def test_is_e164_where_it_is_valid_in_the_country_and_else_as_given(
        self, given_: str, country: str, kept: str
    ) -> None:
        assert phones.normalised(given_, country) == kept


class TestMoney:
    @pytest.mark.parametrize(
        ("given_", "taken"),
        [
            (19.99, "19.99"), ("19.99", "19.99"), (7, "7.00"), ("7", "7.00"), (0, "0.00"), (0.1, "0.10"), ("0.10", "0.10"),
            (9999999999.99, "9999999999.99"), ("9999999999.99", "9999999999.99"), (5.10, "5.10"),
        ],
    )  # fmt: skip
    def test_takes_numbers_and_decimal_strings(self, given_: Any, taken: str) -> None:
        amount = Money().deserialize(given_)

        assert isinstance(amount, Decimal)
        assert str(amount) == taken

    @pytest.mark.parametrize(
        "given_",
        [-0.01, "-1", 10_000_000_000, "9999999999.999", 0.001, "19.999", "cheap", "", "1,50", "NaN", "Infinity", "-Infinity",
         float("nan"), float("inf"), "1e400", "1e-400", 1e300, True, False, None, [], {}, "1" * 31, "0x10", "\u0661\u0662"],
    )  # fmt: skip
    def test_refuses_the_rest(self, given_: Any) -> None:
        assert refused(Money(), given_)

    @pytest.mark.parametrize("given_", [-0.0, 0.0])
    def test_has_one_nothing(self, given_: float) -> None:
        assert str(Money().deserialize(given_)) == "0.00"

    @given(amount=st.decimals(0, GREATEST_AMOUNT, places=2))
    def test_comes_back_as_it_went_as_text_or_as_a_number(self, amount: Decimal) -> None:
        assert Money().deserialize(str(amount)) == Money().deserialize(float(amount)) == amount

    def test_is_a_number_with_two_places_on_the_wire(self, app: Flask) -> None:
        class Priced(Schema):
            price = Money()

        with app.app_context():
            assert json.dumps(Priced().dump({"price": Decimal("5.10")})) == '{"price":5.10}'


class TestWholeNumbers:
    @pytest.mark.parametrize("given_", [1, 5, 10, 1.0, 10.0])
    def test_are_taken_within_their_bounds(self, given_: float) -> None:
        taken = Whole(1, 10).deserialize(given_)

        assert taken == given_
        assert isinstance(taken, int)

    def test_are_not_guessed_from_what_a_float_cannot_hold_exactly(self) -> None:
        assert refused(Whole(1, GREATEST_ID), 2.0**60)
        assert not refused(Whole(1, GREATEST_ID), 2.0**53)

    @pytest.mark.parametrize("given_", [0, 11, -1, 1.5, "1", "", True, False, None, [1], {}, 10**30])
    def test_are_nothing_else(self, given_: Any) -> None:
        assert refused(Whole(1, 10), given_)

    def test_a_reference_is_an_id(self) -> None:
        assert Reference().deserialize(GREATEST_ID) == GREATEST_ID
        assert [refused(Reference(), value) for value in (0, -1, GREATEST_ID + 1, "1")] == [True] * 4

    @pytest.mark.parametrize(("given_", "taken"), [("1", 1), ("007", 7), ("100", 100)])
    def test_in_a_query_are_decimal_digits(self, given_: str, taken: int) -> None:
        assert QueryInteger(most=100).deserialize(given_) == taken

    @pytest.mark.parametrize(
        "given_", ["", "0", "101", "-1", "+1", "1.0", " 1", "1 ", "1e1", "0x1", "१", "1" * 20, "1_0"]
    )
    def test_in_a_query_are_nothing_else(self, given_: str) -> None:
        assert refused(QueryInteger(most=100), given_)


class TestInstants:
    MOMENT = datetime(2026, 3, 2, 9, 30, 0, 999_999, tzinfo=UTC)

    def test_are_answered_in_utc_with_z(self) -> None:
        class Opened(Schema):
            at = Instant()

        assert Opened().dump({"at": self.MOMENT}) == {"at": "2026-03-02T09:30:00Z"}
        assert Opened().dump({"at": None}) == {"at": None}

    @pytest.mark.parametrize(
        "given_", ["2026-03-02T09:30:00Z", "2026-03-02T10:30:00+01:00", "2026-03-02T09:30:00.000Z"]
    )
    def test_are_taken_with_their_zone(self, given_: str) -> None:
        assert Instant().deserialize(given_) == self.MOMENT.replace(microsecond=0)

    @pytest.mark.parametrize("given_", ["2026-03-02T09:30:00", "2026-03-02", "yesterday", "", 0, None])
    def test_are_refused_without(self, given_: Any) -> None:
        assert refused(Instant(), given_)


class TestDays:
    @pytest.mark.parametrize("given_", ["2026-03-02", "2024-02-29", "0001-01-01", "9999-12-31"])
    def test_are_taken_as_rfc_3339_has_them(self, given_: str) -> None:
        assert Day().deserialize(given_).isoformat() == given_

    @pytest.mark.parametrize(
        "given_",
        ["20260302", "2026-W10-1", "2026-3-2", "2026-02-30", "2025-02-29", "2026-13-01", "0000-01-01", "2026-03-02T00:00:00Z",
         "02.03.2026", " 2026-03-02", "", 20260302, None, "\u0662026-03-02"],
    )  # fmt: skip
    def test_are_refused_in_any_other_form(self, given_: Any) -> None:
        assert refused(Day(), given_)


class TestPassword:
    def test_is_taken_as_it_is_and_never_answered(self) -> None:
        class Signing(Schema):
            password = Password()

        assert Signing().load({"password": "  spaced out  "}) == {"password": "  spaced out  "}
        assert Signing().dump({"password": "secret"}) == {}

    @pytest.mark.parametrize("given_", ["", "x" * 129, None, 12345678, ["x"]])
    def test_has_a_length(self, given_: Any) -> None:
        assert refused(Password(), given_)


class TestCommaSeparated:
    FIELD = CommaSeparated(("booked", "received"))

    @pytest.mark.parametrize(
        ("given_", "taken"), [("booked", ["booked"]), ("booked,received", ["booked", "received"])]
    )
    def test_takes_known_words(self, given_: str, taken: list[str]) -> None:
        assert self.FIELD.deserialize(given_) == taken

    @pytest.mark.parametrize(
        "given_", ["", "lost", "booked,", ",booked", "booked, received", "BOOKED", "booked;received"]
    )
    def test_names_the_others(self, given_: str) -> None:
        with pytest.raises(ValidationError, match="Known: booked, received"):
            self.FIELD.deserialize(given_)


class TestSchemas:
    def test_refuse_what_they_do_not_know(self) -> None:
        with pytest.raises(ValidationError) as refusal:
            Message().load({"message": "Done.", "extra": 1})

        assert refusal.value.messages == {"extra": ["Unknown field."]}

    def test_a_patch_leaves_out_what_it_likes(self) -> None:
        class Patch(PatchSchema):
            name = Text(required=True)
            sku = Text(required=True, allow_none=True)

        assert Patch().load({}) == {}
        assert Patch().load({"sku": None}) == {"sku": None}
        assert Patch(partial=False).validate({}) != {}

    def test_every_schema_of_the_api_is_one_of_ours(self) -> None:
        def below(kind: type[PlainSchema]) -> list[type[PlainSchema]]:
            return [kind, *(deeper for child in kind.__subclasses__() for deeper in below(child))]

        taking = [kind for kind in below(Schema) if kind.__name__.endswith(("In", "Patch", "Query"))]

        assert len(taking) > 10
        assert [kind.__name__ for kind in taking if kind().unknown != "raise"] == []
