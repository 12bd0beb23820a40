"""What runs low, and what the stock is or was worth."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.blueprints.inventory import reports
from app.blueprints.inventory import stock as moving
from app.blueprints.inventory.models import Part
from app.core import clock
from app.core.db import atomic
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


class TestSlowMovers:
    def test_are_what_is_there_and_was_not_sold_for_so_long(self, shop: Shop, clock_set: Clock) -> None:
        start = clock_set.moment
        clock_set.moment = start - timedelta(days=300)
        with_value = {"kind": "purchase", "quantity": 2, "unit_cost": 4}
        parts = {
            name: shop.make_part(name=name, on_hand=3).id
            for name in ("A never sold", "B sold long ago", "C sold lately")
        }
        with shop.inside(), atomic() as session:
            session.query(Part).update({"created_at": clock_set.moment})
        shop.make_part(name="D out", on_hand=0)
        shop.make_part(name="E not counted")
        gone = shop.make_part(name="F gone", on_hand=0)
        order = shop.make_order(gone.id)
        shop.take_out(gone.id)
        shop.owner.post(f"/inventory/purchase_orders/{order['id']}/receipts", json={})
        sold = start - timedelta(days=200)
        for name, moment in (("B sold long ago", sold), ("C sold lately", start - timedelta(days=100))):
            with shop.inside():
                clock_set.moment = moment
                moving.move(shop.id, parts[name], "sale", quantity=Decimal(1), unit_cost=None, reason=None)
        clock_set.moment = start
        shop.make_part(name="G new", on_hand=1)
        shop.owner.post(f"/inventory/{parts['A never sold']}/movements", json=with_value)

        found = shop.mechanic.get("/inventory/slow-movers").json
        shorter = shop.mechanic.get("/inventory/slow-movers?days=90").json

        assert [(one["name"], one["on_hand"], one["last_sold_at"]) for one in found] == [
            ("A never sold", 5, None), ("B sold long ago", 2, sold.strftime("%Y-%m-%dT%H:%M:%SZ")),
        ]  # fmt: skip
        assert found[0]["stock_value"] == 20.0
        assert [one["name"][0] for one in shorter] == ["A", "B", "C"]

    @pytest.mark.parametrize("query", ["days=0", "days=x", "days=3651", "sort=on_hand"])
    def test_a_careless_query_is_refused(self, shop: Shop, query: str) -> None:
        assert shop.owner.get(f"/inventory/slow-movers?{query}").status_code == 400


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

    def test_is_that_of_the_end_of_a_day_by_the_workshops_clock(self, shop: Shop, clock_set: Clock) -> None:
        shop.owner.patch(f"/workshops/{shop.id}", json={"time_zone": "America/New_York"})
        part = shop.make_part(on_hand=0)
        days = [date(1, 1, 1), *(date(2027, 3, day) for day in (12, 13, 14, 15)), date.max]
        with shop.inside():
            for moment, quantity in (
                ("2027-03-14T04:59:59Z", 1), ("2027-03-15T03:59:59Z", 2), ("2027-03-15T04:00:00Z", 4),
            ):  # fmt: skip
                clock_set.moment = datetime.fromisoformat(moment)
                moving.move(
                    shop.id,
                    part.id,
                    "purchase",
                    quantity=Decimal(quantity),
                    unit_cost=Decimal(1),
                    reason=None,
                )
            worth = [reports.valuation(shop.id, day)["value"] for day in days]

        assert worth == [0, 0, 1, 3, 7, 7]

    @pytest.mark.parametrize(("at", "value"), [("2026-03-02", 0.0), ("2099-12-31", 2.0)])
    def test_is_asked_for_by_day(self, shop: Shop, at: str, value: float) -> None:
        part = shop.make_part(on_hand=0)
        body = {"kind": "purchase", "quantity": 2, "unit_cost": 1}
        shop.owner.post(f"/inventory/{part.id}/movements", json=body)

        assert shop.owner.get(f"/inventory/valuation?at={at}").json["value"] == value

    def test_is_nothing_where_nothing_is(self, shop: Shop, other_shop: Shop) -> None:
        other_shop.make_part(on_hand=1)

        assert '"value":0.00}' in shop.owner.get("/inventory/valuation").text

    @pytest.mark.parametrize("at", ["2000-01-01", "2100-01-01"])
    def test_has_two_places_as_all_money_has(self, shop: Shop, at: str) -> None:
        part = shop.make_part(on_hand=0)
        body = {"kind": "purchase", "quantity": 3, "unit_cost": 4.11}
        shop.owner.post(f"/inventory/{part.id}/movements", json=body)

        told = shop.owner.get(f"/inventory/valuation?at={at}").text

        assert told.endswith(f'"value":{"0.00" if at < "2001" else "12.33"}}}')

    def test_long_ago_there_was_none(self, shop: Shop) -> None:
        answer = shop.owner.get("/inventory/valuation?at=0281-05-29T15:28:56Z")

        assert answer.json == {"at": "0281-05-29T15:28:56Z", "value": 0.0}

    def test_counts_what_came_of_an_item_that_was_taken_out(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        order = shop.make_order(part.id)
        shop.take_out(part.id)
        shop.owner.post(f"/inventory/purchase_orders/{order['id']}/receipts", json={})

        assert shop.owner.get("/inventory/valuation").json["value"] == 50.0

    @pytest.mark.parametrize(
        "query",
        [
            "at=yesterday",
            "at=2026-1-1",
            "at=2026-02-30",
            "at=20260101",
            "at=2026-01-01T00:00:00",
            "at=",
            "on=x",
        ],
    )
    def test_a_careless_query_is_refused(self, shop: Shop, query: str) -> None:
        assert shop.owner.get(f"/inventory/valuation?{query}").status_code == 400
