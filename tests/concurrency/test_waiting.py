"""SQLite has one writer at a time: whoever comes second waits, instead of being told that the database is locked."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from app.extensions import db
from tests.factories import Shop, unique_vin


@pytest.fixture
def database_file(app: Flask, on_postgresql: bool) -> str:
    if on_postgresql:
        pytest.skip("PostgreSQL has many writers at a time.")
    with app.app_context():
        file = db.engine.url.database
    assert file is not None
    return file


@pytest.fixture
def impatience(app: Flask) -> Iterator[None]:
    """The application's connections wait for nobody."""

    def wait_for_nobody(connection: Any, record: object, proxy: object) -> None:
        connection.execute("PRAGMA busy_timeout=0")

    with app.app_context():
        engine = db.engine
    event.listen(engine, "checkout", wait_for_nobody)
    yield
    event.remove(engine, "checkout", wait_for_nobody)
    engine.dispose()  # what comes next gets connections that wait


def open_beside_a_writer(shop: Shop, database_file: str) -> int:
    """Open a ticket while somebody else is writing, who ends when the request has had time to begin."""
    with closing(sqlite3.connect(database_file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        end = threading.Timer(0.2, other.execute, ["COMMIT"])
        end.start()
        ticket = {
            "VIN": unique_vin(),
            "service_date": "2026-03-02",
            "service_desc": "Oil",
            "customer_id": shop.customer_id,
        }
        answer = shop.owner.post("/service_tickets", json=ticket)
        end.join()
    return answer.status_code


def test_a_write_waits_for_the_one_before_it(shop: Shop, database_file: str) -> None:
    assert open_beside_a_writer(shop, database_file) == 201


def test_control_without_patience_the_database_is_locked(
    shop: Shop, database_file: str, impatience: None
) -> None:
    assert open_beside_a_writer(shop, database_file) == 503
