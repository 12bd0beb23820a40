"""What discounts come to: of what is on the ticket, to the cent, and never more tax than there is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app.blueprints.service_tickets.amounts import Amount, of_line
from app.blueprints.service_tickets.discounts import rates, reckoned
from tests.factories import Shop
from tests.service_tickets.life import step_to, ticket_in

NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class Line:
    """A line as it was written, before any discount is reckoned."""

    kind: str
    unit_price: Decimal
    tax_rate: Decimal
    net: Decimal
    tax: Decimal
    percent: Decimal | None = None
    quantity: Decimal = Decimal(1)


def work(price: str, rate: str = "0", *, kind: str = "fee", included: bool = False) -> Line:
    amount = of_line(kind, Decimal(1), Decimal(price), Decimal(rate), includes_tax=included)
    return Line(kind, Decimal(price), Decimal(rate), *amount)


def off(price: str, rate: str = "0", *, included: bool = False) -> Line:
    return work(price, rate, kind="discount", included=included)


def share(percent: str, rate: str = "0") -> Line:
    return Line("discount", NOTHING, Decimal(rate), NOTHING, NOTHING, Decimal(percent))


def amount(net: str, tax: str = "0") -> Amount:
    return Amount(Decimal(net), Decimal(tax))


@pytest.mark.parametrize(
    ("lines", "included", "last"),
    [
        ([*[work("33.33", "8.875")] * 3, share("100", "8.875")], False, amount("-99.99", "-8.88")),
        ([*[work("33.33", "8.875")] * 3, share("10", "8.875")], False, amount("-10.00", "-0.89")),
        ([work("100"), work("500", "10.25"), share("10")], False, amount("-10.00")),
        ([work("100"), work("500", "10.25"), share("10", "10.25")], False, amount("-50.00", "-5.13")),
        ([work("123", "23", included=True), share("50", "23")], True, amount("-50.00", "-11.50")),
        ([work("0.01", "50", included=True), share("50", "50")], True, amount("-0.01")),
        ([work("100"), share("50"), work("60")], False, amount("60")),
        ([work("100"), share("50"), share("50")], False, amount("-25.00")),
        ([work("100"), off("10"), share("50")], False, amount("-45.00")),
        ([work("100"), off("10", "10.25")], False, amount("-10.00")),
        ([work("100"), off("10", "23", included=True)], True, amount("-10.00")),
        ([work("100"), work("5", "10"), off("10", "10")], False, amount("-10.00", "-0.50")),
        ([work("100"), work("123", "23", included=True), off("123", "23", included=True)], True, amount("-100", "-23")),
        ([work("100", "5"), off("10", "10.25")], False, amount("-10.00", "-1.03")),
        ([work("100"), off("10", "10.25"), share("100")], False, amount("-90.00")),
        ([off("10"), share("50")], False, amount("0")),
        ([share("50")], False, amount("0")),
    ],
)  # fmt: skip
def test_the_last_line_comes_to_this(lines: list[Line], included: bool, last: Amount) -> None:
    assert reckoned(lines, includes_tax=included)[-1] == last


PRICES = st.integers(0, 1_000_000).map(lambda cents: Decimal(cents).scaleb(-2))
RATES = st.sampled_from([Decimal(rate) for rate in ("0", "5", "8.875", "10.25", "23")])
SHARES = st.integers(1, 100_000).map(lambda n: Decimal(n).scaleb(-3))
WORK = st.lists(st.tuples(PRICES, RATES), min_size=1, max_size=8)


def whole(lines: list[Line], percent: Decimal, *, included: bool) -> list[Line]:
    """Return lines with a discount in percent of all of them."""
    return lines + [share(str(percent), str(rate)) for rate in rates(lines, includes_tax=included)]


@given(WORK, st.booleans())
def test_all_of_it_off_leaves_nothing(priced: list[tuple[Decimal, Decimal]], included: bool) -> None:
    lines = [work(str(price), str(rate), included=included) for price, rate in priced]

    found = reckoned(whole(lines, Decimal(100), included=included), includes_tax=included)

    assert (sum(one.net for one in found), sum(one.tax for one in found)) == (0, 0)


@given(WORK, SHARES, st.lists(st.tuples(PRICES, RATES), max_size=2), st.booleans())
def test_discounts_never_add_and_never_take_more_tax_than_there_is(
    priced: list[tuple[Decimal, Decimal]],
    percent: Decimal,
    sums: list[tuple[Decimal, Decimal]],
    included: bool,
) -> None:
    lines = [work(str(price), str(rate), included=included) for price, rate in priced]
    lines += [off(str(price), str(rate), included=included) for price, rate in sums]
    lines = whole(lines, percent, included=included)

    found = reckoned(lines, includes_tax=included)

    for line, one in zip(lines, found, strict=True):
        if line.kind == "discount":
            assert one.net <= 0
            assert one.tax <= 0
        else:
            assert one == (line.net, line.tax)
    assert sum(one.tax for one in found) >= 0


@given(WORK, SHARES, st.lists(st.tuples(PRICES, RATES), max_size=2), st.booleans())
def test_reckoned_again_they_come_to_the_same(
    priced: list[tuple[Decimal, Decimal]],
    percent: Decimal,
    sums: list[tuple[Decimal, Decimal]],
    included: bool,
) -> None:
    lines = [off(str(price), str(rate), included=included) for price, rate in sums]
    lines += [work(str(price), str(rate), included=included) for price, rate in priced]
    lines = whole(lines, percent, included=included)
    once = reckoned(lines, includes_tax=included)

    written = [
        Line(line.kind, line.unit_price, line.tax_rate, *one, percent=line.percent)
        for line, one in zip(lines, once, strict=True)
    ]

    assert reckoned(written, includes_tax=included) == once


# ---- On a ticket

A = {"kind": "fee", "description": "A", "unit_price": 100, "tax_rate": 0}
B = {"kind": "fee", "description": "B", "unit_price": 900, "tax_rate": 0}
TENTH = {"kind": "discount", "description": "Loyal", "percent": 10}


def put_on(shop: Shop, path: str, *lines: dict[str, Any]) -> TestResponse:
    return shop.mechanic.post(f"{path}/lines", json=list(lines))


def sums(ticket: Any) -> list[Any]:
    return [ticket[name] for name in ("net_total", "tax_total", "total")]


@pytest.mark.parametrize(
    ("rate", "prices"),
    [
        (8.875, [33.33, 33.33, 33.33]),
        (10.25, [25.67, 88.58, 43.63, 167.34, 152.28, 159.74]),
    ],
)
def test_all_of_it_off_costs_nothing(shop: Shop, rate: float, prices: list[float]) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", json={"tax_rate": rate})
    some = [{"kind": "fee", "description": "Work", "unit_price": price} for price in prices]

    answer = put_on(shop, ticket_in(shop), *some, {**TENTH, "percent": 100})

    assert (answer.status_code, sums(answer.json)) == (201, [0, 0, 0])


def test_a_discount_in_percent_follows_the_lines_before_it(shop: Shop) -> None:
    path = ticket_in(shop)
    lines = put_on(shop, path, A, B, TENTH).json["lines"]
    totals = []

    for answer in (
        put_on(shop, path, {**A, "unit_price": 7}),
        shop.mechanic.patch(f"{path}/lines/{lines[0]['id']}", {"unit_price": 200}),
        shop.mechanic.delete(f"{path}/lines/{lines[1]['id']}"),
        shop.mechanic.patch(f"{path}/lines/{lines[2]['id']}", {"description": "Regular"}),
        shop.mechanic.delete(f"{path}/lines/{lines[0]['id']}"),
    ):
        assert answer.status_code in (200, 201)
        totals.append(answer.json["total"])

    assert (lines[2]["percent"], lines[2]["unit_price"], lines[2]["total"]) == (10, 100, -100)
    assert totals == [907, 997, 187, 187, 7]


def test_a_discount_in_percent_that_is_changed_is_a_sum_from_then_on(shop: Shop) -> None:
    path = ticket_in(shop)
    lines = put_on(shop, path, A, B, TENTH).json["lines"]
    shop.mechanic.patch(f"{path}/lines/{lines[2]['id']}", {"unit_price": 30})

    ticket = shop.mechanic.delete(f"{path}/lines/{lines[1]['id']}").json

    assert [(line["percent"], line["total"]) for line in ticket["lines"]] == [(None, 100), (None, -30)]


def test_what_is_declined_by_word_leaves_its_share_of_the_rest(shop: Shop) -> None:
    path = ticket_in(shop, "received")
    put_on(shop, path, A)
    for step in ("awaiting_approval", "approved", "awaiting_approval"):
        shop.owner.post(f"{path}/status", json=step_to(step))
    put_on(shop, path, B, TENTH)

    declined = shop.owner.post(f"{path}/status", json=step_to("declined"))

    assert (declined.status_code, declined.json["total"]) == (200, 90)


def test_a_sum_off_untaxed_work_takes_off_no_tax(shop: Shop) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", json={"tax_rate": 10.25})
    path = ticket_in(shop)

    untaxed = put_on(shop, path, A, {"kind": "discount", "description": "Off", "unit_price": 10})
    taxed = put_on(shop, path, {"kind": "fee", "description": "B", "unit_price": 500})

    assert (untaxed.status_code, sums(untaxed.json)) == (201, [90, 0, 90])
    assert sums(taxed.json) == [590, 50.22, 640.22]


@pytest.mark.parametrize("before", [[], [{**A, "unit_price": 0}], [A, {**TENTH, "percent": 100}]])
def test_of_nothing_there_is_no_percentage(shop: Shop, before: list[dict[str, Any]]) -> None:
    path = ticket_in(shop)
    if before:
        assert put_on(shop, path, *before).status_code == 201
    kept = shop.owner.get(path).json

    answer = put_on(shop, path, TENTH)

    assert (answer.status_code, list(answer.json["errors"])) == (400, ["lines.0.percent"])
    assert shop.owner.get(path).json == kept


def test_no_percent_is_no_discount(shop: Shop) -> None:
    path = ticket_in(shop)

    answer = put_on(shop, path, A, {**TENTH, "percent": 0})

    assert (answer.status_code, list(answer.json["errors"])) == (400, ["lines.1.percent"])
    assert shop.owner.get(path).json["lines"] == []
