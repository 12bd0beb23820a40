"""Amounts of money and instants: what goes in comes out, and nothing is rounded or shifted on the way."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import time_machine
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from app.blueprints.workshops import vocabulary
from app.core import clock, money
from app.core.db import Cents, Instant
from app.extensions import db

AMOUNTS = st.decimals(-money.GREATEST_AMOUNT, money.GREATEST_AMOUNT, places=2)
MOMENT = datetime(2026, 3, 29, 1, 30, 0, 123_456, tzinfo=UTC)
SUMMER = timezone(timedelta(hours=2))


class TestMoney:
    @pytest.mark.parametrize("locale", vocabulary.LOCALES)
    def test_is_written_to_the_cent_in_every_currency(self, locale: str) -> None:
        texts = {
            currency: money.written(Decimal("1234.05"), currency, locale)
            for currency in vocabulary.CURRENCIES
        }

        digits = {currency: re.sub(r"\D", "", text) for currency, text in texts.items()}
        assert digits == dict.fromkeys(vocabulary.CURRENCIES, "123405")

    @given(amount=AMOUNTS)
    def test_cents_are_the_amount(self, amount: Decimal) -> None:
        assert money.from_cents(money.to_cents(amount)) == amount
        assert isinstance(money.to_cents(amount), int)

    @given(amount=AMOUNTS)
    def test_an_amount_always_has_two_places(self, amount: Decimal) -> None:
        assert money.from_cents(money.to_cents(amount)).as_tuple().exponent == -2

    @pytest.mark.parametrize(
        ("amount", "cent"),
        [
            ("0.005", "0.01"),
            ("0.015", "0.02"),
            ("0.025", "0.03"),
            ("1.004999", "1.00"),
            ("-0.005", "-0.01"),
            ("7", "7.00"),
        ],
    )
    def test_halves_are_rounded_up(self, amount: str, cent: str) -> None:
        assert str(money.rounded(Decimal(amount))) == cent

    @pytest.mark.parametrize("amount", ["0.001", "19.999", "-0.005"])
    def test_what_has_more_places_is_not_rounded_silently(self, amount: str) -> None:
        with pytest.raises(ValueError, match="more than two places"):
            money.to_cents(Decimal(amount))

    @given(amount=AMOUNTS)
    def test_the_database_holds_whole_cents(self, amount: Decimal) -> None:
        column, dialect = Cents(), sqlite.dialect()

        assert column.process_bind_param(amount, dialect) == money.to_cents(amount)
        assert column.process_result_value(money.to_cents(amount), dialect) == amount

    def test_nothing_is_kept_as_nothing(self) -> None:
        assert Cents().process_bind_param(None, sqlite.dialect()) is None
        assert Cents().process_result_value(None, sqlite.dialect()) is None


class TestInstants:
    @pytest.mark.parametrize(
        "given_", [MOMENT, MOMENT.astimezone(SUMMER), MOMENT.astimezone(timezone(timedelta(hours=-11)))]
    )
    def test_are_in_utc_whatever_zone_they_came_in(self, given_: datetime) -> None:
        assert Instant().process_bind_param(given_, postgresql.dialect()) == MOMENT
        assert Instant().process_bind_param(given_, sqlite.dialect()) == MOMENT.replace(tzinfo=None)

    @pytest.mark.parametrize("kept", [MOMENT.replace(tzinfo=None), MOMENT.astimezone(SUMMER), MOMENT])
    def test_come_out_aware_and_in_utc(self, kept: datetime) -> None:
        found = Instant().process_result_value(kept, sqlite.dialect())

        assert found == MOMENT
        assert found.utcoffset() == timedelta(0)

    def test_nothing_is_kept_as_nothing(self) -> None:
        assert Instant().process_bind_param(None, sqlite.dialect()) is None
        assert Instant().process_result_value(None, sqlite.dialect()) is None

    def test_pass_the_database_unchanged(self, app: Flask) -> None:
        with app.app_context():
            column = (
                db.cast(db.literal(MOMENT, Instant()), Instant())
                if db.engine.dialect.name != "sqlite"
                else None
            )
            statement = db.select(db.literal(MOMENT, Instant()) if column is None else column)

            assert db.session.scalar(statement) == MOMENT


class TestTheClock:
    def test_is_in_utc_and_can_be_moved(self) -> None:
        with time_machine.travel(MOMENT, tick=False):
            assert clock.now() == MOMENT
            assert clock.now().tzinfo is UTC

    @pytest.mark.parametrize(
        "value",
        [MOMENT, MOMENT.replace(tzinfo=None), MOMENT.astimezone(SUMMER), MOMENT.isoformat(), "2026-03-29T03:30:00.123456+02:00",
         "2026-03-29 01:30:00.123456"],
    )  # fmt: skip
    def test_reads_instants_as_the_databases_give_them(self, value: datetime | str) -> None:
        assert clock.as_utc(value) == MOMENT
