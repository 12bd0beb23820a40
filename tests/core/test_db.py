"""The database: one commit a request, reads that open no transaction, and errors told apart."""

from __future__ import annotations

import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import certifi
import pg8000.legacy
import pytest
from flask import Flask
from sqlalchemy import delete, event, func, insert, select, text, update
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)

from app.blueprints.customers.models import Customer
from app.blueprints.inventory import service as inventory
from app.blueprints.inventory.models import Part
from app.blueprints.workshops.models import Workshop
from app.core import engines
from app.core.db import PASSING_STATES, Base, atomic, is_passing, locked, sqlstate, touch, violated
from app.core.engines import engine_options, owners_engine
from app.extensions import db
from tests.factories import Shop, unique
from tests.watching import log_lines, statements, transaction_control


def named(name: str) -> Workshop:
    return Workshop(name=name, slug=unique("made-"))


def write_and_raise(workshop: Workshop, error: type[BaseException]) -> None:
    with atomic() as session:
        session.add(workshop)
        session.flush()
        raise error


class TestWriting:
    def test_outside_atomic_is_refused(self, app: Flask) -> None:
        with app.app_context():
            db.session.add(named("Stray"))

            with pytest.raises(RuntimeError, match=r"A write outside atomic\(\)"):
                db.session.flush()

    @pytest.mark.parametrize(
        "statement",
        [
            insert(Workshop).values(name="x", slug="x-stray"),
            update(Workshop).values(name="x"),
            delete(Workshop),
        ],
        ids=["insert", "update", "delete"],
    )
    def test_outside_atomic_is_refused_to_statements_too(self, app: Flask, statement: Any) -> None:
        with app.app_context(), statements(app) as seen, pytest.raises(RuntimeError, match="A write outside"):
            db.session.execute(statement)

        assert seen == []

    def test_inside_is_committed_at_the_end(self, app: Flask) -> None:
        with app.app_context(), transaction_control(app) as control:
            with atomic() as session:
                session.add(workshop := named("Kept"))
            assert db.session.scalars(select(Workshop.name).where(Workshop.slug == workshop.slug)).all() == [
                "Kept"
            ]

        assert [word.split()[0] for word in control] == ["BEGIN", "COMMIT"]

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_is_undone_by_whatever_ends_the_block(self, app: Flask, error: type[BaseException]) -> None:
        workshop = named("Undone")

        with app.app_context(), pytest.raises(error):
            write_and_raise(workshop, error)

        with app.app_context():
            assert db.session.scalars(select(Workshop).where(Workshop.slug == workshop.slug)).all() == []
            with atomic() as session:  # and the session is as good as new
                session.add(named("After"))

    def test_inner_blocks_join_the_outer_one(self, app: Flask) -> None:
        with app.app_context(), transaction_control(app) as control, atomic() as session:
            with atomic() as inner:
                inner.add(named("Inner"))
            in_between = list(control)
            session.add(named("Outer"))

        assert inner is session
        assert [word.split()[0] for word in in_between] == ["BEGIN"]
        assert [word.split()[0] for word in control] == ["BEGIN", "COMMIT"]

    def test_an_inner_block_is_undone_with_the_outer_one(self, app: Flask) -> None:
        workshop = named("Inner")

        def write_and_fail() -> None:
            with atomic():
                with atomic() as inner:
                    inner.add(workshop)
                raise ZeroDivisionError

        with app.app_context(), pytest.raises(ZeroDivisionError):
            write_and_fail()

        with app.app_context():
            assert db.session.scalar(select(Workshop.id).where(Workshop.slug == workshop.slug)) is None

    def test_an_inner_block_tells_a_broken_constraint_at_its_own_end(self, app: Flask, shop: Shop) -> None:
        reached = []

        def write_twice() -> None:
            with atomic():
                with atomic() as inner:
                    inner.add(Workshop(name="Twice", slug=shop.slug))
                reached.append("the outer block went on")

        with app.app_context(), pytest.raises(IntegrityError):
            write_twice()
        assert reached == []

    def test_takes_the_write_lock_at_its_start_on_sqlite(self, app: Flask, on_postgresql: bool) -> None:
        with app.app_context(), transaction_control(app) as control, atomic() as session:
            session.scalar(select(func.count(Workshop.id)))

        assert control[0] == ("BEGIN" if on_postgresql else "BEGIN IMMEDIATE")

    def test_of_a_request_is_committed_once(self, shop: Shop) -> None:
        ticket, part = shop.make_ticket(), shop.make_part()
        body = {"add_mechanic_ids": [shop.mechanic_id], "add_item_ids": [part.id, part.id]}
        shop.owner.get("/customers?per_page=1")

        with transaction_control(shop.app) as control:
            answer = shop.owner.put(f"/service_tickets/{ticket['id']}/edit", json=body)

        assert answer.status_code == 200
        assert [word.split()[0] for word in control] == ["BEGIN", "COMMIT"]


class TestReading:
    def test_opens_no_transaction(self, shop: Shop) -> None:
        with transaction_control(shop.app) as control:
            answer = shop.owner.get("/customers")

        assert answer.status_code == 200
        assert control == []

    def test_leaves_nothing_open_on_the_server(self, app: Flask, on_postgresql: bool) -> None:
        if not on_postgresql:
            pytest.skip("SQLite has no server to ask")
        with app.app_context():
            me = db.session.scalar(select(func.pg_backend_pid()))
            with owners_engine(app).connect() as other:
                state = other.execute(
                    text("SELECT state FROM pg_stat_activity WHERE pid = :pid"), {"pid": me}
                ).scalar()

        assert state == "idle"

    def test_after_a_write_sees_it(self, shop: Shop) -> None:
        part = shop.make_part()

        with shop.inside():
            before = db.session.scalars(select(Part.name).where(Part.id == part.id)).one()
            inventory.update(shop.id, part.id, {"name": "Belt"})
            after = db.session.scalars(select(Part.name).where(Part.id == part.id)).one()

        assert (before, after) == ("Oil Filter", "Belt")

    def test_locked_rows_are_read_as_they_are_now(self, shop: Shop) -> None:
        part = shop.make_part()

        with shop.inside():
            stale = db.session.scalars(select(Part).where(Part.id == part.id)).one()
            with atomic() as session:
                session.execute(
                    update(Part)
                    .where(Part.id == part.id)
                    .values(name="Belt")
                    .execution_options(synchronize_session=False)
                )
                seen_before = stale.name
                fresh = session.scalars(locked(Part).where(Part.id == part.id)).one()

        assert (seen_before, fresh.name) == ("Oil Filter", "Belt")
        assert fresh is stale


class TestVersions:
    def test_rise_by_one_with_every_change(self, shop: Shop) -> None:
        part = shop.make_part()

        with shop.inside():
            versions = [
                inventory.update(shop.id, part.id, {"price": price}).version
                for price in map(Decimal, (1, 2, 3))
            ]

        assert versions == [2, 3, 4]

    def test_stay_where_nothing_is_changed(self, shop: Shop) -> None:
        part = shop.make_part()

        with shop.inside():
            same = inventory.update(shop.id, part.id, {"name": part.name, "price": part.price})

        assert (same.version, same.updated_at) == (part.version, part.updated_at)

    def test_rise_once_for_many_touches(self, shop: Shop) -> None:
        part = shop.make_part()

        with shop.inside(), atomic() as session:
            row = session.scalars(locked(Part).where(Part.id == part.id)).one()
            touch(row)
            touch(row)
            row.name = "Belt"

        assert row.version == part.version + 1


SQLITE = "sqlite:///shop.db"
PG8000 = "postgresql+pg8000://shop:secret@db.example.com/shop"
PSYCOPG = "postgresql+psycopg://shop:secret@db.example.com/shop"


def options_of(url: str, **settings: Any) -> tuple[Any, dict[str, Any]]:
    defaults = {
        "DB_POOL_SIZE": 7,
        "DB_MAX_OVERFLOW": 3,
        "DB_POOL_TIMEOUT": 2.5,
        "DB_STATEMENT_TIMEOUT_MS": 1234,
        "DB_ROLE": "",
    }
    return engine_options({"DATABASE_URL": url, **defaults, **settings})


class TestEngineOptions:
    @pytest.mark.parametrize("url", [PG8000, PSYCOPG])
    def test_size_the_pool_from_the_settings(self, url: str) -> None:
        _, options = options_of(url)

        assert (options["pool_size"], options["max_overflow"], options["pool_timeout"]) == (7, 3, 2.5)

    @pytest.mark.parametrize("url", [SQLITE, PG8000, PSYCOPG])
    def test_keep_peoples_data_out_of_errors(self, url: str) -> None:
        assert options_of(url)[1]["hide_parameters"] is True

    def test_bound_a_statement_in_the_words_of_each_driver(self) -> None:
        assert options_of(PG8000)[1]["connect_args"]["startup_params"] == {
            "statement_timeout": "1234",
            "random_page_cost": "1.1",
        }
        assert (
            options_of(PSYCOPG)[1]["connect_args"]["options"]
            == "-c statement_timeout=1234 -c random_page_cost=1.1"
        )

    def test_name_the_role_that_statements_run_under_in_the_words_of_each_driver(self) -> None:
        pg8000, psycopg = (
            options_of(url, DB_ROLE="shop_app")[1]["connect_args"] for url in (PG8000, PSYCOPG)
        )

        assert pg8000["startup_params"]["role"] == "shop_app"
        assert psycopg["options"].endswith(" -c role=shop_app")

    @pytest.mark.parametrize("mode", ["require", "prefer", "allow"])
    def test_encrypt_without_verifying_where_that_is_asked(self, mode: str) -> None:
        url, options = options_of(f"{PG8000}?sslmode={mode}")

        context = options["connect_args"]["ssl_context"]
        assert "sslmode" not in url.query
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)

    @pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
    def test_verify_where_that_is_asked(self, mode: str) -> None:
        url, options = options_of(f"{PG8000}?sslmode={mode}")

        assert "sslmode" not in url.query
        assert options["connect_args"]["ssl_context"].verify_mode == ssl.CERT_REQUIRED

    def test_verify_by_ones_own_authority_where_its_certificates_are_named(self) -> None:
        named = certifi.where()

        url, options = options_of(f"{PG8000}?sslmode=verify-full&sslrootcert={named}")

        assert "sslrootcert" not in url.query
        assert len(options["connect_args"]["ssl_context"].get_ca_certs()) > 1
        with pytest.raises(OSError, match="No such file"):
            options_of(f"{PG8000}?sslmode=verify-full&sslrootcert={named}.not")

    @pytest.mark.parametrize(
        "asked",
        [
            f"{PG8000}?sslmode=disable",
            "postgresql+pg8000://u:p@127.0.0.1/d",
            "postgresql+pg8000://u:p@[::1]:5432/d",
            "postgresql+pg8000://u:p@localhost/d",
        ],
    )
    def test_do_not_encrypt_where_that_is_asked_nor_unasked_on_one_machine(self, asked: str) -> None:
        url, options = options_of(asked)

        assert options["connect_args"]["ssl_context"] is False
        assert not url.query

    def test_leave_it_to_the_driver_unasked_on_another_machine(self) -> None:
        """It encrypts, without verifying, where the server can."""
        assert "ssl_context" not in options_of(PG8000)[1]["connect_args"]

    def test_leave_other_words_of_the_address_alone(self) -> None:
        url, _ = options_of(f"{PG8000}?application_name=shop&sslmode=require")

        assert dict(url.query) == {"application_name": "shop"}
        assert options_of(f"{PSYCOPG}?sslmode=require")[0].query["sslmode"] == "require"

    def test_wait_for_a_lock_on_sqlite(self) -> None:
        url, options = options_of(SQLITE)

        assert url.database == "shop.db"
        assert options["connect_args"] == {"timeout": 15, "check_same_thread": False}


class TestSqlite:
    @pytest.mark.parametrize(
        ("pragma", "value"),
        [("foreign_keys", 1), ("journal_mode", "wal"), ("busy_timeout", 15000), ("synchronous", 1)],
    )
    def test_is_prepared_for_many_threads(
        self, app: Flask, on_postgresql: bool, pragma: str, value: Any
    ) -> None:
        if on_postgresql:
            pytest.skip("on SQLite alone")
        with app.app_context():
            assert db.session.connection().exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


class Pg8000Error(Exception):
    """What pg8000 raises: the server's fields in a dictionary."""


class PsycopgError(Exception):
    """What psycopg raises: the state and a diagnosis as attributes."""

    def __init__(self, sqlstate: str | None, constraint: str | None = None) -> None:
        super().__init__("words")
        self.sqlstate = sqlstate
        self.diag = type("Diagnosis", (), {"constraint_name": constraint})()


def failed(
    original: BaseException | None, kind: type[DBAPIError] = DBAPIError, *, gone: bool = False
) -> DBAPIError:
    return kind("SELECT 1", {}, original, connection_invalidated=gone)  # type: ignore[arg-type]


class TestErrors:
    @pytest.mark.parametrize(
        ("original", "state"),
        [
            (Pg8000Error({"C": "23505", "n": "uq_parts"}), "23505"), (PsycopgError("40001"), "40001"),
            (Pg8000Error("connection refused"), None), (Pg8000Error(), None), (PsycopgError(None), None),
            (Exception("no such table: parts"), None), (None, None),
        ],
    )  # fmt: skip
    def test_are_known_by_their_state(self, original: BaseException | None, state: str | None) -> None:
        assert sqlstate(failed(original)) == state

    @pytest.mark.parametrize(
        ("error", "passing"),
        [
            *((failed(Pg8000Error({"C": state})), True) for state in sorted(PASSING_STATES)),
            *((failed(PsycopgError(state)), True) for state in ("57P01", "53300", "40P01")),
            *(
                (failed(Pg8000Error({"C": state})), False)
                for state in ("23505", "42P01", "42601", "22003", "23514")
            ),
            (failed(Exception("gone"), gone=True), True),
            (failed(Pg8000Error({"C": "23505"}), IntegrityError, gone=True), True),
            (failed(Exception("database is locked"), OperationalError), True),
            (failed(Exception("network error"), InterfaceError), True),
            (failed(Exception("no such table: parts"), OperationalError), False),
            (failed(Exception("no such column: price"), OperationalError), False),
            (failed(Exception('near "FORM": syntax error'), OperationalError), False),
            (failed(Exception("UNIQUE constraint failed"), IntegrityError), False),
            (failed(Exception("bad statement"), ProgrammingError), False),
        ],
        ids=lambda value: (
            f"{type(value).__name__}-{value.orig}" if isinstance(value, DBAPIError) else str(value)
        ),
    )
    def test_that_pass_are_told_from_those_that_do_not(self, error: DBAPIError, passing: bool) -> None:
        assert is_passing(error) == passing

    @pytest.mark.parametrize(
        ("original", "name"),
        [
            (Pg8000Error({"C": "23505", "n": "uq_customers_phone"}), "uq_customers_phone"), (Pg8000Error({"C": "23502"}), ""),
            (PsycopgError("23505", "uq_customers_phone"), "uq_customers_phone"), (PsycopgError("23502"), ""),
            (Exception("UNIQUE constraint failed: customers.workshop_id, customers.phone"),
             "UNIQUE constraint failed: customers.workshop_id, customers.phone"),
        ],
    )  # fmt: skip
    def test_of_integrity_name_what_was_violated(self, original: Exception, name: str) -> None:
        assert violated(failed(original, IntegrityError)) == name

    def test_of_this_database_name_the_constraint(self, shop: Shop) -> None:
        shop.make_customer(phone="555-1234")

        with shop.inside(), pytest.raises(IntegrityError) as caught, atomic() as session:
            session.add(Customer(workshop_id=shop.id, name="Ada", phone="555-1234"))

        assert "phone" in violated(caught.value)

    def test_never_show_the_values(self, shop: Shop) -> None:
        shop.make_part(sku="SECRET-1")

        with shop.inside(), pytest.raises(IntegrityError) as caught, atomic() as session:
            session.add(Part(workshop_id=shop.id, name="Hidden name", price=Decimal(1), sku="SECRET-1"))

        assert "Hidden name" not in str(caught.value)


class Context:
    """What SQLAlchemy shows of an error to those who listen."""

    def __init__(self, original: BaseException, error: DBAPIError | None) -> None:
        self.original_exception = original
        self.sqlalchemy_exception = error
        self.statement = "SELECT 1"
        self.is_disconnect = False


class TestDisconnects:
    @pytest.mark.parametrize("state", sorted(engines.DISCONNECTED_STATES))
    def test_are_recognised_by_their_state(self, state: str) -> None:
        context = Context(Pg8000Error({"C": state}), failed(Pg8000Error({"C": state})))

        engines._recognise_disconnects(context)  # type: ignore[arg-type]

        assert context.is_disconnect

    @pytest.mark.parametrize("original", [Pg8000Error({"C": "23505"}), Exception("other"), ValueError("no")])
    def test_are_not_seen_where_there_are_none(self, original: Exception) -> None:
        context = Context(original, failed(original))

        engines._recognise_disconnects(context)  # type: ignore[arg-type]

        assert not context.is_disconnect

    @pytest.mark.parametrize(
        "original", [BrokenPipeError(), ConnectionResetError(), TimeoutError(), OSError("gone")]
    )
    def test_are_what_a_socket_tells(self, original: OSError) -> None:
        wrapped, bare = Context(original, failed(original)), Context(original, None)

        engines._recognise_disconnects(wrapped)  # type: ignore[arg-type]
        with pytest.raises(InterfaceError) as told:
            engines._recognise_disconnects(bare)  # type: ignore[arg-type]

        assert wrapped.is_disconnect
        assert bare.is_disconnect
        assert told.value.connection_invalidated
        assert is_passing(told.value)


class Record:
    def __init__(self, **info: float) -> None:
        self.info: dict[str, float] = info


class Cursor:
    def __init__(self, broken: bool) -> None:
        self.broken = broken
        self.executed: list[str] = []

    def cursor(self) -> Cursor:
        return self

    def execute(self, statement: str) -> None:
        self.executed.append(statement)
        if self.broken:
            raise OSError("the server has gone away")

    def close(self) -> None:
        self.executed.append("close")


class TestAnIdleConnection:
    def rested(self, seconds: float) -> Any:
        return Record(rested_since=engines.time.monotonic() - seconds)

    def test_is_tried_before_it_is_used(self) -> None:
        connection = Cursor(broken=False)

        engines._ping_after_idleness(connection, self.rested(5), None)

        assert connection.executed == ["SELECT 1", "close"]

    def test_that_is_broken_is_replaced(self) -> None:
        with pytest.raises(DisconnectionError):
            engines._ping_after_idleness(Cursor(broken=True), self.rested(5), None)

    def test_that_has_just_been_used_is_not_tried(self) -> None:
        connection, record = Cursor(broken=True), Record()
        engines._note_checkin(None, record)  # type: ignore[arg-type]

        engines._ping_after_idleness(connection, record, None)  # type: ignore[arg-type]

        assert connection.executed == []

    def test_that_is_new_is_not_tried(self) -> None:
        connection: Any = Cursor(broken=True)

        engines._ping_after_idleness(connection, Record(), None)  # type: ignore[arg-type]

        assert connection.executed == []


class TestConnecting:
    class Dialect:
        """A driver whose every connection breaks in its handshake."""

        driver = "psycopg"
        loaded_dbapi = pg8000.legacy

        def __init__(self, error: Exception) -> None:
            self.error = error

        def connect(self, *arguments: Any, **parameters: Any) -> Any:
            raise self.error

    @pytest.mark.parametrize(
        "error", [ConnectionRefusedError("no"), struct.error("short"), TimeoutError("slow")]
    )
    def test_that_breaks_in_the_handshake_is_told_as_the_drivers_own_error(self, error: Exception) -> None:
        with pytest.raises(pg8000.legacy.InterfaceError, match="network error") as told:
            engines._connect(self.Dialect(error), None, (), {}, prepares=True)  # type: ignore[arg-type]

        assert told.value.__cause__ is error

    def test_by_pg8000_breaks_in_the_same_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def breaking(*arguments: Any, **parameters: Any) -> Any:
            raise struct.error("unpack requires a buffer of 5 bytes")

        dialect = self.Dialect(AssertionError("not by the dialect"))
        dialect.driver = "pg8000"
        monkeypatch.setattr(engines, "PreparingConnection", breaking)

        with pytest.raises(pg8000.legacy.InterfaceError, match="network error"):
            engines._connect(dialect, None, (), {}, prepares=True)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("options", "dialect", "sent"),
        [
            ({}, "sqlite", ["BEGIN IMMEDIATE"]), ({}, "postgresql", ["BEGIN"]), ({"shop_reads": True}, "sqlite", []),
            ({"shop_reads": True}, "postgresql", []), ({"isolation_level": "AUTOCOMMIT"}, "postgresql", []),
        ],
    )  # fmt: skip
    def test_begins_a_transaction_only_where_something_is_to_be_written(
        self, options: dict[str, Any], dialect: str, sent: list[str]
    ) -> None:
        connection = Connected(options, dialect)

        engines._begin(connection)  # type: ignore[arg-type]

        assert connection.sent == sent


class Connected:
    """A connection that only notes what is sent. A real one would keep its isolation level for the next test."""

    def __init__(self, options: dict[str, Any], dialect: str) -> None:
        self.options = options
        self.dialect = type("Dialect", (), {"name": dialect})()
        self.sent: list[str] = []
        self.connection = type("Fairy", (), {"dbapi_connection": None})

    def get_execution_options(self) -> dict[str, Any]:
        return self.options

    def exec_driver_sql(self, statement: str) -> None:
        self.sent.append(statement)


class TestALostConnection:
    """On PostgreSQL the server ends our connection in the middle; a read is asked again, a write is told as 503."""

    @contextmanager
    def cut_at(self, app: Flask, words: str, times: int) -> Iterator[list[str]]:
        cut: list[str] = []
        with app.app_context():
            engine = db.engine

        def break_it(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            if words in statement and len(cut) < times:
                cut.append(statement)
                pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
                with owners_engine(app).connect() as other:
                    other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}), pg_sleep(0.05)")

        event.listen(engine, "before_cursor_execute", break_it)
        try:
            with log_lines():
                yield cut
        finally:
            event.remove(engine, "before_cursor_execute", break_it)

    @pytest.fixture(autouse=True)
    def _on_pg8000(self, app: Flask, on_postgresql: bool) -> None:
        with app.app_context():
            if not on_postgresql or db.engine.dialect.driver != "pg8000":
                pytest.skip("the server and driver whose connections break: PostgreSQL by pg8000")

    def test_costs_a_read_nothing(self, shop: Shop) -> None:
        with self.cut_at(shop.app, "FROM customers", 1) as cut:
            answer = shop.owner.get("/customers")

        assert len(cut) == 1
        assert answer.status_code == 200

    def test_twice_in_one_request_is_a_503(self, shop: Shop) -> None:
        with self.cut_at(shop.app, "FROM customers", 2) as cut:
            answer = shop.owner.get("/customers")

        assert len(cut) == 2
        assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
        assert shop.owner.get("/customers").status_code == 200

    def test_in_a_write_is_a_503_and_nothing_is_written(self, shop: Shop) -> None:
        with self.cut_at(shop.app, "INSERT INTO parts", 1) as cut:
            answer = shop.owner.post("/inventory", json={"name": "Belt", "price": 1})

        assert len(cut) == 1
        assert answer.status_code == 503
        assert shop.owner.get("/inventory").json == []


def test_every_constraint_has_a_name_by_the_convention() -> None:
    nameless = [
        (table.name, type(constraint).__name__)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if constraint.name is None
    ]

    assert nameless == []
