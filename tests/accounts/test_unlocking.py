"""A workshop helps its people who cannot get in: an account that waits is unlocked, a lost second factor taken away."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from tests.accounts.letters import Letters
from tests.accounts.test_second_factor import actions, sign_in, told
from tests.factories import PASSWORD, Caller, Shop
from tests.mailing import Clock
from tests.second_factors import begin, switch_on

PEOPLE = ["mechanic", "customer"]


pytestmark = pytest.mark.usefixtures("nothing_counted")


def path_of(shop: Shop, role: str) -> str:
    return f"/mechanics/{shop.mechanic_id}" if role == "mechanic" else f"/customers/{shop.customer_id}"


def unlock(shop: Shop, role: str) -> TestResponse:
    return shop.owner.post(f"{path_of(shop, role)}/unlock")


def take_away(shop: Shop, role: str) -> TestResponse:
    return shop.owner.delete(f"{path_of(shop, role)}/second_factor")


def lock_out(shop: Shop, clock: Clock, **named: str) -> None:
    """Fail until the door is locked, each time as soon as it is open again."""
    for _ in range(10):
        clock.pass_(minutes=2)
        answer = shop.nobody.post("/auth/login", json={**named, "password": "wrong"})
        assert told(answer) == (401, "wrong_credentials")


class TestUnlocking:
    @pytest.mark.parametrize("role", PEOPLE)
    def test_who_is_locked_out_signs_in_at_once(self, shop: Shop, clock_set: Clock, role: str) -> None:
        email = getattr(shop, role).email
        lock_out(shop, clock_set, email=email)
        locked = told(sign_in(shop, email))

        done = unlock(shop, role)

        assert locked == (429, "too_many_tries")
        assert done.status_code == 200
        assert sign_in(shop, email).status_code == 200
        assert actions(shop)[-1] == "account.unlocked"

    @pytest.mark.parametrize(("role", "phone"), [("mechanic", "555-987-6543"), ("customer", "555-123-0000")])
    def test_by_their_number_too(self, shop: Shop, clock_set: Clock, role: str, phone: str) -> None:
        lock_out(shop, clock_set, phone=phone)
        body = {"phone": phone, "password": PASSWORD}
        locked = told(shop.nobody.post("/auth/login", json=body))

        unlock(shop, role)

        assert locked == (429, "too_many_tries")
        assert shop.nobody.post("/auth/login", json=body).status_code == 200

    def test_a_number_is_counted_as_one_however_it_is_written(self, shop: Shop, clock_set: Clock) -> None:
        shop.customer.patch("/customers", {"phone": "+1 415 555 0132"})
        spellings = ["415-555-0132", "(415) 555-0132", "+14155550132", "415.555.0132"]

        for phone in spellings:
            shop.nobody.post("/auth/login", json={"phone": phone, "password": "wrong"})
        waiting = shop.nobody.post("/auth/login", json={"phone": "4155550132", "password": PASSWORD})
        unlock(shop, "customer")

        assert told(waiting) == (429, "too_many_tries")
        again = shop.nobody.post("/auth/login", json={"phone": "4155550132", "password": PASSWORD})
        assert again.status_code == 200

    @pytest.mark.parametrize("role", PEOPLE)
    def test_their_second_factor_too(self, shop: Shop, clock_set: Clock, role: str) -> None:
        person: Caller = getattr(shop, role)
        app = switch_on(person, clock_set)
        for _ in range(4):
            sign_in(shop, person.email, second_factor_code=app.wrong)
        clock_set.pass_(seconds=1)
        waiting = told(sign_in(shop, person.email, second_factor_code=app.code_in(30)))

        unlock(shop, role)

        assert waiting == (429, "too_many_tries")
        assert sign_in(shop, person.email, second_factor_code=app.code_in(30)).status_code == 200

    def test_leaves_others_locked(self, shop: Shop, clock_set: Clock) -> None:
        lock_out(shop, clock_set, email=shop.other_customer.email)

        unlock(shop, "customer")

        assert told(sign_in(shop, shop.other_customer.email)) == (429, "too_many_tries")

    def test_who_is_not_locked_loses_nothing_by_it(self, shop: Shop) -> None:
        assert unlock(shop, "customer").status_code == 200
        assert sign_in(shop, shop.customer.email).status_code == 200

    def test_somebody_without_an_account_has_nothing_to_unlock(self, shop: Shop) -> None:
        walk_in, jane = shop.make_customer(), shop.make_mechanic()

        answers = [
            shop.owner.post(f"/customers/{walk_in.id}/unlock"),
            shop.owner.post(f"/mechanics/{jane.id}/unlock"),
        ]

        assert [told(answer) for answer in answers] == [(404, "no_sign_in")] * 2

    def test_a_walk_ins_address_unlocks_nobodys_account(
        self, shop: Shop, other_shop: Shop, clock_set: Clock
    ) -> None:
        """Else whoever opens a workshop could write down anybody's address, and guess on without a pause."""
        lock_out(shop, clock_set, email=shop.owner.email)
        walk_in = other_shop.make_customer(email=shop.owner.email)

        assert told(other_shop.owner.post(f"/customers/{walk_in.id}/unlock")) == (404, "no_sign_in")
        assert told(sign_in(shop, shop.owner.email)) == (429, "too_many_tries")

    def test_nor_does_a_number_that_somebody_has_elsewhere(
        self, shop: Shop, other_shop: Shop, clock_set: Clock
    ) -> None:
        lock_out(shop, clock_set, phone="555-123-0000")

        unlock(other_shop, "customer")  # whose number is the same

        body = {"phone": "555-123-0000", "password": PASSWORD}
        assert told(shop.nobody.post("/auth/login", json=body)) == (429, "too_many_tries")


class TestTakingASecondFactorAway:
    @pytest.mark.parametrize("role", PEOPLE)
    def test_lets_them_sign_in_by_password_and_is_told_by_mail(
        self, shop: Shop, clock_set: Clock, letters: Letters, role: str
    ) -> None:
        person: Caller = getattr(shop, role)
        app = switch_on(person, clock_set)

        done = take_away(shop, role)

        assert done.status_code == 200
        assert sign_in(shop, person.email).status_code == 200
        assert "has switched the second factor" in " ".join(letters.to(person.email)[-1].split())
        assert actions(shop)[-1] == "account.second_factor_removed"
        again = sign_in(shop, person.email, second_factor_code=app.code)
        assert "second_factor_required" not in str(again.json)

    def test_leaves_staff_to_set_another_one_up_where_it_is_asked_for(
        self, shop: Shop, clock_set: Clock
    ) -> None:
        for person in (shop.owner, shop.mechanic):
            switch_on(person, clock_set)
        shop.owner.patch(f"/workshops/{shop.id}", {"second_factor_for_staff": True})
        assert shop.mechanic.get("/mechanics").status_code == 200

        take_away(shop, "mechanic")

        assert told(shop.mechanic.get("/mechanics")) == (403, "second_factor_setup_required")
        switch_on(shop.mechanic, clock_set)
        assert shop.mechanic.get("/mechanics").status_code == 200

    @pytest.mark.parametrize("role", PEOPLE)
    def test_where_there_is_none_is_not_found(self, shop: Shop, role: str) -> None:
        assert told(take_away(shop, role)) == (404, "second_factor_not_found")
        begin(getattr(shop, role))
        assert told(take_away(shop, role)) == (404, "second_factor_not_found")

    def test_nor_has_somebody_without_an_account_one(self, shop: Shop) -> None:
        walk_in = shop.make_customer()

        assert told(shop.owner.delete(f"/customers/{walk_in.id}/second_factor")) == (
            404,
            "second_factor_not_found",
        )


@pytest.mark.parametrize("help_", [unlock, take_away])
class TestNobodyHelps:
    @pytest.mark.parametrize("role", PEOPLE)
    def test_at_an_account_that_serves_another_workshop_too(
        self, shop: Shop, other_shop: Shop, clock_set: Clock, role: str, help_: object
    ) -> None:
        person: Caller = getattr(shop, role)
        there = {"name": "Two Shops", "email": person.email, "phone": "555-400-0001", "password": PASSWORD}
        assert other_shop.nobody.post("/customers", json=there).status_code == 201
        switch_on(person, clock_set)

        answer = help_(shop, role)  # type: ignore[operator]

        assert told(answer) == (409, "account_shared")
        assert told(sign_in(shop, person.email))[0] == 401  # the second factor is asked for as before

    @pytest.mark.parametrize("role", PEOPLE)
    def test_in_another_workshop(
        self, shop: Shop, other_shop: Shop, clock_set: Clock, role: str, help_: object
    ) -> None:
        switch_on(getattr(shop, role), clock_set)
        path = path_of(shop, role)
        method, what = ("POST", "unlock") if help_ is unlock else ("DELETE", "second_factor")

        answer = other_shop.owner.open(method, f"{path}/{what}")

        assert told(answer) == (404, f"{role}_not_found")


class TestMembers:
    """Owners, and staff in a role of the workshop's own, have no record by which they could be helped."""

    def test_an_owner_is_unlocked_by_another(self, shop: Shop, clock_set: Clock) -> None:
        other = shop.make_owner()
        lock_out(shop, clock_set, email=other.email)
        locked = told(sign_in(shop, other.email))

        done = shop.owner.post(f"/members/{other.member_id}/unlock")

        assert (locked, done.status_code) == ((429, "too_many_tries"), 200)
        assert sign_in(shop, other.email).status_code == 200
        assert actions(shop)[-1] == "account.unlocked"

    def test_the_number_of_their_record_is_unlocked_too(self, shop: Shop, clock_set: Clock) -> None:
        lock_out(shop, clock_set, phone="555-987-6543")

        shop.owner.post(f"/members/{shop.mechanic.member_id}/unlock")

        body = {"phone": "555-987-6543", "password": PASSWORD}
        assert shop.nobody.post("/auth/login", json=body).status_code == 200

    def test_staff_are_rid_of_a_lost_second_factor(
        self, shop: Shop, clock_set: Clock, letters: Letters
    ) -> None:
        desk = shop.make_staff("tickets:read")
        switch_on(desk, clock_set)

        done = shop.owner.delete(f"/members/{desk.member_id}/second_factor")
        again = shop.owner.delete(f"/members/{desk.member_id}/second_factor")

        assert done.status_code == 200
        assert sign_in(shop, desk.email).status_code == 200
        written = [" ".join(letter.split()) for letter in letters.to(desk.email)]
        assert sum("has switched the second factor" in letter for letter in written) == 1
        assert told(again) == (404, "second_factor_not_found")

    @pytest.mark.parametrize("whose", ["customer", "foreign"])
    def test_who_is_no_member_is_not_found(
        self, shop: Shop, other_shop: Shop, clock_set: Clock, whose: str
    ) -> None:
        person = shop.customer if whose == "customer" else other_shop.mechanic
        switch_on(person, clock_set)

        answers = [
            shop.owner.post(f"/members/{person.member_id}/unlock"),
            shop.owner.delete(f"/members/{person.member_id}/second_factor"),
        ]

        assert [told(answer) for answer in answers] == [(404, "member_not_found")] * 2

    def test_who_holds_more_is_not_helped_by_who_holds_less(self, shop: Shop, clock_set: Clock) -> None:
        give_role = {"role": "owner"}
        assert shop.owner.put(f"/members/{shop.mechanic.member_id}/role", json=give_role).status_code == 200
        desk = shop.make_staff("members:write", "mechanics:write")
        switch_on(shop.owner, clock_set)

        answers = [
            desk.post(f"/members/{shop.owner.member_id}/unlock"),
            desk.delete(f"/members/{shop.owner.member_id}/second_factor"),
            desk.post(f"/mechanics/{shop.mechanic_id}/unlock"),
            desk.delete(f"/mechanics/{shop.mechanic_id}/second_factor"),
        ]

        assert [told(answer) for answer in answers] == [(403, "beyond_own_scopes")] * 4

    def test_a_mechanic_is_helped_by_who_may_do_the_work_alike_at_both_doors(
        self, shop: Shop, clock_set: Clock
    ) -> None:
        desk = shop.make_staff("members:write", "mechanics:write")
        switch_on(shop.mechanic, clock_set)

        answers = [
            desk.open(method, f"{path}/{what}")
            for method, what in (("POST", "unlock"), ("DELETE", "second_factor"))
            for path in (f"/members/{shop.mechanic.member_id}", f"/mechanics/{shop.mechanic_id}")
        ]

        assert [told(answer) for answer in answers] == [(403, "beyond_own_scopes")] * 4

    def test_an_owner_helps_a_mechanic_who_brings_their_own_car(self, shop: Shop, clock_set: Clock) -> None:
        body = {
            "name": "Mel Mechanic",
            "email": shop.mechanic.email,
            "phone": "555-987-0000",
            "password": PASSWORD,
        }
        assert shop.nobody.post("/customers", json=body).status_code == 201
        switch_on(shop.mechanic, clock_set)

        answers = [
            shop.owner.delete(f"/mechanics/{shop.mechanic_id}/second_factor"),
            shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json={"password": "another-fine-one"}),
        ]

        assert [answer.status_code for answer in answers] == [200, 200]


class TestNobodyHelpsThemselves:
    """A stolen token would be enough to guess the password without a pause, and to be rid of the second factor."""

    def test_by_what_they_are_in_the_workshop(self, shop: Shop, clock_set: Clock) -> None:
        switch_on(shop.owner, clock_set)

        answers = [
            shop.owner.post(f"/members/{shop.owner.member_id}/unlock"),
            shop.owner.delete(f"/members/{shop.owner.member_id}/second_factor"),
        ]

        assert [told(answer) for answer in answers] == [(409, "own_account")] * 2
        assert told(sign_in(shop, shop.owner.email))[0] == 401  # the second factor is asked for as before

    def test_by_their_record(self, shop: Shop, clock_set: Clock) -> None:
        assert (
            shop.owner.put(f"/members/{shop.mechanic.member_id}/role", json={"role": "owner"}).status_code
            == 200
        )
        mechanic = shop.sign_in(shop.mechanic.email)
        switch_on(mechanic, clock_set)

        answers = [
            mechanic.post(f"/mechanics/{shop.mechanic_id}/unlock"),
            mechanic.delete(f"/mechanics/{shop.mechanic_id}/second_factor"),
        ]

        assert [told(answer) for answer in answers] == [(409, "own_account")] * 2
