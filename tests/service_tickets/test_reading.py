"""Reading tickets: who sees which, filters, search, order and pages."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.factories import Caller, Shop

VIN = "1HGCM82633A004352"


@pytest.mark.parametrize(
    ("role", "status"), [("owner", 200), ("mechanic", 200), ("customer", 200), ("other_customer", 403)]
)
def test_a_ticket_is_for_staff_and_for_whom_it_is(shop: Shop, role: str, status: int) -> None:
    caller: Caller = getattr(shop, role)

    answer = caller.get(f"/service_tickets/{shop.make_ticket()['id']}")

    assert answer.status_code == status
    assert status == 200 or answer.json["code"] == "not_your_ticket"


@pytest.mark.parametrize("role", ["owner", "mechanic", "customer"])
def test_what_is_unknown_here_is_not_found(shop: Shop, other_shop: Shop, role: str) -> None:
    caller: Caller = getattr(shop, role)

    answers = [caller.get(f"/service_tickets/{id_}") for id_ in (other_shop.make_ticket()["id"], 10**17)]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
        (404, "service_ticket_not_found")
    ] * 2


def test_a_ticket_shows_its_mechanics_items_and_customer(shop: Shop) -> None:
    ticket = f"/service_tickets/{shop.make_ticket()['id']}"
    second = shop.make_mechanic(name="Jane Wrench")
    part = shop.make_part(on_hand=5)
    shop.owner.put(f"{ticket}/assign-mechanic/{second.id}")
    shop.owner.put(f"{ticket}/assign-mechanic/{shop.mechanic_id}")
    shop.owner.post(f"{ticket}/inventory", json={"item_id": part.id, "quantity": 2})

    answer = shop.customer.get(ticket).json

    assert answer["customer"] == {"id": shop.customer_id, "name": "Customer 0"}
    assert answer["mechanics"] == [
        {"id": shop.mechanic_id, "name": "Mel Mechanic"},
        {"id": second.id, "name": "Jane Wrench"},
    ]
    assert answer["inventory_items"] == [{"id": part.id, "name": "Oil Filter", "price": 19.99, "quantity": 2}]
    listed = shop.owner.get("/service_tickets").json[0]
    assert listed.items() <= answer.items()


def test_customers_list_only_their_own(shop: Shop) -> None:
    assert shop.customer.get("/service_tickets").status_code == 403


class TestMyTickets:
    @pytest.mark.parametrize("path", ["/customers/my-tickets", "/service_tickets/my-tickets"])
    def test_they_are_those_of_who_asks(self, shop: Shop, path: str) -> None:
        mine = shop.make_ticket()
        assert shop.other_customer.principal is not None
        theirs = shop.make_ticket(customer_id=shop.other_customer.principal.customer_id)

        answers = [caller.get(path).json for caller in (shop.customer, shop.other_customer) for _ in range(2)]

        assert [[ticket["id"] for ticket in answer] for answer in answers] == [[mine["id"]]] * 2 + [
            [theirs["id"]]
        ] * 2

    @pytest.mark.parametrize("role", ["owner", "mechanic"])
    @pytest.mark.parametrize("path", ["/customers/my-tickets", "/service_tickets/my-tickets"])
    def test_staff_have_none(self, shop: Shop, role: str, path: str) -> None:
        caller: Caller = getattr(shop, role)

        assert caller.get(path).status_code == 403

    def test_a_status_can_be_chosen(self, shop: Shop) -> None:
        first, second = shop.make_ticket(), shop.make_ticket()
        shop.customer.post(f"/service_tickets/{first['id']}/status", json={"status": "cancelled"})

        found = {
            status: [
                ticket["id"]
                for ticket in shop.customer.get("/customers/my-tickets", query_string={"status": status}).json
            ]
            for status in ("booked", "cancelled", "booked,cancelled", "delivered")
        }

        assert found == {
            "booked": [second["id"]], "cancelled": [first["id"]], "booked,cancelled": [second["id"], first["id"]],
            "delivered": [],
        }  # fmt: skip

    @pytest.mark.parametrize(
        "query", [{"customer_id": "1"}, {"q": "oil"}, {"VIN": VIN}, {"mechanic_id": "1"}, {"status": "open"}]
    )
    def test_nothing_else_can(self, shop: Shop, query: dict[str, str]) -> None:
        assert shop.customer.get("/customers/my-tickets", query_string=query).status_code == 400

    def test_one_who_is_a_customer_of_two_workshops_sees_each_apart(
        self, shop: Shop, other_shop: Shop
    ) -> None:
        joined = {
            "name": "Both",
            "email": shop.customer.email,
            "phone": "555-321-0000",
            "password": "correct-horse-battery",
        }
        there = other_shop.nobody.post("/customers", json=joined).json
        other_shop.make_ticket(customer_id=there["id"])
        mine = shop.make_ticket()

        answer = shop.customer.get("/customers/my-tickets")

        assert [ticket["id"] for ticket in answer.json] == [mine["id"]]

    def test_a_change_is_seen_at_once(self, shop: Shop) -> None:
        ticket = shop.make_ticket()
        before = shop.customer.get("/customers/my-tickets").json[0]["status"]

        shop.mechanic.post(f"/service_tickets/{ticket['id']}/status", json={"status": "received"})

        assert (before, shop.customer.get("/customers/my-tickets").json[0]["status"]) == (
            "booked",
            "received",
        )


class TestFinding:
    """Four tickets: a to d, by their number 1 to 4."""

    @pytest.fixture
    def names(self, shop: Shop) -> dict[str, Any]:
        percent = shop.make_customer(name="Percy 100%_Sure")
        second = shop.make_mechanic(name="Jane Wrench")
        tickets = [
            shop.make_ticket(service_desc="Oil change", service_date=date(2026, 3, 1), VIN=VIN),
            shop.make_ticket(
                service_desc="Brake pads, 50% worn", service_date=date(2026, 3, 2), customer_id=percent.id
            ),
            shop.make_ticket(service_desc="Change of TYRES, ÖLWECHSEL", service_date=date(2026, 3, 2)),
            shop.make_ticket(
                service_desc="under_body\\wash",
                service_date=date(2026, 3, 3),
                customer_id=percent.id,
                VIN=VIN,
            ),
        ]
        a, b, _, d = (f"/service_tickets/{ticket['id']}" for ticket in tickets)
        shop.owner.put(f"{a}/assign-mechanic/{shop.mechanic_id}")
        shop.owner.put(f"{b}/assign-mechanic/{shop.mechanic_id}")
        shop.owner.put(f"{b}/assign-mechanic/{second.id}")
        shop.owner.post(f"{a}/status", json={"status": "received"})
        shop.owner.post(f"{d}/status", json={"status": "cancelled"})
        return {
            "<mel>": shop.mechanic_id, "<jane>": second.id, "<percy>": percent.id, "<customer>": shop.customer_id,
            "<nobody>": 2**62,
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, "dcba"),
            ({"status": "booked"}, "cb"),
            ({"status": "received,cancelled"}, "da"),
            ({"status": "cancelled,cancelled"}, "d"),
            ({"status": "delivered"}, ""),
            ({"customer_id": "<percy>"}, "db"),
            ({"customer_id": "<nobody>"}, ""),
            ({"mechanic_id": "<mel>"}, "ba"),
            ({"mechanic_id": "<jane>"}, "b"),
            ({"mechanic_id": "<nobody>"}, ""),
            ({"VIN": VIN}, "da"),
            ({"VIN": "1hgcm8 2633a 004352"}, "da"),
            ({"VIN": "004352"}, "da"),
            ({"VIN": "999999"}, ""),
            ({"service_date": "2026-03-02"}, "cb"),
            ({"service_date_from": "2026-03-02"}, "dcb"),
            ({"service_date_to": "2026-03-02"}, "cba"),
            ({"service_date_from": "2026-03-02", "service_date_to": "2026-03-02"}, "cb"),
            ({"service_date_from": "2026-03-03", "service_date_to": "2026-03-01"}, ""),
            ({"q": "change"}, "ca"),
            ({"q": "CHANGE"}, "ca"),
            ({"q": "tyres"}, "c"),
            ({"q": "ölwech"}, "c"),
            ({"q": "Ölw"}, "c"),
            ({"q": "50%"}, "b"),
            ({"q": "0% w"}, "b"),
            ({"q": "%%%"}, ""),
            ({"q": "___"}, ""),
            ({"q": "r_b"}, "d"),
            ({"q": "y\\w"}, "d"),
            ({"q": "y_w"}, ""),
            ({"q": "percy"}, "db"),
            ({"q": "0%_s"}, "db"),
            ({"q": "customer"}, "ca"),
            ({"q": "' OR 1=1"}, ""),
            ({"status": "booked", "customer_id": "<percy>"}, "b"),
            ({"status": "booked", "mechanic_id": "<mel>", "q": "brake"}, "b"),
            ({"status": "booked", "mechanic_id": "<mel>", "q": "oil"}, ""),
            ({"VIN": VIN, "customer_id": "<customer>", "service_date_to": "2026-03-02"}, "a"),
            (
                {
                    "VIN": VIN,
                    "status": "cancelled",
                    "customer_id": "<percy>",
                    "service_date": "2026-03-03",
                    "q": "wash",
                },
                "d",
            ),
            ({"mechanic_id": "<jane>", "VIN": VIN}, ""),
            ({"sort": "number"}, "abcd"),
            ({"sort": "-number"}, "dcba"),
            ({"sort": "service_date"}, "abcd"),
            ({"sort": "-service_date,number"}, "dbca"),
            ({"sort": "-id"}, "dcba"),
            ({"sort": "number", "per_page": "2", "page": "2"}, "cd"),
            ({"sort": "number", "per_page": "3"}, "abc"),
            ({"customer_id": "<percy>", "page": "1", "per_page": "1"}, "d"),
        ],
    )
    def test_filters_alone_and_together(
        self, shop: Shop, names: dict[str, Any], query: dict[str, str], found: str
    ) -> None:
        asked = {field: names.get(value, value) for field, value in query.items()}

        answers = [
            shop.mechanic.get("/service_tickets", query_string=asked) for _ in range(2)
        ]  # the second is the cache's

        for answer in answers:
            assert answer.status_code == 200
            assert "".join(" abcd"[ticket["number"]] for ticket in answer.json) == found

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"status": "open"}, "status"), ({"status": ""}, "status"), ({"status": "booked,"}, "status"),
            ({"status": "Booked"}, "status"),
            ({"status": ["booked", "received"]}, "status"), ({"customer_id": "0"}, "customer_id"),
            ({"customer_id": "-1"}, "customer_id"),
            ({"customer_id": "1.0"}, "customer_id"), ({"customer_id": "x"}, "customer_id"),
            ({"customer_id": str(2**63)}, "customer_id"),
            ({"customer_id": "9" * 30}, "customer_id"), ({"customer_id": ["1", "2"]}, "customer_id"),
            ({"mechanic_id": ""}, "mechanic_id"),
            ({"mechanic_id": "٣"}, "mechanic_id"), ({"mechanic_id": "1e3"}, "mechanic_id"), ({"VIN": ""}, "VIN"),
            ({"VIN": "AB"}, "VIN"),
            ({"VIN": "\0"}, "VIN"), ({"VIN": "A" * 41}, "VIN"), ({"VIN": "ß" * 8}, "VIN"),
            ({"service_date": "x"}, "service_date"),
            ({"service_date": "2026-02-30"}, "service_date"), ({"service_date_from": "2026"}, "service_date_from"),
            ({"service_date_to": ""}, "service_date_to"), ({"q": "ab"}, "q"), ({"q": " ab "}, "q"),
            ({"q": "x" * 101}, "q"), ({"q": "\0\0\0"}, "q"),
            ({"sort": "customer_id"}, "sort"), ({"sort": "status"}, "sort"), ({"sort": "number,-number"}, "sort"),
            ({"sort": ""}, "sort"),
            ({"page": "0"}, "page"), ({"per_page": "101"}, "per_page"), ({"cursor": "AAAA"}, "cursor"), ({"vin": VIN}, "vin"),
            ({"open": "true"}, "open"),
        ],
    )  # fmt: skip
    def test_a_careless_query_is_refused(self, shop: Shop, query: dict[str, Any], field: str) -> None:
        answer = shop.owner.get("/service_tickets", query_string=query)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    def test_pages_of_a_filtered_list_count_what_fits(self, shop: Shop, names: dict[str, Any]) -> None:
        answer = shop.owner.get(
            "/service_tickets", query_string={"customer_id": names["<percy>"], "page": 2, "per_page": 1}
        )

        assert [ticket["number"] for ticket in answer.json] == [2]
        assert json.loads(answer.headers["X-Pagination"]) == {
            "page": 2,
            "per_page": 1,
            "total": 2,
            "pages": 2,
        }

    @pytest.mark.parametrize(
        "path", ["/service_tickets?sort=-service_date&per_page=1", "/service_tickets?q=change&per_page=1"]
    )
    def test_a_walk_by_the_links_meets_each_once(self, shop: Shop, names: dict[str, Any], path: str) -> None:
        met: list[int] = []
        following: str | None = path

        while following:
            answer = shop.owner.get(following)
            met += [ticket["number"] for ticket in answer.json]
            following = (
                answer.headers["Link"].partition("<")[2].partition(">")[0]
                if "Link" in answer.headers
                else None
            )

        assert met == ([4, 3, 2, 1] if "q=" not in path else [3, 1])
