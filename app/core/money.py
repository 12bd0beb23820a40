"""Money: decimal with two places everywhere, whole cents in the database, never a float in between."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

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
