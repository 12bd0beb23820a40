"""Getting back in by three steps, and what those who try to get in that way are told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.blueprints.accounts import codes
from app.blueprints.accounts.models import OneTimeCode
from app.core.db import atomic
from app.extensions import db
from tests.accounts.letters import Letters
from tests.factories import PASSWORD, Caller, Shop, unique
from tests.mailing import Clock
from tests.watching import statements

NEW = "wrench-otter-lagoon-42"
REFUSED = (400, "code_refused")


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def ask(shop: Shop, email: str) -> TestResponse:
    return shop.nobody.post("/auth/recovery", json={"email": email})


def bring(shop: Shop, email: str, code: str) -> TestResponse:
    return shop.nobody.post("/auth/recovery/code", json={"email": email, "code": code})


def finish(shop: Shop, token: str, password: str = NEW) -> TestResponse:
    return shop.nobody.post("/auth/recovery/password", json={"reset_token": token, "password": password})


def sign_in(shop: Shop, email: str, password: str) -> int:
    return shop.nobody.post("/auth/login", json={"email": email, "password": password}).status_code


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_a_worker_looks_for_a_code_once_it_is_committed_and_not_before(shop: Shop) -> None:
    waiting = shop.app.extensions["jobs"].huey.pending_count
    before = waiting()
    with shop.inside(), atomic():
        codes.send("recovery", shop.customer.email, shop.customer.principal.account_id)
        inside = waiting()

    assert (inside, waiting()) == (before, before + 1)


@pytest.mark.parametrize("role", ["owner", "mechanic", "customer"])
def test_three_steps_lead_to_another_password(shop: Shop, letters: Letters, role: str) -> None:
    person: Caller = getattr(shop, role)

    ask(shop, person.email)
    token = bring(shop, person.email, letters.code(person.email)).json["reset_token"]
    done = finish(shop, token)

    assert done.status_code == 200
    assert [sign_in(shop, person.email, password) for password in (NEW, PASSWORD)] == [200, 401]


def test_the_new_password_ends_every_session_and_is_told_of(shop: Shop, letters: Letters) -> None:
    email = shop.customer.email
    ask(shop, email)

    finish(shop, bring(shop, email, letters.code(email)).json["reset_token"])

    assert shop.customer.get("/customers/my-tickets").status_code == 401
    assert "password" in letters.to(email)[-1]


def test_known_and_unknown_addresses_are_answered_alike_by_the_same_statements(
    shop: Shop, letters: Letters
) -> None:
    answers, counts = [], []
    for email in (shop.customer.email, f"{unique('nobody')}@example.com"):
        with statements(shop.app) as seen:
            answers.append(ask(shop, email))
        counts.append([statement.split(" VALUES")[0] for statement in seen])

    assert answers[0].json == answers[1].json
    assert answers[0].status_code == answers[1].status_code == 200
    assert counts[0] == counts[1]
    assert len([one for one in counts[0] if "pg_advisory" not in one]) == 3  # PostgreSQL is asked for a turn


def test_an_unknown_address_gets_no_letter_and_its_codes_are_refused_alike(
    shop: Shop, letters: Letters
) -> None:
    unknown = f"{unique('nobody')}@example.com"
    ask(shop, unknown)
    ask(shop, shop.customer.email)

    refused = [bring(shop, email, "000000") for email in (unknown, f"{unique('never')}@example.com")]
    wrong = bring(shop, shop.customer.email, another(letters.code(shop.customer.email)))

    assert letters.to(unknown) == []
    assert [told(answer) for answer in (*refused, wrong)] == [REFUSED] * 3
    assert {answer.json["detail"] for answer in refused} == {wrong.json["detail"]}


def test_even_the_right_code_of_an_unknown_address_opens_nothing(shop: Shop, letters: Letters) -> None:
    unknown = f"{unique('nobody')}@example.com"
    ask(shop, unknown)
    with shop.app.app_context():
        kept = db.session.scalars(
            select(OneTimeCode).where(OneTimeCode.address_digest == codes.address_digest(unknown))
        ).one()
        code = json.loads(kept.sealed or "{}")["code"]

    assert told(bring(shop, unknown, code)) == REFUSED


class TestACode:
    @pytest.fixture
    def code(self, shop: Shop, letters: Letters) -> str:
        ask(shop, shop.customer.email)
        return letters.code(shop.customer.email)

    def test_goes_once(self, shop: Shop, code: str) -> None:
        answers = [bring(shop, shop.customer.email, code) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 400]

    @pytest.mark.parametrize(("wrong", "status"), [(4, 200), (5, 400)])
    def test_is_spoilt_by_five_wrong_tries(self, shop: Shop, code: str, wrong: int, status: int) -> None:
        for _ in range(wrong):
            assert told(bring(shop, shop.customer.email, another(code))) == REFUSED

        assert bring(shop, shop.customer.email, code).status_code == status

    def test_counts_tries_that_are_sent_with_an_idempotency_key(self, shop: Shop, code: str) -> None:
        body = {"email": shop.customer.email, "code": another(code)}
        for _ in range(5):
            shop.nobody.post("/auth/recovery/code", json=body, headers={"Idempotency-Key": unique("key")})

        assert bring(shop, shop.customer.email, code).status_code == 400

    def test_is_no_good_for_another_address(self, shop: Shop, code: str) -> None:
        assert told(bring(shop, shop.owner.email, code)) == REFUSED

    def test_is_no_good_once_another_was_sent(self, shop: Shop, letters: Letters, code: str) -> None:
        ask(shop, shop.customer.email)
        second = letters.code(shop.customer.email)
        if second == code:
            pytest.skip("One in a million.")

        assert told(bring(shop, shop.customer.email, code)) == REFUSED
        assert bring(shop, shop.customer.email, second).status_code == 200

    @pytest.mark.parametrize(("minutes", "status"), [(14, 200), (16, 400)])
    def test_is_good_for_fifteen_minutes(
        self, shop: Shop, clock_set: Clock, letters: Letters, minutes: int, status: int
    ) -> None:
        ask(shop, shop.customer.email)
        code = letters.code(shop.customer.email)
        clock_set.pass_(minutes=minutes)

        assert bring(shop, shop.customer.email, code).status_code == status

    def test_may_be_typed_with_a_blank(self, shop: Shop, code: str) -> None:
        assert bring(shop, shop.customer.email, f" {code[:3]} {code[3:]} ").status_code == 200

    @pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12345\0"])
    def test_that_is_none_is_refused_by_its_form(self, shop: Shop, code: str) -> None:
        answer = bring(shop, shop.customer.email, code)

        assert (answer.status_code, list(answer.json["errors"])) == (400, ["code"])

    def test_is_kept_as_a_digest_once_it_is_mailed(self, shop: Shop, code: str) -> None:
        with shop.app.app_context():
            kept = db.session.scalars(
                select(OneTimeCode)
                .where(OneTimeCode.address_digest == codes.address_digest(shop.customer.email))
                .order_by(OneTimeCode.id.desc())
            ).first()

        assert kept is not None
        assert kept.sealed is None
        assert code.encode() not in (kept.code_digest or b"")

    def test_goes_to_an_address_five_times_an_hour(
        self, shop: Shop, clock_set: Clock, letters: Letters
    ) -> None:
        email = shop.mechanic.email
        answers = [ask(shop, email).status_code for _ in range(6)]
        at_first, last = len(letters.to(email)), letters.code(email)
        clock_set.pass_(minutes=61)
        again = ask(shop, email).status_code

        assert (answers, again) == ([200] * 5 + [429], 200)
        assert (at_first, len(letters.to(email))) == (5, 6)
        assert letters.code(email) != last

    def test_is_not_made_void_by_the_sixth_that_is_refused(
        self, shop: Shop, clock_set: Clock, letters: Letters
    ) -> None:
        email = shop.mechanic.email
        for _ in range(6):
            ask(shop, email)

        assert bring(shop, email, letters.code(email)).status_code == 200

    def test_for_known_and_unknown_addresses_is_refused_alike(self, shop: Shop, clock_set: Clock) -> None:
        told = []
        for email in (shop.mechanic.email, f"{unique('nobody')}@example.com"):
            for _ in range(5):
                ask(shop, email)
                clock_set.pass_(minutes=1)
            with statements(shop.app) as seen:
                refused = ask(shop, email)
            told.append((refused.status_code, refused.json["code"], refused.headers["Retry-After"], seen))

        assert told[0] == told[1]
        assert told[0][:3] == (429, "too_many_codes", "3300")


class TestATokenForANewPassword:
    @pytest.fixture
    def token(self, shop: Shop, letters: Letters, clock_set: Clock) -> str:
        ask(shop, shop.customer.email)
        answer = bring(shop, shop.customer.email, letters.code(shop.customer.email))
        assert answer.json["expires_in"] == 300
        return str(answer.json["reset_token"])

    def test_goes_once(self, shop: Shop, token: str) -> None:
        assert [finish(shop, token).status_code for _ in range(2)] == [200, 400]

    @pytest.mark.parametrize(("minutes", "status"), [(4, 200), (6, 400)])
    def test_is_good_for_five_minutes(
        self, shop: Shop, clock_set: Clock, token: str, minutes: int, status: int
    ) -> None:
        clock_set.pass_(minutes=minutes)

        assert finish(shop, token).status_code == status

    def test_is_not_spent_on_a_password_that_is_refused(self, shop: Shop, token: str) -> None:
        short = finish(shop, token, "short")

        assert told(short) == (400, "password_too_short")
        assert finish(shop, token).status_code == 200

    @pytest.mark.parametrize("token", ["x", "' OR 1=1 --", "żółw", "a" * 200])
    def test_that_nobody_gave_is_refused(self, shop: Shop, token: str) -> None:
        assert told(finish(shop, token)) == REFUSED

    def test_is_worth_nothing_once_the_account_is_closed(self, shop: Shop, token: str) -> None:
        assert shop.customer.delete("/customers").status_code == 200

        assert told(finish(shop, token)) == REFUSED


class TestChangingAPassword:
    def change(self, caller: Caller, present: str = PASSWORD, password: str = NEW) -> TestResponse:
        return caller.post("/auth/password", json={"present_password": present, "password": password})

    @pytest.mark.parametrize("role", ["owner", "mechanic", "customer"])
    def test_takes_the_present_one_and_keeps_the_session_that_asks(
        self, shop: Shop, letters: Letters, role: str
    ) -> None:
        person: Caller = getattr(shop, role)

        assert self.change(person).status_code == 200
        assert person.get("/auth/sessions").status_code == 200
        assert [sign_in(shop, person.email, password) for password in (NEW, PASSWORD)] == [200, 401]
        assert len(letters.to(person.email)) == 1

    def test_without_the_present_one_is_refused(self, shop: Shop, letters: Letters) -> None:
        assert told(self.change(shop.owner, present="not-the-password")) == (403, "wrong_password")
        assert sign_in(shop, shop.owner.email, PASSWORD) == 200
        assert letters.to(shop.owner.email) == []


class TestThePolicy:
    @pytest.fixture(autouse=True)
    def strict(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.config, "PASSWORD_MINIMUM_LENGTH", 12)
        monkeypatch.setitem(app.config, "PASSWORD_LEAST_SCORE", 3)

    def change(self, caller: Caller, password: str) -> TestResponse:
        return caller.post("/auth/password", json={"present_password": PASSWORD, "password": password})

    @pytest.mark.parametrize(
        "password", [NEW, "tramwaj nad mokrą łąką", "q" + "8Zr!x2Lm#0vT" * 3, "x2Lm#0vT8Zr!"]
    )
    def test_takes_what_is_long_and_hard_to_guess_whatever_it_is_made_of(
        self, shop: Shop, password: str
    ) -> None:
        assert self.change(shop.owner, password).status_code == 200

    @pytest.mark.parametrize("password", ["Tr0ub4dor&3", "x2Lm#0vT8Z"])
    def test_refuses_what_is_short(self, shop: Shop, password: str) -> None:
        assert told(self.change(shop.owner, password)) == (400, "password_too_short")

    @pytest.mark.parametrize("password", ["password1234", "123456789012", "qwertyuiopas", "aaaaaaaaaaaaaaaa"])
    def test_refuses_what_is_easy_to_guess_and_says_what_would_be_better(
        self, shop: Shop, password: str
    ) -> None:
        refused = self.change(shop.owner, password)

        assert told(refused) == (400, "password_too_easy")
        assert refused.json["errors"]["password"]

    def test_knows_the_persons_own_words(self, shop: Shop) -> None:
        own = shop.mechanic.email.upper()

        assert told(self.change(shop.mechanic, own)) == (400, "password_too_easy")

    def test_takes_no_more_than_128_characters(self, shop: Shop) -> None:
        answers = [
            self.change(shop.owner, NEW + "x" * (length - len(NEW))).status_code for length in (129, 128)
        ]

        assert answers == [400, 200]


def test_old_codes_are_deleted(shop: Shop, letters: Letters) -> None:
    ask(shop, shop.customer.email)
    with shop.app.app_context():
        theirs = OneTimeCode.address_digest == codes.address_digest(shop.customer.email)
        with atomic():
            for code in db.session.scalars(select(OneTimeCode).where(theirs)):
                code.expires_at = datetime.now(UTC) - timedelta(days=2)
        codes.forget_old()

        assert db.session.scalars(select(OneTimeCode.id).where(theirs)).all() == []
