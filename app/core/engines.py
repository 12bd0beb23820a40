"""How the database is connected to: engines with their pools and time limits, and connections that mend themselves.

The drivers are in autocommit mode; a transaction begins where `_begin` says so.
"""

from __future__ import annotations

import logging
import math
import ssl
import struct
import time
from functools import partial
from typing import Any

from flask import Flask
from sqlalchemy import Dialect, create_engine, event
from sqlalchemy.engine import URL, Connection, Engine, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from app.core.db import sqlstate
from app.core.drivers import PreparingConnection

# 0A000: "cached plan must not change result type", after a migration under a running server.
DISCONNECTED_STATES = frozenset(
    {"57P01", "57P02", "57P03", "08000", "08001", "08003", "08004", "08006", "0A000"}
)
PING_AFTER_IDLE_SECONDS = 1.0
# What PostgreSQL's planner takes a page read out of order to cost, beside one read in order (its own default: 4, as of a disk
# that turns). What is asked for often lies in memory, where both cost the same.
RANDOM_PAGE_COST = "1.1"
SQLITE_PRAGMAS = (
    "foreign_keys=ON",
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "busy_timeout=15000",
    "secure_delete=ON",  # what is erased is overwritten in the file, not only let go of
)


def engine_options(config: dict[str, Any]) -> tuple[URL, dict[str, Any]]:
    """Return the URL and the engine options for DATABASE_URL: pool sizes, TLS and time limits from the settings."""
    url = make_url(config["DATABASE_URL"])
    if url.get_backend_name() == "sqlite":
        return url, {"connect_args": {"timeout": 15, "check_same_thread": False}, "hide_parameters": True}
    options: dict[str, Any] = {
        "hide_parameters": True,  # of a failed statement in the log: they are people's data
        "pool_size": config["DB_POOL_SIZE"],
        "max_overflow": config["DB_MAX_OVERFLOW"],
        "pool_timeout": config["DB_POOL_TIMEOUT"],
        "pool_recycle": 1800,
        "pool_use_lifo": True,
        "isolation_level": "AUTOCOMMIT",  # of the driver; a transaction begins where `_begin` says so
    }
    said = {"statement_timeout": str(config["DB_STATEMENT_TIMEOUT_MS"]), "random_page_cost": RANDOM_PAGE_COST}
    if role := config["DB_ROLE"]:
        said["role"] = role
    if url.get_driver_name() == "pg8000":
        arguments: dict[str, Any] = {"timeout": 20, "startup_params": said}
        sslmode, certificates = url.query.get("sslmode"), url.query.get("sslrootcert")
        url = url.difference_update_query(["sslmode", "sslrootcert"])
        if sslmode in ("require", "prefer", "allow"):
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE  # what sslmode=require means: encrypted, not verified
            arguments["ssl_context"] = context
        elif sslmode in ("verify-ca", "verify-full"):
            arguments["ssl_context"] = ssl.create_default_context(
                cafile=str(certificates) if certificates else None
            )
        elif sslmode == "disable" or url.host in ("127.0.0.1", "::1", "localhost"):
            # Unsaid, pg8000 asks for TLS, and reads all authorities' certificates beforehand: 17 ms of each connection.
            arguments["ssl_context"] = False
    else:
        options_said = " ".join(f"-c {name}={value}" for name, value in said.items())
        arguments = {"connect_timeout": 5, "options": options_said}
    options["connect_args"] = arguments
    return url, options


def init_app(app: Flask) -> None:
    """Configure and bind the database of `app`."""
    from app.extensions import db

    url, options = engine_options(app.config)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    with app.app_context():
        _listen(db.engine, prepares=app.config["DB_PREPARE_STATEMENTS"])


def owners_engine(app: Flask) -> Engine:
    """Return an engine that acts as the owner of the tables, for migrations: the application's own, where it is no other."""
    from app.extensions import db

    if not app.config["DB_ROLE"]:
        return db.engine
    url, options = engine_options({**app.config, "DB_ROLE": ""})
    pool = ("pool_size", "max_overflow", "pool_timeout", "pool_recycle", "pool_use_lifo")
    kept = {name: value for name, value in options.items() if name not in pool}
    engine = create_engine(url, poolclass=NullPool, **kept)
    _listen(engine, prepares=False)
    return engine


def _listen(engine: Engine, *, prepares: bool) -> None:
    event.listen(engine, "begin", _begin)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        # The farewell to a connection that is gone fails, and would be told with a stack; `database.away` tells it once.
        logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
        event.listen(engine, "do_connect", partial(_connect, prepares=prepares))
        event.listen(engine, "checkout", _ping_after_idleness)
        event.listen(engine, "checkin", _note_checkin)
        event.listen(engine, "handle_error", _recognise_disconnects)


def _prepare_sqlite(connection: Any, record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # SQLite's own knows A to Z alone, and a search for "żaneta" would not find "Żaneta"; this one costs 1.5 µs a row.
    connection.create_function("lower", 1, _lowered, deterministic=True)
    for function in (math.sin, math.cos):  # which not every SQLite is built with
        connection.create_function(function.__name__, 1, function, deterministic=True)


def _lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _begin(connection: Connection) -> None:
    """Begin a transaction where something is to be written: the drivers are in autocommit mode and leave it to us."""
    options = connection.get_execution_options()
    if (
        options.get("isolation_level") == "AUTOCOMMIT"
    ):  # asked for by a migration that makes an index concurrently
        return
    if options.get("shop_reads"):
        return
    driver = connection.connection.dbapi_connection
    if isinstance(driver, PreparingConnection):
        driver.begin()
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.dialect.name == "sqlite" else "BEGIN")


def _connect(dialect: Dialect, record: object, arguments: Any, parameters: Any, *, prepares: bool) -> Any:
    """Connect; pg8000 lets the socket's own errors through when a connection breaks in its handshake."""
    try:
        if prepares and dialect.driver == "pg8000":
            return PreparingConnection(*arguments, **parameters)
        return dialect.connect(*arguments, **parameters)
    except (OSError, struct.error) as error:
        raise dialect.loaded_dbapi.InterfaceError("network error") from error


def _ping_after_idleness(connection: Any, record: ConnectionPoolEntry, proxy: Any) -> None:
    """Try a connection that has rested before it is used, so that a restart of the server costs no request.

    A new one is not tried: were it to break at once too, SQLAlchemy would give up with an error that names no database.
    """
    rested_since = record.info.get("rested_since")
    if rested_since is None or time.monotonic() - rested_since < PING_AFTER_IDLE_SECONDS:
        return
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.close()
    except Exception as error:
        raise DisconnectionError from error


def _note_checkin(connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["rested_since"] = time.monotonic()


def _recognise_disconnects(context: ExceptionContext) -> None:
    """Say that a connection is gone where the dialect does not: pg8000 tells a server's shutdown as a plain error.

    :raises InterfaceError: in place of a socket's own error, which pg8000 lets through and SQLAlchemy would not wrap.
    """
    original, error = context.original_exception, context.sqlalchemy_exception
    if isinstance(original, OSError):
        context.is_disconnect = True
        if error is None:
            raise InterfaceError(context.statement, None, original, connection_invalidated=True) from original
    elif isinstance(error, DBAPIError) and sqlstate(error) in DISCONNECTED_STATES:
        context.is_disconnect = True
