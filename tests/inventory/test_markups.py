"""Prices by mark-up: which rule is whose, what comes of it to the cent, and what stays as it was."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.blueprints.inventory import pricing
from tests.factories import Shop
from tests.inventory.test_tables import exported, numbers, read_in
from tests.service_tickets.life import ticket_in


def rule(shop: Shop, percent: float, **overrides: Any) -> int:
    answer = shop.owner.post("/inventory/markup_rules", json={"percent": percent, **overrides})
    assert answer.status_code == 201, answer.text
    return int(answer.json["id"])


def marked_up(shop: Shop, **overrides: Any) -> str:
    body = {"name": "Oil Filter", "price": 19.99, "on_hand": 0, "pricing": "markup", **overrides}
    return f"/inventory/{shop.owner.post('/inventory', json=body).json['id']}"


def receive(shop: Shop, path: str, quantity: float, unit_cost: float) -> None:
    body = {"kind": "purchase", "quantity": quantity, "unit_cost": unit_cost}
    assert shop.mechanic.post(f"{path}/movements", json=body).status_code == 201


def priced(shop: Shop, path: str) -> tuple[float, str, int | None]:
    item = shop.mechanic.get(path).json
    return item["price"], item["priced_by"], item["markup_rule_id"]


@pytest.mark.parametrize(
    ("value", "quantity", "percent", "price"),
    [
        ("10.00", "1", "40", "14.00"), ("0.05", "1", "50", "0.08"), ("0.01", "1", "49.999", "0.01"),
        ("10.00", "3", "50", "5.00"),
        ("4.00", "1000", "50", "0.01"), ("2.00", "3", "0", "0.67"), ("0.00", "5", "100", "0.00"),
        ("1.15", "1", "0.435", "1.16"),
    ],
)  # fmt: skip
def test_a_price_is_rounded_half_up_and_once(value: str, quantity: str, percent: str, price: str) -> None:
    assert pricing.marked_up(Decimal(value), Decimal(quantity), Decimal(percent)) == Decimal(price)


def test_a_price_follows_the_average_cost_of_what_comes(shop: Shop) -> None:
    default, path = rule(shop, 50), marked_up(shop)
    before = priced(shop, path)

    receive(shop, path, 2, 10)
    first = priced(shop, path)
    receive(shop, path, 1, 10.01)

    assert before == (19.99, "kept", None)
    assert (first, priced(shop, path)) == ((15.0, "rule", default), (15.01, "rule", default))


def test_what_an_order_brings_is_priced_too(shop: Shop) -> None:
    default, path = rule(shop, 20), marked_up(shop)
    order = shop.make_order(int(path.rpartition("/")[2]))

    shop.owner.post(f"/inventory/purchase_orders/{order['id']}/receipts", json={})

    assert priced(shop, path) == (6.0, "rule", default)


def test_the_nearest_category_wins_and_there_the_band_that_begins_last(shop: Shop) -> None:
    outer = shop.make_category().id
    inner = shop.make_category(parent_id=outer).id
    rules = {
        "all": rule(shop, 10),
        "outer": rule(shop, 20, category_id=outer),
        "dear": rule(shop, 30, category_id=inner, cost_from=100),
        "dearer": rule(shop, 40, category_id=inner, cost_from=200),
    }

    def of(category_id: int | None, cost: float) -> str:
        path = marked_up(shop, category_id=category_id)
        receive(shop, path, 1, cost)
        found = priced(shop, path)[2]
        return next(name for name, id_ in rules.items() if id_ == found)

    assert [of(inner, cost) for cost in (99.99, 100, 199.99, 200)] == ["outer", "dear", "dear", "dearer"]
    assert (of(outer, 500), of(None, 500)) == ("outer", "all")


def test_prices_follow_a_rule_that_changes_and_go_over_when_it_goes(shop: Shop) -> None:
    default = rule(shop, 10)
    category = shop.make_category().id
    own, path = rule(shop, 50, category_id=category), marked_up(shop, category_id=category)
    receive(shop, path, 4, 10)
    version = shop.owner.get(path).headers["ETag"]

    shop.owner.patch(f"/inventory/markup_rules/{own}", json={"percent": 60})
    changed, tag = priced(shop, path), shop.owner.get(path).headers["ETag"]
    shop.owner.delete(f"/inventory/markup_rules/{own}")
    gone = priced(shop, path)
    shop.owner.delete(f"/inventory/markup_rules/{default}")

    assert (changed, gone) == ((16.0, "rule", own), (11.0, "rule", default))
    assert tag != version
    assert priced(shop, path) == (11.0, "kept", None)


def test_a_category_that_moves_takes_its_items_to_the_rules_there(shop: Shop) -> None:
    outer, inner = shop.make_category().id, shop.make_category().id
    path = marked_up(shop, category_id=inner)
    receive(shop, path, 1, 10)
    rule(shop, 25, category_id=outer)

    shop.owner.patch(f"/inventory/categories/{inner}", json={"parent_id": outer})

    assert priced(shop, path)[:2] == (12.5, "rule")


def test_a_price_by_rule_is_the_rules_and_a_fixed_one_is_ones_own(shop: Shop) -> None:
    default, path = rule(shop, 50), marked_up(shop)
    receive(shop, path, 1, 10)
    fixed = f"/inventory/{shop.make_part(on_hand=0).id}"
    receive(shop, fixed, 1, 10)

    by_rule = shop.owner.patch(path, json={"price": 99}).json["price"]
    shop.owner.patch(path, json={"pricing": "fixed"})
    by_hand = priced(shop, path)
    shop.owner.patch(fixed, json={"pricing": "markup"})

    assert (by_rule, by_hand) == (15.0, (15.0, "fixed", None))
    assert priced(shop, fixed) == (15.0, "rule", default)


def test_lines_that_are_written_keep_their_price(shop: Shop) -> None:
    default, path = rule(shop, 50), marked_up(shop)
    receive(shop, path, 5, 10)
    ticket = ticket_in(shop)
    shop.owner.post(f"{ticket}/inventory", json={"item_id": int(path.rpartition("/")[2])})

    shop.owner.patch(f"/inventory/markup_rules/{default}", json={"percent": 100})

    assert shop.owner.get(ticket).json["inventory_items"][0]["price"] == 15.0
    assert priced(shop, path)[0] == 20.0


def test_there_is_one_rule_for_a_category_and_cost_and_none_of_elsewhere(
    shop: Shop, other_shop: Shop
) -> None:
    first = rule(shop, 10)
    other = rule(shop, 10, cost_from=5)
    elsewhere = other_shop.make_category().id

    refusals = [
        shop.owner.post("/inventory/markup_rules", json={"percent": 20}),
        shop.owner.patch(f"/inventory/markup_rules/{other}", json={"cost_from": 0}),
        shop.owner.post("/inventory/markup_rules", json={"percent": 20, "category_id": elsewhere}),
        other_shop.owner.get(f"/inventory/markup_rules/{first}"),
        shop.owner.post("/inventory/markup_rules", json={"percent": 999.001, "cost_from": 7}),
    ]

    assert [answer.json["code"] for answer in refusals] == [
        "markup_rule_taken", "markup_rule_taken", "category_not_found", "markup_rule_not_found", "invalid_request",
    ]  # fmt: skip


def test_the_log_says_what_made_a_price(shop: Shop) -> None:
    default, path = rule(shop, 50), marked_up(shop)
    receive(shop, path, 1, 10)

    entries = {entry["action"]: entry for entry in shop.owner.get("/audit").json}

    assert entries["part.repriced"]["after"] == {"price": "15.00", "markup_rule_id": default}


def test_tables_put_items_on_mark_up_and_prices_follow_what_the_stock_cost(shop: Shop) -> None:
    default = rule(shop, 50)
    path = f"/inventory/{shop.make_part(sku='A', on_hand=0).id}"
    receive(shop, path, 1, 10)

    read_in(shop, "parts", "sku,pricing\nA,markup\n")
    put_on = priced(shop, path)
    read_in(shop, "stock", "sku,on_hand,unit_cost\nA,2,20\n")
    again = numbers(read_in(shop, "parts", exported(shop, "parts")))

    assert put_on == (15.0, "rule", default)
    assert priced(shop, path) == (22.5, "rule", default)
    assert again == (0, 0, 1, 0)
    assert read_in(shop, "parts", "sku,pricing\nA,free\n").status_code == 400
