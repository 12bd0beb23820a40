"""An admin of the installation: signs in, stays in, is nothing in any workshop, and sees nothing of one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from jose import jwt
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.blueprints.accounts import service as accounts
from app.blueprints.workshops.models import Workshop
from app.core import tenancy
from app.core.db import atomic
from app.core.identity import issue_token
from app.extensions import db
from tests.factories import PASSWORD, Caller, Shop, account_of, unique
from tests.security.matrix import Row, rows
from tests.security.situation import Situation
from tests.watching import statements


def sign_in(app: Flask, email: str, **headers: str) -> TestResponse:
    return Caller(app, headers=headers).post("/auth/login", json={"email": email, "password": PASSWORD})


def holding(app: Flask, answer: TestResponse) -> Caller:
    return Caller(app, headers={"Authorization": f"Bearer {answer.json['auth_token']}"})


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


@pytest.fixture
def owner_and_admin(shop: Shop) -> Caller:
    """The shop's owner, who administers the installation too."""
    with shop.inside(), atomic():
        account_of(shop.owner.email).is_admin = True
    return shop.owner


class TestAnAdmin:
    @pytest.mark.parametrize("door", ["/auth/login", "/mechanics/login", "/customers/login"])
    def test_signs_in_at_every_door(self, app: Flask, admin: Caller, door: str) -> None:
        answer = Caller(app).post(door, json={"email": admin.email, "password": PASSWORD})

        assert (answer.status_code, answer.json["role"]) == (200, "admin")
        assert holding(app, answer).get("/admins").status_code == 200

    def test_is_nothing_in_a_workshop_that_is_named(self, app: Flask, shop: Shop, admin: Caller) -> None:
        answer = sign_in(app, admin.email, **{"X-Workshop": shop.slug})

        assert told(answer) == (401, "wrong_credentials")

    def test_stays_signed_in_by_refreshing(self, app: Flask, admin: Caller) -> None:
        first = sign_in(app, admin.email)

        refreshed = Caller(app).post("/auth/refresh", json={"refresh_token": first.json["refresh_token"]})

        assert (refreshed.status_code, refreshed.json["role"]) == (200, "admin")
        assert holding(app, refreshed).get("/accounts").status_code == 200

    def test_sees_and_ends_their_sessions(self, app: Flask, admin: Caller) -> None:
        other = holding(app, sign_in(app, admin.email))
        shown = other.get("/auth/sessions").json
        (this,) = [session for session in shown if session["current"]]

        ended = admin.delete(f"/auth/sessions/{this['id']}")

        assert len(shown) == 2
        assert ended.status_code == 200
        assert other.get("/admins").status_code == 401

    def test_signs_out(self, app: Flask, admin: Caller) -> None:
        caller = holding(app, sign_in(app, admin.email))

        assert caller.post("/auth/logout", json={}).status_code == 200
        assert told(caller.get("/admins")) == (401, "not_signed_in")

    def test_changes_their_password_which_the_installations_log_says(self, app: Flask, admin: Caller) -> None:
        body = {"present_password": PASSWORD, "password": "wrench-otter-lagoon-42"}

        assert admin.post("/auth/password", json=body).status_code == 200
        (entry,) = admin.get("/audit?per_page=1").json
        assert (entry["action"], entry["role"]) == ("account.sign_in_changed", "admin")

    def test_is_asked_about_in_one_statement(self, app: Flask, admin: Caller) -> None:
        caller = holding(app, sign_in(app, admin.email))

        with statements(app) as first:
            caller.get("/auth/sessions")
        with statements(app) as second:
            caller.get("/auth/sessions")

        assert (len(first), len(second)) == (2, 1)

    def test_keeps_their_idempotency_keys_apart_from_other_admins(
        self, app: Flask, situation: Situation
    ) -> None:
        key = {"Idempotency-Key": unique("key")}
        bodies = [{"email": f"{unique('key-admin')}@example.com"} for _ in range(2)]

        made = [
            caller.post("/admins", json=body, headers=key)
            for caller, body in zip((situation.admin, situation.other_admin), bodies, strict=True)
        ]

        assert [answer.status_code for answer in made] == [201, 201]


class TestWhoIsBoth:
    def test_signs_in_as_what_they_are_in_the_workshop(self, app: Flask, owner_and_admin: Caller) -> None:
        assert sign_in(app, owner_and_admin.email).json["role"] == "owner"

    def test_switches_to_being_an_admin_and_back(
        self, app: Flask, shop: Shop, owner_and_admin: Caller
    ) -> None:
        owner = holding(app, sign_in(app, owner_and_admin.email))

        as_admin = holding(app, owner.post("/auth/switch", json={"workshop": None}))
        seen = as_admin.get("/admins").status_code, as_admin.get("/customers").status_code
        again = holding(app, as_admin.post("/auth/switch", json={"workshop": shop.slug}))

        assert seen == (200, 403)
        assert again.get("/customers").status_code == 200
        assert [one.get("/auth/sessions").status_code for one in (owner, as_admin)] == [200, 401]

    def test_has_no_scope_of_an_admin_as_an_owner(self, app: Flask, owner_and_admin: Caller) -> None:
        owner = holding(app, sign_in(app, owner_and_admin.email))

        assert told(owner.get("/admins")) == (403, "not_allowed")

    def test_nobody_else_switches_to_it(self, shop: Shop) -> None:
        answer = shop.owner.post("/auth/switch", json={"workshop": None})

        assert told(answer) == (403, "not_allowed")
        assert shop.owner.get("/customers").status_code == 200


GUARDED = [row for row in rows() if row.expected["owner"] < 300 and row.expected["nobody"] == 401]
OWN = ("/auth/", "/audit", "/notifications/")


class TestWhatAShopKeeps:
    @pytest.mark.one_database
    @pytest.mark.parametrize("row", [row for row in GUARDED if not row.path.startswith(OWN)], ids=str)
    def test_is_not_for_an_admin(self, situation: Situation, row: Row) -> None:
        assert told(situation.send(situation.admin, row.method, row.path)) == (403, "not_allowed")

    def test_is_not_theirs_to_register_in(self, app: Flask, shop: Shop, admin: Caller) -> None:
        person = {
            "name": "Ada",
            "email": f"{unique('ada')}@example.com",
            "phone": "555-600-0001",
            "password": PASSWORD,
        }

        for headers in ({}, {"X-Workshop": shop.slug}):
            assert told(admin.post("/customers", json=person, headers=headers)) == (403, "not_allowed")

    def test_is_neither_in_their_log_nor_in_their_mail(self, situation: Situation) -> None:
        entries = situation.admin.get("/audit?subject_kind=customer").json
        recipients = [one["recipient"] for one in situation.admin.get("/notifications/log").json]

        assert entries == []
        assert situation.shop.customer.email not in recipients
        resent = situation.admin.post(f"/notifications/{situation.notification_id}/resend", json={})
        assert told(resent) == (404, "notification_not_found")

    def test_is_hidden_by_the_guard_even_from_a_rule_that_forgets_to_ask(self, shop: Shop) -> None:
        from app.blueprints.customers.models import Customer

        with shop.app.app_context(), tenancy.acting_in(tenancy.INSTALLATION):
            assert db.session.scalars(db.select(Customer)).all() == []


class TestTokensThatAreNotOnes:
    def test_of_an_admin_who_is_none_any_more(self, app: Flask, situation: Situation) -> None:
        dismissed = situation.admin.delete(f"/admins/{situation.ids['admin_id']}")

        assert dismissed.status_code == 200
        assert told(situation.other_admin.get("/admins")) == (401, "not_signed_in")

    def test_of_a_member_who_calls_themselves_admin(self, shop: Shop) -> None:
        assert shop.owner.principal is not None
        role: Any = "admin"
        for workshop_id in (shop.id, tenancy.INSTALLATION):
            forged = replace(shop.owner.principal, role=role, workshop_id=workshop_id)
            assert Caller(shop.app, forged).get("/admins").status_code == 401

    def test_of_an_admin_who_says_they_act_in_a_workshop(self, app: Flask, shop: Shop, admin: Caller) -> None:
        with app.app_context():
            kid, key = next(iter(app.config["TOKEN_KEYS"].items()))
            claims = jwt.get_unverified_claims(admin.token) | {"workshop": shop.id}
            token = jwt.encode(claims, key, headers={"kid": kid})

        caller = Caller(app, headers={"Authorization": f"Bearer {token}"})

        assert caller.get("/workshops").status_code == 401

    def test_by_which_a_session_is_neither_a_members_nor_an_admins_are_impossible(
        self, app: Flask, shop: Shop
    ) -> None:
        assert shop.owner.principal is not None
        session_id = shop.owner.principal.session_id

        for change in ("membership_id = NULL", "as_admin = NOT as_admin"):
            with app.app_context(), pytest.raises(DBAPIError), atomic() as session:
                session.execute(text(f"UPDATE account_sessions SET {change} WHERE id = {session_id}"))


class TestThePlaceOfTheInstallation:
    def test_is_no_workshop_to_anybody(self, app: Flask, shop: Shop, admin: Caller) -> None:
        answers = [caller.get("/workshops/0") for caller in (Caller(app), shop.owner, admin)]
        named = sign_in(app, shop.owner.email, **{"X-Workshop": "(installation)"})

        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert told(named) == (404, "workshop_not_found")
        assert "(installation)" not in admin.get("/workshops?state=closed").text

    def test_is_neither_suspended_nor_reinstated(self, admin: Caller) -> None:
        for action in ("suspend", "reinstate"):
            body = {"reason": "x"} if action == "suspend" else None
            assert told(admin.post(f"/workshops/0/{action}", json=body)) == (404, "workshop_not_found")

    def test_cannot_be_opened(self, app: Flask) -> None:
        with app.app_context(), pytest.raises(DBAPIError), atomic():
            db.session.get_one(Workshop, tenancy.INSTALLATION).closed_at = None

    def test_has_no_slug_that_another_could_have(self, app: Flask, admin: Caller) -> None:
        body = {"name": "Taken", "slug": "(installation)", "owner_email": f"{unique('o')}@example.com"}

        assert admin.post("/workshops", json=body).status_code == 400


def test_an_issued_token_says_that_it_acts_in_no_workshop(app: Flask, admin: Caller) -> None:
    assert admin.principal is not None
    with app.app_context():
        claims = jwt.get_unverified_claims(issue_token(admin.principal)[0])

    assert (claims["role"], claims["workshop"], claims["member"], claims["person"]) == ("admin", 0, 0, None)


def test_nobody_gets_a_session_as_admin_by_joining(app: Flask, shop: Shop, admin: Caller) -> None:
    """An admin hired by a workshop goes on signing in, then as what they are there."""
    with shop.inside():
        accounts.join(shop.id, account_of(admin.email), "owner")

    assert sign_in(app, admin.email).json["role"] == "owner"
    assert admin.get("/admins").status_code == 200
