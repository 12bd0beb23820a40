"""Labour, parts, fees and discounts on a ticket: what they come to, and what the stock says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.factories import Shop
from tests.service_tickets.life import bring, step_to, ticket_in

LABOUR = {"kind": "labour", "description": "Brake pads, front", "quantity": 1.5, "unit_price": 95}


def terms(shop: Shop, **settings: Any) -> None:
    """Let the workshop work on these terms."""
    assert shop.owner.patch(f"/workshops/{shop.id}", settings).status_code == 200


def put_on(shop: Shop, path: str, *lines: dict[str, Any]) -> TestResponse:
    return shop.mechanic.post(f"{path}/lines", json=list(lines))


def part_line(part_id: int, quantity: float = 1, **more: Any) -> dict[str, Any]:
    return {"kind": "part", "item_id": part_id, "quantity": quantity, **more}


def stock(shop: Shop, part_id: int) -> tuple[Any, Any, Any]:
    item = shop.owner.get(f"/inventory/{part_id}").json
    return item["on_hand"], item["reserved"], item["available"]


def lines_of(shop: Shop, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.owner.get(path).json["lines"]
    return found


# ---- What they come to


def test_a_line_has_the_workshops_tax_and_the_total_is_the_sum(shop: Shop) -> None:
    terms(shop, tax_rate=10.25)
    part = shop.make_part(price=Decimal("19.99"))
    path = ticket_in(shop)

    ticket = put_on(
        shop,
        path,
        LABOUR,
        part_line(part.id, 2),
        {"kind": "fee", "description": "Shop supplies", "unit_price": 5},
    ).json

    assert [(line["kind"], line["net"], line["tax"], line["total"]) for line in ticket["lines"]] == [
        ("labour", 142.5, 14.61, 157.11), ("part", 39.98, 4.1, 44.08), ("fee", 5, 0.51, 5.51),
    ]  # fmt: skip
    assert (ticket["net_total"], ticket["tax_total"], ticket["total"]) == (187.48, 19.22, 206.7)
    assert ticket["lines"][1]["description"] == "Oil Filter"


def test_prices_may_have_the_tax_in_them(shop: Shop) -> None:
    terms(shop, tax_rate=23, prices_include_tax=True)

    ticket = put_on(shop, ticket_in(shop), {"kind": "fee", "description": "Towing", "unit_price": 123}).json

    assert (ticket["net_total"], ticket["tax_total"], ticket["total"]) == (100, 23, 123)


def test_a_line_whose_words_change_costs_what_it_did_though_prices_include_tax_since(shop: Shop) -> None:
    path = f"/service_tickets/{shop.make_ticket()['id']}"
    terms(shop, tax_rate=23, prices_include_tax=False)
    line = put_on(shop, path, {**LABOUR, "quantity": 1, "unit_price": 100}).json["lines"][0]["id"]
    terms(shop, prices_include_tax=True)

    reworded = shop.mechanic.patch(f"{path}/lines/{line}", json={"description": "Brake pads, rear"}).json

    assert (reworded["lines"][0]["net"], reworded["total"]) == (100, 123)


@pytest.mark.parametrize(
    ("had", "has", "change", "net", "tax"),
    [
        (False, True, {"quantity": 2}, 200, 46),
        (True, False, {"quantity": 2}, 162.60, 37.40),
        (False, True, {"tax_rate": 8}, 100, 8),
        (True, False, {"tax_rate": 8}, 92.59, 7.41),
        (False, True, {"unit_price": 110}, 89.43, 20.57),
        (True, False, {"unit_price": 110}, 110, 25.30),
        (True, False, {"unit_price": 100, "quantity": 2}, 162.60, 37.40),
    ],
)
def test_a_price_that_stays_has_the_tax_in_it_as_when_it_was_written_and_a_new_one_as_it_is_now(
    shop: Shop, had: bool, has: bool, change: dict[str, Any], net: float, tax: float
) -> None:
    path = f"/service_tickets/{shop.make_ticket()['id']}"
    terms(shop, tax_rate=23, prices_include_tax=had)
    line = put_on(shop, path, {**LABOUR, "quantity": 1, "unit_price": 100}).json["lines"][0]["id"]
    terms(shop, prices_include_tax=has)

    changed = shop.mechanic.patch(f"{path}/lines/{line}", json=change).json["lines"][0]

    assert (changed["net"], changed["tax"]) == (net, tax)


def test_more_of_a_part_is_a_line_of_its_own_where_prices_include_tax_since(shop: Shop) -> None:
    path, part = f"/service_tickets/{shop.make_ticket()['id']}", shop.make_part(price=Decimal(100))
    terms(shop, tax_rate=23, prices_include_tax=False)
    shop.mechanic.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 1})
    terms(shop, prices_include_tax=True)

    for quantity in (1, 2):
        shop.mechanic.post(f"{path}/inventory", json={"item_id": part.id, "quantity": quantity})

    told = [(line["quantity"], line["net"], line["tax"]) for line in lines_of(shop, path)]
    assert told == [(1, 100, 23), (3, 243.90, 56.10)]


def test_an_hour_costs_what_the_workshop_says_and_nothing_else_is_guessed(shop: Shop) -> None:
    path = ticket_in(shop)
    hour = {"kind": "labour", "description": "Diagnosis"}

    refused = put_on(shop, path, hour)
    terms(shop, labour_rate=110)
    taken = put_on(shop, path, hour)

    assert (refused.status_code, list(refused.json["errors"])) == (400, ["lines.0.unit_price"])
    assert (taken.status_code, taken.json["total"]) == (201, 110)


def test_a_discount_in_percent_takes_off_each_tax_rate_its_share(shop: Shop) -> None:
    path = ticket_in(shop)
    put_on(shop, path, {**LABOUR, "quantity": 1, "unit_price": 100, "tax_rate": 23})

    ticket = put_on(
        shop,
        path,
        {"kind": "fee", "description": "Disposal", "unit_price": 50, "tax_rate": 8},
        {"kind": "discount", "description": "Loyal customer", "percent": 10},
    ).json

    discounts = [line for line in ticket["lines"] if line["kind"] == "discount"]
    assert [(line["tax_rate"], line["net"], line["tax"]) for line in discounts] == [
        (8, -5, -0.4),
        (23, -10, -2.3),
    ]
    assert ticket["total"] == 159.3


def test_nobody_is_paid_for_bringing_a_car(shop: Shop) -> None:
    path = ticket_in(shop)
    put_on(shop, path, {**LABOUR, "quantity": 1, "unit_price": 100})
    before = shop.owner.get(path).json

    answer = put_on(shop, path, {"kind": "discount", "description": "Much", "unit_price": 100.01})

    assert (answer.status_code, answer.json["code"]) == (409, "discount_too_large")
    assert shop.owner.get(path).json == before


def test_what_a_discount_leaned_on_stays_until_the_discount_goes(shop: Shop) -> None:
    path = ticket_in(shop)
    work = put_on(shop, path, {**LABOUR, "quantity": 1, "unit_price": 100}).json["lines"][0]["id"]
    put_on(shop, path, {"kind": "discount", "description": "All of it", "unit_price": 100})

    refused = shop.owner.delete(f"{path}/lines/{work}")

    assert (refused.status_code, refused.json["code"]) == (409, "discount_too_large")
    assert len(lines_of(shop, path)) == 2


def test_a_line_is_changed_and_taken_off(shop: Shop) -> None:
    path = ticket_in(shop)
    line = put_on(shop, path, LABOUR).json["lines"][0]["id"]

    changed = shop.mechanic.patch(
        f"{path}/lines/{line}", {"quantity": 2, "description": "Brake pads, all"}
    ).json
    gone = shop.mechanic.delete(f"{path}/lines/{line}").json

    assert (changed["total"], changed["lines"][0]["description"]) == (190, "Brake pads, all")
    assert (gone["total"], gone["lines"]) == (0, [])


def test_a_line_is_changed_from_the_version_that_was_seen(shop: Shop) -> None:
    path = ticket_in(shop)
    answer = put_on(shop, path, LABOUR)
    line = answer.json["lines"][0]["id"]
    seen = {"If-Match": shop.owner.get(path).headers["ETag"]}
    shop.owner.patch(f"{path}/lines/{line}", {"quantity": 2})

    stale = shop.mechanic.patch(f"{path}/lines/{line}", {"quantity": 3}, headers=seen)

    assert (stale.status_code, lines_of(shop, path)[0]["quantity"]) == (412, 2)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({}, "kind"), ({"kind": "gift"}, "kind"), ({"kind": "labour"}, "description"),
        ({"kind": "labour", "description": "x", "item_id": 1}, "item_id"),
        ({"kind": "labour", "description": "x", "percent": 5}, "percent"), ({"kind": "part"}, "item_id"),
        ({"kind": "part", "item_id": 1, "percent": 5}, "percent"), ({"kind": "part", "item_id": -1}, "item_id"),
        ({"kind": "part", "item_id": 1, "quantity": 0}, "quantity"),
        ({"kind": "part", "item_id": 1, "quantity": 1e308}, "quantity"),
        ({"kind": "part", "item_id": 1, "quantity": 0.0001}, "quantity"),
        ({"kind": "part", "item_id": 1, "quantity": "2"}, "quantity"), ({"kind": "fee", "description": "x"}, "unit_price"),
        ({"kind": "fee", "description": "x", "unit_price": -1}, "unit_price"),
        ({"kind": "fee", "description": "x", "unit_price": 1.005}, "unit_price"),
        ({"kind": "fee", "description": "", "unit_price": 1}, "description"),
        ({"kind": "fee", "description": "x", "unit_price": 9_999_999_999.99, "quantity": 9_999}, "quantity"),
        ({"kind": "fee", "description": "x" * 301, "unit_price": 1}, "description"),
        ({"kind": "fee", "description": "x", "unit_price": 1, "tax_rate": 101}, "tax_rate"),
        ({"kind": "fee", "description": "x", "unit_price": 1, "total": 1}, "total"),
        ({"kind": "discount", "description": "x"}, "percent"),
        ({"kind": "discount", "description": "x", "percent": 5, "unit_price": 5}, "percent"),
        ({"kind": "discount", "description": "x", "percent": 5, "tax_rate": 5}, "percent"),
        ({"kind": "discount", "description": "x", "percent": 101}, "percent"),
    ],
)  # fmt: skip
def test_a_careless_line_is_refused_and_none_of_its_request_is_taken(
    shop: Shop, line: dict[str, Any], field: str
) -> None:
    path = ticket_in(shop)

    answer = put_on(shop, path, LABOUR, line)

    assert (answer.status_code, list(answer.json["errors"])) == (400, [f"lines.1.{field}"])
    assert lines_of(shop, path) == []


def test_half_a_filter_is_refused_but_not_half_a_litre(shop: Shop) -> None:
    filter_, oil = shop.make_part(on_hand=10), shop.make_part(name="Oil", unit="l", on_hand=10)
    path = ticket_in(shop)

    refused = put_on(shop, path, part_line(oil.id, 4.5), part_line(filter_.id, 0.5))
    taken = put_on(shop, path, part_line(oil.id, 4.5))

    assert (refused.status_code, list(refused.json["errors"])) == (400, ["lines.1.quantity"])
    assert (taken.status_code, stock(shop, oil.id)) == (201, (10, 4.5, 5.5))


# ---- What the stock says


def test_a_part_is_set_aside_then_fitted(shop: Shop) -> None:
    part = shop.make_part(on_hand=5)
    path = ticket_in(shop, "in_progress")

    line = put_on(shop, path, part_line(part.id, 3)).json["lines"][0]
    set_aside = stock(shop, part.id)
    some = shop.mechanic.post(f"{path}/lines/{line['id']}/fit", json={"quantity": 1}).json["lines"][0]
    after_one = stock(shop, part.id)
    rest = shop.mechanic.post(f"{path}/lines/{line['id']}/fit", json={}).json["lines"][0]

    assert (line["reserved"], line["fitted"], line["to_order"], set_aside) == (3, 0, 0, (5, 3, 2))
    assert (some["reserved"], some["fitted"], after_one) == (2, 1, (4, 2, 2))
    assert (rest["reserved"], rest["fitted"], stock(shop, part.id)) == (0, 3, (2, 0, 2))


def test_what_is_set_aside_is_not_there_for_others(shop: Shop) -> None:
    part = shop.make_part(on_hand=5)
    put_on(shop, ticket_in(shop), part_line(part.id, 3))
    other = ticket_in(shop)

    at_once = shop.owner.post(f"{other}/inventory", json={"item_id": part.id, "quantity": 3})
    written_off = shop.owner.post(
        f"/inventory/{part.id}/movements", json={"kind": "write_off", "quantity": 3, "reason": "Broken"}
    )
    set_lower = shop.owner.patch(f"/inventory/{part.id}", {"on_hand": 2})
    counted_no_more = shop.owner.patch(f"/inventory/{part.id}", {"on_hand": None})
    taken_out = shop.owner.delete(f"/inventory/{part.id}")

    answers = (at_once, written_off, set_lower, counted_no_more, taken_out)
    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
        (409, "not_enough_on_hand"), (409, "below_reserved"), (409, "below_reserved"), (409, "stock_reserved"),
        (409, "stock_reserved"),
    ]  # fmt: skip
    assert "3 of them reserved" in at_once.json["detail"]
    assert stock(shop, part.id) == (5, 3, 2)


def test_what_is_missing_is_to_be_ordered_and_the_ticket_waits(shop: Shop) -> None:
    part = shop.make_part(on_hand=2)
    path = ticket_in(shop, "in_progress")

    ticket = put_on(shop, path, part_line(part.id, 5)).json

    line = ticket["lines"][0]
    assert (line["reserved"], line["to_order"], ticket["status"]) == (2, 3, "waiting_parts")
    assert ticket["status_history"][-1]["reason"] == "Parts are to be ordered."
    assert stock(shop, part.id) == (2, 2, 0)


def test_a_ticket_that_is_not_worked_on_waits_for_nothing(shop: Shop) -> None:
    part = shop.make_part(on_hand=0)

    ticket = put_on(shop, ticket_in(shop, "received"), part_line(part.id)).json

    assert (ticket["status"], ticket["lines"][0]["to_order"]) == ("received", 1)


def test_what_came_meanwhile_is_set_aside_when_asked(shop: Shop) -> None:
    part = shop.make_part(on_hand=2)
    path = ticket_in(shop)
    line = put_on(shop, path, part_line(part.id, 5)).json["lines"][0]["id"]
    shop.owner.post(
        f"/inventory/{part.id}/movements", json={"kind": "purchase", "quantity": 10, "unit_cost": 1}
    )

    ticket = shop.mechanic.post(f"{path}/lines/{line}/reserve").json

    assert (ticket["lines"][0]["reserved"], ticket["lines"][0]["to_order"]) == (5, 0)
    assert stock(shop, part.id) == (12, 5, 7)


def test_two_lines_of_one_part_share_what_there_is_in_their_order(shop: Shop) -> None:
    part = shop.make_part(on_hand=4)

    ticket = put_on(shop, ticket_in(shop), part_line(part.id, 3), part_line(part.id, 3)).json

    assert [(line["reserved"], line["to_order"]) for line in ticket["lines"]] == [(3, 0), (1, 2)]
    assert ticket["inventory_items"][0]["quantity"] == 6


def test_fewer_wanted_are_let_go_and_more_are_set_aside(shop: Shop) -> None:
    part = shop.make_part(on_hand=10)
    path = ticket_in(shop)
    line = put_on(shop, path, part_line(part.id, 4)).json["lines"][0]["id"]

    shop.mechanic.patch(f"{path}/lines/{line}", {"quantity": 1})
    fewer = stock(shop, part.id)
    shop.mechanic.patch(f"{path}/lines/{line}", {"quantity": 12})

    assert (fewer, stock(shop, part.id)) == ((10, 1, 9), (10, 10, 0))
    assert lines_of(shop, path)[0]["to_order"] == 2


def test_what_is_fitted_is_returned_before_fewer_are_wanted(shop: Shop) -> None:
    part = shop.make_part(on_hand=5)
    path = ticket_in(shop)
    line = put_on(shop, path, part_line(part.id, 3)).json["lines"][0]["id"]
    shop.mechanic.post(f"{path}/lines/{line}/fit", json={})

    refused = shop.mechanic.patch(f"{path}/lines/{line}", {"quantity": 2})
    back = shop.mechanic.post(f"{path}/lines/{line}/return", json={"quantity": 1})

    assert (refused.status_code, refused.json["code"]) == (409, "already_fitted")
    assert (back.json["lines"][0]["quantity"], stock(shop, part.id)) == (2, (3, 0, 3))


def test_all_of_a_line_returned_takes_it_off(shop: Shop) -> None:
    part = shop.make_part(on_hand=5)
    path = ticket_in(shop)
    line = put_on(shop, path, part_line(part.id, 3)).json["lines"][0]["id"]
    shop.mechanic.post(f"{path}/lines/{line}/fit", json={})

    back = shop.mechanic.post(f"{path}/lines/{line}/return", json={})

    assert (back.json["lines"], back.json["total"], stock(shop, part.id)) == ([], 0, (5, 0, 5))


@pytest.mark.parametrize(
    ("action", "body", "code"),
    [
        ("fit", {"quantity": 4}, "already_fitted"), ("return", {"quantity": 1}, "not_fitted"), ("return", {}, "not_fitted"),
    ],
)  # fmt: skip
def test_no_more_is_fitted_than_wanted_nor_returned_than_fitted(
    shop: Shop, action: str, body: dict[str, Any], code: str
) -> None:
    part = shop.make_part(on_hand=5)
    path = ticket_in(shop)
    line = put_on(shop, path, part_line(part.id, 3)).json["lines"][0]["id"]

    answer = shop.mechanic.post(f"{path}/lines/{line}/{action}", json=body)

    assert (answer.status_code, answer.json["code"], stock(shop, part.id)) == (409, code, (5, 3, 2))


def test_what_is_not_counted_is_fitted_without_being_set_aside(shop: Shop) -> None:
    part = shop.make_part()
    path = ticket_in(shop, "in_progress")

    line = put_on(shop, path, part_line(part.id, 3)).json["lines"][0]
    fitted = shop.mechanic.post(f"{path}/lines/{line['id']}/fit", json={})

    assert (line["reserved"], line["to_order"], fitted.json["lines"][0]["fitted"]) == (0, 0, 3)
    assert fitted.json["status"] == "in_progress"


def test_a_finished_job_has_fitted_what_its_lines_want(shop: Shop) -> None:
    part = shop.make_part(on_hand=5)
    path = ticket_in(shop, "in_progress")
    put_on(shop, path, part_line(part.id, 3))

    done = shop.owner.post(f"{path}/status", json={"status": "completed"})

    assert (done.status_code, done.json["lines"][0]["fitted"], stock(shop, part.id)) == (200, 3, (2, 0, 2))


@pytest.mark.parametrize("before", ["received", "analysis", "approved"])
def test_work_that_begins_without_its_parts_waits_for_them(shop: Shop, before: str) -> None:
    part = shop.make_part(on_hand=1)
    path = ticket_in(shop)
    put_on(shop, path, part_line(part.id, 3))
    bring(shop, path, before)

    answer = shop.mechanic.post(f"{path}/status", json={"status": "in_progress", "reason": "Up it goes."})

    assert (answer.status_code, answer.json["status"], answer.json["stage"]) == (
        200,
        "waiting_parts",
        "in_progress",
    )
    steps = [
        (one["from_status"], one["to_status"], one["reason"]) for one in answer.json["status_history"][-2:]
    ]
    assert steps == [
        (before, "in_progress", "Up it goes."),
        ("in_progress", "waiting_parts", "Parts are to be ordered."),
    ]
    assert shop.owner.get(path).json == shop.owner.get(path).json | answer.json


def test_who_goes_on_without_the_parts_is_not_made_to_wait_again(shop: Shop) -> None:
    part = shop.make_part(on_hand=0)
    path = ticket_in(shop, "received")
    put_on(shop, path, part_line(part.id, 3))

    seen = [
        shop.mechanic.post(f"{path}/status", json={"status": "in_progress"}).json["status"] for _ in range(2)
    ]

    assert seen == ["waiting_parts", "in_progress"]


@pytest.mark.parametrize(
    ("on_hand", "comes", "after"),
    [(3, 0, "in_progress"), (0, 3, "in_progress"), (None, 0, "in_progress"), (0, 2, "waiting_parts")],
)
def test_work_that_begins_with_its_parts_there_or_not_counted_waits_for_nothing(
    shop: Shop, on_hand: int | None, comes: int, after: str
) -> None:
    part = shop.make_part(on_hand=on_hand)
    path = ticket_in(shop, "received")
    put_on(shop, path, part_line(part.id, 3))
    if comes:
        shop.owner.patch(f"/inventory/{part.id}", json={"on_hand": comes})

    assert shop.mechanic.post(f"{path}/status", json={"status": "in_progress"}).json["status"] == after


def test_a_job_that_lacks_parts_is_not_finished(shop: Shop) -> None:
    part = shop.make_part(on_hand=2)
    path = ticket_in(shop, "in_progress")
    put_on(shop, path, part_line(part.id, 3))
    shop.owner.post(f"{path}/status", json={"status": "in_progress"})
    before = shop.owner.get(path).json

    refused = shop.owner.post(f"{path}/status", json={"status": "completed"})

    assert (refused.status_code, refused.json["code"]) == (409, "parts_missing")
    assert "completed" not in before["allowed_transitions"]
    assert shop.owner.get(path).json == before


@pytest.mark.parametrize("status", ["received", "in_progress"])
def test_a_cancelled_ticket_lets_go_and_gives_back(shop: Shop, status: str) -> None:
    part = shop.make_part(on_hand=5)
    path = ticket_in(shop, status)
    line = put_on(shop, path, part_line(part.id, 4)).json["lines"][0]["id"]
    shop.mechanic.post(f"{path}/lines/{line}/fit", json={"quantity": 2})

    shop.owner.post(f"{path}/status", json={"status": "cancelled"})

    assert stock(shop, part.id) == (5, 0, 5)


@pytest.mark.parametrize("way", ["line", "item", "ticket", "edit"])
def test_whatever_takes_a_part_off_lets_it_go(shop: Shop, way: str) -> None:
    part = shop.make_part(on_hand=5)
    path = ticket_in(shop)
    line = put_on(shop, path, part_line(part.id, 4)).json["lines"][0]["id"]
    shop.mechanic.post(f"{path}/lines/{line}/fit", json={"quantity": 2})

    gone = {
        "line": lambda: shop.owner.delete(f"{path}/lines/{line}"),
        "item": lambda: shop.owner.delete(f"{path}/inventory/{part.id}"),
        "ticket": lambda: shop.owner.delete(path),
        "edit": lambda: shop.owner.put(f"{path}/edit", json={"remove_item_ids": [part.id]}),
    }[way]()

    assert (gone.status_code, stock(shop, part.id)) == (200, (5, 0, 5))


def test_an_item_by_the_cards_own_call_is_fitted_at_once(shop: Shop) -> None:
    part = shop.make_part(on_hand=5, price=Decimal("10.00"))
    path = ticket_in(shop)

    shop.owner.post(f"{path}/inventory", json={"item_id": part.id, "quantity": 2})
    ticket = shop.owner.post(f"{path}/inventory", json={"item_id": part.id}).json

    assert [(line["quantity"], line["fitted"], line["net"]) for line in ticket["lines"]] == [(3, 3, 30)]
    assert stock(shop, part.id) == (2, 0, 2)


# ---- What was approved


def approved(shop: Shop, *lines: dict[str, Any]) -> str:
    """Return the path of a ticket whose lines were approved by word of mouth."""
    path = ticket_in(shop)
    put_on(shop, path, *lines)
    bring(shop, path, "approved")
    return path


def test_an_approval_by_word_covers_what_is_on_the_ticket(shop: Shop) -> None:
    ticket = shop.owner.get(approved(shop, LABOUR)).json

    assert (ticket["approved_total"], ticket["total"]) == (142.5, 142.5)


def test_work_beyond_what_was_approved_is_not_begun_fitted_or_finished(shop: Shop) -> None:
    part = shop.make_part(on_hand=5, price=Decimal("10.00"))
    path = approved(shop, LABOUR)
    line = put_on(shop, path, part_line(part.id)).json["lines"][-1]["id"]

    begun = shop.owner.post(f"{path}/status", json={"status": "in_progress"})
    fitted = shop.owner.post(f"{path}/lines/{line}/fit", json={})
    at_once = shop.owner.post(f"{path}/inventory", json={"item_id": part.id})

    answers = (begun, fitted, at_once)
    assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(409, "approval_exceeded")}
    assert shop.owner.get(path).json["allowed_transitions"] == ["awaiting_approval", "cancelled"]
    assert stock(shop, part.id) == (5, 1, 4)


def test_what_is_found_during_the_work_is_asked_for_and_then_done(shop: Shop) -> None:
    path = approved(shop, LABOUR)
    shop.owner.post(f"{path}/status", json={"status": "in_progress"})
    put_on(shop, path, {**LABOUR, "description": "Seized caliper"})

    refused = shop.owner.post(f"{path}/status", json={"status": "completed"})
    for step in ("awaiting_approval", "approved", "in_progress", "completed"):
        done = shop.owner.post(f"{path}/status", json={"status": step, "reason": "By phone"})

    assert refused.json["code"] == "approval_exceeded"
    assert (done.json["status"], done.json["approved_total"]) == ("completed", 285)


def test_the_tolerance_is_in_percent_of_what_was_approved(shop: Shop) -> None:
    path = approved(shop, {**LABOUR, "quantity": 1, "unit_price": 100})
    line = put_on(shop, path, {"kind": "fee", "description": "Supplies", "unit_price": 5}).json["lines"][1][
        "id"
    ]

    without = shop.owner.post(f"{path}/status", json={"status": "in_progress"})
    terms(shop, approval_tolerance=5)
    beyond = shop.owner.patch(f"{path}/lines/{line}", {"unit_price": 5.01}).json["allowed_transitions"]
    shop.owner.patch(f"{path}/lines/{line}", {"unit_price": 5})
    within = shop.owner.post(f"{path}/status", json={"status": "in_progress"})

    assert (without.status_code, within.status_code) == (409, 200)
    assert "in_progress" not in beyond


def test_a_workshop_may_want_every_job_approved(shop: Shop) -> None:
    terms(shop, approval_required=True)
    path = ticket_in(shop, "received")
    put_on(shop, path, LABOUR)

    refused = shop.owner.post(f"{path}/status", json={"status": "in_progress"})
    for step in ("analysis", "awaiting_approval", "approved", "in_progress"):
        done = shop.owner.post(f"{path}/status", json=step_to(step))

    assert (refused.status_code, refused.json["code"]) == (409, "approval_exceeded")
    assert done.status_code == 200


# ---- Who may, and where


@pytest.mark.parametrize("status", ["completed", "out_for_delivery", "delivered", "cancelled"])
def test_nothing_is_written_on_a_ticket_that_is_over(shop: Shop, status: str) -> None:
    part = shop.make_part(on_hand=5)
    path = ticket_in(shop)
    line = put_on(shop, path, part_line(part.id, 2)).json["lines"][0]["id"]
    bring(shop, path, status)
    before = shop.owner.get(path).json

    answers = [
        put_on(shop, path, LABOUR), shop.owner.patch(f"{path}/lines/{line}", {"quantity": 1}),
        shop.owner.delete(f"{path}/lines/{line}"),
        *(shop.owner.post(f"{path}/lines/{line}/{action}", json={}) for action in ("fit", "return")),
        shop.owner.post(f"{path}/lines/{line}/reserve"),
    ]  # fmt: skip

    assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(409, "ticket_closed")}
    assert shop.owner.get(path).json == before


def test_a_customer_sees_the_lines_of_their_ticket_and_writes_none(shop: Shop) -> None:
    path = ticket_in(shop)
    line = put_on(shop, path, LABOUR).json["lines"][0]["id"]

    seen = shop.customer.get(path).json["lines"]
    answers = [
        shop.customer.post(f"{path}/lines", json=LABOUR), shop.customer.delete(f"{path}/lines/{line}"),
        shop.customer.patch(f"{path}/lines/{line}", {"unit_price": 1}),
    ]  # fmt: skip

    assert [one["id"] for one in seen] == [line]
    assert {answer.status_code for answer in answers} == {403}


def test_the_line_of_another_ticket_or_workshop_looks_missing(shop: Shop, other_shop: Shop) -> None:
    path, other, theirs = ticket_in(shop), ticket_in(shop), ticket_in(other_shop)
    other_line = put_on(shop, other, LABOUR).json["lines"][0]["id"]
    their_line = put_on(other_shop, theirs, LABOUR).json["lines"][0]["id"]
    their_part = other_shop.make_part(on_hand=5)

    answers = [
        shop.owner.patch(f"{path}/lines/{other_line}", {"quantity": 9}),
        shop.owner.delete(f"{path}/lines/{their_line}"), shop.owner.delete(f"{theirs}/lines/{their_line}"),
        put_on(shop, path, part_line(their_part.id)), put_on(shop, theirs, LABOUR),
    ]  # fmt: skip

    assert {answer.status_code for answer in answers} == {404}
    assert lines_of(shop, path) == []
    assert stock(other_shop, their_part.id) == (5, 0, 5)


def test_no_more_lines_than_can_be_read(shop: Shop) -> None:
    path = ticket_in(shop)
    fee = {"kind": "fee", "description": "Stamp", "unit_price": 1}
    for _ in range(5):
        assert put_on(shop, path, *[fee] * 100).status_code == 201

    answer = put_on(shop, path, fee)

    assert (answer.status_code, answer.json["code"]) == (409, "too_many_lines")
    assert shop.owner.get(path).json["total"] == 500


# ---- What follows


def test_a_finished_job_is_followed_by_another_on_the_same_car(shop: Shop) -> None:
    first = ticket_in(shop, "delivered")
    done = shop.owner.get(first).json
    again = {"VIN": done["VIN"], "service_date": "2026-04-02", "service_desc": "It squeals again",
             "customer_id": done["customer_id"], "follows_ticket_id": done["id"]}  # fmt: skip

    made = shop.owner.post("/service_tickets", json={**again, "follows_as": "warranty"})
    half = shop.owner.post("/service_tickets", json=again)

    assert (made.status_code, made.json["follows_ticket_id"], made.json["follows_as"]) == (
        201,
        done["id"],
        "warranty",
    )
    assert shop.owner.get(f"/service_tickets/{made.json['id']}").json == made.json
    assert (half.status_code, list(half.json["errors"])) == (400, ["follows_as"])


def test_what_is_not_finished_or_on_another_car_is_not_followed(shop: Shop, other_shop: Shop) -> None:
    going, done = (shop.owner.get(ticket_in(shop, status)).json for status in ("in_progress", "delivered"))
    theirs = other_shop.owner.get(ticket_in(other_shop, "delivered")).json

    def follow(ticket: dict[str, Any], vin: str) -> TestResponse:
        body = {
            "VIN": vin,
            "service_date": "2026-04-02",
            "service_desc": "Again",
            "customer_id": shop.customer_id,
        }
        return shop.owner.post(
            "/service_tickets", json={**body, "follows_ticket_id": ticket["id"], "follows_as": "comeback"}
        )

    answers = [follow(going, going["VIN"]), follow(done, going["VIN"]), follow(theirs, theirs["VIN"])]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
        (409, "cannot_follow"), (409, "cannot_follow"), (404, "service_ticket_not_found"),
    ]  # fmt: skip


def test_a_workshop_with_amounts_on_tickets_keeps_its_currency(shop: Shop) -> None:
    put_on(shop, ticket_in(shop), LABOUR)

    answer = shop.owner.patch(f"/workshops/{shop.id}", {"currency": "EUR"})

    assert (answer.status_code, answer.json["code"]) == (409, "currency_in_use")


def test_a_finished_job_names_what_follows_from_it(shop: Shop) -> None:
    first = ticket_in(shop, "completed")
    ticket = shop.owner.get(first).json
    more = {"VIN": ticket["VIN"], "follows_ticket_id": ticket["id"]}
    warranty = shop.make_ticket(**more, follows_as="warranty")
    comeback = shop.make_ticket(**more, follows_as="comeback", customer_id=shop.other_customer_id)

    told = shop.mechanic.get(first).json["followed_by"]
    listed = shop.mechanic.get(f"/service_tickets?follows_ticket_id={ticket['id']}").json
    car = shop.mechanic.get(f"/vehicles?vin={ticket['VIN']}").json[0]["id"]
    visits = shop.mechanic.get(f"/vehicles/{car}/history").json

    assert told == [
        {"id": warranty["id"], "number": warranty["number"], "follows_as": "warranty"},
        {"id": comeback["id"], "number": comeback["number"], "follows_as": "comeback"},
    ]
    assert {one["id"] for one in listed} == {warranty["id"], comeback["id"]}
    assert {visit["id"]: (visit["follows_ticket_id"], visit["follows_as"]) for visit in visits} == {
        ticket["id"]: (None, None),
        warranty["id"]: (ticket["id"], "warranty"),
        comeback["id"]: (ticket["id"], "comeback"),
    }
    # A customer is not told of what another brought the car for, nor whose job theirs follows from.
    assert [one["id"] for one in shop.customer.get(first).json["followed_by"]] == [warranty["id"]]
    seen = shop.customer.get(f"/service_tickets/{warranty['id']}").json
    assert (seen["follows_ticket_id"], seen["follows_as"]) == (ticket["id"], "warranty")
    seen = shop.other_customer.get(f"/service_tickets/{comeback['id']}").json
    assert (seen["follows_ticket_id"], seen["follows_as"]) == (None, None)


def test_the_history_tells_a_new_keeper_nothing_of_the_former_ones_job(shop: Shop) -> None:
    ticket = shop.owner.get(ticket_in(shop, "completed")).json
    comeback = shop.make_ticket(
        VIN=ticket["VIN"],
        follows_ticket_id=ticket["id"],
        follows_as="comeback",
        customer_id=shop.other_customer_id,
    )
    new_keeper = {"customer_id": shop.other_customer_id}
    assert shop.owner.post(f"/vehicles/{ticket['vehicle_id']}/transfer", json=new_keeper).status_code < 300

    visits = shop.other_customer.get(f"/vehicles/{ticket['vehicle_id']}/history").json

    assert [(one["id"], one["follows_ticket_id"], one["follows_as"]) for one in visits] == [
        (comeback["id"], None, None)
    ]


def test_of_many_that_follow_the_first_are_named(shop: Shop) -> None:
    first = ticket_in(shop, "completed")
    ticket = shop.owner.get(first).json
    more = {"VIN": ticket["VIN"], "follows_ticket_id": ticket["id"], "follows_as": "comeback"}
    made = [shop.make_ticket(**more)["id"] for _ in range(21)]

    assert [one["id"] for one in shop.owner.get(first).json["followed_by"]] == made[:20]
