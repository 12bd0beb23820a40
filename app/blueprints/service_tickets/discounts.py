"""What discounts come to: so much of what is there, and never more tax than there is. Plain functions of plain values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from app.blueprints.service_tickets.amounts import HUNDRED, Amount, Priced, has_tax_within, of_line
from app.core.money import rounded

NOTHING = Decimal("0.00")
NONE = Amount(NOTHING, NOTHING)


class Charged(Priced, Protocol):
    """A line with what it comes to; of a discount in percent, with how much of the lines before it."""

    @property
    def percent(self) -> Decimal | None: ...


class _Sums:
    """What lines come to, by tax rate."""

    def __init__(self) -> None:
        self.of = defaultdict[Decimal, Amount](lambda: NONE)

    def add(self, tax_rate: Decimal, amount: Amount) -> None:
        before = self.of[tax_rate]
        self.of[tax_rate] = Amount(before.net + amount.net, before.tax + amount.tax)

    def there(self) -> defaultdict[Decimal, Amount]:
        """Return what there is at each: what is below nothing at one is taken off the others, the lowest rate first."""
        rates = sorted(self.of)
        nets = _paid([self.of[rate].net for rate in rates])
        taxes = _paid([self.of[rate].tax for rate in rates])
        there = zip(rates, map(Amount, nets, taxes), strict=True)
        return defaultdict(lambda: NONE, there)


def _paid(amounts: list[Decimal]) -> list[Decimal]:
    """Return amounts none of which is below nothing, what was below it taken off the others, from the first on."""
    debt, left = -sum((min(amount, NOTHING) for amount in amounts), NOTHING), []
    for amount in amounts:
        there = max(amount, NOTHING)
        paid = min(there, debt)
        debt -= paid
        left.append(there - paid)
    return left


def reckoned(lines: Sequence[Charged], *, includes_tax: bool) -> list[Amount]:
    """Return what lines come to, in their order: discounts by what the others come to, and those as they are.

    A discount in percent is so much of the net and of the tax of the lines before it that have its tax rate, each rounded
    half-up. Any other takes off what it says, and its tax as far as there is tax on the ticket: what is not taxed stays so.
    `includes_tax`: it says so with the tax in it.
    """
    tax_left = sum((line.tax for line in lines if line.kind != "discount"), NOTHING)
    sums, found = _Sums(), []
    for line in lines:
        amount = Amount(line.net, line.tax)
        if line.kind == "discount":
            if line.percent is None:
                net, tax = _sum_off(line, includes_tax=includes_tax)
            else:
                there = sums.there()[line.tax_rate]
                net, tax = _share(there, line.percent, includes_tax=includes_tax)
            less = max(tax - tax_left, NOTHING)
            tax_left -= tax - less
            amount = Amount(-(net + less if _is_within(line, includes_tax) else net), -(tax - less))
        sums.add(line.tax_rate, amount)
        found.append(amount)
    return found


def _is_within(line: Charged, includes_tax: bool) -> bool:
    """Tell whether what a discount says has the tax in it. One in percent has no price of its own."""
    if line.percent is not None:
        return includes_tax
    comes_to = Amount(line.net, line.tax)
    return has_tax_within(line.quantity, line.unit_price, comes_to, includes_tax=includes_tax)


def _sum_off(line: Charged, *, includes_tax: bool) -> Amount:
    within = _is_within(line, includes_tax)
    return of_line("fee", line.quantity, line.unit_price, line.tax_rate, includes_tax=within)


def _share(there: Amount, percent: Decimal, *, includes_tax: bool) -> Amount:
    net = rounded(there.net * percent / HUNDRED)
    if not includes_tax:
        return Amount(net, rounded(there.tax * percent / HUNDRED))
    return Amount(net, rounded((there.net + there.tax) * percent / HUNDRED) - net)


def rates(lines: Sequence[Charged], *, includes_tax: bool) -> list[Decimal]:
    """Return the tax rates at which there is something that a discount in percent could be taken of."""
    sums = _Sums()
    for line, amount in zip(lines, reckoned(lines, includes_tax=includes_tax), strict=True):
        sums.add(line.tax_rate, amount)
    return [rate for rate, amount in sorted(sums.there().items()) if any(amount)]
