"""The wall between workshops in PostgreSQL itself: a row of another workshop is not there, whatever a statement says.

Every table of a workshop has a policy (`protect`, called by the migrations) that shows a row only to a connection that acts in
its workshop. Which one that is, each statement is preceded by: `SET shop.workshop` to the workshop's id, to nothing outside
any. Where a block acts across them, it is `SET ROLE` to a second role, which sees all. A connection that acted there last is
not told again.

Policies hold for roles that do not own the tables. DB_ROLE names the first one; `flask db upgrade` makes both and gives them
what the application does (`admit`): reading and writing rows. They own nothing, so that they can neither change a table nor
take a trigger away. Without DB_ROLE, and on SQLite, which has no such thing, the other walls stand alone (`app.core.tenancy`).

https://www.postgresql.org/docs/current/ddl-rowsecurity.html
"""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Flask
from sqlalchemy import Connection, Engine, ExceptionContext, event, text

from app.core import tenancy
from app.core.drivers import PreparingConnection
from app.extensions import db

SETTING = "shop.workshop"
EVERYWHERE = "all"
POLICY = "of_its_workshop"
# Statements that see no row. Said before one that undoes, where a connection acts would be undone at once.
TRANSACTION_CONTROL = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")

# ---- In the database ----------------------------------------------------------------------------------------------


def protect(*tables: str) -> None:
    """In a migration: hide the rows of these tables from whoever acts in another workshop. On PostgreSQL."""
    from alembic import op  # which no server loads

    if op.get_bind().dialect.name != "postgresql":
        return
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY {POLICY} ON {table}"
            f" USING (workshop_id = nullif(current_setting('{SETTING}', true), '')::bigint)"
        )


def expose(*tables: str) -> None:
    """In a migration: undo what `protect` did."""
    from alembic import op  # which no server loads

    if op.get_bind().dialect.name != "postgresql":
        return
    for table in tables:
        op.execute(f"DROP POLICY {POLICY} ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def admit(connection: Connection, role: str) -> None:
    """Make `role` and the one that sees all, where they are not there, and let them do what the application does.

    By the owner of the tables. What they may do is granted anew each time, since there may be new tables.
    """
    for one in (role, everywhere(role)):
        _make_role(connection, one)
        schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
        for grant in (
            f"GRANT USAGE ON SCHEMA {schema} TO {one}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {one}",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {one}",
            f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {one}",
        ):
            connection.exec_driver_sql(grant)
    for table in connection.execute(UNSEEN, {"policy": everywhere(role)}).scalars().all():
        connection.exec_driver_sql(
            f"CREATE POLICY {everywhere(role)} ON {table} TO {everywhere(role)} USING (true)"
        )


UNSEEN = text(
    "SELECT quote_ident(relname) FROM pg_class"
    " WHERE relrowsecurity AND relnamespace = quote_ident(current_schema())::regnamespace"
    " AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polname = :policy)"
)


def everywhere(role: str) -> str:
    """Return the name of the role that sees every workshop, beside `role`."""
    return f"{role}_everywhere"


def _make_role(connection: Connection, role: str) -> None:
    known = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar()
    if not known:
        # Two installations on one server may come here at once: the second finds the role made.
        connection.exec_driver_sql(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN;"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    member = connection.execute(text("SELECT pg_has_role(current_user, :role, 'MEMBER')"), {"role": role})
    if not member.scalar():
        connection.exec_driver_sql(f"GRANT {role} TO CURRENT_USER")


# ---- On each connection -------------------------------------------------------------------------------------------


def init_app(app: Flask) -> None:
    """Precede the statements of `app` by the workshop that they are run in, where DB_ROLE makes that matter."""
    if not app.config["DB_ROLE"]:
        return
    with app.app_context():
        engine: Engine = db.engine
    event.listen(engine, "before_cursor_execute", partial(_say_where, app.config["DB_ROLE"]))
    event.listen(engine, "rollback", _forget_where)
    event.listen(engine, "rollback_savepoint", _forget_where)
    event.listen(engine, "handle_error", _forget_where_it_failed)


def _where() -> str:
    if tenancy.is_everywhere():
        return EVERYWHERE
    workshop_id = tenancy.current_workshop_or_none()
    return "" if workshop_id is None else str(workshop_id)


def _say_where(role: str, connection: Connection, cursor: Any, statement: str, *rest: Any) -> None:
    here, before = _where(), connection.info.get(SETTING)
    if here == before or statement.startswith(TRANSACTION_CONTROL):
        return
    said = []  # of a number's words, or our own
    if here == EVERYWHERE:
        said.append(f"SET ROLE {everywhere(role)}")
    else:
        if before in (EVERYWHERE, None):
            said.append(f"SET ROLE {role}")
        said.append(f"SET {SETTING} = '{here}'")
    driver = connection.connection.dbapi_connection
    if isinstance(driver, PreparingConnection):
        driver.precede(*said)
    else:
        for one in said:
            cursor.execute(one)
    connection.info[SETTING] = here


def _forget_where(connection: Connection, *rest: Any) -> None:
    """What was said inside a transaction that is undone is undone with it; a connection that is lost remembers nothing."""
    if not connection.invalidated:
        connection.info.pop(SETTING, None)


def _forget_where_it_failed(context: ExceptionContext) -> None:
    if context.connection is not None:
        _forget_where(context.connection)
