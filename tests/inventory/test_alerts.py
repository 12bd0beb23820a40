"""Alerts: each grade is raised once as long as it holds, and resolved by what ends it, in the same transaction."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.blueprints.inventory import stock
from app.blueprints.inventory.alert_models import StockAlert
from app.core.db import atomic
from app.extensions import db
from tests.factories import Shop
from tests.mailing import Clock
from tests.tampering import owners_connection


def raised(shop: Shop, part_id: int) -> list[tuple[str, bool]]:
    """Return the alerts that a part had, the first one first: of which grade, and whether it is resolved."""
    with shop.inside():
        rows = db.session.query(StockAlert).filter_by(part_id=part_id).order_by(StockAlert.id)
        return [(row.grade, row.resolved_at is not None) for row in rows]


def move(shop: Shop, part_id: int, kind: str, quantity: float, **body: Any) -> None:
    sent = {"kind": kind, "quantity": quantity, **body}
    assert shop.mechanic.post(f"/inventory/{part_id}/movements", json=sent).status_code == 201


def sell_and_fail(shop: Shop, part_id: int) -> None:
    with atomic():
        stock.move(shop.id, part_id, "sale", quantity=Decimal(5), unit_cost=None, reason=None)
        raise RuntimeError("changed my mind")


class TestRaising:
    @pytest.mark.parametrize(
        ("on_hand", "grades"),
        [(3, []), (2, [("reorder", False)]), (1, [("low", False)]), (0, [("out", False)]), (None, [])],
    )
    def test_a_new_part_has_the_alert_that_it_is_due(
        self, shop: Shop, on_hand: int | None, grades: list[tuple[str, bool]]
    ) -> None:
        part = shop.make_part(on_hand=on_hand, minimum_stock_level=2)

        assert raised(shop, part.id) == grades

    def test_each_grade_is_raised_once_as_long_as_it_holds(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=6, minimum_stock_level=4)

        for quantity in (1, 1, 1, 1, 1, 1):
            move(shop, part.id, "sale", quantity)

        assert raised(shop, part.id) == [("reorder", True), ("low", True), ("out", False)]

    def test_a_ticket_that_takes_the_last_ones_raises_one_and_giving_back_resolves_it(
        self, shop: Shop
    ) -> None:
        part = shop.make_part(on_hand=3, minimum_stock_level=1)
        path = f"/service_tickets/{shop.make_ticket()['id']}/inventory"

        shop.mechanic.post(path, json={"item_id": part.id, "quantity": 3})
        taken = raised(shop, part.id)
        shop.owner.delete(f"{path}/{part.id}")

        assert (taken, raised(shop, part.id)) == ([("out", False)], [("out", True)])

    @pytest.mark.parametrize(
        ("change", "grades"),
        [
            ({"minimum_stock_level": 9}, [("low", False)]), ({"on_hand": 0}, [("out", False)]), ({"name": "Belt"}, []),
            ({"on_hand": 4, "minimum_stock_level": 4}, [("reorder", False)]), ({"on_hand": None}, []),
        ],
    )  # fmt: skip
    def test_a_change_of_the_part_counts_as_well(
        self, shop: Shop, change: dict[str, Any], grades: list[tuple[str, bool]]
    ) -> None:
        part = shop.make_part(on_hand=5, minimum_stock_level=2)

        assert shop.owner.patch(f"/inventory/{part.id}", json=change).status_code == 200

        assert raised(shop, part.id) == grades

    def test_what_is_undone_raises_none(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5, minimum_stock_level=2)

        with shop.inside(), pytest.raises(RuntimeError, match="changed my mind"):
            sell_and_fail(shop, part.id)
        with shop.inside(), atomic():
            pass  # whose commit must not find what the other left

        assert raised(shop, part.id) == []

    def test_the_table_itself_has_one_open_alert_of_a_part(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        another = text(
            "INSERT INTO stock_alerts (workshop_id, part_id, grade, raised_at) VALUES (:shop, :part, 'low', CURRENT_TIMESTAMP)"
        )

        with pytest.raises(DBAPIError), owners_connection(shop.app) as connection:
            connection.execute(another, {"shop": shop.id, "part": part.id})


class TestResolving:
    def test_a_receipt_resolves_it(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0, minimum_stock_level=4)
        order = shop.make_order(part.id)

        for quantity in (4, 6):
            line = {"item_id": part.id, "quantity": quantity}
            shop.mechanic.post(f"/inventory/purchase_orders/{order['id']}/receipts", json={"lines": [line]})

        assert raised(shop, part.id) == [("out", True), ("reorder", True)]

    @pytest.mark.parametrize("ending", ["counted no more", "taken out", "a lower minimum"])
    def test_so_does_what_makes_it_pointless(self, shop: Shop, ending: str) -> None:
        on_hand, grade = (0, "out") if ending == "taken out" else (1, "low")
        part = shop.make_part(on_hand=on_hand, minimum_stock_level=4)
        path = f"/inventory/{part.id}"

        if ending == "taken out":
            shop.owner.delete(path)
        else:
            change = {"on_hand": None} if ending == "counted no more" else {"minimum_stock_level": 0}
            shop.owner.patch(path, json=change)

        assert raised(shop, part.id) == [(grade, True)]


class TestTheList:
    def test_tells_since_when_and_how_many_are_on_the_way(self, shop: Shop, clock_set: Clock) -> None:
        part = shop.make_part(on_hand=5, minimum_stock_level=4)
        clock_set.pass_(seconds=10)
        move(shop, part.id, "sale", 3)
        since = clock_set.moment
        clock_set.pass_(seconds=10)
        order = shop.make_order(part.id)
        line = {"item_id": part.id, "quantity": 1}
        shop.mechanic.post(f"/inventory/purchase_orders/{order['id']}/receipts", json={"lines": [line]})

        (alert,) = shop.owner.get("/inventory/stock-alerts").json

        assert (alert["alert"], alert["on_order"]) == ("low", 9)
        assert alert["raised_at"] == since.strftime("%Y-%m-%dT%H:%M:%SZ")

    def test_what_is_cancelled_is_not_on_the_way(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        order = shop.make_order(part.id)
        shop.owner.post(f"/inventory/purchase_orders/{order['id']}/cancel", json={})

        (alert,) = shop.owner.get("/inventory/stock-alerts").json

        assert alert["on_order"] == 0


HISTORY = "/inventory/stock-alerts/history"


class TestTheHistory:
    def test_tells_the_latest_first_when_each_was_raised_and_resolved(
        self, shop: Shop, clock_set: Clock
    ) -> None:
        part = shop.make_part(name="Oil Filter", sku="OF-1", on_hand=3, minimum_stock_level=2)
        times = []
        for quantity in (1, 1):
            clock_set.pass_(seconds=10)
            move(shop, part.id, "sale", quantity)
            times.append(clock_set.moment.strftime("%Y-%m-%dT%H:%M:%SZ"))

        item = {"id": part.id, "name": "Oil Filter", "sku": "OF-1"}
        told = [
            {name: value for name, value in alert.items() if name != "id"}
            for alert in shop.mechanic.get(HISTORY).json
        ]
        assert told == [
            {"item": item, "alert": "low", "raised_at": times[1], "told_at": None, "resolved_at": None},
            {
                "item": item,
                "alert": "reorder",
                "raised_at": times[0],
                "told_at": None,
                "resolved_at": times[1],
            },
        ]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", ["out", "low", "reorder", "out"]), ("?resolved=true", ["low", "reorder", "out"]),
            ("?resolved=false", ["out"]), ("?alert=low,reorder", ["low", "reorder"]), ("?item_id={first}", ["out"]),
            ("?item_id={second}&resolved=false", ["out"]), ("?sort=id&per_page=2", ["out", "reorder"]),
            ("?item_id=99999999", []),
        ],
    )  # fmt: skip
    def test_is_filtered(self, shop: Shop, query: str, found: list[str]) -> None:
        first = shop.make_part(on_hand=0)
        second = shop.make_part(on_hand=4, minimum_stock_level=2)
        for quantity in (2, 1, 1):
            move(shop, second.id, "sale", quantity)
        shop.owner.delete(f"/inventory/{first.id}")

        listed = shop.owner.get(HISTORY + query.format(first=first.id, second=second.id)).json

        assert [alert["alert"] for alert in listed] == found

    def test_has_nothing_of_another_workshop(self, shop: Shop, other_shop: Shop) -> None:
        theirs = other_shop.make_part(on_hand=0)

        assert shop.owner.get(HISTORY).json == []
        assert shop.owner.get(f"{HISTORY}?item_id={theirs.id}").json == []
        assert len(other_shop.owner.get(HISTORY).json) == 1
