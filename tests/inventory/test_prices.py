"""Prices, for any amount: what goes in comes out, and nothing is lost on the way."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from app.core.money import GREATEST_AMOUNT, from_cents, rounded, to_cents
from app.core.schema import Money
from tests.factories import Shop

CENTS = st.integers(0, to_cents(GREATEST_AMOUNT))
AMOUNTS = CENTS.map(from_cents)
FINE = st.decimals(min_value=0, max_value=GREATEST_AMOUNT, allow_nan=False, places=6)

anything = settings(deadline=None)
requests = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@anything
@given(cents=st.integers(-(10**14), 10**14))
def test_cents_and_amounts_are_the_same_thing(cents: int) -> None:
    assert to_cents(from_cents(cents)) == cents
    assert Fraction(from_cents(cents)) == Fraction(cents, 100)


@anything
@given(amounts=st.lists(AMOUNTS, max_size=50))
def test_a_sum_is_the_sum_of_its_cents(amounts: list[Decimal]) -> None:
    assert to_cents(sum(amounts, Decimal(0))) == sum(map(to_cents, amounts))


@anything
@given(amount=FINE)
def test_rounding_goes_to_the_nearest_cent_and_up_in_the_middle(amount: Decimal) -> None:
    off = Fraction(rounded(amount)) - Fraction(amount)

    assert -Fraction(1, 200) < off <= Fraction(1, 200)
    assert rounded(amount).as_tuple().exponent == -2


@anything
@given(amount=FINE.filter(lambda amount: amount != rounded(amount)))
def test_a_part_of_a_cent_is_never_kept(amount: Decimal) -> None:
    with pytest.raises(ValueError, match="more than two places"):
        to_cents(amount)
    with pytest.raises(ValidationError):
        Money().deserialize(str(amount))


@anything
@given(amount=AMOUNTS)
def test_a_number_and_a_string_are_the_same_price(amount: Decimal) -> None:
    assert Money().deserialize(float(amount)) == Money().deserialize(str(amount)) == amount


@anything
@given(
    value=st.one_of(
        st.floats(), st.integers(), st.decimals(), st.booleans(), st.none(), st.text(max_size=40),
        st.lists(st.integers(), max_size=2),
    )
)  # fmt: skip
def test_anything_else_is_refused_and_never_a_fault(value: Any) -> None:
    try:
        amount = Money().deserialize(value)
    except ValidationError:
        return

    assert Decimal(0) <= amount <= GREATEST_AMOUNT
    assert amount == rounded(amount)


@requests
@given(amount=AMOUNTS)
def test_a_price_comes_back_as_it_was_given(shop: Shop, amount: Decimal) -> None:
    made = shop.owner.post("/inventory", json={"name": "Oil", "price": str(amount)})

    read = shop.owner.get(made.headers["Location"])
    assert f'"price":{amount},' in made.text
    assert read.text == made.text
    assert Decimal(str(read.json["price"])) == amount


@requests
@given(prices=st.lists(AMOUNTS, min_size=1, max_size=4), quantity=st.integers(1, 10_000))
def test_a_ticket_keeps_every_price_to_the_cent(shop: Shop, prices: list[Decimal], quantity: int) -> None:
    assume(sum(prices) <= GREATEST_AMOUNT)
    quantity = min(quantity, int(GREATEST_AMOUNT // max(sum(prices), Decimal("0.01"))))
    ticket = f"/service_tickets/{shop.make_ticket()['id']}"
    lines = [{"item_id": shop.make_part(price=price).id, "quantity": quantity} for price in prices]

    items = shop.owner.post(f"{ticket}/inventory", json=lines).json["inventory_items"]

    assert [to_cents(Decimal(str(item["price"]))) * item["quantity"] for item in items] == [
        to_cents(price) * quantity for price in prices
    ]
