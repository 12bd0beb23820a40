"""A shop in services of the tests' own, and the API running before them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.extensions import db, limiter
from tests.conftest import DATABASE_URL, REDIS_URL
from tests.factories import Shop, make_shop, unique_vin
from tests.resilience.load import Answer, Load, send
from tests.resilience.services import Database, RedisServer, Server, database, engine_of, redis_server

StartServer = Callable[..., Server]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all that stands in this folder: it stops and kills processes, so it has a step of its own."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.resilience)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Database]:
    """A PostgreSQL that may be stopped."""
    made = database(DATABASE_URL or "postgresql+pg8000://postgres@127.0.0.1:5432/postgres")
    yield made
    made.close()


@pytest.fixture
def redis_that_stops() -> Iterator[RedisServer]:
    """A Redis that may be stopped."""
    made = redis_server(REDIS_URL or "redis://127.0.0.1:6379/15")
    yield made
    made.close()


@pytest.fixture(scope="session")
def resilient_app(postgresql: Database) -> Iterator[Flask]:
    """The application in this process, to make shops with: the same secrets as the served one, no Redis."""
    key = secrets.token_urlsafe(48)
    made = create_app(
        "testing", DATABASE_URL=postgresql.url, REDIS_URL="", SECRET_KEY=key, TOKEN_KEYS={"default": key}
    )
    limiter.enabled = False
    with made.app_context():
        flask_migrate.upgrade(directory=str(Path(__file__).parents[2] / "migrations"))
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def garage(resilient_app: Flask, postgresql: Database) -> Iterator[Garage]:
    """A shop of this test's own, with one ticket."""
    shop = make_shop(resilient_app)
    shop.make_ticket()
    yield Garage(shop, postgresql.url)
    with resilient_app.app_context():
        db.engine.dispose()  # a test may have broken its connections


@pytest.fixture
def start_server(resilient_app: Flask, tmp_path: Path) -> Iterator[StartServer]:
    """Start the API before a database and a Redis; `waits=False` where it cannot be ready at first."""
    started: list[Server] = []

    def start(database_url: str, redis_url: str, **options: Any) -> Server:
        log = tmp_path / f"server-{len(started)}.log"
        started.append(Server(resilient_app, database_url, redis_url, log, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()
        print(server.said)


@dataclass
class Garage:
    """A shop as a client of the running API sees it."""

    shop: Shop
    database_url: str

    @property
    def headers(self) -> dict[str, str]:
        return self.shop.owner.headers

    @property
    def ticket(self) -> dict[str, Any]:
        return {
            "VIN": unique_vin(), "service_date": "2026-03-02", "service_desc": "Oil change",
            "customer_id": self.shop.customer_id,
        }  # fmt: skip

    def load(self, server: Server) -> Load:
        """Return callers who open and read tickets of this shop."""
        return Load(server.port, self.headers, self.ticket)

    def send(self, server: Server, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request as the owner."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return send(server.port, method, path, {**self.headers, **named}, body)

    def tickets(self) -> set[int]:
        """Return the ids of the shop's tickets, from the database itself."""
        with engine_of(self.database_url).connect() as connection:
            statement = text("SELECT id FROM service_tickets WHERE workshop_id = :workshop")
            return set(connection.scalars(statement, {"workshop": self.shop.id}))
