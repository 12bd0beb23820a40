"""Canned jobs: made by the owner, put on tickets by staff, all or none, at the prices of the day."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.factories import Caller, Shop
from tests.service_tickets.life import ticket_in
from tests.test_statements import counted, listing

LABOUR = {"kind": "labour", "description": "Oil and filter changed", "quantity": 0.5}
FEE = {"kind": "fee", "description": "Disposal", "unit_price": 4.5}


def make(shop: Shop, *lines: dict[str, Any], name: str = "Oil change") -> dict[str, Any]:
    answer = shop.owner.post("/canned_jobs", json={"name": name, "lines": list(lines or (LABOUR, FEE))})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def part_line(part_id: int, quantity: float = 1, **more: Any) -> dict[str, Any]:
    return {"kind": "part", "item_id": part_id, "quantity": quantity, **more}


def put_on(caller: Caller, ticket: str, job: dict[str, Any]) -> Any:
    return caller.post(f"{ticket}/canned_jobs/{job['id']}")


# ---- Making them


def test_a_job_is_made_read_listed_replaced_and_removed(shop: Shop) -> None:
    part = shop.make_part()
    job = make(shop, LABOUR, part_line(part.id, 2, unit_price=9.99), FEE)
    path = f"/canned_jobs/{job['id']}"

    listed = shop.mechanic.get("/canned_jobs").json
    replaced = shop.owner.put(path, json={"name": "Oil", "lines": [FEE]}).json
    gone = shop.owner.delete(path).status_code

    assert [line["kind"] for line in job["lines"]] == ["labour", "part", "fee"]
    assert job["lines"][1] == {
        "kind": "part", "description": None, "item_id": part.id, "quantity": 2, "unit_price": 9.99, "tax_rate": None
    }  # fmt: skip
    assert listed == [job]
    assert (replaced["name"], [line["kind"] for line in replaced["lines"]]) == ("Oil", ["fee"])
    assert (gone, shop.owner.get(path).json["code"]) == (200, "canned_job_not_found")


def test_a_name_is_one_jobs_without_regard_to_case(shop: Shop, other_shop: Shop) -> None:
    make(shop, name="Oil change")
    other = make(shop, name="Brakes")

    again = shop.owner.post("/canned_jobs", json={"name": "OIL  Change", "lines": [FEE]})
    renamed = shop.owner.put(f"/canned_jobs/{other['id']}", json={"name": "oil change", "lines": [FEE]})
    elsewhere = make(other_shop, name="Oil change")

    assert {(a.status_code, a.json["code"]) for a in (again, renamed)} == {(409, "canned_job_name_taken")}
    assert elsewhere["name"] == "Oil change"
    assert shop.owner.get(f"/canned_jobs/{other['id']}").json == other


def test_a_job_is_replaced_from_the_version_that_was_seen(shop: Shop) -> None:
    path = f"/canned_jobs/{make(shop)['id']}"
    seen = {"If-Match": shop.owner.get(path).headers["ETag"]}
    shop.owner.put(path, json={"name": "Oil", "lines": [LABOUR]})

    stale = shop.owner.put(path, json={"name": "Grease", "lines": [FEE]}, headers=seen)

    assert (stale.status_code, shop.owner.get(path).json["name"]) == (412, "Oil")


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({}, "kind"), ({"kind": "discount", "description": "x"}, "kind"), ({"kind": "labour"}, "description"),
        ({"kind": "labour", "description": "x", "item_id": 1}, "item_id"), ({"kind": "part"}, "item_id"),
        ({"kind": "fee", "description": "x"}, "unit_price"), ({**FEE, "unit_price": -1}, "unit_price"),
        ({**FEE, "quantity": 0}, "quantity"), ({**FEE, "total": 1}, "total"),
    ],
)  # fmt: skip
def test_a_careless_line_is_refused(shop: Shop, line: dict[str, Any], field: str) -> None:
    answer = shop.owner.post("/canned_jobs", json={"name": "Oil change", "lines": [FEE, line]})

    assert (answer.status_code, list(answer.json["errors"])) == (400, [f"lines.1.{field}"])
    assert shop.owner.get("/canned_jobs").json == []


@pytest.mark.parametrize("number", [0, 51])
def test_a_job_has_one_to_fifty_lines(shop: Shop, number: int) -> None:
    assert shop.owner.post("/canned_jobs", json={"name": "x", "lines": [FEE] * number}).status_code == 400


def test_another_workshops_part_is_in_no_job(shop: Shop, other_shop: Shop) -> None:
    theirs = other_shop.make_part()

    answer = shop.owner.post("/canned_jobs", json={"name": "x", "lines": [part_line(theirs.id)]})

    assert (answer.status_code, answer.json["code"]) == (404, "item_not_found")


def test_half_a_filter_is_in_no_job(shop: Shop) -> None:
    answer = shop.owner.post(
        "/canned_jobs", json={"name": "x", "lines": [FEE, part_line(shop.make_part().id, 0.5)]}
    )

    assert (answer.status_code, list(answer.json["errors"])) == (400, ["lines.1.quantity"])


def test_mechanics_make_none_and_customers_see_none(shop: Shop) -> None:
    body = {"name": "x", "lines": [FEE]}

    assert shop.mechanic.post("/canned_jobs", json=body).status_code == 403
    assert shop.customer.get("/canned_jobs").status_code == 403
    assert shop.make_staff("canned_jobs:write").post("/canned_jobs", json=body).status_code == 201


def test_a_list_of_100_costs_what_one_of_20_does(shop: Shop, other_shop: Shop) -> None:
    costs = {}
    for one, number in ((shop, 20), (other_shop, 100)):
        for place in range(number):
            make(one, name=f"Job {place}")
        with counted(shop.app) as statements:
            jobs = one.owner.get("/canned_jobs?per_page=100").json
        costs[len(jobs)] = len(statements)

    assert costs[20] == costs[100] <= 4, listing("canned jobs", statements, f"{costs[20]}")


# ---- On a ticket


def test_its_lines_come_on_a_ticket_at_the_prices_of_the_day(shop: Shop) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", {"tax_rate": 10, "labour_rate": 100})
    part = shop.make_part(price=Decimal("8.00"), on_hand=5)
    job = make(
        shop, LABOUR, part_line(part.id, 3), part_line(part.id, 1, unit_price=1, description="Spare"), FEE
    )
    shop.owner.patch(f"/inventory/{part.id}", {"price": 9})
    path = ticket_in(shop)

    ticket = put_on(shop.mechanic, path, job)

    assert ticket.status_code == 201
    assert [(line["description"], line["net"], line["reserved"]) for line in ticket.json["lines"]] == [
        ("Oil and filter changed", 50, None), ("Oil Filter", 27, 3), ("Spare", 1, 1), ("Disposal", 4.5, None),
    ]  # fmt: skip
    assert ticket.json["total"] == 90.75
    assert shop.owner.get(path).json == ticket.json


def test_a_line_is_taxed_by_its_own_rate_or_by_the_workshops_of_the_day(shop: Shop) -> None:
    part = shop.make_part(price=Decimal("10.00"), on_hand=5)
    own = (
        {**FEE, "tax_rate": 0},
        part_line(part.id, tax_rate=5.125),
        {**LABOUR, "unit_price": 90, "tax_rate": 8},
    )
    job = make(shop, *own, FEE)
    shop.owner.patch(f"/workshops/{shop.id}", json={"tax_rate": 23})

    lines = put_on(shop.mechanic, ticket_in(shop, "analysis"), job).json["lines"]

    assert [line["tax_rate"] for line in job["lines"]] == [0, 5.125, 8, None]
    assert [line["tax_rate"] for line in lines] == [0, 5.125, 8, 23]
    assert [line["tax"] for line in lines] == [0, 0.51, 3.6, 1.04]


def test_a_ticket_in_progress_waits_for_what_a_job_lacks(shop: Shop) -> None:
    job = make(shop, part_line(shop.make_part(on_hand=1).id, 2))

    assert put_on(shop.mechanic, ticket_in(shop, "in_progress"), job).json["status"] == "waiting_parts"


def test_a_part_that_was_taken_out_since_is_named_and_nothing_comes_on(shop: Shop) -> None:
    kept, part = shop.make_part(on_hand=5), shop.make_part()
    job = make(shop, LABOUR | {"unit_price": 90}, part_line(kept.id), part_line(part.id))
    shop.owner.delete(f"/inventory/{part.id}")
    path = ticket_in(shop)
    before = shop.owner.get(path).json

    refused = put_on(shop.mechanic, path, job)

    assert (refused.status_code, refused.json["code"]) == (409, "canned_job_outdated")
    assert str(part.id) in refused.json["detail"]
    assert shop.owner.get(path).json == before
    assert shop.owner.get(f"/inventory/{kept.id}").json["reserved"] == 0


def test_an_hour_without_a_price_is_asked_for_and_nothing_comes_on(shop: Shop) -> None:
    path = ticket_in(shop)

    assert put_on(shop.mechanic, path, make(shop)).status_code == 400
    assert shop.owner.get(path).json["lines"] == []


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_ticket_that_is_over_takes_no_job(shop: Shop, status: str) -> None:
    refused = put_on(shop.owner, ticket_in(shop, status), make(shop, FEE))

    assert (refused.status_code, refused.json["code"]) == (409, "ticket_closed")


def test_a_job_comes_on_from_the_version_of_the_ticket_that_was_seen(shop: Shop) -> None:
    path, job = ticket_in(shop), make(shop, FEE)
    seen = {"If-Match": shop.owner.get(path).headers["ETag"]}
    put_on(shop.owner, path, job)

    stale = shop.owner.post(f"{path}/canned_jobs/{job['id']}", headers=seen)

    assert (stale.status_code, len(shop.owner.get(path).json["lines"])) == (412, 1)


def test_what_is_on_a_ticket_stays_when_its_job_changes_or_goes(shop: Shop) -> None:
    path, job = ticket_in(shop), make(shop, FEE)
    before = put_on(shop.owner, path, job).json["lines"]

    shop.owner.put(f"/canned_jobs/{job['id']}", json={"name": "x", "lines": [{**FEE, "unit_price": 9}]})
    shop.owner.delete(f"/canned_jobs/{job['id']}")

    assert shop.owner.get(path).json["lines"] == before


def test_another_workshops_job_is_unknown_and_customers_put_none_on(shop: Shop, other_shop: Shop) -> None:
    path, theirs = ticket_in(shop), make(other_shop, FEE)

    unknown = put_on(shop.owner, path, theirs)

    assert (unknown.status_code, unknown.json["code"]) == (404, "canned_job_not_found")
    assert put_on(shop.customer, path, make(shop, FEE)).status_code == 403
    assert shop.owner.get(path).json["lines"] == []
