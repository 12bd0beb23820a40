"""pg8000 made quick: statements are worked on once, and are the same statements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pg8000.legacy
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from app.core import drivers
from app.core.drivers import PreparingConnection
from app.core.engines import owners_engine
from app.extensions import db


class TestParameterStyles:
    @given(
        parts=st.lists(
            st.sampled_from(
                ["SELECT 1", " a ", "%%", "'it''s %s'", '"col%s"', "-- note\n", "E'\\\\%s'", " $1 ", "::int"]
            )
        )
    )
    def test_are_converted_as_pg8000_itself_converts_them(self, parts: list[str]) -> None:
        query, values = "%s".join(parts), (1, 2)

        assert drivers._convert_once("format", query, values) == drivers._convert_paramstyle(
            "format", query, values
        )

    @pytest.mark.parametrize(
        ("style", "query", "args"),
        [
            ("named", "SELECT :a, :b", {"a": 1, "b": 2}),
            ("qmark", "SELECT ?", (1,)),
            ("numeric", "SELECT :1", (1,)),
        ],
    )
    def test_of_other_kinds_are_left_to_pg8000(self, style: str, query: str, args: Any) -> None:
        assert drivers._convert_once(style, query, args) == drivers._convert_paramstyle(style, query, args)

    def test_are_scanned_once(self) -> None:
        drivers._with_numbered_parameters.cache_clear()

        for _ in range(3):
            drivers._convert_once("format", "SELECT %s, %s", (1, 2))

        info = drivers._with_numbered_parameters.cache_info()
        assert (info.misses, info.hits) == (1, 2)

    def test_are_ours_wherever_pg8000_asks(self) -> None:
        assert pg8000.legacy.convert_paramstyle is drivers._convert_once


@pytest.fixture
def connection(app: Flask, database_url: str, on_postgresql: bool) -> Iterator[PreparingConnection]:
    if not on_postgresql:
        pytest.skip("on PostgreSQL alone")
    url = make_url(database_url)
    made = PreparingConnection(
        user=url.username, host=url.host, database=url.database, password=url.password, port=url.port or 5432
    )
    made.autocommit = True
    yield made
    made.close()


def run(connection: PreparingConnection, statement: str, *values: Any) -> Any:
    cursor = connection.cursor()
    cursor.execute(statement, values)
    rows = cursor.fetchall()
    cursor.close()
    return rows


def prepared_on_the_server(connection: PreparingConnection) -> list[str]:
    return [row[0] for row in run(connection, "SELECT statement FROM pg_prepared_statements")]


def trips(connection: PreparingConnection, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each time that the server is waited for."""
    waited: list[str] = []
    handle = connection.handle_messages

    def note(context: Any) -> None:
        waited.append(str(context.statement))
        handle(context)

    monkeypatch.setattr(connection, "handle_messages", note)
    return waited


class TestATransaction:
    def test_begins_with_the_next_statement_and_in_its_trip(
        self, connection: PreparingConnection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(connection, "SELECT CAST(%s AS int)", 1)  # prepared
        waited = trips(connection, monkeypatch)

        connection.begin()
        run(connection, "SELECT CAST(%s AS int)", 1)

        assert (len(waited), connection._in_transaction) == (1, True)

    @pytest.mark.parametrize("value", ["'1MB'", "%s"])
    def test_has_that_statement_in_it(self, connection: PreparingConnection, value: str) -> None:
        usual = run(connection, "SELECT current_setting('work_mem')")

        connection.begin()
        run(connection, f"SELECT set_config('work_mem', {value}, true)", *(["1MB"] if value == "%s" else []))
        inside = run(connection, "SELECT current_setting('work_mem') WHERE %s", True)
        connection.rollback()

        assert inside == (["1MB"],) != usual
        assert run(connection, "SELECT current_setting('work_mem')") == usual

    def test_begins_before_what_precedes_the_statement(self, connection: PreparingConnection) -> None:
        connection.begin()
        connection.precede("SET LOCAL work_mem = '1MB'")

        assert run(connection, "SELECT current_setting('work_mem') WHERE %s", True) == (["1MB"],)

    @pytest.mark.parametrize("ending", ["commit", "rollback"])
    def test_in_which_nothing_was_said_is_none(
        self, connection: PreparingConnection, monkeypatch: pytest.MonkeyPatch, ending: str
    ) -> None:
        waited = trips(connection, monkeypatch)

        connection.begin()
        getattr(connection, ending)()
        assert waited == []
        run(connection, "SELECT CAST(%s AS int)", 1)

        assert not connection._in_transaction

    @pytest.mark.parametrize("statement", ["SELECT 1 / CAST(%s AS int)", "SELECT nonsense(%s)"])
    def test_whose_first_statement_fails_goes_on_to_be_undone(
        self, connection: PreparingConnection, statement: str
    ) -> None:
        connection.begin()
        with pytest.raises(pg8000.legacy.ProgrammingError):
            run(connection, statement, 0)
        connection.rollback()

        assert run(connection, "SELECT CAST(%s AS int)", 1) == ([1],)
        assert not connection._in_transaction


class TestAPreparingConnection:
    def test_prepares_a_statement_with_parameters_once(self, connection: PreparingConnection) -> None:
        for number in (1, 2, 3):
            assert run(connection, "SELECT CAST(%s AS int) + 1", number) == ([number + 1],)

        assert prepared_on_the_server(connection) == ["SELECT CAST($1 AS int) + 1"]

    def test_leaves_one_without_parameters_to_pg8000(self, connection: PreparingConnection) -> None:
        assert run(connection, "SELECT 1") == ([1],)

        assert prepared_on_the_server(connection) == []

    def test_keeps_the_most_recent_ones(
        self, connection: PreparingConnection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(drivers, "STATEMENTS_KEPT", 2)

        for name in ("a", "b", "a", "c"):
            run(connection, f"SELECT CAST(%s AS int) AS {name}", 1)

        assert sorted(prepared_on_the_server(connection)) == [
            "SELECT CAST($1 AS int) AS a",
            "SELECT CAST($1 AS int) AS c",
        ]
        assert run(connection, "SELECT CAST(%s AS int) AS b", 7) == ([7],)

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("text", "żółć '\"\\ 😀"), ("bigint", 2**62), ("bytea", b"\x00\xff"), ("boolean", True), ("text", None),
            ("numeric", None), ("integer[]", [1, 2, 3]),
        ],
    )  # fmt: skip
    def test_passes_values_unchanged(self, connection: PreparingConnection, kind: str, value: Any) -> None:
        for _ in range(2):
            assert run(connection, f"SELECT CAST(%s AS {kind})", value) == ([value],)

    def test_is_as_good_as_new_after_an_error(self, connection: PreparingConnection) -> None:
        for _ in range(2):
            with pytest.raises(pg8000.legacy.ProgrammingError):
                run(connection, "SELECT nonsense(%s)", 1)

        assert run(connection, "SELECT CAST(%s AS int)", 1) == ([1],)
        with pytest.raises(pg8000.legacy.ProgrammingError):
            run(connection, "SELECT 1 / CAST(%s AS int)", 0)
        assert run(connection, "SELECT 1 / CAST(%s AS int)", 1) == ([1],)

    def test_streams_as_pg8000_does(self, connection: PreparingConnection) -> None:
        cursor = connection.cursor()
        lines: list[str] = []

        class Sink:
            def write(self, line: bytes) -> None:
                lines.append(line.decode())

        cursor.execute("COPY (SELECT 7) TO STDOUT", stream=Sink())

        assert lines == ["7\n"]

    def test_survives_a_change_of_the_tables_it_prepared_for(self, app: Flask, on_postgresql: bool) -> None:
        """What a migration under a running server does to its connections costs one retry, not a 500."""
        if not on_postgresql:
            pytest.skip("on PostgreSQL alone")
        select = text("SELECT * FROM changing WHERE a > :a")
        with app.app_context():
            with owners_engine(app).begin() as owner:
                owner.exec_driver_sql("DROP TABLE IF EXISTS changing")
                owner.exec_driver_sql("CREATE TABLE changing (a int)")
                owner.exec_driver_sql(f"GRANT SELECT ON changing TO {app.config['DB_ROLE'] or 'PUBLIC'}")
            connection = db.session.connection()
            connection.execute(select, {"a": 0})
            with owners_engine(app).begin() as owner:
                owner.exec_driver_sql("ALTER TABLE changing ADD COLUMN b int")

            with pytest.raises(DBAPIError, match="cached plan must not change result type") as caught:
                connection.execute(select, {"a": 0})
            db.session.rollback()

            columns = list(db.session.connection().execute(select, {"a": 0}).keys())
            with owners_engine(app).begin() as owner:
                owner.exec_driver_sql("DROP TABLE changing")
        assert caught.value.connection_invalidated
        assert columns == ["a", "b"]
