"""The accounts of the installation as admins see them, and what is left to one that is suspended."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.blueprints.accounts import service as accounts
from app.core import tenancy
from app.extensions import db
from tests.accounts.letters import Letters
from tests.admins.conftest import account_id
from tests.applications import AnotherApp
from tests.factories import PASSWORD, Caller, Shop, account_of, make_admin, unique
from tests.watching import statements

NEW = "wrench-otter-lagoon-42"


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def sign_in(shop: Shop, person: Caller, password: str = PASSWORD) -> TestResponse:
    return shop.nobody.post("/auth/login", json={"email": person.email, "password": password})


def suspend(admin: Caller, person: Caller, reason: str = "Sends spam.") -> TestResponse:
    return admin.post(f"/accounts/{account_id(person)}/suspend", json={"reason": reason})


def reinstate(admin: Caller, person: Caller) -> TestResponse:
    return admin.post(f"/accounts/{account_id(person)}/reinstate")


class TestSeeing:
    def test_an_account_shows_where_it_is_what_and_nothing_of_the_shop(
        self, shop: Shop, other_shop: Shop, admin: Caller
    ) -> None:
        with other_shop.inside():
            accounts.join(other_shop.id, account_of(shop.mechanic.email), "owner")

        shown = admin.get(f"/accounts/{account_id(shop.mechanic)}").json

        assert [(one["id"], one["slug"], one["role"]) for one in shown["workshops"]] == [
            (shop.id, shop.slug, "mechanic"), (other_shop.id, other_shop.slug, "owner"),
        ]  # fmt: skip
        assert set(shown) == {
            "id", "email", "is_admin", "has_password", "email_verified_at", "created_at", "suspended_at", "suspension_reason",
            "workshops",
        }  # fmt: skip
        assert set(shown["workshops"][0]) == {"id", "slug", "name", "role", "since"}

    def test_they_are_found_by_a_part_of_the_address(self, shop: Shop, admin: Caller) -> None:
        found = admin.get(f"/accounts?q={shop.slug}.EXAMPLE&sort=email").json

        assert [one["email"].partition("@")[0] for one in found] == ["customer", "mechanic", "other", "owner"]

    @pytest.mark.parametrize("words", ["%", "_", "\\", "'"])
    def test_marks_of_a_pattern_mean_themselves(self, admin: Caller, words: str) -> None:
        assert admin.get("/accounts", query_string={"q": words}).json == []

    def test_suspended_ones_are_found_alone(self, shop: Shop, admin: Caller) -> None:
        suspend(admin, shop.customer)

        found, others = (
            {one["email"] for one in admin.get(f"/accounts?q={shop.slug}&suspended={flag}").json}
            for flag in ("true", "false")
        )

        assert found == {shop.customer.email}
        assert shop.owner.email in others
        assert shop.customer.email not in others

    @pytest.mark.parametrize(
        "query", ["suspended=1", "suspended=maybe", "sort=password_hash", "q=", "role=owner"]
    )
    def test_what_no_filter_takes_is_refused(self, admin: Caller, query: str) -> None:
        assert admin.get(f"/accounts?{query}").status_code == 400

    def test_a_closed_one_is_missing(self, shop: Shop, admin: Caller) -> None:
        number = account_id(shop.customer)
        assert shop.customer.delete("/customers").status_code == 200

        assert told(admin.get(f"/accounts/{number}")) == (404, "account_not_found")
        assert told(admin.post(f"/accounts/{number}/suspend", json={"reason": "x"})) == (
            404,
            "account_not_found",
        )
        assert number not in {one["id"] for one in admin.get("/accounts?per_page=100&sort=-id").json}

    def test_a_list_costs_the_same_statements_however_long(
        self, app: Flask, shop: Shop, admin: Caller
    ) -> None:
        counts = []
        admin.get("/auth/sessions")
        for per_page in (1, 4):
            with statements(app) as seen:
                admin.get(f"/accounts?q={shop.slug}&per_page={per_page}")
            counts.append(len(seen))

        assert len(set(counts)) == 1


class TestSuspending:
    @pytest.mark.parametrize("role", ["owner", "mechanic", "customer"])
    def test_ends_every_session_at_the_next_request(self, shop: Shop, admin: Caller, role: str) -> None:
        person: Caller = getattr(shop, role)
        signed_in = sign_in(shop, person).json
        other = Caller(shop.app, headers={"Authorization": f"Bearer {signed_in['auth_token']}"})
        before = [caller.get("/mechanics").status_code for caller in (person, other)]

        answer = suspend(admin, person)

        assert (answer.status_code, answer.json["suspension_reason"]) == (200, "Sends spam.")
        assert before == [200, 200]
        assert [caller.get("/mechanics").status_code for caller in (person, other)] == [401, 401]
        refreshed = shop.nobody.post("/auth/refresh", json={"refresh_token": signed_in["refresh_token"]})
        assert told(refreshed) == (401, "refresh_refused")

    @pytest.mark.usefixtures("needs_redis")
    def test_is_seen_at_once_by_every_worker(
        self, shop: Shop, admin: Caller, another_app: AnotherApp
    ) -> None:
        there = Caller(another_app(), headers=shop.customer.headers)
        before = there.get("/customers/my-tickets").status_code

        suspend(admin, shop.customer)

        assert (before, there.get("/customers/my-tickets").status_code) == (200, 401)

    def test_is_told_to_who_knows_the_password_and_nobody_else(self, shop: Shop, admin: Caller) -> None:
        suspend(admin, shop.customer)

        right, wrong = (sign_in(shop, shop.customer, word) for word in (PASSWORD, "not-the-password"))
        unknown = shop.nobody.post(
            "/auth/login", json={"email": f"{unique('x')}@example.com", "password": "y"}
        )

        assert told(right) == (403, "account_suspended")
        assert "spam" not in right.text
        assert told(wrong) == told(unknown) == (401, "wrong_credentials")

    def test_holds_in_every_workshop(self, shop: Shop, other_shop: Shop, admin: Caller) -> None:
        with other_shop.inside():
            accounts.join(other_shop.id, account_of(shop.mechanic.email), "owner")
        suspend(admin, shop.mechanic)

        answers = [sign_in(one, shop.mechanic) for one in (shop, other_shop)]

        assert {told(answer) for answer in answers} == {(403, "account_suspended")}

    def test_lets_nobody_back_in_by_recovery(self, shop: Shop, admin: Caller, letters: Letters) -> None:
        email = shop.customer.email
        asked = shop.nobody.post("/auth/recovery", json={"email": email})
        code = letters.code(email)
        suspend(admin, shop.customer)

        again = shop.nobody.post("/auth/recovery", json={"email": email})
        taken = shop.nobody.post("/auth/recovery/code", json={"email": email, "code": code})

        assert again.json == asked.json
        assert len(letters.to(email)) == 1
        assert told(taken) == (400, "code_refused")

    def test_spoils_a_reset_token_that_is_out_already(
        self, shop: Shop, admin: Caller, letters: Letters
    ) -> None:
        email = shop.customer.email
        shop.nobody.post("/auth/recovery", json={"email": email})
        body = {"email": email, "code": letters.code(email)}
        token = shop.nobody.post("/auth/recovery/code", json=body).json["reset_token"]
        suspend(admin, shop.customer)

        done = shop.nobody.post("/auth/recovery/password", json={"reset_token": token, "password": NEW})

        assert told(done) == (400, "code_refused")

    def test_does_the_same_work_for_who_asks_to_recover(self, app: Flask, shop: Shop, admin: Caller) -> None:
        counts: list[int] = []
        for step in (lambda: None, lambda: suspend(admin, shop.customer)):
            step()
            with statements(app) as seen:
                shop.nobody.post("/auth/recovery", json={"email": shop.customer.email})
            counts.append(len(seen))

        assert counts[0] == counts[1]

    def test_lets_nobody_in_by_registering_with_the_password(
        self, shop: Shop, other_shop: Shop, admin: Caller
    ) -> None:
        suspend(admin, shop.customer)
        email = shop.customer.email
        person: dict[str, Any] = {
            "name": "Ada",
            "email": email,
            "phone": "555-700-0001",
            "password": PASSWORD,
        }
        workshop = {"name": "Ada's", "slug": unique("adas-")}

        joined = other_shop.nobody.post("/customers", json=person)
        opened = shop.nobody.post(
            "/auth/register", json={"workshop": workshop, "email": email, "password": PASSWORD}
        )
        guessed = other_shop.nobody.post("/customers", json={**person, "password": "not-the-password"})

        assert told(joined) == told(opened) == (403, "account_suspended")
        assert told(guessed) == (409, "email_taken")

    def test_twice_is_a_conflict(self, shop: Shop, admin: Caller) -> None:
        suspend(admin, shop.customer)

        assert told(suspend(admin, shop.customer)) == (409, "already_suspended")

    @pytest.mark.parametrize(
        "body", [{}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 301}, {"why": "x"}]
    )
    def test_needs_a_reason(self, shop: Shop, admin: Caller, body: dict[str, str]) -> None:
        answer = admin.post(f"/accounts/{account_id(shop.customer)}/suspend", json=body)

        assert answer.status_code == 400
        assert shop.customer.get("/customers/my-tickets").status_code == 200

    def test_keeps_the_reason_encrypted_and_sealed_in_the_log(
        self, app: Flask, shop: Shop, admin: Caller
    ) -> None:
        reason = f"{unique('Threatens the staff')}."
        suspend(admin, shop.customer, reason)

        (entry,) = admin.get(
            f"/audit?action=account.suspended&subject_kind=account&subject_id={account_id(shop.customer)}"
        ).json
        with app.app_context(), tenancy.acting_in(tenancy.INSTALLATION):
            kept = db.session.execute(
                text("SELECT suspension_reason FROM accounts WHERE id = :id"),
                {"id": account_id(shop.customer)},
            ).scalar_one()
            logged = db.session.execute(
                text("SELECT details FROM audit_entries WHERE workshop_id = 0 AND sequence = :n"),
                {"n": entry["id"]},
            ).scalar_one()

        assert entry["after"] == {"reason": reason}
        assert (entry["role"], entry["account_id"]) == ("admin", account_id(admin))
        assert reason not in logged
        assert reason.encode() not in bytes(kept)

    def test_an_erased_persons_reason_is_gone_from_the_log_too(self, shop: Shop, admin: Caller) -> None:
        number = account_id(shop.customer)
        suspend(admin, shop.customer)

        assert shop.owner.delete(f"/customers/{shop.customer_id}").status_code == 200

        (entry,) = admin.get(f"/audit?action=account.suspended&subject_kind=account&subject_id={number}").json
        assert (entry["after"], entry["erased"]) == (None, True)

    def test_another_admin_is_possible(self, app: Flask, admin: Caller) -> None:
        other = make_admin(app)

        assert suspend(admin, other).status_code == 200
        assert other.get("/admins").status_code == 401
        shown = {one["email"]: one["suspended_at"] for one in admin.get("/admins?per_page=100&sort=-id").json}
        assert shown[other.email] is not None


class TestReinstating:
    def test_lets_them_sign_in_as_before(self, shop: Shop, admin: Caller) -> None:
        suspend(admin, shop.customer)

        answer = reinstate(admin, shop.customer)

        assert (answer.status_code, answer.json["suspended_at"]) == (200, None)
        assert sign_in(shop, shop.customer).status_code == 200

    def test_brings_no_ended_session_back(self, shop: Shop, admin: Caller) -> None:
        suspend(admin, shop.customer)
        reinstate(admin, shop.customer)

        assert shop.customer.get("/customers/my-tickets").status_code == 401

    def test_who_is_not_suspended_is_a_conflict(self, shop: Shop, admin: Caller) -> None:
        assert told(reinstate(admin, shop.customer)) == (409, "not_suspended")
