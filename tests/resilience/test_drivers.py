"""Connections to PostgreSQL that break, in every way and at every moment: 503 with Retry-After, and the next request is served.

In this process, with either driver, through a proxy. What breaks a connection is a reset, an orderly end, or the server's
own word; pg8000 tells them by many errors, some of them not its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, make_url, text
from werkzeug.test import TestResponse

from app import create_app
from app.core import engines
from app.extensions import db, limiter
from tests.factories import Shop, make_shop, unique_vin
from tests.resilience.proxy import Proxy
from tests.resilience.services import Database, engine_of

Break = Callable[[], None]

# A socket that breaks while pg8000 asks for encryption is left to the garbage collector, which closes it and complains.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(scope="module")
def proxy(postgresql: Database) -> Iterator[Proxy]:
    url = make_url(postgresql.url)
    made = Proxy((url.host or "127.0.0.1", url.port or 5432))
    yield made
    made.close()


@pytest.fixture(scope="module", params=["pg8000", "psycopg"])
def proxied_app(
    request: pytest.FixtureRequest, resilient_app: Flask, postgresql: Database, proxy: Proxy
) -> Iterator[Flask]:
    """The application with a connection through the proxy; the migrations are those of `resilient_app`."""
    url = make_url(postgresql.url).set(
        drivername=f"postgresql+{request.param}", host="127.0.0.1", port=proxy.port
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "engine_options", impatient(engines.engine_options))
        made = create_app(
            "testing",
            DATABASE_URL=url.render_as_string(hide_password=False),
            REDIS_URL="",
            DB_POOL_TIMEOUT=2.0,
        )
    limiter.enabled = False
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


def impatient(options: Callable[[dict[str, Any]], tuple[Any, dict[str, Any]]]) -> Any:
    """Return `options` with a second instead of twenty for an answer that does not come; psycopg has no such limit."""

    def shortened(config: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        url, engine_options = options(config)
        if "timeout" in engine_options["connect_args"]:
            engine_options["connect_args"]["timeout"] = 1
        return url, engine_options

    return shortened


@pytest.fixture
def shop(proxied_app: Flask, proxy: Proxy) -> Shop:
    proxy.serve()
    return make_shop(proxied_app)


def write(shop: Shop) -> TestResponse:
    ticket = {
        "VIN": unique_vin(),
        "service_date": "2026-03-02",
        "service_desc": "Oil",
        "customer_id": shop.customer_id,
    }
    return shop.owner.post("/service_tickets", json=ticket)


def read(shop: Shop) -> TestResponse:
    return shop.owner.get(f"/customers/{shop.customer_id}")


def terminate(postgresql: Database) -> None:
    """End every other connection to the database as an administrator does."""
    with engine_of(postgresql.url).connect() as connection:
        others = (
            "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))


BREAKS = ["reset", "end", "terminated"]


@pytest.fixture(params=BREAKS)
def break_connections(request: pytest.FixtureRequest, proxy: Proxy, postgresql: Database) -> Break:
    """One of the ways in which a connection breaks."""
    ways: dict[str, Break] = {
        "reset": lambda: proxy.cut(abruptly=True),
        "end": lambda: proxy.cut(abruptly=False),
        "terminated": lambda: terminate(postgresql),
    }
    return ways[request.param]


def require_refusal(answer: TestResponse) -> None:
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"].isdigit()


def test_between_two_requests_a_write_is_refused_once(shop: Shop, break_connections: Break) -> None:
    for _ in range(
        2
    ):  # what is read once, and then known, would find the broken connection before the write does
        assert write(shop).status_code == 201

    break_connections()
    refused, served = write(shop), write(shop)

    require_refusal(refused)
    assert served.status_code == 201


def test_between_two_requests_a_read_is_asked_again(shop: Shop, break_connections: Break) -> None:
    assert read(shop).status_code == 200

    break_connections()

    assert read(shop).status_code == 200


def test_a_connection_that_has_rested_is_tried_before_it_is_used(
    shop: Shop, break_connections: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "PING_AFTER_IDLE_SECONDS", 0.0)
    assert write(shop).status_code == 201

    break_connections()

    assert write(shop).status_code == 201


def rows_of(shop: Shop, postgresql: Database) -> list[int]:
    """Count what opening a ticket writes in its transaction, in the database itself."""
    tables = ("vehicles", "service_tickets", "service_ticket_status_changes")
    with engine_of(postgresql.url).connect() as connection:
        counts = (text(f"SELECT count(*) FROM {table} WHERE workshop_id = :workshop") for table in tables)
        return [int(connection.scalar(count, {"workshop": shop.id}) or 0) for count in counts]


@contextmanager
def broken_before(app: Flask, statement: str, break_connections: Break) -> Iterator[None]:
    """Break the connections when a statement that begins so is about to be sent."""

    def break_there(connection: object, cursor: object, sent: str, *others: object) -> None:
        if sent.startswith(statement):
            break_connections()

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", break_there)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", break_there)


@pytest.mark.parametrize("statement", ["INSERT INTO vehicles", "WITH ticket AS"])
def test_within_a_transaction_it_is_refused_and_undone(
    proxied_app: Flask, shop: Shop, postgresql: Database, break_connections: Break, statement: str
) -> None:
    before = rows_of(shop, postgresql)

    with broken_before(proxied_app, statement, break_connections):
        refused = write(shop)

    require_refusal(refused)
    assert rows_of(shop, postgresql) == before
    assert write(shop).status_code == 201


def test_at_the_commit_it_is_refused(proxied_app: Flask, shop: Shop, break_connections: Break) -> None:
    def break_first(connection: object) -> None:
        break_connections()

    with proxied_app.app_context():
        engine = db.engine
    event.listen(engine, "commit", break_first)
    try:
        refused = write(shop)
    finally:
        event.remove(engine, "commit", break_first)

    require_refusal(refused)
    assert write(shop).status_code == 201


def test_a_server_that_refuses_connections_is_a_503(shop: Shop, proxy: Proxy) -> None:
    proxy.refuse()
    refusals = [write(shop), read(shop), shop.nobody.get("/health"), shop.nobody.get("/readyz")]
    proxy.serve()

    for refusal in refusals:
        require_refusal(refusal)
    assert (write(shop).status_code, read(shop).status_code) == (201, 200)


def test_a_server_that_breaks_off_the_handshake_is_a_503(
    proxied_app: Flask, shop: Shop, proxy: Proxy
) -> None:
    with proxied_app.app_context():
        db.engine.dispose()
    target, proxy.target = (
        proxy.target,
        ("127.0.0.1", 9),
    )  # nobody listens there: the proxy takes a connection and drops it
    refusals = [write(shop), read(shop)]
    proxy.target = target

    for refusal in refusals:
        require_refusal(refusal)
    assert (write(shop).status_code, read(shop).status_code) == (201, 200)


def test_a_server_that_never_answers_is_a_503(proxied_app: Flask, shop: Shop, proxy: Proxy) -> None:
    if proxied_app.config["DATABASE_URL"].startswith("postgresql+psycopg"):
        pytest.skip("psycopg waits for an answer without limit.")
    assert write(shop).status_code == 201

    proxy.hang()
    refusals = [write(shop), read(shop), shop.nobody.get("/health")]
    proxy.serve()

    for refusal in refusals:
        require_refusal(refusal)
    assert (write(shop).status_code, read(shop).status_code) == (201, 200)


def test_a_pool_without_a_free_connection_is_a_503(
    proxied_app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied_app.app_context():
        pool = db.engine.pool
        monkeypatch.setattr(pool, "_timeout", 0.1)
        taken = [db.engine.connect() for _ in range(pool.size() + pool._max_overflow)]
        refused = read(shop)
        for connection in taken:
            connection.close()

    require_refusal(refused)
    assert read(shop).status_code == 200
