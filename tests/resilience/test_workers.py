"""Workers killed and stopped under load: what was acknowledged stays, and the service goes on."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from tests.resilience.conftest import Garage, StartServer
from tests.resilience.load import BROKEN, Answer
from tests.resilience.services import Database, RedisServer, Server, engine_of, until


@pytest.fixture
def server(postgresql: Database, redis_that_stops: RedisServer, start_server: StartServer) -> Server:
    return start_server(postgresql.url, redis_that_stops.url)


def test_a_worker_killed_under_load_loses_no_acknowledged_ticket(garage: Garage, server: Server) -> None:
    first, second = server.workers()

    with garage.load(server) as load:
        load.enter("before", answers=100)
        server.kill([first])
        load.enter("one killed", answers=50)
        until(lambda: len(server.workers()) == 2, "a new worker is there")
        server.kill([second])
        load.enter("the other killed", answers=50)
        until(server.answers, "the API answers with two workers again")
        load.enter("after", answers=200)

    assert set(load.statuses()) <= {200, 201, BROKEN}, server.said
    assert set(load.statuses("after")) == {200, 201}
    assert load.acknowledged <= garage.tickets()
    assert len(load.acknowledged) > 50
    assert {first, second}.isdisjoint(server.workers())


@contextmanager
def held_up(garage: Garage) -> Iterator[None]:
    """Hold up whoever opens a ticket, in the middle of their transaction."""
    engine = engine_of(garage.database_url).execution_options(isolation_level="READ COMMITTED")
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE service_tickets IN SHARE MODE"))
        yield


def waiting(garage: Garage) -> int:
    """Count the requests whose statement waits for a lock."""
    with engine_of(garage.database_url).connect() as connection:
        held = "wait_event_type = 'Lock' AND backend_type = 'client backend' AND datname = current_database()"
        statement = text(f"SELECT count(*) FROM pg_stat_activity WHERE {held}")
        return int(connection.scalar(statement) or 0)


class Sending(threading.Thread):
    """A creation that is under way."""

    def __init__(self, garage: Garage, server: Server) -> None:
        super().__init__(daemon=True)
        self.answer: Answer | None = None
        self._send = lambda: garage.send(server, "POST", "/service_tickets", garage.ticket)
        self.start()

    def run(self) -> None:
        self.answer = self._send()

    def outcome(self) -> Answer:
        self.join(40)
        assert self.answer is not None
        return self.answer


def age_claims(garage: Garage) -> None:
    """Let the claims on idempotency keys be older than any request may run, instead of waiting that long."""
    with engine_of(garage.database_url).connect() as connection:
        connection.execute(text("UPDATE idempotency_keys SET claimed_at = claimed_at - interval '2 minutes'"))


def test_a_worker_killed_during_an_idempotent_creation_lets_the_retry_create_one(
    garage: Garage, server: Server
) -> None:
    before = garage.tickets()
    body, key = garage.ticket, {"Idempotency_Key": f"killed-{garage.shop.slug}"}

    with held_up(garage):
        sending = threading.Thread(
            target=garage.send, args=(server, "POST", "/service_tickets", body), kwargs=key
        )
        sending.start()
        until(lambda: waiting(garage) == 1, "the creation is under way")
        server.kill(server.workers())
        sending.join(40)
    until(lambda: waiting(garage) == 0, "the database has noticed")
    until(server.answers, "the API answers again")
    at_first = garage.send(server, "POST", "/service_tickets", body, **key)
    after_the_kill = garage.tickets()
    age_claims(garage)
    retried, again = (garage.send(server, "POST", "/service_tickets", body, **key) for _ in range(2))

    assert after_the_kill == before
    assert (at_first.status, at_first.body["code"]) == (409, "request_in_progress")
    assert at_first.headers["retry-after"].isdigit()
    assert (retried.status, again.status) == (201, 201)
    assert "idempotency-replayed" not in retried.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.body["id"] == retried.body["id"]
    assert garage.tickets() - before == {retried.body["id"]}


def test_a_stop_answers_what_is_in_flight(garage: Garage, server: Server) -> None:
    with held_up(garage):
        sending = [Sending(garage, server) for _ in range(3)]
        until(lambda: waiting(garage) == 3, "the creations are under way")
        server.process.send_signal(signal.SIGTERM)
        time.sleep(1)  # the workers notice at their next look
    answers = [one.outcome() for one in sending]

    assert [answer.status for answer in answers] == [201] * 3, server.said
    assert {answer.body["id"] for answer in answers} <= garage.tickets()
    assert server.process.wait(25) == 0


NO_REQUESTS = (
    b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"GET /livez HTTP/1.1\r\nHost: x\r\nBad Header: <script>\r\n\r\n",
    b"<script>alert(1)</script>\r\n\r\n",
    b"GET /livez HTTP/9.9\r\n\r\n",
    b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
)


def test_what_is_no_http_request_is_refused_by_a_problem_document(server: Server) -> None:
    for sent in NO_REQUESTS:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(sent)
            answer = b"".join(iter(lambda connection=connection: connection.recv(65536), b""))  # type: ignore[misc]

        head, _, body = answer.partition(b"\r\n\r\n")
        status, problem = int(head.split()[1]), json.loads(body)
        assert 400 <= status < 500, sent
        assert b"Content-Type: application/problem+json" in head
        assert b"X-Content-Type-Options: nosniff" in head
        assert b"Cache-Control: no-store" in head
        assert (problem["status"], problem["code"]) == (status, "invalid_request")
        assert problem["request_id"].encode() in head
