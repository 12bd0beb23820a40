"""Several who bring one refresh token at once: one gets the next, and the session ends, since all but one have copied it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from werkzeug.test import TestResponse

from app.blueprints.accounts import sessions
from app.blueprints.accounts.models import AccountSession
from app.blueprints.accounts.sessions import Pass
from app.extensions import db
from tests.concurrency.racing import Meeting, race
from tests.factories import PASSWORD, Shop

RACERS = 4


def refreshed_at_once(shop: Shop) -> list[TestResponse]:
    """Sign in, and bring the refresh token from several places at once."""
    login = shop.nobody.post("/auth/login", json={"email": shop.customer.email, "password": PASSWORD})
    bring = partial(shop.nobody.post, "/auth/refresh", {"refresh_token": login.json["refresh_token"]})
    return race(*[bring] * RACERS)


def test_one_gets_the_next_and_the_session_ends(shop: Shop) -> None:
    answers = sorted(refreshed_at_once(shop), key=lambda answer: answer.status_code)

    assert [answer.status_code for answer in answers] == [200] + [401] * (RACERS - 1)
    again = shop.nobody.post("/auth/refresh", json={"refresh_token": answers[0].json["refresh_token"]})
    assert (again.status_code, again.json["code"]) == (401, "refresh_refused")


def test_control_where_the_token_is_read_before_it_is_taken_all_go_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(RACERS)
    principal = shop.customer.principal
    assert principal is not None

    def refresh(token: str) -> Pass:
        """Look whether the token is the present one, then give the next: without the condition in the UPDATE."""
        found = db.session.query(AccountSession).filter_by(refresh_digest=sessions._digest(token)).one()
        meeting.wait()
        return Pass(replace(principal, session_id=found.id), "the next one", found.expires_at)

    monkeypatch.setattr(sessions, "refresh", refresh)
    answers = refreshed_at_once(shop)

    assert meeting.was_held
    assert [answer.status_code for answer in answers] == [200] * RACERS
