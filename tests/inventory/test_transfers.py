"""Parts that are put into another bin: what the ledger says of it, and that nothing is counted or worth otherwise for it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.blueprints.inventory import proving, service
from app.blueprints.inventory.models import Part, StockMovement
from app.core import clock
from tests.factories import Caller, Shop
from tests.inventory.test_tables import numbers, read_in


def transfer(caller: Caller, part_id: int, to_bin: str | None, **body: Any) -> TestResponse:
    return caller.post(f"/inventory/{part_id}/movements", json={"kind": "transfer", "to_bin": to_bin, **body})


def moved(shop: Shop, part_id: int) -> list[tuple[Any, ...]]:
    """Return between which bins a part went, the first time first."""
    path = f"/inventory/{part_id}/movements?kind=transfer&sort=id"
    return [(one["from_bin"], one["to_bin"], one["reason"]) for one in shop.owner.get(path).json]


def item(shop: Shop, part_id: int) -> dict[str, Any]:
    found: dict[str, Any] = shop.owner.get(f"/inventory/{part_id}").json
    return found


class TestByHand:
    @pytest.mark.parametrize("role", ["owner", "mechanic"])
    def test_all_that_is_there_goes_and_the_ledger_says_who_and_why(self, shop: Shop, role: str) -> None:
        caller: Caller = getattr(shop, role)
        part = shop.make_part(on_hand=5, bin="A-01")
        shop.owner.post(
            f"/inventory/{part.id}/movements", json={"kind": "purchase", "quantity": 1, "unit_cost": 3}
        )
        before = item(shop, part.id)

        made = transfer(caller, part.id, " B-02 ", reason="The shelf is full.")

        assert made.status_code == 201, made.text
        assert caller.principal is not None
        assert made.json.items() >= {
            "kind": "transfer", "quantity": 0, "value": 0.0, "unit_cost": None, "balance": 6, "balance_value": 18.0,
            "from_bin": "A-01", "to_bin": "B-02", "reason": "The shelf is full.", "account_id": caller.principal.account_id,
        }.items()  # fmt: skip
        after = item(shop, part.id)
        assert {name for name in after if after[name] != before[name]} - {"updated_at"} == {"bin"}
        assert after["bin"] == "B-02"

    def test_what_lay_in_no_bin_and_of_which_none_is_there_goes_too(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)

        assert transfer(shop.owner, part.id, "A-01").status_code == 201

        assert moved(shop, part.id) == [(None, "A-01", None)]

    def test_to_where_it_lies_is_refused(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5, bin="A-01")

        answer = transfer(shop.owner, part.id, "A-01 ")

        assert (answer.status_code, answer.json["code"]) == (409, "already_in_bin")
        assert moved(shop, part.id) == []

    def test_what_is_not_counted_does_not_move(self, shop: Shop) -> None:
        part = shop.make_part(bin="A-01")

        answer = transfer(shop.owner, part.id, "B-02")

        assert (answer.status_code, answer.json["code"]) == (409, "stock_not_counted")
        assert item(shop, part.id)["bin"] == "A-01"

    def test_who_saw_another_version_moves_nothing_and_the_version_goes_up(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5)
        seen = {"If-Match": shop.owner.get(f"/inventory/{part.id}").headers["ETag"]}
        body = {"kind": "transfer", "to_bin": "A-01"}

        answers = [
            shop.owner.post(f"/inventory/{part.id}/movements", json={**body, "to_bin": bin}, headers=seen)
            for bin in ("A-01", "B-02")
        ]

        assert [one.status_code for one in answers] == [201, 412]
        assert item(shop, part.id)["bin"] == "A-01"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"kind": "transfer"}, "to_bin"), ({"kind": "transfer", "to_bin": None}, "to_bin"),
            ({"kind": "transfer", "to_bin": "  "}, "to_bin"), ({"kind": "transfer", "to_bin": "x" * 41}, "to_bin"),
            ({"kind": "transfer", "to_bin": 7}, "to_bin"), ({"kind": "transfer", "to_bin": "A\x00"}, "to_bin"),
            ({"kind": "transfer", "to_bin": "B", "quantity": 1}, "quantity"),
            ({"kind": "transfer", "to_bin": "B", "quantity": 0}, "quantity"),
            ({"kind": "transfer", "to_bin": "B", "unit_cost": 1}, "unit_cost"),
            ({"kind": "transfer", "to_bin": "B", "from_bin": "A"}, "from_bin"),
            ({"kind": "sale", "quantity": 1, "to_bin": "B"}, "to_bin"),
            ({"kind": "revaluation", "unit_cost": 1, "reason": "x", "to_bin": "B"}, "to_bin"),
        ],
    )  # fmt: skip
    def test_a_careless_body_is_refused_and_the_field_named(
        self, shop: Shop, body: dict[str, Any], field: str
    ) -> None:
        part = shop.make_part(on_hand=5, bin="A")

        answer = shop.owner.post(f"/inventory/{part.id}/movements", json=body)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])
        assert (moved(shop, part.id), item(shop, part.id)["bin"]) == ([], "A")

    def test_another_workshops_part_looks_missing(self, shop: Shop, other_shop: Shop) -> None:
        theirs = other_shop.make_part(on_hand=5, bin="A-01")

        answer = transfer(shop.owner, theirs.id, "B-02")

        assert (answer.status_code, answer.json["code"]) == (404, "item_not_found")
        assert item(other_shop, theirs.id)["bin"] == "A-01"

    def test_it_is_in_the_audit_log(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5, bin="A-01")
        transfer(shop.owner, part.id, "B-02")

        entry = shop.owner.get("/audit").json[0]

        assert (entry["action"], entry["subject_id"]) == ("stock.moved", part.id)
        assert entry["after"].items() >= {"kind": "transfer", "from_bin": "A-01", "to_bin": "B-02"}.items()


class TestWhoeverGivesAnItemAnotherBin:
    @pytest.mark.parametrize("method", ["put", "patch"])
    @pytest.mark.parametrize(
        ("on_hand", "before", "after", "entered"),
        [
            (5, "A", "B", [("A", "B", None)]), (0, None, "B", [(None, "B", None)]), (5, "A", None, [("A", None, None)]),
            (5, "A", "A", []), (None, "A", "B", []),
        ],
    )  # fmt: skip
    def test_enters_it_where_it_is_counted(
        self, shop: Shop, method: str, on_hand: int | None, before: str, after: str, entered: list[Any]
    ) -> None:
        part = shop.make_part(on_hand=on_hand, bin=before)
        body: dict[str, Any] = {"bin": after}
        if method == "put":
            body |= {"name": "Oil Filter", "price": 19.99, "on_hand": on_hand}

        assert getattr(shop.owner, method)(f"/inventory/{part.id}", json=body).status_code == 200

        assert (item(shop, part.id)["bin"], moved(shop, part.id)) == (after, entered)

    def test_and_another_number_at_once_enters_both(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5, bin="A")

        shop.owner.patch(f"/inventory/{part.id}", json={"bin": "B", "on_hand": 7})
        shop.owner.patch(f"/inventory/{part.id}", json={"bin": "C", "on_hand": None})

        told = shop.owner.get(f"/inventory/{part.id}/movements?sort=id").json
        assert [(one["kind"], one["to_bin"], one["balance"]) for one in told] == [
            ("opening", None, 5), ("transfer", "B", 5), ("adjustment", None, 7), ("transfer", "C", 7), ("adjustment", None, 0),
        ]  # fmt: skip

    def test_by_a_table_enters_it_too_and_the_same_table_again_nothing(self, shop: Shop) -> None:
        counted, other = shop.make_part(sku="A-1", on_hand=5, bin="A"), shop.make_part(sku="A-2", bin="A")
        table = "sku,name,bin\r\nA-1,Oil Filter,B\r\nA-2,Oil Filter,B\r\n"

        told = [read_in(shop, "parts", table, dry_run=dry) for dry in (True, False, False)]

        assert [numbers(one) for one in told] == [(0, 2, 0, 0), (0, 2, 0, 0), (0, 0, 2, 0)]
        assert moved(shop, counted.id) == [("A", "B", "Imported.")]
        assert (item(shop, other.id)["bin"], moved(shop, other.id)) == ("B", [])


class TestWhatIsReckonedFromTheLedger:
    def test_is_as_if_nothing_had_moved(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5, unit="l", minimum_stock_level=5)
        shop.owner.post(
            f"/inventory/{part.id}/movements", json={"kind": "purchase", "quantity": 1.5, "unit_cost": 3.33}
        )
        worth = shop.owner.get("/inventory/valuation").json["value"]
        alerts = shop.owner.get("/inventory/stock-alerts").json

        for bin in ("A", "B", "A"):
            assert transfer(shop.owner, part.id, bin).status_code == 201
        shop.owner.post(f"/inventory/{part.id}/movements", json={"kind": "purchase", "quantity": 1})

        with shop.inside():
            assert list(proving.discrepancies(shop.id)) == []
        then = (clock.now() - timedelta(days=1)).isoformat()
        assert shop.owner.get("/inventory/stock-alerts").json == alerts
        assert shop.owner.get("/inventory/valuation").json["value"] == round(worth + 3.33, 2)
        assert shop.owner.get("/inventory/valuation", query_string={"at": then}).json["value"] == 0

    def test_what_was_put_elsewhere_lies_there_as_slowly(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5)
        with shop.inside(), service.atomic() as session:
            session.query(Part).update({"created_at": clock.now() - timedelta(days=2)})
        transfer(shop.owner, part.id, "A")

        found = shop.owner.get("/inventory/slow-movers?days=1").json

        assert [(one["id"], one["bin"], one["last_sold_at"]) for one in found] == [(part.id, "A", None)]

    def test_a_count_of_its_old_bin_goes_on(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5, bin="A-01")
        sheet = shop.owner.post("/inventory/stocktakes", json={"bin": "A"}).json["id"]
        path = f"/inventory/stocktakes/{sheet}"
        counted_at = clock.now().isoformat()
        transfer(shop.owner, part.id, "B-02")

        count = {"item_id": part.id, "quantity": 4, "counted_at": counted_at}
        assert shop.owner.post(f"{path}/counts", json={"counts": [count]}).status_code == 200
        (line,) = shop.owner.get(f"{path}/lines").json
        assert shop.owner.post(f"{path}/post", json={}).status_code == 200

        assert (line["item"]["bin"], line["book"], line["difference"]) == ("B-02", 5, -1)
        assert item(shop, part.id)["on_hand"] == 4
        assert shop.owner.post("/inventory/stocktakes", json={"bin": "A"}).json["code"] == "nothing_to_count"
        assert shop.owner.post("/inventory/stocktakes", json={"bin": "B"}).status_code == 201


class TestTheTable:
    @pytest.mark.parametrize(
        ("kind", "quantity", "value", "from_bin", "to_bin"),
        [
            ("transfer", 1, 0, "A", "B"), ("transfer", 0, 1, "A", "B"), ("transfer", 0, 0, "A", "A"),
            ("transfer", 0, 0, None, None), ("purchase", 1, 0, None, "B"), ("revaluation", 0, 1, "A", None),
        ],
    )  # fmt: skip
    def test_an_entry_that_cannot_be_is_refused_by_the_database(
        self, shop: Shop, kind: str, quantity: int, value: int, from_bin: str | None, to_bin: str | None
    ) -> None:
        part = shop.make_part()
        entry = StockMovement(
            workshop_id=shop.id, part_id=part.id, kind=kind, quantity=Decimal(quantity), value=Decimal(value),
            balance=Decimal(1), balance_value=Decimal(1), from_bin=from_bin, to_bin=to_bin,
        )  # fmt: skip

        with shop.inside(), pytest.raises(DBAPIError), service.atomic() as session:
            session.add(entry)
