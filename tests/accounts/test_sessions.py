"""Staying signed in: refresh tokens that are good once, sessions that are seen and ended, cookies, another workshop."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.blueprints.accounts import service, sessions, standing
from app.blueprints.accounts.models import AccountSession
from app.core import caching
from app.core.cache_backend import Backend
from app.core.db import atomic
from app.extensions import db
from tests.accounts.browsing import Browser
from tests.applications import AnotherApp
from tests.factories import PASSWORD, Caller, Shop, account_of, registration, unique
from tests.mailing import Clock
from tests.watching import statements

REFUSED = (401, "refresh_refused")


def sign_in(shop: Shop, person: Caller | None = None, **body: Any) -> dict[str, Any]:
    email = (person or shop.customer).email
    answer = shop.nobody.post("/auth/login", json={"email": email, "password": PASSWORD, **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def refresh(shop: Shop, token: str, **options: Any) -> TestResponse:
    return shop.nobody.post("/auth/refresh", json={"refresh_token": token}, **options)


def holding(shop: Shop, answer: dict[str, Any]) -> Caller:
    return Caller(shop.app, headers={"Authorization": f"Bearer {answer['auth_token']}"})


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


class TestSigningIn:
    @pytest.mark.parametrize("field", ["email", "username"])
    @pytest.mark.parametrize("form", [True, False], ids=["form", "JSON"])
    def test_takes_json_and_forms(self, shop: Shop, field: str, form: bool) -> None:
        body = {field: shop.mechanic.email, "password": PASSWORD}

        answer = shop.nobody.open("POST", "/auth/login", **{"data" if form else "json": body})

        assert (answer.status_code, answer.json["role"]) == (200, "mechanic")

    @pytest.mark.parametrize("field", ["phone", "username"])
    @pytest.mark.parametrize("written", ["(415) 555-0132", "+1 415-555-0132", "415 555 0132"])
    def test_by_phone_takes_the_number_however_it_is_written(
        self, shop: Shop, field: str, written: str
    ) -> None:
        shop.customer.patch("/customers", json={"phone": "+14155550132"})

        answer = shop.nobody.post("/auth/login", json={field: written, "password": PASSWORD})

        assert (answer.status_code, answer.json["role"]) == (200, "customer")

    def test_by_a_number_that_two_people_share_is_refused(self, shop: Shop) -> None:
        shop.make_mechanic(phone="+14155550199", password=PASSWORD)
        body = {"phone": "+14155550199", "password": PASSWORD}
        alone = shop.nobody.post("/auth/login", json=body)

        shop.make_mechanic(phone="+14155550199", password=PASSWORD)

        assert alone.status_code == 200
        assert told(shop.nobody.post("/auth/login", json=body)) == (401, "wrong_credentials")

    def test_by_a_number_that_a_customer_shares_the_mechanic_comes_in(self, shop: Shop) -> None:
        mechanic = shop.make_mechanic(phone="+14155550198", password=PASSWORD)
        stranger = registration(phone="+1 415 555 0198", password="another-fine-one")
        assert shop.nobody.post("/customers", json=stranger).status_code == 201
        body = {"phone": "+14155550198"}

        theirs = shop.nobody.post("/auth/login", json={**body, "password": PASSWORD})
        strangers = shop.nobody.post("/auth/login", json={**body, "password": stranger["password"]})

        assert (theirs.status_code, strangers.status_code) == (200, 401)
        assert holding(shop, theirs.json).get("/auth/me").json["account"]["email"] == mechanic.email

    def test_by_phone_knows_the_number_in_the_workshop_named_only(self, shop: Shop, other_shop: Shop) -> None:
        shop.customer.patch("/customers", json={"phone": "+14155550132"})

        answer = other_shop.nobody.post("/auth/login", json={"phone": "+14155550132", "password": PASSWORD})

        assert told(answer) == (401, "wrong_credentials")

    @pytest.mark.parametrize("number", ["12", "no number", "++1", "555-123-4567 ext"])
    def test_by_what_is_no_number_is_merely_unknown(self, shop: Shop, number: str) -> None:
        answer = shop.nobody.post("/auth/login", json={"username": number, "password": PASSWORD})

        assert told(answer) == (401, "wrong_credentials")

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, {"email", "password"}), ({"password": "x"}, {"email"}), ({"email": "a@example.com"}, {"password"}),
            ({"email": "a@example.com", "phone": "555-1234", "password": "x"}, {"phone"}),
            ({"email": "a@example.com", "password": "x", "refresh_in": "pocket"}, {"refresh_in"}),
            ({"email": "a@example.com", "password": "x", "role": "owner"}, {"role"}),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("form", [True, False], ids=["form", "JSON"])
    def test_needs_one_name_and_a_password(
        self, shop: Shop, body: dict[str, str], wrong: set[str], form: bool
    ) -> None:
        answer = shop.nobody.open(
            "POST", "/auth/login", **({"data": body or {"": ""}} if form and body else {"json": body})
        )

        assert answer.status_code == 400
        assert set(answer.json["errors"]) == wrong

    def test_a_form_is_taken_at_the_doors_alone(self, shop: Shop) -> None:
        answer = shop.nobody.open("POST", "/auth/refresh", data={"refresh_token": "x"})

        assert told(answer) == (415, "unsupported_media_type")

    def test_an_empty_form_is_no_body(self, shop: Shop) -> None:
        answer = shop.nobody.open(
            "POST", "/auth/login", data=b"", headers={"Content-Type": "application/x-www-form-urlencoded"}
        )

        assert answer.status_code == 400


class TestRefreshing:
    def test_gives_a_new_pair_each_time(self, shop: Shop) -> None:
        first = sign_in(shop)
        second = refresh(shop, first["refresh_token"]).json
        third = refresh(shop, second["refresh_token"]).json

        tokens = [
            answer[name] for answer in (first, second, third) for name in ("auth_token", "refresh_token")
        ]
        assert len(set(tokens)) == len(tokens)
        assert all(
            holding(shop, answer).get("/customers/my-tickets").status_code == 200 for answer in (first, third)
        )

    def test_a_token_that_comes_a_second_time_ends_the_session(self, shop: Shop) -> None:
        first = sign_in(shop)
        second = refresh(shop, first["refresh_token"]).json

        again = refresh(shop, first["refresh_token"])

        assert told(again) == REFUSED
        assert told(refresh(shop, second["refresh_token"])) == REFUSED
        assert holding(shop, second).get("/customers/my-tickets").status_code == 401

    def test_a_reuse_ends_the_session_even_with_an_idempotency_key_of_its_own(self, shop: Shop) -> None:
        first = sign_in(shop)
        second = refresh(shop, first["refresh_token"]).json

        again = refresh(shop, first["refresh_token"], headers={"Idempotency-Key": unique("key")})

        assert told(again) == REFUSED
        assert told(refresh(shop, second["refresh_token"])) == REFUSED

    def test_one_whose_answer_was_lost_is_answered_again_under_its_idempotency_key(self, shop: Shop) -> None:
        first, key = sign_in(shop), {"Idempotency-Key": unique("key")}

        lost = refresh(shop, first["refresh_token"], headers=key)
        again = refresh(shop, first["refresh_token"], headers=key)

        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json == lost.json
        assert refresh(shop, again.json["refresh_token"]).status_code == 200

    def test_leaves_the_other_sessions_of_the_account_alone(self, shop: Shop) -> None:
        other = sign_in(shop)
        first = sign_in(shop)
        refresh(shop, first["refresh_token"])

        refresh(shop, first["refresh_token"])

        assert refresh(shop, other["refresh_token"]).status_code == 200

    @pytest.mark.parametrize("token", ["x", "a" * 200, "' OR 1=1 --", "żółw"])
    def test_a_token_that_nobody_gave_is_refused(self, shop: Shop, token: str) -> None:
        assert told(refresh(shop, token)) == REFUSED

    @pytest.mark.parametrize("body", [None, {}])
    def test_none_at_all_is_refused(self, shop: Shop, body: Any) -> None:
        assert told(shop.nobody.post("/auth/refresh", json=body)) == REFUSED

    def test_goes_on_for_seven_days_from_the_last_time(self, shop: Shop) -> None:
        start = datetime.now(UTC)
        token = sign_in(shop)["refresh_token"]
        for day in (6, 12, 18):
            with time_machine.travel(start + timedelta(days=day)):
                token = refresh(shop, token).json["refresh_token"]

        with time_machine.travel(start + timedelta(days=26)):
            assert told(refresh(shop, token)) == REFUSED

    def test_tells_what_the_person_is_by_now(self, shop: Shop) -> None:
        answer = sign_in(shop, shop.mechanic)
        shop.owner.delete(f"/mechanics/{shop.mechanic_id}")

        assert told(refresh(shop, answer["refresh_token"])) == REFUSED

    def test_keeps_digests_and_no_token(self, shop: Shop) -> None:
        token = sign_in(shop)["refresh_token"]

        with shop.app.app_context():
            kept = db.session.scalars(
                select(AccountSession).where(AccountSession.refresh_digest == digest(token))
            ).one()

        assert token.encode() not in kept.refresh_digest


class TestLoggingOut:
    @pytest.mark.usefixtures("needs_redis")
    def test_is_seen_at_once_by_every_worker(self, shop: Shop, another_app: AnotherApp) -> None:
        answer = sign_in(shop)
        there = Caller(another_app(), headers={"Authorization": f"Bearer {answer['auth_token']}"})
        before = there.get("/customers/my-tickets").status_code

        holding(shop, answer).post("/auth/logout")

        assert (before, there.get("/customers/my-tickets").status_code) == (200, 401)

    def test_ends_both_tokens_at_once(self, shop: Shop) -> None:
        answer = sign_in(shop)
        before = holding(shop, answer).get("/customers/my-tickets").status_code

        out = holding(shop, answer).post("/auth/logout")

        assert (before, out.status_code) == (200, 200)
        assert holding(shop, answer).get("/customers/my-tickets").status_code == 401
        assert told(refresh(shop, answer["refresh_token"])) == REFUSED

    def test_by_the_refresh_token_where_the_other_has_expired(self, shop: Shop) -> None:
        answer = sign_in(shop)

        out = shop.nobody.post("/auth/logout", json={"refresh_token": answer["refresh_token"]})

        assert out.status_code == 200
        assert holding(shop, answer).get("/customers/my-tickets").status_code == 401

    def test_by_the_refresh_token_though_one_that_has_expired_is_sent_too(
        self, shop: Shop, clock_set: Clock
    ) -> None:
        answer = sign_in(shop)
        caller = holding(shop, answer)
        clock_set.pass_(minutes=31)
        body = {"refresh_token": answer["refresh_token"]}

        assert [told(caller.post("/auth/logout")), told(caller.get("/auth/me"))] == [
            (401, "not_signed_in")
        ] * 2
        assert caller.post("/auth/logout", json=body).status_code == 200
        assert told(refresh(shop, answer["refresh_token"])) == REFUSED

    @pytest.mark.parametrize("body", [None, {}, {"refresh_token": "x"}])
    def test_by_nothing_good_is_refused(self, shop: Shop, body: Any) -> None:
        assert told(shop.nobody.post("/auth/logout", json=body)) == (401, "not_signed_in")

    def test_a_second_time_is_refused(self, shop: Shop) -> None:
        caller = holding(shop, sign_in(shop))

        assert [caller.post("/auth/logout").status_code for _ in range(2)] == [200, 401]

    def test_a_token_that_was_ended_is_refused_without_a_statement(self, shop: Shop) -> None:
        caller = holding(shop, sign_in(shop))
        caller.post("/auth/logout")

        with statements(shop.app) as seen:
            assert caller.get("/auth/sessions").status_code == 401

        assert seen == []

    def test_a_token_that_is_good_costs_no_statement_after_its_first_request(self, shop: Shop) -> None:
        caller = holding(shop, sign_in(shop))
        caller.get("/mechanics/search?name=zzz")

        with statements(shop.app) as seen:
            assert caller.get("/mechanics/search?name=zzz").status_code == 200

        assert seen == []

    def test_an_end_that_overtakes_a_check_is_not_written_over(self, shop: Shop) -> None:
        """Another worker read the database before the end, and notes what it read after it."""
        principal = shop.customer.principal
        assert principal is not None
        with shop.app.app_context():
            found = standing.of(principal)
            sessions.end(principal.account_id, principal.session_id, by="logout")
            assert found is not None
            caching.remember(principal, found)

        assert shop.customer.get("/customers/my-tickets").status_code == 401

    def test_that_one_stands_is_believed_for_a_minute_whatever_its_tokens_live(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So long can an end go unseen whose worker was killed while it could not tell Redis."""
        noted: list[tuple[str, int]] = []
        monkeypatch.setattr(
            Backend, "set", lambda self, key, value, seconds, **how: noted.append((key, seconds))
        )

        caller = holding(shop, sign_in(shop))
        assert caller.get("/auth/sessions").status_code == 200

        assert shop.app.config["TOKEN_MINUTES"] == 30
        assert [seconds for key, seconds in noted if key.startswith("session:")] == [60]


class TestSeeingSessions:
    def test_lists_ones_own_with_where_they_began(self, shop: Shop) -> None:
        answer = shop.nobody.post(
            "/auth/login",
            json={"email": shop.owner.email, "password": PASSWORD},
            headers={"User-Agent": "wrench/1.0" + "x" * 300},
        ).json

        listed = holding(shop, answer).get("/auth/sessions").json

        assert [row["current"] for row in listed].count(True) == 1
        current = next(row for row in listed if row["current"])
        assert (current["address"], current["agent"][:10]) == ("127.0.0.1", "wrench/1.0")
        assert len(listed) == 2  # the one that the shop was made with, too

    def test_has_neither_ended_nor_expired_ones(self, shop: Shop) -> None:
        for _ in range(2):
            holding(shop, sign_in(shop, shop.owner)).post("/auth/logout")
        with shop.app.app_context(), atomic() as session:
            session.add(
                AccountSession(
                    account_id=shop.owner.principal.account_id,  # type: ignore[union-attr]
                    membership_id=shop.owner.principal.membership_id,  # type: ignore[union-attr]
                    refresh_digest=digest(unique("token")),
                    expires_at=datetime.now(UTC) - timedelta(seconds=1),
                )
            )

        assert [row["current"] for row in shop.owner.get("/auth/sessions").json] == [True]

    def test_is_walked_like_every_list(self, shop: Shop) -> None:
        for _ in range(3):
            sign_in(shop, shop.owner)

        first = shop.owner.get("/auth/sessions?per_page=3")
        rest = shop.owner.get(first.headers["Link"].split(">")[0].lstrip("<"))

        assert (len(first.json), len(rest.json)) == (3, 1)

    def test_one_of_ones_own_can_be_ended(self, shop: Shop) -> None:
        elsewhere = sign_in(shop, shop.owner)
        number = next(
            row["id"] for row in holding(shop, elsewhere).get("/auth/sessions").json if row["current"]
        )

        answers = [shop.owner.delete(f"/auth/sessions/{number}") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 404]
        assert holding(shop, elsewhere).get("/customers?per_page=1").status_code == 401
        assert shop.owner.get("/customers?per_page=1").status_code == 200

    @pytest.mark.parametrize("other", ["mechanic", "customer"])
    def test_anothers_looks_missing(self, shop: Shop, other: str) -> None:
        theirs = getattr(shop, other).principal.session_id

        assert told(shop.owner.delete(f"/auth/sessions/{theirs}")) == (404, "session_not_found")
        assert getattr(shop, other).get("/auth/sessions").status_code == 200


class TestAnotherPassword:
    def test_ends_the_other_sessions_and_keeps_the_one_that_changed_it(self, shop: Shop) -> None:
        elsewhere = sign_in(shop)

        shop.customer.patch("/customers", json={"password": "another-fine-one"})

        assert told(refresh(shop, elsewhere["refresh_token"])) == REFUSED
        assert holding(shop, elsewhere).get("/customers/my-tickets").status_code == 401
        assert shop.customer.get("/customers/my-tickets").status_code == 200

    def test_given_by_the_owner_ends_all_of_a_mechanics(self, shop: Shop) -> None:
        shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json={"password": "another-fine-one"})

        assert shop.mechanic.get("/inventory").status_code == 401


@pytest.fixture
def browser(shop: Shop) -> Browser:
    return Browser(shop)


class TestCookies:
    def test_hold_the_refresh_token_where_scripts_cannot_read_it(self, browser: Browser) -> None:
        answer = browser.sign_in()

        kept, readable = answer.headers.getlist("Set-Cookie")
        assert "refresh_token" not in answer.json
        assert kept.startswith("refresh_token=")
        assert all(part in kept for part in ("; HttpOnly", "; Secure", "; SameSite=Strict", "; Path=/auth"))
        assert readable.startswith(f"csrf_token={answer.json['csrf_token']};")
        assert "HttpOnly" not in readable
        assert "; Secure" in readable

    def test_are_rotated_with_each_refresh(self, browser: Browser) -> None:
        browser.sign_in()

        first = browser.post("/auth/refresh", csrf=browser.csrf)
        second = browser.post("/auth/refresh", csrf=first.json["csrf_token"])

        assert (first.status_code, second.status_code) == (200, 200)
        assert "refresh_token" not in second.json

    @pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
    @pytest.mark.parametrize("csrf", [None, "", "x", "żółw"])
    def test_do_nothing_without_their_csrf_token(self, browser: Browser, path: str, csrf: str | None) -> None:
        browser.sign_in()

        refused = browser.post(path, csrf=csrf.encode().decode("latin-1") if csrf else csrf)

        assert told(refused) == (403, "csrf_refused")
        assert browser.post("/auth/refresh", csrf=browser.csrf).status_code == 200

    def test_do_nothing_with_the_csrf_token_of_another_session(self, browser: Browser, shop: Shop) -> None:
        browser.sign_in()
        another = Browser(shop)
        another.sign_in()

        assert told(browser.post("/auth/refresh", csrf=another.csrf)) == (403, "csrf_refused")

    def test_are_taken_back_at_logging_out(self, browser: Browser) -> None:
        browser.sign_in()

        out = browser.post("/auth/logout", csrf=browser.csrf)

        assert out.status_code == 200
        assert all("Max-Age=0" in cookie for cookie in out.headers.getlist("Set-Cookie"))
        assert told(browser.post("/auth/refresh", csrf=browser.csrf)) == REFUSED

    def test_are_taken_back_though_the_access_token_that_is_sent_has_expired(self, browser: Browser) -> None:
        browser.sign_in()
        browser.client.environ_base["HTTP_AUTHORIZATION"] = "Bearer expired"

        out = browser.post("/auth/logout", csrf=browser.csrf)

        assert out.status_code == 200
        assert all("Max-Age=0" in cookie for cookie in out.headers.getlist("Set-Cookie"))
        assert told(browser.post("/auth/refresh", csrf=browser.csrf)) == REFUSED

    @pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
    def test_that_are_not_good_any_more_are_taken_back(self, browser: Browser, path: str) -> None:
        browser.sign_in()
        taken = browser.client.get_cookie("refresh_token", path="/auth", domain="shop.example.com")
        assert taken is not None
        browser.post("/auth/logout", csrf=browser.csrf)
        browser.client.set_cookie(
            "refresh_token", taken.value, path="/auth", domain="shop.example.com", secure=True
        )

        refused = browser.post(path, csrf=browser.csrf)

        assert refused.status_code == 401
        forgotten = refused.headers.getlist("Set-Cookie")
        assert [cookie.split("=")[0] for cookie in forgotten] == ["refresh_token", "csrf_token"]
        assert all("Max-Age=0" in cookie for cookie in forgotten)

    def test_are_not_given_to_a_form_that_any_page_could_send(self, shop: Shop) -> None:
        body = {"username": shop.customer.email, "password": PASSWORD, "refresh_in": "cookie"}

        answer = shop.nobody.open("POST", "/auth/login", data=body)

        assert (answer.status_code, list(answer.json["errors"])) == (400, ["refresh_in"])
        assert "Set-Cookie" not in answer.headers

    def test_go_to_another_site_where_the_installation_says_so(
        self, shop: Shop, another_app: AnotherApp
    ) -> None:
        app = another_app(COOKIE_SAMESITE="None", CORS_ORIGINS=["https://front.example"])
        answer = app.test_client().post(
            "/auth/login",
            json={"email": shop.customer.email, "password": PASSWORD, "refresh_in": "cookie"},
            headers={"X-Workshop": shop.slug, "Origin": "https://front.example"},
        )

        assert "; SameSite=None" in answer.headers["Set-Cookie"]
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert answer.headers["Access-Control-Allow-Origin"] == "https://front.example"


class TestSwitching:
    @pytest.fixture
    def there(self, shop: Shop, other_shop: Shop) -> Shop:
        """Another workshop in which the first one's owner is a customer."""
        with other_shop.inside():
            customer = other_shop.make_customer()
            service.join(other_shop.id, account_of(shop.owner.email), "customer", customer_id=customer.id)
        return other_shop

    def sign_in(self, shop: Shop) -> dict[str, Any]:
        return sign_in(shop, shop.owner)

    def test_gives_a_token_for_the_other_workshop_and_ends_the_one_before(
        self, shop: Shop, there: Shop
    ) -> None:
        here = self.sign_in(shop)
        before = holding(shop, here).get("/customers?per_page=1").status_code

        moved = holding(shop, here).post("/auth/switch", json={"workshop": there.slug})

        assert (before, moved.status_code, moved.json["role"]) == (200, 200, "customer")
        assert holding(shop, moved.json).get("/customers/my-tickets").status_code == 200
        assert holding(shop, moved.json).get("/customers?per_page=1").status_code == 403
        assert holding(shop, here).get("/customers?per_page=1").status_code == 401
        assert holding(shop, moved.json).get("/customers/my-tickets").status_code == 200

    def test_holds_when_the_session_is_refreshed(self, shop: Shop, there: Shop) -> None:
        here = self.sign_in(shop)
        holding(shop, here).post("/auth/switch", json={"workshop": there.slug})

        assert refresh(shop, here["refresh_token"]).json["role"] == "customer"

    def test_and_back(self, shop: Shop, there: Shop) -> None:
        moved = holding(shop, self.sign_in(shop)).post("/auth/switch", json={"workshop": there.slug}).json

        back = holding(shop, moved).post("/auth/switch", json={"workshop": shop.slug}).json

        assert back["role"] == "owner"
        assert holding(shop, back).get("/customers?per_page=1").status_code == 200

    def test_to_where_one_is_nothing_looks_like_to_where_nothing_is(
        self, shop: Shop, other_shop: Shop
    ) -> None:
        caller = holding(shop, self.sign_in(shop))

        answers = [
            caller.post("/auth/switch", json={"workshop": slug}) for slug in (other_shop.slug, "no-such-shop")
        ]

        assert [told(answer) for answer in answers] == [(404, "workshop_not_found")] * 2
        assert answers[0].json["detail"] == answers[1].json["detail"]


class TestRegistering:
    BODY: dict[str, Any] = {  # noqa: RUF012 - never changed
        "workshop": {
            "name": "Ada's Garage",
            "country": "PL",
            "currency": "PLN",
            "time_zone": "Europe/Warsaw",
        },
        "password": "an-uncommon-pair-of-pliers",
    }

    def body(self, **overrides: Any) -> dict[str, Any]:
        slug = unique("adas-")
        workshop = {**self.BODY["workshop"], "slug": slug}
        return {**self.BODY, "email": f"ada@{slug}.example.com", **overrides, "workshop": workshop}

    def test_opens_a_workshop_and_signs_its_owner_in(self, shop: Shop) -> None:
        answer = shop.nobody.post("/auth/register", json=self.body())

        assert (answer.status_code, answer.json["role"]) == (201, "owner")
        owner = holding(shop, answer.json)
        assert owner.get("/customers").json == []
        assert owner.post("/inventory", json={"name": "Oil", "price": 1}).status_code == 201
        assert refresh(shop, answer.json["refresh_token"]).status_code == 200

    def test_gives_the_refresh_token_in_the_cookie_to_a_browser(self, shop: Shop) -> None:
        answer = shop.nobody.post("/auth/register", json=self.body(refresh_in="cookie"))

        assert answer.status_code == 201
        assert "refresh_token" not in answer.json
        assert answer.headers.getlist("Set-Cookie")[1].startswith(f"csrf_token={answer.json['csrf_token']};")

    def test_is_closed_where_the_installation_says_so(self, another_app: AnotherApp) -> None:
        newcomer = Caller(another_app(OPEN_REGISTRATION=False))

        assert told(newcomer.post("/auth/register", json=self.body())) == (403, "registration_closed")

    def test_leaves_nothing_where_the_address_is_anothers(self, shop: Shop) -> None:
        body = self.body(email=shop.owner.email)

        refused = shop.nobody.post("/auth/register", json=body)
        again = shop.nobody.post("/auth/register", json={**body, "email": f"{unique('ada')}@example.com"})

        assert told(refused) == (409, "email_taken")
        assert again.status_code == 201

    def test_a_slug_goes_once(self, shop: Shop) -> None:
        body = self.body()
        shop.nobody.post("/auth/register", json=body)

        again = shop.nobody.post("/auth/register", json={**body, "email": f"{unique('ada')}@example.com"})

        assert told(again) == (409, "slug_taken")


def test_old_sessions_are_forgotten_with_their_tokens(app: Flask, shop: Shop) -> None:
    ended, expired, kept_on = (sign_in(shop, shop.owner) for _ in range(3))
    holding(shop, ended).post("/auth/logout")
    with app.app_context():
        numbers = {
            name: db.session.scalar(
                select(AccountSession.id).where(
                    AccountSession.refresh_digest == digest(answer["refresh_token"])
                )
            )
            for name, answer in (("ended", ended), ("expired", expired), ("standing", kept_on))
        }
        with atomic():
            row = db.session.get_one(AccountSession, numbers["expired"])
            row.expires_at = datetime.now(UTC) - timedelta(days=31)
            row = db.session.get_one(AccountSession, numbers["ended"])
            row.ended_at = datetime.now(UTC) - timedelta(days=31)

        gone = sessions.forget_old()

        assert gone >= 2
        kept = db.session.scalars(
            select(AccountSession.id).where(AccountSession.id.in_(numbers.values()))
        ).all()
        left = {name for name, number in numbers.items() if number in kept}
        assert left == {"standing"}
        assert refresh(shop, kept_on["refresh_token"]).status_code == 200
