"""Workshops as admins see them: opened for an owner, shown in every state, suspended and reinstated."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.blueprints.accounts import service as accounts
from app.core import delivery
from tests.accounts.letters import Letters
from tests.admins.conftest import account_id
from tests.applications import AnotherApp
from tests.commands.conftest import run
from tests.factories import PASSWORD, Caller, Shop, account_of, unique
from tests.mailing import Scripted, deliver, post, row
from tests.watching import statements

NEW = "wrench-otter-lagoon-42"
SUSPENDED = (403, "workshop_suspended")


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def suspend(admin: Caller, shop: Shop, reason: str = "Unpaid since June.") -> TestResponse:
    return admin.post(f"/workshops/{shop.id}/suspend", json={"reason": reason})


def reinstate(admin: Caller, shop: Shop) -> TestResponse:
    return admin.post(f"/workshops/{shop.id}/reinstate")


def sign_in(shop: Shop, email: str, password: str = PASSWORD) -> TestResponse:
    return shop.nobody.post("/auth/login", json={"email": email, "password": password})


def wanted(**overrides: str) -> dict[str, str]:
    slug = unique("opened-")
    return {"name": "Ada's Garage", "slug": slug, "owner_email": f"ada@{slug}.example.com", **overrides}


class TestOpening:
    def test_the_owner_sets_a_password_by_mail_and_keeps_the_shop(
        self, app: Flask, admin: Caller, letters: Letters
    ) -> None:
        body = wanted(country="PL")

        opened = admin.post("/workshops", json=body)
        token = letters.token(body["owner_email"])
        Caller(app).post("/auth/recovery/password", json={"reset_token": token, "password": NEW})
        login = Caller(app).post("/auth/login", json={"email": body["owner_email"], "password": NEW})

        assert opened.status_code == 201
        assert {field: opened.json[field] for field in ("slug", "currency", "time_zone", "listed", "state")} == {
            "slug": body["slug"], "currency": "PLN", "time_zone": "Europe/Warsaw", "listed": False, "state": "open",
        }  # fmt: skip
        assert opened.headers["Location"] == f"/workshops/{opened.json['id']}"
        owner = Caller(app, headers={"Authorization": f"Bearer {login.json['auth_token']}"})
        assert login.json["role"] == "owner"
        assert owner.patch(opened.headers["Location"], json={"city": "Sopot"}).status_code == 200

    def test_the_letter_is_in_the_workshops_name_and_language(self, admin: Caller, letters: Letters) -> None:
        body = wanted(country="PL", name="Warsztat u Ady")
        admin.post("/workshops", json=body)

        (letter,) = letters.to(body["owner_email"])

        assert "Warsztat u Ady" in letter
        assert "Ustaw hasło" in letter

    def test_for_somebody_who_has_an_account_makes_them_owner_as_they_are(
        self, shop: Shop, admin: Caller, letters: Letters
    ) -> None:
        body = wanted(owner_email=shop.customer.email)

        opened = admin.post("/workshops", json=body)

        assert opened.status_code == 201
        assert shop.customer.post("/auth/switch", json={"workshop": body["slug"]}).json["role"] == "owner"
        (letter,) = letters.to(shop.customer.email)
        assert "#token=" not in letter

    def test_is_in_the_shops_own_log_and_in_the_installations(
        self, app: Flask, shop: Shop, admin: Caller
    ) -> None:
        body = wanted(owner_email=shop.owner.email)
        opened = admin.post("/workshops", json=body).json
        token = shop.owner.post("/auth/switch", json={"workshop": body["slug"]}).json["auth_token"]
        owner = Caller(app, headers={"Authorization": f"Bearer {token}"})

        theirs = owner.get("/audit?action=workshop.opened").json
        ours = admin.get(
            f"/audit?action=workshop.opened&subject_kind=workshop&subject_id={opened['id']}"
        ).json

        assert [(one["role"], one["account_id"]) for one in (*theirs, *ours)] == [
            ("admin", account_id(admin))
        ] * 2

    def test_a_taken_slug_makes_nothing(
        self, app: Flask, shop: Shop, admin: Caller, letters: Letters
    ) -> None:
        body = wanted(slug=shop.slug)

        assert told(admin.post("/workshops", json=body)) == (409, "slug_taken")
        assert letters.to(body["owner_email"]) == []
        assert admin.get("/accounts", query_string={"q": body["owner_email"]}).json == []

    def test_for_a_suspended_account_makes_nothing(self, shop: Shop, admin: Caller) -> None:
        admin.post(f"/accounts/{account_id(shop.customer)}/suspend", json={"reason": "Spam"})
        body = wanted(owner_email=shop.customer.email)

        assert told(admin.post("/workshops", json=body)) == (403, "account_suspended")
        assert admin.post("/workshops", json=wanted(slug=body["slug"])).status_code == 201

    @pytest.mark.parametrize(
        ("change", "wrong"),
        [
            ({"owner_email": "nobody"}, "owner_email"), ({"slug": "Not A Slug"}, "slug"), ({"country": "XX"}, "country"),
            ({"name": ""}, "name"), ({"listed": True}, "listed"), ({"password": NEW}, "password"),
        ],
    )  # fmt: skip
    def test_what_is_careless_is_refused(self, admin: Caller, change: dict[str, str], wrong: str) -> None:
        answer = admin.post("/workshops", json=wanted(**change))

        assert (answer.status_code, set(answer.json["errors"])) == (400, {wrong})


class TestSeeing:
    def test_an_unlisted_one_is_shown_to_an_admin_with_its_state(self, shop: Shop, admin: Caller) -> None:
        shown = admin.get(f"/workshops/{shop.id}")

        assert (shown.status_code, shown.json["listed"], shown.json["state"]) == (200, False, "open")
        assert "tax_id" not in shown.json

    def test_the_state_is_for_admins_alone(self, shop: Shop, admin: Caller) -> None:
        for caller in (shop.owner, shop.customer):
            assert {"state", "suspended_at", "suspension_reason", "closed_at"}.isdisjoint(
                caller.get(f"/workshops/{shop.id}").json
            )
        for caller in (shop.owner, shop.nobody):
            assert told(caller.get("/workshops?state=open")) == (403, "not_allowed")

    @pytest.mark.parametrize(
        ("state", "places"), [("open", [0]), ("suspended", [1]), ("closed", [2]), ("open,closed", [0, 2])]
    )
    def test_a_list_is_of_the_states_that_are_asked_for(
        self, app: Flask, admin: Caller, state: str, places: list[int]
    ) -> None:
        name = unique("Statehouse ")
        made = [admin.post("/workshops", json=wanted(name=f"{name} {n}")).json for n in range(3)]
        admin.post(f"/workshops/{made[1]['id']}/suspend", json={"reason": "Unpaid"})
        with app.app_context():
            from app.blueprints.workshops import service as workshops
            from app.core.tenancy import acting_in

            with acting_in(made[2]["id"]):
                workshops.close(made[2]["id"], f"{name} 2")

        found = admin.get("/workshops", query_string={"q": name, "state": state}).json
        all_there_are = admin.get("/workshops", query_string={"q": name}).json

        assert [one["id"] for one in found] == [made[place]["id"] for place in places]
        assert [one["state"] for one in all_there_are] == ["open", "suspended", "closed"]

    def test_a_list_costs_the_same_statements_however_long(self, app: Flask, admin: Caller) -> None:
        name = unique("Countinghouse ")
        for number in range(4):
            admin.post("/workshops", json=wanted(name=f"{name} {number}"))
        counts = []
        for per_page in (1, 4):
            with statements(app) as seen:
                admin.get("/workshops", query_string={"q": name, "per_page": per_page})
            counts.append(len(seen))

        assert len(set(counts)) == 1

    def test_everybody_elses_directory_is_what_it_was(self, shop: Shop) -> None:
        assert shop.owner.get(f"/workshops?q={shop.slug}").json == []
        assert shop.owner.patch(f"/workshops/{shop.id}", json={"listed": True}).status_code == 200
        (entry,) = shop.owner.get("/workshops", query_string={"q": shop.slug}).json
        assert (entry["slug"], "state" in entry) == (shop.slug, False)


class TestSuspending:
    @pytest.mark.parametrize("role", ["owner", "mechanic", "customer"])
    def test_refuses_its_people_from_the_next_request_on(
        self, shop: Shop, other_shop: Shop, admin: Caller, role: str
    ) -> None:
        person: Caller = getattr(shop, role)
        before = [person.get("/mechanics").status_code for _ in range(2)]

        answer = suspend(admin, shop)

        assert (answer.status_code, answer.json["state"]) == (200, "suspended")
        assert before == [200, 200]
        assert [told(person.get("/mechanics")) for _ in range(2)] == [SUSPENDED] * 2
        assert told(person.get("/auth/sessions")) == SUSPENDED
        assert getattr(other_shop, role).get("/mechanics").status_code == 200

    @pytest.mark.usefixtures("needs_redis")
    def test_is_seen_at_once_by_every_worker(
        self, shop: Shop, admin: Caller, another_app: AnotherApp
    ) -> None:
        there = Caller(another_app(), headers=shop.mechanic.headers)
        before = there.get("/inventory").status_code

        suspend(admin, shop)
        during = told(there.get("/inventory"))
        reinstate(admin, shop)

        assert (before, during, there.get("/inventory").status_code) == (200, SUSPENDED, 200)

    def test_costs_a_request_that_is_let_in_no_statement(self, app: Flask, shop: Shop, admin: Caller) -> None:
        shop.mechanic.get("/auth/sessions")

        with statements(app) as seen:
            shop.mechanic.get("/auth/sessions")

        assert len(seen) == 1

    @pytest.mark.parametrize("role", ["owner", "mechanic", "customer"])
    def test_lets_nobody_sign_in_there(self, shop: Shop, admin: Caller, role: str) -> None:
        email = getattr(shop, role).email
        suspend(admin, shop)

        unnamed = Caller(shop.app).post("/auth/login", json={"email": email, "password": PASSWORD})

        assert told(sign_in(shop, email)) == told(unnamed) == SUSPENDED
        assert told(sign_in(shop, email, "not-the-password")) == (401, "wrong_credentials")

    def test_leaves_who_belongs_to_another_the_other(
        self, shop: Shop, other_shop: Shop, admin: Caller
    ) -> None:
        with other_shop.inside():
            accounts.join(other_shop.id, account_of(shop.owner.email), "owner")
        suspend(admin, shop)

        body = {"email": shop.owner.email, "password": PASSWORD}
        unnamed = Caller(shop.app).post("/auth/login", json=body)
        there = Caller(shop.app, headers={"Authorization": f"Bearer {unnamed.json['auth_token']}"})

        assert unnamed.status_code == 200
        assert there.get(f"/workshops/{other_shop.id}").json["listed"] is False
        assert told(there.post("/auth/switch", json={"workshop": shop.slug})) == SUSPENDED

    def test_does_not_shut_out_an_admin_who_belongs_to_it_alone(self, shop: Shop, admin: Caller) -> None:
        admin.post("/admins", json={"email": shop.owner.email})
        suspend(admin, shop)

        login = Caller(shop.app).post("/auth/login", json={"email": shop.owner.email, "password": PASSWORD})

        assert login.json["role"] == "admin"

    def test_keeps_sessions_for_when_it_is_reinstated(self, shop: Shop, admin: Caller) -> None:
        token = sign_in(shop, shop.owner.email).json["refresh_token"]
        suspend(admin, shop)
        during = shop.nobody.post("/auth/refresh", json={"refresh_token": token})
        reinstate(admin, shop)

        after = shop.nobody.post("/auth/refresh", json={"refresh_token": token})

        assert told(during) == SUSPENDED
        assert after.status_code == 200
        assert shop.owner.get("/customers").status_code == 200

    def test_leaves_it_out_of_the_directory_and_of_what_is_near(self, shop: Shop, admin: Caller) -> None:
        place = {"listed": True, "latitude": -54.8019, "longitude": -68.303}
        shop.owner.patch(f"/workshops/{shop.id}", json=place)
        paths = (f"/workshops?q={quote(shop.slug)}", "/workshops/nearby?lat=-54.8&lng=-68.3&radius=1")

        def seen() -> list[bool]:
            return [shop.id in {one["id"] for one in shop.nobody.get(path).json} for path in paths]

        before = seen()
        suspend(admin, shop)
        during = seen()
        shown = shop.nobody.get(f"/workshops/{shop.id}")
        reinstate(admin, shop)

        assert (before, during, seen()) == ([True, True], [False, False], [True, True])
        assert told(shown) == (404, "workshop_not_found")
        for part in ("opening_hours", "closures"):
            assert shop.nobody.get(f"/workshops/{shop.id}/{part}").status_code == 200

    def test_lets_nobody_register_there(self, shop: Shop, admin: Caller) -> None:
        person = {
            "name": "Ada",
            "email": f"{unique('ada')}@example.com",
            "phone": "555-800-0001",
            "password": PASSWORD,
        }
        suspend(admin, shop)

        assert told(shop.nobody.post("/customers", json=person)) == SUSPENDED

    def test_lets_its_mail_wait_and_no_others(
        self, shop: Shop, other_shop: Shop, admin: Caller, transport: Scripted
    ) -> None:
        suspend(admin, shop)
        waiting, other = post(shop), post(other_shop)
        while deliver(shop):
            pass
        during = [row(one, number).state for one, number in ((shop, waiting), (other_shop, other))]

        reinstate(admin, shop)
        with shop.app.app_context():
            delivery.deliver()

        assert during == ["pending", "sent"]
        assert row(shop, waiting).state == "sent"

    def test_is_told_to_its_owners_with_the_reason_in_the_installations_name(
        self, shop: Shop, admin: Caller, letters: Letters
    ) -> None:
        suspend(admin, shop, "Unpaid since June.")
        reinstate(admin, shop)

        first, second = letters.to(shop.owner.email)

        assert "Unpaid since June." in " ".join(first.split())
        assert "Mechanic Shop sent you this" in first
        assert "goes on as it was" in second
        assert letters.to(shop.mechanic.email) == []

    def test_lets_who_belongs_to_it_recover_their_password_meanwhile(
        self, shop: Shop, admin: Caller, letters: Letters
    ) -> None:
        suspend(admin, shop)

        shop.nobody.post("/auth/recovery", json={"email": shop.customer.email})

        assert len(letters.code(shop.customer.email)) == 6

    def test_is_in_the_shops_own_log_and_in_the_installations(self, shop: Shop, admin: Caller) -> None:
        suspend(admin, shop, "Unpaid")
        reinstate(admin, shop)

        theirs = shop.owner.get("/audit?sort=id&subject_kind=workshop").json[-2:]
        ours = admin.get(f"/audit?sort=id&subject_kind=workshop&subject_id={shop.id}").json

        for entries in (theirs, ours):
            assert [one["action"] for one in entries] == ["workshop.suspended", "workshop.reinstated"]
            assert {(one["role"], one["account_id"]) for one in entries} == {("admin", account_id(admin))}
            assert entries[0]["after"] == {"reason": "Unpaid"}

    def test_is_verified_with_every_other_chain(self, app: Flask, shop: Shop, admin: Caller) -> None:
        suspend(admin, shop)

        one, all_of_them = (run(app, "audit", "verify", *words) for words in (["--workshop", shop.slug], []))

        assert one.exit_code == 0
        # Of other tests' workshops some are tampered with; of these two each has its one line, which says that they hold.
        told_of = re.findall(rf"^(\(installation\)|{shop.slug}): (.*)$", all_of_them.stdout, re.MULTILINE)
        assert sorted(name for name, _ in told_of) == ["(installation)", shop.slug]
        assert all(re.match(r"\d+ entries", what) for _, what in told_of)

    def test_what_is_not_there_twice_or_not_meant_is_refused(self, shop: Shop, admin: Caller) -> None:
        stale = {"If-Match": '"999-00"'}
        body = {"reason": "Unpaid"}
        early = admin.post(f"/workshops/{shop.id}/suspend", json=body, headers=stale)

        assert told(early) == (412, "stale")
        assert told(reinstate(admin, shop)) == (409, "not_suspended")
        assert suspend(admin, shop).status_code == 200
        assert told(suspend(admin, shop)) == (409, "already_suspended")
        assert told(admin.post("/workshops/999999/suspend", json=body)) == (404, "workshop_not_found")
        assert admin.post(f"/workshops/{shop.id}/suspend", json={}).status_code == 400

    def test_is_not_an_owners_to_do_or_to_undo(self, shop: Shop, other_shop: Shop, admin: Caller) -> None:
        assert told(suspend(shop.owner, other_shop)) == (403, "not_allowed")
        suspend(admin, shop)
        assert told(reinstate(other_shop.owner, shop)) == (403, "not_allowed")

    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_is_all_that_an_admin_does_to_an_entry(self, shop: Shop, admin: Caller, method: str) -> None:
        options = {} if method == "delete" else {"json": {"city": "Sopot"}}

        answer = getattr(admin, method)(
            f"/workshops/{shop.id}?name=x" if method == "delete" else f"/workshops/{shop.id}", **options
        )

        assert told(answer) == (403, "not_allowed")
