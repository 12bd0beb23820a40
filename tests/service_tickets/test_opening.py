"""Opening a ticket: by whom, for whom, with which car."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Caller, Shop, unique_vin


def opening(shop: Shop, **overrides: Any) -> dict[str, Any]:
    return {
        "VIN": unique_vin(), "service_date": "2026-03-02", "service_desc": "Oil change",
        "customer_id": shop.customer_id, **overrides,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("role", "transitions"),
    [
        ("owner", ["received", "cancelled"]),
        ("mechanic", ["received", "cancelled"]),
        ("customer", ["cancelled"]),
    ],
)
def test_staff_open_for_a_customer_and_a_customer_for_themselves(
    shop: Shop, role: str, transitions: list[str]
) -> None:
    caller: Caller = getattr(shop, role)
    body = opening(shop)

    made = caller.post("/service_tickets/", json=body)

    assert made.status_code == 201
    assert made.headers["Location"] == f"/service_tickets/{made.json['id']}"
    expected = body | {
        "number": 1, "status": "booked", "customer": {"id": shop.customer_id, "name": "Customer 0"}, "mechanics": [],
        "inventory_items": [], "allowed_transitions": transitions, "warnings": [],
    }  # fmt: skip
    assert made.json.items() >= expected.items()
    first = made.json["status_history"][0]
    assert caller.principal is not None
    assert (first["from_status"], first["to_status"], first["account_id"], first["reason"]) == (
        None, "booked", caller.principal.account_id, None,
    )  # fmt: skip
    assert caller.get(made.headers["Location"]).json == made.json


def test_a_customer_opens_none_for_another(shop: Shop) -> None:
    answer = shop.other_customer.post("/service_tickets", json=opening(shop))

    assert (answer.status_code, answer.json["code"]) == (403, "not_your_ticket")
    assert shop.owner.get("/service_tickets").json == []


def test_a_walk_in_has_tickets_too(shop: Shop) -> None:
    walk_in = shop.make_customer(name="Walk In", email=None)

    made = shop.mechanic.post("/service_tickets", json=opening(shop, customer_id=walk_in.id))

    assert made.json["customer"] == {"id": walk_in.id, "name": "Walk In"}


@pytest.mark.parametrize("role", ["owner", "mechanic"])
def test_a_customer_who_is_unknown_here_is_not_found(shop: Shop, other_shop: Shop, role: str) -> None:
    caller: Caller = getattr(shop, role)

    answers = [
        caller.post("/service_tickets", json=opening(shop, customer_id=id_))
        for id_ in (other_shop.customer_id, 2**63 - 1)
    ]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
        (404, "customer_not_found")
    ] * 2


def test_the_older_name_of_the_description_is_taken(shop: Shop) -> None:
    body = opening(shop)
    body["service_description"] = body.pop("service_desc")

    made = shop.owner.post("/service_tickets", json=body)
    replaced = shop.owner.put(made.headers["Location"], json=body | {"service_description": "Brakes"})
    patched = shop.owner.patch(made.headers["Location"], json={"service_description": "Tyres"})

    assert [answer.status_code for answer in (made, replaced, patched)] == [201, 200, 200]
    assert [answer.json["service_desc"] for answer in (made, replaced, patched)] == [
        "Oil change",
        "Brakes",
        "Tyres",
    ]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_both_names_at_once_are_one_too_many(shop: Shop, method: str) -> None:
    path = "/service_tickets" if method == "POST" else f"/service_tickets/{shop.make_ticket()['id']}"

    answer = shop.owner.open(method, path, json=opening(shop, service_description="Brakes"))

    assert (answer.status_code, list(answer.json["errors"])) == (400, ["service_description"])


@pytest.mark.parametrize("field", ["VIN", "service_date", "service_desc", "customer_id"])
def test_each_field_is_needed(shop: Shop, field: str) -> None:
    body = opening(shop)
    del body[field]

    answer = shop.owner.post("/service_tickets", json=body)

    assert (answer.status_code, list(answer.json["errors"])) == (400, [field])


CARELESS: list[tuple[str, Any]] = [
    ("VIN", ""), ("VIN", None), ("VIN", 5), ("VIN", ["1HGCM82633A004352"]), ("VIN", {}), ("VIN", "AB"),
    ("VIN", "A" * 18), ("VIN", "I" * 17),
    ("VIN", "1HGCM82633A0O4352"), ("VIN", "ß" * 8), ("VIN", "\0" * 17), ("VIN", " " * 41), ("VIN", "\uff11HGCM82633A004352"),
    ("service_date", ""), ("service_date", None), ("service_date", 20260302), ("service_date", "20260302"),
    ("service_date", "2026-02-30"),
    ("service_date", "2026-03-02T09:00:00Z"), ("service_date", "02/03/2026"), ("service_date", "tomorrow"),
    ("service_date", "0000-01-01"),
    ("service_date", "10000-01-01"), ("service_date", "2026-W10-1"), ("service_date", "٢٠٢٦-٠٣-٠٢"),
    ("service_date", ["2026-03-02"]),
    ("service_desc", ""), ("service_desc", " \n "), ("service_desc", None), ("service_desc", 7), ("service_desc", "x" * 2001),
    ("service_desc", "a\0b"), ("service_desc", ["Oil"]),
    ("customer_id", 0), ("customer_id", -1), ("customer_id", 1.5), ("customer_id", "1"), ("customer_id", True),
    ("customer_id", None),
    ("customer_id", [1]), ("customer_id", {"id": 1}), ("customer_id", 2**63),
    ("status", "completed"), ("id", 1), ("number", 1), ("workshop_id", 1), ("mechanics", []),
    ("mechanic_ids", [1]), ("vehicle_id", 1),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), CARELESS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_careless_field_is_named(shop: Shop, method: str, field: str, value: Any) -> None:
    path = "/service_tickets" if method == "POST" else f"/service_tickets/{shop.make_ticket()['id']}"

    answer = shop.owner.open(method, path, json=opening(shop, **{field: value}))

    assert (answer.status_code, list(answer.json["errors"])) == (400, [field])


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("VIN", " 1hgcm8 2633a 004352\n", "1HGCM82633A004352"),
        ("service_date", "1900-01-01", "1900-01-01"),
        ("service_date", "2100-12-31", "2100-12-31"),
        ("service_date", "2028-02-29", "2028-02-29"),
        ("service_desc", "  Brakes\n- front\t- rear 🛞 \u202e", "Brakes\n- front\t- rear 🛞 \u202e"),
        ("service_desc", "'; DROP TABLE service_tickets; --", "'; DROP TABLE service_tickets; --"),
        ("service_desc", "<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("service_desc", "ż" * 2000, "ż" * 2000),
        ("service_desc", '{"a": "\\u0000"} %s %(x)s :x {0} \\', '{"a": "\\u0000"} %s %(x)s :x {0} \\'),
    ],
)
def test_what_is_odd_but_right_is_kept(shop: Shop, field: str, given: str, kept: str) -> None:
    made = shop.owner.post("/service_tickets", json=opening(shop, **{field: given}))

    assert (made.status_code, made.json[field]) == (201, kept)
    assert shop.owner.get(made.headers["Location"]).json[field] == kept
    assert shop.customer.get("/customers/my-tickets").json[0][field] == kept


@pytest.mark.parametrize(
    ("vin", "warned_of"),
    [
        ("1M8GDM9AXKP042788", None),
        ("11111111111111111", None),
        ("1M8GDM9A1KP042788", "should be X"),
        ("2HGCM82633A004352", "check digit"),
        ("WP0ZZZ99ZTS392124", None),
        ("9F02M123456", "before 1981"),
    ],
)
def test_a_number_worth_a_second_look_is_taken_with_a_warning(
    shop: Shop, vin: str, warned_of: str | None
) -> None:
    made = shop.owner.post("/service_tickets", json=opening(shop, VIN=vin))

    warnings = made.json["warnings"]
    assert made.status_code == 201
    assert (not warnings) if warned_of is None else (len(warnings) == 1 and warned_of in warnings[0])
    assert shop.owner.get(made.headers["Location"]).json["warnings"] == warnings


def test_each_workshop_numbers_its_own_tickets(shop: Shop, other_shop: Shop) -> None:
    here = [shop.make_ticket()["number"] for _ in range(3)]

    assert (here, other_shop.make_ticket()["number"]) == ([1, 2, 3], 1)


def test_the_number_of_a_deleted_ticket_is_not_given_again(shop: Shop) -> None:
    first = shop.make_ticket()
    shop.owner.delete(f"/service_tickets/{first['id']}")

    second = shop.make_ticket()

    assert second["number"] == 2
    assert second["id"] != first["id"]


def test_a_refused_ticket_uses_no_number(shop: Shop) -> None:
    shop.owner.post("/service_tickets", json=opening(shop, customer_id=2**62))

    assert shop.make_ticket()["number"] == 1


def test_a_sent_again_opening_opens_one_ticket(shop: Shop) -> None:
    body, key = opening(shop), {"Idempotency-Key": "retry-1"}

    first, again = (shop.customer.post("/service_tickets", json=body, headers=key) for _ in range(2))

    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    assert again.headers["Location"] == first.headers["Location"]
    assert len(shop.owner.get("/service_tickets").json) == 1
