"""Movements of stock: what is entered, what it is worth, what is refused, and that nobody changes it afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.blueprints.inventory import proving, service
from app.blueprints.inventory.models import Part, StockMovement
from app.blueprints.service_tickets.models import TicketLine
from app.extensions import db
from tests.factories import Caller, Shop
from tests.tampering import owners_connection


def movements(shop: Shop, part_id: int) -> list[dict[str, Any]]:
    """Return a part's movements, the first one first."""
    found: list[dict[str, Any]] = shop.owner.get(f"/inventory/{part_id}/movements?sort=id&per_page=100").json
    return found


def told(shop: Shop, part_id: int) -> list[tuple[Any, ...]]:
    return [(one["kind"], one["quantity"], one["balance"]) for one in movements(shop, part_id)]


def move(shop: Shop, part_id: int, kind: str, **body: Any) -> Any:
    return shop.owner.post(f"/inventory/{part_id}/movements", json={"kind": kind, **body})


def receive(shop: Shop, part_id: int, quantity: float, unit_cost: str | None = None) -> None:
    assert move(shop, part_id, "purchase", quantity=quantity, unit_cost=unit_cost).status_code == 201


def worth(shop: Shop, part_id: int) -> tuple[Any, Any, Any]:
    item = shop.owner.get(f"/inventory/{part_id}").json
    return item["on_hand"], item["average_cost"], item["stock_value"]


def line_costs(shop: Shop) -> list[Decimal]:
    with shop.inside():
        return list(db.session.scalars(select(TicketLine.cost).order_by(TicketLine.id)))


@pytest.fixture
def ticket(shop: Shop) -> str:
    return f"/service_tickets/{shop.make_ticket()['id']}"


class TestWhatIsEntered:
    def test_a_new_part_opens_its_ledger_with_what_is_there(self, shop: Shop) -> None:
        part = shop.owner.post("/inventory", json={"name": "Belt", "price": 5, "on_hand": 4}).json

        assert told(shop, part["id"]) == [("opening", 4, 4)]

    @pytest.mark.parametrize("on_hand", [None, 0])
    def test_a_part_without_stock_has_none(self, shop: Shop, on_hand: int | None) -> None:
        part = shop.make_part(on_hand=on_hand)

        assert told(shop, part.id) == []

    @pytest.mark.parametrize(
        ("levels", "entered"),
        [
            ([7], [("opening", 4, 4), ("adjustment", 3, 7)]),
            ([1, 1], [("opening", 4, 4), ("adjustment", -3, 1)]),
            ([None], [("opening", 4, 4), ("adjustment", -4, 0)]),
            ([None, 2], [("opening", 4, 4), ("adjustment", -4, 0), ("opening", 2, 2)]),
            ([0, None, 0], [("opening", 4, 4), ("adjustment", -4, 0)]),
        ],
    )
    def test_another_number_on_hand_is_entered(
        self, shop: Shop, levels: list[int | None], entered: list[tuple[Any, ...]]
    ) -> None:
        part = shop.make_part(on_hand=4)

        for level in levels:
            assert shop.owner.patch(f"/inventory/{part.id}", json={"on_hand": level}).status_code == 200

        assert told(shop, part.id) == entered
        assert shop.owner.get(f"/inventory/{part.id}").json["on_hand"] == levels[-1]

    @pytest.mark.parametrize("whole", [{}, {"name": "Belt", "price": 5}])
    def test_another_number_on_hand_says_why_it_is_entered(self, shop: Shop, whole: dict[str, Any]) -> None:
        part = shop.make_part(on_hand=4)
        change = shop.owner.put if whole else shop.owner.patch

        change(f"/inventory/{part.id}", json={**whole, "on_hand": 9})

        last = movements(shop, part.id)[-1]
        assert (last["kind"], last["quantity"], last["reason"]) == ("adjustment", 5, "Set by hand.")

    def test_who_replaces_a_part_without_its_stock_moves_none(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=4)

        shop.owner.put(f"/inventory/{part.id}", json={"name": "Belt", "price": 5})

        assert told(shop, part.id) == [("opening", 4, 4)]

    def test_who_says_that_it_is_not_counted_stops_the_counting(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=4)

        shop.owner.put(f"/inventory/{part.id}", json={"name": "Belt", "price": 5, "on_hand": None})

        last = movements(shop, part.id)[-1]
        assert (last["kind"], last["quantity"], last["reason"]) == ("adjustment", -4, "Counted no more.")

    def test_a_ticket_takes_and_gives_back(self, shop: Shop, ticket: str) -> None:
        part = shop.make_part(on_hand=9)

        shop.mechanic.post(f"{ticket}/inventory", json={"item_id": part.id, "quantity": 3})
        shop.owner.delete(f"{ticket}/inventory/{part.id}")

        assert told(shop, part.id) == [("opening", 9, 9), ("sale", -3, 6), ("return", 3, 9)]
        sale = movements(shop, part.id)[1]
        assert shop.mechanic.principal is not None
        assert sale["account_id"] == shop.mechanic.principal.account_id
        assert ticket.endswith(f"/{sale['service_ticket_id']}")

    @pytest.mark.parametrize("ending", ["cancelled", "deleted", "edited"])
    def test_what_goes_off_a_ticket_in_any_way_returns(self, shop: Shop, ticket: str, ending: str) -> None:
        part = shop.make_part(on_hand=9)
        shop.owner.put(f"{ticket}/edit", json={"add_item_ids": [part.id, part.id]})

        if ending == "cancelled":
            shop.owner.post(f"{ticket}/status", json={"status": "cancelled"})
        elif ending == "deleted":
            shop.owner.delete(ticket)
        else:
            shop.owner.put(f"{ticket}/edit", json={"remove_item_ids": [part.id]})

        assert told(shop, part.id) == [("opening", 9, 9), ("sale", -2, 7), ("return", 2, 9)]

    def test_parts_that_are_not_counted_move_without_a_word(self, shop: Shop, ticket: str) -> None:
        part = shop.make_part()

        shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id})
        shop.owner.delete(f"{ticket}/inventory/{part.id}")

        assert movements(shop, part.id) == []

    def test_what_is_refused_enters_nothing(self, shop: Shop, ticket: str) -> None:
        plenty, few = shop.make_part(on_hand=9), shop.make_part(on_hand=1)

        lines = [{"item_id": one.id, "quantity": 2} for one in (plenty, few)]
        assert shop.owner.post(f"{ticket}/inventory", json=lines).status_code == 409

        assert told(shop, plenty.id) == [("opening", 9, 9)]

    def test_the_ledger_of_a_part_that_was_taken_out_stays(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=9)
        shop.take_out(part.id)

        assert told(shop, part.id) == [("opening", 9, 9), ("adjustment", -9, 0)]


class TestByHand:
    @pytest.mark.parametrize("role", ["owner", "mechanic"])
    def test_staff_enter_what_they_move(self, shop: Shop, role: str) -> None:
        caller: Caller = getattr(shop, role)
        part = shop.make_part(on_hand=2)
        body = {"kind": "purchase", "quantity": 10, "unit_cost": "11.40", "reason": "Delivery note 4711"}

        made = caller.post(f"/inventory/{part.id}/movements", json=body)

        assert made.status_code == 201
        assert made.headers["Location"] == f"/inventory/{part.id}/movements"
        assert caller.principal is not None
        assert made.json.items() >= {
            "item_id": part.id, "kind": "purchase", "quantity": 10, "unit_cost": 11.4, "value": 114.0, "balance": 12,
            "account_id": caller.principal.account_id, "service_ticket_id": None, "reason": "Delivery note 4711",
        }.items()  # fmt: skip
        assert shop.owner.get(f"/inventory/{part.id}").json["on_hand"] == 12

    @pytest.mark.parametrize(
        ("kind", "quantity", "left"),
        [("sale", 2, 3), ("write_off", 5, 0), ("return", 1, 6), ("adjustment", -4, 1), ("adjustment", 4, 9)],
    )
    def test_each_kind_goes_its_way(self, shop: Shop, kind: str, quantity: int, left: int) -> None:
        part = shop.make_part(on_hand=5)

        made = move(shop, part.id, kind, quantity=quantity, reason="Counted")

        assert (made.status_code, made.json["balance"]) == (201, left)
        assert abs(made.json["quantity"]) == abs(quantity)

    @pytest.mark.parametrize(("kind", "quantity"), [("sale", 6), ("write_off", 6), ("adjustment", -6)])
    def test_nothing_goes_that_is_not_there(self, shop: Shop, kind: str, quantity: int) -> None:
        part = shop.make_part(on_hand=5)

        answer = move(shop, part.id, kind, quantity=quantity, reason="Counted")

        assert (answer.status_code, answer.json["code"]) == (409, "not_enough_on_hand")
        assert answer.json["detail"] == "Oil Filter: 5 on hand, 6 asked for."

    @pytest.mark.parametrize("how", ["write_off", "adjustment", "sale", "patched", "replaced"])
    def test_less_than_tickets_have_reserved_names_them(self, shop: Shop, how: str) -> None:
        part = shop.make_part(on_hand=4)
        tickets = [shop.make_ticket() for _ in range(2)]
        for ticket in tickets:
            line = {"kind": "part", "item_id": part.id, "quantity": 1}
            shop.owner.post(f"/service_tickets/{ticket['id']}/lines", json=line)

        if how == "patched":
            answer = shop.owner.patch(f"/inventory/{part.id}", json={"on_hand": 1})
        elif how == "replaced":
            whole = {"name": part.name, "price": 5, "on_hand": 1}
            answer = shop.owner.put(f"/inventory/{part.id}", json=whole)
        else:
            quantity = -3 if how == "adjustment" else 3
            answer = move(shop, part.id, how, quantity=quantity, reason="Counted")

        numbers = ", ".join(str(ticket["number"]) for ticket in tickets)
        assert (answer.status_code, answer.json["code"]) == (409, "below_reserved")
        assert answer.json["detail"] == (
            f"Oil Filter: 1 would be left, and 2 are reserved for these tickets: {numbers}. "
            "Take it off those tickets, or count it and post the count with `release`."
        )
        assert told(shop, part.id) == [("opening", 4, 4)]

    def test_what_is_not_counted_does_not_move(self, shop: Shop) -> None:
        answer = move(shop, shop.make_part().id, "purchase", quantity=1)

        assert (answer.status_code, answer.json["code"]) == (409, "stock_not_counted")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "kind"), ({"kind": "opening", "quantity": 1}, "kind"), ({"kind": "theft", "quantity": 1}, "kind"),
            ({"kind": "purchase"}, "quantity"), ({"kind": "purchase", "quantity": 0}, "quantity"),
            ({"kind": "purchase", "quantity": -1}, "quantity"), ({"kind": "sale", "quantity": -1}, "quantity"),
            ({"kind": "purchase", "quantity": "1"}, "quantity"), ({"kind": "purchase", "quantity": True}, "quantity"),
            ({"kind": "purchase", "quantity": 1.5}, "quantity"), ({"kind": "purchase", "quantity": 0.0001}, "quantity"),
            ({"kind": "purchase", "quantity": 1e300}, "quantity"),
            ({"kind": "purchase", "quantity": 1_000_000_000}, "quantity"),
            ({"kind": "purchase", "quantity": 1, "unit_cost": -1}, "unit_cost"),
            ({"kind": "purchase", "quantity": 1, "unit_cost": 0.001}, "unit_cost"),
            ({"kind": "purchase", "quantity": 1, "unit_cost": 10_000_000}, "unit_cost"),
            ({"kind": "purchase", "quantity": 999_999_990, "unit_cost": 9_999_999}, "unit_cost"),
            ({"kind": "sale", "quantity": 1, "unit_cost": 1}, "unit_cost"),
            ({"kind": "adjustment", "quantity": 1}, "reason"), ({"kind": "write_off", "quantity": 1}, "reason"),
            ({"kind": "adjustment", "quantity": 0, "reason": "x"}, "quantity"),
            ({"kind": "adjustment", "quantity": -1, "unit_cost": 1, "reason": "x"}, "unit_cost"),
            ({"kind": "revaluation", "reason": "x"}, "unit_cost"),
            ({"kind": "revaluation", "unit_cost": 1}, "reason"),
            ({"kind": "revaluation", "unit_cost": 1, "quantity": 1, "reason": "x"}, "quantity"),
            ({"kind": "purchase", "quantity": 1, "balance": 9}, "balance"),
        ],
    )  # fmt: skip
    def test_a_careless_body_is_refused_and_the_field_named(
        self, shop: Shop, body: dict[str, Any], field: str
    ) -> None:
        part = shop.make_part(on_hand=5)

        answer = shop.owner.post(f"/inventory/{part.id}/movements", json=body)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])
        assert told(shop, part.id) == [("opening", 5, 5)]

    def test_who_saw_another_version_moves_nothing(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5)
        seen = shop.owner.get(f"/inventory/{part.id}").headers["ETag"]
        receive(shop, part.id, 1)

        body = {"kind": "sale", "quantity": 1}
        answer = shop.owner.post(f"/inventory/{part.id}/movements", json=body, headers={"If-Match": seen})

        assert answer.status_code == 412

    def test_a_receipt_that_is_sent_twice_counts_once(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        keyed = {"Idempotency-Key": f"receipt-{part.id}"}

        for _ in range(2):
            shop.owner.post(
                f"/inventory/{part.id}/movements", json={"kind": "purchase", "quantity": 5}, headers=keyed
            )

        assert told(shop, part.id) == [("purchase", 5, 5)]

    def test_it_is_in_the_audit_log(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5)
        move(shop, part.id, "write_off", quantity=2, reason="Dropped")

        entry = shop.owner.get("/audit").json[0]

        assert (entry["action"], entry["subject_id"]) == ("stock.moved", part.id)
        assert entry["after"].items() >= {"quantity": -2, "balance": 3, "reason": "Dropped"}.items()


class TestWhatItIsWorth:
    def test_the_average_moves_with_each_receipt(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)

        receive(shop, part.id, 10, "4.00")
        receive(shop, part.id, 5, "7.00")

        assert worth(shop, part.id) == (15, 5.0, 75.0)

    def test_a_cent_that_does_not_divide_goes_with_the_last_one(self, shop: Shop, ticket: str) -> None:
        part = shop.make_part(on_hand=0)
        receive(shop, part.id, 2, "3.33")
        receive(shop, part.id, 1, "3.34")

        for _ in range(3):
            shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id})

        assert [one["value"] for one in movements(shop, part.id)] == [6.66, 3.34, -3.33, -3.34, -3.33]
        assert worth(shop, part.id) == (0, 3.34, 0.0)
        assert line_costs(shop) == [Decimal("10.00")]

    def test_what_is_on_a_ticket_keeps_what_it_had_cost(self, shop: Shop, ticket: str) -> None:
        part = shop.make_part(on_hand=0)
        receive(shop, part.id, 10, "4.00")
        shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id, "quantity": 2})

        receive(shop, part.id, 2, "9.00")
        frozen = line_costs(shop)
        shop.owner.delete(f"{ticket}/inventory/{part.id}")

        assert frozen == [Decimal("8.00")]
        assert worth(shop, part.id) == (12, 4.83, 58.0)

    def test_without_a_cost_what_comes_costs_the_average(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        receive(shop, part.id, 10, "4.00")

        receive(shop, part.id, 5)
        move(shop, part.id, "adjustment", quantity=1, reason="Found behind the shelf")

        assert worth(shop, part.id) == (16, 4.0, 64.0)

    def test_with_none_left_what_comes_costs_what_the_last_did(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        receive(shop, part.id, 1, "4.00")
        move(shop, part.id, "sale", quantity=1)

        move(shop, part.id, "return", quantity=1)

        assert worth(shop, part.id) == (1, 4.0, 4.0)

    def test_nobody_knows_what_was_there_when_the_ledger_began(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=4)

        assert worth(shop, part.id) == (4, None, 0.0)

    def test_the_first_cost_that_is_known_is_taken_for_what_was_there_too(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=4)

        receive(shop, part.id, 1, "5.00")

        assert worth(shop, part.id) == (5, 5.0, 25.0)
        assert [(one["kind"], one["value"]) for one in movements(shop, part.id)] == [
            ("opening", 0.0),
            ("revaluation", 20.0),
            ("purchase", 5.0),
        ]

    def test_a_revaluation_says_what_they_cost(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=4)
        receive(shop, part.id, 1, "5.00")

        made = move(shop, part.id, "revaluation", unit_cost="2.50", reason="Price fell")

        assert (made.json["quantity"], made.json["value"], made.json["balance"]) == (0, -12.5, 5)
        assert worth(shop, part.id) == (5, 2.5, 12.5)


class TestFractions:
    def test_oil_is_counted_by_thousandths_of_a_litre(self, shop: Shop, ticket: str) -> None:
        body = {"name": "5W-30", "price": 12, "unit": "l", "on_hand": 60, "minimum_stock_level": 7.5}
        part_id = shop.owner.post("/inventory", json=body).json["id"]
        receive(shop, part_id, 0.125, "8.00")

        answer = shop.owner.post(f"{ticket}/inventory", json={"item_id": part_id, "quantity": 4.5})

        assert answer.json["inventory_items"][0]["quantity"] == 4.5
        assert shop.owner.get(f"/inventory/{part_id}").json["on_hand"] == 55.625
        assert shop.owner.get("/inventory/usage").json[0]["quantity_used"] == 4.5

    def test_whole_numbers_are_written_as_whole_numbers(self, shop: Shop, ticket: str) -> None:
        part = shop.make_part(on_hand=20, unit="l", minimum_stock_level=Decimal("2.500"))

        answer = shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id, "quantity": 10})
        item = shop.owner.get(f"/inventory/{part.id}")

        assert '"on_hand":10,' in item.text
        assert '"minimum_stock_level":2.5,' in item.text
        assert '"quantity":10}' in answer.text
        assert '"quantity":-10,' in shop.owner.get(f"/inventory/{part.id}/movements").text

    @pytest.mark.parametrize(("unit", "status"), [("piece", 400), ("pair", 400), ("l", 201), ("kg", 201)])
    def test_half_a_filter_goes_on_no_ticket(self, shop: Shop, ticket: str, unit: str, status: int) -> None:
        part = shop.make_part(on_hand=5, unit=unit)

        answer = shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id, "quantity": 0.5})

        assert answer.status_code == status
        if status == 400:
            assert list(answer.json["errors"]) == ["lines.0.quantity"]

    def test_a_unit_without_fractions_needs_a_whole_stock(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=Decimal("1.5"), unit="l")

        answer = shop.owner.patch(f"/inventory/{part.id}", json={"unit": "piece"})

        assert (answer.status_code, list(answer.json["errors"])) == (400, ["on_hand"])

    def test_tenths_add_up(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0, unit="l")

        for _ in range(10):
            receive(shop, part.id, 0.1, "1.00")
        move(shop, part.id, "sale", quantity=0.9)

        assert worth(shop, part.id) == (0.1, 1.0, 0.1)


class TestReading:
    def test_the_latest_come_first_and_a_page_goes_on(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=1)
        for _ in range(3):
            receive(shop, part.id, 1)

        first = shop.owner.get(f"/inventory/{part.id}/movements?per_page=3")
        rest = shop.owner.get(first.headers["Link"].split(">")[0].removeprefix("<"))
        counted = shop.owner.get(f"/inventory/{part.id}/movements?page=1&kind=purchase,opening")

        assert [one["balance"] for one in first.json + rest.json] == [4, 3, 2, 1]
        assert counted.headers["X-Total-Count"] == "4"
        assert len(shop.owner.get(f"/inventory/{part.id}/movements?kind=opening").json) == 1

    @pytest.mark.parametrize("query", ["kind=theft", "sort=at", "item_id=1"])
    def test_a_careless_query_is_refused(self, shop: Shop, query: str) -> None:
        assert shop.owner.get(f"/inventory/{shop.make_part().id}/movements?{query}").status_code == 400

    def test_another_workshops_part_looks_missing(self, shop: Shop, other_shop: Shop) -> None:
        path = f"/inventory/{other_shop.make_part(on_hand=1).id}/movements"

        answers = shop.owner.get(path), shop.owner.post(path, json={"kind": "sale", "quantity": 1})

        assert [(one.status_code, one.json["code"]) for one in answers] == [(404, "item_not_found")] * 2


class TestTheTable:
    @pytest.mark.parametrize(
        "change", ["UPDATE stock_movements SET reason = 'x'", "DELETE FROM stock_movements"]
    )
    def test_an_entry_is_never_changed(self, app: Flask, shop: Shop, change: str) -> None:
        shop.make_part(on_hand=1)

        with (
            pytest.raises(DBAPIError, match="appended to"),
            owners_connection(app) as connection,
        ):
            connection.execute(text(change))

    @pytest.mark.parametrize(
        ("kind", "quantity", "value", "balance"),
        [
            ("sale", 1, 0, 1), ("purchase", -1, 0, 1), ("adjustment", 0, 0, 1), ("revaluation", 1, 0, 1), ("theft", 1, 0, 1),
            ("purchase", 1, -1, 1), ("sale", -1, 1, 1), ("sale", -1, 0, -1),
        ],
    )  # fmt: skip
    def test_an_entry_that_cannot_be_is_refused_by_the_database(
        self, shop: Shop, kind: str, quantity: int, value: int, balance: int
    ) -> None:
        part = shop.make_part()
        entry = StockMovement(
            workshop_id=shop.id, part_id=part.id, kind=kind, quantity=Decimal(quantity), value=Decimal(value),
            balance=Decimal(balance), balance_value=Decimal(0),
        )  # fmt: skip

        with shop.inside(), pytest.raises(DBAPIError), service.atomic() as session:
            session.add(entry)

    def test_stock_is_never_worth_less_than_nothing(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=1)

        with shop.inside(), pytest.raises(DBAPIError), service.atomic() as session:
            session.get_one(Part, part.id).stock_value = Decimal("-0.01")

    def test_all_that_is_done_above_adds_up(self, shop: Shop, ticket: str) -> None:
        part = shop.make_part(on_hand=3, unit="l")
        receive(shop, part.id, 1.234, "9.99")
        shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id, "quantity": 2.001})
        shop.owner.patch(f"/inventory/{part.id}", json={"on_hand": 7})

        with shop.inside():
            assert list(proving.discrepancies(shop.id)) == []
