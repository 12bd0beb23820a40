"""Money: decimal with two places everywhere, whole cents in the database, never a float in between."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import format_currency

CENT = Decimal("0.01")
GREATEST_AMOUNT = Decimal("9999999999.99")


def rounded(amount: Decimal) -> Decimal:
    """Return `amount` to the cent, halves rounded up (commercial rounding)."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def to_cents(amount: Decimal) -> int:
    """Return `amount` in cents.

    :raises ValueError: it has more than two places; rounding is the caller's decision.
    """
    cents = amount.scaleb(2)
    if cents != cents.to_integral_value():
        raise ValueError(f"{amount} has more than two places.")
    return int(cents)


def from_cents(cents: int) -> Decimal:
    """Return `cents` as an amount with two places."""
    return Decimal(cents).scaleb(-2)


def written(amount: Decimal, currency: str, locale: str) -> str:
    """Return an amount of a currency as a locale, such as `pl-PL`, writes it: to the cent, as it is kept.

    CLDR writes some currencies without their hundredths, such as RSD, and what is written would not add up.
    """
    text: str = format_currency(amount, currency, locale=locale.replace("-", "_"), currency_digits=False)
    return text
