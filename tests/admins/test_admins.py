"""Admins: made by others, never with a password in a mail, dismissed at once, and never the last one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.blueprints.accounts import service as accounts
from app.core.db import atomic
from app.extensions import db
from tests.accounts.letters import Letters
from tests.admins.conftest import account_id, reload
from tests.factories import PASSWORD, Caller, Shop, account_of, make_admin, unique
from tests.mailing import Clock

NEW = "wrench-otter-lagoon-42"


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def address() -> str:
    return f"{unique('new-admin')}@example.com"


def sign_in(app: Flask, email: str, password: str = PASSWORD) -> TestResponse:
    return Caller(app).post("/auth/login", json={"email": email, "password": password})


class TestMaking:
    def test_one_sets_their_password_by_the_letter_and_is_an_admin(
        self, app: Flask, admin: Caller, letters: Letters
    ) -> None:
        email = address()

        made = admin.post("/admins", json={"email": email.upper(), "name": " Ada Obi "})
        before = sign_in(app, email, NEW).status_code
        token = letters.token(email)
        done = Caller(app).post("/auth/recovery/password", json={"reset_token": token, "password": NEW})

        assert made.status_code == 201
        assert {field: made.json[field] for field in ("email", "name", "has_password")} == {
            "email": email, "name": "Ada Obi", "has_password": False,
        }  # fmt: skip
        assert (before, done.status_code) == (401, 200)
        assert sign_in(app, email, NEW).json["role"] == "admin"
        assert admin.get(made.headers["Location"]).json["has_password"] is True

    def test_the_letter_is_good_once_and_for_three_days(
        self, app: Flask, admin: Caller, letters: Letters, clock_set: Clock
    ) -> None:
        first, second = address(), address()
        for email in (first, second):
            admin.post("/admins", json={"email": email})
        tokens = {email: letters.token(email) for email in (first, second)}

        def use(email: str) -> int:
            body = {"reset_token": tokens[email], "password": NEW}
            return Caller(app).post("/auth/recovery/password", json=body).status_code

        clock_set.pass_(hours=71)
        once, again = use(first), use(first)
        clock_set.pass_(hours=2)

        assert (once, again, use(second)) == (200, 400, 400)

    def test_after_the_letter_recovery_still_leads_in(
        self, app: Flask, admin: Caller, letters: Letters
    ) -> None:
        email = address()
        admin.post("/admins", json={"email": email})
        Caller(app).post("/auth/recovery", json={"email": email})

        body = {"email": email, "code": letters.code(email)}
        token = Caller(app).post("/auth/recovery/code", json=body).json["reset_token"]
        Caller(app).post("/auth/recovery/password", json={"reset_token": token, "password": NEW})

        assert sign_in(app, email, NEW).json["role"] == "admin"

    def test_the_letter_has_no_password_in_it_and_is_in_the_installations_name(
        self, admin: Caller, letters: Letters
    ) -> None:
        email = address()
        admin.post("/admins", json={"email": email})

        (letter,) = letters.to(email)

        assert "Mechanic Shop" in letter
        assert "#token=" in letter
        assert not any(word in letter for word in (PASSWORD, NEW))

    def test_who_has_an_account_keeps_its_password(self, shop: Shop, admin: Caller, letters: Letters) -> None:
        made = admin.post("/admins", json={"email": shop.mechanic.email})

        assert (made.status_code, made.json["has_password"]) == (201, True)
        assert "#token=" not in "".join(letters.to(shop.mechanic.email))
        assert len(letters.to(shop.mechanic.email)) == 1
        assert shop.mechanic.post("/auth/switch", json={"workshop": None}).json["role"] == "admin"

    def test_an_admin_twice_is_a_conflict(self, admin: Caller) -> None:
        assert told(admin.post("/admins", json={"email": admin.email})) == (409, "already_admin")

    def test_a_suspended_account_becomes_none(self, shop: Shop, admin: Caller) -> None:
        path = f"/accounts/{account_id(shop.mechanic)}/suspend"
        assert admin.post(path, json={"reason": "Spam"}).status_code == 200

        assert told(admin.post("/admins", json={"email": shop.mechanic.email})) == (403, "account_suspended")

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, "email"), ({"email": "nobody"}, "email"), ({"email": None}, "email"),
            ({"email": "a@example.com", "password": NEW}, "password"), ({"email": "a@example.com", "name": ""}, "name"),
            ({"email": "a@example.com", "is_admin": True}, "is_admin"),
        ],
    )  # fmt: skip
    def test_what_is_careless_is_refused(self, admin: Caller, body: dict[str, object], wrong: str) -> None:
        answer = admin.post("/admins", json=body)

        assert (answer.status_code, set(answer.json["errors"])) == (400, {wrong})


class TestListing:
    def test_has_every_admin_and_nobody_else(self, app: Flask, shop: Shop, admin: Caller) -> None:
        other = make_admin(app)

        listed = admin.get("/admins?per_page=100&sort=-id").json
        emails = [one["email"] for one in listed]

        assert {admin.email, other.email} <= set(emails)
        assert shop.owner.email not in emails
        assert [one["id"] for one in listed] == sorted((one["id"] for one in listed), reverse=True)

    def test_is_paged(self, app: Flask, admin: Caller) -> None:
        make_admin(app)

        page = admin.get("/admins?page=1&per_page=1&sort=email")

        assert len(page.json) == 1
        assert int(page.headers["X-Total-Count"]) >= 2

    @pytest.mark.parametrize("method", ["get", "patch", "delete"])
    def test_an_account_that_is_none_looks_missing(self, shop: Shop, admin: Caller, method: str) -> None:
        for number in (account_id(shop.owner), 10**12):
            answer = getattr(admin, method)(
                f"/admins/{number}", **({"json": {"name": "X"}} if method == "patch" else {})
            )
            assert told(answer) == (404, "admin_not_found")


class TestChanging:
    def test_the_name(self, app: Flask, admin: Caller) -> None:
        path = f"/admins/{account_id(make_admin(app))}"

        named, unnamed = (admin.patch(path, json={"name": name}) for name in ("Ada O.", None))

        assert (named.json["name"], unnamed.json["name"]) == ("Ada O.", None)

    def test_the_address_of_who_has_no_password_yet_sends_the_letter_there(
        self, app: Flask, admin: Caller, letters: Letters
    ) -> None:
        mistyped, email = address(), address()
        made = admin.post("/admins", json={"email": mistyped})
        old = letters.token(mistyped)

        changed = admin.patch(made.headers["Location"], json={"email": email})

        assert changed.json["email"] == email
        body = {"reset_token": old, "password": NEW}
        assert Caller(app).post("/auth/recovery/password", json=body).status_code == 400
        body = {"reset_token": letters.token(email), "password": NEW}
        assert Caller(app).post("/auth/recovery/password", json=body).status_code == 200

    def test_the_address_of_who_has_a_password_is_theirs(self, app: Flask, admin: Caller) -> None:
        other = make_admin(app)

        answer = admin.patch(f"/admins/{account_id(other)}", json={"email": address()})

        assert told(answer) == (409, "password_is_set")
        assert sign_in(app, other.email).status_code == 200

    def test_the_address_of_an_owner_who_has_no_password_yet_is_no_way_into_their_workshop(
        self, admin: Caller, letters: Letters
    ) -> None:
        owner, mine = address(), address()
        opened = admin.post("/workshops", json={"name": "Ada's", "slug": unique("s-"), "owner_email": owner})
        made = admin.post("/admins", json={"email": owner})

        answer = admin.patch(made.headers["Location"], json={"email": mine})

        assert (opened.status_code, told(answer)) == (201, (409, "account_shared"))
        assert letters.to(mine) == []

    def test_to_anothers_address_is_a_conflict(self, shop: Shop, admin: Caller) -> None:
        made = admin.post("/admins", json={"email": address()})

        answer = admin.patch(made.headers["Location"], json={"email": shop.owner.email})

        assert told(answer) == (409, "email_taken")


class TestDismissing:
    def test_ends_what_they_do_and_closes_the_account(self, app: Flask, admin: Caller) -> None:
        other = make_admin(app)
        assert other.get("/admins").status_code == 200

        answer = admin.delete(f"/admins/{account_id(other)}")

        assert answer.status_code == 200
        assert told(other.get("/admins")) == (401, "not_signed_in")
        assert told(sign_in(app, other.email)) == (401, "wrong_credentials")
        assert told(admin.get(f"/accounts/{account_id(other)}")) == (404, "account_not_found")

    def test_of_a_member_leaves_them_their_workshop(self, shop: Shop, admin: Caller) -> None:
        admin.post("/admins", json={"email": shop.mechanic.email})

        assert admin.delete(f"/admins/{account_id(shop.mechanic)}").status_code == 200
        assert shop.mechanic.get("/customers").status_code == 200
        assert told(shop.mechanic.post("/auth/switch", json={"workshop": None})) == (403, "not_allowed")

    def test_oneself_is_possible_while_another_stays(self, app: Flask, admin: Caller) -> None:
        other = make_admin(app)

        assert other.delete(f"/admins/{account_id(other)}").status_code == 200
        assert other.get("/admins").status_code == 401

    def test_the_last_one_is_refused(self, admin: Caller, alone: Callable[[Caller], None]) -> None:
        alone(admin)

        assert told(admin.delete(f"/admins/{account_id(admin)}")) == (409, "last_admin")
        suspended = admin.post(f"/accounts/{account_id(admin)}/suspend", json={"reason": "Mistake"})
        assert told(suspended) == (409, "last_admin")
        assert admin.get("/admins").status_code == 200

    def test_the_last_one_who_can_sign_in_is_refused_too(
        self, app: Flask, admin: Caller, alone: Callable[[Caller], None]
    ) -> None:
        alone(admin)
        other = make_admin(app)
        assert (
            admin.post(f"/accounts/{account_id(other)}/suspend", json={"reason": "Left"}).status_code == 200
        )

        assert told(admin.delete(f"/admins/{account_id(admin)}")) == (409, "last_admin")

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE accounts SET is_admin = :no WHERE is_admin",
            "UPDATE accounts SET suspended_at = created_at, suspension_reason = password_hash WHERE is_admin",
            "UPDATE accounts SET closed_at = created_at, email = NULL WHERE is_admin",
        ],
    )
    def test_the_database_keeps_the_last_one_whoever_writes_to_it(
        self, app: Flask, admin: Caller, statement: str
    ) -> None:
        with app.app_context(), pytest.raises(DBAPIError), atomic() as session:
            session.execute(text(statement), {"no": False} if ":no" in statement else {})

        assert admin.get("/admins").status_code == 200

    def test_an_owner_lets_a_mechanic_go_who_is_an_admin_too(self, shop: Shop, admin: Caller) -> None:
        admin.post("/admins", json={"email": shop.mechanic.email})

        assert shop.owner.delete(f"/mechanics/{shop.mechanic_id}").status_code == 200
        assert sign_in(shop.app, shop.mechanic.email).json["role"] == "admin"


class TestTheLog:
    def test_says_who_made_changed_and_dismissed_whom(self, admin: Caller) -> None:
        made = admin.post("/admins", json={"email": address(), "name": "Ada"})
        path, number = made.headers["Location"], made.json["id"]
        admin.patch(path, json={"name": "Ada O."})
        admin.delete(path)

        entries = admin.get(f"/audit?subject_kind=account&subject_id={number}&sort=id").json

        assert [one["action"] for one in entries] == ["admin.added", "admin.updated", "admin.removed"]
        assert {one["account_id"] for one in entries} == {account_id(admin)}
        assert {one["role"] for one in entries} == {"admin"}

    def test_forgets_who_they_were_when_their_account_is_closed(self, admin: Caller) -> None:
        made = admin.post("/admins", json={"email": address(), "name": "Ada"})
        query = f"/audit?subject_kind=account&subject_id={made.json['id']}&action=admin.added"
        (before,) = admin.get(query).json

        admin.delete(made.headers["Location"])

        (after,) = admin.get(query).json
        assert (before["after"]["name"], before["erased"]) == ("Ada", False)
        assert (after["after"], after["erased"]) == (None, True)

    def test_is_not_an_owners_to_read(self, shop: Shop, admin: Caller) -> None:
        admin.post("/admins", json={"email": address()})

        assert shop.owner.get("/audit?subject_kind=account&action=admin.added").json == []


def test_a_closed_account_has_neither_name_nor_reason(app: Flask, admin: Caller) -> None:
    other = make_admin(app)
    number = account_id(other)
    admin.delete(f"/admins/{number}")

    with app.app_context():
        row = db.session.execute(
            text(f"SELECT email, name, password_hash FROM accounts WHERE id = {number}")
        ).one()

    assert tuple(row) == (None, None, None)


def test_a_first_password_is_told_to_the_log_and_not_by_mail(
    app: Flask, admin: Caller, letters: Letters
) -> None:
    email = address()
    admin.post("/admins", json={"email": email})
    body = {"reset_token": letters.token(email), "password": NEW}
    Caller(app).post("/auth/recovery/password", json=body)

    assert len(letters.to(email)) == 1
    with app.app_context():
        assert reload(email).email_verified_at is not None
        assert accounts.person(account_of(email).id).kind == "account"
