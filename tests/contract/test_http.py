"""The HTTP contract, end to end: paths, shapes of success, money and time on the wire, writing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from tests.factories import PASSWORD, Shop, unique, unique_vin

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def person(**more: Any) -> dict[str, Any]:
    return {"name": "Ada Obi", "email": f"{unique('ada')}@example.com", "phone": "555-123-4567", **more}


# The client's published paths, as its two documents have them ("/tickets" reads "/service_tickets" here).
PUBLISHED = [
    ("POST", "/customers/login"), ("GET", "/customers"), ("GET", "/customers/1"), ("POST", "/customers"), ("PUT", "/customers"),
    ("DELETE", "/customers"), ("PUT", "/customers/1"), ("GET", "/customers/my-tickets"), ("GET", "/mechanics"),
    ("GET", "/mechanics/1"), ("GET", "/mechanics/top-3-mechanics"), ("GET", "/mechanics/search"), ("GET", "/mechanics/usage"),
    ("POST", "/mechanics"), ("PUT", "/mechanics/1"), ("DELETE", "/mechanics/1"), ("POST", "/mechanics/login"),
    ("GET", "/service_tickets"), ("GET", "/service_tickets/1"), ("GET", "/service_tickets/my-tickets"),
    ("POST", "/service_tickets"), ("PUT", "/service_tickets/1"), ("PUT", "/service_tickets/1/assign-mechanic/1"),
    ("PUT", "/service_tickets/1/remove-mechanic/1"), ("PUT", "/service_tickets/1/update-mechanics"),
    ("PUT", "/service_tickets/1/edit"), ("POST", "/service_tickets/1/inventory"), ("GET", "/inventory"),
    ("GET", "/inventory/1"), ("POST", "/inventory"), ("PUT", "/inventory/1"), ("DELETE", "/inventory/1"),
]  # fmt: skip


class TestPaths:
    @pytest.mark.parametrize(("method", "path"), PUBLISHED)
    def test_the_published_ones_are_there_with_and_without_a_slash(
        self, app: Flask, method: str, path: str
    ) -> None:
        routes = app.url_map.bind("localhost")

        assert routes.match(path, method=method) == routes.match(path + "/", method=method)

    def test_are_plural_and_in_snake_case_but_for_the_published_ones(self, app: Flask) -> None:
        words = {
            word
            for rule in app.url_map.iter_rules()
            if not rule.rule.startswith(("/static", "/api"))
            for word in re.sub(r"<[^>]*>", "", rule.rule).split("/")
            if word
        }

        hyphenated = {word for word in words if not re.fullmatch(r"[a-z]+(_[a-z]+)*", word)}
        assert hyphenated == {
            "my-tickets",
            "top-3-mechanics",
            "assign-mechanic",
            "stock-alerts",
            "slow-movers",
            "remove-mechanic",
            "update-mechanics",
        }

    @pytest.mark.parametrize("path", ["/api/docs", "/api/docs/", "/api/redoc", "/static/swagger.yaml"])
    def test_the_documentation_is_served_without_signing_in(self, shop: Shop, path: str) -> None:
        answer = shop.nobody.get(path)

        assert answer.status_code == 200
        assert answer.history == ()
        answer.close()

    def test_the_document_is_served_as_the_yaml_that_it_is(self, shop: Shop) -> None:
        answer = shop.nobody.get("/static/swagger.yaml")

        assert answer.mimetype == "application/yaml"
        assert answer.data.startswith((b"openapi:", b"paths:", b"info:"))
        answer.close()


class TestSuccess:
    def test_a_creation_is_201_with_the_bare_object_and_its_location(self, shop: Shop) -> None:
        part = shop.make_part()
        ticket = {
            "VIN": unique_vin(),
            "service_date": "2026-03-02",
            "service_desc": "Oil",
            "customer_id": shop.customer_id,
        }
        made = [
            shop.nobody.post("/customers", json=person(password=PASSWORD)),
            shop.owner.post("/mechanics", json=person(salary=60000)),
            shop.owner.post("/inventory", json={"name": "Belt", "price": 5.1}),
            shop.owner.post("/service_tickets", json=ticket),
        ]
        added = shop.owner.post(f"{made[3].headers['Location']}/inventory", json={"item_id": part.id})

        for answer in made:
            shown = shop.owner.get(answer.headers["Location"])
            assert answer.status_code == 201
            assert answer.headers["Location"].endswith(f"/{answer.json['id']}")
            assert (shown.status_code, shown.json["id"]) == (200, answer.json["id"])
        assert (added.status_code, added.headers["Location"]) == (201, made[3].headers["Location"])

    @pytest.mark.parametrize(
        "path", ["/customers", "/mechanics", "/inventory", "/service_tickets", "/mechanics/usage"]
    )
    def test_a_list_is_a_bare_array(self, shop: Shop, path: str) -> None:
        shop.make_ticket()

        assert isinstance(shop.owner.get(path).json, list)

    def test_a_deletion_is_200_with_a_message(self, shop: Shop) -> None:
        part, mechanic, customer = shop.make_part().id, shop.make_mechanic().id, shop.make_customer().id
        ticket = shop.make_ticket()["id"]
        paths = [
            f"/inventory/{part}",
            f"/mechanics/{mechanic}",
            f"/customers/{customer}",
            f"/service_tickets/{ticket}",
        ]

        answers = [shop.owner.delete(path) for path in paths] + [shop.customer.delete("/customers")]

        for answer in answers:
            assert answer.status_code == 200
            assert set(answer.json) - {"report"} == {"message"}
            assert isinstance(answer.json["message"], str)
        assert [shop.owner.get(path).status_code for path in paths] == [404] * 4


class TestWriting:
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_unknown_fields_are_refused(self, shop: Shop, method: str) -> None:
        part = shop.make_part()

        answer = shop.owner.open(
            method, f"/inventory/{part.id}", json={"name": "Belt", "price": 1, "id": 7, "version": 1}
        )

        assert answer.status_code == 400
        assert answer.json["errors"] == {"id": ["Unknown field."], "version": ["Unknown field."]}

    def test_put_replaces_and_patch_merges(self, shop: Shop) -> None:
        path = f"/inventory/{shop.make_part(sku='B-1', on_hand=5).id}"

        merged = shop.owner.patch(path, json={"name": "Belt"}).json
        replaced = shop.owner.put(path, json={"name": "Belt", "price": 1}).json

        assert (merged["name"], merged["sku"], merged["on_hand"]) == ("Belt", "B-1", 5)
        assert (replaced["sku"], replaced["on_hand"], replaced["price"]) == (None, 5, 1)

    def test_a_null_in_a_patch_empties_what_may_be_empty_and_nothing_else(self, shop: Shop) -> None:
        path = f"/inventory/{shop.make_part(sku='B-1').id}"

        emptied, kept = (
            shop.owner.patch(path, json={"sku": None}),
            shop.owner.patch(path, json={"name": None}),
        )

        assert (emptied.status_code, emptied.json["sku"]) == (200, None)
        assert (kept.status_code, list(kept.json["errors"])) == (400, ["name"])


class TestOnTheWire:
    @pytest.mark.parametrize(
        ("sent", "shown"),
        [
            ("19.99", b"19.99"),
            (19.99, b"19.99"),
            (7, b"7.00"),
            ("0.1", b"0.10"),
            (0, b"0.00"),
            (5.10, b"5.10"),
        ],
    )
    def test_money_goes_in_as_number_or_string_and_comes_out_with_two_places(
        self, shop: Shop, sent: Any, shown: bytes
    ) -> None:
        made = shop.owner.post("/inventory", json={"name": "Belt", "price": sent})
        path = made.headers["Location"]

        for answer in (made, shop.owner.get(path), shop.owner.get("/inventory")):
            assert b'"price":' + shown + b"," in answer.data

    def test_money_of_a_ticket_has_two_places_too(self, shop: Shop) -> None:
        part, ticket = (
            shop.owner.post("/inventory", json={"name": "Belt", "price": 5}).json,
            shop.make_ticket(),
        )
        path = f"/service_tickets/{ticket['id']}"

        added = shop.owner.post(f"{path}/inventory", json={"item_id": part["id"]})

        for answer in (added, shop.owner.get(path), shop.owner.get("/service_tickets")):
            assert b'"price":5.00' in answer.data

    def test_instants_are_rfc_3339_in_utc_and_dates_are_dates(self, shop: Shop) -> None:
        ticket = shop.make_ticket()
        path = f"/service_tickets/{ticket['id']}"

        shown = [
            shop.owner.get(f"/inventory/{shop.make_part().id}").json, shop.owner.get(f"/customers/{shop.customer_id}").json,
            shop.owner.get(f"/mechanics/{shop.mechanic_id}").json, shop.owner.get(path).json,
            shop.owner.get("/service_tickets").json[0],
        ]  # fmt: skip

        for row in shown:
            assert RFC3339.fullmatch(row["created_at"])
            assert RFC3339.fullmatch(row["updated_at"])
        assert shown[3]["service_date"] == shown[4]["service_date"] == "2026-03-02"
        assert RFC3339.fullmatch(shown[3]["status_history"][0]["changed_at"])

    @pytest.mark.parametrize("text", ["żółć", "😀", 'O\'Hara "Bob"', "a\\b", "<script>", "50% _off_", "日本"])
    def test_text_comes_back_as_it_went(self, shop: Shop, text: str) -> None:
        made = shop.owner.post("/inventory", json={"name": text, "price": 1})
        found = shop.owner.get("/inventory", query_string={"q": text})

        assert made.json["name"] == text
        assert shop.owner.get(made.headers["Location"]).json["name"] == text
        assert [row["name"] for row in found.json] == [text]
