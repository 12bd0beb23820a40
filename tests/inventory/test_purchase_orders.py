"""Purchase orders: drafted at the supplier's prices, ordered, received in parts, cancelled as far as nothing came."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.blueprints.inventory import orders, proving
from app.core.audit import AuditEntry
from app.extensions import db
from tests.factories import Shop, fields_of
from tests.tampering import owners_connection

ORDERS = "/inventory/purchase_orders"


def drafted(shop: Shop, *lines: dict[str, Any], **body: Any) -> TestResponse:
    body.setdefault("supplier_id", None)
    if body["supplier_id"] is None:
        body["supplier_id"] = shop.make_supplier().id
    return shop.owner.post(ORDERS, json={"lines": list(lines), **body})


def receive(shop: Shop, order: dict[str, Any], *lines: dict[str, Any], **body: Any) -> TestResponse:
    sent = {**body, **({"lines": list(lines)} if lines else {})}
    return shop.mechanic.post(f"{ORDERS}/{order['id']}/receipts", json=sent)


def place(shop: Shop, order: dict[str, Any], **body: Any) -> TestResponse:
    return shop.owner.post(f"{ORDERS}/{order['id']}/place", json=body)


def item(shop: Shop, part_id: int) -> dict[str, Any]:
    found: dict[str, Any] = shop.owner.get(f"/inventory/{part_id}").json
    return found


def refusal(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def line_of(order: dict[str, Any], part_id: int) -> dict[str, Any]:
    return next(line for line in order["lines"] if line["item"]["id"] == part_id)


class TestADraft:
    def test_is_numbered_within_the_workshop_and_found_where_it_says(
        self, shop: Shop, other_shop: Shop
    ) -> None:
        part, theirs = shop.make_part(on_hand=0), other_shop.make_part(on_hand=0)

        made = [drafted(shop, {"item_id": part.id, "quantity": 2}) for _ in range(2)]
        other = drafted(other_shop, {"item_id": theirs.id, "quantity": 2})

        assert [one.status_code for one in (*made, other)] == [201] * 3
        assert [one.json["number"] for one in (*made, other)] == [1, 2, 1]
        assert shop.mechanic.get(made[0].headers["Location"]).json == made[0].json

    def test_has_the_price_of_the_supplier_or_what_one_cost_last_or_the_one_that_is_given(
        self, shop: Shop
    ) -> None:
        supplier = shop.make_supplier()
        offered, bought, unknown, agreed = (
            shop.make_part(name=name, on_hand=0) for name in ("Offered", "Bought", "New", "Agreed")
        )
        for part in (offered, agreed):
            offer = {"price": 9.5, "supplier_number": f"N-{part.id}"}
            shop.owner.put(f"/inventory/{part.id}/suppliers/{supplier.id}", json=offer)
        shop.owner.post(
            f"/inventory/{bought.id}/movements", json={"kind": "purchase", "quantity": 1, "unit_cost": 3}
        )

        made = drafted(
            shop,
            {"item_id": offered.id, "quantity": 2},
            {"item_id": bought.id, "quantity": 2},
            {"item_id": unknown.id, "quantity": 2},
            {"item_id": agreed.id, "quantity": 2, "unit_price": 8},
            supplier_id=supplier.id,
        ).json

        told = {
            line["item"]["name"]: (
                line["unit_price"],
                line["last_price"],
                line["price_change"],
                line["total"],
            )
            for line in made["lines"]
        }
        assert told == {
            "Agreed": (8.0, 9.5, -1.5, 16.0), "Bought": (3.0, 3.0, 0.0, 6.0), "New": (None, None, None, 0.0),
            "Offered": (9.5, 9.5, 0.0, 19.0),
        }  # fmt: skip
        assert [line["item"]["name"] for line in made["lines"]] == sorted(told)
        assert line_of(made, offered.id)["supplier_number"] == f"N-{offered.id}"
        assert made["total"] == 41.0

    def test_adds_up_what_is_named_twice(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0, unit="l")
        line = {"item_id": part.id, "quantity": 1.5, "unit_price": 3.33}

        made = drafted(shop, line, line)
        twice = drafted(shop, line, {**line, "unit_price": 4})

        assert [(one["quantity"], one["total"]) for one in made.json["lines"]] == [(3, 9.99)]
        assert (twice.status_code, list(twice.json["errors"])) == (400, ["lines"])

    def test_rounds_line_by_line(self, shop: Shop) -> None:
        parts = [shop.make_part(on_hand=0, unit="l").id for _ in range(2)]

        made = drafted(shop, *({"item_id": part, "quantity": 0.5, "unit_price": 0.01} for part in parts)).json

        assert ([line["total"] for line in made["lines"]], made["total"]) == ([0.01, 0.01], 0.02)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"lines": []}, "lines"), ({"lines": [{"item_id": 1}]}, "lines"), ({"lines": None}, "lines"),
            ({"lines": [{"item_id": 1, "quantity": 0}]}, "lines"), ({"expected_on": "soon"}, "expected_on"),
            ({"lines": [{"item_id": 1, "quantity": 1, "unit_price": -1}]}, "lines"), ({"note": "x" * 501}, "note"),
            ({"supplier_id": None}, "supplier_id"), ({"status": "ordered"}, "status"),
        ],
    )  # fmt: skip
    def test_a_careless_field_is_named(self, shop: Shop, change: dict[str, Any], field: str) -> None:
        whole = {"supplier_id": 1, "lines": [{"item_id": 1, "quantity": 1}]}

        answer = shop.owner.post(ORDERS, json=whole | change)

        assert (answer.status_code, fields_of(answer)) == (400, [field])

    def test_is_refused_for_what_cannot_be_ordered(self, shop: Shop, other_shop: Shop) -> None:
        part, uncounted, foreign = (
            shop.make_part(on_hand=0),
            shop.make_part(),
            other_shop.make_part(on_hand=0),
        )
        gone, idle = shop.make_part(on_hand=0), shop.make_supplier(active=False)
        shop.owner.delete(f"/inventory/{gone.id}")
        line = {"item_id": part.id, "quantity": 1}

        answers = [
            drafted(shop, line, supplier_id=other_shop.make_supplier().id),
            drafted(shop, line, supplier_id=idle.id),
            drafted(shop, {"item_id": foreign.id, "quantity": 1}),
            drafted(shop, {"item_id": gone.id, "quantity": 1}),
            drafted(shop, line, {"item_id": uncounted.id, "quantity": 1}),
            drafted(shop, {"item_id": part.id, "quantity": 0.5}),
            drafted(shop, {"item_id": part.id, "quantity": 1_000_000_000, "unit_price": 9_999_999.99}),
            drafted(shop, *[{"item_id": part.id, "quantity": 500_000_001}] * 2),
        ]

        assert [refusal(answer) for answer in answers] == [
            (404, "supplier_not_found"), (409, "supplier_inactive"), (404, "item_not_found"), (404, "item_not_found"),
            (409, "stock_not_counted"), (400, "invalid_request"), (400, "invalid_request"), (400, "invalid_request"),
        ]  # fmt: skip
        assert answers[-1].json["errors"] == {"lines": ["More than 1,000,000,000 of one item."]}
        assert shop.owner.get(ORDERS).json == []
        assert drafted(shop, line).json["number"] == 1

    def test_is_replaced_or_changed(self, shop: Shop) -> None:
        first, second = (shop.make_part(name=name, on_hand=0) for name in "AB")
        order = shop.make_order(first.id, placed=False)
        path = f"{ORDERS}/{order['id']}"

        patched = shop.owner.patch(path, json={"note": "Ring first.", "expected_on": "2026-12-24"}).json
        relined = shop.owner.patch(path, json={"lines": [{"item_id": second.id, "quantity": 3}]}).json
        body = {
            "supplier_id": order["supplier"]["id"],
            "lines": [{"item_id": first.id, "quantity": 1, "unit_price": 2}],
        }
        replaced = shop.owner.put(path, json=body).json

        assert (patched["note"], patched["expected_on"], patched["total"]) == (
            "Ring first.",
            "2026-12-24",
            50.0,
        )
        assert [(line["item"]["id"], line["quantity"]) for line in relined["lines"]] == [(second.id, 3)]
        assert (replaced["note"], replaced["total"], len(replaced["lines"])) == (None, 2.0, 1)
        assert shop.owner.get(path).json == replaced

    def test_moved_to_another_supplier_has_that_ones_prices(self, shop: Shop) -> None:
        part, dearer = shop.make_part(on_hand=0), shop.make_supplier()
        order = shop.make_order(part.id, placed=False)
        offer = {"price": 7, "supplier_number": "X-1"}
        shop.owner.put(f"/inventory/{part.id}/suppliers/{dearer.id}", json=offer)

        moved = shop.owner.patch(f"{ORDERS}/{order['id']}", json={"supplier_id": dearer.id}).json

        assert (moved["supplier"]["id"], moved["total"]) == (dearer.id, 70.0)
        assert moved["lines"][0]["supplier_number"] == "X-1"

    def test_a_line_of_a_patch_is_whole(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        order = shop.make_order(part.id, placed=False)

        answer = shop.owner.patch(f"{ORDERS}/{order['id']}", json={"lines": [{"item_id": part.id}]})

        assert answer.status_code == 400

    def test_who_saw_another_version_changes_nothing(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        path = f"{ORDERS}/{shop.make_order(part.id, placed=False)['id']}"
        seen = {"If-Match": shop.owner.get(path).headers["ETag"]}
        shop.owner.patch(path, json={"lines": [{"item_id": part.id, "quantity": 3}]})

        answers = [
            shop.owner.patch(path, json={"note": "x"}, headers=seen),
            shop.owner.post(f"{path}/place", json={}, headers=seen),
            shop.owner.post(f"{path}/cancel", json={}, headers=seen),
            shop.owner.post(f"{path}/receipts", json={}, headers=seen),
            shop.owner.post(f"{path}/send", headers=seen),
        ]

        assert [one.status_code for one in answers] == [412] * 5
        assert shop.owner.get(path).json["status"] == "draft"


class TestOrdering:
    def test_makes_it_final(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        order = shop.make_order(part.id, placed=False)

        placed = place(shop, order)
        refused = [
            place(shop, order),
            shop.owner.patch(f"{ORDERS}/{order['id']}", json={"note": "x"}),
            shop.owner.put(
                f"{ORDERS}/{order['id']}",
                json={"supplier_id": order["supplier"]["id"], "lines": [{"item_id": part.id, "quantity": 1}]},
            ),
        ]

        assert (placed.json["status"], placed.json["ordered_at"] is not None) == ("ordered", True)
        assert [refusal(one) for one in refused] == [(409, "purchase_order_not_draft")] * 3

    def test_less_than_the_suppliers_least_order_is_refused_unless_it_is_meant(self, shop: Shop) -> None:
        supplier = shop.make_supplier(minimum_order_value=Decimal("50.01"))
        order = shop.make_order(shop.make_part(on_hand=0).id, placed=False, supplier_id=supplier.id)

        refused, meant = place(shop, order), place(shop, order, below_minimum=True)

        assert refusal(refused) == (409, "below_minimum_order")
        assert "50.01" in refused.json["detail"]
        assert meant.json["status"] == "ordered"

    def test_a_supplier_that_became_inactive_gets_none(self, shop: Shop) -> None:
        order = shop.make_order(shop.make_part(on_hand=0).id, placed=False)
        shop.owner.patch(f"/inventory/suppliers/{order['supplier']['id']}", json={"active": False})

        assert refusal(place(shop, order)) == (409, "supplier_inactive")

    def test_a_supplier_with_an_order_stays(self, shop: Shop) -> None:
        order = shop.make_order(shop.make_part(on_hand=0).id)

        answer = shop.owner.delete(f"/inventory/suppliers/{order['supplier']['id']}")

        assert refusal(answer) == (409, "supplier_in_use")

    def test_a_mechanic_neither_drafts_nor_orders(self, shop: Shop) -> None:
        order = shop.make_order(shop.make_part(on_hand=0).id, placed=False)

        answers = [
            shop.mechanic.post(f"{ORDERS}/{order['id']}/{step}", json={}) for step in ("place", "cancel")
        ]

        assert [refusal(one) for one in answers] == [(403, "not_allowed")] * 2


class TestReceiving:
    def test_a_part_of_it_enters_the_ledger_at_what_it_cost(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=2)
        order = shop.make_order(part.id)

        received = receive(
            shop, order, {"item_id": part.id, "quantity": 4, "unit_price": 5.5}, delivery_note="4711"
        ).json

        line = received["lines"][0]
        assert received["status"] == "partly_received"
        assert (line["received"], line["outstanding"], line["received_value"]) == (4, 6, 22.0)
        assert item(shop, part.id)["on_hand"] == 6
        entered = shop.mechanic.get(f"{ORDERS}/{order['id']}/movements").json
        assert shop.mechanic.principal is not None
        assert [
            (
                one["kind"],
                one["quantity"],
                one["unit_cost"],
                one["value"],
                one["reason"],
                one["purchase_order_id"],
            )
            for one in entered
        ] == [("purchase", 4, 5.5, 22.0, "4711", order["id"])]
        assert entered[0]["account_id"] == shop.mechanic.principal.account_id
        with shop.inside():
            assert list(proving.discrepancies(shop.id)) == []

    def test_without_lines_all_that_was_expected_came(self, shop: Shop) -> None:
        parts = [shop.make_part(on_hand=0).id for _ in range(3)]
        order = shop.make_order(*parts)
        receive(shop, order, {"item_id": parts[1], "quantity": 10})

        received = receive(shop, order).json

        assert received["status"] == "received"
        assert received["closed_at"] is not None
        assert [item(shop, part)["on_hand"] for part in parts] == [10] * 3
        assert [line["received_value"] for line in received["lines"]] == [50.0] * 3

    def test_more_than_is_expected_is_refused_and_nothing_enters(self, shop: Shop) -> None:
        first, second, strange = (
            shop.make_part(name=name, on_hand=0).id for name in ("Belt", "Plug", "Wiper")
        )
        order = shop.make_order(first, second)
        before = item(shop, first)

        answers = [
            receive(shop, order, {"item_id": first, "quantity": 1}, {"item_id": second, "quantity": 11}),
            receive(shop, order, *[{"item_id": first, "quantity": 6}] * 2),
            receive(shop, order, {"item_id": first, "quantity": 1}, {"item_id": strange, "quantity": 1}),
            receive(shop, order, {"item_id": first, "quantity": 1.5}),
        ]

        assert [refusal(one) for one in answers] == [
            (409, "more_than_ordered"), (409, "more_than_ordered"), (409, "not_on_order"), (400, "invalid_request"),
        ]  # fmt: skip
        assert [one.json["detail"] for one in answers[:3]] == [
            "Plug: 10 still expected, 11 came.", "Belt: 10 still expected, 12 came.", "Wiper is not on the order.",
        ]  # fmt: skip
        assert item(shop, first) == before
        assert shop.owner.get(f"{ORDERS}/{order['id']}").json["status"] == "ordered"
        assert shop.owner.get(f"{ORDERS}/{order['id']}/movements").json == []

    @pytest.mark.parametrize(
        ("controls", "status"),
        [
            ({"control_quantity": 7}, 200), ({"control_quantity": 6}, 409), ({"control_value": 35.0}, 200),
            ({"control_value": 35.01}, 409), ({"control_quantity": 7, "control_value": 34.99}, 409),
            ({"control_quantity": None}, 200),
        ],
    )  # fmt: skip
    def test_it_adds_up_to_the_control_totals_or_nothing_enters(
        self, shop: Shop, controls: dict[str, Any], status: int
    ) -> None:
        first, second = shop.make_part(on_hand=0).id, shop.make_part(on_hand=0).id
        order = shop.make_order(first, second)
        lines = [{"item_id": first, "quantity": 4}, {"item_id": second, "quantity": 3}]

        answer = receive(shop, order, *lines, **controls)

        assert answer.status_code == status
        assert item(shop, first)["on_hand"] == (4 if status == 200 else 0)
        if status == 409:
            assert answer.json["code"] == "control_total_differs"

    @pytest.mark.parametrize("state", ["draft", "received", "cancelled"])
    def test_nothing_comes_of_what_is_not_expected(self, shop: Shop, state: str) -> None:
        part = shop.make_part(on_hand=0)
        order = shop.make_order(part.id, placed=state != "draft")
        if state == "received":
            receive(shop, order)
        if state == "cancelled":
            shop.owner.post(f"{ORDERS}/{order['id']}/cancel", json={})

        answer = receive(shop, order, {"item_id": part.id, "quantity": 1})

        assert refusal(answer) == (409, "purchase_order_not_expected")

    def test_what_is_counted_no_more_cannot_come(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        order = shop.make_order(part.id)
        shop.owner.patch(f"/inventory/{part.id}", json={"on_hand": None})

        assert refusal(receive(shop, order)) == (409, "stock_not_counted")

    def test_what_was_taken_out_meanwhile_still_comes(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        order = shop.make_order(part.id)
        shop.owner.delete(f"/inventory/{part.id}")

        assert receive(shop, order).json["status"] == "received"
        with shop.inside():
            assert list(proving.discrepancies(shop.id)) == []

    def test_what_was_paid_is_what_the_supplier_asks_next_time(self, shop: Shop) -> None:
        part, supplier = shop.make_part(on_hand=0), shop.make_supplier()
        shop.owner.put(f"/inventory/{part.id}/suppliers/{supplier.id}", json={"price": 5})
        order = shop.make_order(part.id, supplier_id=supplier.id)

        receive(shop, order, {"item_id": part.id, "quantity": 1, "unit_price": 6.25})
        again = drafted(shop, {"item_id": part.id, "quantity": 1}, supplier_id=supplier.id).json

        assert (again["lines"][0]["unit_price"], again["lines"][0]["last_price"]) == (6.25, 6.25)

    @pytest.mark.parametrize("ordered_at", [12.5, 0])
    def test_what_came_for_nothing_is_no_price_that_the_supplier_asks(
        self, shop: Shop, ordered_at: float
    ) -> None:
        supplier, part = shop.make_supplier(), shop.make_part(on_hand=0)
        path = f"/inventory/{part.id}/suppliers"
        shop.owner.put(f"{path}/{supplier.id}", json={"price": 12.5})
        order = drafted(
            shop, {"item_id": part.id, "quantity": 3, "unit_price": ordered_at}, supplier_id=supplier.id
        ).json
        place(shop, order)

        came = receive(shop, order, {"item_id": part.id, "quantity": 1, "unit_price": 0}).json

        assert line_of(came, part.id)["received_value"] == 0.0
        assert [one["price"] for one in shop.owner.get(path).json] == [12.5]

    def test_another_price_than_was_ordered_shows_on_the_order_and_in_the_log(self, shop: Shop) -> None:
        supplier, part = shop.make_supplier(), shop.make_part(on_hand=0)
        shop.owner.put(f"/inventory/{part.id}/suppliers/{supplier.id}", json={"price": 10})
        order = drafted(shop, {"item_id": part.id, "quantity": 10}, supplier_id=supplier.id).json
        place(shop, order)

        told = [
            line_of(receive(shop, order, {"item_id": part.id, **came}).json, part.id)
            for came in ({"quantity": 3, "unit_price": 14}, {"quantity": 1}, {"quantity": 2, "unit_price": 7})
        ]

        assert [line["price_change"] for line in told] == [0.0] * 3
        assert [(line["received_value"], line["received_price"], line["received_change"]) for line in told] == [
            (42.0, 14.0, 4.0), (52.0, 13.0, 3.0), (66.0, 11.0, 1.0),
        ]  # fmt: skip
        learnt = shop.owner.get("/audit?sort=id&action=part.supplier_set").json[1:]
        assert [(one["before"]["price"], one["after"]["price"]) for one in learnt] == [
            ("10.00", "14.00"), ("14.00", "10.00"), ("10.00", "7.00"),
        ]  # fmt: skip
        assert {one["after"]["supplier_id"] for one in learnt} == {supplier.id}

    def test_what_came_at_no_known_price_has_none(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        order = drafted(shop, {"item_id": part.id, "quantity": 1}).json
        place(shop, order)

        came = receive(shop, order).json

        told = [line_of(one, part.id) for one in (order, came)]
        assert [(line["received_price"], line["received_change"]) for line in told] == [(None, None)] * 2

    def test_it_is_done_once_by_its_key(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        order = shop.make_order(part.id)
        path, key = f"{ORDERS}/{order['id']}/receipts", {"Idempotency-Key": "delivery-4711"}
        body = {"lines": [{"item_id": part.id, "quantity": 3}]}

        answers = [shop.mechanic.post(path, json=body, headers=key) for _ in range(2)]

        assert [one.status_code for one in answers] == [200, 200]
        assert item(shop, part.id)["on_hand"] == 3

    def test_the_table_itself_takes_no_more_than_was_ordered(self, shop: Shop) -> None:
        order = shop.make_order(shop.make_part(on_hand=0).id)
        more = text(
            "UPDATE purchase_order_lines SET received = quantity + quantity WHERE purchase_order_id = :id"
        )

        with (
            pytest.raises(DBAPIError, match="not_more_than_ordered"),
            owners_connection(shop.app) as connection,
        ):
            connection.execute(more, {"id": order["id"]})


class TestCancelling:
    def test_nothing_came_so_all_is_cancelled(self, shop: Shop) -> None:
        order = shop.make_order(shop.make_part(on_hand=0).id)

        cancelled = shop.owner.post(f"{ORDERS}/{order['id']}/cancel", json={"reason": "Too dear."}).json
        again = shop.owner.post(f"{ORDERS}/{order['id']}/cancel", json={})

        line = cancelled["lines"][0]
        assert (cancelled["status"], cancelled["total"]) == ("cancelled", 0.0)
        assert (line["cancelled"], line["outstanding"]) == (10, 0)
        assert refusal(again) == (409, "purchase_order_not_expected")

    def test_what_came_stays_and_the_rest_is_cancelled(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        order = shop.make_order(part.id)
        receive(shop, order, {"item_id": part.id, "quantity": 4})

        cancelled = shop.owner.post(f"{ORDERS}/{order['id']}/cancel", json={}).json

        line = cancelled["lines"][0]
        assert (cancelled["status"], cancelled["total"]) == ("received", 20.0)
        assert (line["received"], line["cancelled"], line["outstanding"]) == (4, 6, 0)
        assert item(shop, part.id)["on_hand"] == 4

    def test_the_log_tells_each_step(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        order = shop.make_order(part.id, placed=False)
        place(shop, order)
        receive(shop, order, {"item_id": part.id, "quantity": 4})
        shop.owner.post(f"{ORDERS}/{order['id']}/cancel", json={})

        with shop.inside():
            actions = db.session.query(AuditEntry.action).filter_by(subject_kind="purchase_order")
            told = [action for (action,) in actions.order_by(AuditEntry.sequence)]
        assert told == [f"purchase_order.{step}" for step in ("drafted", "ordered", "received", "cancelled")]


class TestTheList:
    def test_is_narrowed_by_status_supplier_and_item_the_latest_first(
        self, shop: Shop, other_shop: Shop
    ) -> None:
        part, other_part, supplier = (
            shop.make_part(on_hand=0),
            shop.make_part(on_hand=0),
            shop.make_supplier(),
        )
        shop.make_order(part.id, placed=False)
        shop.make_order(part.id, other_part.id, supplier_id=supplier.id)
        receive(shop, shop.make_order(other_part.id))
        other_shop.make_order(other_shop.make_part(on_hand=0).id)

        found = {
            query: [one["number"] for one in shop.mechanic.get(f"{ORDERS}?{query}").json]
            for query in (
                "", "sort=number", "status=draft,received", f"supplier_id={supplier.id}", f"item_id={other_part.id}",
                "per_page=1", "page=2&per_page=2",
            )
        }  # fmt: skip

        assert list(found.values()) == [[3, 2, 1], [1, 2, 3], [3, 1], [2], [3, 2], [3], [1]]

    def test_of_another_workshop_nothing_is_found(self, shop: Shop, other_shop: Shop) -> None:
        order = other_shop.make_order(other_shop.make_part(on_hand=0).id)

        answers = [shop.owner.get(f"{ORDERS}/{order['id']}{rest}") for rest in ("", "/movements", "/pdf")]

        assert [refusal(one) for one in answers] == [(404, "purchase_order_not_found")] * 3


def test_an_order_has_so_many_lines_and_not_more(shop: Shop) -> None:
    line = {"item_id": 1, "quantity": 1}

    answer = shop.owner.post(ORDERS, json={"supplier_id": 1, "lines": [line] * (orders.MOST_LINES + 1)})

    assert (answer.status_code, fields_of(answer)) == (400, ["lines"])
