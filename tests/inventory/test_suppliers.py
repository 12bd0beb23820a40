"""Suppliers: who they are, and which items they have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.blueprints.inventory import suppliers
from app.core import tax_ids
from app.extensions import db
from tests.factories import Shop, unique

WHOLE = {
    "name": "Parts & Co", "contact_person": "Jan Nowak", "email": "orders@parts.example.com", "phone": "+48221234567",
    "address": "ul. Prosta 1", "city": "Warszawa", "postal_code": "00-001", "country": "PL",
    "website": "https://parts.example.com", "tax_id": "8567346215", "rating": 4.25, "delivery_days": 3,
    "minimum_order_value": 200.0, "payment_terms": "30 dni", "active": True,
}  # fmt: skip


def supplied(part_id: int, supplier_id: int) -> str:
    return f"/inventory/{part_id}/suppliers/{supplier_id}"


class TestASupplier:
    def test_is_recorded_whole(self, shop: Shop) -> None:
        made = shop.owner.post("/inventory/suppliers", json=WHOLE)

        assert made.status_code == 201
        assert made.headers["Location"] == f"/inventory/suppliers/{made.json['id']}"
        assert made.json.items() >= WHOLE.items()
        assert shop.mechanic.get(made.headers["Location"]).json == made.json

    def test_needs_a_name_alone(self, shop: Shop) -> None:
        made = shop.owner.post("/inventory/suppliers", json={"name": "Parts & Co"})

        empty = dict.fromkeys(WHOLE, None) | {"name": "Parts & Co", "active": True}
        assert made.json.items() >= empty.items()

    def test_is_changed_field_by_field_or_replaced(self, shop: Shop) -> None:
        path = shop.owner.post("/inventory/suppliers", json=WHOLE).headers["Location"]

        patched = shop.owner.patch(path, json={"rating": 3, "active": False}).json
        replaced = shop.owner.put(path, json={"name": "Parts"}).json

        assert patched.items() >= (WHOLE | {"rating": 3.0, "active": False}).items()
        assert (replaced["name"], replaced["rating"], replaced["active"]) == ("Parts", None, True)

    @pytest.mark.parametrize("name", ["Parts & Co", "PARTS & CO", "parts  &  co"])
    def test_has_a_name_of_its_own(self, shop: Shop, other_shop: Shop, name: str) -> None:
        shop.make_supplier(name="Parts & Co")
        other = shop.make_supplier()

        answers = [
            shop.owner.post("/inventory/suppliers", json={"name": name}),
            shop.owner.patch(f"/inventory/suppliers/{other.id}", json={"name": name}),
        ]

        assert [(one.status_code, one.json["code"]) for one in answers] == [(409, "supplier_name_taken")] * 2
        assert other_shop.owner.post("/inventory/suppliers", json={"name": name}).status_code == 201

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""), ("name", None), ("name", "x" * 201), ("email", "x"), ("phone", "call me"), ("country", "Polska"),
            ("country", "XX"), ("website", "parts.example.com"), ("tax_id", "8567346216"), ("tax_id", "x" * 41),
            ("rating", -1), ("rating", 5.01), ("rating", 4.125), ("delivery_days", -1), ("delivery_days", 366),
            ("delivery_days", 1.5), ("minimum_order_value", -1), ("payment_terms", "x" * 201), ("active", "yes"), ("id", 1),
        ],
    )  # fmt: skip
    def test_a_careless_field_is_named(self, shop: Shop, field: str, value: Any) -> None:
        answer = shop.owner.post("/inventory/suppliers", json=WHOLE | {field: value})

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    def test_the_tax_number_fits_the_country_also_after_a_change(self, shop: Shop) -> None:
        path = shop.owner.post("/inventory/suppliers", json=WHOLE).headers["Location"]

        answers = [
            shop.owner.patch(path, json={"country": "DE"}),
            shop.owner.patch(path, json={"country": None}),
            shop.owner.patch(path, json={"country": "DE", "tax_id": "DE 136,695 976"}),
        ]

        assert [one.status_code for one in answers] == [400, 400, 200]
        assert [list(one.json["errors"]) for one in answers[:2]] == [["tax_id"], ["country"]]
        assert answers[2].json["tax_id"] == "136695976"

    def test_a_number_is_kept_as_e164_where_the_country_is_known(self, shop: Shop) -> None:
        phones = [
            shop.owner.post(
                "/inventory/suppliers",
                json={"name": unique("P"), "phone": "22 123 45 67", "country": country},
            ).json["phone"]
            for country in ("PL", None)
        ]

        assert phones == ["+48221234567", "22 123 45 67"]

    def test_they_are_found_by_words_and_by_whether_they_are_active(
        self, shop: Shop, other_shop: Shop
    ) -> None:
        shop.make_supplier(name="Brakes Ltd", contact_person="Ada Obi")
        shop.make_supplier(name="Oil & Co", active=False)
        other_shop.make_supplier(name="Brakes Ltd")

        found = {
            query: [one["name"] for one in shop.mechanic.get(f"/inventory/suppliers?{query}").json]
            for query in (
                "",
                "q=BRAKE",
                "q=obi",
                "active=false",
                "active=true",
                "sort=-name&per_page=1",
                "q=%25",
            )
        }

        assert found == {
            "": ["Brakes Ltd", "Oil & Co"], "q=BRAKE": ["Brakes Ltd"], "q=obi": ["Brakes Ltd"], "active=false": ["Oil & Co"],
            "active=true": ["Brakes Ltd"], "sort=-name&per_page=1": ["Oil & Co"], "q=%25": [],
        }  # fmt: skip

    def test_who_saw_another_version_changes_nothing(self, shop: Shop) -> None:
        path = f"/inventory/suppliers/{shop.make_supplier().id}"
        seen = {"If-Match": shop.owner.get(path).headers["ETag"]}
        shop.owner.patch(path, json={"city": "Sopot"})

        answers = [
            shop.owner.put(path, json=WHOLE, headers=seen),
            shop.owner.patch(path, json={"city": "Gdynia"}, headers=seen),
            shop.owner.delete(path, headers=seen),
        ]

        assert [one.status_code for one in answers] == [412] * 3

    def test_one_that_supplies_something_stays(self, shop: Shop) -> None:
        supplier, part = shop.make_supplier(), shop.make_part()
        path = f"/inventory/suppliers/{supplier.id}"
        shop.owner.put(supplied(part.id, supplier.id), json={})

        refused = shop.owner.delete(path)
        shop.owner.delete(supplied(part.id, supplier.id))

        assert (refused.status_code, refused.json["code"]) == (409, "supplier_in_use")
        assert shop.owner.delete(path).status_code == 200
        assert shop.owner.get(path).json["code"] == "supplier_not_found"

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_another_workshops_look_missing(self, shop: Shop, other_shop: Shop, method: str) -> None:
        path = f"/inventory/suppliers/{other_shop.make_supplier().id}"
        sent: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": {"name": "Mine"}}

        answer = shop.owner.open(method, path, **sent)

        assert (answer.status_code, answer.json["code"]) == (404, "supplier_not_found")

    def test_what_it_asks_for_is_in_the_workshops_currency(self, shop: Shop) -> None:
        shop.make_supplier(minimum_order_value=Decimal(200))

        answer = shop.owner.patch(f"/workshops/{shop.id}", json={"currency": "PLN"})

        assert (answer.status_code, answer.json["code"]) == (409, "currency_in_use")


class TestWhatTheyHave:
    def test_an_item_has_several_with_their_numbers_and_prices(self, shop: Shop) -> None:
        part = shop.make_part()
        dear, cheap, unpriced = (shop.make_supplier() for _ in range(3))

        put = shop.owner.put(supplied(part.id, dear.id), json={"supplier_number": "W 712", "price": 12})
        shop.owner.put(supplied(part.id, unpriced.id), json={})
        shop.owner.put(supplied(part.id, cheap.id), json={"supplier_number": "W 712", "price": "9.80"})

        assert (put.status_code, put.json["supplier"]) == (200, {"id": dear.id, "name": dear.name})
        listed = shop.mechanic.get(f"/inventory/{part.id}/suppliers").json
        assert [(one["supplier"]["id"], one["supplier_number"], one["price"]) for one in listed] == [
            (cheap.id, "W 712", 9.8),
            (dear.id, "W 712", 12.0),
            (unpriced.id, None, None),
        ]

    def test_one_is_preferred(self, shop: Shop) -> None:
        part = shop.make_part()
        first, second = shop.make_supplier(), shop.make_supplier()

        for supplier in (first, second):
            shop.owner.put(supplied(part.id, supplier.id), json={"preferred": True})

        listed = shop.owner.get(f"/inventory/{part.id}/suppliers").json
        assert [(one["supplier"]["id"], one["preferred"]) for one in listed] == [
            (second.id, True),
            (first.id, False),
        ]

    def test_saying_it_again_replaces_what_was_said(self, shop: Shop) -> None:
        part, supplier = shop.make_part(), shop.make_supplier()
        path = supplied(part.id, supplier.id)
        first = shop.owner.put(path, json={"supplier_number": "A", "price": 1, "preferred": True})

        stale = shop.owner.put(path, json={}, headers={"If-Match": '"77-00"'})
        again = shop.owner.put(path, json={"price": 2}, headers={"If-Match": first.headers["ETag"]})

        assert stale.status_code == 412
        assert (again.json["supplier_number"], again.json["price"], again.json["preferred"]) == (
            None,
            2.0,
            False,
        )
        assert len(shop.owner.get(f"/inventory/{part.id}/suppliers").json) == 1

    def test_nobody_has_seen_what_was_never_said(self, shop: Shop) -> None:
        path = supplied(shop.make_part().id, shop.make_supplier().id)

        answers = [shop.owner.put(path, json={}, headers={"If-Match": '"1-00"'}), shop.owner.delete(path)]

        assert [one.status_code for one in answers] == [412, 404]

    def test_a_suppliers_number_is_one_items(self, shop: Shop) -> None:
        supplier = shop.make_supplier()
        body = {"supplier_number": "W 712"}
        shop.owner.put(supplied(shop.make_part().id, supplier.id), json=body)

        answer = shop.owner.put(supplied(shop.make_part().id, supplier.id), json=body)

        assert (answer.status_code, answer.json["code"]) == (409, "supplier_number_taken")

    def test_there_are_so_many_at_most(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(suppliers, "MOST_OF_A_PART", 1)
        part = shop.make_part()

        answers = [shop.owner.put(supplied(part.id, shop.make_supplier().id), json={}) for _ in range(2)]

        assert [one.status_code for one in answers] == [200, 409]
        assert answers[1].json["code"] == "too_many_suppliers"

    @pytest.mark.parametrize("strange", ["item", "supplier", "taken out"])
    def test_what_is_not_here_supplies_and_is_supplied_nothing(
        self, shop: Shop, other_shop: Shop, strange: str
    ) -> None:
        part = (other_shop if strange == "item" else shop).make_part()
        supplier = (other_shop if strange == "supplier" else shop).make_supplier()
        if strange == "taken out":
            shop.owner.delete(f"/inventory/{part.id}")

        answers = [
            shop.owner.put(supplied(part.id, supplier.id), json={}),
            shop.owner.delete(supplied(part.id, supplier.id)),
        ]

        code = "supplier_not_found" if strange == "supplier" else "item_not_found"
        assert [(one.status_code, one.json["code"]) for one in answers] == [(404, code)] * 2

    def test_two_preferred_ones_are_refused_by_the_database(self, shop: Shop) -> None:
        part = shop.make_part()
        for _ in range(2):
            shop.owner.put(supplied(part.id, shop.make_supplier().id), json={})

        with shop.inside(), pytest.raises(DBAPIError), db.engine.begin() as connection:
            connection.execute(text(f"UPDATE part_suppliers SET preferred = true WHERE part_id = {part.id}"))

    def test_is_refused_where_the_supplier_goes_meanwhile(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        part, supplier = shop.make_part(), shop.make_supplier()
        shop.owner.delete(f"/inventory/suppliers/{supplier.id}")
        monkeypatch.setattr(suppliers, "get", lambda workshop_id, supplier_id: supplier)

        answer = shop.owner.put(supplied(part.id, supplier.id), json={})

        assert (answer.status_code, answer.json["code"]) == (404, "supplier_not_found")


class TestTaxNumbers:
    @pytest.mark.parametrize(
        ("country", "given", "kept"),
        [
            ("PL", "PL 856-734-62-15", "8567346215"), ("DE", "DE136695976", "136695976"), ("GB", "GB 980780684", "980780684"),
            ("US", "91-1144442", "911144442"), ("FR", "40303265045", "40303265045"), ("AQ", " any  thing ", "any thing"),
        ],
    )  # fmt: skip
    def test_are_kept_in_the_form_of_their_country(self, country: str, given: str, kept: str) -> None:
        assert tax_ids.normalised(country, given) == kept

    @pytest.mark.parametrize(
        ("country", "given"),
        [("PL", "8567346216"), ("DE", "136695978"), ("US", "00-1144442"), ("PL", "\uff18567346215")],
    )
    def test_that_are_wrong_are_refused(self, country: str, given: str) -> None:
        with pytest.raises(tax_ids.NotATaxId):
            tax_ids.normalised(country, given)
