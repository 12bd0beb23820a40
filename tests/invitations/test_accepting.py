"""Accepting an invitation: who becomes what, what it takes, and every reason for which a link opens nothing any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.blueprints.accounts.models import Account
from app.blueprints.accounts.tries import BY_NAME
from app.blueprints.invitations.models import Invitation
from app.core import identity
from app.core.db import atomic
from app.core.identity import Principal
from app.extensions import db
from tests.factories import PASSWORD, Caller, Shop, account_of, unique
from tests.invitations.post import Post, new_mechanic, new_owner, new_staff, signed_in, told
from tests.mailing import Clock

REFUSED = (400, "invitation_refused")
NEW = "wrench-otter-lagoon-42"
ELSEWHERE = (
    "192.0.2.7"  # where a test fails whose clock runs ahead: the other tests' address is not to wait for it
)


def accounts_with(shop: Shop, email: str) -> int:
    with shop.inside():
        return len(db.session.scalars(select(Account).where(Account.email == email)).all())


def end_membership(shop: Shop, caller: Caller) -> None:
    """Let a second owner, who stays, end what somebody is in the shop."""
    assert caller.principal is not None
    assert shop.make_owner().delete(f"/members/{caller.principal.membership_id}").status_code == 200


class TestThePreview:
    def test_says_who_invites_to_what(self, post: Post) -> None:
        invitation = post.invite(new_mechanic(email=f"{unique('jane')}@example.com"))

        shown = post.preview(post.token(invitation))

        assert shown.status_code == 200
        assert shown.json == {
            "workshop": {"name": post.shop.slug.title(), "slug": post.shop.slug},
            "role": "mechanic",
            "role_name": None,
            "name": "Jane Wrench",
            "email": "j***@example.com",
            "has_account": False,
            "expires_at": invitation["expires_at"],
        }

    def test_tells_its_reader_whether_their_address_has_an_account(
        self, post: Post, other_shop: Shop
    ) -> None:
        invitation = post.invite(new_owner(email=other_shop.customer.email))

        assert post.preview(post.token(invitation)).json["has_account"] is True

    def test_uses_nothing_up(self, post: Post) -> None:
        token = post.token(post.invite(new_owner()))

        assert [post.preview(token).status_code for _ in range(3)] == [200] * 3
        assert post.accept(token).status_code == 201


class TestANewAccount:
    def test_of_an_owner_is_signed_in_and_may_do_everything(self, post: Post) -> None:
        invitation = post.invite(new_owner())

        accepted = post.accept(post.token(invitation))

        assert accepted.status_code == 201
        assert (accepted.json["role"], accepted.json["message"]) == ("owner", "Invitation accepted")
        assert accepted.headers["Location"] == f"/workshops/{post.shop.id}"
        assert signed_in(post.shop, accepted).get("/invitations").status_code == 200
        assert post.state(invitation) == "accepted"

    def test_of_a_mechanic_comes_with_a_record(self, post: Post) -> None:
        invitation = post.invite(new_mechanic(salary=61234))

        accepted = post.accept(post.token(invitation))

        shown = post.owner.get(f"/invitations/{invitation['id']}").json
        record = post.owner.get(f"/mechanics/{shown['mechanic_id']}").json
        assert {name: record[name] for name in ("name", "email", "phone", "salary")} == {
            "name": "Jane Wrench", "email": invitation["email"], "phone": "555-987-6543", "salary": 61234
        }  # fmt: skip
        assert signed_in(post.shop, accepted).get("/service_tickets").status_code == 200

    def test_of_a_mechanic_on_record_gets_that_record(self, post: Post) -> None:
        mechanic = post.shop.make_mechanic()
        invitation = post.invite({"role": "mechanic", "mechanic_id": mechanic.id})

        accepted = post.accept(post.token(invitation))

        assert accepted.json["role"] == "mechanic"
        listed = post.owner.get("/mechanics").json
        assert [one["id"] for one in listed if one["email"] == mechanic.email] == [mechanic.id]

    def test_of_a_customer_claims_their_record(self, post: Post) -> None:
        customer = post.shop.make_customer()
        ticket = post.shop.make_ticket(customer_id=customer.id)
        invitation = post.invite_customer(customer.id)

        claimed = signed_in(post.shop, post.accept(post.token(invitation)))

        assert [one["id"] for one in claimed.get("/customers/my-tickets").json] == [ticket["id"]]
        assert claimed.get(f"/customers/{customer.id}").json["name"] == customer.name
        assert claimed.get(f"/customers/{post.shop.customer_id}").status_code == 403

    def test_is_verified_by_the_link_and_asked_for_no_other(self, post: Post) -> None:
        invitation = post.invite(new_owner())
        post.accept(post.token(invitation))

        with post.shop.inside():
            assert account_of(invitation["email"]).email_verified_at is not None
        assert len(post.letters.to(invitation["email"])) == 1

    def test_signs_in_by_its_password_from_then_on(self, post: Post) -> None:
        invitation = post.invite(new_owner())
        post.accept(post.token(invitation), password=NEW)

        answers = [
            post.shop.nobody.post("/auth/login", json={"email": invitation["email"], "password": password})
            for password in (NEW, PASSWORD)
        ]

        assert [answer.status_code for answer in answers] == [200, 401]

    def test_needs_a_password(self, post: Post) -> None:
        token = post.token(post.invite(new_owner()))

        refused = post.accept(token, password=None)

        assert told(refused) == (400, "invalid_request")
        assert refused.json["errors"] == {"password": ["Missing data for required field."]}

    def test_needs_a_good_one_and_the_link_stays_good(self, post: Post) -> None:
        invitation = post.invite(new_mechanic())
        token = post.token(invitation)

        refused = post.accept(token, password="short")

        assert told(refused) == (400, "password_too_short")
        assert accounts_with(post.shop, invitation["email"]) == 0
        assert post.accept(token).status_code == 201

    def test_may_have_its_refresh_token_in_the_cookie(self, post: Post) -> None:
        accepted = post.accept(post.token(post.invite(new_owner())), refresh_in="cookie")

        assert "refresh_token" not in accepted.json
        assert accepted.json["csrf_token"]
        assert "HttpOnly" in accepted.headers["Set-Cookie"]


class TestARoleOfTheWorkshopsOwn:
    def test_is_what_its_invitation_says_and_gives(self, post: Post) -> None:
        role = post.shop.make_role("customers:read", name="Front desk")
        token = post.token(post.invite(new_staff(role.id)))

        shown = post.preview(token).json
        accepted = post.accept(token)

        assert (shown["role"], shown["role_name"]) == ("staff", "Front desk")
        assert (accepted.status_code, accepted.json["role"]) == (201, "staff")
        member = signed_in(post.shop, accepted)
        assert [member.get(path).status_code for path in ("/customers", "/inventory")] == [200, 403]

    def test_that_was_removed_is_nobodys(self, post: Post) -> None:
        role = post.shop.make_role()
        token = post.token(post.invite(new_staff(role.id)))
        assert post.owner.delete(f"/roles/{role.id}").status_code == 200

        assert told(post.accept(token)) == REFUSED

    def test_that_has_grown_beyond_its_inviter_is_not_given(self, post: Post) -> None:
        role = post.shop.make_role("customers:read")
        able = post.shop.make_staff("invitations:write", "customers:read")
        token = post.token(post.invite(new_staff(role.id), by=able))
        grown = {"scopes": ["customers:read", "customers:write"]}
        assert post.owner.patch(f"/roles/{role.id}", json=grown).status_code == 200

        assert told(post.accept(token)) == REFUSED


class TestTheName:
    def test_a_new_mechanic_gives_is_the_records(self, post: Post) -> None:
        invitation = post.invite(new_mechanic())
        post.accept(post.token(invitation), name="Jane Wrench-Otter")

        shown = post.owner.get(f"/invitations/{invitation['id']}").json
        assert post.owner.get(f"/mechanics/{shown['mechanic_id']}").json["name"] == "Jane Wrench-Otter"

    def test_a_customer_gives_is_the_records(self, post: Post) -> None:
        customer = post.shop.make_customer()
        post.accept(post.token(post.invite_customer(customer.id)), name="Ada Obi-Otter")

        assert post.owner.get(f"/customers/{customer.id}").json["name"] == "Ada Obi-Otter"

    @pytest.mark.parametrize("whose", ["an owner's", "a mechanic's on record"])
    def test_is_not_taken_where_the_workshop_keeps_the_record_or_there_is_none(
        self, post: Post, whose: str
    ) -> None:
        on_record = {"role": "mechanic", "mechanic_id": post.shop.make_mechanic().id}
        token = post.token(post.invite(new_owner() if whose == "an owner's" else on_record))

        refused = post.accept(token, name="Somebody Else")

        assert told(refused) == (400, "invalid_request")
        assert set(refused.json["errors"]) == {"name"}
        assert post.accept(token).status_code == 201


class TestAnAccountThatIsThere:
    def test_joins_by_its_password(self, post: Post, other_shop: Shop) -> None:
        email = other_shop.mechanic.email
        invitation = post.invite(new_mechanic(email=email))

        accepted = post.accept(post.token(invitation))

        assert (accepted.status_code, accepted.json["role"]) == (201, "mechanic")
        assert accounts_with(post.shop, email) == 1

    def test_is_verified_by_the_link(self, post: Post, other_shop: Shop) -> None:
        email = other_shop.mechanic.email
        post.accept(post.token(post.invite(new_owner(email=email))))

        with post.shop.inside():
            assert account_of(email).email_verified_at is not None

    def test_joins_by_a_token_of_its_own_without_the_password(self, post: Post, other_shop: Shop) -> None:
        invitation = post.invite(new_owner(email=other_shop.mechanic.email))

        accepted = post.accept(post.token(invitation), by=other_shop.mechanic, password=None)

        assert (accepted.status_code, accepted.json["role"]) == (201, "owner")

    def test_does_not_join_by_another_accounts_token(self, post: Post, other_shop: Shop) -> None:
        token = post.token(post.invite(new_owner(email=other_shop.mechanic.email)))

        by_token = post.accept(token, by=other_shop.customer, password=None)
        by_wrong_password = post.accept(token, by=other_shop.customer, password=NEW)

        assert told(by_token) == (400, "invalid_request")
        assert told(by_wrong_password) == (401, "wrong_credentials")
        assert post.preview(token).status_code == 200

    def test_does_not_join_by_a_key_of_its_own(self, post: Post, other_shop: Shop) -> None:
        token = post.token(post.invite(new_owner(email=other_shop.owner.email)))
        key = other_shop.make_key("tickets:read")

        assert told(post.accept(token, by=key)) == (403, "not_for_keys")
        assert post.preview(token).status_code == 200

    def test_does_not_join_by_a_token_that_has_ended(self, post: Post, other_shop: Shop) -> None:
        token = post.token(post.invite(new_owner(email=other_shop.mechanic.email)))
        assert other_shop.mechanic.post("/auth/logout").status_code == 200

        assert told(post.accept(token, by=other_shop.mechanic)) == (401, "not_signed_in")

    def test_keeps_its_password(self, post: Post, other_shop: Shop) -> None:
        email = other_shop.mechanic.email
        token = post.token(post.invite(new_owner(email=email)))
        post.accept(token, by=other_shop.mechanic, password=NEW)

        login = other_shop.nobody.post("/auth/login", json={"email": email, "password": PASSWORD})

        assert login.status_code == 200

    def test_waits_after_wrong_passwords_as_at_the_door(
        self, post: Post, other_shop: Shop, clock_set: Clock
    ) -> None:
        email = other_shop.mechanic.email
        token = post.token(post.invite(new_owner(email=email)))

        wrong = [post.accept(token, password=NEW, address=ELSEWHERE) for _ in range(BY_NAME.free + 1)]
        waiting = post.accept(token, address=ELSEWHERE)
        at_the_door = other_shop.nobody.post("/auth/login", json={"email": email, "password": PASSWORD})
        clock_set.pass_(seconds=3)

        assert [told(answer) for answer in wrong] == [(401, "wrong_credentials")] * len(wrong)
        assert told(waiting) == told(at_the_door) == (429, "too_many_tries")
        assert post.accept(token, address=ELSEWHERE).status_code == 201

    def test_is_told_when_it_is_locked_and_a_good_one_forgets_the_failures(
        self, post: Post, other_shop: Shop, clock_set: Clock
    ) -> None:
        email = other_shop.mechanic.email
        token = post.token(post.invite(new_owner(email=email)))

        for _ in range(BY_NAME.most):
            assert post.accept(token, password=NEW, address=ELSEWHERE).status_code == 401
            clock_set.pass_(minutes=14)

        assert "too many wrong passwords" in " ".join(post.letters.to(email)[-1].split())
        clock_set.pass_(minutes=2)
        assert post.accept(token, address=ELSEWHERE).status_code == 201

    def test_that_failed_with_a_key_has_still_failed(self, post: Post, other_shop: Shop) -> None:
        token = post.token(post.invite(new_owner(email=other_shop.mechanic.email)))
        body = {"token": token, "password": NEW}

        for number in range(BY_NAME.free + 1):
            post.shop.nobody.post(
                "/invitations/accept", json=body, headers={"Idempotency-Key": f"try-{number}"}
            )

        assert told(post.accept(token)) == (429, "too_many_tries")


class TestOnce:
    def test_a_link_is_good_once(self, post: Post) -> None:
        token = post.token(post.invite(new_owner()))
        post.accept(token)

        assert [told(post.accept(token)), told(post.preview(token))] == [REFUSED] * 2

    def test_the_same_request_with_one_key_gets_the_same_answer(self, post: Post) -> None:
        token = post.token(post.invite(new_owner()))
        body, key = {"token": token, "password": PASSWORD}, {"Idempotency-Key": "once"}

        answers = [post.shop.nobody.post("/invitations/accept", json=body, headers=key) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json == answers[1].json

    def test_who_is_that_here_by_now_is_told_so(self, post: Post) -> None:
        mechanic = post.shop.make_mechanic()
        token = post.token(post.invite({"role": "mechanic", "mechanic_id": mechanic.id}))
        given = {"password": PASSWORD}
        assert post.owner.patch(f"/mechanics/{mechanic.id}", json=given).status_code == 200

        assert told(post.accept(token)) == (409, "already_member")

    def test_who_is_a_customer_here_by_another_record_cannot_claim_a_second(self, post: Post) -> None:
        customer, email = post.shop.make_customer(), post.shop.customer.email
        token = post.token(post.invite_customer(customer.id))
        with (
            post.shop.inside(),
            atomic(),
        ):  # which no rule brings about: records of one workshop have different addresses
            account_of(email).email = customer.email

        assert told(post.accept(token)) == (409, "already_member")

    def test_an_address_that_a_mechanic_has_got_meanwhile_is_a_conflict(self, post: Post) -> None:
        invitation = post.invite(new_mechanic())
        token = post.token(invitation)
        post.shop.make_mechanic(email=invitation["email"])

        assert told(post.accept(token)) == (409, "email_taken")
        assert accounts_with(post.shop, invitation["email"]) == 0


Spoil = Callable[[Post, dict[str, Any]], None]


def _expire(post: Post, invitation: dict[str, Any]) -> None:
    with post.shop.inside(), atomic() as session:
        row = session.get_one(Invitation, invitation["id"])
        row.expires_at = row.sent_at


def _close(post: Post, invitation: dict[str, Any]) -> None:
    closed = post.owner.delete(f"/workshops/{post.shop.id}?name={post.shop.slug.title()}")
    assert closed.status_code == 200


SPOILT: dict[str, Spoil] = {
    "accepted": lambda post, invitation: assert_done(post.accept(post.token(invitation)).status_code),
    "withdrawn": lambda post, invitation: assert_done(
        post.owner.delete(f"/invitations/{invitation['id']}").status_code
    ),
    "sent again": lambda post, invitation: assert_done(
        post.owner.post(f"/invitations/{invitation['id']}/resend").status_code
    ),
    "expired": _expire,
    "of a workshop that closed": _close,
    "of somebody who has left": lambda post, _: end_membership(post.shop, post.shop.owner),
}


def assert_done(status: int) -> None:
    assert status in (200, 201)


@pytest.mark.parametrize("how", SPOILT)
def test_a_link_that_is_good_no_more_is_refused_in_the_words_of_one_that_never_was(
    post: Post, how: str
) -> None:
    invitation = post.invite(new_owner())
    token = post.token(invitation)

    SPOILT[how](post, invitation)

    tokens = (token, "b64Yx9", "x" * 200)
    for brought in (post.preview, post.accept):
        answers = [brought(one) for one in tokens]
        assert {told(answer) for answer in answers} == {REFUSED}
        assert len({(answer.json["title"], answer.json["detail"]) for answer in answers}) == 1
    accepted = how == "accepted"
    assert accounts_with(post.shop, invitation["email"]) == accepted


@pytest.mark.parametrize("password", [PASSWORD, NEW])
def test_no_token_tells_of_nobodys_account(post: Post, password: str) -> None:
    answer = post.accept("b64Yx9", password=password)

    assert told(answer) == REFUSED


def test_a_record_that_was_erased_is_claimed_by_nobody(post: Post) -> None:
    customer = post.shop.make_customer()
    token = post.token(post.invite_customer(customer.id))
    assert post.owner.delete(f"/customers/{customer.id}").status_code == 200

    assert told(post.accept(token)) == REFUSED


def test_the_record_of_a_mechanic_who_was_dismissed_is_nobodys(post: Post) -> None:
    mechanic = post.shop.make_mechanic()
    invitation = post.invite({"role": "mechanic", "mechanic_id": mechanic.id})
    token = post.token(invitation)
    assert post.owner.delete(f"/mechanics/{mechanic.id}").status_code == 200

    assert told(post.accept(token)) == REFUSED
    assert post.state(invitation) == "withdrawn"


@pytest.mark.parametrize("kind", ["customer", "mechanic"])
def test_a_link_to_an_address_that_the_record_has_no_more_is_dead_until_it_is_sent_to_the_new_one(
    post: Post, kind: str
) -> None:
    record = post.shop.make_customer() if kind == "customer" else post.shop.make_mechanic()
    invitation = (
        post.invite_customer(record.id)
        if kind == "customer"
        else post.invite({"role": "mechanic", "mechanic_id": record.id})
    )
    old = post.token(invitation)
    moved = f"new-{record.email}"
    assert post.owner.patch(f"/{kind}s/{record.id}", json={"email": moved}).status_code == 200

    refused = [told(post.preview(old)), told(post.accept(old))]
    assert post.owner.post(f"/invitations/{invitation['id']}/resend").status_code == 200

    assert refused == [REFUSED] * 2
    assert told(post.accept(old)) == REFUSED
    assert post.accept(post.token_at(moved)).status_code == 201
    assert accounts_with(post.shop, moved) == 1


def test_what_somebody_sent_who_may_no_more_is_good_again_once_somebody_who_may_sends_it(post: Post) -> None:
    second = post.accept(post.token(post.invite(new_owner())))
    owner = signed_in(post.shop, second)
    invitation = post.invite(new_owner(), by=owner)
    token = post.token(invitation)
    end_membership(post.shop, Caller(post.shop.app, _principal_of(post.shop, second)))

    refused = told(post.accept(token))
    assert post.owner.post(f"/invitations/{invitation['id']}/resend").status_code == 200

    assert refused == REFUSED
    assert post.accept(post.token(invitation)).status_code == 201


def _principal_of(shop: Shop, answer: TestResponse) -> Principal:
    with shop.app.app_context():
        return identity.read_token(answer.json["auth_token"])


def test_an_owner_who_is_less_by_now_gave_more_than_they_hold(post: Post) -> None:
    token = post.token(post.invite(new_owner()))
    assert post.shop.owner.principal is not None
    path = f"/members/{post.shop.owner.principal.membership_id}/role"
    lesser = {"role": "staff", "role_id": post.shop.make_role("invitations:write").id}
    assert post.shop.make_owner().put(path, json=lesser).status_code == 200

    assert told(post.accept(token)) == REFUSED


def test_bringing_tokens_is_limited_by_address(
    app: Flask, shop: Shop, limits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config["RATE_LIMITS"], "recovery", "2/minute")

    for path, body in (("preview", {}), ("accept", {"password": PASSWORD})):
        answers = [shop.nobody.post(f"/invitations/{path}", json={"token": "none", **body}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [400, 400, 429]


class TestTwoWorkshops:
    """One account that came to two workshops by invitation: its token names one, and it goes from one to the other."""

    @pytest.fixture
    def both(self, post: Post, other_shop: Shop) -> tuple[str, Caller]:
        """The address of somebody who is a mechanic here and then became an owner there, and they as they signed in last."""
        email = f"{unique('jane')}@example.com"
        assert post.accept(post.token(post.invite(new_mechanic(email=email)))).status_code == 201
        there = Post(other_shop, post.letters)
        second = there.accept(there.token(there.invite(new_owner(email=email))))
        assert second.status_code == 201
        return email, signed_in(other_shop, second)

    def test_the_token_names_the_one_that_was_joined_last(
        self, post: Post, other_shop: Shop, both: tuple[str, Caller]
    ) -> None:
        _, person = both

        assert person.get(f"/workshops/{other_shop.id}").json["slug"] == other_shop.slug
        assert person.get("/invitations").json[0]["state"] == "accepted"
        assert person.get(f"/customers/{post.shop.customer_id}").status_code == 404

    def test_switching_goes_to_the_other_and_back(
        self, post: Post, other_shop: Shop, both: tuple[str, Caller]
    ) -> None:
        _, there = both

        here_answer = there.post("/auth/switch", json={"workshop": post.shop.slug})
        here = signed_in(post.shop, here_answer)
        ended = there.get("/invitations").status_code
        reading = [
            here.get(path).status_code for path in (f"/customers/{post.shop.customer_id}", "/invitations")
        ]
        back = here.post("/auth/switch", json={"workshop": other_shop.slug})

        assert (here_answer.status_code, here_answer.json["role"]) == (200, "mechanic")
        assert (ended, reading) == (401, [200, 403])
        assert back.json["role"] == "owner"
        assert signed_in(other_shop, back).get("/invitations").status_code == 200

    def test_the_door_asks_which(self, post: Post, other_shop: Shop, both: tuple[str, Caller]) -> None:
        email, _ = both
        body = {"email": email, "password": PASSWORD}
        client = Caller(post.shop.app)

        unnamed = client.post("/auth/login", json=body)
        named = [
            client.post("/auth/login", json=body, headers={"X-Workshop": shop.slug})
            for shop in (post.shop, other_shop)
        ]

        assert told(unnamed) == (400, "workshop_required")
        assert [answer.json["role"] for answer in named] == ["mechanic", "owner"]

    def test_leaving_one_leaves_the_other(
        self, post: Post, other_shop: Shop, both: tuple[str, Caller]
    ) -> None:
        _, there = both
        record = next(one for one in post.owner.get("/invitations").json if one["role"] == "mechanic")
        assert post.owner.delete(f"/mechanics/{record['mechanic_id']}").status_code == 200

        assert there.get("/invitations").status_code == 200
        assert told(there.post("/auth/switch", json={"workshop": post.shop.slug})) == (
            404,
            "workshop_not_found",
        )

    def test_the_log_of_a_workshop_does_not_say_what_somebody_is_in_another(
        self, post: Post, other_shop: Shop
    ) -> None:
        invitation = post.invite(new_mechanic(email=other_shop.owner.email))
        assert post.accept(post.token(invitation), by=other_shop.owner, password=None).status_code == 201

        (entry,) = post.owner.get("/audit?action=invitation.accepted").json

        assert other_shop.owner.principal is not None
        assert (entry["account_id"], entry["role"]) == (other_shop.owner.principal.account_id, None)
