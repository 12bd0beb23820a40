"""Rate limits: counted per account or address, told in headers, shared through Redis, and there without it."""

from __future__ import annotations

import re
import time

import pytest
import redis
from environs import Env
from flask import Flask
from limits import parse
from werkzeug.test import TestResponse

from app.core import caching, limits
from app.core.contract import contract_of
from app.core.limits import OneTripRedisStorage
from app.extensions import limiter
from config import RATE_LIMITS, rate_limits
from tests.applications import CLOSED_PORT, AnotherApp
from tests.factories import PASSWORD, Caller, Shop, unique
from tests.watching import redis_commands, statements

pytestmark = pytest.mark.usefixtures("limits")


@pytest.fixture
def two_reads(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that can be reached: two reads a minute."""
    monkeypatch.setitem(app.config["RATE_LIMITS"], "read", "2/minute")


def figures(answer: TestResponse) -> tuple[str | None, str | None]:
    return answer.headers.get("X-RateLimit-Limit"), answer.headers.get("X-RateLimit-Remaining")


class TestHeaders:
    def test_say_the_limit_what_is_left_and_when_it_ends(self, shop: Shop, two_reads: None) -> None:
        path, before = f"/inventory/{shop.make_part().id}", time.time()

        first, second = shop.owner.get(path), shop.owner.get(path)

        assert [figures(first), figures(second)] == [("2", "1"), ("2", "0")]
        for answer in (first, second):
            assert before - 1 <= int(answer.headers["X-RateLimit-Reset"]) <= time.time() + 61
            assert "Retry-After" not in answer.headers

    def test_are_on_refusals_too(self, shop: Shop, two_reads: None) -> None:
        assert figures(shop.nobody.get("/inventory/1")) == ("2", "1")
        assert figures(shop.owner.get("/inventory/999999999")) == ("2", "1")

    def test_are_on_answers_from_the_cache_too(self, shop: Shop, two_reads: None) -> None:
        path = f"/inventory/{shop.make_part().id}"
        tag = shop.owner.get(path).headers["ETag"]

        assert figures(shop.owner.get(path, headers={"If-None-Match": tag})) == ("2", "0")

    def test_too_many_is_a_problem_that_says_when_to_come_back(self, shop: Shop, two_reads: None) -> None:
        path = f"/inventory/{shop.make_part().id}"

        statuses = [shop.owner.get(path).status_code for _ in range(2)]
        refused = shop.owner.get(path)

        assert statuses == [200, 200]
        assert (refused.status_code, refused.json["code"]) == (429, "too_many_requests")
        assert refused.json["detail"] == "The limit is 2 per 1 minute."
        assert figures(refused) == ("2", "0")
        assert 0 <= int(refused.headers["Retry-After"]) <= 60
        assert refused.json["request_id"] == refused.headers["X-Request-Id"]


class TestWhoIsCounted:
    def test_each_account_by_itself(self, shop: Shop, two_reads: None) -> None:
        path = f"/inventory/{shop.make_part().id}"
        for _ in range(3):
            shop.owner.get(path)

        assert shop.owner.get(path).status_code == 429
        assert shop.mechanic.get(path).status_code == 200

    def test_an_account_whichever_token_and_address_it_comes_with(self, shop: Shop, two_reads: None) -> None:
        path = f"/inventory/{shop.make_part().id}"
        again = Caller(shop.app, shop.owner.principal, shop.slug)
        assert again.token != shop.owner.token

        shop.owner.get(path)
        second = again.get(path, environ_base={"REMOTE_ADDR": "203.0.113.9"})

        assert figures(second) == ("2", "0")

    def test_a_stranger_by_the_address(self, shop: Shop, two_reads: None) -> None:
        for _ in range(3):
            last = shop.nobody.get("/inventory/1")
        elsewhere = shop.nobody.get("/inventory/1", environ_base={"REMOTE_ADDR": "203.0.113.9"})

        assert (last.status_code, elsewhere.status_code) == (429, 401)

    @pytest.mark.parametrize("sent", ["Bearer rubbish", "Basic b3duZXI6eA==", "Bearer"])
    def test_a_bad_token_by_the_address_so_that_guessing_is_bounded(
        self, shop: Shop, two_reads: None, sent: str
    ) -> None:
        statuses = [
            shop.nobody.get("/inventory/1", headers={"Authorization": f"{sent}{number}"}).status_code
            for number in range(3)
        ]

        assert statuses == [401, 401, 429]

    def test_refused_sign_ins_count(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(shop.app.config["RATE_LIMITS"], "login", "3/minute")
        login = {"email": shop.customer.email, "password": "wrong"}

        statuses = [shop.nobody.post("/customers/login", json=login).status_code for _ in range(4)]
        right = shop.nobody.post("/customers/login", json={**login, "password": PASSWORD})

        assert statuses == [401, 401, 401, 429]
        assert right.status_code == 429

    def test_each_route_by_itself(self, shop: Shop, two_reads: None) -> None:
        for _ in range(3):
            shop.owner.get(f"/inventory/{shop.make_part().id}")

        assert shop.owner.get(f"/customers/{shop.customer_id}").status_code == 200

    def test_all_paths_of_a_route_together(self, shop: Shop, two_reads: None) -> None:
        parts = [shop.make_part().id for _ in range(3)]

        assert [shop.owner.get(f"/inventory/{part}").status_code for part in parts] == [200, 200, 429]

    def test_a_forwarded_address_is_not_believed_where_no_proxy_is_trusted(
        self, shop: Shop, two_reads: None
    ) -> None:
        statuses = [
            shop.nobody.get("/inventory/1", headers={"X-Forwarded-For": f"198.51.100.{number}"}).status_code
            for number in range(3)
        ]

        assert statuses == [401, 401, 429]

    def test_behind_a_trusted_proxy_the_address_is_what_it_says_last(self, another_app: AnotherApp) -> None:
        behind = another_app(TRUSTED_PROXIES=1, RATELIMIT_ENABLED=True)
        behind.config["RATE_LIMITS"]["read"] = "2/minute"
        address = "203.0.113.77"

        def ask(forwarded: str) -> int:
            return Caller(behind).get("/inventory/1", headers={"X-Forwarded-For": forwarded}).status_code

        made_up = [ask(f"198.51.100.{number}, {address}") for number in range(3)]

        assert made_up == [401, 401, 429]
        assert ask(f"{address}, 203.0.113.78") == 401

    def test_a_person_in_two_workshops_is_one(self, shop: Shop, other_shop: Shop, two_reads: None) -> None:
        person = {
            "name": "Ada",
            "email": f"{unique('ada')}@example.com",
            "phone": "555-123-4567",
            "password": PASSWORD,
        }
        for place in (shop, other_shop):
            place.nobody.post("/customers", json=person)
        callers = []
        for place in (shop, other_shop):
            login = place.nobody.post(
                "/customers/login", json={"email": person["email"], "password": PASSWORD}
            )
            callers.append(Caller(place.app, headers={"Authorization": f"Bearer {login.json['auth_token']}"}))

        left = [figures(caller.get("/customers/my-tickets"))[1] for caller in callers]

        assert left == ["1", "0"]


# The client's figures: what its own document says of each path, and the routes of ours that answer there.
CLIENTS_FIGURES = {
    ("GET", "/customers"): "15/hour",
    ("GET", "/mechanics"): "5/hour",
    ("DELETE", "/mechanics/1"): "1/hour",
    ("GET", "/service_tickets"): "5/hour",
    ("PUT", "/service_tickets/1/remove-mechanic/1"): "20/hour",
}


class TestNames:
    @pytest.mark.parametrize(("method", "path"), CLIENTS_FIGURES)
    def test_the_strict_profile_has_the_clients_own_figures(self, app: Flask, method: str, path: str) -> None:
        endpoint, _ = app.url_map.bind("localhost").match(path, method=method)
        name = contract_of(app.view_functions[endpoint]).limit

        assert name is not None
        assert RATE_LIMITS[name][1] == CLIENTS_FIGURES[(method, path)]

    def test_the_strict_profile_is_kept_by_the_routes(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        strict = rate_limits(Env(), "strict")
        monkeypatch.setitem(shop.app.config, "RATE_LIMITS", strict)
        leaving = [shop.make_mechanic().id for _ in range(2)]

        deletions = [shop.owner.delete(f"/mechanics/{id_}").status_code for id_ in leaving]
        lists = [shop.owner.get("/service_tickets").status_code for _ in range(6)]

        assert deletions == [200, 429]
        assert lists == [200] * 5 + [429]

    def test_every_route_names_a_limit_of_the_table_and_no_name_is_idle(self, app: Flask) -> None:
        named = {contract_of(view).limit for view in app.view_functions.values()}

        assert named == set(RATE_LIMITS)

    def test_the_strict_profile_is_nowhere_looser(self) -> None:
        def a_minute(figure: str) -> float:
            amount, span = figure.split("/")
            return int(amount) / {"minute": 1, "hour": 60}[span]

        assert [
            name for name, (usual, strict) in RATE_LIMITS.items() if a_minute(strict) > a_minute(usual)
        ] == []

    def test_a_name_means_what_the_configuration_says(self, app: Flask) -> None:
        with app.app_context():
            assert limits.figure("login") == app.config["RATE_LIMITS"]["login"]

    def test_the_limits_can_be_switched_off(self, shop: Shop, two_reads: None) -> None:
        limiter.enabled = False

        answers = [shop.owner.get("/customers/999999999") for _ in range(4)]

        assert [answer.status_code for answer in answers] == [404] * 4
        assert figures(answers[0]) == (None, None)


class TestOnRedis:
    def test_a_request_costs_one_command(self, shop: Shop, needs_redis: None) -> None:
        shop.nobody.get("/livez")

        with redis_commands() as seen:
            answer = shop.nobody.get("/livez")

        assert seen == ["EVALSHA"]
        assert answer.headers["X-RateLimit-Remaining"] == "1198"

    def test_a_cached_answer_costs_the_same_one(self, shop: Shop, needs_redis: None) -> None:
        for _ in range(2):
            shop.owner.get("/inventory")

        with redis_commands() as seen:
            shop.owner.get("/inventory")

        assert seen == ["EVALSHA"]

    def test_a_write_is_known_to_the_next_reader_by_that_one_command(
        self, shop: Shop, needs_redis: None
    ) -> None:
        part = shop.make_part()
        shop.owner.get("/inventory")

        shop.owner.patch(f"/inventory/{part.id}", json={"name": "Renamed"})

        assert shop.owner.get("/inventory").json[0]["name"] == "Renamed"

    def test_who_is_signed_out_is_out_by_that_one_command(self, shop: Shop, needs_redis: None) -> None:
        shop.mechanic.get("/inventory")

        shop.owner.delete(f"/mechanics/{shop.mechanic_id}")

        assert shop.mechanic.get("/inventory").status_code == 401

    def test_what_the_cache_is_owed_is_paid_before_it_is_asked(self, shop: Shop, needs_redis: None) -> None:
        shop.make_part(name="Old name")
        shop.owner.get("/inventory")
        with shop.app.app_context():
            owing = caching.backend()
        owing._owed[caching.version_key(shop.id, "parts")] = ("renewed", 60)

        with statements(shop.app) as seen:
            shop.owner.get("/inventory")

        assert seen != []
        assert owing._owed == {}

    def test_a_script_that_redis_forgot_is_sent_anew(
        self, shop: Shop, needs_redis: None, redis_url: str
    ) -> None:
        with redis.Redis.from_url(redis_url) as client:
            client.script_flush()

        with redis_commands() as seen:
            answer = shop.nobody.get("/livez")

        assert answer.headers["X-RateLimit-Remaining"] == "1199"
        assert seen == ["EVALSHA", "EVAL"]

    def test_a_connection_that_was_closed_meanwhile_costs_no_request(
        self, shop: Shop, needs_redis: None, redis_url: str
    ) -> None:
        shop.nobody.get("/livez")
        with redis.Redis.from_url(redis_url) as client:
            client.client_kill_filter(_type="normal", skipme=True)

        assert shop.nobody.get("/livez").headers["X-RateLimit-Remaining"] == "1198"

    def test_a_refusal_costs_no_more(self, shop: Shop, two_reads: None, needs_redis: None) -> None:
        for _ in range(2):
            shop.nobody.get("/inventory/1")

        with redis_commands() as seen:
            refused = shop.nobody.get("/inventory/1")

        assert refused.status_code == 429
        assert seen == ["EVALSHA"]

    def test_counts_are_shared_by_all_workers(self, needs_redis: None, redis_url: str) -> None:
        here, elsewhere = (OneTripRedisStorage("shop+" + redis_url) for _ in range(2))
        key, limit = unique("test/"), parse("5/minute")

        counts = [storage.count(key, limit, ())[0] for storage in (here, elsewhere, here)]

        assert counts == [1, 2, 3]

    def test_the_end_of_a_window_is_its_beginning_plus_its_length(
        self, needs_redis: None, redis_url: str
    ) -> None:
        storage = OneTripRedisStorage("shop+" + redis_url)
        key, now = unique("test/"), time.time()

        ends = [storage.count(key, parse("5/minute"), ())[1] for _ in range(2)]
        other = storage.count(unique("test/"), parse("5/hour"), ())[1]

        assert [abs(end - now - 60) < 2 for end in ends] == [True, True]
        assert abs(other - now - 3600) < 2

    def test_what_is_asked_along_is_brought_within_the_limit_alone(
        self, needs_redis: None, redis_url: str
    ) -> None:
        storage, known = OneTripRedisStorage("shop+" + redis_url), unique("test/known")
        key, limit = unique("test/"), parse("1/minute")
        with redis.Redis.from_url(redis_url) as client:
            client.set(known, "word", ex=60)

        brought = [storage.count(key, limit, [known, "test/unknown"])[2] for _ in range(2)]

        assert brought == [[b"word", None], None]


class TestWithoutRedis:
    @pytest.fixture
    def caller(self, another_app: AnotherApp) -> Caller:
        away = another_app(REDIS_URL=CLOSED_PORT, RATELIMIT_ENABLED=True)
        away.config["RATE_LIMITS"]["health"] = "3/minute"
        return Caller(away)

    def test_the_answer_still_comes_and_is_counted_in_this_process(self, caller: Caller) -> None:
        answers = [caller.get("/livez") for _ in range(4)]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [figures(answer) for answer in answers] == [("3", "2"), ("3", "1"), ("3", "0"), ("3", "0")]
        assert re.fullmatch(r"\d+", answers[3].headers["Retry-After"])

    def test_redis_is_used_again_once_it_is_back(
        self, caller: Caller, redis_url: str, needs_redis: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert figures(caller.get("/livez")) == ("3", "2")
        monkeypatch.setattr(limiter, "_storage", OneTripRedisStorage("shop+" + redis_url))
        with redis_commands() as meanwhile:
            caller.get("/livez")
        with caller.app.app_context():
            monkeypatch.setattr(caching.backend(), "_away_until", 0.0)
            monkeypatch.setattr(caching.backend(), "_was_away", False)

        with redis_commands() as seen:
            answer = caller.get("/livez")

        assert answer.status_code == 200
        assert meanwhile == []
        assert "EVALSHA" in seen
