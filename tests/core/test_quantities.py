"""Quantities: three places at most, exact, and whole numbers where they are whole."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask import json
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from sqlalchemy import select

from app.blueprints.inventory.models import Part
from app.core.quantities import Amount, from_thousandths, is_whole, to_thousandths, told, trimmed
from app.extensions import db
from tests.factories import Shop

THOUSANDTHS = st.integers(-(10**12), 10**12)


@given(thousandths=THOUSANDTHS)
def test_thousandths_and_quantities_are_the_same_thing(thousandths: int) -> None:
    assert to_thousandths(from_thousandths(thousandths)) == thousandths


@given(thousandths=THOUSANDTHS)
def test_no_quantity_is_written_with_an_exponent_or_zeros_at_its_end(thousandths: int) -> None:
    text = str(from_thousandths(thousandths))

    assert "E" not in text
    assert "." not in text or not text.endswith("0")
    assert Decimal(text) * 1000 == thousandths


def test_a_part_of_a_thousandth_is_never_kept() -> None:
    with pytest.raises(ValueError, match="more than three places"):
        to_thousandths(Decimal("0.0001"))


@pytest.mark.parametrize(
    ("quantity", "as_told"),
    [
        (Decimal("4.000"), 4), (Decimal(400), 400), (Decimal("4.500"), Decimal("4.5")), (Decimal("1E+3"), 1000), (3, 3),
        (None, None),
    ],
)  # fmt: skip
def test_a_whole_one_is_told_as_a_whole_number(quantity: Any, as_told: Any) -> None:
    assert told(quantity) == as_told
    assert isinstance(told(quantity), type(as_told))


def test_trimming_changes_nothing_but_the_form() -> None:
    assert [str(trimmed(Decimal(text))) for text in ("4.000", "4.50", "0.000", "100")] == [
        "4",
        "4.5",
        "0",
        "100",
    ]
    assert is_whole(Decimal("4.000"))


@pytest.mark.parametrize("value", [0, 1, 4.5, 0.001, 1e9, -0.0, 5.0, 0.1])
def test_a_number_with_three_places_is_one(value: float) -> None:
    assert Amount().deserialize(value) == Decimal(str(value))


@pytest.mark.parametrize(
    "value", [-1, 0.0001, 1e9 + 1, 1e308, "1", "", True, None, [1], {}, float("nan"), float("inf"), 0.1 + 0.2]
)
def test_anything_else_is_none(value: Any) -> None:
    with pytest.raises(ValidationError):
        Amount().deserialize(value)


@pytest.mark.parametrize("text", ["0", "0.001", "123456789.123", "1000000000", "0.1"])
def test_the_database_keeps_each_as_it_is(shop: Shop, text: str) -> None:
    part = shop.make_part(on_hand=Decimal(text), unit="l")

    with shop.inside():
        kept = db.session.scalars(select(Part.on_hand).where(Part.id == part.id)).one()
        found = db.session.scalar(select(Part.id).where(Part.on_hand == Decimal(text), Part.id == part.id))

    assert str(kept) == text
    assert found == part.id
    assert f'"on_hand":{text},' in shop.owner.get(f"/inventory/{part.id}").text


def test_tenths_add_up_in_the_database(shop: Shop) -> None:
    part = shop.make_part(on_hand=Decimal("0.3"), unit="l")

    with shop.inside():
        left = db.session.scalars(select(Part.on_hand - Decimal("0.1")).where(Part.id == part.id)).one()

    assert left == Decimal("0.2")


def test_it_is_json(shop: Shop) -> None:
    with shop.inside():
        assert json.dumps([told(Decimal("4.000")), told(Decimal("4.5"))]) == "[4,4.5]"
