"""Prices by mark-up: an item that goes over to mark-up while its rule changes has the price of the new rule."""

from __future__ import annotations

import pytest
from flask import Flask

from app.blueprints.inventory import pricing
from app.extensions import db
from tests.concurrency.racing import Meeting, race
from tests.factories import Shop


def race_to_price(shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], float]:
    """Put an item that cost 10.00 on mark-up while its rule goes from 50 % to 100 %; return the statuses and its price."""
    made = shop.owner.post("/inventory/markup_rules", json={"percent": 50}).json
    item = f"/inventory/{shop.make_part(on_hand=0).id}"
    shop.owner.post(f"{item}/movements", json={"kind": "purchase", "quantity": 1, "unit_cost": 10})
    monkeypatch.setattr(pricing, "rules_of", meeting.after(pricing.rules_of))

    statuses = race(
        lambda: shop.owner.patch(item, json={"pricing": "markup"}).status_code,
        lambda: shop.owner.patch(f"/inventory/markup_rules/{made['id']}", json={"percent": 100}).status_code,
    )

    return statuses, shop.owner.get(item).json["price"]


def test_an_item_on_its_way_to_mark_up_is_not_missed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Meeting(2)

    statuses, price = race_to_price(shop, meeting, monkeypatch)

    assert (statuses, price) == ([200, 200], 20.0)
    assert not meeting.was_held


def test_control_without_the_lock_it_has_the_price_of_the_former_rule(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            pytest.skip("There the first write of one waits for the end of the other, whatever they hold.")
    meeting = Meeting(2)
    monkeypatch.setattr(pricing, "hold", lambda: None)

    statuses, price = race_to_price(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert (statuses, price) == ([200, 200], 15.0)


def test_a_receipt_and_a_change_of_its_rule_do_not_wait_in_a_circle(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    dear = shop.owner.post("/inventory/markup_rules", json={"percent": 100, "cost_from": 50}).json
    item = f"/inventory/{shop.make_part(on_hand=0, pricing='markup').id}"
    meeting = Meeting(2)
    monkeypatch.setattr(pricing, "hold", meeting.after(pricing.hold))
    monkeypatch.setattr(pricing, "follow", meeting.before(pricing.follow))

    statuses = race(
        lambda: (
            shop.owner.post(
                f"{item}/movements", json={"kind": "purchase", "quantity": 1, "unit_cost": 60}
            ).status_code
        ),
        lambda: shop.owner.patch(f"/inventory/markup_rules/{dear['id']}", json={"cost_from": 55}).status_code,
    )

    assert statuses == [201, 200]
    assert shop.owner.get(item).json["price"] == 120.0
