"""Signing in: both doors, what a person of several roles is, and when it ends."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.blueprints.accounts import leaving, recovery, service, standing
from app.blueprints.accounts.errors import AccountShared, EmailTaken, PasswordTooShort
from app.blueprints.accounts.models import Membership
from app.core import passwords
from app.core.db import atomic
from app.core.identity import Standing
from app.core.tenancy import across_workshops
from app.extensions import db
from tests.accounts.letters import Letters
from tests.factories import PASSWORD, Caller, Shop, account_of, credentials, registration, unique
from tests.mailing import Scripted

CUSTOMERS, MECHANICS = "/customers/login", "/mechanics/login"
DOORS = (CUSTOMERS, MECHANICS, "/auth/login")


def sign_in(
    shop: Shop, email: str, password: str = PASSWORD, door: str = CUSTOMERS, **options: Any
) -> TestResponse:
    return shop.nobody.post(door, json={"email": email, "password": password}, **options)


def holding(shop: Shop, login: TestResponse) -> Caller:
    """Return a caller with the token that a login answered."""
    return Caller(shop.app, headers={"Authorization": f"Bearer {login.json['auth_token']}"})


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("role", ["owner", "mechanic", "customer"])
def test_either_door_lets_in_every_member_as_what_they_are(shop: Shop, door: str, role: str) -> None:
    person: Caller = getattr(shop, role)

    login = sign_in(shop, person.email, door=door)

    assert login.status_code == 200
    assert login.json | {"auth_token": "", "refresh_token": "", "refresh_expires_at": ""} == {
        "status": "success", "message": "Login successful", "auth_token": "", "token_type": "Bearer", "expires_in": 1800,
        "role": role, "refresh_token": "", "refresh_expires_at": "",
    }  # fmt: skip
    assert holding(shop, login).get("/mechanics").status_code == 200


@pytest.mark.parametrize(("door", "role"), [(CUSTOMERS, "customer"), (MECHANICS, "mechanic")])
def test_somebody_of_two_roles_is_what_the_door_is_for(shop: Shop, door: str, role: str) -> None:
    shop.make_mechanic(email=shop.customer.email, password=PASSWORD)

    login = sign_in(shop, shop.customer.email, door=door)

    assert login.json["role"] == role


def test_an_owner_who_is_a_customer_too_is_the_owner_at_the_door_of_the_staff(shop: Shop) -> None:
    body = registration(email=shop.owner.email, password=PASSWORD)
    shop.nobody.post("/customers", json=body)

    roles = [sign_in(shop, shop.owner.email, door=door).json["role"] for door in DOORS]

    assert roles == ["customer", "owner", "owner"]


@pytest.mark.parametrize("door", DOORS)
def test_wrong_and_unknown_and_ended_look_alike(shop: Shop, other_shop: Shop, door: str) -> None:
    gone, without_sign_in = shop.make_mechanic(password=PASSWORD), shop.make_mechanic()
    walk_in = shop.make_customer()
    shop.owner.delete(f"/mechanics/{gone.id}")
    elsewhere = {"X-Workshop": other_shop.slug}

    answers = [
        sign_in(shop, shop.customer.email, "not the password", door),
        sign_in(shop, f"{unique()}@example.com", PASSWORD, door),
        sign_in(shop, "no address at all", PASSWORD, door),
        sign_in(shop, gone.email, PASSWORD, door),
        sign_in(shop, without_sign_in.email, PASSWORD, door),
        sign_in(shop, str(walk_in.email), PASSWORD, door),
        sign_in(shop, shop.customer.email, PASSWORD, door, headers=elsewhere),
    ]

    assert [answer.status_code for answer in answers] == [401] * len(answers)
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Bearer realm="mechanic-shop"'}
    assert len({(a.json["code"], a.json["title"], a.json["detail"]) for a in answers}) == 1


class TestWhoseOnlyWorkshopHasClosed:
    @pytest.fixture
    def person(self, other_shop: Shop) -> Caller:
        closed = other_shop.owner.delete(f"/workshops/{other_shop.id}?name={other_shop.slug.title()}")
        assert closed.status_code == 200
        return other_shop.customer

    def sign_in(self, shop: Shop, person: Caller, password: str) -> TestResponse:
        return Caller(shop.app).post("/auth/login", json={"email": person.email, "password": password})

    def test_is_told_so_by_the_right_password_alone(self, shop: Shop, person: Caller) -> None:
        answers = [self.sign_in(shop, person, password) for password in (PASSWORD, "not the password")]

        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
            (403, "no_workshop"), (401, "wrong_credentials"),
        ]  # fmt: skip

    def test_recovers_the_password_in_the_installations_name(
        self, shop: Shop, person: Caller, transport: Scripted
    ) -> None:
        letters, new = Letters(shop, transport), "wrench-otter-lagoon-42"
        shop.nobody.post("/auth/recovery", json={"email": person.email})
        code = {"email": person.email, "code": letters.code(person.email)}
        token = shop.nobody.post("/auth/recovery/code", json=code).json["reset_token"]

        done = shop.nobody.post("/auth/recovery/password", json={"reset_token": token, "password": new})

        assert done.status_code == 200
        assert self.sign_in(shop, person, new).json["code"] == "no_workshop"
        assert "password" in letters.to(person.email)[-1]

    def test_joins_another_by_the_same_password(self, shop: Shop, person: Caller) -> None:
        joined = shop.nobody.post("/customers", json=registration(email=person.email, password=PASSWORD))

        assert joined.status_code == 201
        assert self.sign_in(shop, person, PASSWORD).json["role"] == "customer"


@pytest.mark.parametrize(
    ("registered", "typed"),
    [
        ("ada{n}@example.com", "ADA{n}@Example.COM"),
        ("ada{n}@example.com", "  ada{n}@example.com "),
        ("Ada{n}@EXAMPLE.com", "ada{n}@example.com"),
        ("ada{n}@xn--bcher-kva.example", "ada{n}@xn--bcher-kva.example"),
        ("ada{n}@xn--bcher-kva.example", "ada{n}@BÜCHER.example"),
        ("rene\u0301{n}@example.com", "rene\u0301{n}@example.com"),
        ("rene\u0301{n}@example.com", "ren\u00e9{n}@example.com"),
    ],
)
def test_an_address_is_the_same_however_it_is_typed(shop: Shop, registered: str, typed: str) -> None:
    number = unique("")
    body = registration(email=registered.format(n=number))
    assert shop.nobody.post("/customers", json=body).status_code == 201

    login = sign_in(shop, typed.format(n=number), body["password"])

    assert login.status_code == 200


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["email", "password"]),
        ({"email": "a@example.com"}, ["password"]),
        ({"email": None, "password": None}, ["email", "password"]),
        ({"email": ["a@example.com"], "password": 12345678}, ["email", "password"]),
        ({"email": "", "password": ""}, ["email", "password"]),
        ({"email": "a" * 255, "password": "x" * 129}, ["email", "password"]),
        ({"email": "a\0@example.com", "password": "x"}, ["email"]),
        ({"email": "a@example.com", "password": "x", "role": "owner"}, ["role"]),
    ],
)
def test_a_login_takes_an_address_and_a_password(
    shop: Shop, door: str, body: dict[str, Any], wrong: list[str]
) -> None:
    answer = shop.nobody.post(door, json=body)

    assert answer.status_code == 400
    assert sorted(answer.json["errors"]) == wrong


@pytest.mark.parametrize("field", ["email", "phone", "username"])
def test_a_name_that_is_no_good_is_not_called_missing(shop: Shop, field: str) -> None:
    answer = shop.nobody.post(CUSTOMERS, json={field: 5, "password": "x"})

    assert answer.json["errors"] == {field: ["Not a valid string."]}


@pytest.mark.parametrize("password", ["a\0b" * 4, "пароль-длинный", "🔑" * 8, "  spaces count  ", "x" * 128])
def test_a_password_is_taken_as_it_is(shop: Shop, password: str) -> None:
    body = registration(password=password)
    shop.nobody.post("/customers", json=body)

    assert shop.nobody.post(CUSTOMERS, json=credentials(body)).status_code == 200
    assert sign_in(shop, body["email"], password.strip()[:-1]).status_code == 401


def test_passwords_are_kept_hashed(shop: Shop) -> None:
    with shop.app.app_context():
        kept = account_of(shop.customer.email).password_hash

    assert kept is not None
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


@pytest.mark.parametrize("member", ["customer", "mechanic"])
def test_of_two_workshops_one_is_named(shop: Shop, other_shop: Shop, member: str) -> None:
    person: Caller = getattr(shop, member)
    other_shop.nobody.post("/customers", json=registration(email=person.email, password=PASSWORD))
    without = Caller(shop.app)

    unnamed = without.post(CUSTOMERS, json={"email": person.email, "password": PASSWORD})
    named = [sign_in(at, person.email, door=MECHANICS) for at in (shop, other_shop)]

    assert (unnamed.status_code, unnamed.json["code"]) == (400, "workshop_required")
    assert [login.json["role"] for login in named] == [member, "customer"]


def test_of_one_workshop_none_needs_to_be_named(shop: Shop, other_shop: Shop) -> None:
    login = Caller(shop.app).post(CUSTOMERS, json={"email": shop.customer.email, "password": PASSWORD})

    assert login.status_code == 200


@pytest.mark.parametrize(
    ("form", "status"), [("{slug}", 200), (" {SLUG} ", 200), ("{slug}-x", 404), ("", 200)]
)
def test_a_workshop_is_named_by_its_slug(shop: Shop, form: str, status: int) -> None:
    slug = form.format(slug=shop.slug, SLUG=shop.slug.upper())

    login = sign_in(shop, shop.customer.email, headers={"X-Workshop": slug})

    assert login.status_code == status
    assert status == 200 or login.json["code"] == "workshop_not_found"


def test_a_hash_of_weaker_parameters_is_renewed_at_sign_in(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop.app.app_context():
        before = account_of(shop.customer.email).password_hash
    monkeypatch.setitem(shop.app.config, "ARGON2_ITERATIONS", 2)

    logins = [sign_in(shop, shop.customer.email) for _ in range(2)]

    with shop.app.app_context():
        after = account_of(shop.customer.email).password_hash
        assert after is not None
        assert not passwords.is_outdated(after)
    assert after != before
    assert [login.status_code for login in logins] == [200, 200]


@pytest.mark.parametrize(("length", "status"), [(7, 400), (8, 201)])
def test_a_new_password_has_a_least_length(shop: Shop, length: int, status: int) -> None:
    answer = shop.nobody.post("/customers", json=registration(password="x" * length))

    assert answer.status_code == status
    assert status == 201 or (answer.json["code"], list(answer.json["errors"])) == (
        "password_too_short",
        ["password"],
    )


def test_the_least_length_is_the_installations_to_set(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(shop.app.config, "PASSWORD_MINIMUM_LENGTH", 12)

    refused = shop.nobody.post("/customers", json=registration(password="x" * 11))
    known = sign_in(shop, shop.customer.email)

    assert (refused.status_code, known.status_code) == (400, 200)


def test_a_token_ends_with_the_membership_it_names(shop: Shop) -> None:
    login = sign_in(shop, shop.customer.email)
    before = holding(shop, login).get("/customers/my-tickets")

    shop.owner.delete(f"/customers/{shop.customer_id}")

    after = holding(shop, login).get("/customers/my-tickets")
    assert (before.status_code, after.status_code) == (200, 401)


def test_leaving_one_workshop_leaves_the_account_to_the_other(shop: Shop, other_shop: Shop) -> None:
    body = registration()
    here, there = (at.nobody.post("/customers", json=body) for at in (shop, other_shop))
    tokens = [holding(at, at.nobody.post(CUSTOMERS, json=credentials(body))) for at in (shop, other_shop)]

    shop.owner.delete(here.headers["Location"])

    assert [token.get("/customers/my-tickets").status_code for token in tokens] == [401, 200]
    assert there.json["email"] == body["email"]
    assert sign_in(other_shop, body["email"], body["password"]).status_code == 200
    assert sign_in(shop, body["email"], body["password"]).status_code == 401


def test_an_account_that_is_nothing_anywhere_is_closed_and_empty(shop: Shop) -> None:
    with shop.app.app_context():
        account_id = account_of(shop.customer.email).id

    shop.customer.delete("/customers")

    with shop.app.app_context():
        account = db.session.get_one(service.Account, account_id)
        assert (account.email, account.password_hash) == (None, None)
        assert account.closed_at is not None


def test_the_installations_administrator_stays_when_a_membership_ends(shop: Shop) -> None:
    with shop.app.app_context(), atomic():
        account_of(shop.customer.email).is_admin = True

    shop.customer.delete("/customers")

    with shop.app.app_context():
        assert account_of(shop.customer.email).closed_at is None


class TestRules:
    """What the service's functions refuse."""

    def test_an_account_is_shown_only_to_who_knows_its_password(self, shop: Shop) -> None:
        with shop.inside():
            known = service.account_for(shop.customer.email, PASSWORD)

            assert known is not None
            assert known.email == shop.customer.email
            with pytest.raises(EmailTaken):
                service.account_for(shop.customer.email, PASSWORD + "!")
            assert service.account_for(f"{unique()}@example.com", PASSWORD) is None

    def test_a_short_password_opens_nothing(self, app: Flask) -> None:
        with app.app_context(), pytest.raises(PasswordTooShort):
            service.make_account(f"{unique()}@example.com", "short")

    def test_nobody_is_the_same_thing_twice(self, shop: Shop) -> None:
        with shop.inside(), pytest.raises(EmailTaken):
            service.join(shop.id, account_of(shop.customer.email), "customer", customer_id=shop.customer_id)

    def test_an_address_is_not_taken_from_another_account(self, shop: Shop) -> None:
        with shop.inside(), pytest.raises(EmailTaken):
            service.change_sign_in(account_of(shop.customer.email), email=shop.other_customer.email)

    def test_the_same_password_again_is_no_change(self, shop: Shop) -> None:
        with shop.inside():
            account = account_of(shop.customer.email)
            before = account.password_hash

            recovery.replace_password(account, PASSWORD, but=None)

            assert account.password_hash == before

    def test_an_account_that_serves_another_workshop_is_its_persons_alone(
        self, shop: Shop, other_shop: Shop
    ) -> None:
        other_shop.make_mechanic(email=shop.mechanic.email, password=PASSWORD)
        with shop.inside():
            service.require_own_account(shop.id, account_of(shop.customer.email))

            with pytest.raises(AccountShared):
                service.require_own_account(shop.id, account_of(shop.mechanic.email))

    def test_nor_does_a_workshop_change_the_administrators(self, shop: Shop) -> None:
        with shop.app.app_context(), atomic():
            account_of(shop.mechanic.email).is_admin = True

        answer = shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json={"password": "another-fine-one"})

        assert (answer.status_code, answer.json["code"]) == (409, "account_shared")
        assert sign_in(shop, shop.mechanic.email).status_code == 200

    def test_who_has_no_sign_in_leaves_without_ado(self, shop: Shop) -> None:
        walk_in = shop.make_customer()

        with shop.inside():
            leaving.leave(shop.id, customer_id=walk_in.id)

            assert service.account_of(shop.id, customer_id=walk_in.id) is None

    def test_a_membership_stands_until_it_ends_or_changes(self, shop: Shop) -> None:
        principal = shop.mechanic.principal
        assert principal is not None
        with shop.inside():
            before = standing.of(principal)
            with atomic(), across_workshops():
                db.session.get_one(Membership, principal.membership_id).role = "owner"

            assert before == Standing()
            assert standing.of(principal) is None


def test_a_mechanic_hired_without_a_password_gets_one_later(shop: Shop) -> None:
    mechanic = shop.make_mechanic(salary=Decimal("1.00"))

    before = sign_in(shop, mechanic.email, door=MECHANICS)
    shop.owner.patch(f"/mechanics/{mechanic.id}", json={"password": PASSWORD})
    after = sign_in(shop, mechanic.email, door=MECHANICS)

    assert (before.status_code, after.status_code) == (401, 200)
