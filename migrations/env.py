"""What Alembic runs in: the application's metadata and engine.

On SQLite a change of a table copies it and drops the old one; with foreign keys on, the drop would delete the children of
its rows, silently. So they are off while migrations run, and checked afterwards.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app.core import row_security
from app.core.engines import owners_engine

metadata = current_app.extensions["migrate"].db.metadata


def is_modelled(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Leave out of the comparison what only one database has: PostgreSQL's trigram indexes for searching."""
    return not (kind == "index" and name is not None and name.startswith("trgm_"))


PLAIN = {
    "Instant": "sa.DateTime(timezone=True)",
    "Cents": "sa.BigInteger()",
    "Percent": "sa.Integer()",
    "Quantity": "sa.Numeric(15, 3).with_variant(sa.Integer(), 'sqlite')",
    "EncryptedText": "sa.LargeBinary()",
    "ScopeSet": "sa.Text()",
}


def render(kind: str, thing: Any, autogen_context: Any) -> str | bool:
    """Write our own column types as the plain ones they rest on: a migration outlives the code it was drawn from."""
    return PLAIN.get(type(thing).__name__, False) if kind == "type" else False


def run(connection: Connection) -> None:
    """Run the migrations that were asked for, on one connection."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        include_object=is_modelled,
        render_item=render,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_on_sqlite(connection: Connection) -> None:
    """Run the migrations with foreign keys off, then check that none is broken."""
    driver = connection.connection  # spoken to directly: inside a transaction the switch would do nothing
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        run(connection)
        connection.commit()
        broken = driver.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"The migration breaks foreign keys: {broken[:5]}")
    finally:
        connection.rollback()
        # The connection goes back to a pool that the application uses.
        driver.execute("PRAGMA foreign_keys=ON")


def run_on_postgresql(connection: Connection) -> None:
    """Run the migrations; the role that the application acts under may then use what they made."""
    run(connection)
    connection.commit()  # with nothing left to migrate, what read that is open still
    if role := current_app.config["DB_ROLE"]:
        with connection.begin():
            row_security.admit(connection, role)


engine = owners_engine(current_app)
if context.is_offline_mode():
    context.configure(url=engine.url, target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    try:
        connected = engine.connect()
    except DBAPIError as error:  # which the command tells in one line
        raise RuntimeError(
            "The database does not answer: is DATABASE_URL right, and the server up?"
        ) from error
    with connected as connection:
        (run_on_sqlite if engine.dialect.name == "sqlite" else run_on_postgresql)(connection)
