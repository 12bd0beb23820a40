"""A unit that has no fractions takes over only where none are left: what is promised, expected or counted stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from app.blueprints.inventory.models import Part
from app.core.db import atomic
from app.extensions import db
from tests.factories import Shop
from tests.inventory.test_parts_that_came import ORDERS
from tests.inventory.test_parts_to_order import want
from tests.inventory.test_stocktakes import count, opened
from tests.inventory.test_tables import read_in
from tests.service_tickets.life import ticket_in


def oil(shop: Shop, on_hand: float = 10) -> int:
    return shop.make_part(name="Oil", sku="OIL", unit="l", on_hand=Decimal(str(on_hand))).id


def in_pieces(shop: Shop, part: int) -> Any:
    return shop.owner.patch(f"/inventory/{part}", json={"unit": "piece"})


def ordered(shop: Shop, part: int, quantity: float, *, came: float = 0, placed: bool = True) -> str:
    line = {"item_id": part, "quantity": quantity, "unit_price": 5}
    body = {"supplier_id": shop.make_supplier().id, "lines": [line]}
    path = f"{ORDERS}/{shop.owner.post(ORDERS, json=body).json['id']}"
    if placed:
        assert shop.owner.post(f"{path}/place", json={}).status_code == 200
    if came:
        lines = [{"item_id": part, "quantity": came}]
        assert shop.owner.post(f"{path}/receipts", json={"lines": lines}).status_code == 200
    return path


def fitted(shop: Shop, part: int, quantity: float) -> str:
    """Let a ticket want ten, of which so many are fitted."""
    path = want(shop, part, 10)
    line = shop.owner.get(path).json["lines"][0]["id"]
    assert shop.owner.post(f"{path}/lines/{line}/fit", json={"quantity": quantity}).status_code == 200
    return path


def counted(shop: Shop, part: int, quantity: float) -> str:
    sheet = opened(shop)
    assert count(shop, sheet, {part: quantity}).status_code == 200
    return sheet


LEFT: dict[str, tuple[Callable[[Shop, int], object], str]] = {
    "set aside": (lambda shop, part: want(shop, part, 4.5), "tickets 1"),
    "to be ordered": (lambda shop, part: want(shop, part, 14.5), "tickets 1"),
    "drafted": (lambda shop, part: ordered(shop, part, 2.5, placed=False), "purchase orders 1"),
    "ordered": (lambda shop, part: ordered(shop, part, 2.5), "purchase orders 1"),
    "counted": (lambda shop, part: counted(shop, part, 9.5), "stocktakes 1"),
}


class TestAUnitWithoutFractions:
    @pytest.mark.parametrize("left", LEFT)
    def test_is_refused_where_one_is_left(self, shop: Shop, left: str) -> None:
        part = oil(shop)
        make, place = LEFT[left]
        make(shop, part)

        answer = in_pieces(shop, part)

        assert (answer.status_code, answer.json["code"]) == (409, "fractions_left")
        assert answer.json["detail"] == f"Oil has fractions on {place}."
        assert shop.owner.get(f"/inventory/{part}").json["unit"] == "l"

    def test_is_refused_where_a_fraction_is_fitted_and_could_come_back(self, shop: Shop) -> None:
        part = oil(shop, 20)
        for _ in range(2):
            fitted(shop, part, 0.5)

        assert in_pieces(shop, part).json["detail"] == "Oil has fractions on tickets 1, 2."

    def test_is_refused_where_the_rest_of_an_order_is_one(self, shop: Shop) -> None:
        part = oil(shop, 0.5)
        ordered(shop, part, 3, came=0.5)

        assert in_pieces(shop, part).json["detail"] == "Oil has fractions on purchase orders 1."

    def test_is_refused_where_a_count_was_compared_with_one(self, shop: Shop) -> None:
        part = oil(shop, 9.5)
        counted(shop, part, 9)
        shop.owner.patch(f"/inventory/{part}", json={"on_hand": 9})

        assert in_pieces(shop, part).json["detail"] == "Oil has fractions on stocktakes 1."

    def test_names_all_that_is_in_the_way(self, shop: Shop) -> None:
        part = oil(shop)
        want(shop, part, 0.5)
        ordered(shop, part, 2.5)
        counted(shop, part, 9.5)

        assert (
            in_pieces(shop, part).json["detail"]
            == "Oil has fractions on tickets 1, on purchase orders 1, on stocktakes 1."
        )

    def test_takes_over_where_all_that_is_open_is_whole_or_over(self, shop: Shop, other_shop: Shop) -> None:
        want(other_shop, oil(other_shop), 4.5)
        part = oil(shop, 20)
        for status, quantity in (("cancelled", 0.5), ("completed", 4.5), ("completed", 4.5)):
            path = want(shop, part, quantity, ticket=ticket_in(shop, "in_progress"))
            assert shop.owner.post(f"{path}/status", json={"status": status}).status_code == 200
        want(shop, part, 14)
        want(shop, shop.make_part(unit="l", on_hand=10).id, 0.5)
        assert shop.owner.post(f"{ordered(shop, part, 2.5)}/cancel", json={}).status_code == 200
        ordered(shop, part, 2)
        assert shop.mechanic.post(f"{counted(shop, part, 9.5)}/cancel", json={}).status_code == 200
        counted(shop, part, 9)

        assert in_pieces(shop, part).status_code == 200

    def test_is_refused_by_a_table_too(self, shop: Shop) -> None:
        part = oil(shop)
        want(shop, part, 4.5)

        answer = read_in(shop, "parts", "sku,unit\nOIL,piece\n")

        assert answer.status_code == 400
        assert answer.json["errors"] == {"lines.2.unit": ["Oil has fractions on tickets 1."]}

    @pytest.mark.parametrize("unit", ["ml", "kg"])
    def test_another_one_with_fractions_takes_over_at_any_time(self, shop: Shop, unit: str) -> None:
        part = oil(shop)
        want(shop, part, 4.5)

        assert shop.owner.patch(f"/inventory/{part}", json={"unit": unit}).status_code == 200


class TestWhatHadAFractionAlready:
    @pytest.fixture
    def broken(self, shop: Shop) -> int:
        """Half a piece more than can be, from when nobody looked."""
        part = oil(shop, 5.5)
        with shop.inside(), atomic():
            db.session.execute(update(Part).where(Part.id == part).values(unit="piece"))
        return part

    def test_is_changed_otherwise_and_gets_its_unit_back(self, shop: Shop, broken: int) -> None:
        renamed = shop.owner.patch(f"/inventory/{broken}", json={"name": "Motor oil"})
        mended = shop.owner.patch(f"/inventory/{broken}", json={"unit": "l"})

        assert (renamed.status_code, mended.status_code) == (200, 200)

    def test_is_written_out_and_read_in_without_a_change(self, shop: Shop, broken: int) -> None:
        table = shop.owner.get("/inventory/exports/parts").data

        assert read_in(shop, "parts", table).json["unchanged"] == 1

    @pytest.mark.parametrize("field", ["on_hand", "minimum_stock_level", "reorder_quantity"])
    def test_gets_no_other_one(self, shop: Shop, broken: int, field: str) -> None:
        answer = shop.owner.patch(f"/inventory/{broken}", json={field: 4.5})

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])
