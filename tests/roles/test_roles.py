"""Roles of a workshop's own making: who makes them of what, what they are worth, and from when on."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from app.blueprints.accounts.models import Membership
from app.blueprints.roles import service as roles
from app.core import identity, scopes
from app.core.db import atomic
from app.extensions import db
from tests.factories import PASSWORD, Shop, fields_of, unique
from tests.watching import statements

DESK = ["customers:read", "tickets:read"]


def role(**overrides: Any) -> dict[str, Any]:
    return {"name": unique("Desk "), "description": "Takes cars in.", "scopes": DESK, **overrides}


class TestMaking:
    def test_an_owner_makes_one_of_scopes(self, shop: Shop) -> None:
        body = role()

        made = shop.owner.post("/roles", json=body)

        assert made.status_code == 201
        assert made.headers["Location"] == f"/roles/{made.json['id']}"
        assert made.json.items() >= body.items()
        assert shop.owner.get(made.headers["Location"]).json == made.json

    def test_it_is_in_the_audit_log(self, shop: Shop) -> None:
        body = role()

        made = shop.owner.post("/roles", json=body).json

        (entry,) = shop.owner.get("/audit?action=role.made").json
        assert (entry["subject_kind"], entry["subject_id"]) == ("role", made["id"])
        assert entry["after"] == body

    def test_scopes_are_told_in_the_order_of_their_names(self, shop: Shop) -> None:
        made = shop.owner.post("/roles", json=role(scopes=DESK[::-1]))

        assert made.json["scopes"] == DESK

    def test_it_may_hold_nothing_yet(self, shop: Shop) -> None:
        assert shop.owner.post("/roles", json=role(scopes=[])).json["scopes"] == []

    @pytest.mark.parametrize("name", ["front desk", "FRONT  DESK", " Front Desk "])
    def test_a_name_that_differs_in_case_or_blanks_is_taken(self, shop: Shop, name: str) -> None:
        shop.owner.post("/roles", json=role(name="Front Desk"))

        answer = shop.owner.post("/roles", json=role(name=name))

        assert (answer.status_code, answer.json["code"]) == (409, "role_name_taken")

    def test_case_is_that_of_every_alphabet(self, shop: Shop) -> None:
        shop.owner.post("/roles", json=role(name="Żaneta Straße"))

        assert shop.owner.post("/roles", json=role(name="żaneta STRASSE")).status_code == 409

    @pytest.mark.parametrize("name", ["Owner", "mechanic", "STAFF", "Customer", "admin"])
    def test_a_built_in_roles_name_is_taken(self, shop: Shop, name: str) -> None:
        answer = shop.owner.post("/roles", json=role(name=name))

        assert (answer.status_code, answer.json["code"]) == (409, "role_name_taken")

    def test_another_workshop_may_use_the_name(self, shop: Shop, other_shop: Shop) -> None:
        shop.owner.post("/roles", json=role(name="Desk"))

        assert other_shop.owner.post("/roles", json=role(name="Desk")).status_code == 201

    @pytest.mark.parametrize("name", ["own:read", "own:write", "tickets:eat", "", "*", "TICKETS:READ"])
    def test_what_staff_cannot_have_is_refused(self, shop: Shop, name: str) -> None:
        answer = shop.owner.post("/roles", json=role(scopes=["tickets:read", name]))

        assert (answer.status_code, fields_of(answer)) == (400, ["scopes"])

    @pytest.mark.parametrize(
        "wrong", [None, "tickets:read", {"tickets:read": True}, [7], [["tickets:read"]], DESK * 2]
    )
    def test_what_is_no_list_of_scopes_is_refused(self, shop: Shop, wrong: Any) -> None:
        answer = shop.owner.post("/roles", json=role(scopes=wrong))

        assert (answer.status_code, fields_of(answer)) == (400, ["scopes"])

    @pytest.mark.parametrize("name", ["", "   ", "x" * 61, None, 7, "a\x00b"])
    def test_a_name_that_is_none_is_refused(self, shop: Shop, name: Any) -> None:
        answer = shop.owner.post("/roles", json=role(name=name))

        assert (answer.status_code, fields_of(answer)) == (400, ["name"])

    def test_the_longest_name_of_letters_that_fold_to_three_is_kept(self, shop: Shop) -> None:
        assert shop.owner.post("/roles", json=role(name="ΐ" * 60)).status_code == 201

    def test_a_workshop_has_so_many_and_no_more(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(roles, "MOST_ROLES", 2)
        for _ in range(2):
            assert shop.owner.post("/roles", json=role()).status_code == 201

        answer = shop.owner.post("/roles", json=role())

        assert (answer.status_code, answer.json["code"]) == (409, "too_many_roles")


class TestTheList:
    def test_has_the_built_in_ones_the_own_ones_and_the_scopes(self, shop: Shop) -> None:
        mine = shop.owner.post("/roles", json=role()).json

        listed = shop.owner.get("/roles").json

        assert listed["own"] == [mine]
        assert {one["role"]: set(one["scopes"]) for one in listed["built_in"]} == {
            name: scopes.of_role(name) for name in ("owner", "mechanic", "customer")
        }
        assert {one["scope"]: one["description"] for one in listed["scopes"]} == {
            name: text for name, (text, roles) in scopes.SCOPES.items() if roles != ("admin",)
        }
        assert [one["scope"] for one in listed["scopes"] if not one["grantable"]] == ["own:read", "own:write"]

    def test_has_none_of_another_workshop(self, shop: Shop, other_shop: Shop) -> None:
        other_shop.make_role("tickets:read")

        assert shop.owner.get("/roles").json["own"] == []

    def test_takes_as_many_statements_for_many_as_for_few(self, shop: Shop) -> None:
        counts = []
        for _ in range(2):
            for _ in range(5):
                shop.make_role("tickets:read")
            shop.owner.get("/roles")
            with statements(shop.app) as seen:
                shop.owner.get("/roles")
            counts.append(len(seen))

        assert counts[0] == counts[1] <= 2


class TestChanging:
    def test_put_replaces(self, shop: Shop) -> None:
        made = shop.make_role(*DESK, description="Old")

        put = shop.owner.put(f"/roles/{made.id}", json={"name": "Stores", "scopes": ["inventory:read"]})

        assert put.status_code == 200
        assert (put.json["name"], put.json["description"], put.json["scopes"]) == (
            "Stores",
            None,
            ["inventory:read"],
        )

    def test_patch_merges(self, shop: Shop) -> None:
        made = shop.make_role(*DESK, description="Old")

        patched = shop.owner.patch(f"/roles/{made.id}", json={"description": None})

        assert (patched.json["name"], patched.json["description"], patched.json["scopes"]) == (
            made.name,
            None,
            DESK,
        )

    def test_the_log_has_what_changed(self, shop: Shop) -> None:
        made = shop.make_role(*DESK)

        shop.owner.patch(f"/roles/{made.id}", json={"scopes": ["tickets:read"]})

        (entry,) = shop.owner.get("/audit?action=role.updated").json
        assert (entry["before"], entry["after"]) == ({"scopes": DESK}, {"scopes": ["tickets:read"]})

    def test_another_case_of_its_own_name_is_no_conflict(self, shop: Shop) -> None:
        made = shop.make_role(name="desk")

        assert shop.owner.patch(f"/roles/{made.id}", json={"name": "Desk"}).json["name"] == "Desk"

    def test_anothers_name_is_a_conflict(self, shop: Shop) -> None:
        shop.make_role(name="Desk")
        made = shop.make_role(name="Stores")

        answer = shop.owner.patch(f"/roles/{made.id}", json={"name": "DESK"})

        assert (answer.status_code, answer.json["code"]) == (409, "role_name_taken")

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_a_version_that_is_not_the_present_one_is_refused(self, shop: Shop, method: str) -> None:
        path = f"/roles/{shop.make_role(*DESK).id}"
        etag = shop.owner.get(path).headers["ETag"]
        shop.owner.patch(path, json={"name": unique("Role ")})
        body = None if method == "DELETE" else role()

        answer = shop.owner.open(method, path, json=body, headers={"If-Match": etag})

        assert (answer.status_code, answer.json["code"]) == (412, "stale")

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_another_workshops_looks_missing(self, shop: Shop, other_shop: Shop, method: str) -> None:
        foreign = other_shop.make_role(*DESK)
        body = role() if method in ("PUT", "PATCH") else None

        answer = shop.owner.open(method, f"/roles/{foreign.id}", json=body)

        assert (answer.status_code, answer.json["code"]) == (404, "role_not_found")


class TestRemoving:
    def test_one_that_nobody_has_goes(self, shop: Shop) -> None:
        made = shop.make_role(*DESK)

        assert shop.owner.delete(f"/roles/{made.id}").status_code == 200
        assert shop.owner.get(f"/roles/{made.id}").status_code == 404

    def test_one_that_somebody_has_stays(self, shop: Shop) -> None:
        made = shop.make_role(*DESK)
        shop.make_staff(role=made)

        answer = shop.owner.delete(f"/roles/{made.id}")

        assert (answer.status_code, answer.json["code"]) == (409, "role_in_use")
        assert shop.owner.get(f"/roles/{made.id}").status_code == 200

    def test_one_that_somebody_had_who_has_left_goes(self, shop: Shop) -> None:
        made = shop.make_role(*DESK)
        somebody = shop.make_staff(role=made)
        assert shop.owner.delete(f"/members/{somebody.member_id}").status_code == 200

        assert shop.owner.delete(f"/roles/{made.id}").status_code == 200


class TestWhatARoleIsWorth:
    def test_somebody_has_its_scopes_and_not_one_more(self, shop: Shop) -> None:
        somebody = shop.make_staff("tickets:read")

        answers = {
            path: somebody.get(path).status_code
            for path in ("/service_tickets", "/customers", "/inventory", "/mechanics")
        }

        assert answers == {"/service_tickets": 200, "/customers": 403, "/inventory": 403, "/mechanics": 403}

    def test_a_mechanics_record_brings_nothing_with_it(self, shop: Shop) -> None:
        somebody = shop.make_staff("inventory:read", mechanic_id=shop.mechanic_id)

        assert somebody.get("/inventory").status_code == 200
        assert somebody.get("/service_tickets").status_code == 403

    @pytest.mark.parametrize("door", ["/auth/login", "/mechanics/login", "/customers/login"])
    def test_one_signs_in_and_stays_in_with_it(self, shop: Shop, door: str) -> None:
        somebody = shop.make_staff("tickets:read")

        login = shop.nobody.post(door, json={"email": somebody.email, "password": PASSWORD})
        refreshed = shop.nobody.post("/auth/refresh", json={"refresh_token": login.json["refresh_token"]})

        token = {"Authorization": f"Bearer {refreshed.json['auth_token']}"}
        assert (login.json["role"], refreshed.json["role"]) == ("staff", "staff")
        assert shop.nobody.get("/service_tickets", headers=token).status_code == 200
        assert shop.nobody.get("/customers", headers=token).status_code == 403

    def test_less_is_seen_by_the_very_next_request(self, shop: Shop) -> None:
        made = shop.make_role("inventory:read", "tickets:read")
        somebody = shop.make_staff(role=made)
        before = [somebody.get("/inventory").status_code for _ in range(2)]

        shop.owner.patch(f"/roles/{made.id}", json={"scopes": ["tickets:read"]})

        assert before == [200, 200]
        assert [somebody.get("/inventory").status_code for _ in range(2)] == [403, 403]
        assert somebody.get("/service_tickets").status_code == 200

    def test_more_is_seen_by_the_very_next_request_of_the_same_token(self, shop: Shop) -> None:
        made = shop.make_role("tickets:read")
        somebody = shop.make_staff(role=made)
        before = somebody.get("/inventory").status_code

        shop.owner.patch(f"/roles/{made.id}", json={"scopes": ["inventory:read"]})

        assert before == 403
        assert [somebody.get("/inventory").status_code for _ in range(2)] == [200, 200]
        assert somebody.get("/service_tickets").status_code == 403

    def test_what_was_kept_for_more_is_not_shown_to_less(self, shop: Shop) -> None:
        made = shop.make_role("mechanics:read", "mechanics:salary")
        somebody = shop.make_staff(role=made)
        path = f"/mechanics/{shop.mechanic_id}"
        before = [somebody.get(path).json for _ in range(2)]

        shop.owner.patch(f"/roles/{made.id}", json={"scopes": ["mechanics:names"]})

        assert all("salary" in shown for shown in before)
        assert set(somebody.get(path).json) == {"id", "name"}

    def test_once_known_a_request_sends_no_statement_for_it(self, shop: Shop) -> None:
        somebody = shop.make_staff("inventory:read")
        for _ in range(2):
            somebody.get("/inventory")

        with statements(shop.app) as seen:
            answer = somebody.get("/inventory")

        assert (answer.status_code, seen) == (200, [])

    def test_asking_the_database_takes_one_statement(self, shop: Shop) -> None:
        somebody = shop.make_staff("tickets:read")
        assert somebody.principal is not None

        with shop.app.app_context(), statements(shop.app) as seen:
            standing = identity.still_stands(somebody.principal)

        assert standing == identity.Standing(frozenset({"tickets:read"}))
        assert len(seen) == 1

    def test_a_scope_that_is_no_more_is_worth_nothing(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        somebody = shop.make_staff("tickets:read", "inventory:read")
        monkeypatch.delitem(scopes.SCOPES, "inventory:read")

        with shop.inside():
            found = db.session.get_one(Membership, somebody.member_id)
            assert roles.held_by(found) == {"tickets:read"}


class TestNobodyRises:
    def test_who_makes_a_role_of_more_than_they_hold_is_refused(self, shop: Shop) -> None:
        maker = shop.make_staff("roles:write", "tickets:read")

        refused = maker.post("/roles", json=role(scopes=["tickets:read", "tickets:write", "audit:read"]))
        made = maker.post("/roles", json=role(scopes=["tickets:read"]))

        assert (refused.status_code, refused.json["code"]) == (403, "beyond_own_scopes")
        assert refused.json["detail"] == "You do not have `audit:read`, `tickets:write` yourself."
        assert made.status_code == 201

    @pytest.mark.parametrize("held", [["tickets:read"], ["tickets:read", "audit:read"]])
    def test_who_widens_a_role_beyond_themselves_is_refused(self, shop: Shop, held: list[str]) -> None:
        made = shop.make_role(*held)
        maker = shop.make_staff("roles:write", "tickets:read")

        answer = maker.patch(f"/roles/{made.id}", json={"scopes": ["tickets:read", "audit:read"]})

        assert (answer.status_code, answer.json["code"]) == (403, "beyond_own_scopes")

    def test_who_widens_their_own_role_is_refused(self, shop: Shop) -> None:
        made = shop.make_role("roles:write", "tickets:read")
        maker = shop.make_staff(role=made)

        answer = maker.patch(
            f"/roles/{made.id}", json={"scopes": ["roles:write", "tickets:read", "tickets:write"]}
        )

        assert answer.status_code == 403

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_who_touches_a_role_of_more_than_they_hold_is_refused(self, shop: Shop, method: str) -> None:
        made = shop.make_role("audit:read")
        maker = shop.make_staff("roles:write")
        body = {"name": "Mine"} if method == "PATCH" else None

        answer = maker.open(method, f"/roles/{made.id}", json=body)

        assert (answer.status_code, answer.json["code"]) == (403, "beyond_own_scopes")

    def test_who_gives_a_mechanic_a_sign_in_holds_what_mechanics_hold(self, shop: Shop) -> None:
        hirer = shop.make_staff("mechanics:write")
        person = {"name": "Jane", "email": f"{unique('j')}@example.com", "phone": "555-987-6543", "salary": 1}

        refused = hirer.post("/mechanics", json=person | {"password": PASSWORD})
        hired = hirer.post("/mechanics", json=person)
        later = hirer.patch(f"/mechanics/{hired.json['id']}", json={"password": PASSWORD})

        assert (refused.status_code, refused.json["code"]) == (403, "beyond_own_scopes")
        assert (hired.status_code, later.status_code) == (201, 403)

    @pytest.mark.parametrize(
        "change", [{"password": "wrench-otter-lagoon"}, {"email": "mine-now@example.com"}]
    )
    def test_who_takes_a_sign_in_over_holds_all_that_it_opens(
        self, shop: Shop, change: dict[str, str]
    ) -> None:
        taker = shop.make_staff("mechanics:write", *scopes.of_role("mechanic"))
        record = shop.make_mechanic()
        shop.make_staff("audit:read", mechanic_id=record.id)

        answer = taker.patch(f"/mechanics/{record.id}", json=change)

        assert (answer.status_code, answer.json["code"]) == (403, "beyond_own_scopes")

    def test_who_holds_as_much_as_a_mechanic_sets_their_password(self, shop: Shop) -> None:
        foreman = shop.make_staff("mechanics:write", *scopes.of_role("mechanic"))

        answer = foreman.patch(f"/mechanics/{shop.mechanic_id}", json={"password": "wrench-otter-lagoon"})

        assert answer.status_code == 200


class TestTheTables:
    @pytest.mark.parametrize(("role_", "with_role"), [("staff", False), ("owner", True), ("mechanic", True)])
    def test_refuse_a_member_whose_roles_contradict_each_other(
        self, shop: Shop, role_: Any, with_role: bool
    ) -> None:
        role_id = shop.make_role().id if with_role else None
        values = {"workshop_id": shop.id, "account_id": shop.owner.principal.account_id, "role": role_}  # type: ignore[union-attr]

        with shop.inside(), pytest.raises(DBAPIError), atomic() as session:
            session.add(Membership(**values, role_id=role_id, mechanic_id=shop.mechanic_id))

    def test_refuse_a_role_of_another_workshop(self, shop: Shop, other_shop: Shop) -> None:
        foreign = other_shop.make_role("tickets:read").id
        somebody = shop.make_staff("tickets:read")

        with shop.inside(), pytest.raises(DBAPIError), atomic() as session:
            session.get_one(Membership, somebody.member_id).role_id = foreign
