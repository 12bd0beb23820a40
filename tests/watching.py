"""What tests watch: the statements sent to the database, the commands sent to Redis, the lines of the log."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
import redis.connection
import structlog
from flask import Flask
from sqlalchemy import event

from app.core.drivers import PreparingConnection
from app.extensions import db


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """Collect the statements that `app` sends to its database, transaction control apart."""
    seen: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def transaction_control(app: Flask) -> Iterator[list[str]]:
    """Collect how `app` begins and ends its transactions: BEGIN as it is sent, or is to be sent with what comes next; COMMIT
    and ROLLBACK by name.
    """
    seen: list[str] = []
    with app.app_context():
        engine = db.engine
    begin = PreparingConnection.begin

    def note_begin(connection: PreparingConnection) -> None:
        seen.append("BEGIN")
        begin(connection)

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("BEGIN"):
            seen.append(statement)

    def note_commit(connection: Any) -> None:
        if not connection.get_execution_options().get("shop_reads"):
            seen.append("COMMIT")

    def note_rollback(connection: Any) -> None:
        if not connection.get_execution_options().get("shop_reads"):
            seen.append("ROLLBACK")

    listeners = {"before_cursor_execute": note, "commit": note_commit, "rollback": note_rollback}
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    try:
        with mock.patch.object(PreparingConnection, "begin", note_begin):
            yield seen
    finally:
        for name, listener in listeners.items():
            event.remove(engine, name, listener)


@contextmanager
def redis_commands() -> Iterator[list[str]]:
    """Collect the names of the commands that this process sends to Redis; connecting is not counted."""
    seen: list[str] = []
    send = redis.connection.AbstractConnection.send_command
    pack = redis.connection.AbstractConnection.send_packed_command

    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args[0] not in ("HELLO", "CLIENT", "SELECT", "AUTH"):
            seen.append(str(args[0]))
        return send(self, *args, **kwargs)

    def noting_pipelines(self: Any, command: Any, *args: Any, **kwargs: Any) -> Any:
        if b"MULTI" in b"".join([command] if isinstance(command, bytes) else list(command)):
            seen.append("MULTI")
        return pack(self, command, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis.connection.AbstractConnection, "send_command", noting)
        patch.setattr(redis.connection.AbstractConnection, "send_packed_command", noting_pipelines)
        yield seen


class Log:
    """The lines that were logged."""

    def __init__(self) -> None:
        self.buffer = io.BytesIO()

    @property
    def text(self) -> str:
        return self.buffer.getvalue().decode()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == name]


@contextmanager
def log_lines() -> Iterator[Log]:
    """Collect what is logged instead of printing it."""
    log = Log()
    configured = structlog.get_config()
    structlog.configure(logger_factory=structlog.BytesLoggerFactory(file=log.buffer))
    try:
        yield log
    finally:
        structlog.configure(logger_factory=configured["logger_factory"])
