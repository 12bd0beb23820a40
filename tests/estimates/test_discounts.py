"""Discounts in an estimate: on what is agreed to, and the ticket, the decision and the page say the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.estimates.asking import PAGE, ask, by_link, decide, examined, ids
from tests.factories import Shop

A = {"kind": "fee", "description": "A", "unit_price": 100}
B = {"kind": "fee", "description": "B", "unit_price": 900}
TENTH = {"kind": "discount", "description": "Loyal", "percent": 10}
OFF = {"kind": "discount", "description": "Off", "unit_price": 10, "tax_rate": 10.25}


@pytest.mark.parametrize(
    ("lines", "included", "accepted", "total"),
    [
        ([A, B, TENTH], False, ["A"], 90),
        ([A, B, TENTH], False, ["A", "B"], 900),
        ([A, B, TENTH], False, [], 0),
        ([A, {**B, "tax_rate": 8.875}, TENTH], False, ["B"], 881.89),
        ([{**A, "tax_rate": 23}, {**B, "tax_rate": 23}, TENTH], True, ["A"], 90),
        ([A, {**B, "unit_price": 500, "tax_rate": 10.25}, OFF], False, ["A"], 90),
        ([A, {**B, "unit_price": 500, "tax_rate": 10.25}, OFF], False, ["B"], 540.22),
        ([A, TENTH, B], False, ["B"], 900),
    ],
)  # fmt: skip
def test_a_discount_is_on_what_is_agreed_to(
    shop: Shop, lines: list[dict[str, Any]], included: bool, accepted: list[str], total: float
) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", json={"tax_rate": 0, "prices_include_tax": included})
    path = examined(shop, *lines)
    estimate = ask(shop, path)

    answer = decide(shop, estimate, *(ids(estimate, *accepted) if accepted else []))

    assert (answer.status_code, answer.json["accepted_total"]) == (200, total)
    assert round(sum(line["accepted_total"] for line in answer.json["lines"]), 2) == total
    ticket = shop.owner.get(path).json
    assert (ticket["total"], ticket["approved_total"]) == (total, total)
    assert all(line["agreed"] for line in ticket["lines"])
    assert f"${total:.2f}" in shop.nobody.get(by_link(estimate), headers=PAGE).text or not total


def test_the_page_says_of_what_a_discount_is_and_then_what_it_came_to(shop: Shop) -> None:
    estimate = ask(shop, examined(shop, A, B, TENTH))
    asked = shop.nobody.get(by_link(estimate), headers=PAGE).text

    decide(shop, estimate, *ids(estimate, "A"))

    decided = shop.nobody.get(by_link(estimate), headers=PAGE).text
    assert "10\N{NBSP}% of what you agree to" in asked
    assert "-$100.00" in asked
    assert "-$10.00" in decided
    assert "-$100.00" not in decided


def test_what_was_offered_stays_with_its_percentage_and_its_amount(shop: Shop) -> None:
    estimate = ask(shop, examined(shop, A, B, TENTH))

    decided = decide(shop, estimate, *ids(estimate, "A")).json

    [before], [after] = (
        [line for line in one["lines"] if line["kind"] == "discount"] for one in (estimate, decided)
    )
    assert (before["percent"], before["total"], before["accepted_total"]) == (10, -100, None)
    assert (after["percent"], after["total"], after["accepted_total"]) == (10, -100, -10)
    assert decided["content_hash"] == estimate["content_hash"]


def test_a_discount_does_not_stand_in_the_way_of_a_no(shop: Shop) -> None:
    path = examined(shop, A, {**OFF, "unit_price": 60})
    estimate = ask(shop, path)
    decide(shop, estimate, *ids(estimate))
    shop.mechanic.patch(f"{path}/lines/{estimate['lines'][0]['line_id']}", {"unit_price": 120})

    answer = decide(shop, ask(shop, path))

    assert (answer.status_code, answer.json["accepted_total"]) == (200, 0)
    assert shop.owner.get(path).json["lines"] == []
