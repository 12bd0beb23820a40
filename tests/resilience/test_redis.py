"""Redis stopped or hanging under load: the answers still come, limits and cache are each process's own, and both come back."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis

from tests.factories import PASSWORD
from tests.resilience.conftest import Garage, StartServer
from tests.resilience.load import send
from tests.resilience.proxy import Proxy
from tests.resilience.services import Database, RedisServer, Server, until

RANKINGS_ALLOWED = 5  # as Server sets it, a day


@pytest.fixture
def proxy(redis_that_stops: RedisServer) -> Iterator[Proxy]:
    """A proxy in front of Redis, which can hang."""
    made = Proxy(redis_that_stops.address)
    yield made
    made.close()


def rankings_answered(garage: Garage, server: Server) -> list[int]:
    """Ask for a ranking until each of two processes would refuse it on its own count; return the statuses."""
    return [garage.send(server, "GET", "/mechanics/usage").status for _ in range(2 * RANKINGS_ALLOWED + 1)]


def counts_all(server: Server, client: redis.Redis) -> bool:
    """Tell whether both workers count in Redis: whether ten requests are found counted there."""

    def counted() -> int:
        keys = [key for key in client.scan_iter("*") if b"livez" in key or b"show_liveness" in key]
        return sum(int(client.get(key) or 0) for key in keys)

    before = counted()
    assert all(send(server.port, "GET", "/livez").status == 200 for _ in range(10))
    return counted() - before == 10


def caches(garage: Garage, server: Server, client: redis.Redis) -> bool:
    """Tell whether answers are kept in Redis again."""
    garage.send(server, "GET", "/inventory")
    return any(b"answer:" in key for key in client.scan_iter("*"))


def token_of(garage: Garage, server: Server) -> str:
    """Sign the owner in once more, and return the access token."""
    credentials = {"email": garage.shop.owner.email, "password": PASSWORD}
    token: str = garage.send(server, "POST", "/mechanics/login", credentials).body["auth_token"]
    return token


def test_redis_stopped_under_load_costs_no_answer(
    garage: Garage, postgresql: Database, redis_that_stops: RedisServer, start_server: StartServer
) -> None:
    server = start_server(postgresql.url, redis_that_stops.url)

    with garage.load(server) as load:
        load.enter("before", answers=100)
        redis_that_stops.stop()
        load.enter("away", answers=100)
        rankings = rankings_answered(garage, server)
        headers = garage.send(server, "GET", "/livez").headers
        redis_that_stops.start()
        load.enter("back", answers=100)

    assert set(load.statuses()) == {200, 201}, server.said
    assert load.acknowledged <= garage.tickets()
    assert rankings.count(429) > 0
    assert RANKINGS_ALLOWED <= rankings.count(200) <= 2 * RANKINGS_ALLOWED
    assert int(headers["x-ratelimit-remaining"]) > 0
    with redis.Redis.from_url(redis_that_stops.url) as client:
        until(lambda: counts_all(server, client), "both workers count in Redis again")
        until(lambda: caches(garage, server, client), "answers are kept in Redis again")


def test_a_redis_that_hangs_costs_no_answer(
    garage: Garage,
    postgresql: Database,
    redis_that_stops: RedisServer,
    proxy: Proxy,
    start_server: StartServer,
) -> None:
    server = start_server(
        postgresql.url, f"redis://127.0.0.1:{proxy.port}/{redis_that_stops.url.rpartition('/')[2]}"
    )

    with garage.load(server) as load:
        load.enter("before", answers=100)
        proxy.hang()
        load.enter("hanging", answers=60)
        proxy.serve()
        load.enter("back", answers=100)

    assert set(load.statuses()) == {200, 201}, server.said
    assert load.acknowledged <= garage.tickets()
    with redis.Redis.from_url(redis_that_stops.url) as client:
        until(lambda: counts_all(server, client), "both workers count in Redis again")
        until(lambda: caches(garage, server, client), "answers are kept in Redis again")


def test_what_was_written_while_redis_was_out_of_reach_is_seen_by_others_when_it_is_back(
    garage: Garage,
    postgresql: Database,
    redis_that_stops: RedisServer,
    proxy: Proxy,
    start_server: StartServer,
) -> None:
    """Redis itself keeps what it had, so the entries there are of before. One server alone is out of its reach, and writes; it
    is asked for nothing more when it is back, and the other one for nothing before.
    """
    number = redis_that_stops.url.rpartition("/")[2]
    cut_off = start_server(postgresql.url, f"redis://127.0.0.1:{proxy.port}/{number}")
    other = start_server(postgresql.url, redis_that_stops.url)
    path = f"/inventory/{garage.shop.make_part(name='Old name').id}"
    session = {"Authorization": f"Bearer {token_of(garage, cut_off)}"}

    before = [garage.send(server, "GET", path, **session) for server in (cut_off, other, other)]
    proxy.refuse()
    written = garage.send(cut_off, "PATCH", path, {"name": "New name"}).status
    ended = garage.send(cut_off, "POST", "/auth/logout", {}, **session).status
    proxy.serve()
    time.sleep(1)
    after = garage.send(other, "GET", path).body["name"]
    refused = garage.send(other, "GET", path, **session).status

    assert [answer.body["name"] for answer in before] == ["Old name"] * 3
    assert (written, ended) == (200, 200)
    assert (after, refused) == ("New name", 401)


def test_the_api_starts_without_redis(
    garage: Garage, postgresql: Database, proxy: Proxy, start_server: StartServer
) -> None:
    proxy.refuse()

    server = start_server(postgresql.url, f"redis://127.0.0.1:{proxy.port}/0", waits=False)

    assert garage.send(server, "GET", "/inventory").status == 200
    assert garage.send(server, "POST", "/service_tickets", garage.ticket).status == 201
    ready = garage.send(server, "GET", "/readyz")
    assert (ready.status, ready.body["detail"]) == (503, "Not ready: redis.")
