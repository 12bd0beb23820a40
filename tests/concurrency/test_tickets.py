"""Two who move one ticket, and two who decide one estimate: one is heard, and the history is whole."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask

from app.blueprints.estimates import deciding, service
from app.blueprints.service_tickets import holding, moving
from tests.concurrency.racing import Meeting, race, without_row_locks, without_write_lock
from tests.estimates.asking import ask, by_link, examined, ids
from tests.factories import Shop
from tests.service_tickets.life import WAY_TO, ticket_in

History = list[tuple[str | None, str]]


def race_to_move(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch, *steps: str, seen: bool = False
) -> tuple[list[int], History]:
    """Take an approved ticket these steps at once, from one view of it if it is `seen`; return the statuses and the history."""
    path = ticket_in(shop, "approved")
    headers = {"If-Match": shop.owner.get(path).headers["ETag"]} if seen else {}
    monkeypatch.setattr(moving, "_require_allowed", meeting.after(moving._require_allowed))
    move = [
        partial(shop.owner.post, f"{path}/status", json={"status": status}, headers=headers)
        for status in steps
    ]

    answers = race(*move)

    history = [
        (step["from_status"], step["to_status"]) for step in shop.owner.get(path).json["status_history"]
    ]
    return sorted(answer.status_code for answer in answers), history[len(WAY_TO["approved"]) :]


def is_whole(history: list[Any]) -> bool:
    """Tell whether each step begins where the one before ended."""
    return all(step[0] == before[1] for before, step in pairwise(history))


# To the same place twice, and to two places between which a ticket may go to and fro.
SAME = ("in_progress", "in_progress")
OTHER = ("in_progress", "waiting_parts")


def test_of_two_who_take_the_same_step_at_once_one_takes_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    statuses, history = race_to_move(shop, meeting, monkeypatch, *SAME)

    assert statuses == [200, 409]
    assert history == [("awaiting_approval", "approved"), ("approved", "in_progress")]
    assert not meeting.was_held


def test_of_two_who_take_steps_from_one_view_at_once_one_does(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    statuses, history = race_to_move(shop, meeting, monkeypatch, *OTHER, seen=True)

    assert statuses == [200, 412]
    assert len(history) == 2
    assert is_whole(history)
    assert not meeting.was_held


def test_control_without_a_view_both_steps_are_taken_one_after_the_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    statuses, history = race_to_move(shop, meeting, monkeypatch, *OTHER)

    assert statuses == [200, 200]
    assert len(history) == 3
    assert is_whole(history)
    assert not meeting.was_held


@pytest.mark.parametrize(("steps", "seen"), [(SAME, False), (OTHER, True)])
def test_control_without_the_lock_on_the_ticket_both_steps_begin_at_one_place(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, steps: tuple[str, str], *, seen: bool
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, holding)

    with without_write_lock(app):
        statuses, history = race_to_move(shop, meeting, monkeypatch, *steps, seen=seen)

    assert meeting.was_held
    assert statuses == [200, 200]
    assert not is_whole(history)


def race_to_decide(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], str, dict[str, Any]]:
    """Accept an estimate by its link and decline it by phone at once; return statuses, what it became, and the ticket."""
    path = examined(shop)
    estimate = ask(shop, path)
    monkeypatch.setattr(deciding, "require_decidable", meeting.after(deciding.require_decidable))
    accept = partial(
        shop.nobody.post, by_link(estimate), json={"accepted_line_ids": ids(estimate), "name": "Ada"}
    )
    decline = partial(
        shop.owner.post,
        f"{path}/estimates/{estimate['id']}/decision",
        json={"accepted_line_ids": [], "name": "Ada", "how": "phone"},
    )

    answers = race(accept, decline)

    state = shop.owner.get(f"{path}/estimates/{estimate['id']}").json["state"]
    return sorted(answer.status_code for answer in answers), state, shop.owner.get(path).json


def test_of_two_who_decide_one_estimate_at_once_one_is_heard(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    statuses, state, ticket = race_to_decide(shop, meeting, monkeypatch)

    assert statuses == [200, 409]
    assert (state, ticket["status"]) in (("accepted", "approved"), ("declined", "declined"))
    assert len(ticket["status_history"]) == 5
    assert not meeting.was_held


def test_control_without_the_locks_both_are_heard(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    for module in (holding, deciding, service):
        without_row_locks(monkeypatch, module)

    with without_write_lock(app):
        statuses, _, ticket = race_to_decide(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert 409 not in statuses or len(ticket["status_history"]) > 5
