"""What somebody does who may write to the database: sees every workshop's rows, edits what is only appended to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import Connection, text

from app.core.engines import owners_engine

TABLES = (
    "audit_entries", "audit_heads", "consents", "vehicle_readings", "vehicle_transfers", "stock_movements", "inspections",
    "inspection_points", "progress_updates", "progress_update_photos", "inspection_point_photos", "estimates",
)  # fmt: skip


@contextmanager
def owners_connection(app: Flask) -> Iterator[Connection]:
    """Open a transaction of the tables' owner, before whom nothing is hidden."""
    with app.app_context():
        engine = owners_engine(app)
    with engine.begin() as connection:
        yield connection


@contextmanager
def past_the_triggers(app: Flask) -> Iterator[None]:
    """Take away the triggers of what is only appended to, for a block."""
    with app.app_context():
        engine = owners_engine(app)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            _switch(connection, "DISABLE")
        try:
            yield
        finally:
            with engine.begin() as connection:
                _switch(connection, "ENABLE")
        return
    with engine.begin() as connection:
        found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        for name, _ in found:
            connection.execute(text(f"DROP TRIGGER {name}"))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(
                text("SELECT count(*) FROM sqlite_master")
            )  # or one of the pool still sees them there
            for _, made in found:
                connection.execute(text(made))


def _switch(connection: Connection, word: str) -> None:
    for table in TABLES:
        connection.execute(text(f"ALTER TABLE {table} {word} TRIGGER USER"))
