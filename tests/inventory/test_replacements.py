"""Replacements: what is fitted in an item's place, in chains without a circle, and what else could be."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.blueprints.inventory import replacements, succession
from app.extensions import db
from tests.factories import Shop
from tests.inventory.test_tables import exported, numbers, read_in
from tests.watching import statements


def replace(shop: Shop, item: int, by: int | None) -> tuple[int, str | None]:
    answer = shop.owner.patch(f"/inventory/{item}", json={"replaced_by_id": by})
    return answer.status_code, answer.json.get("code")


def line_of(shop: Shop, length: int) -> list[int]:
    """Make items each of which is replaced by the next one."""
    made = [shop.make_part().id for _ in range(length)]
    for item, by in pairwise(made):
        assert replace(shop, item, by) == (200, None)
    return made


def instead(shop: Shop, item: int) -> dict[str, list[int]]:
    answer = shop.mechanic.get(f"/inventory/{item}/replacements")
    assert answer.status_code == 200, answer.text
    return {name: [one["id"] for one in items] for name, items in answer.json.items()}


class TestAReplacement:
    def test_is_a_field_of_the_item(self, shop: Shop) -> None:
        new = shop.make_part().id
        made = shop.owner.post("/inventory", json={"name": "Filter", "price": 5, "replaced_by_id": new})
        path = made.headers["Location"]
        assert (made.status_code, made.json["replaced_by_id"]) == (201, new)

        kept = shop.owner.patch(path, json={"price": 6}).json["replaced_by_id"]
        again = shop.owner.put(path, json=shop_body(shop, path)).json["replaced_by_id"]
        left_out = shop.owner.put(path, json={"name": "Filter", "price": 5}).json["replaced_by_id"]

        assert (kept, again, left_out) == (new, new, None)
        log = shop.owner.get("/audit?per_page=1").json[0]
        assert (log["before"]["replaced_by_id"], log["after"]["replaced_by_id"]) == (new, None)

    def test_is_in_the_inventory(self, shop: Shop, other_shop: Shop) -> None:
        item, gone = shop.make_part().id, shop.make_part().id
        shop.owner.delete(f"/inventory/{gone}")

        answers = {replace(shop, item, by) for by in (gone, other_shop.make_part().id, 2**62)}

        assert answers == {(404, "replacement_not_found")}
        made = shop.owner.post("/inventory", json={"name": "Filter", "price": 5, "replaced_by_id": gone})
        assert (made.status_code, made.json["code"]) == (404, "replacement_not_found")
        assert shop.owner.patch(f"/inventory/{gone}", json={"replaced_by_id": item}).status_code == 404

    @pytest.mark.parametrize("value", [0, -1, "1", True, 1.5, 2**63])
    def test_is_an_id(self, shop: Shop, value: Any) -> None:
        path = f"/inventory/{shop.make_part().id}"

        assert shop.owner.patch(path, json={"replaced_by_id": value}).status_code == 400

    @pytest.mark.parametrize("length", [1, 2, 4])
    def test_makes_no_circle(self, shop: Shop, length: int) -> None:
        line = line_of(shop, length)

        assert replace(shop, line[-1], line[0]) == (409, "replacement_circle")
        assert shop.owner.get(f"/inventory/{line[-1]}").json["replaced_by_id"] is None

    def test_turns_round_once_the_other_way_is_given_up(self, shop: Shop) -> None:
        first, second = line_of(shop, 2)

        assert (replace(shop, first, None), replace(shop, second, first)) == ((200, None), (200, None))

    def test_is_at_the_end_of_twenty_steps_at_most(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(succession, "MOST_STEPS", 3)
        before, after = line_of(shop, 2), line_of(shop, 3)
        too_long = (409, "replacement_chain_too_long")

        assert replace(shop, before[-1], after[0]) == too_long  # 1 + 1 + 2 steps
        assert replace(shop, before[-1], after[1]) == (200, None)
        assert replace(shop, shop.make_part().id, before[0]) == too_long
        body = {"name": "Filter", "price": 5, "replaced_by_id": before[0]}
        assert shop.owner.post("/inventory", json=body).json["code"] == too_long[1]

    def test_with_a_stale_version_is_not_taken(self, shop: Shop) -> None:
        first, second = shop.make_part().id, shop.make_part().id
        path = f"/inventory/{first}"

        answer = shop.owner.patch(path, json={"replaced_by_id": second}, headers={"If-Match": '"9-ab"'})

        assert answer.status_code == 412

    def test_stays_while_something_is_replaced_by_it(self, shop: Shop) -> None:
        first, second, third = line_of(shop, 3)

        refused = shop.owner.delete(f"/inventory/{second}")
        assert (refused.status_code, refused.json["code"]) == (409, "item_replaces_others")
        assert str(first) in refused.json["detail"]

        replace(shop, first, third)
        assert shop.owner.delete(f"/inventory/{second}").status_code == 200
        assert instead(shop, third) == {"replaced_by": [], "replaces": [first], "alternatives": []}
        assert [shop.owner.delete(f"/inventory/{one}").status_code for one in (first, third)] == [200, 200]

    def test_by_itself_is_no_row_either(self, shop: Shop) -> None:
        item = shop.make_part().id

        with shop.inside(), pytest.raises(DBAPIError), db.engine.begin() as connection:
            connection.execute(text(f"UPDATE parts SET replaced_by_id = id WHERE id = {item}"))

    def test_is_left_by_tables_that_are_read_in(self, shop: Shop) -> None:
        first, second = line_of(shop, 2)

        assert numbers(read_in(shop, "parts", exported(shop, "parts"))) == (0, 0, 2, 0)
        renamed = f"id,name\n{first},Renamed\n"
        assert numbers(read_in(shop, "parts", renamed)) == (0, 1, 0, 0)
        assert shop.owner.get(f"/inventory/{first}").json["replaced_by_id"] == second


def shop_body(shop: Shop, path: str) -> dict[str, Any]:
    """Return an item as PUT takes it."""
    item = shop.owner.get(path).json
    return {name: item[name] for name in ("name", "price", "sku", "replaced_by_id")}


class TestWhatIsFittedInstead:
    def test_is_the_chain_in_order_and_back_the_nearest_first(self, shop: Shop) -> None:
        line = line_of(shop, 4)
        also = shop.make_part(name="Aged").id
        replace(shop, also, line[1])

        found = instead(shop, line[1])

        assert found == {"replaced_by": line[2:], "replaces": [also, line[0]], "alternatives": []}
        assert instead(shop, line[0])["replaced_by"] == line[1:]
        assert instead(shop, line[3])["replaces"] == [line[2], line[1], also, line[0]]

    def test_is_what_shares_a_number_and_first_what_is_there(self, shop: Shop, other_shop: Shop) -> None:
        item = shop.make_part(sku="OX 339", on_hand=0).id
        out, there, uncounted, by_sku, of_sku, gone = (
            shop.make_part(name=name, on_hand=on_hand, **more).id
            for name, on_hand, more in (
                ("A", 0, {}), ("Z", 3, {}), ("B", None, {}), ("Y", 1, {"sku": "06a115561b"}), ("X", 2, {}), ("C", 0, {}),
            )
        )  # fmt: skip
        for one in (item, out, there, uncounted, gone):
            shop.make_reference(one, number="06A 115 561 B")
        shop.make_reference(there, number="W 712")
        shop.make_reference(item, number="W-712")
        shop.make_reference(of_sku, number="OX-339")
        other_shop.make_reference(other_shop.make_part(on_hand=5).id, number="06A 115 561 B")
        shop.owner.delete(f"/inventory/{gone}")

        answer = shop.mechanic.get(f"/inventory/{item}/replacements").json["alternatives"]

        assert [one["id"] for one in answer] == [of_sku, by_sku, there, uncounted, out]
        assert answer[2] == {
            "id": there, "name": "Z", "sku": None, "price": 19.99, "on_hand": 3, "available": 3,
        }  # fmt: skip

    def test_is_bounded(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replacements, "MOST_TOLD", 2)
        item = shop.make_part().id
        shop.make_reference(item, number="W 712")
        for _ in range(3):
            replace(shop, shop.make_part().id, item)
            shop.make_reference(shop.make_part().id, number="W 712")

        assert {name: len(items) for name, items in instead(shop, item).items()} == {
            "replaced_by": 0, "replaces": 2, "alternatives": 2,
        }  # fmt: skip

    def test_costs_as_many_statements_for_much_as_for_nothing(self, app: Flask, shop: Shop) -> None:
        alone, line = shop.make_part().id, line_of(shop, 6)
        for item in line:
            shop.make_reference(item, number="W 712")
        costs = []
        instead(shop, alone)  # who asks is known from then on
        for item in (alone, line[3]):
            with statements(app) as seen:
                instead(shop, item)
            costs.append(len(seen))

        assert costs == [4, 4]

    def test_of_what_was_taken_out_is_not_told(self, shop: Shop, other_shop: Shop) -> None:
        gone = shop.make_part().id
        shop.owner.delete(f"/inventory/{gone}")

        for item in (gone, other_shop.make_part().id):
            assert shop.mechanic.get(f"/inventory/{item}/replacements").status_code == 404


def test_what_was_replaced_is_not_proposed_for_its_own_minimum(shop: Shop) -> None:
    low = {"on_hand": 0, "minimum_stock_level": 2}
    old, new = shop.make_part(**low).id, shop.make_part(**low).id
    replace(shop, old, new)

    found = shop.mechanic.get("/inventory/purchase_orders/proposals").json["without_supplier"]
    alerts = shop.mechanic.get("/inventory/stock-alerts").json

    assert [line["item"]["id"] for line in found] == [new]
    assert {alert["id"] for alert in alerts} == {old, new}
