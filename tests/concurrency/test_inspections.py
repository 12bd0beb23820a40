"""Inspections, templates and recommendations that several people write to at once: one wins, the others are told."""

from __future__ import annotations

from functools import partial

import pytest
from flask import Flask

from app.blueprints.inspections import holding, recommendations, templates
from tests.concurrency.racing import Meeting, race, without_row_locks, without_write_lock
from tests.factories import Shop
from tests.inspections.examining import SECTIONS, advise, advised, begun


def begin_at_once(shop: Shop) -> tuple[list[int], int]:
    """Begin two inspections of one ticket at once; return the statuses, and how many there are."""
    path = f"/service_tickets/{shop.make_ticket()['id']}/inspections"

    answers = race(*(partial(shop.mechanic.post, path, json={}) for _ in range(2)))

    return sorted(answer.status_code for answer in answers), len(shop.mechanic.get(path).json)


def test_of_two_who_begin_at_once_one_does(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Meeting(2)
    monkeypatch.setattr(templates, "points_for", meeting.after(templates.points_for))

    assert begin_at_once(shop) == ([201, 409], 1)
    assert not meeting.was_held


def test_control_without_the_index_both_do(
    lax_shop: Shop, without_inspection_index: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert begin_at_once(lax_shop) == ([201, 201], 2)


def validate_and_check(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], bool]:
    """Validate an inspection while a point is written down; return the statuses, and whether that came in afterwards."""
    path = begun(shop)
    advise(shop, path)
    monkeypatch.setattr(holding, "require_version", meeting.after(holding.require_version))
    points = {"points": [{"place": 1, "condition": "red"}]}

    answers = race(
        partial(shop.owner.post, f"{path}/validate"),
        partial(shop.mechanic.post, f"{path}/points", json=points),
    )

    statuses = [answer.status_code for answer in answers]
    shown = shop.customer.get(path).json
    return statuses, shown["conditions"]["red"] == 1


def test_nothing_is_written_into_an_inspection_that_is_being_validated(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    statuses, is_red = validate_and_check(shop, meeting, monkeypatch)

    assert not meeting.was_held
    assert (statuses, is_red) in (([200, 409], False), ([200, 200], True))


def take_and_dismiss(
    app: Flask, shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], list[str]]:
    """Take a recommendation and dismiss it at once; return the statuses, and what became of it."""
    ticket, path = advised(shop)
    monkeypatch.setattr(recommendations, "require_version", meeting.after(recommendations.require_version))

    answers = race(
        partial(
            shop.mechanic.post, f"{path}/state", json={"state": "taken", "service_ticket_id": ticket["id"]}
        ),
        partial(shop.owner.post, f"{path}/state", json={"state": "dismissed"}),
    )

    told = shop.mechanic.get(path).json["changes"]
    return sorted(answer.status_code for answer in answers), [one["from_state"] for one in told[1:]]


def test_of_two_who_settle_at_once_the_second_is_told(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    statuses, left = take_and_dismiss(app, shop, meeting, monkeypatch)

    assert not meeting.was_held
    assert (statuses, left) == ([200, 409], ["open"])


def test_control_without_the_row_lock_both_settle_the_same(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, recommendations)

    with without_write_lock(app):
        statuses, left = take_and_dismiss(app, shop, meeting, monkeypatch)

    assert meeting.was_held
    assert (statuses, left) == ([200, 200], ["open", "open"])


def test_of_two_who_say_at_once_which_template_is_the_standard_one_one_has_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    monkeypatch.setattr(templates, "_take_the_place", meeting.after(templates._take_the_place))
    bodies = [{"name": name, "standard": True, "sections": SECTIONS} for name in ("One", "Two")]

    answers = race(*(partial(shop.owner.post, "/inspections/templates", json=body) for body in bodies))

    assert [answer.status_code for answer in answers] == [201, 201]
    assert sum(one["standard"] for one in shop.owner.get("/inspections/templates").json) == 1
    assert not meeting.was_held
