"""What should be ordered: what runs low, less what is on the way, by supplier and with their least order told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.blueprints.inventory import proposals
from app.blueprints.inventory.models import Part
from tests.factories import Shop

PATH = "/inventory/purchase_orders/proposals"


def low(shop: Shop, **overrides: Any) -> int:
    return shop.make_part(**{"on_hand": 1, "minimum_stock_level": 4, "reorder_quantity": 10, **overrides}).id


def offer(
    shop: Shop, part_id: int, supplier_id: int, price: float | None = 2.0, preferred: bool = False
) -> None:
    path = f"/inventory/{part_id}/suppliers/{supplier_id}"
    assert shop.owner.put(path, json={"price": price, "preferred": preferred}).status_code == 200


def proposed(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = shop.mechanic.get(PATH).json
    return found


def lines(proposal: dict[str, Any]) -> dict[int, Any]:
    return {line["item"]["id"]: line["quantity"] for line in proposal["lines"]}


class TestWhatIsProposed:
    def test_is_what_runs_low_in_whole_multiples_of_its_reorder_quantity(self, shop: Shop) -> None:
        supplier = shop.make_supplier()
        parts = {
            low(shop): 10, low(shop, on_hand=0, minimum_stock_level=25): 30, low(shop, on_hand=4): 10,
            low(shop, reorder_quantity=None): 4, low(shop, on_hand=0, minimum_stock_level=None): 10,
            low(shop, unit="l", on_hand=Decimal("0.5"), reorder_quantity=Decimal("2.5")): 5,
        }  # fmt: skip
        others = [low(shop, on_hand=5), shop.make_part().id, shop.make_part(on_hand=0).id]
        for part in (*parts, *others):
            offer(shop, part, supplier.id)

        found = proposed(shop)["proposals"]

        assert [lines(one) for one in found] == [parts]

    def test_comes_from_who_is_preferred_or_else_the_cheapest(self, shop: Shop) -> None:
        dear, cheap, silent = (shop.make_supplier(name=name) for name in ("Dear", "Cheap", "Silent"))
        idle = shop.make_supplier(name="Idle", active=False)
        by_price, by_preference, without_price = low(shop), low(shop), low(shop)
        for part in (by_price, by_preference):
            offer(shop, part, dear.id, 3, preferred=part == by_preference)
            offer(shop, part, cheap.id, 2)
            offer(shop, part, silent.id, None)
            offer(shop, part, idle.id, 1)
        offer(shop, without_price, silent.id, None)

        found = {one["supplier"]["name"]: list(lines(one)) for one in proposed(shop)["proposals"]}

        assert found == {"Cheap": [by_price], "Dear": [by_preference], "Silent": [without_price]}

    def test_what_nobody_supplies_is_told(self, shop: Shop) -> None:
        part = low(shop)

        found = proposed(shop)

        assert found["proposals"] == []
        assert [(one["item"]["id"], one["quantity"], one["alert"]) for one in found["without_supplier"]] == [
            (part, 10, "low")
        ]

    @pytest.mark.parametrize("placed", [True, False])
    def test_what_is_on_the_way_counts(self, shop: Shop, placed: bool) -> None:
        part, supplier = low(shop), shop.make_supplier()
        offer(shop, part, supplier.id)
        order = shop.make_order(part, placed=placed, supplier_id=supplier.id)

        on_the_way = proposed(shop)["proposals"]
        shop.owner.post(f"/inventory/purchase_orders/{order['id']}/cancel", json={})
        cancelled = proposed(shop)["proposals"]

        assert on_the_way == []
        assert [lines(one) for one in cancelled] == [{part: 10}]

    def test_what_is_missing_to_the_least_order_is_told(self, shop: Shop) -> None:
        part, supplier = low(shop), shop.make_supplier(minimum_order_value=Decimal(50))
        offer(shop, part, supplier.id, 2)

        (found,) = proposed(shop)["proposals"]

        told = (found["total"], found["minimum_order_value"], found["missing_to_minimum"])
        assert told == (20.0, 50.0, 30.0)

    def test_another_workshops_parts_and_orders_do_not_count(self, shop: Shop, other_shop: Shop) -> None:
        theirs = low(other_shop)
        offer(other_shop, theirs, other_shop.make_supplier().id)

        assert proposed(shop) == {"proposals": [], "without_supplier": []}

    @given(
        on_hand=st.integers(0, 5000),
        coming=st.integers(0, 5000),
        least=st.integers(0, 5000),
        step=st.integers(1, 5000),
    )
    def test_it_is_the_smallest_multiple_that_brings_a_part_above_its_minimum(
        self, on_hand: int, coming: int, least: int, step: int
    ) -> None:
        part = Part(
            unit="l",
            reserved=Decimal(0),
            on_hand=Decimal(on_hand) / 1000,
            minimum_stock_level=Decimal(least) / 1000,
            reorder_quantity=Decimal(step) / 1000,
        )
        assert part.on_hand is not None
        assert part.minimum_stock_level is not None
        assert part.reorder_quantity is not None

        quantity = proposals._needed(part, Decimal(coming) / 1000)

        there = part.on_hand + Decimal(coming) / 1000
        assert quantity % part.reorder_quantity == 0
        assert there + quantity > part.minimum_stock_level
        assert quantity == 0 or there + quantity - part.reorder_quantity <= part.minimum_stock_level


class TestDraftingThem:
    def test_makes_an_order_a_supplier_and_then_proposes_nothing_more(self, shop: Shop) -> None:
        suppliers = [shop.make_supplier(name=name) for name in "AB"]
        parts = [low(shop) for _ in suppliers]
        for part, supplier in zip(parts, suppliers, strict=True):
            offer(shop, part, supplier.id, 2.5)

        made = shop.owner.post(PATH, json={}).json["proposals"]

        orders = [
            shop.owner.get(f"/inventory/purchase_orders/{one['purchase_order_id']}").json for one in made
        ]
        assert [(one["supplier"]["name"], one["status"], one["total"]) for one in orders] == [
            ("A", "draft", 25.0), ("B", "draft", 25.0),
        ]  # fmt: skip
        assert proposed(shop)["proposals"] == []
        assert shop.owner.post(PATH, json={}).json["proposals"] == []

    def test_of_some_suppliers_leaves_the_others(self, shop: Shop) -> None:
        first, second = shop.make_supplier(), shop.make_supplier()
        for supplier in (first, second):
            offer(shop, low(shop), supplier.id)

        made = shop.owner.post(PATH, json={"supplier_ids": [first.id]}).json["proposals"]

        assert [one["supplier"]["id"] for one in made] == [first.id]
        assert [one["supplier"]["id"] for one in proposed(shop)["proposals"]] == [second.id]

    @pytest.mark.parametrize("below_minimum", [False, True])
    def test_less_than_the_least_order_is_drafted_only_if_it_is_meant(
        self, shop: Shop, below_minimum: bool
    ) -> None:
        supplier = shop.make_supplier(minimum_order_value=Decimal(50))
        offer(shop, low(shop), supplier.id, 2)

        (found,) = shop.owner.post(PATH, json={"below_minimum": below_minimum}).json["proposals"]

        assert (found["purchase_order_id"] is not None) is below_minimum
        assert len(shop.owner.get("/inventory/purchase_orders").json) == below_minimum
