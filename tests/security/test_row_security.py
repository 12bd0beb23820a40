"""The wall in PostgreSQL itself: what belongs to another workshop is not there, whatever a statement says.

The whole suite runs behind it on PostgreSQL; here it is looked at by itself, with the other walls left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError

from app.core import row_security, tenancy
from app.core.db import sqlstate
from app.core.engines import owners_engine
from app.extensions import cache, db
from tests.applications import AnotherApp
from tests.conftest import DATABASE_URL, database_role
from tests.factories import Shop, make_shop, unique, unique_vin
from tests.security.matrix import rows
from tests.security.situation import LEFT_BY_SOME, Shared, Situation

pytestmark = [
    pytest.mark.every_case,
    pytest.mark.skipif(not DATABASE_URL.startswith("postgresql"), reason="SQLite has no row-level security."),
]
TABLES = sorted(table.name for table in tenancy.owned_tables())
NOT_PERMITTED = "42501"
MIGRATIONS = Path(__file__).parents[2] / "migrations"


@pytest.fixture(scope="module")
def owner(app: Flask) -> Engine:
    """Who owns the tables, before whom nothing is hidden."""
    return owners_engine(app)


@pytest.fixture
def application(app: Flask) -> Iterator[Connection]:
    """A connection of the application's own, past its ORM; what a test writes is undone."""
    with app.app_context(), db.engine.connect() as connection:
        yield connection
        connection.rollback()


def number(connection: Connection, table: str, where: str = "true") -> int:
    return int(connection.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one())


def number_owned(owner: Engine, table: str, where: str = "true") -> int:
    with owner.connect() as connection:
        return number(connection, table, where)


class TestTheTables:
    def test_of_a_workshop_have_the_policy_and_no_other_has(self, owner: Engine) -> None:
        with owner.connect() as connection:
            walled = connection.execute(
                text(
                    "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
                    " WHERE relrowsecurity AND polcmd = '*' AND polname = :policy"
                ),
                {"policy": row_security.POLICY},
            )
            assert sorted(walled.scalars()) == TABLES

    def test_may_be_migrated_again_where_nothing_is_left_to_do(self, app: Flask, owner: Engine) -> None:
        """As at each start of an installation; the role is admitted then as well, also one that is new."""
        before = app.config["DB_ROLE"]
        role = f"{before}_{unique('')}"
        try:
            with app.app_context():
                for app.config["DB_ROLE"] in (before, role):
                    flask_migrate.upgrade(directory=str(MIGRATIONS))
                    flask_migrate.current(directory=str(MIGRATIONS))
            with owner.connect() as connection:
                assert number(connection, "pg_roles", f"rolname = '{role}'") == 1
        finally:
            app.config["DB_ROLE"] = before
            with owner.connect() as connection:
                for name in (role, f"{role}_everywhere"):
                    connection.execute(text(f'DROP OWNED BY "{name}"'))
                    connection.execute(text(f'DROP ROLE "{name}"'))
                connection.commit()

    def test_are_not_the_applications_to_change(self, application: Connection) -> None:
        assert application.execute(text("SELECT current_user")).scalar_one() == database_role()
        for statement in (
            "ALTER TABLE customers DISABLE ROW LEVEL SECURITY",
            f"DROP POLICY {row_security.POLICY} ON customers",
            "DROP TRIGGER append_only ON audit_entries",
            "TRUNCATE customers",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            with pytest.raises(DBAPIError) as refused:
                application.execute(text(statement))
            assert sqlstate(refused.value) == NOT_PERMITTED
            application.rollback()

    @pytest.mark.parametrize("table", TABLES)
    def test_show_a_row_only_to_who_acts_in_its_workshop_or_across_all(
        self, application: Connection, owner: Engine, shared: Shared, table: str
    ) -> None:
        situation = shared.with_rows_in(table if table in LEFT_BY_SOME else "")
        shop = (
            situation.other_shop
            if number_owned(owner, table, f"workshop_id = {situation.shop.id}") == 0
            else situation.shop
        )
        other = situation.shop if shop is situation.other_shop else situation.other_shop
        own = f"workshop_id = {shop.id}"
        there = number_owned(owner, table, own)

        seen = {}
        with tenancy.acting_in(shop.id):
            seen["in it"] = number(application, table)
        with tenancy.acting_in(other.id):
            seen["in another"] = number(application, table, own)
        with tenancy.across_workshops():
            seen["across all"] = number(application, table, own)
        seen["in none"] = number(application, table)

        assert there > 0
        assert seen == {"in it": there, "in another": 0, "across all": there, "in none": 0}


@pytest.fixture(scope="module")
def shared(app: Flask) -> Shared:
    """A situation that all tables' cases share."""

    def make() -> Situation:
        situation = Situation(app)
        situation.keep_hours()
        return situation

    return Shared(make)


class TestStatements:
    """Without the guard of the ORM, and without a condition that names a workshop."""

    def test_read_their_own_workshop_alone(
        self, shop: Shop, other_shop: Shop, application: Connection, owner: Engine
    ) -> None:
        everywhere = text("SELECT DISTINCT workshop_id FROM customers")
        with tenancy.acting_in(shop.id):
            behind_the_wall = set(application.execute(everywhere).scalars())
        with owner.connect() as connection:
            before_it = set(connection.execute(everywhere).scalars())

        assert behind_the_wall == {shop.id}
        assert {shop.id, other_shop.id} <= before_it

    def test_change_nothing_of_another(self, shop: Shop, other_shop: Shop, application: Connection) -> None:
        with tenancy.acting_in(other_shop.id):
            changed = application.execute(text(f"UPDATE parts SET name = 'x' WHERE workshop_id = {shop.id}"))
            deleted = application.execute(text(f"DELETE FROM memberships WHERE workshop_id = {shop.id}"))

        assert (changed.rowcount, deleted.rowcount) == (0, 0)

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO counters (workshop_id, series, value) VALUES ({shop}, 'x', 1)",
            "UPDATE customers SET workshop_id = {shop} WHERE workshop_id = {other}",
        ],
    )
    def test_put_nothing_into_another(
        self, shop: Shop, other_shop: Shop, application: Connection, statement: str
    ) -> None:
        with tenancy.acting_in(other_shop.id), pytest.raises(DBAPIError) as refused:
            application.execute(text(statement.format(shop=shop.id, other=other_shop.id)))

        assert sqlstate(refused.value) == NOT_PERMITTED


class TestWhereAConnectionActs:
    @pytest.fixture(params=["pg8000", "pg8000, nothing prepared", "psycopg"])
    def engine(
        self, another_app: AnotherApp, database_url: str, request: pytest.FixtureRequest
    ) -> Iterator[Engine]:
        driver, _, rest = request.param.partition(",")
        made = another_app(
            DATABASE_URL=database_url.replace("+pg8000", f"+{driver}"),
            DB_ROLE=database_role(),
            DB_PREPARE_STATEMENTS=not rest,
        )
        with made.app_context():
            yield db.engine

    @pytest.mark.parametrize("values", [{}, {"zero": 0}], ids=["without values", "with values"])
    def test_is_said_anew_when_another_workshop_is_meant(
        self, engine: Engine, shop: Shop, other_shop: Shop, values: dict[str, int]
    ) -> None:
        ask = text("SELECT DISTINCT workshop_id FROM customers" + (" WHERE id > :zero" if values else ""))
        seen = []
        with engine.execution_options(shop_reads=True).connect() as connection:
            for one in (shop, other_shop, shop, shop):
                with tenancy.acting_in(one.id):
                    seen.append(connection.execute(ask, values).scalars().all())
            seen.append(connection.execute(ask, values).scalars().all())

        assert seen == [[shop.id], [other_shop.id], [shop.id], [shop.id], []]

    @pytest.mark.parametrize("undo", ["rollback", "savepoint", "failure"])
    def test_is_said_anew_after_what_it_was_said_in_was_undone(
        self, engine: Engine, shop: Shop, other_shop: Shop, undo: str
    ) -> None:
        ask, values = text("SELECT DISTINCT workshop_id FROM customers WHERE id > :zero"), {"zero": 0}
        options = {"shop_reads": True} if undo == "failure" else {}
        with engine.execution_options(**options).connect() as connection:
            with tenancy.acting_in(shop.id):
                connection.execute(ask, values)
            if undo == "savepoint":
                inner = connection.begin_nested()
            with tenancy.acting_in(other_shop.id):
                if undo == "failure":
                    with pytest.raises(DBAPIError):
                        connection.execute(text("SELECT 1 / :zero"), values)
                else:
                    connection.execute(ask, values)
                    inner.rollback() if undo == "savepoint" else connection.rollback()
                seen = connection.execute(ask, values).scalars().all()

        assert seen == [other_shop.id]

    def test_costs_pg8000_no_trip_of_its_own(
        self, app: Flask, shop: Shop, other_shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import pg8000.core

        ask, values = text("SELECT count(*) FROM customers WHERE id > :zero"), {"zero": 0}
        trips = []
        with app.app_context(), db.engine.execution_options(shop_reads=True).connect() as connection:
            with tenancy.acting_in(shop.id):
                connection.execute(ask, values)
            flush = pg8000.core._flush
            monkeypatch.setattr(pg8000.core, "_flush", lambda sock: (trips.append(1), flush(sock)))
            with tenancy.acting_in(other_shop.id):
                connection.execute(ask, values)

        assert len(trips) == 1


@pytest.mark.parametrize("workshops", [2, 200])
def test_each_shop_reads_all_that_it_has_and_is_told_of_its_own_alone(app: Flask, workshops: int) -> None:
    shops = [furnished(app) for _ in range(workshops)]
    read = 0
    for shop in shops:
        for path in READ:
            answer = shop.owner.get(path.format(customer=shop.customer_id))
            told = answer.get_data(as_text=True)
            assert answer.status_code == 200, f"{path}: {told}"
            assert set(SLUGS.findall(told)) <= {shop.slug}, path
            read += SLUGS.search(told) is not None
    assert read >= workshops * len(READ) * 0.7


def test_no_request_of_a_shop_reads_a_row_of_another(app: Flask, owner: Engine) -> None:
    """What each route reads is asked again, behind the wall and without it, among workshops that have the like: the rows are
    the same, so the application reached for no other's, and the wall had nothing to do.
    """
    for _ in range(20):
        furnished(app)
    differing = []
    for method, least in DONE.items():
        situation = Situation(app)
        routes = [row for row in rows() if row.method == method and row.opens_to("owner")]
        done = compared = 0
        for row in routes:
            with selects(app) as sent:
                done += situation.send(situation.callers["owner"], method, row.path).status_code < 300
            compared += len(sent)
            differing += [
                (str(row), one.statement) for one in sent if one.is_narrowed_by_the_wall(app, owner)
            ]
        assert done > least * len(routes), method
        assert compared > len(routes), method
    assert differing == []


def test_a_statement_that_names_no_workshop_would_be_found(
    app: Flask, owner: Engine, shop: Shop, other_shop: Shop
) -> None:
    with selects(app) as sent, tenancy.acting_in(shop.id), app.app_context():
        for condition in ("workshop_id = :id", "id <> :id"):
            db.session.execute(text(f"SELECT name FROM customers WHERE {condition}"), {"id": shop.id})

    assert [one.is_narrowed_by_the_wall(app, owner) for one in sent] == [False, True]


@dataclass
class Select:
    """A statement that a request sent, and where it acted."""

    statement: str
    values: Any
    workshop_id: int | None
    is_everywhere: bool

    def is_narrowed_by_the_wall(self, app: Flask, owner: Engine) -> bool:
        return self.rows(db_engine(app)) != self.rows(owner)

    def rows(self, engine: Engine) -> list[str]:
        with ExitStack() as stack:
            if self.is_everywhere:
                stack.enter_context(tenancy.across_workshops())
            elif self.workshop_id is not None:
                stack.enter_context(tenancy.acting_in(self.workshop_id))
            connection = stack.enter_context(engine.connect())
            return sorted(map(repr, connection.exec_driver_sql(self.statement, self.values)))


def db_engine(app: Flask) -> Engine:
    with app.app_context():
        return db.engine


@contextmanager
def selects(app: Flask) -> Iterator[list[Select]]:
    """Collect what a block reads from the tables of workshops, with nothing cached."""
    seen: list[Select] = []

    def note(connection: Any, cursor: Any, statement: str, values: Any, *others: Any) -> None:
        if statement.startswith(("SELECT", "WITH RECURSIVE")) and " FROM " in statement.replace("\n", " "):
            where = tenancy.current_workshop_or_none(), tenancy.is_everywhere()
            seen.append(Select(LOCKING.sub("", statement), values, *where))

    with app.app_context():
        cache.clear()
    engine = db_engine(app)
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


LOCKING = re.compile(r" FOR (NO KEY )?(UPDATE|SHARE)[\w ]*$")
# How many of its routes a method does in a situation that its other routes have changed: nothing goes twice.
DONE = {"GET": 0.9, "POST": 0.6, "PUT": 0.6, "PATCH": 0.6, "DELETE": 0.5}
SLUGS = re.compile(r"shop-\d+")
READ = (
    "/customers?q=shop", "/customers/{customer}", "/mechanics/search?name=shop", "/mechanics/usage", "/inventory?q=shop",
    "/service_tickets", "/members", "/notifications/log", "/audit?per_page=100", "/invitations",
)  # fmt: skip


def furnished(app: Flask) -> Shop:
    """Return a shop with a bit of everything, each called after the shop."""
    shop = make_shop(app)
    part = shop.make_part(name=f"Filter of {shop.slug}")
    mechanic = shop.make_mechanic(name=f"Jane of {shop.slug}")
    customer = shop.make_customer(name=f"Ada of {shop.slug}", email=f"ada@{shop.slug}.example.com")
    ticket = shop.make_ticket(
        customer_id=customer.id, service_desc=f"Oil change at {shop.slug}", VIN=unique_vin()
    )
    shop.make_dead_letter()
    edit = {"add_mechanic_ids": [mechanic.id], "add_item_ids": [part.id]}
    edited = shop.owner.put(f"/service_tickets/{ticket['id']}/edit", json=edit)
    assert edited.status_code == 200, edited.json
    invited = {"role": "owner", "name": f"Sam of {shop.slug}", "email": f"sam@{shop.slug}.example.com"}
    assert shop.owner.post("/invitations", json=invited).status_code == 201
    return shop
