"""What the customer agreed to: once they were asked, no work without them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.core import clock
from tests.estimates.asking import PADS, RUST, ask, decide, examined, ids
from tests.factories import Shop
from tests.service_tickets.life import bring, ticket_in


def step(shop: Shop, path: str, *statuses: str) -> list[tuple[int, str | None]]:
    """Take these steps, and return of each its status and what it was refused with."""
    answers = [
        shop.mechanic.post(f"{path}/status", json={"status": status, "reason": "By phone"})
        for status in statuses
    ]
    return [(answer.status_code, answer.json.get("code")) for answer in answers]


def put_on(shop: Shop, path: str) -> None:
    assert shop.mechanic.post(f"{path}/lines", json=PADS).status_code == 201


# ---- Once somebody was asked

Asking = Callable[[Shop], str]


def asked_by_hand(shop: Shop) -> str:
    path = examined(shop)
    step(shop, path, "awaiting_approval")
    return path


def declined_by_hand(shop: Shop) -> str:
    path = asked_by_hand(shop)
    step(shop, path, "declined")
    put_on(shop, path)
    return path


def withdrawn(shop: Shop) -> str:
    path = examined(shop)
    estimate = ask(shop, path)
    assert shop.mechanic.post(f"{path}/estimates/{estimate['id']}/withdraw").status_code == 200
    return path


def declined_online(shop: Shop) -> str:
    path = examined(shop)
    assert decide(shop, ask(shop, path)).status_code == 200
    put_on(shop, path)
    return path


def asked_in_the_midst(shop: Shop) -> str:
    path = examined(shop)
    step(shop, path, "in_progress", "awaiting_approval")
    return path


ASKED = [asked_by_hand, declined_by_hand, withdrawn, declined_online, asked_in_the_midst]


@pytest.mark.parametrize("asked", ASKED)
def test_who_was_asked_and_did_not_agree_has_no_work_done(shop: Shop, asked: Asking) -> None:
    path = asked(shop)

    back, work = step(shop, path, "analysis", "in_progress")

    ticket = shop.owner.get(path).json
    assert (back, work) == ((200, None), (409, "approval_exceeded"))
    assert (ticket["approved_total"], ticket["status"]) == (0, "analysis")
    assert "in_progress" not in ticket["allowed_transitions"]


@pytest.mark.parametrize("asked", ASKED)
def test_who_agrees_after_all_has_the_work_done(shop: Shop, asked: Asking) -> None:
    path = asked(shop)

    taken = step(shop, path, "analysis", "awaiting_approval", "approved", "in_progress", "completed")

    assert taken == [(200, None)] * 5


def test_an_estimate_that_has_expired_lets_no_work_begin(shop: Shop) -> None:
    path = examined(shop)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: datetime.now(UTC) - timedelta(days=2))
        ask(shop, path, valid_days=1)

    taken = step(shop, path, "analysis", "in_progress")

    assert taken == [(200, None), (409, "approval_exceeded")]


def test_what_was_agreed_to_before_goes_on_when_more_of_it_is_asked_in_vain(shop: Shop) -> None:
    path = examined(shop, PADS)
    step(shop, path, "awaiting_approval", "approved", "in_progress")
    shop.mechanic.post(f"{path}/lines", json=RUST)
    decide(shop, ask(shop, path))

    taken = step(shop, path, "in_progress", "completed")

    assert taken == [(200, None)] * 2


def test_what_costs_nothing_is_within_what_was_agreed_to(shop: Shop) -> None:
    """A warranty job: its lines are priced, and a discount takes all of it off."""
    off = {"kind": "discount", "description": "Warranty", "percent": 100}
    path = examined(shop, PADS)
    assert shop.mechanic.post(f"{path}/lines", json=off).json["total"] == 0

    taken = step(shop, path, "awaiting_approval", "analysis", "in_progress", "completed")

    assert taken == [(200, None)] * 4


def test_who_was_never_asked_has_the_work_done_as_before(shop: Shop) -> None:
    path = ticket_in(shop)
    put_on(shop, path)

    bring(shop, path, "completed")

    assert shop.owner.get(path).json["approved_total"] is None


# ---- Where every job is to be approved


@pytest.fixture
def asking_shop(shop: Shop) -> Shop:
    """A workshop that wants every job approved."""
    assert shop.owner.patch(f"/workshops/{shop.id}", {"approval_required": True}).status_code == 200
    return shop


def fit_everyhow(shop: Shop, path: str, part_id: int) -> list[tuple[int, str | None]]:
    """Fit a part at once, by an edit, and on the line that wants it; return what came of each."""
    wanted = {"kind": "part", "item_id": part_id, "quantity": 1}
    line = shop.mechanic.post(f"{path}/lines", json=wanted).json["lines"][-1]["id"]
    answers = (
        shop.mechanic.post(f"{path}/inventory", json={"item_id": part_id}),
        shop.mechanic.put(f"{path}/edit", {"add_item_ids": [part_id]}),
        shop.mechanic.post(f"{path}/lines/{line}/fit", json={}),
    )
    return [(answer.status_code, answer.json.get("code")) for answer in answers]


@pytest.mark.parametrize("status", ["booked", "received", "analysis", "awaiting_approval", "declined"])
def test_nothing_is_fitted_that_nobody_approved(asking_shop: Shop, status: str) -> None:
    part = asking_shop.make_part(on_hand=5)
    path = ticket_in(asking_shop, status)

    fitted = fit_everyhow(asking_shop, path, part.id)

    stock = asking_shop.owner.get(f"/inventory/{part.id}").json
    assert fitted == [(409, "approval_exceeded")] * 3
    assert (stock["on_hand"], stock["reserved"]) == (5, 1)


def test_what_was_approved_is_fitted(asking_shop: Shop) -> None:
    part = asking_shop.make_part(on_hand=5)
    path = examined(asking_shop, {"kind": "part", "item_id": part.id, "quantity": 2})
    step(asking_shop, path, "awaiting_approval", "approved", "in_progress")
    line = asking_shop.owner.get(path).json["lines"][0]["id"]

    fitted = asking_shop.mechanic.post(f"{path}/lines/{line}/fit", json={})

    assert fitted.status_code == 200
    assert asking_shop.owner.get(f"/inventory/{part.id}").json["on_hand"] == 3


def test_what_costs_nothing_is_fitted_without_a_word(asking_shop: Shop) -> None:
    part = asking_shop.make_part(on_hand=5, price=Decimal("0.00"))

    fitted = fit_everyhow(asking_shop, ticket_in(asking_shop, "received"), part.id)

    assert [status for status, _ in fitted] == [201, 200, 200]


@pytest.mark.parametrize("asked", [asked_by_hand, declined_by_hand, withdrawn, declined_online])
def test_nothing_is_fitted_for_who_was_asked_and_did_not_agree(shop: Shop, asked: Asking) -> None:
    part = shop.make_part(on_hand=5)

    fitted = fit_everyhow(shop, asked(shop), part.id)

    assert fitted == [(409, "approval_exceeded")] * 3


# ---- By word of mouth


@pytest.mark.parametrize("status", ["approved", "declined"])
@pytest.mark.parametrize("body", [{}, {"reason": None}])
def test_a_word_is_recorded_with_how_it_was_said(shop: Shop, status: str, body: dict[str, None]) -> None:
    path = asked_by_hand(shop)

    silent = shop.mechanic.post(f"{path}/status", json={"status": status, **body})
    told = shop.mechanic.post(f"{path}/status", json={"status": status, "reason": "By phone, at ten."})

    assert shop.mechanic.principal is not None
    last = told.json["status_history"][-1]
    assert (silent.status_code, silent.json["errors"]) == (
        400, {"reason": ["How the customer said it: by phone, in person."]},
    )  # fmt: skip
    assert (last["to_status"], last["reason"]) == (status, "By phone, at ten.")
    assert last["account_id"] == shop.mechanic.principal.account_id


def test_who_may_not_take_the_step_is_not_asked_how(shop: Shop) -> None:
    answer = shop.customer.post(f"{asked_by_hand(shop)}/status", json={"status": "approved"})

    assert (answer.status_code, answer.json["code"]) == (409, "transition_not_allowed")


def recommended(shop: Shop, path: str) -> list[tuple[str, str, float]]:
    """Return what the next visit of the car is offered."""
    later = shop.make_ticket(VIN=shop.owner.get(path).json["VIN"])["id"]
    offered = shop.mechanic.get(f"/service_tickets/{later}/recommendations").json
    return [(one["description"], one["state"], one["estimated_price"]) for one in offered]


def part_line(part_id: int, quantity: float) -> dict[str, object]:
    return {"kind": "part", "item_id": part_id, "quantity": quantity, "description": "Filter"}


def on_it(shop: Shop, path: str) -> list[str]:
    return [line["description"] for line in shop.owner.get(path).json["lines"]]


OFF = {"kind": "discount", "description": "Regular customer", "unit_price": 10}


def test_what_is_declined_by_word_is_kept_with_the_car(shop: Shop) -> None:
    part = shop.make_part(on_hand=5, price=Decimal("12.00"))
    path = examined(shop, PADS, part_line(part.id, 3), OFF)

    step(shop, path, "awaiting_approval", "declined")

    ticket = shop.owner.get(path).json
    stock = shop.owner.get(f"/inventory/{part.id}").json
    assert (ticket["status"], ticket["lines"], ticket["total"]) == ("declined", [], 0)
    assert (stock["on_hand"], stock["reserved"]) == (5, 0)
    assert sorted(recommended(shop, path)) == [
        ("Brake pads, front", "declined", 150), ("Filter", "declined", 36),
    ]  # fmt: skip


def test_what_was_agreed_to_or_is_fitted_stays_when_the_rest_is_declined(shop: Shop) -> None:
    part = shop.make_part(on_hand=5, price=Decimal("12.00"))
    path = examined(shop, part_line(part.id, 3), OFF)
    fitted = shop.owner.get(path).json["lines"][0]["id"]
    shop.mechanic.post(f"{path}/lines/{fitted}/fit", json={"quantity": 1})
    shop.mechanic.post(f"{path}/lines", json=RUST)

    taken = step(shop, path, "awaiting_approval", "declined")

    stock = shop.owner.get(f"/inventory/{part.id}").json
    assert taken == [(200, None)] * 2
    assert on_it(shop, path) == ["Filter", "Regular customer"]
    assert (stock["on_hand"], stock["reserved"]) == (4, 2)
    assert recommended(shop, path) == [("Rust protection", "declined", 80)]


def test_what_was_agreed_to_stays_when_more_is_declined_by_word(shop: Shop) -> None:
    path = examined(shop, PADS)
    step(shop, path, "awaiting_approval", "approved")
    shop.mechanic.post(f"{path}/lines", json=RUST)

    step(shop, path, "awaiting_approval", "declined")

    ticket = shop.owner.get(path).json
    assert (on_it(shop, path), ticket["approved_total"]) == (["Brake pads, front"], 150)
    assert recommended(shop, path) == [("Rust protection", "declined", 80)]


def test_a_discount_that_would_be_more_than_what_stays_keeps_the_ticket_as_it_is(shop: Shop) -> None:
    path = examined(shop, {**RUST, "unit_price": 10})
    step(shop, path, "awaiting_approval", "approved")
    shop.mechanic.post(f"{path}/lines", json=[PADS, {**OFF, "unit_price": 50}])
    step(shop, path, "awaiting_approval")
    before = shop.owner.get(path).json

    declined = step(shop, path, "declined")

    assert declined == [(409, "discount_too_large")]
    assert shop.owner.get(path).json == before


def test_a_ticket_without_lines_is_declined_all_the_same(shop: Shop) -> None:
    assert step(shop, ticket_in(shop, "awaiting_approval"), "declined") == [(200, None)]


# ---- What a line was when it was agreed to

CHANGES = [
    ({"description": "Brake discs, front"}, False),
    ({"tax_rate": 5}, False),
    ({"quantity": 2}, False),
    ({"unit_price": 100.01}, False),
    ({"quantity": 0.75, "unit_price": 200}, False),  # it comes to as much
    ({"quantity": 3, "unit_price": 50}, False),
    ({"quantity": 1}, True),
    ({"unit_price": 90}, True),
    ({"description": "Brake pads, front"}, True),
]


@pytest.mark.parametrize(("change", "stays_agreed"), CHANGES)
def test_a_line_stays_agreed_as_long_as_it_is_no_more_of_the_same(
    shop: Shop, change: dict[str, object], *, stays_agreed: bool
) -> None:
    path = examined(shop, PADS)
    step(shop, path, "awaiting_approval", "approved")
    line = shop.owner.get(path).json["lines"][0]["id"]

    changed = shop.mechanic.patch(f"{path}/lines/{line}", change).json

    asked = shop.mechanic.post(f"{path}/estimates", json={})
    assert changed["lines"][0]["agreed"] is stays_agreed
    assert asked.json.get("code") == ("nothing_to_decide" if stays_agreed else None)


@pytest.mark.parametrize(("change", "is_agreed"), CHANGES)
def test_a_line_that_changed_since_it_was_offered_is_agreed_to_as_far_as_it_is_no_more_of_the_same(
    shop: Shop, change: dict[str, object], *, is_agreed: bool
) -> None:
    path = examined(shop, PADS)
    estimate = ask(shop, path)
    shop.mechanic.patch(f"{path}/lines/{estimate['lines'][0]['line_id']}", change)

    decide(shop, estimate, *ids(estimate))

    ticket = shop.owner.get(path).json
    assert (ticket["status"], ticket["approved_total"]) == ("approved", 150)
    assert ticket["lines"][0]["agreed"] is is_agreed


@pytest.mark.parametrize(("price", "stays_agreed"), [(5, False), (10, True), (20, True)])
def test_a_discount_stays_agreed_as_long_as_it_takes_off_no_less(
    shop: Shop, price: float, *, stays_agreed: bool
) -> None:
    path = examined(shop, PADS, OFF)
    step(shop, path, "awaiting_approval", "approved")
    line = shop.owner.get(path).json["lines"][1]["id"]

    changed = shop.mechanic.patch(f"{path}/lines/{line}", {"unit_price": price}).json

    assert changed["lines"][1]["agreed"] is stays_agreed


def test_parts_that_are_returned_leave_the_rest_agreed(shop: Shop) -> None:
    part = shop.make_part(on_hand=5)
    path = examined(shop, part_line(part.id, 3))
    step(shop, path, "awaiting_approval", "approved")
    line = f"{path}/lines/{shop.owner.get(path).json['lines'][0]['id']}"
    shop.mechanic.post(f"{line}/fit", json={})

    left = shop.mechanic.post(f"{line}/return", json={"quantity": 1}).json["lines"][0]

    assert (left["quantity"], left["agreed"]) == (2, True)
