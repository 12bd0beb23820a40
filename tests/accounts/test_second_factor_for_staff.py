"""A workshop that asks its staff for a second factor: who has none may set one up, and nothing else, from that moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.core import caching
from app.extensions import cache
from tests.accounts.test_second_factor import sign_in, told
from tests.applications import AnotherApp
from tests.factories import PASSWORD, Caller, Shop, registration
from tests.mailing import Clock
from tests.second_factors import switch_on
from tests.watching import statements

pytestmark = pytest.mark.usefixtures("nothing_counted")

DUE = (403, "second_factor_setup_required")


def ask_of_staff(shop: Shop, asked: bool = True) -> TestResponse:
    return shop.owner.patch(f"/workshops/{shop.id}", {"second_factor_for_staff": asked})


@pytest.fixture
def strict(shop: Shop) -> Shop:
    """A workshop that asks for it, whose people were at work just before."""
    for person in (shop.owner, shop.mechanic, shop.customer):
        assert person.get("/mechanics").status_code == 200
    assert ask_of_staff(shop).status_code == 200
    return shop


@pytest.mark.parametrize("role", ["owner", "mechanic"])
def test_staff_without_one_may_do_nothing_from_then_on_and_are_told_why(strict: Shop, role: str) -> None:
    person: Caller = getattr(strict, role)

    answers = [person.get(path) for path in ("/mechanics", "/customers", "/service_tickets", "/inventory")]
    writing = person.post("/service_tickets", json={})

    assert [told(answer) for answer in (*answers, writing)] == [DUE] * 5
    assert "POST /auth/second_factor" in answers[0].json["detail"]


def test_customers_go_on(strict: Shop) -> None:
    assert strict.customer.get("/customers/my-tickets").status_code == 200


@pytest.mark.parametrize("role", ["owner", "mechanic"])
def test_what_is_about_their_own_account_works(strict: Shop, role: str) -> None:
    person: Caller = getattr(strict, role)

    state = person.get("/auth/second_factor")

    assert state.json | {"enabled_at": None} == {
        "enabled": False, "required": True, "enabled_at": None, "recovery_codes_left": 0,
    }  # fmt: skip
    assert person.get("/auth/sessions").status_code == 200
    assert person.post("/auth/logout", {}).status_code == 200


@pytest.mark.parametrize("role", ["owner", "mechanic"])
def test_setting_it_up_lifts_it_at_once(strict: Shop, clock_set: Clock, role: str) -> None:
    person: Caller = getattr(strict, role)
    assert told(person.get("/mechanics")) == DUE

    switch_on(person, clock_set)

    assert person.get("/mechanics").status_code == 200


@pytest.mark.parametrize("role", ["owner", "mechanic"])
def test_signing_in_says_that_it_is_due(strict: Shop, role: str) -> None:
    person: Caller = getattr(strict, role)

    login = sign_in(strict, person.email)
    refreshed = strict.nobody.post("/auth/refresh", {"refresh_token": login.json["refresh_token"]})

    assert (login.status_code, refreshed.status_code) == (200, 200)
    assert (
        login.json["second_factor_setup_required"] is refreshed.json["second_factor_setup_required"] is True
    )
    bearer = {"Authorization": f"Bearer {refreshed.json['auth_token']}"}
    assert told(strict.nobody.get("/mechanics", headers=bearer)) == DUE


def test_it_is_said_to_nobody_else(strict: Shop, clock_set: Clock) -> None:
    app = switch_on(strict.mechanic, clock_set)
    clock_set.pass_(seconds=30)

    answers = [
        sign_in(strict, strict.customer.email),
        sign_in(strict, strict.mechanic.email, second_factor_code=app.code),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert not any("second_factor_setup_required" in answer.json for answer in answers)


def test_switching_to_such_a_workshop_says_so(shop: Shop, other_shop: Shop) -> None:
    other_shop.make_mechanic(email=shop.owner.email, password=PASSWORD)
    assert ask_of_staff(other_shop).status_code == 200

    switched = shop.owner.post("/auth/switch", {"workshop": other_shop.slug})

    bearer = {"Authorization": f"Bearer {switched.json['auth_token']}"}
    assert switched.json["second_factor_setup_required"] is True
    assert told(shop.nobody.get("/mechanics", headers=bearer)) == DUE
    back = shop.nobody.post("/auth/switch", {"workshop": shop.slug}, headers=bearer)
    assert "second_factor_setup_required" not in back.json
    bearer = {"Authorization": f"Bearer {back.json['auth_token']}"}
    assert shop.nobody.get("/mechanics", headers=bearer).status_code == 200


def test_who_asks_no_more_lets_them_work_at_once(strict: Shop, clock_set: Clock) -> None:
    assert told(strict.mechanic.get("/mechanics")) == DUE
    switch_on(strict.owner, clock_set)

    assert ask_of_staff(strict, False).status_code == 200

    assert strict.mechanic.get("/mechanics").status_code == 200


def test_it_cannot_be_given_up_while_it_is_asked_for(strict: Shop, clock_set: Clock) -> None:
    app = switch_on(strict.mechanic, clock_set)
    clock_set.pass_(seconds=30)
    body = {"present_password": PASSWORD, "code": app.code}

    refused = strict.mechanic.post("/auth/second_factor/removal", body)
    switch_on(strict.owner, clock_set)
    ask_of_staff(strict, False)
    done = strict.mechanic.post("/auth/second_factor/removal", body)

    assert told(refused) == (409, "second_factor_demanded")
    assert done.status_code == 200


def test_a_customer_of_such_a_workshop_may_give_theirs_up(strict: Shop, clock_set: Clock) -> None:
    app = switch_on(strict.customer, clock_set)
    clock_set.pass_(seconds=30)
    body = {"present_password": PASSWORD, "code": app.code}

    assert strict.customer.post("/auth/second_factor/removal", body).status_code == 200


def test_one_begun_and_not_confirmed_is_none(strict: Shop) -> None:
    strict.mechanic.post("/auth/second_factor", {"present_password": PASSWORD})

    assert told(strict.mechanic.get("/mechanics")) == DUE


def test_another_workshop_is_not_concerned(strict: Shop, other_shop: Shop) -> None:
    assert other_shop.mechanic.get("/mechanics").status_code == 200


def test_public_routes_take_them_for_anybody(strict: Shop) -> None:
    """Registering is open to all; recording a walk-in is staff's, and so is seeing the settings."""
    assert strict.mechanic.post("/customers", {"name": "Walter Walkin"}).status_code == 400
    assert strict.mechanic.post("/customers", registration()).status_code == 201
    assert "listed" not in strict.owner.get(f"/workshops/{strict.id}").json


@pytest.mark.parametrize("scopes", [frozenset({"mechanics:read"}), frozenset()])
def test_a_narrowed_token_opens_nothing_either(strict: Shop, scopes: frozenset[str]) -> None:
    assert strict.mechanic.principal is not None
    narrowed = Caller(strict.app, replace(strict.mechanic.principal, narrowed=scopes), strict.slug)

    assert told(narrowed.get("/mechanics")) == DUE


def test_asking_costs_a_request_no_statement(strict: Shop) -> None:
    strict.mechanic.get("/mechanics")
    with strict.app.app_context():
        cache.delete(caching.session_key(strict.mechanic.principal.session_id))  # type: ignore[union-attr]

    with statements(strict.app) as first:
        strict.mechanic.get("/mechanics")
    with statements(strict.app) as second:
        strict.mechanic.get("/mechanics")

    assert (len(first), len(second)) == (1, 0)


@pytest.mark.parametrize("role", ["mechanic", "customer"])
def test_only_the_owner_sees_and_sets_it(shop: Shop, role: str) -> None:
    person: Caller = getattr(shop, role)
    path = f"/workshops/{shop.id}"

    assert person.patch(path, {"second_factor_for_staff": True}).status_code == 403
    assert "second_factor_for_staff" not in person.get(path).json
    assert shop.owner.get(path).json["second_factor_for_staff"] is False


def test_setting_it_is_in_the_log(strict: Shop, clock_set: Clock) -> None:
    switch_on(strict.owner, clock_set)

    entries: list[dict[str, Any]] = strict.owner.get("/audit?action=workshop.updated").json

    assert (entries[0]["before"], entries[0]["after"]) == (
        {"second_factor_for_staff": False},
        {"second_factor_for_staff": True},
    )


@pytest.mark.usefixtures("needs_redis")
def test_it_holds_on_every_worker_at_once(shop: Shop, another_app: AnotherApp, clock_set: Clock) -> None:
    elsewhere = Caller(another_app(), shop.mechanic.principal, shop.slug)
    before = elsewhere.get("/mechanics").status_code

    ask_of_staff(shop)
    during = told(elsewhere.get("/mechanics"))
    switch_on(shop.mechanic, clock_set)
    after = elsewhere.get("/mechanics").status_code

    assert (before, during, after) == (200, DUE, 200)
