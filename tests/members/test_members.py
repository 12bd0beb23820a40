"""Members: who may sign in to a workshop as one of its people, who makes them what, and that an owner is left."""

from __future__ import annotations

from typing import Any

import pytest

from app.core import scopes
from tests.factories import PASSWORD, Caller, Shop, unique
from tests.watching import statements


def give(caller: Caller, member_id: int, role: str, role_id: int | None = None) -> Any:
    body = {"role": role} if role_id is None else {"role": role, "role_id": role_id}
    return caller.put(f"/members/{member_id}/role", json=body)


class TestTheList:
    def test_has_the_people_of_the_workshop_and_not_its_customers(self, shop: Shop, other_shop: Shop) -> None:
        role = shop.make_role("tickets:read")
        desk = shop.make_staff(role=role)
        other_shop.make_staff("tickets:read")

        listed = shop.owner.get("/members").json

        shown = ("id", "email", "name", "role", "role_id", "role_name", "mechanic_id")
        assert [tuple(one[field] for field in shown) for one in listed] == [
            (shop.owner.member_id, shop.owner.email, None, "owner", None, None, None),
            (shop.mechanic.member_id, shop.mechanic.email, "Mel Mechanic", "mechanic", None, None, shop.mechanic_id),
            (desk.member_id, desk.email, None, "staff", role.id, role.name, None),
        ]  # fmt: skip

    def test_is_walked_like_every_list(self, shop: Shop) -> None:
        for _ in range(3):
            shop.make_staff("tickets:read")

        first = shop.owner.get("/members?per_page=2&sort=-created_at")
        rest = shop.owner.get(first.headers["Link"].split(">")[0][1:])
        counted = shop.owner.get("/members?page=1&per_page=2")

        assert len({one["id"] for one in first.json + rest.json}) == 4
        assert counted.headers["X-Total-Count"] == "5"

    def test_takes_as_many_statements_for_many_as_for_few(self, shop: Shop) -> None:
        role = shop.make_role("tickets:read")
        counts = []
        for _ in range(2):
            for _ in range(3):
                shop.make_staff(role=role)
            shop.owner.get("/members")
            with statements(shop.app) as seen:
                shop.owner.get("/members?per_page=100")
            counts.append(len(seen))

        assert counts[0] == counts[1] <= 2

    def test_one_is_shown_as_in_the_list(self, shop: Shop) -> None:
        (first, *_) = shop.owner.get("/members").json

        assert shop.owner.get(f"/members/{first['id']}").json == first

    @pytest.mark.parametrize("whose", ["customer", "gone", "foreign", "nobody's"])
    def test_who_is_no_member_is_not_found(self, shop: Shop, other_shop: Shop, whose: str) -> None:
        gone = shop.make_staff("tickets:read").member_id
        shop.owner.delete(f"/members/{gone}")
        id_ = {
            "customer": shop.customer.member_id, "gone": gone, "foreign": other_shop.owner.member_id, "nobody's": 2**62,
        }[whose]  # fmt: skip

        answers = [
            shop.owner.get(f"/members/{id_}"), give(shop.owner, id_, "owner"), shop.owner.delete(f"/members/{id_}"),
        ]  # fmt: skip

        assert {(answer.status_code, answer.json["code"]) for answer in answers} == {
            (404, "member_not_found")
        }


class TestGivingARole:
    def test_a_mechanic_becomes_staff_and_a_mechanic_again(self, shop: Shop) -> None:
        role = shop.make_role("inventory:write")

        staff = give(shop.owner, shop.mechanic.member_id, "staff", role.id)
        back = give(shop.owner, shop.mechanic.member_id, "mechanic")

        assert (staff.status_code, staff.json["role"], staff.json["role_id"]) == (200, "staff", role.id)
        assert (back.status_code, back.json["role"], back.json["role_id"]) == (200, "mechanic", None)
        assert back.json["name"] == "Mel Mechanic"

    def test_the_log_says_so(self, shop: Shop) -> None:
        role = shop.make_role("inventory:write")

        give(shop.owner, shop.mechanic.member_id, "staff", role.id)

        (entry,) = shop.owner.get("/audit?action=member.role_changed").json
        assert (entry["subject_kind"], entry["subject_id"]) == ("membership", shop.mechanic.member_id)
        assert entry["before"] == {"role": "mechanic", "role_id": None}
        assert entry["after"] == {"role": "staff", "role_id": role.id}

    def test_what_they_were_ends_with_their_next_request(self, shop: Shop) -> None:
        before = shop.mechanic.get("/service_tickets").status_code

        give(shop.owner, shop.mechanic.member_id, "staff", shop.make_role("inventory:read").id)

        assert (before, shop.mechanic.get("/service_tickets").status_code) == (200, 401)
        assert shop.sign_in(shop.mechanic.email).get("/inventory").status_code == 200

    def test_the_session_goes_on_as_what_they_are(self, shop: Shop) -> None:
        login = shop.nobody.post("/auth/login", json={"email": shop.mechanic.email, "password": PASSWORD})
        give(shop.owner, shop.mechanic.member_id, "staff", shop.make_role("inventory:read").id)

        refreshed = shop.nobody.post("/auth/refresh", json={"refresh_token": login.json["refresh_token"]})

        assert (refreshed.status_code, refreshed.json["role"]) == (200, "staff")

    def test_another_role_of_the_workshops_own_is_seen_by_the_same_token(self, shop: Shop) -> None:
        somebody = shop.make_staff("tickets:read")
        before = [somebody.get(path).status_code for path in ("/service_tickets", "/inventory")]

        give(shop.owner, somebody.member_id, "staff", shop.make_role("inventory:read").id)

        assert before == [200, 403]
        assert [somebody.get(path).status_code for path in ("/service_tickets", "/inventory")] == [403, 200]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"role": "staff"}, "role_id"), ({"role": "owner", "role_id": 1}, "role_id"), ({"role": "customer"}, "role"),
            ({"role": "admin"}, "role"), ({"role": None}, "role"), ({}, "role"), ({"role": "staff", "role_id": "1"}, "role_id"),
            ({"role": "staff", "role_id": 0}, "role_id"), ({"role": "owner", "scopes": []}, "scopes"),
        ],
    )  # fmt: skip
    def test_what_is_no_role_is_refused(self, shop: Shop, body: dict[str, Any], field: str) -> None:
        answer = shop.owner.put(f"/members/{shop.mechanic.member_id}/role", json=body)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    def test_another_workshops_role_looks_missing(self, shop: Shop, other_shop: Shop) -> None:
        answer = give(shop.owner, shop.mechanic.member_id, "staff", other_shop.make_role().id)

        assert (answer.status_code, answer.json["code"]) == (404, "role_not_found")

    def test_who_has_no_mechanics_record_becomes_no_mechanic(self, shop: Shop) -> None:
        somebody = shop.make_staff("tickets:read")

        answer = give(shop.owner, somebody.member_id, "mechanic")

        assert (answer.status_code, answer.json["code"]) == (409, "mechanic_record_missing")

    def test_who_is_that_beside_is_a_conflict(self, shop: Shop) -> None:
        shop.make_mechanic(email=shop.owner.email, password=PASSWORD)
        second = shop.owner.get("/members?sort=-id&per_page=1").json[0]
        shop.make_owner()

        answer = give(shop.owner, second["id"], "owner")

        assert (answer.status_code, answer.json["code"]) == (409, "already_in_role")


class TestRemoving:
    def test_ends_the_membership_and_its_sessions(self, shop: Shop) -> None:
        somebody = shop.make_staff("tickets:read")
        before = somebody.get("/service_tickets").status_code

        removed = shop.owner.delete(f"/members/{somebody.member_id}")

        assert (before, removed.status_code, somebody.get("/service_tickets").status_code) == (200, 200, 401)
        login = shop.nobody.post("/auth/login", json={"email": somebody.email, "password": PASSWORD})
        assert (login.status_code, login.json["code"]) == (401, "wrong_credentials")

    def test_leaves_a_mechanics_record(self, shop: Shop) -> None:
        shop.owner.delete(f"/members/{shop.mechanic.member_id}")

        assert shop.owner.get(f"/mechanics/{shop.mechanic_id}").status_code == 200

    def test_leaves_what_they_are_beside_and_elsewhere(self, shop: Shop, other_shop: Shop) -> None:
        for where in (shop, other_shop):
            person = {
                "name": "Mel",
                "email": shop.mechanic.email,
                "phone": "555-400-0003",
                "password": PASSWORD,
            }
            assert where.nobody.post("/customers", json=person).status_code == 201

        shop.owner.delete(f"/members/{shop.mechanic.member_id}")

        assert shop.sign_in(shop.mechanic.email).get("/customers/my-tickets").status_code == 200
        assert other_shop.sign_in(shop.mechanic.email).get("/customers/my-tickets").status_code == 200

    def test_is_in_the_log(self, shop: Shop) -> None:
        somebody = shop.make_staff("tickets:read")

        shop.owner.delete(f"/members/{somebody.member_id}")

        (entry,) = shop.owner.get("/audit?action=member.left").json
        assert entry["subject_id"] == somebody.member_id


class TestTheLastOwner:
    def test_is_not_removed(self, shop: Shop) -> None:
        answer = shop.owner.delete(f"/members/{shop.owner.member_id}")

        assert (answer.status_code, answer.json["code"]) == (409, "last_owner")
        assert shop.owner.get("/members").status_code == 200

    def test_is_not_made_something_else(self, shop: Shop) -> None:
        answer = give(shop.owner, shop.owner.member_id, "staff", shop.make_role("tickets:read").id)

        assert (answer.status_code, answer.json["code"]) == (409, "last_owner")
        assert shop.owner.get("/members").status_code == 200

    def test_stays_one(self, shop: Shop) -> None:
        assert give(shop.owner, shop.owner.member_id, "owner").status_code == 200

    def test_is_not_dismissed_as_the_mechanic_that_they_are_too(self, shop: Shop) -> None:
        give(shop.owner, shop.mechanic.member_id, "owner")
        promoted = shop.sign_in(shop.mechanic.email)
        assert promoted.delete(f"/members/{shop.owner.member_id}").status_code == 200

        answer = promoted.delete(f"/mechanics/{shop.mechanic_id}")

        assert (answer.status_code, answer.json["code"]) == (409, "last_owner")
        assert promoted.get(f"/mechanics/{shop.mechanic_id}").status_code == 200

    def test_but_one_of_two_goes(self, shop: Shop) -> None:
        second = shop.make_owner()

        assert shop.owner.delete(f"/members/{second.member_id}").status_code == 200
        assert second.get("/members").status_code == 401


class TestNobodyRises:
    @pytest.mark.parametrize("role", ["owner", "mechanic", "staff"])
    def test_who_gives_more_than_they_hold_is_refused(self, shop: Shop, role: str) -> None:
        giver = shop.make_staff("members:write", "members:read")
        target = shop.make_staff(mechanic_id=shop.mechanic_id)
        role_id = shop.make_role("audit:read").id if role == "staff" else None

        answer = give(giver, target.member_id, role, role_id)

        assert (answer.status_code, answer.json["code"]) == (403, "beyond_own_scopes")

    def test_who_raises_themselves_is_refused(self, shop: Shop) -> None:
        climber = shop.make_staff("members:write")

        answers = [
            give(climber, climber.member_id, "owner"),
            give(climber, climber.member_id, "staff", shop.make_role("audit:read").id),
        ]  # fmt: skip

        assert [answer.json["code"] for answer in answers] == ["beyond_own_scopes"] * 2

    def test_who_puts_an_owner_down_or_out_is_refused(self, shop: Shop) -> None:
        climber = shop.make_staff("members:write")
        nothing = shop.make_role().id
        shop.make_owner()

        answers = [
            give(climber, shop.owner.member_id, "staff", nothing), climber.delete(f"/members/{shop.owner.member_id}"),
        ]  # fmt: skip

        assert [answer.json["code"] for answer in answers] == ["beyond_own_scopes"] * 2

    def test_who_dismisses_an_owner_as_the_mechanic_that_they_are_too_is_refused(self, shop: Shop) -> None:
        give(shop.owner, shop.mechanic.member_id, "owner")
        climber = shop.make_staff("mechanics:write", *scopes.of_role("mechanic"))

        answer = climber.delete(f"/mechanics/{shop.mechanic_id}")

        assert (answer.status_code, answer.json["code"]) == (403, "beyond_own_scopes")

    def test_who_holds_enough_gives_and_takes(self, shop: Shop) -> None:
        foreman = shop.make_staff("members:write", "members:read", "tickets:read")
        target, role = shop.make_staff(), shop.make_role("tickets:read")

        given = give(foreman, target.member_id, "staff", role.id)
        removed = foreman.delete(f"/members/{target.member_id}")

        assert (given.status_code, removed.status_code) == (200, 200)


class TestWhoAmI:
    def test_an_owner_is_told(self, shop: Shop) -> None:
        told = shop.owner.get("/auth/me").json

        assert told["account"]["email"] == shop.owner.email
        assert told["workshop"] == {"id": shop.id, "slug": shop.slug, "name": shop.slug.title()}
        assert (told["member_id"], told["role"], told["role_id"]) == (shop.owner.member_id, "owner", None)
        assert set(told["scopes"]) == scopes.of_role("owner")

    def test_staff_are_told_what_their_role_holds_now(self, shop: Shop) -> None:
        role = shop.make_role("tickets:read", name=unique("Desk "))
        somebody = shop.make_staff(role=role, mechanic_id=shop.mechanic_id)
        shop.owner.patch(f"/roles/{role.id}", json={"scopes": ["inventory:read"]})

        told = somebody.get("/auth/me").json

        assert (told["role"], told["role_id"], told["role_name"]) == ("staff", role.id, role.name)
        assert (told["scopes"], told["mechanic_id"]) == (["inventory:read"], shop.mechanic_id)

    def test_a_customer_is_told_their_record(self, shop: Shop) -> None:
        assert shop.customer.get("/auth/me").json["customer_id"] == shop.customer_id


class TestANumber:
    """By which who has no record with one signs in as well: an owner, and staff in a role of the workshop's own."""

    NUMBER = "+12025550143"

    def sign_in(self, shop: Shop, phone: str = NUMBER, password: str = PASSWORD) -> Any:
        return shop.nobody.post("/auth/login", json={"phone": phone, "password": password})

    def give(self, shop: Shop, member_id: int, phone: str | None) -> Any:
        return shop.owner.put(f"/members/{member_id}/phone", json={"phone": phone})

    @pytest.mark.parametrize("written", ["202-555-0143", "(202) 555 0143", "+1 202 555 0143"])
    def test_signs_them_in_however_it_is_written(self, shop: Shop, written: str) -> None:
        desk = shop.make_staff("tickets:read")

        given = self.give(shop, desk.member_id, written)

        assert (given.status_code, given.json["phone"]) == (200, self.NUMBER)
        assert self.sign_in(shop).json["role"] == "staff"
        assert self.sign_in(shop, "2025550143").status_code == 200
        assert self.sign_in(shop, password="another-one").json["code"] == "wrong_credentials"

    def test_is_said_when_a_workshop_is_opened(self, shop: Shop) -> None:
        slug = unique("numbered-")
        opened = shop.nobody.post(
            "/auth/register",
            json={
                "workshop": {"name": "Numbered", "slug": slug},
                "email": f"{unique('nora')}@example.com",
                "password": PASSWORD,
                "phone": "202-555-0143",
            },
        )

        there = Caller(shop.app, None, slug).post(
            "/auth/login", json={"phone": self.NUMBER, "password": PASSWORD}
        )

        assert opened.status_code == 201
        assert (there.status_code, there.json["role"]) == (200, "owner")
        assert (
            self.sign_in(shop).json["code"] == "wrong_credentials"
        )  # it means somebody in one workshop alone

    def test_is_listed_and_a_mechanics_is_the_records(self, shop: Shop) -> None:
        self.give(shop, shop.owner.member_id, self.NUMBER)

        numbers = {one["id"]: one["phone"] for one in shop.owner.get("/members").json}

        record = shop.owner.get(f"/mechanics/{shop.mechanic_id}").json["phone"]
        assert numbers == {shop.owner.member_id: self.NUMBER, shop.mechanic.member_id: record}

    def test_can_be_taken_away_again(self, shop: Shop) -> None:
        desk = shop.make_staff("tickets:read")
        self.give(shop, desk.member_id, self.NUMBER)

        taken = self.give(shop, desk.member_id, None)

        assert taken.json["phone"] is None
        assert self.sign_in(shop).json["code"] == "wrong_credentials"

    def test_goes_with_who_leaves_and_may_be_anothers_then(self, shop: Shop) -> None:
        gone, desk = shop.make_staff("tickets:read"), shop.make_staff("tickets:read")
        self.give(shop, gone.member_id, self.NUMBER)
        shop.owner.delete(f"/members/{gone.member_id}")
        self.give(shop, desk.member_id, self.NUMBER)

        assert self.sign_in(shop).status_code == 200

    def test_of_two_of_the_people_signs_neither_in(self, shop: Shop) -> None:
        for _ in range(2):
            self.give(shop, shop.make_staff("tickets:read").member_id, self.NUMBER)

        assert self.sign_in(shop).json["code"] == "wrong_credentials"

    def test_is_theirs_before_a_customers(self, shop: Shop) -> None:
        desk = shop.make_staff("tickets:read")
        self.give(shop, desk.member_id, self.NUMBER)
        shop.customer.patch("/customers", {"phone": self.NUMBER})

        assert self.sign_in(shop).json["role"] == "staff"

    def test_is_not_given_by_who_holds_less(self, shop: Shop) -> None:
        desk = shop.make_staff("members:write")

        refused = desk.put(f"/members/{shop.owner.member_id}/phone", json={"phone": self.NUMBER})

        assert (refused.status_code, refused.json["code"]) == (403, "beyond_own_scopes")
        assert shop.owner.get(f"/members/{shop.owner.member_id}").json["phone"] is None

    @pytest.mark.parametrize("body", [{}, {"phone": ""}, {"phone": "ring me"}, {"phone": 5}, {"number": "5"}])
    def test_that_is_none_is_refused(self, shop: Shop, body: dict[str, Any]) -> None:
        assert shop.owner.put(f"/members/{shop.owner.member_id}/phone", json=body).status_code == 400

    def test_is_in_the_log(self, shop: Shop) -> None:
        self.give(shop, shop.owner.member_id, "202-555-0143")

        (entry,) = shop.owner.get("/audit?action=member.phone_changed").json
        assert (entry["before"], entry["after"]) == ({"phone": None}, {"phone": self.NUMBER})

    def test_is_unlocked_with_the_records_where_both_are_there(
        self, shop: Shop, nothing_counted: None
    ) -> None:
        record = shop.owner.get(f"/mechanics/{shop.mechanic_id}").json["phone"]
        self.give(shop, shop.mechanic.member_id, self.NUMBER)
        for number in (self.NUMBER, record):
            for _ in range(4):
                self.sign_in(shop, number, password="another-one")
        waiting = [self.sign_in(shop, number).json["code"] for number in (self.NUMBER, record)]

        shop.owner.post(f"/members/{shop.mechanic.member_id}/unlock")

        assert waiting == ["too_many_tries"] * 2
        assert [self.sign_in(shop, number).status_code for number in (self.NUMBER, record)] == [200, 200]
