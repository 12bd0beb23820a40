"""Old parts: of each it is said once what became of it, and a supplier pays once."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import update

from app.blueprints.cores import returning, service
from app.blueprints.service_tickets import fitting, holding, settling
from app.blueprints.service_tickets.models import TicketLine
from app.extensions import db
from tests.concurrency.racing import Meeting, race, without_row_locks, without_write_lock
from tests.cores.exchanging import exchanged
from tests.factories import Shop


def race_to_settle(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], list[str]]:
    """Say at once of the only old part that it is held and that it is scrapped; return the statuses, and what is told of it."""
    exchange = exchanged(shop, 1)
    monkeypatch.setattr(fitting, "require_whole_of", meeting.after(fitting.require_whole_of))

    answers = race(*(partial(exchange.settle, outcome) for outcome in ("held", "scrapped")))

    return sorted(answer.status_code for answer in answers), [core["status"] for core in exchange.cores]


def test_of_two_who_say_what_became_of_an_old_part_one_is_heard(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    statuses, told = race_to_settle(shop, meeting, monkeypatch)

    assert (statuses, len(told)) == ([201, 409], 1)
    assert not meeting.was_held


def test_where_both_get_past_the_lock_the_statement_decides(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, holding)

    with without_write_lock(app):
        statuses, told = race_to_settle(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert (statuses, len(told)) == ([201, 409], 1)


def test_control_without_the_lock_and_its_condition_one_old_part_is_two(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, holding)

    def write_what_was_read(line: TicketLine, quantity: Decimal) -> None:
        db.session.execute(
            update(TicketLine)
            .where(TicketLine.workshop_id == line.workshop_id, TicketLine.id == line.id)
            .values(cores_settled=quantity)
            .execution_options(synchronize_session=False)
        )

    monkeypatch.setattr(settling, "count", write_what_was_read)
    with without_write_lock(app):
        statuses, told = race_to_settle(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert (statuses, sorted(told)) == ([201, 201], ["held", "scrapped"])


def race_to_credit(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], list[str]]:
    """Enter twice at once what a supplier gave for one of two; return the statuses, and what is told of the two."""
    exchange = exchanged(shop, 2)
    core = exchange.held()
    shop.owner.post(f"{core}/return", json={"supplier_id": shop.make_supplier().id})
    monkeypatch.setattr(returning, "require_version", meeting.after(returning.require_version))

    credit = partial(shop.mechanic.post, f"{core}/credit", json={"amount": 45, "quantity": 1})
    answers = race(credit, credit)

    return sorted(answer.status_code for answer in answers), [core["status"] for core in exchange.cores]


def test_of_two_who_enter_a_credit_one_is_heard(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Meeting(2)

    outcome = race_to_credit(shop, meeting, monkeypatch)

    assert outcome == ([200, 409], ["credited", "returned"])
    assert not meeting.was_held


def test_control_without_the_lock_on_the_row_two_old_parts_are_three(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, returning, service)

    with without_write_lock(app):
        statuses, told = race_to_credit(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert (statuses, len(told)) == ([200, 200], 3)
