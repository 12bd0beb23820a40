"""Inventory: prices, SKUs, counted and uncounted stock, and what is taken out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.blueprints.inventory import issuing, service, wanting
from app.blueprints.inventory.errors import NotEnoughOnHand, PartNotFound
from tests.factories import Caller, Shop, unique
from tests.inventory.test_parts_to_order import want


def item(**overrides: Any) -> dict[str, Any]:
    return {"name": "Oil Filter", "price": 19.99, **overrides}


def on_hand(shop: Shop, part_id: int) -> int | None:
    found: int | None = shop.owner.get(f"/inventory/{part_id}").json["on_hand"]
    return found


class TestAdding:
    def test_name_and_price_alone_are_not_counted(self, shop: Shop) -> None:
        made = shop.owner.post("/inventory/", json=item())

        assert made.status_code == 201
        assert made.headers["Location"] == f"/inventory/{made.json['id']}"
        assert (
            made.json.items() >= item(sku=None, on_hand=None, minimum_stock_level=None, tracked=False).items()
        )
        assert shop.mechanic.get(made.headers["Location"]).json == made.json

    def test_with_a_number_on_hand_stock_is_counted(self, shop: Shop) -> None:
        body = item(sku="OF-1", on_hand=0, minimum_stock_level=2)

        made = shop.owner.post("/inventory", json=body)

        assert made.json.items() >= (body | {"tracked": True}).items()

    def test_null_is_as_good_as_nothing(self, shop: Shop) -> None:
        made = shop.owner.post("/inventory", json=item(sku=None, on_hand=None, minimum_stock_level=None))

        assert (made.status_code, made.json["tracked"]) == (201, False)

    @pytest.mark.parametrize(("given", "kept"), [(3, 3), (3.0, 3), (-0.0, 0), (1e9, 1_000_000_000)])
    def test_a_number_on_hand_is_whole_however_json_writes_it(
        self, shop: Shop, given: float, kept: int
    ) -> None:
        made = shop.owner.post("/inventory", json=item(on_hand=given))

        assert (made.status_code, made.json["on_hand"]) == (201, kept)

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            (19.99, 19.99), ("19.99", 19.99), (20, 20.0), ("20", 20.0), (0, 0.0), (-0.0, 0.0), ("0.10", 0.1), (1e2, 100.0),
            (0.1, 0.1), (9999999999.99, 9999999999.99), ("9999999999.99", 9999999999.99),
        ],
    )  # fmt: skip
    def test_a_price_is_a_number_or_a_decimal_string(self, shop: Shop, given: Any, kept: float) -> None:
        made = shop.owner.post("/inventory", json=item(price=given))

        assert (made.status_code, made.json["price"]) == (201, kept)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""), ("name", None), ("name", 5), ("name", "x" * 201), ("name", "a\0b"), ("name", ["Oil"]), ("name", {}),
            ("price", -0.01), ("price", 0.001), ("price", 19.999), ("price", None), ("price", True),
            ("price", "free"), ("price", ""),
            ("price", "1,99"), ("price", " 1"), ("price", "1e2"), ("price", "0x10"), ("price", "NaN"), ("price", "Infinity"),
            ("price", "-1"), ("price", "٣"), ("price", [1]), ("price", {"amount": 1}), ("price", 10_000_000_000),
            ("price", 1e308),
            ("price", 2**63), ("price", 0.1 + 0.2), ("price", 1e-300), ("price", "9" * 5000),
            ("sku", ""), ("sku", "  "), ("sku", "x" * 61), ("sku", 5), ("sku", "a\0"), ("sku", ["OF-1"]),
            ("on_hand", -1), ("on_hand", 1.5), ("on_hand", 1e300), ("on_hand", "1"), ("on_hand", True),
            ("on_hand", 1_000_000_001),
            ("on_hand", 2**63), ("on_hand", [1]), ("on_hand", {}),
            ("minimum_stock_level", -1), ("minimum_stock_level", 0.5), ("minimum_stock_level", "2"),
            ("minimum_stock_level", False),
            ("tracked", True), ("id", 1), ("archived_at", None), ("workshop_id", 1), ("version", 1),
        ],
    )  # fmt: skip
    def test_a_careless_field_is_named(self, shop: Shop, field: str, value: Any) -> None:
        answer = shop.owner.post("/inventory", json=item(**{field: value}))

        assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")
        assert list(answer.json["errors"]) == [field]

    @pytest.mark.parametrize(
        "body",
        [
            b'{"name": "a", "price": 1e400}', b'{"name": "a", "price": NaN}', b'{"name": "a", "price": -Infinity}', b"\xff\xfe",
            b'{"name": "\\ud800", "price": 1}', b"[" * 100_000, b"{", b'{"name": "a", "price": 1} {}', b"null",
            b"[]", b'"x"', b"7",
            b'[{"name": "a", "price": 1}]', b"\xef\xbb\xbf{}", b'{"name": "a", "price": ' + b"9" * 400 + b"}",
        ],
    )  # fmt: skip
    def test_what_is_not_an_object_of_json_is_refused(self, shop: Shop, body: bytes) -> None:
        answer = shop.owner.open("POST", "/inventory", data=body, content_type="application/json")

        assert answer.status_code == 400
        assert shop.owner.get("/inventory").json == []

    @pytest.mark.parametrize("field", ["name", "price"])
    def test_name_and_price_are_needed(self, shop: Shop, field: str) -> None:
        body = item()
        del body[field]

        answer = shop.owner.post("/inventory", json=body)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    def test_a_sku_is_one_parts(self, shop: Shop, other_shop: Shop) -> None:
        first = shop.owner.post("/inventory", json=item(sku="OF-1"))

        second = shop.owner.post("/inventory", json=item(sku=" OF-1 "))
        elsewhere = other_shop.owner.post("/inventory", json=item(sku="OF-1"))

        assert (first.status_code, second.status_code, second.json["code"]) == (201, 409, "sku_taken")
        assert elsewhere.status_code == 201

    def test_many_parts_have_none(self, shop: Shop) -> None:
        assert [shop.owner.post("/inventory", json=item()).status_code for _ in range(3)] == [201] * 3


class TestAccess:
    @pytest.mark.parametrize("role", ["owner", "mechanic"])
    @pytest.mark.parametrize("path", ["/inventory", "/inventory/{id}", "/inventory/usage"])
    def test_staff_read(self, shop: Shop, role: str, path: str) -> None:
        caller: Caller = getattr(shop, role)

        assert caller.get(path.format(id=shop.make_part().id)).status_code == 200

    @pytest.mark.parametrize("path", ["/inventory", "/inventory/{id}", "/inventory/usage"])
    def test_customers_do_not(self, shop: Shop, path: str) -> None:
        assert shop.customer.get(path.format(id=shop.make_part().id)).status_code == 403

    @pytest.mark.parametrize("role", ["mechanic", "customer"])
    def test_only_the_owner_writes(self, shop: Shop, role: str) -> None:
        caller: Caller = getattr(shop, role)
        path = f"/inventory/{shop.make_part().id}"

        answers = [
            caller.post("/inventory", json=item()),
            caller.put(path, json=item()),
            caller.patch(path, json={"price": 1}),
            caller.delete(path),
        ]

        assert [answer.status_code for answer in answers] == [403] * 4

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_another_workshops_look_missing(self, shop: Shop, other_shop: Shop, method: str) -> None:
        part = other_shop.make_part(on_hand=3)
        sent = {} if method in ("GET", "DELETE") else {"json": item()}

        answer = shop.owner.open(method, f"/inventory/{part.id}", **sent)

        assert (answer.status_code, answer.json["code"]) == (404, "item_not_found")
        assert on_hand(other_shop, part.id) == 3

    @pytest.mark.parametrize(
        "id_",
        ["0", "-1", "1.0", "abc", "1e3", "9223372036854775807", "9" * 400, "%00", "1%00", "1;2", "null"],
    )
    def test_an_odd_id_is_not_found(self, shop: Shop, id_: str) -> None:
        assert shop.owner.get(f"/inventory/{id_}").status_code == 404


class TestChanging:
    def test_put_replaces_and_what_is_left_out_is_empty_but_for_the_stock(self, shop: Shop) -> None:
        part = shop.make_part(sku="OF-1", on_hand=4, minimum_stock_level=2)

        answer = shop.owner.put(f"/inventory/{part.id}", json=item(name="Belt", price=5))

        assert answer.status_code == 200
        expected = {
            "name": "Belt",
            "price": 5.0,
            "sku": None,
            "on_hand": 4,
            "minimum_stock_level": None,
            "tracked": True,
        }
        assert answer.json.items() >= expected.items()

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"price": 7.5},
            {"name": "Belt"},
            {"on_hand": 9},
            {"sku": "B-1", "minimum_stock_level": 0},
            {"on_hand": 4},
        ],
    )
    def test_patch_changes_what_it_names(self, shop: Shop, changes: dict[str, Any]) -> None:
        part = shop.make_part(sku="OF-1", on_hand=4, minimum_stock_level=2)
        before = shop.owner.get(f"/inventory/{part.id}").json

        answer = shop.owner.patch(f"/inventory/{part.id}", json=changes)

        assert answer.status_code == 200
        available = {"available": changes.get("on_hand", 4)}
        assert answer.json | {"updated_at": ""} == before | changes | available | {"updated_at": ""}

    @pytest.mark.parametrize("field", ["sku", "on_hand", "minimum_stock_level"])
    def test_patch_clears_with_null(self, shop: Shop, field: str) -> None:
        part = shop.make_part(sku="OF-1", on_hand=4, minimum_stock_level=2)
        before = shop.owner.get(f"/inventory/{part.id}").json

        answer = shop.owner.patch(f"/inventory/{part.id}", json={field: None})

        cleared = before | {field: None, "tracked": field != "on_hand", "updated_at": ""}
        cleared |= {"available": None} if field == "on_hand" else {}
        assert answer.json | {"updated_at": ""} == cleared

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", None), ("price", None), ("price", -1), ("price", "x"), ("on_hand", -1), ("on_hand", 1.5),
            ("tracked", True),
            ("price", 1e308), ("sku", ""), ("id", 1),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_a_careless_change_is_refused_whole(
        self, shop: Shop, method: str, field: str, value: Any
    ) -> None:
        part = shop.make_part(on_hand=4)

        answer = shop.owner.open(
            method, f"/inventory/{part.id}", json=item() | {"minimum_stock_level": 1, field: value}
        )

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])
        assert shop.owner.get(f"/inventory/{part.id}").json["minimum_stock_level"] is None

    def test_a_sku_of_another_part_is_a_conflict(self, shop: Shop) -> None:
        shop.make_part(sku="OF-1")
        part = shop.make_part(sku="OF-2")

        answers = [
            shop.owner.patch(f"/inventory/{part.id}", json={"sku": "OF-1"}),
            shop.owner.put(f"/inventory/{part.id}", json=item(sku="OF-1")),
        ]

        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(409, "sku_taken")] * 2
        assert shop.owner.patch(f"/inventory/{part.id}", json={"sku": "OF-2"}).status_code == 200

    def test_a_change_is_seen_at_once_by_everybody(self, shop: Shop) -> None:
        part = shop.make_part()
        paths = [f"/inventory/{part.id}", "/inventory", "/inventory?q=oil"]
        for caller in (shop.owner, shop.mechanic):
            for path in paths:
                caller.get(path)

        shop.owner.patch(f"/inventory/{part.id}", json={"price": 77.77})

        assert all(
            "77.77" in caller.get(path).text for caller in (shop.owner, shop.mechanic) for path in paths
        )


class TestTakingOut:
    def test_it_is_gone_once(self, shop: Shop) -> None:
        part = shop.make_part(sku="OF-1")
        shop.owner.get("/inventory")

        answers = [shop.owner.delete(f"/inventory/{part.id}") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 404]
        assert answers[0].json == {"message": f"Inventory item {part.id} deleted."}
        assert shop.owner.get("/inventory").json == []
        assert shop.owner.get(f"/inventory/{part.id}").status_code == 404
        assert shop.owner.patch(f"/inventory/{part.id}", json={"price": 1}).status_code == 404

    @pytest.mark.parametrize("on_hand", [1, 0.5])
    def test_it_stays_while_some_are_on_hand(self, shop: Shop, on_hand: float) -> None:
        part = shop.make_part(unit="l", on_hand=Decimal(str(on_hand)))

        refused = shop.owner.delete(f"/inventory/{part.id}")
        wrote_off = {"kind": "write_off", "quantity": on_hand, "reason": "Old"}
        shop.owner.post(f"/inventory/{part.id}/movements", json=wrote_off)
        done = shop.owner.delete(f"/inventory/{part.id}")

        assert (refused.status_code, refused.json["code"], done.status_code) == (409, "stock_left", 200)
        assert refused.json["detail"].startswith(f"{on_hand:g} are on hand")

    @pytest.mark.parametrize("on_hand", [0, None])
    def test_it_stays_while_open_tickets_wait_for_it(
        self, shop: Shop, other_shop: Shop, on_hand: int | None
    ) -> None:
        want(other_shop, other_shop.make_part(on_hand=0).id, 5)
        part, other = (shop.make_part(name="Belt", on_hand=on_hand).id for _ in range(2))
        tickets = [want(shop, part, 2), want(shop, part, 1.0)]
        want(shop, other, 1, ticket=tickets[0])

        refused = shop.owner.delete(f"/inventory/{part}")
        for path in tickets:
            shop.owner.post(f"{path}/status", json={"status": "cancelled"})
        done = shop.owner.delete(f"/inventory/{part}")

        assert (refused.status_code, refused.json["code"], done.status_code) == (409, "item_wanted", 200)
        assert refused.json["detail"] == "Belt: 3 are wanted, by these tickets: 1, 2."

    def test_of_many_tickets_that_wait_the_first_are_named(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(wanting, "MOST_TICKETS", 2)
        part = shop.make_part(name="Belt", on_hand=0).id
        for _ in range(3):
            want(shop, part, 1)

        detail = shop.owner.delete(f"/inventory/{part}").json["detail"]

        assert detail == "Belt: 3 are wanted, by these tickets first: 1, 2."

    def test_its_sku_is_free_again(self, shop: Shop) -> None:
        part = shop.make_part(sku="OF-1")
        shop.take_out(part.id)

        again = shop.owner.post("/inventory", json=item(sku="OF-1"))

        assert again.status_code == 201
        assert again.json["id"] != part.id

    def test_the_tickets_keep_it(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5)
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id, "quantity": 2})

        shop.take_out(part.id)

        kept = [{"id": part.id, "name": "Oil Filter", "price": 19.99, "quantity": 2}]
        assert shop.owner.get(ticket).json["inventory_items"] == kept
        assert shop.owner.get("/service_tickets").json[0]["inventory_items"] == kept

    def test_it_goes_on_no_ticket_afterwards_and_can_still_come_off_one(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=5)
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id})
        shop.take_out(part.id)

        more = shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id})
        edit = shop.owner.put(f"{ticket}/edit", json={"add_item_ids": [part.id]})
        off = shop.owner.delete(f"{ticket}/inventory/{part.id}")

        assert (more.status_code, more.json["code"]) == (404, "item_not_found")
        assert edit.json["notes"] == [f"Item {part.id} is unknown."]
        assert (off.status_code, off.json["inventory_items"]) == (200, [])


class TestRestoring:
    def test_it_is_listed_apart_and_as_before_afterwards(self, shop: Shop, other_shop: Shop) -> None:
        part = shop.make_part(sku="OF-1", on_hand=0, minimum_stock_level=1)
        before = shop.owner.get(f"/inventory/{part.id}").json
        shop.owner.delete(f"/inventory/{part.id}")

        def listed(query: str) -> list[int]:
            return [one["id"] for one in shop.owner.get(f"/inventory{query}").json]

        assert (listed(""), listed("?archived=true"), listed("?archived=true&sku=OF-1")) == (
            [], [part.id], [part.id],
        )  # fmt: skip
        assert other_shop.owner.get("/inventory?archived=true").json == []
        assert shop.owner.get("/inventory/stock-alerts").json == []

        answer = shop.owner.post(f"/inventory/{part.id}/restore")

        assert answer.status_code == 200
        assert {**answer.json, "updated_at": None} == {**before, "updated_at": None}
        assert (listed(""), listed("?archived=true")) == ([part.id], [])
        assert [one["raised_at"] is None for one in shop.owner.get("/inventory/stock-alerts").json] == [False]
        actions = [one["action"] for one in shop.owner.get("/audit?subject_kind=part").json]
        assert actions == ["part.restored", "part.removed", "part.added"]

    def test_what_came_back_meanwhile_can_be_moved_again(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=2)
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id, "quantity": 2})
        shop.owner.delete(f"/inventory/{part.id}")
        shop.owner.delete(f"{ticket}/inventory/{part.id}")
        sale = {"kind": "sale", "quantity": 2}

        stuck = shop.owner.post(f"/inventory/{part.id}/movements", json=sale)
        shop.owner.post(f"/inventory/{part.id}/restore")
        moved = shop.owner.post(f"/inventory/{part.id}/movements", json=sale)

        assert (stuck.status_code, moved.status_code) == (404, 201)

    @pytest.mark.parametrize(
        ("field", "value", "code"), [("sku", "OF-1", "sku_taken"), ("barcode", "96385074", "barcode_taken")]
    )
    def test_it_is_refused_while_another_has_its_code(
        self, shop: Shop, field: str, value: str, code: str
    ) -> None:
        part = shop.make_part(**{field: value})
        shop.owner.delete(f"/inventory/{part.id}")
        shop.make_part(**{field: value})

        answer = shop.owner.post(f"/inventory/{part.id}/restore")

        assert (answer.status_code, answer.json["code"]) == (409, code)
        assert [one["id"] for one in shop.owner.get("/inventory?archived=true").json] == [part.id]

    def test_it_is_refused_of_what_is_there_or_was_never(self, shop: Shop, other_shop: Shop) -> None:
        part, theirs = shop.make_part(), other_shop.make_part()
        other_shop.owner.delete(f"/inventory/{theirs.id}")

        answers = [shop.owner.post(f"/inventory/{id_}/restore") for id_ in (part.id, theirs.id, 10**9)]

        assert [(one.status_code, one.json["code"]) for one in answers] == [
            (409, "item_in_use"), (404, "item_not_found"), (404, "item_not_found"),
        ]  # fmt: skip


class TestFinding:
    @pytest.fixture
    def parts(self, shop: Shop) -> None:
        for name, price, sku, stock, least in (
            ("Oil Filter", "19.99", "OF-1", 2, 2),
            ("Oil 5W-30", "45.00", "OIL_5", 10, 4),
            ("100% Cotton Rag", "1.50", None, None, None),
            ("Brake Pad", "80.00", "BP%7", 0, None),
            ("Belt", "30.00", None, None, 5),
            ("Wiper", "12.00", "W-1", 1, 3),
        ):
            shop.make_part(name=name, price=Decimal(price), sku=sku, on_hand=stock, minimum_stock_level=least)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["100% Cotton Rag", "Belt", "Brake Pad", "Oil 5W-30", "Oil Filter", "Wiper"]),
            ({"q": "oil"}, ["Oil 5W-30", "Oil Filter"]),
            ({"q": "OIL", "sort": "-price"}, ["Oil 5W-30", "Oil Filter"]),
            ({"q": "%"}, ["100% Cotton Rag", "Brake Pad"]),
            ({"q": "_"}, ["Oil 5W-30"]),
            ({"q": "l_5"}, ["Oil 5W-30"]),
            ({"q": "\\"}, []),
            ({"q": "w-1"}, ["Wiper"]),
            ({"sku": "OF-1"}, ["Oil Filter"]),
            ({"sku": "of-1"}, []),
            ({"sku": "OF"}, []),
            ({"low": "true"}, ["Oil Filter", "Wiper"]),
            ({"low": "false"}, ["100% Cotton Rag", "Belt", "Brake Pad", "Oil 5W-30"]),
            ({"low": "true", "q": "wip"}, ["Wiper"]),
            ({"low": "true", "q": "belt"}, []),
            ({"sort": "-name"}, ["Wiper", "Oil Filter", "Oil 5W-30", "Brake Pad", "Belt", "100% Cotton Rag"]),
            ({"sort": "price", "per_page": "2"}, ["100% Cotton Rag", "Wiper"]),
            ({"sort": "-price", "per_page": "2", "page": "2"}, ["Belt", "Oil Filter"]),
            ({"page": "99"}, []),
        ],
    )
    def test_filters_search_and_order(
        self, shop: Shop, parts: None, query: dict[str, str], found: list[str]
    ) -> None:
        answer = shop.mechanic.get("/inventory", query_string=query)

        assert answer.status_code == 200
        assert [part["name"] for part in answer.json] == found

    def test_what_lies_in_a_bin_and_what_a_supplier_has_are_found_by_that(
        self, shop: Shop, other_shop: Shop
    ) -> None:
        supplier, foreign = shop.make_supplier().id, other_shop.make_supplier().id
        here, there = shop.make_part(bin="A-3", name="Belt").id, shop.make_part(bin="A-31", name="Belt").id
        shop.make_part(name="Belt")
        before = shop.mechanic.get(f"/inventory?supplier_id={supplier}").json
        shop.owner.put(f"/inventory/{there}/suppliers/{supplier}", json={"price": 5})

        found = [
            [item["id"] for item in shop.mechanic.get(f"/inventory?{query}").json]
            for query in (
                "bin=A-3", "bin=a-3", f"supplier_id={supplier}", f"supplier_id={foreign}", f"bin=A-31&supplier_id={supplier}",
            )
        ]  # fmt: skip

        assert (before, found) == ([], [[here], [], [there], [], [there]])

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"q": ""}, "q"), ({"q": "x" * 101}, "q"), ({"q": "\0"}, "q"), ({"sku": ""}, "sku"),
            ({"low": "maybe"}, "low"), ({"low": "1"}, "low"),
            ({"low": ""}, "low"), ({"sort": "on_hand"}, "sort"), ({"sort": "name,-name"}, "sort"), ({"page": "0"}, "page"),
            ({"page": "1.0"}, "page"), ({"page": "x"}, "page"), ({"page": "1000001"}, "page"),
            ({"per_page": "101"}, "per_page"),
            ({"per_page": "0"}, "per_page"), ({"per_page": "-1"}, "per_page"), ({"cursor": "x"}, "cursor"),
            ({"cursor": ""}, "cursor"),
            ({"page": "1", "cursor": "x"}, "cursor"), ({"price": "1"}, "price"),
            ({"low": ["true", "false"]}, "low"), ({"": "x"}, ""),
        ],
    )  # fmt: skip
    def test_a_careless_query_is_refused(self, shop: Shop, query: dict[str, Any], field: str) -> None:
        answer = shop.owner.get("/inventory", query_string=query)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    def test_low_follows_the_stock(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=3, minimum_stock_level=2)
        ticket = f"/service_tickets/{shop.make_ticket()['id']}"
        before = shop.owner.get("/inventory?low=true").json

        shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id})

        assert (before, [row["id"] for row in shop.owner.get("/inventory?low=true").json]) == ([], [part.id])


class TestStock:
    """What the service's functions promise to the tickets."""

    def test_all_are_taken_or_none(self, shop: Shop) -> None:
        plenty, few = shop.make_part(on_hand=9), shop.make_part(on_hand=1)

        with shop.inside(), pytest.raises(NotEnoughOnHand, match="1 on hand, 2 asked for"):
            issuing.take(shop.id, {plenty.id: 3, few.id: 2})

        assert (on_hand(shop, plenty.id), on_hand(shop, few.id)) == (9, 1)

    def test_the_last_one_may_go(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=2)

        with shop.inside():
            issuing.take(shop.id, {part.id: 2})

        assert on_hand(shop, part.id) == 0

    def test_what_is_not_counted_is_always_there(self, shop: Shop) -> None:
        part = shop.make_part()

        with shop.inside():
            issuing.take(shop.id, {part.id: 10_000})
            issuing.give_back(shop.id, {part.id: 5})

        assert on_hand(shop, part.id) is None

    def test_what_comes_back_is_counted_even_of_a_part_taken_out(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=2)
        shop.take_out(part.id)

        with shop.inside():
            issuing.give_back(shop.id, {part.id: 3})

            assert service.db.session.get_one(service.Part, part.id).on_hand == 3

    def test_what_is_unknown_is_not_taken(self, shop: Shop, other_shop: Shop) -> None:
        mine, theirs = shop.make_part(on_hand=2), other_shop.make_part(on_hand=2)

        with shop.inside(), pytest.raises(PartNotFound):
            issuing.take(shop.id, {mine.id: 1, theirs.id: 1})

        assert (on_hand(shop, mine.id), on_hand(other_shop, theirs.id)) == (2, 2)

    def test_the_stock_raises_the_version(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=2)
        seen = shop.owner.get(f"/inventory/{part.id}").headers["ETag"]
        with shop.inside():
            issuing.take(shop.id, {part.id: 1})

        answer = shop.owner.put(f"/inventory/{part.id}", json=item(on_hand=2), headers={"If-Match": seen})

        assert answer.status_code == 412
        assert on_hand(shop, part.id) == 1

    def test_those_that_are_there_are_named(self, shop: Shop, other_shop: Shop) -> None:
        part, gone, theirs = shop.make_part(sku=unique("S")), shop.make_part(), other_shop.make_part()
        shop.take_out(gone.id)

        with shop.inside():
            assert service.present_among(shop.id, [part.id, gone.id, theirs.id, 2**62]) == {part.id}
