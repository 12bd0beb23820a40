"""Somebody signs in by a password that is changed before their session begins: none of the old password's goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.blueprints.accounts import codes, sessions
from app.blueprints.accounts.models import AccountSession
from app.blueprints.accounts.sessions import Entrant, Pass
from app.core.db import atomic
from app.core.identity import Principal
from app.extensions import db
from tests.concurrency.racing import race, telling
from tests.factories import PASSWORD, Shop, account_of, make_admin
from tests.second_factors import code_now, give

pytestmark = pytest.mark.usefixtures("nothing_counted")

OTHER = "another-uncommon-pair-of-pliers"
PATIENCE = 0.4


def change(shop: Shop) -> TestResponse:
    return shop.mechanic.post("/auth/password", {"present_password": PASSWORD, "password": OTHER})


def recover(shop: Shop) -> TestResponse:
    with shop.app.app_context(), atomic():
        token = codes.give_token("reset", account_of(shop.mechanic.email).id)
    return shop.nobody.post("/auth/recovery/password", {"reset_token": token, "password": OTHER})


def set_by_owner(shop: Shop) -> TestResponse:
    return shop.owner.patch(f"/mechanics/{shop.mechanic_id}", {"password": OTHER})


def switch_second_factor_on(shop: Shop) -> TestResponse:
    give(shop.app, [shop.mechanic.email], confirmed=False)
    return shop.mechanic.post("/auth/second_factor/confirmation", {"code": code_now()})


def suspend(shop: Shop) -> TestResponse:
    assert shop.mechanic.principal is not None
    account_id = shop.mechanic.principal.account_id
    return make_admin(shop.app).post(f"/accounts/{account_id}/suspend", {"reason": "Spam"})


CHANGES = (change, recover, set_by_owner, switch_second_factor_on, suspend)


def sign_in(shop: Shop) -> TestResponse:
    return shop.nobody.post("/auth/login", {"email": shop.mechanic.email, "password": PASSWORD})


@pytest.fixture(params=CHANGES, ids=lambda one: one.__name__)
def made(request: pytest.FixtureRequest) -> Callable[[Shop], TestResponse]:
    found: Callable[[Shop], TestResponse] = request.param
    return found


def before_it_begins(
    monkeypatch: pytest.MonkeyPatch, shop: Shop, made: Callable[[Shop], TestResponse]
) -> None:
    """Let something be done between a password that was right and the session that begins by it."""
    known = sessions.begin

    def begin_late(*who: Any, **where: Any) -> Pass:
        monkeypatch.setattr(sessions, "begin", known)
        assert race(partial(made, shop))[0].status_code == 200
        return known(*who, **where)

    monkeypatch.setattr(sessions, "begin", begin_late)


def test_what_was_shown_is_looked_at_again_once_the_session_has_begun(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, made: Callable[[Shop], TestResponse]
) -> None:
    before_it_begins(monkeypatch, shop, made)

    answer = sign_in(shop)

    assert (answer.status_code, answer.json["code"]) == (401, "wrong_credentials")
    with shop.app.app_context():
        account = account_of(shop.mechanic.email)
        standing = db.session.query(AccountSession).filter_by(account_id=account.id, ended_at=None)
        assert standing.count() <= 1  # that of who changed it


def test_a_session_that_begins_while_it_is_changed_waits_and_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, made: Callable[[Shop], TestResponse], on_postgresql: bool
) -> None:
    ended, begins = threading.Event(), threading.Event()
    end_all, begin_session = sessions.end_all, sessions.begin

    def end_slowly(*who: Any, **how: Any) -> None:
        end_all(*who, **how)
        ended.set()
        begins.wait(
            10 if on_postgresql else PATIENCE
        )  # SQLite has one writer: whoever signs in waits before that
        threading.Event().wait(PATIENCE)

    def begin_late(who: Principal, **where: Any) -> Pass:
        if who.role == "mechanic":  # and no admin who is to change it
            ended.wait(10)
            begins.set()
        return begin_session(who, **where)

    monkeypatch.setattr(sessions, "end_all", end_slowly)
    monkeypatch.setattr(sessions, "begin", begin_late)

    answers = race(partial(sign_in, shop), telling(begins, partial(made, shop)))

    assert [answer.status_code for answer in answers] == [401, 200]


def test_control_where_nothing_is_looked_at_again_the_old_passwords_session_goes_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_it_begins(monkeypatch, shop, change)

    def let_in(entrant: Entrant, **where: Any) -> Pass:
        return sessions.begin(entrant.principal, **where)

    monkeypatch.setattr(sessions, "let_in", let_in)

    answer = sign_in(shop)

    assert answer.status_code == 200
    headers = {"Authorization": f"Bearer {answer.json['auth_token']}"}
    assert shop.nobody.get("/auth/me", headers=headers).status_code == 200
