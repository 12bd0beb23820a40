"""Whoever has left, or was never let in that far, is refused at once: ended memberships, closed accounts, borrowed roles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.blueprints.accounts import service as accounts
from app.core.db import atomic
from tests.factories import PASSWORD, Caller, Shop, account_of, unique
from tests.security.matrix import Row, rows
from tests.security.situation import Situation


def erased_by_themselves(shop: Shop) -> Caller:
    assert shop.customer.delete("/customers").status_code == 200
    return shop.customer


def erased_by_the_owner(shop: Shop) -> Caller:
    assert shop.owner.delete(f"/customers/{shop.customer_id}").status_code == 200
    return shop.customer


def let_go(shop: Shop) -> Caller:
    assert shop.owner.delete(f"/mechanics/{shop.mechanic_id}").status_code == 200
    return shop.mechanic


ENDS: list[Callable[[Shop], Caller]] = [erased_by_themselves, erased_by_the_owner, let_go]


def secured() -> list[Row]:
    return [row for row in rows() if row.expected["nobody"] == 401]


class TestWhoHasLeft:
    @pytest.mark.parametrize("end", ENDS)
    def test_is_refused_on_every_route_at_once(
        self, situation: Situation, end: Callable[[Shop], Caller]
    ) -> None:
        """Each was used and cached just before, and the token is good for half an hour."""
        reading = [row for row in secured() if row.method == "GET"]
        for caller in (situation.shop.customer, situation.shop.mechanic):
            for row in reading:
                situation.send(caller, row.method, row.path)

        gone = end(situation.shop)

        answers = {str(row): situation.send(gone, row.method, row.path).status_code for row in secured()}
        assert answers == {str(row): 401 for row in secured()}

    @pytest.mark.parametrize("end", ENDS)
    @pytest.mark.parametrize("door", ["/customers/login", "/mechanics/login"])
    def test_cannot_sign_in_again(self, shop: Shop, end: Callable[[Shop], Caller], door: str) -> None:
        gone = end(shop)

        answer = shop.nobody.post(door, json={"email": gone.email, "password": PASSWORD})

        assert (answer.status_code, answer.json["code"]) == (401, "wrong_credentials")

    @pytest.mark.parametrize("end", ENDS)
    def test_changes_nothing_with_a_key_that_was_used_before(
        self, situation: Situation, end: Callable[[Shop], Caller]
    ) -> None:
        """A kept answer is for its caller, who is nobody any more."""
        key = {"Idempotency-Key": unique("key-"), "X-Workshop": situation.shop.slug}
        before = [
            situation.send(caller, "POST", "/service_tickets", headers=key)
            for caller in (situation.shop.customer, situation.shop.mechanic)
        ]

        gone = end(situation.shop)
        after = situation.send(gone, "POST", "/service_tickets", headers=key)

        assert [answer.status_code for answer in before] == [201, 201]
        assert after.status_code == 401

    def test_leaves_the_others_in(self, shop: Shop) -> None:
        let_go(shop)

        assert shop.customer.get("/customers/my-tickets").status_code == 200
        assert shop.owner.get("/mechanics").status_code == 200

    def test_keeps_what_they_are_elsewhere(self, shop: Shop, other_shop: Shop) -> None:
        registration = {
            "name": "Two Shops",
            "email": shop.customer.email,
            "phone": "555-400-0001",
            "password": PASSWORD,
        }
        assert other_shop.nobody.post("/customers", json=registration).status_code == 201

        erased_by_the_owner(shop)
        there = other_shop.nobody.post(
            "/customers/login", json={"email": shop.customer.email, "password": PASSWORD}
        )

        assert there.status_code == 200
        token = {"Authorization": f"Bearer {there.json['auth_token']}"}
        assert other_shop.nobody.get("/customers/my-tickets", headers=token).status_code == 200


class TestATokenOfOurOwnThatNamesSomethingElse:
    """Signed by us, as after a mistake of ours: the membership in the database has the last word."""

    @pytest.mark.parametrize("role", ["owner", "mechanic"])
    def test_a_customers_membership_makes_no(self, shop: Shop, role: str) -> None:
        assert shop.customer.principal is not None
        borrowed = Caller(shop.app, replace(shop.customer.principal, role=role), shop.slug)  # type: ignore[arg-type]

        assert borrowed.get("/customers").status_code == 401

    def test_a_membership_of_another_workshop_opens_none(self, shop: Shop, other_shop: Shop) -> None:
        assert shop.owner.principal is not None
        borrowed = Caller(shop.app, replace(shop.owner.principal, workshop_id=other_shop.id), shop.slug)

        assert borrowed.get("/customers").status_code == 401

    def test_a_membership_of_somebody_else_is_none_of_ones_own(self, shop: Shop) -> None:
        assert shop.owner.principal is not None
        assert shop.customer.principal is not None
        account = shop.customer.principal.account_id
        borrowed = Caller(shop.app, replace(shop.owner.principal, account_id=account), shop.slug)

        assert borrowed.get("/customers").status_code == 401


def sign_in(shop: Shop, door: str, email: str, password: str = PASSWORD) -> Any:
    return shop.nobody.post(door, json={"email": email, "password": password})


class TestNobodyRises:
    def test_a_customer_at_the_door_of_the_staff_is_a_customer(self, shop: Shop) -> None:
        login = sign_in(shop, "/mechanics/login", shop.customer.email)

        token = {"Authorization": f"Bearer {login.json['auth_token']}"}
        assert login.json["role"] == "customer"
        assert shop.nobody.get("/customers", headers=token).status_code == 403

    def test_a_registration_by_a_mechanic_makes_a_customer(self, shop: Shop) -> None:
        person = {
            "name": "Friend",
            "email": f"{unique('friend')}@example.com",
            "phone": "555-400-0002",
            "password": PASSWORD,
        }

        made = shop.mechanic.post("/customers", json=person)

        assert made.status_code == 201
        assert sign_in(shop, "/mechanics/login", person["email"]).json["role"] == "customer"

    def test_a_mechanic_who_is_a_customer_too_is_at_one_door_only_a_customer(self, shop: Shop) -> None:
        person = {"name": "Mel", "email": shop.mechanic.email, "phone": "555-400-0003", "password": PASSWORD}
        assert shop.nobody.post("/customers", json=person).status_code == 201

        login = sign_in(shop, "/customers/login", shop.mechanic.email)

        token = {"Authorization": f"Bearer {login.json['auth_token']}"}
        assert shop.nobody.get("/inventory", headers=token).status_code == 403

    def test_hiring_by_anothers_address_takes_nothing_over(self, shop: Shop, other_shop: Shop) -> None:
        hired = {
            "name": "Mole",
            "email": other_shop.owner.email,
            "phone": "555-400-0004",
            "salary": 1,
            "password": "chosen-by-me",
        }

        answer = shop.owner.post("/mechanics", json=hired)

        assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
        assert sign_in(other_shop, "/mechanics/login", other_shop.owner.email).json["role"] == "owner"
        assert (
            sign_in(other_shop, "/mechanics/login", other_shop.owner.email, "chosen-by-me").status_code == 401
        )

    def test_moving_a_mechanic_to_anothers_address_takes_nothing_over(
        self, shop: Shop, other_shop: Shop
    ) -> None:
        moved = {"email": other_shop.owner.email, "password": "chosen-by-me"}

        answer = shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json=moved)

        assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
        assert (
            sign_in(other_shop, "/mechanics/login", other_shop.owner.email, "chosen-by-me").status_code == 401
        )
        assert sign_in(shop, "/mechanics/login", shop.mechanic.email).status_code == 200

    @pytest.mark.parametrize("change", [{"password": "chosen-by-me"}, {"email": "mine-now@example.com"}])
    def test_an_owner_has_no_hold_on_an_account_that_serves_another_workshop(
        self, shop: Shop, other_shop: Shop, change: dict[str, str]
    ) -> None:
        elsewhere = {
            "name": "Mel",
            "email": shop.mechanic.email,
            "phone": "555-400-0005",
            "password": PASSWORD,
        }
        assert other_shop.nobody.post("/customers", json=elsewhere).status_code == 201

        answer = shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json=change)

        assert (answer.status_code, answer.json["code"]) == (409, "account_shared")
        assert sign_in(other_shop, "/customers/login", shop.mechanic.email).status_code == 200

    @pytest.mark.parametrize("change", [{"password": "chosen-by-me"}, {"email": "mine-now@example.com"}])
    def test_an_owner_has_no_hold_on_the_installations_administrator(
        self, shop: Shop, change: dict[str, str]
    ) -> None:
        with shop.inside(), atomic():
            account_of(shop.mechanic.email).is_admin = True

        answer = shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json=change)

        assert (answer.status_code, answer.json["code"]) == (409, "account_shared")
        assert sign_in(shop, "/mechanics/login", shop.mechanic.email).status_code == 200

    def test_correcting_a_customers_address_leaves_their_sign_in(self, shop: Shop) -> None:
        changed = shop.owner.patch(
            f"/customers/{shop.customer_id}", json={"email": f"{unique('new')}@example.com"}
        )

        assert changed.status_code == 200
        assert sign_in(shop, "/customers/login", shop.customer.email).status_code == 200

    def test_recording_a_walk_in_opens_no_account(self, shop: Shop) -> None:
        email = f"{unique('walk-in')}@example.com"
        shop.mechanic.post("/customers", json={"name": "Walk-in", "email": email})

        with shop.inside():
            assert (
                accounts.account_of(
                    shop.id, customer_id=shop.owner.get(f"/customers?email={email}").json[0]["id"]
                )
                is None
            )
        assert sign_in(shop, "/customers/login", email).status_code == 401
