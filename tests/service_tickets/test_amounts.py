"""What a line comes to: to the cent, and the same whichever way it is added up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.blueprints.service_tickets.amounts import of_line
from app.core.errors import Invalid
from app.core.money import rounded


@pytest.mark.parametrize(
    ("kind", "quantity", "price", "rate", "included", "net", "tax"),
    [
        ("labour", "1.5", "95.00", "10.25", False, "142.50", "14.61"),
        ("labour", "0.333", "95.00", "10.25", False, "31.64", "3.24"),
        ("part", "4.5", "8.99", "23", False, "40.46", "9.31"),
        ("part", "1", "0.01", "50", False, "0.01", "0.01"),
        ("part", "1", "0.01", "49.9", False, "0.01", "0.00"),
        ("part", "3", "123.00", "23", True, "300.00", "69.00"),
        ("part", "1", "19.99", "8.875", True, "18.36", "1.63"),
        ("fee", "1", "0", "23", False, "0.00", "0.00"),
        ("fee", "1", "12.00", "0", True, "12.00", "0.00"),
        ("discount", "1", "10.00", "10.25", False, "-10.00", "-1.03"),
        ("discount", "2", "12.30", "23", True, "-20.00", "-4.60"),
        ("labour", "1", "100", "100", True, "50.00", "50.00"),
    ],
)
def test_a_line_comes_to_this(
    kind: str, quantity: str, price: str, rate: str, included: bool, net: str, tax: str
) -> None:
    amount = of_line(kind, Decimal(quantity), Decimal(price), Decimal(rate), includes_tax=included)

    assert amount == (Decimal(net), Decimal(tax))


QUANTITIES = st.integers(1, 10_000_000).map(lambda n: Decimal(n).scaleb(-3))
PRICES = st.integers(0, 10_000_000).map(lambda n: Decimal(n).scaleb(-2))
RATES = st.integers(0, 100_000).map(lambda n: Decimal(n).scaleb(-3))


@given(QUANTITIES, PRICES, RATES)
def test_what_includes_tax_comes_to_the_price_itself(
    quantity: Decimal, price: Decimal, rate: Decimal
) -> None:
    amount = of_line("part", quantity, price, rate, includes_tax=True)

    assert amount.net + amount.tax == rounded(quantity * price)
    assert abs(amount.tax - amount.net * rate / 100) <= Decimal("0.01")


@given(QUANTITIES, PRICES, RATES, st.booleans())
def test_a_discount_takes_off_what_a_fee_of_the_same_adds(
    quantity: Decimal, price: Decimal, rate: Decimal, included: bool
) -> None:
    fee = of_line("fee", quantity, price, rate, includes_tax=included)
    discount = of_line("discount", quantity, price, rate, includes_tax=included)

    assert (fee.net + discount.net, fee.tax + discount.tax) == (0, 0)
    assert fee.net >= 0
    assert fee.tax >= 0


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(Invalid):
        of_line("fee", Decimal(10_000), Decimal("9999999.99"), Decimal(0), includes_tax=False)
