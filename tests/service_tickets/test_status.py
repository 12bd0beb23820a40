"""The life of a ticket: which step may follow which, who may take it, and what is remembered."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from app.blueprints.service_tickets.status import FINISHED, STATUSES
from tests.factories import Caller, Shop
from tests.service_tickets.life import WAY_TO, ticket_in

# From the status at the left to the one above: who may take the step. A dot: nobody.
LIFE = """
                booked  received  in_progress  completed  delivered  cancelled
booked          .       staff     .            .          .          everybody
received        .       .         staff        .          .          staff
in_progress     .       .         .            staff      .          staff
completed       .       .         .            .          staff      .
delivered       .       .         .            .          .          .
cancelled       .       .         .            .          .          .
"""
WHO: dict[str, set[str]] = {
    ".": set(),
    "staff": {"owner", "mechanic"},
    "everybody": {"owner", "mechanic", "customer"},
}
ROLES = ("owner", "mechanic", "customer")


def table() -> dict[tuple[str, str], set[str]]:
    """Read LIFE: (from, to) to the roles that may."""
    head, *rows = [line.split() for line in LIFE.strip().splitlines()]
    return {(row[0], to): WHO[who] for row in rows for to, who in zip(head, row[1:], strict=True)}


def test_the_table_has_every_pair() -> None:
    assert set(table()) == {(before, after) for before in STATUSES for after in STATUSES}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("before", "after"), table())
def test_every_pair_for_every_role(shop: Shop, before: str, after: str, role: str) -> None:
    caller: Caller = getattr(shop, role)
    path = ticket_in(shop, before)
    known = caller.get(path).json
    may = role in table()[before, after]

    answer = caller.post(f"{path}/status", json={"status": after})

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


def test_a_finished_job_is_never_reopened_and_only_what_is_not_can_be_cancelled() -> None:
    steps = {pair for pair, roles in table().items() if roles}

    assert not [pair for pair in steps if pair[0] in FINISHED and pair[1] not in FINISHED]
    assert {before for before, after in steps if after == "cancelled"} == set(STATUSES) - FINISHED - {
        "cancelled"
    }


def test_every_step_is_remembered_with_who_and_why(shop: Shop) -> None:
    path = ticket_in(shop)
    shop.mechanic.post(
        f"{path}/status", json={"status": "received", "reason": "  Brought by the customer.\nKeys at desk "}
    )
    shop.owner.post(f"{path}/status", json={"status": "in_progress", "reason": None})

    history = shop.customer.get(path).json["status_history"]

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
        ({"status": "analysis"}, "status"), ({"status": 1}, "status"),
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
