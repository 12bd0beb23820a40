"""The second factor: set up with an app, asked for at every door, good once a code, and never gone round."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from app.blueprints.accounts import challenges, second_factor, tries
from app.blueprints.accounts.models import RecoveryCode, SecondFactor, SignInChallenge
from app.core import rotation
from app.core.audit import AuditEntry
from app.extensions import db
from tests.accounts.letters import Letters
from tests.accounts.test_recovery import NEW
from tests.factories import PASSWORD, Caller, Shop, account_of, fields_of, unique
from tests.mailing import Clock
from tests.second_factors import App, begin, switch_on
from tests.watching import statements

DOORS = ["/auth/login", "/customers/login", "/mechanics/login"]


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def sign_in(shop: Shop, email: str, *, door: str = "/auth/login", **beside: Any) -> TestResponse:
    return shop.nobody.post(door, json={"email": email, "password": PASSWORD, **beside})


def challenged(shop: Shop, email: str) -> str:
    challenge: str = sign_in(shop, email).json["challenge"]
    return challenge


def go_on(shop: Shop, challenge: str, **shown: Any) -> TestResponse:
    return shop.nobody.post("/auth/login/second_factor", json={"challenge": challenge, **shown})


def actions(shop: Shop) -> list[str]:
    with shop.inside():
        return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence)))


pytestmark = pytest.mark.usefixtures("nothing_counted")


@pytest.fixture
def phone(shop: Shop, clock_set: Clock) -> App:
    """The customer's app, with their second factor switched on a moment ago."""
    made = switch_on(shop.customer, clock_set)
    clock_set.pass_(seconds=30)
    return made


class TestSettingItUp:
    @pytest.mark.parametrize("role", ["owner", "mechanic", "customer"])
    def test_goes_by_an_app_and_gives_ten_codes(self, shop: Shop, clock_set: Clock, role: str) -> None:
        person: Caller = getattr(shop, role)
        before = person.get("/auth/second_factor").json

        app = switch_on(person, clock_set)

        assert before == {
            "enabled": False, "required": False, "enabled_at": None, "recovery_codes_left": 0,
        }  # fmt: skip
        after = person.get("/auth/second_factor").json
        assert (after["enabled"], after["required"], after["recovery_codes_left"]) == (True, False, 10)
        assert len(set(app.recovery_codes)) == 10
        assert all(len(code.replace("-", "")) == 12 for code in app.recovery_codes)

    def test_shows_the_secret_as_apps_take_it(self, shop: Shop) -> None:
        begun = begin(shop.customer).json

        uri = urlsplit(begun["uri"])
        said = {name: values[0] for name, values in parse_qs(uri.query).items()}
        assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
        assert unquote(uri.path) == f"/{shop.slug.title()}:{shop.customer.email}"
        assert said == {"secret": begun["secret"], "issuer": shop.slug.title()}
        assert len(begun["secret"]) == 32  # 160 bits, as RFC 4226 recommends
        assert begun["qr_code"].startswith("data:image/svg+xml")
        assert "%3Csvg" in begun["qr_code"]

    def test_a_secret_that_is_not_confirmed_is_not_asked_for_and_may_be_begun_anew(
        self, shop: Shop, clock_set: Clock
    ) -> None:
        first, second = (
            App(begin(shop.customer).json["secret"], clock_set),
            begin(shop.customer).json["secret"],
        )

        refused = shop.customer.post("/auth/second_factor/confirmation", {"code": first.code})
        signed_in = sign_in(shop, shop.customer.email)

        assert first.secret != second
        assert told(refused) == (400, "code_refused")
        assert signed_in.status_code == 200
        assert shop.customer.get("/auth/second_factor").json["enabled"] is False

    def test_that_was_begun_a_day_ago_is_forgotten_and_one_that_is_on_is_not(
        self, shop: Shop, phone: App, clock_set: Clock
    ) -> None:
        begin(shop.mechanic)
        clock_set.pass_(hours=25)

        with shop.app.app_context():
            second_factor.forget_begun()

        kept = sign_in(shop, shop.customer.email)
        with shop.app.app_context():
            begun = db.session.get(SecondFactor, account_of(shop.mechanic.email).id)
        assert told(kept) == (401, "second_factor_required")
        assert begun is None

    def test_needs_the_password_and_counts_wrong_ones(self, shop: Shop, clock_set: Clock) -> None:
        answers = [told(begin(shop.customer, password="wrong")) for _ in range(4)]

        assert answers == [(403, "wrong_password")] * 4
        assert told(begin(shop.customer)) == (429, "too_many_tries")

    def test_twice_is_a_conflict(self, shop: Shop, phone: App) -> None:
        assert told(begin(shop.customer)) == (409, "second_factor_on")
        again = shop.customer.post("/auth/second_factor/confirmation", {"code": phone.code})
        assert told(again) == (409, "second_factor_on")

    def test_is_confirmed_only_once_begun(self, shop: Shop) -> None:
        answer = shop.customer.post("/auth/second_factor/confirmation", {"code": "123456"})

        assert told(answer) == (404, "second_factor_not_found")

    def test_ends_the_sessions_that_have_shown_none(self, shop: Shop, clock_set: Clock) -> None:
        elsewhere = sign_in(shop, shop.customer.email).json
        bearer = {"Authorization": f"Bearer {elsewhere['auth_token']}"}
        assert shop.nobody.get("/auth/sessions", headers=bearer).status_code == 200

        switch_on(shop.customer, clock_set)

        assert shop.nobody.get("/auth/sessions", headers=bearer).status_code == 401
        carried_on = shop.nobody.post("/auth/refresh", {"refresh_token": elsewhere["refresh_token"]})
        assert told(carried_on) == (401, "refresh_refused")
        assert shop.customer.get("/auth/sessions").status_code == 200

    def test_is_told_by_mail_and_in_the_log(self, shop: Shop, letters: Letters, clock_set: Clock) -> None:
        app = switch_on(shop.customer, clock_set)

        (letter,) = letters.to(shop.customer.email)
        assert "your authenticator app" in " ".join(letter.split())
        assert app.secret not in letter
        assert actions(shop)[-2:] == ["account.second_factor_begun", "account.second_factor_on"]

    @pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "१२३४५६", "", None, 123456, ["123456"]])
    def test_odd_codes_are_refused(self, shop: Shop, code: Any) -> None:
        begin(shop.customer)

        answer = shop.customer.post("/auth/second_factor/confirmation", {"code": code})

        assert told(answer) == (400, "invalid_request")


class TestSigningIn:
    @pytest.mark.parametrize("door", DOORS)
    def test_stops_at_every_door_until_a_code_is_shown(self, shop: Shop, phone: App, door: str) -> None:
        stopped = sign_in(shop, shop.customer.email, door=door)
        done = go_on(shop, stopped.json["challenge"], code=phone.code)

        assert told(stopped) == (401, "second_factor_required")
        assert not {"auth_token", "refresh_token"} & set(stopped.json)
        assert done.status_code == 200
        assert (done.json["status"], done.json["role"]) == ("success", "customer")
        bearer = {"Authorization": f"Bearer {done.json['auth_token']}"}
        assert shop.nobody.get("/customers/my-tickets", headers=bearer).status_code == 200

    @pytest.mark.parametrize("door", DOORS)
    def test_takes_the_code_beside_the_password(self, shop: Shop, phone: App, door: str) -> None:
        assert sign_in(shop, shop.customer.email, door=door, second_factor_code=phone.code).status_code == 200

    def test_by_a_form_too(self, shop: Shop, phone: App) -> None:
        form = {"username": shop.customer.email, "password": PASSWORD}

        stopped = shop.nobody.open("POST", "/auth/login", data=form)
        done = shop.nobody.open("POST", "/auth/login", data={**form, "second_factor_code": phone.code})

        assert told(stopped) == (401, "second_factor_required")
        assert done.status_code == 200

    def test_by_phone_number_too(self, shop: Shop, phone: App) -> None:
        stopped = shop.nobody.post("/auth/login", json={"phone": "555-123-0000", "password": PASSWORD})

        assert told(stopped) == (401, "second_factor_required")
        assert go_on(shop, stopped.json["challenge"], code=phone.code).status_code == 200

    def test_can_put_the_refresh_token_into_the_cookie(self, shop: Shop, phone: App) -> None:
        done = go_on(shop, challenged(shop, shop.customer.email), code=phone.code, refresh_in="cookie")

        assert "refresh_token" not in done.json
        assert any(cookie.startswith("refresh_token=") for cookie in done.headers.getlist("Set-Cookie"))

    def test_a_wrong_password_says_nothing_of_it(self, shop: Shop, phone: App) -> None:
        answer = shop.nobody.post("/auth/login", json={"email": shop.customer.email, "password": "wrong"})

        assert told(answer) == (401, "wrong_credentials")

    def test_a_code_that_nobody_asked_for_is_passed_over(self, shop: Shop) -> None:
        assert sign_in(shop, shop.customer.email, second_factor_code="123456").status_code == 200

    def test_goes_by_the_same_statements_where_there_is_none(self, shop: Shop) -> None:
        with statements(shop.app) as seen:
            sign_in(shop, shop.customer.email)

        assert not [
            one for one in seen if one.lstrip().startswith(("INSERT INTO sign_in", "SELECT second_factors"))
        ]
        assert len(seen) <= 7  # on PostgreSQL; one of them is the turn

    @pytest.mark.parametrize(("seconds", "status"), [(-60, 401), (-30, 200), (0, 200), (30, 200), (60, 401)])
    def test_a_clock_may_be_one_step_off(
        self, shop: Shop, phone: App, clock_set: Clock, seconds: int, status: int
    ) -> None:
        clock_set.pass_(minutes=10)
        code = phone.code_in(seconds)

        assert sign_in(shop, shop.customer.email, second_factor_code=code).status_code == status

    def test_the_codes_are_those_of_the_standard(self, shop: Shop, phone: App, clock_set: Clock) -> None:
        """RFC 6238, with SHA-1, six digits and steps of 30 seconds, by another implementation of it."""
        import base64
        import hashlib
        import hmac

        step = int(clock_set.now().timestamp()) // 30
        digest = hmac.digest(base64.b32decode(phone.secret), step.to_bytes(8, "big"), hashlib.sha1)
        place = digest[-1] & 15
        code = (int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF) % 10**6

        assert sign_in(shop, shop.customer.email, second_factor_code=f"{code:06d}").status_code == 200


class TestACode:
    def test_is_good_once(self, shop: Shop, phone: App) -> None:
        answers = [sign_in(shop, shop.customer.email, second_factor_code=phone.code) for _ in range(2)]

        assert answers[0].status_code == 200
        assert told(answers[1]) == (401, "second_factor_refused")

    def test_is_not_good_once_a_later_one_was_used(self, shop: Shop, phone: App) -> None:
        earlier, later = phone.code, phone.code_in(30)

        assert sign_in(shop, shop.customer.email, second_factor_code=later).status_code == 200
        assert told(sign_in(shop, shop.customer.email, second_factor_code=earlier))[0] == 401

    def test_that_switched_it_on_does_not_sign_in(self, shop: Shop, clock_set: Clock) -> None:
        app = switch_on(shop.customer, clock_set)

        assert told(sign_in(shop, shop.customer.email, second_factor_code=app.code))[0] == 401

    def test_of_somebody_else_is_not_good(self, shop: Shop, phone: App, clock_set: Clock) -> None:
        theirs = switch_on(shop.other_customer, clock_set)

        answer = go_on(shop, challenged(shop, shop.customer.email), code=theirs.code)

        assert told(answer) == (401, "second_factor_refused")


class TestAChallenge:
    def test_is_good_once(self, shop: Shop, phone: App) -> None:
        challenge = challenged(shop, shop.customer.email)

        answers = [go_on(shop, challenge, code=code) for code in (phone.code, phone.code_in(30))]

        assert answers[0].status_code == 200
        assert told(answers[1]) == (401, "challenge_refused")

    @pytest.mark.parametrize(("seconds", "status"), [(299, 200), (301, 401)])
    def test_is_good_for_five_minutes(
        self, shop: Shop, phone: App, clock_set: Clock, seconds: int, status: int
    ) -> None:
        challenge = challenged(shop, shop.customer.email)
        clock_set.pass_(seconds=seconds)

        assert go_on(shop, challenge, code=phone.code).status_code == status

    @pytest.mark.parametrize(("wrong", "outcome"), [(4, 200), (5, 401)])
    def test_is_good_for_five_tries(
        self, shop: Shop, phone: App, clock_set: Clock, wrong: int, outcome: int
    ) -> None:
        challenge = challenged(shop, shop.customer.email)
        for _ in range(wrong):
            assert told(go_on(shop, challenge, code=phone.wrong)) == (401, "second_factor_refused")
            clock_set.pass_(seconds=10)

        last = go_on(shop, challenge, code=phone.code)

        assert last.status_code == outcome
        assert last.json.get("code", "") == ("challenge_refused" if outcome == 401 else "")

    def test_that_nobody_was_given_is_refused(self, shop: Shop, phone: App) -> None:
        assert told(go_on(shop, "made-up", code=phone.code)) == (401, "challenge_refused")

    @pytest.mark.parametrize(
        "shown", [{}, {"code": "123456", "recovery_code": "k7wq"}, {"code": "12"}, {"recovery_code": ""}, {"code": None}]
    )  # fmt: skip
    def test_is_taken_with_one_code(self, shop: Shop, phone: App, shown: dict[str, Any]) -> None:
        assert told(go_on(shop, challenged(shop, shop.customer.email), **shown)) == (400, "invalid_request")

    def test_is_told_of_a_code_that_is_none_what_is_wrong_and_not_that_it_is_missing(
        self, shop: Shop, phone: App
    ) -> None:
        refused = go_on(shop, challenged(shop, shop.customer.email), code="12")

        assert refused.json["errors"] == {"code": ["A code has six digits."]}

    def test_is_kept_as_a_digest(self, shop: Shop, phone: App) -> None:
        challenge = challenged(shop, shop.customer.email)

        with shop.app.app_context():
            kept = db.session.scalars(select(SignInChallenge.digest)).all()
        assert challenge.encode() not in b"".join(kept)

    def test_ends_with_the_password(self, shop: Shop, phone: App) -> None:
        challenge = challenged(shop, shop.customer.email)
        shop.customer.post("/auth/password", {"present_password": PASSWORD, "password": NEW})

        assert told(go_on(shop, challenge, code=phone.code)) == (401, "challenge_refused")

    def test_ends_with_the_membership(self, shop: Shop, clock_set: Clock) -> None:
        app = switch_on(shop.mechanic, clock_set)
        challenge = challenged(shop, shop.mechanic.email)
        clock_set.pass_(seconds=30)

        assert shop.owner.delete(f"/mechanics/{shop.mechanic_id}").status_code == 200

        assert told(go_on(shop, challenge, code=app.code)) == (401, "challenge_refused")

    def test_is_deleted_when_it_is_of_no_use(self, shop: Shop, phone: App, clock_set: Clock) -> None:
        challenged(shop, shop.customer.email)
        clock_set.pass_(minutes=6)

        with shop.app.app_context():
            challenges.forget_old()
            account_id = account_of(shop.customer.email).id

            assert db.session.query(SignInChallenge).filter_by(account_id=account_id).count() == 0


class TestWrongCodes:
    def test_make_the_account_wait_however_it_signs_in(
        self, shop: Shop, phone: App, clock_set: Clock
    ) -> None:
        first, second = challenged(shop, shop.customer.email), challenged(shop, shop.customer.email)
        answers = [told(go_on(shop, first, code=phone.wrong)) for _ in range(2)]
        answers += [
            told(sign_in(shop, shop.customer.email, second_factor_code=phone.wrong)) for _ in range(2)
        ]

        waiting = [
            go_on(shop, second, code=phone.code),
            sign_in(shop, shop.customer.email, second_factor_code=phone.code),
        ]
        clock_set.pass_(seconds=int(waiting[0].headers["Retry-After"]))

        assert answers == [(401, "second_factor_refused")] * 4
        assert [told(answer) for answer in waiting] == [(429, "too_many_tries")] * 2
        assert go_on(shop, second, code=phone.code).status_code == 200

    def test_are_not_forgotten_by_the_right_password_nor_by_recovering(
        self, shop: Shop, phone: App, clock_set: Clock, letters: Letters
    ) -> None:
        for _ in range(4):
            sign_in(shop, shop.customer.email, second_factor_code=phone.wrong)
        challenge = challenged(shop, shop.customer.email)
        recovered(shop, shop.customer.email, letters)

        assert told(go_on(shop, challenge, code=phone.code)) == (401, "challenge_refused")
        again = shop.nobody.post(
            "/auth/login",
            json={"email": shop.customer.email, "password": NEW, "second_factor_code": phone.code},
        )
        assert told(again) == (429, "too_many_tries")

    def test_are_forgotten_by_signing_in(self, shop: Shop, phone: App, clock_set: Clock) -> None:
        for _ in range(2):
            challenge = challenged(shop, shop.customer.email)
            assert [go_on(shop, challenge, code=phone.wrong).status_code for _ in range(3)] == [401] * 3
            assert go_on(shop, challenge, code=phone.code).status_code == 200
            clock_set.pass_(seconds=30)

    def test_sent_with_a_key_are_counted_too(self, shop: Shop, phone: App) -> None:
        body = {"challenge": challenged(shop, shop.customer.email), "code": phone.wrong}
        for _ in range(4):
            shop.nobody.post("/auth/login/second_factor", body, headers={"Idempotency-Key": unique("key")})

        assert told(go_on(shop, body["challenge"], code=phone.code)) == (429, "too_many_tries")

    def test_ten_of_them_lock_and_are_told_by_mail(
        self, shop: Shop, phone: App, clock_set: Clock, letters: Letters
    ) -> None:
        answers = []
        for _ in range(10):
            clock_set.pass_(minutes=2)
            answers.append(told(sign_in(shop, shop.customer.email, second_factor_code=phone.wrong)))
        locked = sign_in(shop, shop.customer.email, second_factor_code=phone.code)

        assert answers == [(401, "second_factor_refused")] * 10
        assert (told(locked), locked.headers["Retry-After"]) == ((429, "too_many_tries"), "900")
        assert "knows your password" in letters.to(shop.customer.email)[-1]

    @pytest.mark.parametrize("beginning", ["", "\x00"])
    def test_are_not_counted_by_who_only_types_what_they_are_counted_by(
        self, shop: Shop, phone: App, beginning: str
    ) -> None:
        with shop.app.app_context():
            name = beginning + tries.second_factor_of(account_of(shop.customer.email).id).removeprefix(
                tries.UNTYPED
            )
        for _ in range(4):
            shop.nobody.post("/auth/login", json={"username": name, "password": "wrong"})

        assert sign_in(shop, shop.customer.email, second_factor_code=phone.code).status_code == 200

    @pytest.mark.parametrize("route", ["recovery_codes", "removal"])
    def test_of_a_stolen_session_are_counted_too(self, shop: Shop, phone: App, route: str) -> None:
        body = {"present_password": PASSWORD, "code": phone.wrong}
        answers = [told(shop.customer.post(f"/auth/second_factor/{route}", body)) for _ in range(4)]

        assert answers == [(400, "code_refused")] * 4
        right = {"present_password": PASSWORD, "code": phone.code}
        assert told(shop.customer.post(f"/auth/second_factor/{route}", right)) == (429, "too_many_tries")


class TestRecoveryCodes:
    def test_each_is_good_once_in_whatever_spelling(self, shop: Shop, phone: App, letters: Letters) -> None:
        email = shop.customer.email
        for code in (phone.recovery_codes[0], phone.recovery_codes[1].upper().replace("-", " ")):
            assert go_on(shop, challenged(shop, email), recovery_code=code).status_code == 200

        again = go_on(shop, challenged(shop, email), recovery_code=phone.recovery_codes[0])

        assert told(again) == (401, "second_factor_refused")
        assert shop.customer.get("/auth/second_factor").json["recovery_codes_left"] == 8
        assert "Codes left: 8." in " ".join(letters.to(email)[-1].split())
        assert actions(shop)[-2:] == ["account.recovery_code_used"] * 2

    def test_of_somebody_else_is_not_good(self, shop: Shop, phone: App, clock_set: Clock) -> None:
        theirs = switch_on(shop.other_customer, clock_set).recovery_codes[0]

        answer = go_on(shop, challenged(shop, shop.customer.email), recovery_code=theirs)

        assert told(answer) == (401, "second_factor_refused")

    def test_are_made_anew_with_password_and_code(self, shop: Shop, phone: App) -> None:
        body = {"present_password": PASSWORD, "code": phone.code}

        made = shop.customer.post("/auth/second_factor/recovery_codes", body).json["recovery_codes"]

        old = go_on(shop, challenged(shop, shop.customer.email), recovery_code=phone.recovery_codes[0])
        new = go_on(shop, challenged(shop, shop.customer.email), recovery_code=made[0])
        assert len(set(made) - set(phone.recovery_codes)) == 10
        assert (old.status_code, new.status_code) == (401, 200)
        assert "account.recovery_codes_renewed" in actions(shop)

    def test_are_not_made_without_a_second_factor(self, shop: Shop) -> None:
        body = {"present_password": PASSWORD, "code": "123456"}

        answer = shop.customer.post("/auth/second_factor/recovery_codes", body)

        assert told(answer) == (404, "second_factor_not_found")

    def test_are_not_made_with_a_wrong_password(self, shop: Shop, phone: App) -> None:
        body = {"present_password": "wrong", "code": phone.code}

        assert told(shop.customer.post("/auth/second_factor/recovery_codes", body)) == (403, "wrong_password")


class TestGivingItUp:
    @pytest.mark.parametrize("by", ["code", "recovery_code"])
    def test_needs_the_password_and_either_code(
        self, shop: Shop, phone: App, letters: Letters, by: str
    ) -> None:
        shown = {"code": phone.code, "recovery_code": phone.recovery_codes[0]}[by]

        wrong = shop.customer.post("/auth/second_factor/removal", {"present_password": "no", by: shown})
        right = shop.customer.post("/auth/second_factor/removal", {"present_password": PASSWORD, by: shown})

        assert told(wrong) == (403, "wrong_password")
        assert right.status_code == 200
        assert sign_in(shop, shop.customer.email).status_code == 200
        assert "password alone" in letters.to(shop.customer.email)[-1]
        assert actions(shop)[-1] == "account.second_factor_off"
        with shop.app.app_context():
            account = account_of(shop.customer.email)
            assert db.session.get(SecondFactor, account.id) is None
            assert db.session.query(RecoveryCode).filter_by(account_id=account.id).count() == 0

    def test_what_is_not_there_cannot_be_given_up(self, shop: Shop) -> None:
        body = {"present_password": PASSWORD, "code": "123456"}

        assert told(shop.customer.post("/auth/second_factor/removal", body)) == (
            404,
            "second_factor_not_found",
        )

    def test_another_one_can_be_set_up_afterwards(self, shop: Shop, phone: App, clock_set: Clock) -> None:
        shop.customer.post("/auth/second_factor/removal", {"present_password": PASSWORD, "code": phone.code})

        another = switch_on(shop.customer, clock_set)

        assert another.secret != phone.secret
        assert told(sign_in(shop, shop.customer.email))[1] == "second_factor_required"

    def test_a_closed_account_keeps_none(self, shop: Shop, phone: App) -> None:
        challenged(shop, shop.customer.email)
        with shop.app.app_context():
            account_id = account_of(shop.customer.email).id

        assert shop.customer.delete("/customers").status_code == 200

        with shop.app.app_context():
            assert db.session.get(SecondFactor, account_id) is None
            assert db.session.query(SignInChallenge).filter_by(account_id=account_id).count() == 0


def recovered(shop: Shop, email: str, letters: Letters) -> None:
    """Set another password by the three steps of recovery."""
    shop.nobody.post("/auth/recovery", json={"email": email})
    token = shop.nobody.post("/auth/recovery/code", json={"email": email, "code": letters.code(email)}).json
    body = {"reset_token": token["reset_token"], "password": NEW}
    assert shop.nobody.post("/auth/recovery/password", json=body).status_code == 200


class TestWaysRoundIt:
    def test_recovering_by_mail_resets_the_password_alone(
        self, shop: Shop, phone: App, letters: Letters
    ) -> None:
        recovered(shop, shop.customer.email, letters)

        answer = shop.nobody.post("/auth/login", json={"email": shop.customer.email, "password": NEW})

        assert told(answer) == (401, "second_factor_required")

    def test_another_password_leaves_it_on(self, shop: Shop, phone: App) -> None:
        shop.customer.patch("/customers", {"password": NEW})

        answer = shop.nobody.post("/auth/login", json={"email": shop.customer.email, "password": NEW})

        assert told(answer) == (401, "second_factor_required")

    def test_another_address_leaves_it_on(self, shop: Shop, phone: App, letters: Letters) -> None:
        email = f"{unique('new')}@example.com"
        shop.customer.patch("/customers", {"email": email})
        for address in (shop.customer.email, email):
            shop.nobody.post("/auth/email/confirmation", json={"token": letters.token(address)})

        assert told(sign_in(shop, email)) == (401, "second_factor_required")

    @pytest.mark.parametrize("beside", [{}, {"second_factor_code": "000000"}], ids=["no code", "a wrong one"])
    def test_opening_a_workshop_needs_it(self, shop: Shop, phone: App, beside: dict[str, str]) -> None:
        if beside:
            beside = {"second_factor_code": phone.wrong}
        slug = unique("new-")
        body = {
            "workshop": {"name": "Ada's", "slug": slug},
            "email": shop.customer.email,
            "password": PASSWORD,
        }

        refused = shop.nobody.post(
            "/auth/register", {**body, **beside}, headers={"Idempotency-Key": unique("key")}
        )
        done = shop.nobody.post("/auth/register", {**body, "second_factor_code": phone.code})

        code = "second_factor_refused" if beside else "second_factor_required"
        assert told(refused) == (401, code)
        assert "challenge" not in refused.json
        assert done.status_code == 201  # the slug is free: the refusal has left nothing

    def test_wrong_codes_at_opening_a_workshop_are_counted(self, shop: Shop, phone: App) -> None:
        body = {
            "workshop": {"name": "Ada's"}, "email": shop.customer.email, "password": PASSWORD,
            "second_factor_code": phone.wrong,
        }  # fmt: skip
        for _ in range(4):
            assert told(shop.nobody.post("/auth/register", body)) == (401, "second_factor_refused")

        assert told(sign_in(shop, shop.customer.email, second_factor_code=phone.code)) == (
            429,
            "too_many_tries",
        )

    def test_joining_another_workshop_gives_no_token(self, shop: Shop, other_shop: Shop, phone: App) -> None:
        body = {"name": "Ada", "email": shop.customer.email, "phone": "555-400-0001", "password": PASSWORD}

        in_threes = f"{phone.code[:3]} {phone.code[3:]}"
        joined = other_shop.nobody.post("/customers", json={**body, "second_factor_code": in_threes})

        assert joined.status_code == 201
        assert "auth_token" not in joined.json
        there = other_shop.nobody.post(
            "/auth/login", json={"email": shop.customer.email, "password": PASSWORD}
        )
        assert told(there) == (401, "second_factor_required")

    @pytest.mark.parametrize("code", ["\uff14" * 6, "é", "49281", "k7wq-3mzt-9hfd"])
    def test_a_code_that_is_none_is_refused_at_every_door_alike(
        self, shop: Shop, other_shop: Shop, phone: App, code: str
    ) -> None:
        person = {"email": shop.customer.email, "password": PASSWORD, "second_factor_code": code}
        doors = {
            "/auth/login": person,
            "/auth/register": {**person, "workshop": {"name": "Ada's"}},
            "/customers": {**person, "name": "Ada", "phone": "555-400-0001"},
            "/invitations/accept": {"token": "x", "password": PASSWORD, "second_factor_code": code},
        }

        answers = [other_shop.nobody.post(path, json=body) for path, body in doors.items()]

        assert [(answer.status_code, fields_of(answer)) for answer in answers] == [
            (400, ["second_factor_code"])
        ] * len(doors)

    def test_a_sign_in_is_not_replayed(self, shop: Shop, phone: App) -> None:
        key = {"Idempotency-Key": unique("key")}
        beside = {"email": shop.customer.email, "password": PASSWORD, "second_factor_code": phone.code}
        after = {"challenge": challenged(shop, shop.customer.email), "code": phone.code_in(30)}

        answers = [shop.nobody.post("/auth/login", beside, headers=key) for _ in range(2)]
        answers += [shop.nobody.post("/auth/login/second_factor", after, headers=key) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 401, 200, 401]
        assert all("Idempotency-Replayed" not in answer.headers for answer in answers)

    def test_a_challenge_is_not_replayed(self, shop: Shop, phone: App) -> None:
        body = {"email": shop.customer.email, "password": PASSWORD}
        key = {"Idempotency-Key": unique("key")}

        answers = [shop.nobody.post("/auth/login", body, headers=key) for _ in range(2)]

        assert [told(answer) for answer in answers] == [(401, "second_factor_required")] * 2
        assert len({answer.json["challenge"] for answer in answers}) == 2
        assert go_on(shop, answers[0].json["challenge"], code=phone.code).status_code == 200

    def test_secrets_are_shown_once_even_to_who_sends_a_key_again(self, shop: Shop, clock_set: Clock) -> None:
        key = {"Idempotency-Key": unique("key")}
        body = {"present_password": PASSWORD}
        begun = [
            shop.customer.post("/auth/second_factor", body, headers=key).json["secret"] for _ in range(2)
        ]
        code = {"code": App(begun[1], clock_set).code}

        answers = [
            shop.customer.post("/auth/second_factor/confirmation", code, headers=key) for _ in range(2)
        ]

        assert begun[0] != begun[1]
        assert answers[0].status_code == 200
        assert told(answers[1]) == (409, "second_factor_on")


class TestWhatIsKept:
    def test_the_secret_is_encrypted_and_rotates(self, app: Flask, shop: Shop, phone: App) -> None:
        with app.app_context():
            account_id = account_of(shop.customer.email).id
            statement = text("SELECT secret FROM second_factors WHERE account_id = :id")
            raw = bytes(db.session.execute(statement, {"id": account_id}).scalar_one())
            rotating = [f"{column.table.name}.{column.name}" for column in rotation.encrypted_columns()]

        assert phone.secret.encode() not in raw
        assert "second_factors.secret" in rotating

    def test_recovery_codes_are_keyed_digests(self, shop: Shop, phone: App) -> None:
        with shop.app.app_context():
            kept = db.session.scalars(select(RecoveryCode.digest)).all()

        assert {len(digest) for digest in kept} == {32}
        assert not any(code.encode() in digest for code in phone.recovery_codes for digest in kept)

    def test_neither_the_log_nor_any_answer_has_the_secret_later(self, shop: Shop, phone: App) -> None:
        shown = json.dumps([shop.customer.get("/auth/second_factor").json, shop.owner.get("/audit").json])

        assert not any(secret in shown for secret in (phone.secret, *phone.recovery_codes))

    def test_a_secret_is_long_enough_and_no_two_are_alike(self) -> None:
        made = {pyotp.random_base32() for _ in range(100)}

        assert len(made) == 100
