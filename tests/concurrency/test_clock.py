"""The clock, started twice at once, or while a ticket is completed or a mechanic leaves. A ticket has one last place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.blueprints.attachments import service as attachments
from app.blueprints.attachments.models import MOST_ON_A_TICKET, Attachment
from app.blueprints.mechanics import service as mechanics
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets import holding, moving
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.timesheets import service as timesheets
from app.blueprints.timesheets.models import ClockEntry
from app.extensions import db
from tests.attachments.sending import attach, pdf
from tests.attachments.test_attachments import fill
from tests.concurrency.racing import Meeting, race, telling, without_row_locks, without_write_lock
from tests.factories import Shop


def start_at_once(shop: Shop, racers: int) -> tuple[list[int], int]:
    """Start one mechanic's clock on as many tickets at once; return the statuses, and how many run."""
    tickets = [shop.make_ticket()["id"] for _ in range(racers)]

    answers = race(
        *(
            partial(shop.mechanic.post, f"/service_tickets/{ticket}/clock/start", json={})
            for ticket in tickets
        )
    )

    with shop.inside():
        running = db.session.scalars(select(ClockEntry.id).where(ClockEntry.ended_at.is_(None))).all()
    return sorted(answer.status_code for answer in answers), len(running)


@pytest.mark.parametrize("racers", [2, 6])
def test_of_starts_at_once_one_starts(shop: Shop, racers: int) -> None:
    assert start_at_once(shop, racers) == ([201] + [409] * (racers - 1), 1)


@pytest.fixture
def without_clock_guards(lax_app: Flask) -> Iterator[None]:
    """The lax database without what keeps a mechanic's clock from running twice."""
    index = next(index for index in ClockEntry.__table__.indexes if index.name == "uq_clock_entries_running")
    with lax_app.app_context():
        engine = db.engine
        is_postgresql = engine.dialect.name == "postgresql"
    index.drop(engine)
    dropped: list[str] = []
    with engine.begin() as connection:
        if is_postgresql:
            connection.execute(text("ALTER TABLE clock_entries DROP CONSTRAINT ex_clock_entries_no_overlap"))
        else:
            dropped = list(
                connection.scalars(
                    text(
                        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'ex_clock_entries%'"
                    )
                )
            )
            for name in ("insert", "update"):
                connection.execute(text(f"DROP TRIGGER ex_clock_entries_no_overlap_{name}"))
    yield
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM clock_entries"))
        for statement in dropped:
            connection.execute(text(statement))
    index.create(engine)


def test_control_without_the_database_all_of_them_start(lax_shop: Shop, without_clock_guards: None) -> None:
    assert start_at_once(lax_shop, 2) == ([201, 201], 2)


def run_on_while_it_is_completed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], Meeting]:
    """Let a clock run on, by a correction, while its ticket is completed; return whose clocks run then on what is over."""
    meeting, completed = Meeting(2), threading.Event()
    ticket = shop.make_ticket()["id"]
    path = f"/service_tickets/{ticket}"
    for status in ("received", "in_progress"):
        assert shop.owner.post(f"{path}/status", json={"status": status}).status_code == 200
    entry = shop.make_clock_entry(ticket).id
    monkeypatch.setattr(
        timesheets, "require_open", meeting.after(timesheets.require_open, and_then=completed)
    )
    monkeypatch.setattr(moving, "hold", meeting.after(moving.hold))

    race(
        partial(shop.owner.patch, f"{path}/clock/{entry}", json={"ended_at": None, "reason": "Still at it"}),
        telling(completed, partial(shop.owner.post, f"{path}/status", json={"status": "completed"})),
    )

    with shop.inside():
        over = select(ServiceTicket.id).where(ServiceTicket.id == ticket, ServiceTicket.status == "completed")
        running = select(ClockEntry.mechanic_id).where(
            ClockEntry.ended_at.is_(None), ClockEntry.service_ticket_id.in_(over)
        )
        return list(db.session.scalars(running)), meeting


def test_no_clock_runs_on_a_ticket_that_is_completed_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_on_while_it_is_completed(shop, monkeypatch)[0] == []


def test_control_without_the_tickets_lock_one_does(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_row_locks(monkeypatch, holding, timesheets)
    with without_write_lock(app):
        running, meeting = run_on_while_it_is_completed(shop, monkeypatch)

    assert meeting.was_held
    assert len(running) == 1


def start_while_leaving(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], Meeting]:
    """Start a clock while its mechanic leaves; return whose clocks run then of who has left."""
    meeting, left = Meeting(2), threading.Event()
    monkeypatch.setattr(
        mechanics, "keep_from_leaving", meeting.after(mechanics.keep_from_leaving, and_then=left)
    )
    monkeypatch.setattr(mechanics.leaving, "leave", meeting.before(mechanics.leaving.leave))
    ticket = shop.make_ticket()["id"]

    race(
        partial(
            shop.owner.post,
            f"/service_tickets/{ticket}/clock/start",
            json={"mechanic_id": shop.mechanic_id},
        ),
        telling(left, partial(shop.owner.delete, f"/mechanics/{shop.mechanic_id}")),
    )

    with shop.inside():
        gone = select(Mechanic.id).where(Mechanic.left_at.is_not(None))
        running = select(ClockEntry.mechanic_id).where(
            ClockEntry.ended_at.is_(None), ClockEntry.mechanic_id.in_(gone)
        )
        return list(db.session.scalars(running)), meeting


def test_no_clock_runs_of_a_mechanic_who_leaves_meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start_while_leaving(shop, monkeypatch)[0] == []


def test_control_without_the_mechanics_lock_one_does(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mechanics, "keep_from_leaving", mechanics.get)
    with without_write_lock(app):
        running, meeting = start_while_leaving(shop, monkeypatch)

    assert meeting.was_held
    assert running == [shop.mechanic_id]


def attach_at_once(shop: Shop) -> tuple[list[int], int]:
    """Attach two documents at once to a ticket with one place left; return the statuses, and how many it has."""
    ticket = shop.make_ticket()["id"]
    fill(shop, ticket, MOST_ON_A_TICKET - 1)
    path = f"/service_tickets/{ticket}/attachments"

    answers = race(*(partial(attach, shop.owner, path, pdf(b"%d" % number)) for number in range(2)))

    with shop.inside():
        count = len(
            db.session.scalars(select(Attachment.id).where(Attachment.service_ticket_id == ticket)).all()
        )
    return sorted(answer.status_code for answer in answers), count


def test_the_last_place_on_a_ticket_is_taken_once(shop: Shop) -> None:
    assert attach_at_once(shop) == ([201, 409], MOST_ON_A_TICKET)


def test_control_without_the_tickets_lock_the_database_still_refuses_the_second(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find the same place free, which the lock keeps from happening, and the constraint lets one have it."""
    meeting = Meeting(2)

    def unlocked(caller: object, ticket_id: int, expected: object) -> object:
        from app.blueprints.service_tickets.models import ServiceTicket

        return db.session.scalar(select(ServiceTicket).where(ServiceTicket.id == ticket_id))

    monkeypatch.setattr(attachments, "hold", unlocked)
    monkeypatch.setattr(attachments, "_free_place", meeting.after(attachments._free_place))
    statuses, count = attach_at_once(shop)

    with shop.inside():
        is_postgresql = db.engine.dialect.name == "postgresql"
    assert count == MOST_ON_A_TICKET
    if is_postgresql:  # on SQLite the one writer at a time stands in the lock's place
        assert meeting.was_held
    assert statuses == [201, 409]
