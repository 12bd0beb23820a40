"""What runs low, and what the stock is or was worth."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.core import clock
from tests.factories import Shop
from tests.mailing import Clock


@pytest.fixture
def shelf(shop: Shop) -> None:
    for name, stock, least, many in (
        ("A out", 0, 2, 10),
        ("B low", 1, 2, None),
        ("C at the minimum", 2, 2, 5),
        ("D enough", 3, 2, None),
        ("E not counted", None, 2, None),
        ("F out without a minimum", 0, None, None),
        ("G without a minimum", 1, None, None),
    ):
        shop.make_part(name=name, on_hand=stock, minimum_stock_level=least, reorder_quantity=many)
    gone = shop.make_part(name="H gone", on_hand=0)
    shop.owner.delete(f"/inventory/{gone.id}")


class TestAlerts:
    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ("", [("A", "out"), ("B", "low"), ("C", "reorder"), ("F", "out")]),
            ("?alert=out", [("A", "out"), ("F", "out")]),
            ("?alert=low,reorder", [("B", "low"), ("C", "reorder")]),
            ("?sort=-name&per_page=2", [("F", "out"), ("C", "reorder")]),
            ("?page=2&per_page=3", [("F", "out")]),
        ],
    )
    def test_say_of_what_too_few_are_there(
        self, shop: Shop, shelf: None, query: str, told: list[tuple[str, str]]
    ) -> None:
        found = shop.mechanic.get(f"/inventory/stock-alerts{query}").json

        assert [(one["name"][0], one["alert"]) for one in found] == told

    def test_tell_how_many_are_there_and_how_many_to_order(self, shop: Shop, shelf: None) -> None:
        first = shop.owner.get("/inventory/stock-alerts").json[0]

        assert first.items() >= {"on_hand": 0, "minimum_stock_level": 2, "reorder_quantity": 10}.items()

    def test_come_with_a_sale_and_go_with_a_receipt(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=3, minimum_stock_level=2)
        seen: list[list[str]] = []
        for kind in ("sale", "sale", "sale", "purchase"):
            body: dict[str, Any] = {"kind": kind, "quantity": 3 if kind == "purchase" else 1}
            shop.owner.post(f"/inventory/{part.id}/movements", json=body)
            seen.append([one["alert"] for one in shop.owner.get("/inventory/stock-alerts").json])

        assert seen == [["reorder"], ["low"], ["out"], []]

    def test_are_each_workshops_own(self, shop: Shop, other_shop: Shop, shelf: None) -> None:
        assert other_shop.owner.get("/inventory/stock-alerts").json == []

    @pytest.mark.parametrize("query", ["alert=", "alert=none", "sort=on_hand", "low=true"])
    def test_a_careless_query_is_refused(self, shop: Shop, query: str) -> None:
        assert shop.owner.get(f"/inventory/stock-alerts?{query}").status_code == 400


class TestValue:
    def test_is_that_of_the_ledger_at_any_time(self, shop: Shop, clock_set: Clock) -> None:
        begun = clock.now()
        part = shop.make_part(on_hand=0)
        for quantity, unit_cost in ((10, "4.00"), (5, "7.00")):
            clock_set.pass_(minutes=1)
            body = {"kind": "purchase", "quantity": quantity, "unit_cost": unit_cost}
            shop.owner.post(f"/inventory/{part.id}/movements", json=body)
        clock_set.pass_(minutes=1)
        shop.owner.post(f"/inventory/{part.id}/movements", json={"kind": "sale", "quantity": 3})

        worth = [
            shop.mechanic.get(
                "/inventory/valuation", query_string={"at": (begun + timedelta(minutes=minutes)).isoformat()}
            ).json["value"]
            for minutes in (0, 1, 2, 3, 4)
        ]

        assert worth == [0.0, 40.0, 75.0, 60.0, 60.0]
        assert shop.owner.get("/inventory/valuation").json["value"] == 60.0

    def test_is_nothing_where_nothing_is(self, shop: Shop, other_shop: Shop) -> None:
        other_shop.make_part(on_hand=1)

        assert shop.owner.get("/inventory/valuation").json["value"] == 0.0

    def test_long_ago_there_was_none(self, shop: Shop) -> None:
        answer = shop.owner.get("/inventory/valuation?at=0281-05-29T15:28:56Z")

        assert answer.json == {"at": "0281-05-29T15:28:56Z", "value": 0.0}

    def test_counts_what_was_taken_out_and_still_lies_there(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        body = {"kind": "purchase", "quantity": 2, "unit_cost": str(Decimal("1.25"))}
        shop.owner.post(f"/inventory/{part.id}/movements", json=body)
        shop.owner.delete(f"/inventory/{part.id}")

        assert shop.owner.get("/inventory/valuation").json["value"] == 2.5

    @pytest.mark.parametrize("query", ["at=yesterday", "at=2026-01-01", "at=2026-01-01T00:00:00", "on=x"])
    def test_a_careless_query_is_refused(self, shop: Shop, query: str) -> None:
        assert shop.owner.get(f"/inventory/valuation?{query}").status_code == 400
