"""What is kept of a part beside its price: barcode, maker, place, warranty, unit; and finding it by what was scanned."""

from __future__ import annotations

from typing import Any

import pytest

from app.blueprints.inventory import barcodes
from tests.factories import Shop

DETAILS = {
    "sku": "OF-1", "barcode": "5901234123457", "manufacturer": "Mann", "bin": "A-03-2", "warranty_months": 24, "unit": "set",
    "minimum_stock_level": 2, "reorder_quantity": 10,
}  # fmt: skip
EMPTY = dict.fromkeys(
    ("sku", "barcode", "manufacturer", "category_id", "bin", "warranty_months", "minimum_stock_level", "reorder_quantity")
) | {"unit": "piece"}  # fmt: skip


def item(**overrides: Any) -> dict[str, Any]:
    return {"name": "Oil Filter", "price": 19.99, **overrides}


class TestDetails:
    def test_are_kept_and_shown(self, shop: Shop) -> None:
        made = shop.owner.post("/inventory", json=item(**DETAILS))

        assert made.json.items() >= DETAILS.items()
        assert shop.mechanic.get(f"/inventory/{made.json['id']}").json == made.json

    def test_are_empty_with_name_and_price_alone(self, shop: Shop) -> None:
        made = shop.owner.post("/inventory", json=item())

        assert made.json.items() >= EMPTY.items()

    def test_are_changed_one_by_one_and_replaced_as_a_whole(self, shop: Shop) -> None:
        path = f"/inventory/{shop.owner.post('/inventory', json=item(**DETAILS)).json['id']}"

        patched = shop.owner.patch(path, json={"bin": "B-1", "barcode": None}).json
        replaced = shop.owner.put(path, json=item()).json

        assert patched.items() >= (DETAILS | {"bin": "B-1", "barcode": None}).items()
        assert replaced.items() >= EMPTY.items()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("barcode", ""), ("barcode", "5901234123458"), ("barcode", "590123412345"), ("barcode", "x"),
            ("barcode", 5901234123457), ("barcode", "\u0665901234123457"), ("barcode", "00012345600012"),
            ("barcode", "1234567"), ("manufacturer", "x" * 101),
            ("bin", ""), ("bin", "x" * 41), ("warranty_months", -1), ("warranty_months", 601), ("warranty_months", 1.5),
            ("unit", None), ("unit", "crate"), ("unit", ""), ("reorder_quantity", 0), ("reorder_quantity", 0.5),
            ("reorder_quantity", "1"), ("category_id", 0), ("category_id", "1"), ("average_cost", 1), ("stock_value", 1),
            ("last_cost", 1),
        ],
    )  # fmt: skip
    def test_a_careless_field_is_named(self, shop: Shop, field: str, value: Any) -> None:
        answer = shop.owner.post("/inventory", json=item(**{field: value}))

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    def test_a_barcode_is_one_items(self, shop: Shop, other_shop: Shop) -> None:
        first = shop.owner.post("/inventory", json=item(barcode="036000291452"))
        second = shop.owner.post("/inventory", json=item(barcode="0 036000 291452"))
        elsewhere = other_shop.owner.post("/inventory", json=item(barcode="036000291452"))
        shop.owner.delete(f"/inventory/{first.json['id']}")
        again = shop.owner.post("/inventory", json=item(barcode="036000291452"))

        assert (second.status_code, second.json["code"]) == (409, "barcode_taken")
        assert (elsewhere.status_code, again.status_code) == (201, 201)

    def test_a_sku_that_is_taken_is_told_apart_from_a_barcode(self, shop: Shop) -> None:
        shop.owner.post("/inventory", json=item(sku="S", barcode="96385074"))

        answer = shop.owner.post("/inventory", json=item(sku="S"))

        assert answer.json["code"] == "sku_taken"


class TestBarcodes:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("5901234123457", "5901234123457"), ("96385074", "96385074"), ("036000291452", "036000291452"),
            ("0036000291452", "036000291452"), ("5 901234 123457", "5901234123457"), ("0-36000-29145-2", "036000291452"),
        ],
    )  # fmt: skip
    def test_are_kept_in_their_digits_alone(self, given: str, kept: str) -> None:
        assert barcodes.normalised(given) == kept

    @pytest.mark.parametrize("digit", range(10))
    def test_have_one_check_digit(self, digit: int) -> None:
        assert (barcodes.normalised_or_none(f"590123412345{digit}") is not None) == (digit == 7)


class TestLookingUp:
    @pytest.mark.parametrize(
        "code", ["036000291452", "0036000291452", "0-36000-29145-2", " 036000291452 ", "OF-1"]
    )
    def test_finds_by_what_was_scanned(self, shop: Shop, other_shop: Shop, code: str) -> None:
        for one in (other_shop, shop):
            one.make_part(sku="OF-2")
            part = one.make_part(sku="OF-1", barcode="036000291452")

        answer = shop.mechanic.get("/inventory/lookup", query_string={"code": code})

        assert (answer.status_code, answer.json["id"]) == (200, part.id)
        assert answer.headers["ETag"] == shop.mechanic.get(f"/inventory/{part.id}").headers["ETag"]

    def test_a_barcode_goes_before_a_sku_that_reads_the_same(self, shop: Shop) -> None:
        by_sku = shop.make_part(sku="96385074")
        by_barcode = shop.make_part(barcode="96385074")

        found = [shop.owner.get("/inventory/lookup?code=96385074").json["id"]]
        shop.owner.delete(f"/inventory/{by_barcode.id}")
        found.append(shop.owner.get("/inventory/lookup?code=96385074").json["id"])

        assert found == [by_barcode.id, by_sku.id]

    @pytest.mark.parametrize("code", ["of-1", "OF", "5901234123457"])
    def test_what_nobody_has_is_not_found(self, shop: Shop, other_shop: Shop, code: str) -> None:
        shop.make_part(sku="OF-1")
        other_shop.make_part(barcode="5901234123457")

        answer = shop.owner.get(f"/inventory/lookup?code={code}")

        assert (answer.status_code, answer.json["code"]) == (404, "item_not_found")

    @pytest.mark.parametrize("query", ["", "?code=", "?sku=OF-1"])
    def test_something_must_have_been_scanned(self, shop: Shop, query: str) -> None:
        assert shop.owner.get(f"/inventory/lookup{query}").status_code == 400

    def test_the_list_is_filtered_by_barcode(self, shop: Shop) -> None:
        part = shop.make_part(barcode="5901234123457")
        shop.make_part()

        found = shop.owner.get("/inventory?barcode=5-901234-123457").json

        assert [one["id"] for one in found] == [part.id]
        assert shop.owner.get("/inventory?barcode=5901234123450").status_code == 400
