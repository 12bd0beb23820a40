"""What a line comes to: rounded half-up per line, to the cent, so that the sum of the lines is the total."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple, Protocol

from app.blueprints.service_tickets.vocabulary import Kind
from app.core.errors import Invalid
from app.core.money import GREATEST_AMOUNT, rounded

HUNDRED = Decimal(100)


class Priced(Protocol):
    """A line with its price, and with what it comes to."""

    @property
    def kind(self) -> str: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def unit_price(self) -> Decimal: ...
    @property
    def tax_rate(self) -> Decimal: ...
    @property
    def net(self) -> Decimal: ...
    @property
    def tax(self) -> Decimal: ...


class Amount(NamedTuple):
    """What a line comes to: before tax, and the tax on it. Both are negative of a discount."""

    net: Decimal
    tax: Decimal


def has_tax_within(quantity: Decimal, unit_price: Decimal, comes_to: Amount, *, includes_tax: bool) -> bool:
    """Tell whether a price has the tax in it: as when the line was written, which what it comes to tells.

    `includes_tax`: as it is now, for a line whose amounts don't tell since there is no tax on it.
    """
    return abs(comes_to.net) != rounded(quantity * unit_price) if comes_to.tax else includes_tax


def of_line(
    kind: Kind | str, quantity: Decimal, unit_price: Decimal, tax_rate: Decimal, *, includes_tax: bool
) -> Amount:
    """Return what a line comes to. `tax_rate` is a percentage, which is in the price or comes on top of it.

    :raises Invalid: more than can be written.
    """
    priced = rounded(quantity * unit_price)
    if includes_tax:
        net = rounded(priced * HUNDRED / (HUNDRED + tax_rate))
        tax = priced - net
    else:
        net, tax = priced, rounded(priced * tax_rate / HUNDRED)
    if net + tax > GREATEST_AMOUNT:
        raise Invalid(
            "See `errors`.", errors={"quantity": [f"The line comes to more than {GREATEST_AMOUNT:,}."]}
        )
    return Amount(-net, -tax) if kind == "discount" else Amount(net, tax)
