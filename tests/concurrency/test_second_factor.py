"""Several who bring one code at once: one signs in. Several who answer one challenge: one goes on."""

from __future__ import annotations

from functools import partial

import pytest
from werkzeug.test import TestResponse

from app.blueprints.accounts import recovery_codes, second_factor
from app.blueprints.accounts.models import Account, RecoveryCode, SecondFactor
from app.blueprints.accounts.sessions import Entrant, entrant
from app.core import clock
from app.core.db import atomic
from app.core.identity import Principal
from app.extensions import db
from tests.concurrency.racing import Meeting, race
from tests.factories import PASSWORD, Shop
from tests.mailing import Clock
from tests.second_factors import App, switch_on

pytestmark = pytest.mark.usefixtures("nothing_counted")

RACERS = 4


@pytest.fixture
def phone(shop: Shop, clock_set: Clock) -> App:
    made = switch_on(shop.customer, clock_set)
    clock_set.pass_(seconds=30)
    return made


def as_they_are(principal: Principal) -> Entrant:
    return entrant(principal, db.session.get_one(Account, principal.account_id))


def bring_at_once(shop: Shop, **code: str) -> list[int]:
    """Answer a challenge for each of several sign-ins, by one code, at once."""
    credentials = {"email": shop.customer.email, "password": PASSWORD}
    waiting = [shop.nobody.post("/auth/login", json=credentials).json["challenge"] for _ in range(RACERS)]

    def bring(challenge: str) -> TestResponse:
        return shop.nobody.post("/auth/login/second_factor", {"challenge": challenge, **code})

    return sorted(answer.status_code for answer in race(*(partial(bring, one) for one in waiting)))


def test_one_code_signs_one_of_them_in(shop: Shop, phone: App) -> None:
    assert bring_at_once(shop, code=phone.code) == [200] + [401] * (RACERS - 1)


def test_control_where_the_last_step_is_read_before_it_is_written_all_get_in(
    shop: Shop, phone: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(RACERS)

    def take_code(account_id: int, code: str) -> bool:
        """Look whether the step was used, then use it: without the condition in the UPDATE."""
        factor = db.session.query(SecondFactor).filter_by(account_id=account_id).one()
        step = second_factor._step_of(factor.secret, code)
        is_fresh = step is not None and step > factor.last_step
        meeting.wait()
        return is_fresh

    def go_on(challenge: str, proof: second_factor.Proof, address: str | None) -> object:
        assert proof.code is not None
        principal = shop.customer.principal
        assert principal is not None
        return as_they_are(principal) if take_code(principal.account_id, proof.code) else None

    monkeypatch.setattr(second_factor, "go_on", go_on)

    assert bring_at_once(shop, code=phone.code) == [200] * RACERS
    assert meeting.was_held


def test_one_recovery_code_signs_one_of_them_in(shop: Shop, phone: App) -> None:
    assert bring_at_once(shop, recovery_code=phone.recovery_codes[0]) == [200] + [401] * (RACERS - 1)
    with shop.app.app_context():
        used = db.session.query(RecoveryCode).filter(RecoveryCode.used_at.is_not(None))
        assert (
            used.join(SecondFactor)
            .filter(SecondFactor.account_id == shop.customer.principal.account_id)
            .count()
            == 1
        )  # type: ignore[union-attr]


def test_control_where_a_recovery_code_is_read_before_it_is_used_all_get_in(
    shop: Shop, phone: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(RACERS)
    principal = shop.customer.principal
    assert principal is not None

    def go_on(challenge: str, proof: second_factor.Proof, address: str | None) -> object:
        digest = recovery_codes.digest_of(principal.account_id, proof.recovery_code or "")
        found = db.session.query(RecoveryCode).filter_by(account_id=principal.account_id, digest=digest).one()
        is_fresh = found.used_at is None
        meeting.wait()
        with atomic():
            found.used_at = clock.now()
        return as_they_are(principal) if is_fresh else None

    monkeypatch.setattr(second_factor, "go_on", go_on)

    assert bring_at_once(shop, recovery_code=phone.recovery_codes[0]) == [200] * RACERS
    assert meeting.was_held


def test_one_challenge_lets_one_of_them_go_on_though_all_have_good_codes(shop: Shop, phone: App) -> None:
    credentials = {"email": shop.customer.email, "password": PASSWORD}
    challenge = shop.nobody.post("/auth/login", json=credentials).json["challenge"]
    shown = [{"recovery_code": code} for code in phone.recovery_codes[: RACERS - 1]] + [{"code": phone.code}]

    def bring(code: dict[str, str]) -> TestResponse:
        return shop.nobody.post("/auth/login/second_factor", {"challenge": challenge, **code})

    answers = race(*(partial(bring, one) for one in shown))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * (RACERS - 1)
    assert {answer.json.get("code") for answer in answers} == {None, "challenge_refused"}
