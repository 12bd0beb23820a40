"""Erasures and other people: what is somebody else's stays theirs, whatever address the erased person's record ever had."""

from __future__ import annotations

import pytest

from tests.accounts.test_tries import fail, sign_in
from tests.factories import PASSWORD, Caller, Shop, unique
from tests.mailing import Clock


def register(shop: Shop, **told: str) -> Caller:
    """Let somebody become a customer with an account; return them."""
    body = {"name": "Anna Obi", "email": f"{unique('anna')}@example.com", "password": PASSWORD} | told
    made = shop.nobody.post("/customers", json=body)
    assert made.status_code == 201, made.json
    return shop.sign_in(body["email"])


def id_of(who: Caller) -> int:
    assert who.principal is not None
    assert who.principal.customer_id is not None
    return who.principal.customer_id


@pytest.mark.usefixtures("nothing_counted")
class TestTheBrakeOfSigningIn:
    def test_of_somebody_else_stays_on_when_a_record_that_was_given_their_address_is_erased(
        self, shop: Shop, other_shop: Shop, clock_set: Clock
    ) -> None:
        target = other_shop.owner.email
        path = f"/customers/{id_of(register(shop, phone='555-111-2222'))}"
        fail(shop, target, clock_set, 5)
        assert sign_in(shop, target).status_code == 429

        assert shop.owner.patch(path, json={"email": target}).status_code == 200
        assert shop.owner.delete(path).status_code == 200

        assert sign_in(shop, target).status_code == 429

    def test_of_the_mechanic_whose_number_a_record_was_given_stays_on(
        self, shop: Shop, clock_set: Clock
    ) -> None:
        who = register(shop, phone="555-111-2222")

        def by_number(phone: str) -> int:
            return shop.nobody.post("/auth/login", json={"phone": phone, "password": "wrong"}).status_code

        for phone in ("555-987-6543", "555-111-2222"):
            assert [by_number(phone) for _ in range(5)] == [401] * 4 + [429]

        assert who.patch("/customers", json={"phone": "555-987-6543"}).status_code == 200
        assert who.delete("/customers").status_code == 200

        assert by_number("555-987-6543") == 429
        assert by_number("555-111-2222") == 401  # nobody's any more

    def test_is_off_at_the_address_of_who_was_erased(self, shop: Shop, clock_set: Clock) -> None:
        who = register(shop, phone="555-111-2222")
        fail(shop, who.email, clock_set, 5)

        assert who.delete("/customers").status_code == 200

        assert sign_in(shop, who.email).status_code == 401

    def test_stays_on_at_an_account_that_goes_on_elsewhere(
        self, shop: Shop, other_shop: Shop, clock_set: Clock
    ) -> None:
        who = register(shop, phone="555-111-2222")
        joined = other_shop.nobody.post(
            "/customers",
            json={"name": "Anna", "email": who.email, "phone": "555-111-2222", "password": PASSWORD},
        )
        assert joined.status_code == 201
        fail(shop, who.email, clock_set, 5)

        assert shop.owner.delete(f"/customers/{id_of(who)}").status_code == 200

        assert sign_in(shop, who.email).status_code == 429
