"""Two admins who dismiss each other, or are suspended, at once: one stays; and a session that begins while it ought to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app.blueprints.accounts import sessions
from app.blueprints.accounts.models import Account
from app.blueprints.admins import service, suspensions
from app.blueprints.admins.errors import LastAdmin
from app.blueprints.workshops import service as workshops
from app.core import caching
from app.core.db import atomic
from app.core.tenancy import INSTALLATION, acting_in
from app.extensions import db
from tests.concurrency.racing import Meeting, race
from tests.factories import Caller, Shop, make_admin

Ways = dict[str, Callable[[int], None]]
WAYS: Ways = {"dismissed": service.remove, "suspended": partial(suspensions.suspend, reason="Left")}


def only_two(app: Flask) -> list[Caller]:
    """Make two admins, and nobody else one."""
    two = [make_admin(app) for _ in range(2)]
    with app.app_context(), atomic() as session:
        session.execute(
            text("UPDATE accounts SET is_admin = :no WHERE is_admin AND email NOT IN (:one, :other)"),
            {"no": False, "one": two[0].email, "other": two[1].email},
        )
    return two


def race_out(
    app: Flask, ways: list[str], meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], int]:
    """Let two admins go at once; the meeting is before either's change is written. Count who is left."""
    two = only_two(app)
    for module in (service, suspensions):
        kept = meeting.before(module.flush_with_an_admin_left)
        monkeypatch.setattr(module, "flush_with_an_admin_left", kept)

    def go(caller: Caller, way: str) -> str:
        assert caller.principal is not None
        with app.app_context():
            try:
                WAYS[way](caller.principal.account_id)
            except LastAdmin:
                return "refused"
        return "gone"

    outcomes = race(*(partial(go, caller, way) for caller, way in zip(two, ways, strict=True)))

    acting = Account.is_admin & Account.suspended_at.is_(None) & Account.closed_at.is_(None)
    with app.app_context():
        left = db.session.scalar(select(func.count()).select_from(Account).where(acting))
    return sorted(outcomes), left or 0


PAIRS = [["dismissed", "dismissed"], ["suspended", "suspended"], ["dismissed", "suspended"]]


@pytest.mark.parametrize("ways", PAIRS, ids=" and ".join)
def test_of_two_admins_who_go_at_once_one_stays(
    app: Flask, monkeypatch: pytest.MonkeyPatch, ways: list[str]
) -> None:
    outcomes, left = race_out(app, ways, Meeting(2), monkeypatch)

    assert (outcomes, left) == (["gone", "refused"], 1)


@pytest.fixture
def without_the_trigger(lax_app: Flask) -> Iterator[Flask]:
    """The other database, without the trigger that keeps the last admin."""
    with lax_app.app_context():
        engine = db.engine
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE accounts DISABLE TRIGGER last_admin"))
            made = []
        else:
            made = list(
                connection.scalars(
                    text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'last_admin%'")
                )
            )
            for event in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS last_admin_{event}"))
    yield lax_app
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE accounts ENABLE TRIGGER last_admin"))
        for statement in made:
            connection.execute(text(statement))


@pytest.mark.parametrize("ways", PAIRS, ids=" and ".join)
def test_control_without_the_trigger_both_go(
    without_the_trigger: Flask, monkeypatch: pytest.MonkeyPatch, ways: list[str]
) -> None:
    outcomes, left = race_out(without_the_trigger, ways, Meeting(2), monkeypatch)

    assert (outcomes, left) == (["gone", "gone"], 0)


@pytest.mark.parametrize("what", ["account", "workshop"])
def test_a_session_that_begins_while_the_others_are_dealt_with_does_not_outlive_a_suspension(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """It begins after the others were found, and before that is committed; and is used, so that workers may know of it."""
    meeting = Meeting(2)
    for name in ("announce_ended", "announce_changed"):
        monkeypatch.setattr(caching, name, meeting.before(getattr(caching, name)))
    principal = shop.owner.principal
    assert principal is not None

    def suspend() -> int:
        with shop.app.app_context(), acting_in(INSTALLATION):
            if what == "account":
                suspensions.suspend(principal.account_id, "Spam")
            else:
                workshops.suspend(shop.id, "Unpaid")
        return 0

    def begin_and_use() -> int:
        meeting.wait()
        with shop.app.app_context():
            begun.append(Caller(shop.app, sessions.begin(principal).principal, shop.slug))
        return begun[0].get("/customers").status_code

    begun: list[Caller] = []
    race(suspend, begin_and_use)

    assert begun[0].get("/customers").status_code == (401 if what == "account" else 403)
