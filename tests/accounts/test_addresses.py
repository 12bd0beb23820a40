"""Verifying an address, and changing it by the old one and the new one together."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from app.blueprints.accounts.models import Account
from tests.accounts.letters import Letters
from tests.factories import PASSWORD, Shop, account_of, registration, unique
from tests.mailing import Clock

REFUSED = (400, "code_refused")


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def confirm(shop: Shop, **sent: str) -> TestResponse:
    return shop.nobody.post("/auth/email/confirmation", json=sent)


def account(shop: Shop, email: str) -> Account:
    with shop.app.app_context():
        return account_of(email)


class TestVerifying:
    def test_whoever_registers_is_asked_to(self, shop: Shop, letters: Letters) -> None:
        person = registration()
        shop.nobody.post("/customers", json=person)
        before = account(shop, person["email"]).email_verified_at

        done = confirm(shop, token=letters.token(person["email"]))

        assert (before, done.status_code) == (None, 200)
        assert account(shop, person["email"]).email_verified_at is not None

    def test_goes_by_code_too_and_once(self, shop: Shop, letters: Letters) -> None:
        person = registration()
        shop.nobody.post("/customers", json=person)
        code = letters.code(person["email"])

        answers = [confirm(shop, email=person["email"], code=code) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 400]

    def test_can_be_asked_for_again_until_it_is_done(self, shop: Shop, letters: Letters) -> None:
        asked = shop.customer.post("/auth/email/verification")
        confirm(shop, token=letters.token(shop.customer.email))
        letters.transport.taken.clear()

        again = shop.customer.post("/auth/email/verification")

        assert asked.json == again.json
        assert letters.to(shop.customer.email) == []

    def test_asked_for_the_sixth_time_in_an_hour_is_refused(
        self, shop: Shop, letters: Letters, clock_set: Clock
    ) -> None:
        answers = [shop.customer.post("/auth/email/verification") for _ in range(6)]

        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert len(letters.to(shop.customer.email)) == 5

    @pytest.mark.parametrize(
        ("sent", "field"),
        [
            ({}, "email"), ({"email": "a@example.com"}, "code"), ({"code": "123456"}, "email"),
            ({"token": "x", "code": "123456"}, "token"), ({"email": "nobody", "code": "123456"}, "email"),
        ],
    )  # fmt: skip
    def test_needs_a_token_or_an_address_with_its_code(
        self, shop: Shop, sent: dict[str, str], field: str
    ) -> None:
        answer = confirm(shop, **sent)

        assert answer.status_code == 400
        assert field in answer.json["errors"]

    @pytest.mark.parametrize("sent", [{"token": "x"}, {"email": "nobody@example.com", "code": "123456"}])
    def test_by_what_nobody_sent_is_refused(self, shop: Shop, sent: dict[str, str]) -> None:
        assert told(confirm(shop, **sent)) == REFUSED

    def test_the_link_leads_to_the_frontend_with_its_token_out_of_sight_of_servers(
        self, shop: Shop, letters: Letters
    ) -> None:
        person = registration()
        shop.nobody.post("/customers", json=person)

        (text,) = letters.to(person["email"])

        assert f"{shop.app.config['FRONTEND_URL']}/verify-email#token=" in text


class TestChanging:
    @pytest.fixture
    def new(self, shop: Shop, letters: Letters, clock_set: Clock) -> str:
        email = f"{unique('new')}@example.com"
        body = {"email": email, "present_password": PASSWORD}
        assert shop.mechanic.post("/auth/email", json=body).status_code == 200
        return email

    @pytest.mark.parametrize("first", ["old", "new"])
    @pytest.mark.parametrize("by", ["token", "code"])
    def test_happens_once_both_have_confirmed(
        self, shop: Shop, letters: Letters, new: str, first: str, by: str
    ) -> None:
        old = shop.mechanic.email
        ends = (old, new) if first == "old" else (new, old)
        sent = [
            {"token": letters.token(end)} if by == "token" else {"email": end, "code": letters.code(end)}
            for end in ends
        ]

        one = confirm(shop, **sent[0])
        between = account(shop, old).email
        two = confirm(shop, **sent[1])

        assert (one.status_code, two.status_code, between) == (200, 200, old)
        assert account(shop, new).email_verified_at is not None
        signed_in = shop.nobody.post("/auth/login", json={"email": new, "password": PASSWORD})
        assert signed_in.status_code == 200
        assert shop.nobody.post("/auth/login", json={"email": old, "password": PASSWORD}).status_code == 401

    def test_tells_the_old_address_which_one_without_spelling_it_out(
        self, shop: Shop, letters: Letters, new: str
    ) -> None:
        (text,) = letters.to(shop.mechanic.email)

        assert "n***@example.com" in text
        assert new not in text

    def test_needs_the_password(self, shop: Shop, letters: Letters) -> None:
        body = {"email": f"{unique('new')}@example.com", "present_password": "not-the-password"}

        assert told(shop.owner.post("/auth/email", json=body)) == (403, "wrong_password")

    def test_to_an_address_that_has_an_account_is_refused(self, shop: Shop) -> None:
        body = {"email": shop.owner.email, "present_password": PASSWORD}

        assert told(shop.mechanic.post("/auth/email", json=body)) == (409, "email_taken")

    def test_to_one_that_somebody_took_meanwhile_is_refused_and_changes_nothing(
        self, shop: Shop, letters: Letters, new: str
    ) -> None:
        confirm(shop, token=letters.token(shop.mechanic.email))
        token = letters.token(new)
        shop.nobody.post("/customers", json=registration(email=new))

        assert told(confirm(shop, token=token)) == (409, "email_taken")
        assert account(shop, shop.mechanic.email).email == shop.mechanic.email

    def test_asked_for_anew_makes_the_first_links_worthless(
        self, shop: Shop, letters: Letters, new: str
    ) -> None:
        first = letters.token(new)
        other = f"{unique('other')}@example.com"
        shop.mechanic.post("/auth/email", json={"email": other, "present_password": PASSWORD})

        assert told(confirm(shop, token=first)) == REFUSED

    @pytest.mark.parametrize("so_far", ["a code", "a reset token"])
    def test_leaves_the_former_address_no_way_to_recover_the_account(
        self, shop: Shop, letters: Letters, new: str, so_far: str
    ) -> None:
        old = shop.mechanic.email
        tokens = [letters.token(address) for address in (old, new)]
        shop.nobody.post("/auth/recovery", json={"email": old})
        path, body = "/auth/recovery/code", {"email": old, "code": letters.code(old)}
        if so_far == "a reset token":
            token = shop.nobody.post(path, json=body).json["reset_token"]
            path, body = (
                "/auth/recovery/password",
                {"reset_token": token, "password": "wrench-otter-lagoon-42"},
            )

        assert [confirm(shop, token=token).status_code for token in tokens] == [200, 200]
        assert told(shop.nobody.post(path, json=body)) == REFUSED
        assert shop.nobody.post("/auth/login", json={"email": new, "password": PASSWORD}).status_code == 200

    @pytest.mark.parametrize("only", ["old", "new"])
    def test_asked_for_twice_still_needs_both(
        self, shop: Shop, letters: Letters, new: str, only: str
    ) -> None:
        shop.mechanic.post("/auth/email", json={"email": new, "present_password": PASSWORD})

        done = confirm(shop, token=letters.token(shop.mechanic.email if only == "old" else new))

        assert done.json == {"message": "Confirmed. The other address is still to confirm."}
        assert account(shop, shop.mechanic.email).email == shop.mechanic.email

    @pytest.mark.parametrize("first", ["old", "new"])
    def test_confirmed_at_one_end_for_an_earlier_request_counts_for_no_later_one(
        self, shop: Shop, letters: Letters, new: str, first: str
    ) -> None:
        ends = [shop.mechanic.email, new] if first == "old" else [new, shop.mechanic.email]
        confirm(shop, token=letters.token(ends[0]))
        shop.mechanic.post("/auth/email", json={"email": new, "present_password": PASSWORD})

        between = confirm(shop, token=letters.token(ends[1])).json["message"]
        unchanged = account(shop, shop.mechanic.email).email
        done = confirm(shop, token=letters.token(ends[0])).json["message"]

        assert (between, unchanged) == (
            "Confirmed. The other address is still to confirm.",
            shop.mechanic.email,
        )
        assert done == "The address is changed."

    def test_to_ones_own_address_is_none(self, shop: Shop) -> None:
        body = {"email": shop.owner.email, "present_password": PASSWORD}

        assert told(shop.owner.post("/auth/email", json=body)) == (409, "email_unchanged")

    @pytest.mark.parametrize("by", ["/auth/email", "/customers"])
    def test_asked_for_the_sixth_time_in_an_hour_is_refused_and_leaves_the_fifth_good(
        self, shop: Shop, letters: Letters, clock_set: Clock, by: str
    ) -> None:
        def ask(email: str) -> TestResponse:
            if by == "/customers":
                return shop.customer.patch(by, json={"email": email})
            return shop.customer.post(by, json={"email": email, "present_password": PASSWORD})

        wanted = [f"{unique('new')}@example.com" for _ in range(6)]

        answers = [ask(email) for email in wanted]

        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert told(answers[5]) == (429, "too_many_codes")
        assert answers[5].headers["Retry-After"] == "3600"
        assert letters.to(wanted[5]) == []
        ends = [shop.customer.email, wanted[4]]
        assert [confirm(shop, token=letters.token(end)).status_code for end in ends] == [200, 200]
        assert account(shop, wanted[4]).email_verified_at is not None

    def test_waits_for_a_day_and_no_longer(
        self, shop: Shop, letters: Letters, clock_set: Clock, new: str
    ) -> None:
        tokens = [letters.token(shop.mechanic.email), letters.token(new)]
        confirm(shop, token=tokens[0])
        clock_set.pass_(hours=25)

        assert told(confirm(shop, token=tokens[1])) == REFUSED


class TestByTheCustomersRecord:
    def test_another_address_there_is_asked_about_at_both_and_then_signs_in(
        self, shop: Shop, letters: Letters
    ) -> None:
        old, new = shop.customer.email, f"{unique('new')}@example.com"
        shop.customer.patch("/customers", json={"email": new})

        done = [confirm(shop, token=letters.token(address)).status_code for address in (old, new)]

        assert done == [200, 200]
        assert shop.customer.get("/auth/me").json["account"] | {"id": 0} == {
            "id": 0, "email": new, "email_verified": True,
        }  # fmt: skip

    def test_the_record_sent_again_as_it_is_asks_nothing(self, shop: Shop, letters: Letters) -> None:
        new = f"{unique('new')}@example.com"
        record = {"name": "Ada Obi", "email": new, "phone": "555-123-4567"}
        shop.customer.put("/customers", json=record)
        first = letters.to(new)

        shop.customer.put("/customers", json=record)

        assert (len(first), letters.to(new)) == (1, first)

    def test_the_former_address_put_back_makes_void_what_was_sent(self, shop: Shop, letters: Letters) -> None:
        old, new = shop.customer.email, f"{unique('new')}@example.com"
        shop.customer.patch("/customers", json={"email": new})
        tokens = [letters.token(address) for address in (old, new)]

        shop.customer.patch("/customers", json={"email": old})

        assert [told(confirm(shop, token=token)) for token in tokens] == [REFUSED, REFUSED]

    def test_put_back_and_written_again_it_still_needs_the_former_address(
        self, shop: Shop, letters: Letters
    ) -> None:
        old, new = shop.customer.email, f"{unique('new')}@example.com"
        for email in (new, old, new):
            assert shop.customer.patch("/customers", json={"email": email}).status_code == 200

        done = confirm(shop, token=letters.token(new)).json["message"]

        assert done == "Confirmed. The other address is still to confirm."
        assert account(shop, old).email == old


class TestByTheMechanicsRecord:
    def test_put_back_and_written_again_it_still_needs_the_former_address(
        self, shop: Shop, letters: Letters
    ) -> None:
        old, new = shop.mechanic.email, f"{unique('new')}@example.com"
        for email in (new, old, new):
            answer = shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json={"email": email})
            assert answer.status_code == 200

        done = confirm(shop, token=letters.token(new)).json["message"]

        assert done == "Confirmed. The other address is still to confirm."
        assert account(shop, old).email == old

    @pytest.mark.parametrize("by", ["owner", "themselves"])
    def test_another_address_there_is_asked_about_at_both_and_then_signs_in(
        self, shop: Shop, letters: Letters, by: str
    ) -> None:
        old = shop.mechanic.email if by == "owner" else shop.owner.email
        mechanic_id = (
            shop.mechanic_id if by == "owner" else shop.make_mechanic(email=old, password=PASSWORD).id
        )
        new = f"{unique('new')}@example.com"

        answer = shop.owner.patch(f"/mechanics/{mechanic_id}", json={"email": new})
        between = account(shop, old).email
        done = [confirm(shop, token=letters.token(address)).status_code for address in (old, new)]

        assert (answer.json["email"], between, done) == (new, old, [200, 200])
        assert account(shop, new).email_verified_at is not None

    def test_of_who_has_no_account_nothing_is_asked(self, shop: Shop, letters: Letters) -> None:
        mechanic, new = shop.make_mechanic(), f"{unique('new')}@example.com"

        shop.owner.patch(f"/mechanics/{mechanic.id}", json={"email": new})

        assert (letters.to(str(mechanic.email)), letters.to(new)) == ([], [])

    def test_a_password_that_somebody_else_gives_is_told_and_ends_the_sessions(
        self, shop: Shop, letters: Letters
    ) -> None:
        shop.owner.patch(f"/mechanics/{shop.mechanic_id}", json={"password": "another-fine-one"})

        (text,) = letters.to(shop.mechanic.email)
        assert "password" in text
        assert shop.mechanic.get("/auth/me").status_code == 401
        assert shop.owner.get("/auth/me").status_code == 200
