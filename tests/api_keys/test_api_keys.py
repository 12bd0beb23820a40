"""API keys: who makes them of what, what is shown and kept, and how one ends."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.blueprints.accounts.models import ApiKey
from app.core import identity, keys, scopes
from app.extensions import db
from tests.factories import Shop, fields_of, unique
from tests.mailing import Clock
from tests.watching import log_lines, statements


def wanted(**overrides: Any) -> dict[str, Any]:
    return {"name": unique("Export "), "scopes": ["inventory:read"], **overrides}


def listed(shop: Shop, key_id: int) -> dict[str, Any]:
    found: dict[str, Any] = shop.owner.get(f"/api_keys/{key_id}").json
    return found


def ask_the_database(shop: Shop, key: str) -> None:
    """Let the database be asked, as it is a minute after it was."""
    digest = keys.digest_of(key)
    assert digest is not None
    with shop.app.app_context():
        identity.key_stands(digest)


class TestMaking:
    def test_an_owner_is_shown_the_key_once(self, shop: Shop) -> None:
        made = shop.owner.post("/api_keys", json=wanted())

        assert made.status_code == 201
        assert keys.FORM.fullmatch(made.json["key"])
        assert made.json["key"].startswith(made.json["prefix"] + "_")
        shown = shop.owner.get(made.headers["Location"]).json
        assert shown == {name: value for name, value in made.json.items() if name != "key"}
        assert made.json["key"] not in shop.owner.get("/api_keys").text

    def test_its_digest_is_kept_and_not_itself(self, shop: Shop) -> None:
        made = shop.owner.post("/api_keys", json=wanted()).json

        with shop.inside():
            row = db.session.get_one(ApiKey, made["id"])
            assert row.digest == hashlib.sha256(made["key"].encode()).digest()
            assert made["key"].removeprefix(made["prefix"]) not in str(vars(row))

    def test_neither_log_nor_audit_log_has_it(self, shop: Shop) -> None:
        with log_lines() as log:
            made = shop.owner.post("/api_keys", json=wanted()).json
            shop.sending(made["key"]).get("/inventory")

        secret = made["key"].removeprefix(made["prefix"])
        assert secret not in log.text
        (entry,) = shop.owner.get("/audit?action=api_key.made").json
        assert secret not in json.dumps(entry)
        assert entry["after"] == {
            "name": made["name"], "prefix": made["prefix"], "expires_at": None, "scopes": ["inventory:read"],
        }  # fmt: skip

    def test_what_a_repeated_request_is_answered_is_kept_encrypted(self, shop: Shop) -> None:
        repeated = {"Idempotency-Key": unique("key-")}
        body = wanted()

        answers = [shop.owner.post("/api_keys", json=body, headers=repeated).json for _ in range(2)]

        assert answers[0] == answers[1]
        with shop.app.app_context():
            raw = db.session.execute(text("SELECT answer FROM idempotency_keys")).all()
        assert answers[0]["key"] not in str(raw)

    @pytest.mark.parametrize(
        "name", sorted(scopes.FOR_PEOPLE | {"own:read", "own:write", "tickets:eat", "*", ""})
    )
    def test_what_no_key_can_have_is_refused(self, shop: Shop, name: str) -> None:
        answer = shop.owner.post("/api_keys", json=wanted(scopes=["inventory:read", name]))

        assert (answer.status_code, fields_of(answer)) == (400, ["scopes"])

    def test_a_key_that_may_do_nothing_is_refused(self, shop: Shop) -> None:
        assert shop.owner.post("/api_keys", json=wanted(scopes=[])).status_code == 400

    @pytest.mark.parametrize(
        "when", ["2020-01-01T00:00:00Z", "2036-01-01", "soon", 7, "0001-01-01T00:00:00+14:00"]
    )
    def test_an_end_that_is_no_instant_to_come_is_refused(self, shop: Shop, when: Any) -> None:
        answer = shop.owner.post("/api_keys", json=wanted(expires_at=when))

        assert (answer.status_code, fields_of(answer)) == (400, ["expires_at"])

    def test_an_end_is_told_in_utc(self, shop: Shop) -> None:
        made = shop.owner.post("/api_keys", json=wanted(expires_at="2036-03-02T09:30:00+02:00"))

        assert made.json["expires_at"] == "2036-03-02T07:30:00Z"

    def test_who_asks_for_more_than_they_hold_is_refused(self, shop: Shop) -> None:
        maker = shop.make_staff("api_keys:write", "inventory:read")

        refused = maker.post("/api_keys", json=wanted(scopes=["inventory:read", "inventory:write"]))
        made = maker.post("/api_keys", json=wanted())

        assert (refused.status_code, refused.json["code"]) == (403, "beyond_own_scopes")
        assert made.status_code == 201
        assert made.json["member_id"] == maker.member_id


class TestKeeping:
    def test_the_list_is_the_workshops_own(self, shop: Shop, other_shop: Shop) -> None:
        other_shop.make_key("inventory:read")
        made = [shop.owner.post("/api_keys", json=wanted(name=name)).json for name in ("B", "A")]

        assert [one["id"] for one in shop.owner.get("/api_keys").json] == [made[1]["id"], made[0]["id"]]
        assert [one["id"] for one in shop.owner.get("/api_keys?sort=-name").json] == [
            made[0]["id"],
            made[1]["id"],
        ]

    def test_the_list_takes_as_many_statements_for_many_as_for_few(self, shop: Shop) -> None:
        counts = []
        for _ in range(2):
            for _ in range(3):
                shop.make_key("inventory:read")
            shop.owner.get("/api_keys")
            with statements(shop.app) as seen:
                shop.owner.get("/api_keys?per_page=100")
            counts.append(len(seen))

        assert counts[0] == counts[1] <= 2

    def test_a_key_gets_another_name_and_nothing_else(self, shop: Shop) -> None:
        made = shop.owner.post("/api_keys", json=wanted()).json
        path = f"/api_keys/{made['id']}"

        renamed = shop.owner.patch(path, json={"name": "Stock"})
        refused = shop.owner.patch(path, json={"scopes": ["inventory:write"]})

        assert (renamed.status_code, renamed.json["name"]) == (200, "Stock")
        assert (refused.status_code, list(refused.json["errors"])) == (400, ["scopes"])

    @pytest.mark.parametrize("method", ["PATCH", "DELETE"])
    def test_a_version_that_is_not_the_present_one_is_refused(self, shop: Shop, method: str) -> None:
        path = f"/api_keys/{shop.owner.post('/api_keys', json=wanted()).json['id']}"
        etag = shop.owner.get(path).headers["ETag"]
        shop.owner.patch(path, json={"name": "Stock"})
        body = {"name": "Other"} if method == "PATCH" else None

        answer = shop.owner.open(method, path, json=body, headers={"If-Match": etag})

        assert (answer.status_code, answer.json["code"]) == (412, "stale")

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_another_workshops_looks_missing(self, shop: Shop, other_shop: Shop, method: str) -> None:
        foreign = other_shop.owner.post("/api_keys", json=wanted()).json
        body = {"name": "Mine"} if method == "PATCH" else None

        answer = shop.owner.open(method, f"/api_keys/{foreign['id']}", json=body)

        assert (answer.status_code, answer.json["code"]) == (404, "api_key_not_found")


class TestRevoking:
    def test_is_seen_by_the_very_next_request(self, shop: Shop) -> None:
        made = shop.owner.post("/api_keys", json=wanted()).json
        caller = shop.sending(made["key"])
        before = [caller.get("/inventory").status_code for _ in range(2)]

        revoked = shop.owner.delete(f"/api_keys/{made['id']}")

        assert (before, revoked.status_code) == ([200, 200], 200)
        assert [caller.get("/inventory").status_code for _ in range(2)] == [401, 401]

    def test_twice_is_once(self, shop: Shop) -> None:
        made = shop.owner.post("/api_keys", json=wanted()).json

        answers = [shop.owner.delete(f"/api_keys/{made['id']}").status_code for _ in range(2)]

        assert answers == [200, 200]
        assert len(shop.owner.get("/audit?action=api_key.revoked").json) == 1
        assert listed(shop, made["id"])["revoked_at"] is not None


class TestItsUse:
    def test_is_noted_once_a_minute(self, shop: Shop, clock_set: Clock) -> None:
        made = shop.owner.post("/api_keys", json=wanted()).json
        caller, never = shop.sending(made["key"]), listed(shop, made["id"])["last_used_at"]
        caller.get("/inventory")
        first = listed(shop, made["id"])["last_used_at"]
        with statements(shop.app) as seen:
            caller.get("/inventory")

        assert never is None
        assert first is not None
        assert [one for one in seen if one.startswith("UPDATE")] == []
        clock_set.pass_(seconds=61)
        ask_the_database(shop, made["key"])
        assert listed(shop, made["id"])["last_used_at"] > first

    def test_leaves_the_version_alone(self, shop: Shop) -> None:
        made = shop.owner.post("/api_keys", json=wanted())
        etag = made.headers["ETag"]
        shop.sending(made.json["key"]).get("/inventory")

        answer = shop.owner.patch(
            f"/api_keys/{made.json['id']}", json={"name": "X"}, headers={"If-Match": etag}
        )

        assert answer.status_code == 200

    def test_does_not_empty_the_cache(self, shop: Shop, cold_cache: None) -> None:
        shop.owner.get("/inventory")
        shop.make_key("inventory:read").get("/inventory")

        with statements(shop.app) as seen:
            shop.owner.get("/inventory")

        assert seen == []


class TestItsEnd:
    def test_comes_when_it_was_said_to(self, shop: Shop, clock_set: Clock) -> None:
        at = datetime.now(UTC) + timedelta(minutes=10)
        caller = shop.make_key("inventory:read", expires_at=at)
        before = [caller.get("/inventory").status_code for _ in range(2)]

        clock_set.pass_(minutes=11)

        assert before == [200, 200]
        assert caller.get("/inventory").status_code == 401
