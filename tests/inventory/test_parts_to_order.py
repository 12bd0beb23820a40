"""What tickets lack is proposed to be ordered: for whom, how many, together with what runs low, and never twice."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from app.blueprints.inventory import proposals, wanting
from app.blueprints.inventory.models import Part
from app.blueprints.inventory.vocabulary import PIECE
from app.core.db import atomic
from tests.factories import Shop
from tests.inventory.test_order_proposals import PATH, offer, proposed
from tests.service_tickets.life import bring, ticket_in
from tests.test_statements import counted, listing


def want(shop: Shop, part_id: int, quantity: float, ticket: str | None = None, **overrides: Any) -> str:
    """Let a ticket want so many of a part; return its address."""
    path = ticket or f"/service_tickets/{shop.make_ticket(**overrides)['id']}"
    line = {"kind": "part", "item_id": part_id, "quantity": quantity}
    assert shop.mechanic.post(f"{path}/lines", json=line).status_code == 201
    return path


def supplied(shop: Shop, **overrides: Any) -> int:
    """Make a part that somebody supplies; none is there, and nobody said how many should be."""
    part = shop.make_part(**{"on_hand": 0, **overrides}).id
    offer(shop, part, shop.make_supplier().id)
    return part


def quantities(found: dict[str, Any]) -> dict[int, Any]:
    lines = [line for one in found["proposals"] for line in one["lines"]]
    return {line["item"]["id"]: line["quantity"] for line in lines}


class TestWhatTicketsLack:
    @pytest.mark.parametrize(
        ("part", "wanted", "quantity"),
        [
            ({}, 3, 3), ({"on_hand": 1}, 3, 2), ({"reorder_quantity": 10, "on_hand": 1}, 12, 20),
            ({"unit": "l"}, 2.5, 2.5), ({"unit": "l", "reorder_quantity": 2, "on_hand": 1}, 3.5, 4),
            ({"minimum_stock_level": 4, "on_hand": 5}, 7, 2),  # no alert yet: all five are set aside
            ({"minimum_stock_level": 4}, 3, 8), ({"minimum_stock_level": 4, "reorder_quantity": 10}, 6, 20),
            ({"minimum_stock_level": 4, "reorder_quantity": 10}, 5, 10), ({"reorder_quantity": 5}, 10, 15),
        ],
    )  # fmt: skip
    def test_is_proposed_beside_what_should_lie_there(
        self, shop: Shop, part: dict[str, Any], wanted: float, quantity: float
    ) -> None:
        lacking = supplied(shop, **part)
        want(shop, lacking, wanted)

        assert quantities(proposed(shop)) == {lacking: quantity}

    def test_the_line_says_why_and_for_whom(self, shop: Shop) -> None:
        part = supplied(shop, on_hand=1)
        later = want(shop, part, 3, service_date=date(2026, 3, 9))
        sooner = want(shop, part, 2, service_date=date(2026, 3, 2))
        want(shop, part, 1, ticket=sooner)

        ((line,),) = [one["lines"] for one in proposed(shop)["proposals"]]

        waiting = [shop.owner.get(path).json for path in (sooner, later)]
        assert (line["alert"], line["on_hand"], line["to_order"], line["quantity"]) == (None, 1, 5, 5)
        assert line["waiting_tickets"] == [{"id": one["id"], "number": one["number"]} for one in waiting]

    def test_what_only_runs_low_says_that_no_ticket_waits(self, shop: Shop) -> None:
        supplied(shop, minimum_stock_level=4)

        ((line,),) = [one["lines"] for one in proposed(shop)["proposals"]]

        assert (line["alert"], line["to_order"], line["waiting_tickets"]) == ("out", 0, [])

    def test_what_tickets_wait_for_comes_first(self, shop: Shop) -> None:
        supplier = shop.make_supplier().id
        low = shop.make_part(name="Air Filter", on_hand=0, minimum_stock_level=1).id
        lacking = shop.make_part(name="Wiper", on_hand=0).id
        for part in (low, lacking):
            offer(shop, part, supplier)
        want(shop, lacking, 1)

        assert list(quantities(proposed(shop))) == [lacking, low]

    def test_no_more_than_twenty_tickets_are_named(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wanting, "MOST_TICKETS", 2)
        part = supplied(shop)
        for _ in range(3):
            want(shop, part, 1)

        ((line,),) = [one["lines"] for one in proposed(shop)["proposals"]]

        assert (line["to_order"], len(line["waiting_tickets"])) == (3, 2)

    def test_no_more_than_a_thousand_parts_are_looked_at(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(proposals, "MOST_PARTS", 1)
        second, first = supplied(shop, name="B"), supplied(shop, name="A")
        for part in (second, first):
            want(shop, part, 1)

        assert quantities(proposed(shop)) == {first: 1}

    def test_what_nobody_supplies_is_told(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0)
        want(shop, part.id, 2)

        (line,) = proposed(shop)["without_supplier"]

        assert (line["item"]["id"], line["quantity"], line["to_order"]) == (part.id, 2, 2)

    def test_a_unit_that_became_whole_before_that_was_refused_is_ordered_whole(self, shop: Shop) -> None:
        part = supplied(shop, unit="l")
        want(shop, part, 1.5)
        with shop.inside(), atomic() as session:
            session.execute(update(Part).where(Part.id == part).values(unit=PIECE))

        made = shop.owner.post(PATH, json={})

        assert (made.status_code, quantities(made.json)) == (200, {part: 2})

    @given(
        on_hand=st.integers(0, 40), reserved=st.integers(0, 40), coming=st.integers(0, 40), lacking=st.integers(0, 40),
        least=st.integers(0, 40), step=st.none() | st.integers(1, 40), is_low=st.booleans(),
    )  # fmt: skip
    def test_it_is_the_fewest_that_serve_the_tickets_and_the_shelf(
        self,
        on_hand: int,
        reserved: int,
        coming: int,
        lacking: int,
        least: int,
        step: int | None,
        is_low: bool,
    ) -> None:
        part = Part(
            unit=PIECE, on_hand=Decimal(on_hand), reserved=Decimal(min(reserved, on_hand)),
            minimum_stock_level=Decimal(least), reorder_quantity=None if step is None else Decimal(step),
        )  # fmt: skip
        assert part.available is not None

        def serves(quantity: Decimal | int) -> bool:
            assert part.available is not None
            return part.available + coming + quantity >= lacking and (
                not is_low or on_hand + coming + quantity - lacking > least
            )

        quantity = proposals._needed(part, Decimal(coming), Decimal(lacking), is_low=is_low)

        assert serves(quantity)
        assert quantity % (step or 1) == 0
        assert quantity == 0 or not serves(quantity - (step or 1))


class TestWhatIsNotProposed:
    def test_what_is_there_for_anybody_is_not_bought(self, shop: Shop) -> None:
        part = supplied(shop)
        want(shop, part, 3)
        shop.owner.patch(f"/inventory/{part}", json={"on_hand": 3})

        assert quantities(proposed(shop)) == {}

    def test_what_others_have_set_aside_is_not_there(self, shop: Shop) -> None:
        part = supplied(shop, on_hand=3)
        want(shop, part, 3)
        want(shop, part, 2)

        assert quantities(proposed(shop)) == {part: 2}

    @pytest.mark.parametrize("ending", ["fitted", "declined", "cancelled", "deleted", "taken off"])
    def test_what_nobody_waits_for_is_not_bought(self, shop: Shop, ending: str) -> None:
        part = supplied(shop)
        path = want(shop, part, 2, ticket=ticket_in(shop, "received"))
        line = f"{path}/lines/{shop.owner.get(path).json['lines'][0]['id']}"
        before = quantities(proposed(shop))

        if ending == "fitted":
            shop.owner.patch(f"/inventory/{part}", json={"on_hand": 2})
            shop.owner.post(f"{line}/fit", json={})
            assert shop.owner.get(path).json["lines"][0]["fitted"] == 2
        elif ending == "declined":
            for step in ("analysis", "awaiting_approval", "declined"):
                shop.owner.post(f"{path}/status", json={"status": step, "reason": "By phone."})
            assert shop.owner.get(path).json["status"] == "declined"
        elif ending == "cancelled":
            bring(shop, path, "cancelled")
        else:
            assert shop.owner.delete(path if ending == "deleted" else line).status_code in (200, 204)

        assert (before, quantities(proposed(shop))) == ({part: 2}, {})

    def test_what_is_not_counted_or_was_taken_out_is_not(self, shop: Shop) -> None:
        uncounted, removed = supplied(shop, on_hand=None), supplied(shop)
        want(shop, uncounted, 2)
        path = want(shop, removed, 2, ticket=ticket_in(shop, "analysis"))
        for status in ("awaiting_approval", "approved", "awaiting_approval", "declined"):
            step = {"status": status, "reason": "By phone."}
            assert shop.owner.post(f"{path}/status", json=step).status_code == 200
        assert shop.owner.delete(f"/inventory/{removed}").status_code == 200
        assert (
            shop.owner.post(f"{path}/status", json={"status": "analysis"}).json["lines"][0]["to_order"] == 2
        )

        assert proposed(shop) == {"proposals": [], "without_supplier": []}

    def test_another_workshops_tickets_do_not_count(self, shop: Shop, other_shop: Shop) -> None:
        theirs = supplied(other_shop)
        want(other_shop, theirs, 2)

        assert proposed(shop) == {"proposals": [], "without_supplier": []}
        assert quantities(proposed(other_shop)) == {theirs: 2}


class TestFromTheProposalToTheCar:
    @pytest.mark.parametrize("least", [None, 4])
    def test_nothing_is_proposed_twice(self, shop: Shop, least: int | None) -> None:
        part = supplied(shop, minimum_stock_level=least)
        path = want(shop, part, 3)
        line = f"{path}/lines/{shop.owner.get(path).json['lines'][0]['id']}"

        (made,) = shop.owner.post(PATH, json={}).json["proposals"]
        order = f"/inventory/purchase_orders/{made['purchase_order_id']}"
        told = [shop.owner.post(PATH, json={}).json["proposals"]]
        for step in (f"{order}/place", f"{order}/receipts", f"{line}/reserve", f"{line}/fit"):
            assert shop.owner.post(step, json={}).status_code == 200, step
            told.append(proposed(shop)["proposals"])

        assert told == [[]] * 5
        assert shop.owner.get(f"/inventory/{part}").json["on_hand"] == (0 if least is None else 5)

    def test_what_comes_in_part_or_never_is_proposed_again(self, shop: Shop) -> None:
        part = supplied(shop)
        want(shop, part, 3)
        (made,) = shop.owner.post(PATH, json={}).json["proposals"]
        order = f"/inventory/purchase_orders/{made['purchase_order_id']}"
        shop.owner.post(f"{order}/place", json={})

        shop.owner.post(f"{order}/receipts", json={"lines": [{"item_id": part, "quantity": 1}]})
        in_part = quantities(proposed(shop))
        shop.owner.post(f"{order}/cancel", json={})

        assert (in_part, quantities(proposed(shop))) == ({}, {part: 2})

    def test_another_ticket_is_ordered_for_beside_what_is_drafted(self, shop: Shop) -> None:
        part = supplied(shop, minimum_stock_level=4)
        want(shop, part, 3)
        shop.owner.post(PATH, json={})

        want(shop, part, 1)  # of the eight that come three are taken, and five lie there then

        assert quantities(proposed(shop)) == {part: 1}

    def test_the_least_order_counts_for_what_tickets_lack(self, shop: Shop) -> None:
        part, supplier = shop.make_part(on_hand=0).id, shop.make_supplier(minimum_order_value=Decimal(50))
        offer(shop, part, supplier.id, 2)
        want(shop, part, 3)

        (kept,) = shop.owner.post(PATH, json={}).json["proposals"]
        (meant,) = shop.owner.post(PATH, json={"below_minimum": True}).json["proposals"]

        assert (kept["missing_to_minimum"], kept["purchase_order_id"]) == (44.0, None)
        assert meant["purchase_order_id"] is not None


@pytest.mark.one_database
def test_many_parts_on_many_tickets_cost_no_more_statements_than_one(app: Flask, shop: Shop) -> None:
    costs = {}
    for number in (1, 5):
        for _ in range(number):
            want(shop, supplied(shop), 1)
        with counted(app) as statements:
            shop.owner.get(PATH)
        costs[number] = len(statements)

    assert costs[1] == costs[5] <= 6, listing("proposals", statements, f"{costs[1]}, and at most 6,")
