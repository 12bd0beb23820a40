"""Watchers of tickets on real workers: told over Redis and without it, and no hindrance to a worker that stops."""

from __future__ import annotations

import signal
import socket
import threading
import time

from app.core import identity
from tests.resilience.conftest import Garage, StartServer
from tests.resilience.services import Database, RedisServer, Server, until


class Watcher:
    """A connection that reads a ticket's events."""

    def __init__(self, server: Server, garage: Garage, ticket_id: int) -> None:
        shop = garage.shop
        assert shop.owner.principal is not None
        with shop.app.app_context():
            token = identity.issue_token(shop.owner.principal)[0]
        self.heard = b""
        self.is_over = False
        self._connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        request = f"GET /service_tickets/{ticket_id}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        self._connection.sendall(request.encode())
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while part := self._connection.recv(65536):
            self.heard += part
        self.is_over = True
        self._connection.close()


def new_ticket(garage: Garage) -> int:
    number: int = garage.shop.make_ticket()["id"]
    return number


def test_a_worker_that_stops_sends_its_watchers_home(
    garage: Garage, postgresql: Database, redis_that_stops: RedisServer, start_server: StartServer
) -> None:
    server = start_server(postgresql.url, redis_that_stops.url)
    watchers = [Watcher(server, garage, ticket) for ticket in [new_ticket(garage)] * 3]
    until(lambda: all(b"event: ticket" in one.heard for one in watchers), "the watchers are told")

    started = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(20)

    assert time.monotonic() - started < 15  # idle connections alone take five; one that hangs, 25
    until(lambda: all(one.is_over for one in watchers), "the watchers have gone", 5)


def test_a_watcher_is_told_while_redis_is_away_and_again_over_it(
    garage: Garage, postgresql: Database, redis_that_stops: RedisServer, start_server: StartServer
) -> None:
    """The change is made in this process, which tells no Redis of it: what is heard is found by looking."""
    server = start_server(postgresql.url, redis_that_stops.url)
    ticket = new_ticket(garage)
    watcher = Watcher(server, garage, ticket)
    until(lambda: b"event: ticket" in watcher.heard, "the watcher is told")
    redis_that_stops.stop()
    time.sleep(3)

    started = time.monotonic()
    changed = garage.shop.owner.patch(f"/service_tickets/{ticket}", json={"service_desc": "Brakes"})
    until(lambda: b"id: 2\n" in watcher.heard, "the watcher looks by itself", 10)

    assert changed.status_code == 200
    assert time.monotonic() - started < 8
    redis_that_stops.start()
