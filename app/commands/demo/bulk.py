"""Many rows at once. On PostgreSQL they go by COPY: a statement for each takes many times as long over pg8000."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from flask import current_app
from sqlalchemy import Connection, Table, create_engine, insert, text
from sqlalchemy.pool import NullPool
from sqlalchemy.types import TypeDecorator

from app.core.engines import engine_options
from app.core.model import Model
from app.extensions import db

Row = dict[str, Any]

ROWS_AT_ONCE = 10_000  # a few seconds of the database's at most, well within its time limit for a statement


def reserve(connection: Connection, model: type[Model], number: int) -> int:
    """Return the first of `number` ids in a row that nobody else gets.

    SQLite's writing transaction is alone. PostgreSQL's sequence is not: where another session took an id in between, the
    ones drawn are left unused and others are drawn.
    """
    table = model.__tablename__
    if connection.dialect.name == "sqlite":
        return 1 + int(connection.execute(text(_LAST_ID.format(table=table))).scalar_one())
    drawn = text(_NEXT_IDS.format(table=table)).bindparams(number=number)
    while True:
        first, last = connection.execute(drawn).one()
        if last - first == number - 1:
            return int(first)


# A ticket that was deleted does not give its id back: sqlite_sequence remembers the last one.
_LAST_ID = """
SELECT max(coalesce((SELECT max(id) FROM {table}), 0),
           coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0))
"""
_NEXT_IDS = """
SELECT min(id), max(id)
FROM (SELECT nextval(pg_get_serial_sequence('{table}', 'id')) AS id FROM generate_series(1, CAST(:number AS int))) AS drawn
"""


def write(connection: Connection, model: type[Model], rows: Iterable[Row]) -> None:
    """Insert `rows`, all with the same columns."""
    table: Any = model.__table__
    waiting = iter(rows)
    while some := list(islice(waiting, ROWS_AT_ONCE)):
        if connection.dialect.name == "postgresql":
            _copy(connection, table, some)
        else:
            connection.execute(insert(table), some)


def _copy(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Write rows by COPY, in its text format, the values as the columns' types keep them."""
    columns = [(name, _kept_by(connection, table, name)) for name in rows[0]]
    statement = f"COPY {table.name} ({', '.join(rows[0])}) FROM STDIN"
    text_of_all = "".join(
        "\t".join([_written(keep(row[name])) for name, keep in columns]) + "\n" for row in rows
    )
    cursor: Any = connection.connection.cursor()
    if connection.dialect.driver == "psycopg":
        with cursor.copy(statement) as copy:
            copy.write(text_of_all)
    else:
        cursor.execute(statement, stream=[text_of_all])
    cursor.close()


def _kept_by(connection: Connection, table: Table, name: str) -> Callable[[Any], Any]:
    """Return what makes of a value the one that the column keeps: whole cents, a ciphertext."""
    kind = table.c[name].type
    if isinstance(kind, TypeDecorator):
        return lambda value: kind.process_bind_param(value, connection.dialect)
    return lambda value: value


_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if value is None:
        return r"\N"
    return rf"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def renew_statistics() -> None:
    """Let PostgreSQL see what is in the tables now, so that its plans fit and its indexes suffice from the first request."""
    if db.engine.dialect.name != "postgresql":
        return
    url, options = engine_options({**current_app.config, "DB_ROLE": ""})
    arguments = options["connect_args"]
    arguments.pop("timeout", None)  # the driver's, which is meant for requests
    engine = create_engine(url, connect_args=arguments, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET statement_timeout = 0"))
        for table in db.metadata.sorted_tables:
            connection.execute(text(f"VACUUM (ANALYZE) {table.name}"))
