"""The life of a ticket: which step may follow which, who may take it, and what is remembered."""

from __future__ import annotations

import re
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

from app.blueprints.service_tickets.status import FINISHED, STAGE, STATUSES, STEPS
from tests.factories import Caller, Shop
from tests.service_tickets.life import WAY_TO, step_to, ticket_in

pytestmark = pytest.mark.no_cover

PAGE = Path(__file__).parents[2] / "docs" / "ticket-life.md"
WHO: dict[str, set[str]] = {"staff": {"owner", "mechanic"}, "everybody": {"owner", "mechanic", "customer"}}
ROLES = ("owner", "mechanic", "customer")
_ROW = re.compile(r"^\| (\w+) \| (\w+) \| (staff|everybody) \| (.*?) ?\|$", re.MULTILINE)
_STAGE = re.compile(r"^\| ([\w, ]+) \| (\w+) \|$", re.MULTILINE)


def rows() -> list[tuple[str, str, str, str]]:
    """Read the steps of the page: from, to, who, when."""
    return _ROW.findall(PAGE.read_text(encoding="utf-8"))


def table() -> dict[tuple[str, str], set[str]]:
    """Return for every pair of statuses the roles that may take the step."""
    listed = {(before, after): WHO[who] for before, after, who, _ in rows()}
    return {pair: listed.get(pair, set()) for pair in product(STATUSES, STATUSES)}


def test_the_page_is_the_table_of_the_code() -> None:
    written = {(before, after): (WHO[who], when) for before, after, who, when in rows()}

    assert len(written) == len(rows())
    assert written == {
        pair: (set(step.roles) - {"staff"}, ", ".join(step.guards).replace("_", " "))
        for pair, step in STEPS.items()
    }


def test_the_page_tells_the_stage_of_every_status() -> None:
    told = {
        status: stage
        for statuses, stage in _STAGE.findall(PAGE.read_text(encoding="utf-8"))
        for status in statuses.split(", ")
    }

    assert told == STAGE


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("before", "after"), table())
def test_every_pair_for_every_role(shop: Shop, before: str, after: str, role: str) -> None:
    caller: Caller = getattr(shop, role)
    path = ticket_in(shop, before)
    known = caller.get(path).json
    may = role in table()[before, after]

    answer = caller.post(f"{path}/status", json=step_to(after))

    now = caller.get(path).json
    if may:
        assert (answer.status_code, answer.json["status"], now) == (200, after, answer.json)
        assert len(now["status_history"]) == len(known["status_history"]) + 1
    else:
        assert (answer.status_code, answer.json["code"]) == (409, "transition_not_allowed")
        assert now == known


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("status", STATUSES)
def test_every_answer_lists_what_its_reader_may_do_next(shop: Shop, status: str, role: str) -> None:
    caller: Caller = getattr(shop, role)

    answer = caller.get(ticket_in(shop, status))

    assert answer.json["allowed_transitions"] == [to for to in STATUSES if role in table()[status, to]]


@pytest.mark.parametrize(
    ("held", "told"),
    [(("tickets:read",), []), (("tickets:read", "tickets:write"), ["received", "cancelled"])],
)
def test_who_may_only_read_is_told_of_no_step(shop: Shop, held: tuple[str, ...], told: list[str]) -> None:
    path = ticket_in(shop)

    by_key, by_role = (made.get(path).json for made in (shop.make_key(*held), shop.make_staff(*held)))
    tried = shop.make_key(*held).post(f"{path}/status", json={"status": "received"})

    assert by_key["allowed_transitions"] == by_role["allowed_transitions"] == told
    assert tried.status_code == (200 if told else 403)


def test_a_finished_job_is_never_reopened_and_only_what_is_not_can_be_cancelled() -> None:
    steps = {pair for pair, roles in table().items() if roles}

    assert not [pair for pair in steps if pair[0] in FINISHED and pair[1] not in FINISHED]
    assert {before for before, after in steps if after == "cancelled"} == set(STATUSES) - FINISHED - {
        "cancelled"
    }


def test_what_staff_write_of_a_step_is_not_the_customers_to_read_but_for_how_their_word_came(
    shop: Shop,
) -> None:
    path = ticket_in(shop)
    way = {
        "received": "Difficult; call twice.", "awaiting_approval": "Be brief.", "approved": "By phone, at ten.",
        "in_progress": "Go.",
    }  # fmt: skip
    for status, reason in way.items():
        assert (
            shop.mechanic.post(f"{path}/status", json={"status": status, "reason": reason}).status_code == 200
        )
    own = ticket_in(shop)
    shop.customer.post(f"{own}/status", json={"status": "cancelled", "reason": "Sold the car."})

    steps, ended = (
        {step["to_status"]: step["reason"] for step in shop.customer.get(one).json["status_history"]}
        for one in (path, own)
    )

    assert (steps["received"], steps["in_progress"]) == (None, None)
    assert steps["approved"] == "By phone, at ten."
    assert ended["cancelled"] == "Sold the car."


def test_every_step_is_remembered_with_who_and_why(shop: Shop) -> None:
    path = ticket_in(shop)
    shop.mechanic.post(
        f"{path}/status", json={"status": "received", "reason": "  Brought by the customer.\nKeys at desk "}
    )
    shop.owner.post(f"{path}/status", json={"status": "in_progress", "reason": None})

    history = shop.mechanic.get(path).json["status_history"]

    assert shop.mechanic.principal is not None
    assert shop.owner.principal is not None
    mechanic, owner = shop.mechanic.principal.account_id, shop.owner.principal.account_id
    assert [
        (step["from_status"], step["to_status"], step["account_id"], step["reason"]) for step in history
    ] == [
        (None, "booked", owner, None),
        ("booked", "received", mechanic, "Brought by the customer.\nKeys at desk"),
        ("received", "in_progress", owner, None),
    ]
    assert [step["changed_at"] for step in history] == sorted(step["changed_at"] for step in history)


def test_the_whole_way_is_told_in_order(shop: Shop) -> None:
    history = shop.owner.get(ticket_in(shop, "delivered")).json["status_history"]

    assert [step["to_status"] for step in history] == ["booked", *WAY_TO["delivered"]]
    assert all(later["from_status"] == earlier["to_status"] for earlier, later in pairwise(history))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "status"), ({"status": None}, "status"), ({"status": ""}, "status"), ({"status": "Received"}, "status"),
        ({"status": " received"}, "status"), ({"status": "received\0"}, "status"),
        ({"status": "pickup"}, "status"), ({"status": 1}, "status"),
        ({"status": ["received"]}, "status"), ({"status": {"to": "received"}}, "status"), ({"status": True}, "status"),
        ({"status": "received", "reason": ""}, "reason"), ({"status": "received", "reason": "x" * 501}, "reason"),
        ({"status": "received", "reason": 5}, "reason"), ({"status": "received", "reason": "a\0"}, "reason"),
        ({"status": "received", "force": True}, "force"), ({"status": "received", "account_id": 1}, "account_id"),
    ],
)  # fmt: skip
def test_a_careless_step_is_refused(shop: Shop, body: dict[str, Any], field: str) -> None:
    path = ticket_in(shop)

    answer = shop.owner.post(f"{path}/status", json=body)

    assert (answer.status_code, list(answer.json["errors"])) == (400, [field])
    assert shop.owner.get(path).json["status"] == "booked"


def test_another_customers_ticket_is_not_ones_own_to_cancel(shop: Shop) -> None:
    path = ticket_in(shop)

    answer = shop.other_customer.post(f"{path}/status", json={"status": "cancelled"})

    assert (answer.status_code, answer.json["code"]) == (403, "not_your_ticket")


def test_an_unknown_ticket_has_no_status(shop: Shop, other_shop: Shop) -> None:
    path = ticket_in(other_shop)

    answer = shop.owner.post(f"{path}/status", json={"status": "received"})

    assert (answer.status_code, answer.json["code"]) == (404, "service_ticket_not_found")
    assert other_shop.owner.get(path).json["status"] == "booked"


def test_a_step_sent_again_with_its_key_is_taken_once(shop: Shop) -> None:
    path, key = ticket_in(shop), {"Idempotency-Key": "step-1"}

    answers = [shop.owner.post(f"{path}/status", json={"status": "received"}, headers=key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json == answers[1].json
    assert len(shop.owner.get(path).json["status_history"]) == 2


def test_a_step_from_a_stale_view_is_refused(shop: Shop) -> None:
    path = ticket_in(shop)
    seen = shop.customer.get(path).headers["ETag"]
    shop.owner.patch(path, json={"service_desc": "More than that"})

    answer = shop.customer.post(f"{path}/status", json={"status": "cancelled"}, headers={"If-Match": seen})

    assert (answer.status_code, shop.owner.get(path).json["status"]) == (412, "booked")
