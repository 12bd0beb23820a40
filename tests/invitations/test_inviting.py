"""Inviting staff and customers: who may, what is sent, what is refused, and how an invitation ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.blueprints.invitations import ending, service
from app.blueprints.invitations.models import Invitation
from app.core import scopes
from app.core.db import atomic
from app.core.outbox import OutboxMessage
from app.extensions import db
from tests.factories import PASSWORD, Caller, Shop
from tests.invitations.post import Post, new_mechanic, new_owner, new_staff, told
from tests.mailing import Clock

INVALID = (400, "invalid_request")


def with_scopes(shop: Shop, *names: str) -> Caller:
    """Return the owner with a token for these scopes alone."""
    assert shop.owner.principal is not None
    return Caller(shop.app, replace(shop.owner.principal, narrowed=frozenset(names)), shop.slug)


def row(shop: Shop, invitation: dict[str, Any]) -> Invitation:
    """Return an invitation as the database has it."""
    with shop.inside():
        return db.session.get_one(Invitation, invitation["id"])


class TestStaff:
    @pytest.mark.parametrize("body", [new_mechanic, new_owner])
    def test_are_invited_by_a_mail_with_a_link_for_72_hours(
        self, post: Post, clock_set: Clock, body: Callable[[], dict[str, Any]]
    ) -> None:
        wanted = body()

        made = post.owner.post("/invitations", json=wanted)

        assert made.status_code == 201
        assert made.headers["Location"] == f"/invitations/{made.json['id']}"
        assert {name: made.json[name] for name in ("role", "email", "name")} == {
            name: wanted[name] for name in ("role", "email", "name")
        }
        assert made.json["state"] == "open"
        clock_set.pass_(hours=71, minutes=59)
        assert post.state(made.json) == "open"
        clock_set.pass_(minutes=2)
        assert post.state(made.json) == "expired"

    def test_read_whose_invitation_it_is_and_to_what(self, post: Post) -> None:
        invitation = post.invite(new_mechanic())

        (letter,) = post.letters.to(invitation["email"])

        assert post.shop.slug.title() in letter
        assert "mechanic" in letter
        assert "3 days" in letter
        assert "http://localhost:5173/accept-invitation#token=" in letter

    @pytest.mark.parametrize(("locale", "words"), [("pl-PL", "zaprasza Cię"), ("de-DE", "lädt Sie")])
    def test_read_it_in_the_workshops_language(self, post: Post, locale: str, words: str) -> None:
        changed = post.owner.patch(f"/workshops/{post.shop.id}", json={"locale": locale})
        assert changed.status_code == 200
        invitation = post.invite(new_mechanic())

        (letter,) = post.letters.to(invitation["email"])

        assert words in " ".join(letter.split())

    def test_may_be_invited_to_a_record_that_is_there(self, post: Post) -> None:
        mechanic = post.shop.make_mechanic()

        invitation = post.invite({"role": "mechanic", "mechanic_id": mechanic.id})

        assert (invitation["mechanic_id"], invitation["email"], invitation["name"]) == (
            mechanic.id, mechanic.email, mechanic.name
        )  # fmt: skip

    def test_a_salary_is_on_no_wire_but_the_owners_way_in(self, post: Post) -> None:
        answer = post.owner.post("/invitations", json=new_mechanic(salary=61234))

        assert "61234" not in answer.text

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            (new_mechanic(role="customer"), {"role"}),
            (new_mechanic(role="admin"), {"role"}),
            ({"role": "mechanic"}, {"email", "name", "phone", "salary"}),
            ({"role": "staff"}, {"email", "name", "role_id"}),
            (new_staff(1, phone="555-987-6543"), {"phone"}),
            (new_owner(role_id=1), {"role_id"}),
            ({"role": "mechanic", "mechanic_id": 1, "role_id": 1}, {"role_id"}),
            ({"role": "owner"}, {"email", "name"}),
            (new_owner(phone="555-987-6543"), {"phone"}),
            (new_owner(salary=1), {"salary"}),
            ({"role": "mechanic", "mechanic_id": 1, "email": "ada@example.com"}, {"email"}),
            ({"role": "owner", "mechanic_id": 1}, {"email", "name", "mechanic_id"}),
            ({}, {"role"}),
            (new_mechanic(salary=-1), {"salary"}),
            (new_mechanic(email="no address"), {"email"}),
            (new_mechanic(name="Jane\x00Wrench"), {"name"}),
            (new_mechanic(token_digest="00"), {"token_digest"}),
            (new_mechanic(expires_at="2099-01-01T00:00:00Z"), {"expires_at"}),
        ],
    )  # fmt: skip
    def test_careless_input_is_refused_by_field(
        self, shop: Shop, body: dict[str, Any], fields: set[str]
    ) -> None:
        answer = shop.owner.post("/invitations", json=body)

        assert told(answer) == INVALID
        assert set(answer.json["errors"]) == fields

    def test_an_address_is_told_apart_without_regard_to_case(self, post: Post) -> None:
        invitation = post.invite(new_owner())

        again = post.owner.post("/invitations", json=new_owner(email=invitation["email"].upper()))

        assert told(again) == (409, "invitation_open")

    def test_one_person_has_one_open_invitation_to_one_thing(self, post: Post) -> None:
        mechanic = post.shop.make_mechanic()
        by_address, by_record = new_mechanic(), {"role": "mechanic", "mechanic_id": mechanic.id}
        for body in (by_address, by_record):
            post.invite(body)

        again = [post.owner.post("/invitations", json=body) for body in (by_address, by_record)]

        assert [told(answer) for answer in again] == [(409, "invitation_open")] * 2
        assert post.invite(new_owner(email=by_address["email"]))["role"] == "owner"

    def test_one_that_has_expired_gives_way_to_the_next(self, post: Post, clock_set: Clock) -> None:
        body = new_mechanic()
        first = post.invite(body)
        clock_set.pass_(hours=73)

        second = post.invite(body)

        assert [post.state(one) for one in (first, second)] == ["withdrawn", "open"]

    def test_who_is_that_here_already_is_not_invited(self, post: Post) -> None:
        shop = post.shop
        bodies = [
            new_owner(email=shop.owner.email),
            {"role": "mechanic", "mechanic_id": shop.mechanic_id},
        ]  # fmt: skip

        answers = [shop.owner.post("/invitations", json=body) for body in bodies]

        assert [told(answer) for answer in answers] == [(409, "already_member")] * 2

    def test_a_new_mechanics_address_is_nobodys_who_works_here(self, shop: Shop) -> None:
        mechanic = shop.make_mechanic()

        answer = shop.owner.post("/invitations", json=new_mechanic(email=mechanic.email))

        assert told(answer) == (409, "email_taken")

    def test_a_mechanic_may_be_invited_to_own_the_place_too(self, post: Post) -> None:
        assert post.invite(new_owner(email=post.shop.mechanic.email))["state"] == "open"

    def test_that_an_address_has_an_account_elsewhere_changes_nothing(
        self, post: Post, other_shop: Shop
    ) -> None:
        known = post.owner.post("/invitations", json=new_owner(email=other_shop.owner.email))
        unknown = post.owner.post("/invitations", json=new_owner())

        hidden = {"id": 0, "email": "", "created_at": "", "sent_at": "", "expires_at": ""}
        assert known.status_code == unknown.status_code == 201
        assert known.json | hidden == unknown.json | hidden

    @pytest.mark.parametrize("whose", ["another workshop's", "one who has left", "nobody's"])
    def test_a_record_is_one_of_here(self, shop: Shop, other_shop: Shop, whose: str) -> None:
        mechanic_id = 9_000_000_000
        if whose == "another workshop's":
            mechanic_id = other_shop.make_mechanic().id
        if whose == "one who has left":
            mechanic_id = shop.make_mechanic().id
            assert shop.owner.delete(f"/mechanics/{mechanic_id}").status_code == 200

        answer = shop.owner.post("/invitations", json={"role": "mechanic", "mechanic_id": mechanic_id})

        assert told(answer) == (404, "mechanic_not_found")


class TestNobodyGivesMoreThanTheyHold:
    def test_not_an_owners_role_by_a_token_for_inviting_alone(self, shop: Shop) -> None:
        able = with_scopes(shop, "invitations:write")

        answer = able.post("/invitations", json=new_owner())

        assert told(answer) == (403, "beyond_own_scopes")
        assert "`workshop:write`" in answer.json["detail"]

    def test_but_what_they_hold(self, shop: Shop) -> None:
        mechanics_own = scopes.of_role("mechanic")
        able = with_scopes(shop, "invitations:write", "mechanics:write", *mechanics_own)

        assert able.post("/invitations", json=new_mechanic()).status_code == 201
        assert able.post("/invitations", json=new_owner()).status_code == 403

    def test_a_new_record_is_made_by_who_may_hire(self, shop: Shop) -> None:
        able = with_scopes(shop, "invitations:write", *scopes.of_role("mechanic"))
        on_record = {"role": "mechanic", "mechanic_id": shop.make_mechanic().id}

        assert told(able.post("/invitations", json=new_mechanic())) == (403, "not_allowed")
        assert able.post("/invitations", json=on_record).status_code == 201

    def test_nor_by_sending_again_what_somebody_else_gave(self, post: Post) -> None:
        invitation = post.invite(new_owner())
        able = with_scopes(post.shop, "invitations:write")

        assert told(able.post(f"/invitations/{invitation['id']}/resend")) == (403, "beyond_own_scopes")
        assert able.delete(f"/invitations/{invitation['id']}").status_code == 200

    def test_no_key_invites_staff_and_one_may_invite_customers(self, post: Post) -> None:
        invitation = post.invite(new_owner())
        key = post.shop.make_key("customers:create", "invitations:read")
        staff = [
            key.post("/invitations", json=new_mechanic()),
            key.post(f"/invitations/{invitation['id']}/resend"),
            key.delete(f"/invitations/{invitation['id']}"),
        ]

        assert [told(answer) for answer in staff] == [(403, "not_for_keys")] + [(403, "not_allowed")] * 2
        assert key.get("/invitations").status_code == 200
        assert post.invite_customer(post.shop.make_customer().id, by=key)["state"] == "open"

    @pytest.mark.parametrize("scope", ["customers:create", "customers:write"])
    def test_who_invites_customers_has_nothing_to_do_with_staffs(self, post: Post, scope: str) -> None:
        invitation = post.invite(new_mechanic())
        able = with_scopes(post.shop, scope)

        assert told(able.post(f"/invitations/{invitation['id']}/resend")) == (403, "not_allowed")
        assert told(able.delete(f"/invitations/{invitation['id']}")) == (403, "not_allowed")
        assert post.state(invitation) == "open"


class TestARoleOfTheWorkshopsOwn:
    def test_is_given_by_its_name(self, post: Post) -> None:
        role = post.shop.make_role("customers:read", name="Front desk")

        invitation = post.invite(new_staff(role.id))

        assert (invitation["role"], invitation["role_id"]) == ("staff", role.id)
        assert "Your role there: Front desk" in " ".join(post.letters.to(invitation["email"])[0].split())

    def test_is_given_by_staff_who_hold_what_it_holds(self, post: Post) -> None:
        smaller, larger = post.shop.make_role("customers:read"), post.shop.make_role("customers:write")
        able = post.shop.make_staff("invitations:write", "customers:read")

        answers = [able.post("/invitations", json=new_staff(role.id)) for role in (smaller, larger)]

        assert answers[0].status_code == 201
        assert told(answers[1]) == (403, "beyond_own_scopes")

    def test_of_another_workshop_looks_missing(self, shop: Shop, other_shop: Shop) -> None:
        foreign = other_shop.make_role().id

        answers = [shop.owner.post("/invitations", json=new_staff(id_)) for id_ in (foreign, 9_000_000_000)]

        assert [told(answer) for answer in answers] == [(404, "role_not_found")] * 2

    def test_that_is_removed_takes_its_invitations_with_it(self, post: Post) -> None:
        role = post.shop.make_role()
        invited, withdrawn = post.invite(new_staff(role.id)), post.invite(new_staff(role.id))
        assert post.owner.delete(f"/invitations/{withdrawn['id']}").status_code == 200

        assert post.owner.delete(f"/roles/{role.id}").status_code == 200

        shown = [post.owner.get(f"/invitations/{one['id']}").json for one in (invited, withdrawn)]
        assert [(one["state"], one["role_id"]) for one in shown] == [("withdrawn", None)] * 2
        again = post.owner.post(f"/invitations/{invited['id']}/resend")
        assert told(again) == (409, "invitation_ended")

    def test_that_has_grown_is_not_sent_again_by_who_holds_less(self, post: Post) -> None:
        role = post.shop.make_role("customers:read")
        able = post.shop.make_staff("invitations:write", "customers:read")
        invitation = post.invite(new_staff(role.id), by=able)
        grown = {"scopes": ["customers:read", "customers:write"]}
        assert post.owner.patch(f"/roles/{role.id}", json=grown).status_code == 200

        assert told(able.post(f"/invitations/{invitation['id']}/resend")) == (403, "beyond_own_scopes")


class TestCustomers:
    def test_who_walked_in_are_invited_to_claim_their_record(self, post: Post) -> None:
        customer = post.shop.make_customer(name="Walter Walkin")

        invitation = post.invite_customer(customer.id)

        assert (invitation["role"], invitation["customer_id"], invitation["email"], invitation["name"]) == (
            "customer", customer.id, customer.email, "Walter Walkin",
        )  # fmt: skip
        (letter,) = post.letters.to(invitation["email"])
        assert "record of your visits" in " ".join(letter.split())

    def test_with_an_account_are_not(self, shop: Shop) -> None:
        assert told(shop.mechanic.post(f"/customers/{shop.customer_id}/invitation")) == (
            409,
            "already_member",
        )

    def test_without_an_address_cannot_be(self, shop: Shop) -> None:
        customer = shop.make_customer(email=None)

        assert told(shop.mechanic.post(f"/customers/{customer.id}/invitation")) == (409, "no_address")

    def test_have_one_open_invitation(self, post: Post) -> None:
        customer = post.shop.make_customer()
        post.invite_customer(customer.id)

        again = post.owner.post(f"/customers/{customer.id}/invitation")

        assert told(again) == (409, "invitation_open")

    def test_of_another_workshop_look_missing(self, shop: Shop, other_shop: Shop) -> None:
        foreign = other_shop.make_customer().id

        answers = [shop.owner.post(f"/customers/{id_}/invitation") for id_ in (foreign, 9_000_000_000)]

        assert [told(answer) for answer in answers] == [(404, "customer_not_found")] * 2

    def test_are_sent_theirs_again_by_a_mechanic(self, post: Post) -> None:
        invitation = post.invite_customer(post.shop.make_customer().id)

        answer = post.mechanic.post(f"/invitations/{invitation['id']}/resend")

        assert answer.status_code == 200
        assert len(post.letters.to(invitation["email"])) == 2

    def test_whose_address_changed_are_written_to_at_the_new_one(self, post: Post) -> None:
        customer = post.shop.make_customer()
        invitation = post.invite_customer(customer.id)
        moved = f"new-{customer.email}"
        assert post.owner.patch(f"/customers/{customer.id}", json={"email": moved}).status_code == 200

        again = post.mechanic.post(f"/invitations/{invitation['id']}/resend")

        assert again.json["email"] == moved
        assert len(post.letters.to(moved)) == 1

    def test_whose_address_is_gone_cannot_be_written_to_again(self, post: Post) -> None:
        customer = post.shop.make_customer()
        invitation = post.invite_customer(customer.id)
        assert post.owner.patch(f"/customers/{customer.id}", json={"email": None}).status_code == 200

        again = post.mechanic.post(f"/invitations/{invitation['id']}/resend")

        assert told(again) == (409, "no_address")

    def test_who_are_erased_leave_nothing_in_their_invitations(self, post: Post, clock_set: Clock) -> None:
        customer = post.shop.make_customer()
        first = post.invite_customer(customer.id)
        clock_set.pass_(hours=80)
        second = post.invite_customer(customer.id)
        moved = f"new-{customer.email}"
        assert post.owner.patch(f"/customers/{customer.id}", json={"email": moved}).status_code == 200

        assert post.owner.delete(f"/customers/{customer.id}").status_code == 200

        kept = [row(post.shop, one) for one in (first, second)]
        assert [(one.state, one.email, one.name, one.token_digest) for one in kept] == [
            ("withdrawn", None, None, None)
        ] * 2
        with post.shop.inside():
            messages = db.session.scalars(
                select(OutboxMessage).where(OutboxMessage.topic == "invitation_customer")
            ).all()
            assert {message.recipient for message in messages} == {None}
            assert {message.state for message in messages} == {"dead"}


class TestSendingAgain:
    def test_makes_a_new_link_for_its_full_time_and_the_old_one_is_dead(
        self, post: Post, clock_set: Clock
    ) -> None:
        invitation = post.invite(new_mechanic())
        old = post.token(invitation)
        clock_set.pass_(hours=70)

        again = post.owner.post(f"/invitations/{invitation['id']}/resend")

        new = post.token(invitation)
        clock_set.pass_(hours=70)
        assert again.status_code == 200
        assert again.json["sent_at"] > invitation["sent_at"]
        assert again.json["created_at"] == invitation["created_at"]
        assert old != new
        assert told(post.preview(old)) == (400, "invitation_refused")
        assert post.preview(new).status_code == 200

    def test_opens_one_again_that_had_expired(self, post: Post, clock_set: Clock) -> None:
        invitation = post.invite(new_mechanic())
        clock_set.pass_(days=10)

        again = post.owner.post(f"/invitations/{invitation['id']}/resend")

        assert again.json["state"] == "open"

    def test_is_of_no_use_once_it_has_ended(self, post: Post) -> None:
        accepted, withdrawn = post.invite(new_owner()), post.invite(new_owner())
        assert post.accept(post.token(accepted)).status_code == 201
        assert post.owner.delete(f"/invitations/{withdrawn['id']}").status_code == 200

        answers = [
            post.owner.open(method, path.format(one["id"]))
            for one in (accepted, withdrawn)
            for method, path in (("POST", "/invitations/{}/resend"), ("DELETE", "/invitations/{}"))
        ]

        assert [told(answer) for answer in answers] == [(409, "invitation_ended")] * 4

    def test_is_refused_by_a_version_that_is_not_the_present_one(self, post: Post) -> None:
        invitation = post.invite(new_owner())
        path = f"/invitations/{invitation['id']}"
        stale = {"If-Match": post.owner.get(path).headers["ETag"]}
        assert post.owner.post(f"{path}/resend", headers=stale).status_code == 200

        answers = [
            post.owner.post(f"{path}/resend", headers=stale),
            post.owner.delete(path, headers=stale),
        ]

        assert [told(answer) for answer in answers] == [(412, "stale")] * 2

    def test_is_refused_to_who_has_an_account_by_now(self, post: Post) -> None:
        mechanic = post.shop.make_mechanic()
        invitation = post.invite({"role": "mechanic", "mechanic_id": mechanic.id})
        given = {"password": PASSWORD}
        assert post.owner.patch(f"/mechanics/{mechanic.id}", json=given).status_code == 200

        again = post.owner.post(f"/invitations/{invitation['id']}/resend")

        assert told(again) == (409, "already_member")


class TestTheList:
    @pytest.fixture
    def one_of_each(self, post: Post, clock_set: Clock) -> dict[str, int]:
        """An invitation in each state, by that."""
        expired = post.invite(new_owner())
        clock_set.pass_(hours=73)
        made = {state: post.invite(new_owner()) for state in ("accepted", "withdrawn", "open")}
        assert post.accept(post.token(made["accepted"])).status_code == 201
        assert post.owner.delete(f"/invitations/{made['withdrawn']['id']}").status_code == 200
        return {"expired": expired["id"]} | {state: one["id"] for state, one in made.items()}

    @pytest.mark.parametrize("states", ["open", "accepted", "expired", "withdrawn", "open,expired"])
    def test_is_filtered_by_state(self, post: Post, one_of_each: dict[str, int], states: str) -> None:
        listed = post.owner.get(f"/invitations?state={states}").json

        assert {one["id"]: one["state"] for one in listed} == {
            one_of_each[state]: state for state in states.split(",")
        }

    def test_comes_with_the_latest_first_and_is_walked(self, post: Post, one_of_each: dict[str, int]) -> None:
        whole = post.owner.get("/invitations").json
        pages = [post.owner.get(f"/invitations?per_page=2&page={page}") for page in (1, 2)]

        assert [one["id"] for page in pages for one in page.json] == [one["id"] for one in whole]
        assert pages[0].headers["X-Total-Count"] == "4"
        assert whole[-1]["id"] == one_of_each["expired"]

    def test_has_another_workshops_on_no_page(self, post: Post, other_shop: Shop) -> None:
        invitation = post.invite(new_owner())

        assert other_shop.owner.get("/invitations").json == []
        assert told(other_shop.owner.get(f"/invitations/{invitation['id']}")) == (404, "invitation_not_found")

    def test_a_state_that_there_is_not_is_refused(self, shop: Shop) -> None:
        assert told(shop.owner.get("/invitations?state=lost")) == INVALID


class TestWhatIsKept:
    def test_the_token_is_nowhere_in_the_database(self, post: Post) -> None:
        invitation = post.invite(new_owner())
        with post.shop.inside():
            message = db.session.scalars(
                select(OutboxMessage).where(OutboxMessage.topic == "invitation_staff")
            ).one()
            raw = bytes(
                db.session.connection().execute(
                    text("SELECT template_values FROM outbox_messages WHERE id = :id"), {"id": message.id}
                ).scalar_one()
            )  # fmt: skip
        token = post.token(invitation)

        kept = row(post.shop, invitation)
        assert kept.token_digest == service.token_digest(token)
        assert token.encode() not in raw
        assert all(token not in str(value) for value in vars(kept).values())

    def test_each_step_is_in_the_audit_log_without_an_address_or_a_token(self, post: Post) -> None:
        invitation = post.invite(new_mechanic())
        path = f"/invitations/{invitation['id']}"
        assert post.owner.post(f"{path}/resend").status_code == 200
        token = post.token(invitation)
        assert post.accept(token).status_code == 201
        other = post.invite(new_owner())
        assert post.owner.delete(f"/invitations/{other['id']}").status_code == 200

        log = post.owner.get("/audit?subject_kind=invitation")

        assert sorted((entry["action"], entry["subject_id"]) for entry in log.json) == sorted([
            ("invitation.sent", invitation["id"]), ("invitation.resent", invitation["id"]),
            ("invitation.accepted", invitation["id"]), ("invitation.sent", other["id"]),
            ("invitation.withdrawn", other["id"]),
        ])  # fmt: skip
        assert invitation["email"] not in log.text
        assert token not in log.text

    def test_ninety_days_after_they_were_good_they_are_forgotten(self, post: Post, clock_set: Clock) -> None:
        old, accepted = post.invite(new_owner()), post.invite(new_owner())
        assert post.accept(post.token(accepted)).status_code == 201
        clock_set.pass_(days=92)
        young = post.invite(new_owner())
        with post.shop.app.app_context():
            ending.forget_old()
        assert {one["id"] for one in post.owner.get("/invitations").json} == {
            old["id"], accepted["id"], young["id"]
        }  # fmt: skip

        clock_set.pass_(days=2)
        with post.shop.app.app_context():
            ending.forget_old()

        assert [one["id"] for one in post.owner.get("/invitations").json] == [young["id"]]

    @pytest.mark.parametrize(
        "changes",
        [
            {"role": "admin"},
            {"role": "customer"},
            {"role": "staff"},
            {"mechanic_id": 1},
            {"token_digest": None},
            {"email": None},
            {"email": "Upper@example.com"},
            {"salary": -1},
            {"accepted_at": "2026-03-02 09:30:00+00:00"},
        ],
        ids=str,
    )
    def test_the_table_refuses_what_no_rule_makes(self, post: Post, changes: dict[str, Any]) -> None:
        invitation = post.invite(new_owner())
        (column, value), *_ = changes.items()
        statement = text(f"UPDATE invitations SET {column} = :value WHERE id = :id")

        with post.shop.inside(), pytest.raises(Exception, match=r"(?i)constraint"), atomic() as session:
            session.connection().execute(statement, {"value": value, "id": invitation["id"]})


def test_sending_is_limited_by_account(
    app: Flask, shop: Shop, limits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config["RATE_LIMITS"], "invite", "2/hour")

    answers = [shop.owner.post("/invitations", json=new_owner()) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]


def test_sent_twice_with_one_key_it_is_one_invitation_and_one_mail(post: Post) -> None:
    body, key = new_owner(), {"Idempotency-Key": "once"}

    answers = [post.owner.post("/invitations", json=body, headers=key) for _ in range(2)]

    assert answers[0].json == answers[1].json
    assert len(post.letters.to(body["email"])) == 1
