"""Acting by an API key: what it is worth at each moment, what it cannot do, how it is counted, and that guesses get nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.blueprints.accounts.models import Account
from app.core import caching, clock, identity, keys
from app.core.db import atomic
from app.core.identity import KeyStanding
from app.core.scopes import of_role
from tests.applications import AnotherApp
from tests.factories import PASSWORD, Caller, Shop, make_admin, unique
from tests.second_factors import give
from tests.watching import log_lines, redis_commands, statements

GOOD = "msk_" + "a" * 10 + "_" + "A" * 43


def statuses(caller: Caller, *paths: str) -> list[int]:
    return [caller.get(path).status_code for path in paths]


class TestWhatItIsWorth:
    def test_its_scopes_and_not_one_more(self, shop: Shop) -> None:
        caller = shop.make_key("inventory:read", "inventory:write")

        assert statuses(caller, "/inventory", "/customers", "/roles") == [200, 403, 403]
        assert caller.post("/inventory", json={"name": "Wiper", "price": 9}).status_code == 201

    def test_it_is_told_who_it_is(self, shop: Shop) -> None:
        made = shop.owner.post("/api_keys", json={"name": "X", "scopes": ["inventory:read"]}).json

        told = shop.sending(made["key"]).get("/auth/me").json

        assert (told["key_id"], told["scopes"], told["member_id"]) == (
            made["id"],
            ["inventory:read"],
            shop.owner.member_id,
        )
        assert shop.owner.get("/auth/me").json["key_id"] is None

    def test_no_more_than_its_makers_role_holds_now(self, shop: Shop) -> None:
        role = shop.make_role("api_keys:write", "inventory:read", "tickets:read")
        maker = shop.make_staff(role=role)
        caller = shop.make_key("inventory:read", "tickets:read", by=maker)
        before = statuses(caller, "/inventory", "/service_tickets", "/inventory")

        shop.owner.patch(f"/roles/{role.id}", json={"scopes": ["tickets:read"]})
        less = statuses(caller, "/inventory", "/service_tickets")
        shop.owner.patch(f"/roles/{role.id}", json={"scopes": ["inventory:read"]})

        assert (before, less) == ([200, 200, 200], [403, 200])
        assert statuses(caller, "/inventory", "/service_tickets") == [200, 403]

    def test_another_role_of_its_makers_counts_at_once(self, shop: Shop) -> None:
        maker = shop.make_owner()
        caller = shop.make_key("inventory:read", "audit:read", by=maker)
        before = statuses(caller, "/audit", "/inventory")

        body = {"role": "staff", "role_id": shop.make_role("inventory:read").id}
        assert shop.owner.put(f"/members/{maker.member_id}/role", json=body).status_code == 200

        assert (before, statuses(caller, "/audit", "/inventory")) == ([200, 200], [403, 200])

    def test_nothing_once_its_maker_has_left(self, shop: Shop) -> None:
        maker = shop.make_owner()
        caller = shop.make_key("inventory:read", by=maker)
        before = statuses(caller, "/inventory")

        shop.owner.delete(f"/members/{maker.member_id}")

        assert (before, statuses(caller, "/inventory")) == ([200], [401])

    def test_nothing_once_the_workshop_is_closed(self, shop: Shop) -> None:
        caller = shop.make_key("inventory:read")
        before = statuses(caller, "/inventory")

        assert shop.owner.delete(f"/workshops/{shop.id}?name={shop.slug.title()}").status_code == 200

        assert (before, statuses(caller, "/inventory")) == ([200], [401])

    def test_nothing_once_its_makers_account_is_closed(self, shop: Shop) -> None:
        caller = shop.make_key("inventory:read")
        with shop.inside(), atomic() as session:
            account = session.get_one(Account, shop.owner.principal.account_id)  # type: ignore[union-attr]
            account.email, account.closed_at = None, clock.now()

        assert statuses(caller, "/inventory") == [401]

    def test_nothing_while_its_makers_account_is_suspended(self, app: Flask, shop: Shop) -> None:
        key, admin = shop.make_key("tickets:read"), make_admin(app)
        path = f"/accounts/{shop.owner.principal.account_id}"  # type: ignore[union-attr]
        assert statuses(key, "/service_tickets", "/service_tickets") == [200, 200]

        assert admin.post(f"{path}/suspend", {"reason": "Spam"}).status_code == 200
        suspended = statuses(key, "/service_tickets")
        assert admin.post(f"{path}/reinstate").status_code == 200

        assert (suspended, statuses(key, "/service_tickets")) == ([401], [200])

    def test_as_much_after_its_makers_password_is_another(self, shop: Shop) -> None:
        caller = shop.make_key("inventory:read")
        statuses(caller, "/inventory")

        change = {"present_password": PASSWORD, "password": "wrench-otter-lagoon-42"}
        assert shop.owner.post("/auth/password", json=change).status_code == 200

        assert statuses(caller, "/inventory") == [200]

    def test_a_walk_in_is_recorded_by_one_that_may(self, shop: Shop) -> None:
        able, unable = shop.make_key("customers:create"), shop.make_key("customers:read")
        walk_in = {"name": "Walter Walkin"}

        assert [one.post("/customers", json=walk_in).status_code for one in (able, unable)] == [201, 400]


class TestWhatIsForPeople:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/auth/sessions", None), ("DELETE", "/auth/sessions/1", None), ("POST", "/auth/switch", {"workshop": "x"}),
            ("POST", "/auth/password", {"present_password": "x", "password": PASSWORD}), ("POST", "/auth/logout", {}),
            ("POST", "/auth/email/verification", None), ("POST", "/auth/email", {"email": "a@b.co", "present_password": "x"}),
            ("POST", "/api_keys", {"name": "More", "scopes": ["inventory:read"]}), ("GET", "/api_keys", None),
            ("GET", "/api_keys/1", None), ("DELETE", "/api_keys/1", None), ("POST", "/roles", {"name": "X", "scopes": []}),
            ("PUT", "/members/1/role", {"role": "owner"}), ("DELETE", "/members/1", None),
        ],
    )  # fmt: skip
    def test_is_refused_with_its_own_code(self, shop: Shop, method: str, path: str, body: Any) -> None:
        answer = shop.make_key("inventory:read").open(method, path, json=body)

        assert (answer.status_code, answer.json["code"]) == (403, "not_for_keys")

    @pytest.mark.parametrize("path", ["/auth/sessions", "/api_keys"])
    def test_a_key_that_is_not_good_is_told_so_first(self, shop: Shop, path: str) -> None:
        assert statuses(shop.sending(GOOD), path) == [401]

    @pytest.mark.parametrize("method", ["POST unlock", "DELETE second_factor"])
    def test_a_key_unlocks_nobody_and_takes_no_second_factor_away(self, shop: Shop, method: str) -> None:
        give(shop.app, [shop.mechanic.email, shop.customer.email])
        caller = shop.make_key("mechanics:write", "customers:write", *of_role("mechanic"))
        verb, _, what = method.partition(" ")

        answers = [
            caller.open(verb, f"{path}/{what}")
            for path in (f"/mechanics/{shop.mechanic_id}", f"/customers/{shop.customer_id}")
        ]

        assert {(answer.status_code, answer.json["code"]) for answer in answers} == {(403, "not_for_keys")}

    def test_a_key_gives_nobody_a_sign_in(self, shop: Shop) -> None:
        caller = shop.make_key("mechanics:write", "mechanics:read")
        person = {"name": "Jane", "email": f"{unique('j')}@example.com", "phone": "555-987-6543", "salary": 1}

        answers = [
            caller.post("/mechanics", json=person | {"password": PASSWORD}),
            caller.patch(f"/mechanics/{shop.mechanic_id}", json={"password": PASSWORD + "!"}),
            caller.patch(f"/mechanics/{shop.mechanic_id}", json={"email": person["email"]}),
        ]

        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
            (403, "not_for_keys")
        ] * 3
        assert caller.post("/mechanics", json=person).status_code == 201

    def test_scopes_for_people_that_a_row_has_all_the_same_are_worth_nothing(self, shop: Shop) -> None:
        caller = shop.make_key("inventory:read", "api_keys:write", "roles:write")

        assert caller.get("/auth/me").json["scopes"] == ["inventory:read"]


class TestGuesses:
    @pytest.mark.parametrize(
        "sent",
        [
            GOOD, "msk_", "msk", "msk_aaaaaaaaaa", GOOD[:-1], GOOD + "A", GOOD + "\u0141", GOOD.upper(), "msk_" + "A" * 100_000,
            GOOD.replace("_A", "-A", 1), "msk_0000000000_" + "A" * 43, GOOD + " x", "MSK_" + GOOD[4:], "msk_'; DROP TABLE x;--",
        ],
    )  # fmt: skip
    def test_are_all_answered_alike(self, shop: Shop, sent: str) -> None:
        header = f"Bearer {sent}".encode().decode("latin-1")

        answer = shop.nobody.get("/inventory", headers={"Authorization": header})

        assert (answer.status_code, answer.json["code"]) == (401, "not_signed_in")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")

    def test_a_good_prefix_with_another_secret_is_one(self, shop: Shop) -> None:
        made = shop.owner.post("/api_keys", json={"name": "X", "scopes": ["inventory:read"]}).json
        wrong = made["key"][:-1] + ("A" if made["key"][-1] != "A" else "B")
        shop.sending(made["key"]).get("/inventory")

        answers = [shop.sending(sent).get("/inventory").json["detail"] for sent in (wrong, GOOD)]

        assert answers == ["The API key is not good, or not any more."] * 2

    @pytest.mark.parametrize("sent", ["msk_", GOOD[:-1]])
    def test_what_has_not_the_form_of_a_key_asks_nobody(self, shop: Shop, sent: str) -> None:
        with statements(shop.app) as seen:
            shop.sending(sent).get("/inventory")

        assert seen == []

    def test_count_for_where_they_come_from_and_good_ones_for_themselves(
        self, app: Flask, shop: Shop, limits: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config["RATE_LIMITS"], "inventory_list", "3/minute")
        one, two = shop.make_key("inventory:read"), shop.make_key("inventory:read")
        for known in (one, two):
            known.get("/auth/me")
        guesses = [shop.sending(GOOD[:-1] + letter).get("/inventory").status_code for letter in "BCDE"]

        assert guesses == [401, 401, 401, 429]
        assert statuses(one, *["/inventory"] * 4) == [200, 200, 200, 429]
        assert statuses(two, "/inventory") == [200]
        assert statuses(shop.owner, "/inventory") == [200]


class TestWhatIsKept:
    def test_once_known_a_kept_answer_costs_no_statement(self, shop: Shop, cold_cache: None) -> None:
        caller = shop.make_key("inventory:read")
        for _ in range(2):
            caller.get("/inventory")

        with statements(shop.app) as seen:
            answer = caller.get("/inventory")

        assert (answer.status_code, seen) == (200, [])

    @pytest.mark.usefixtures("needs_redis")
    @pytest.mark.parametrize("path", ["/inventory", "/auth/me"])
    def test_once_known_admission_takes_one_trip_to_redis(self, shop: Shop, path: str) -> None:
        caller = shop.make_key("inventory:read")
        for _ in range(2):
            caller.get(path)

        with redis_commands() as sent:
            caller.get(path)

        assert sent == ["MGET"]

    def test_an_answer_for_more_is_not_shown_to_less(self, shop: Shop) -> None:
        path = f"/mechanics/{shop.mechanic_id}"
        much, little = shop.make_key("mechanics:salary", "mechanics:read"), shop.make_key("mechanics:names")

        shown = [caller.get(path).json for caller in (much, much, little, little, much)]

        assert ["salary" in one for one in shown] == [True, True, False, False, True]

    def test_an_idempotency_key_is_the_keys_own(self, shop: Shop) -> None:
        one, two = shop.make_key("inventory:write"), shop.make_key("inventory:write")
        header = {"Idempotency-Key": unique("key-")}
        item = {"name": "Wiper", "price": 9}

        made = [
            caller.post("/inventory", json=item, headers=header).json["id"]
            for caller in (one, one, two, shop.owner)
        ]

        assert made[0] == made[1]
        assert len(set(made)) == 3

    def test_the_logs_say_which_key(self, shop: Shop) -> None:
        made = shop.owner.post("/api_keys", json={"name": "X", "scopes": ["inventory:write"]}).json
        with log_lines() as log:
            shop.sending(made["key"]).post("/inventory", json={"name": "Wiper", "price": 9})
            shop.owner.post("/inventory", json={"name": "Wiper", "price": 9})

        entries = shop.owner.get("/audit?action=part.added&per_page=2").json
        assert [entry["key_id"] for entry in entries] == [None, made["id"]]
        assert [entry["account_id"] for entry in entries] == [shop.owner.principal.account_id] * 2  # type: ignore[union-attr]
        assert [line.get("key") for line in log.events("request")] == [made["id"], None]

    def test_who_was_seen_is_bounded(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keys, "MOST_SEEN", 2)
        monkeypatch.setattr(keys, "_seen", {})

        for _ in range(3):
            assert statuses(shop.make_key("inventory:read"), "/inventory") == [200]

        assert len(keys._seen) == 1


class TestOtherWorkers:
    @pytest.mark.usefixtures("needs_redis")
    def test_see_a_revocation_at_once(self, shop: Shop, another_app: AnotherApp) -> None:
        made = shop.owner.post("/api_keys", json={"name": "X", "scopes": ["inventory:read"]}).json
        there = Caller(another_app(), headers={"Authorization": f"Bearer {made['key']}"})
        before = statuses(there, "/inventory", "/inventory")

        shop.owner.delete(f"/api_keys/{made['id']}")

        assert (before, statuses(there, "/inventory", "/inventory")) == ([200, 200], [401, 401])

    @pytest.mark.usefixtures("needs_redis")
    def test_who_read_it_before_the_revocation_does_not_write_over_it(self, app: Flask, shop: Shop) -> None:
        made = shop.owner.post("/api_keys", json={"name": "X", "scopes": ["inventory:read"]}).json
        digest = keys.digest_of(made["key"])
        assert digest is not None
        with app.app_context():
            slow = identity.key_stands(digest)
        assert isinstance(slow, KeyStanding)

        shop.owner.delete(f"/api_keys/{made['id']}")
        with app.app_context():
            caching.remember_key(digest, slow)

        assert statuses(shop.sending(made["key"]), "/inventory") == [401]

    def test_without_a_cache_the_database_is_asked_once(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caller = shop.make_key("inventory:read")
        caller.get("/auth/me")
        monkeypatch.setattr(caching.Backend, "get_many", lambda *_: None)
        monkeypatch.setattr(caching.Backend, "set", lambda *_, **__: None)

        with statements(shop.app) as seen:
            assert statuses(caller, "/auth/me") == [200]

        assert len(seen) == 2  # how the key stands, and who it is
        assert [one for one in seen if one.startswith("UPDATE")] == []
