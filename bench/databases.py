"""The databases under load: made once by the demo command, kept between runs, and left as they were loaded."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import URL

from bench.servers import ROOT

MAKER = "bench/run.py"
REST_SECONDS = 0.3
REST_AT_MOST_SECONDS = 20


class NotOurs(RuntimeError):
    """A database or a Redis number that holds something else: the benchmark writes and deletes only in its own."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the benchmark notes in a comment on each database it made: that it did, and how to go on using it.

    The keys belong to the made-up data: without them the next run could not read the encrypted VINs.
    """

    tickets: int
    encryption_key: str
    blind_index_key: str
    last_ticket: int = 0
    last_vehicle: int = 0
    loaded: bool = False
    maker: str = MAKER


@dataclass(frozen=True, slots=True)
class Database:
    """A database with a demo shop of so many tickets."""

    url: URL
    mark: Mark

    def address(self, driver: str) -> str:
        """Return its address for the application, by the driver named (the empty string: the default one)."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        return self.url.set(drivername=scheme).render_as_string(hide_password=False)

    @contextlib.contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        """Connect as the benchmark itself, in autocommit mode."""
        with _connected(self.url) as connection:
            yield connection

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows of a statement."""
        with self.connected() as connection:
            return connection.execute(statement, values).fetchall()  # type: ignore[call-overload]

    def tidy(self) -> None:
        """Take out what was written since the loading, so that every round begins alike."""
        self.await_rest()
        with self.connected() as connection:
            connection.execute("DELETE FROM service_tickets WHERE id > %s", [self.mark.last_ticket])
            connection.execute("DELETE FROM vehicles WHERE id > %s", [self.mark.last_vehicle])

    def await_rest(self) -> None:
        """Wait until the application's connections have all been quiet for a while."""
        until = time.monotonic() + REST_AT_MOST_SECONDS
        before = self.activity()
        while time.monotonic() < until:
            time.sleep(REST_SECONDS)
            if (now := self.activity()) == before:
                return
            before = now

    def settle(self) -> None:
        """Do now what the server would else do in the middle of a round."""
        with self.connected() as connection:
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")

    def activity(self) -> dict[int, Any]:
        """Return when each of the application's connections last began a statement."""
        rows = self.rows(
            "SELECT pid, query_start FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> %s",
            MAKER,
        )
        return dict(rows)


@contextlib.contextmanager
def _connected(url: URL) -> Iterator[psycopg.Connection[Any]]:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True, application_name=MAKER) as connection:
        yield connection


def short(number: int) -> str:
    """Return 20000 as `20k` and 1000000 as `1m`."""
    for size, letter in ((1_000_000, "m"), (1000, "k")):
        if number % size == 0 and number >= size:
            return f"{number // size}{letter}"
    return str(number)


def prepared(server: URL, tickets: int, environment: dict[str, str], *, anew: bool) -> Database:
    """Return the database with so many tickets beside the one that `server` names, made and loaded if need be.

    :raises NotOurs: there is one of that name, and the benchmark did not make it.
    """
    url = server.set(database=f"{server.database}_{short(tickets)}")
    mark = _find(server, str(url.database))
    if mark is None or anew or not mark.loaded or mark.tickets != tickets:
        mark = _make(server, url, tickets, environment)
    database = Database(url, mark)
    _flask(database, environment, "db", "upgrade")
    database.tidy()
    database.settle()
    return database


def _find(server: URL, name: str) -> Mark | None:
    """Return the mark on the database `name`, None when there is no such database."""
    with _connected(server.set(database="postgres")) as connection:
        found = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
    if found is None:
        return None
    try:
        mark = Mark(**json.loads(found[0] or ""))
    except (ValueError, TypeError) as error:
        raise NotOurs(
            f"There is a database {name} that {MAKER} did not make. BENCH_DATABASE_URL names another."
        ) from error
    return mark


def _make(server: URL, url: URL, tickets: int, environment: dict[str, str]) -> Mark:
    name = sql.Identifier(str(url.database))
    mark = Mark(tickets, secrets.token_urlsafe(48), secrets.token_urlsafe(48))
    print(f"Making the database {url.database} with {tickets:,} tickets ...", flush=True)
    with _connected(server.set(database="postgres")) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        _note(connection, name, mark)
    database = Database(url, mark)
    _flask(database, environment, "db", "upgrade")
    _flask(database, environment, "demo", "--tickets", str(tickets))
    ((last_ticket, last_vehicle),) = database.rows(
        "SELECT (SELECT max(id) FROM service_tickets), (SELECT max(id) FROM vehicles)"
    )
    loaded = {"last_ticket": last_ticket, "last_vehicle": last_vehicle, "loaded": True}
    mark = Mark(**{**asdict(mark), **loaded})
    with database.connected() as connection:
        _note(connection, name, mark)
    return mark


def _note(connection: psycopg.Connection[Any], name: sql.Identifier, mark: Mark) -> None:
    comment = sql.Literal(json.dumps(asdict(mark)))
    connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, comment))


def _flask(database: Database, environment: dict[str, str], *words: str) -> None:
    """Run a command of the application on `database`, in development: production has no demo shop."""
    settings = {**environment, **keys(database.mark), "APP_ENV": "development", "LOG_LEVEL": "WARNING"}
    settings |= {"DATABASE_URL": database.address(""), "REDIS_URL": ""}
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "flask_app", *words], cwd=ROOT, env=settings, check=True
    )


def keys(mark: Mark) -> dict[str, str]:
    """Return the settings that make a database's encrypted columns readable."""
    return {"ENCRYPTION_KEYS": mark.encryption_key, "BLIND_INDEX_KEY": mark.blind_index_key}


def connected(url: URL, database: str | None = None) -> psycopg.Connection[Any]:
    """Connect to the server of `url`, in autocommit mode; `database` names another than its own."""
    plain = url.set(drivername="postgresql", database=database or url.database)
    return psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True)


def make_anew(url: URL, environment: dict[str, str], made_by: str) -> None:
    """Make a database anew and bring it up to date, unless somebody else has one of that name."""
    name = sql.Identifier(str(url.database))
    with connected(url, "postgres") as server:
        known = server.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [url.database]
        ).fetchone()
        if known is not None and known[0] != made_by:
            sys.exit(f"The database {url.database} is not ours. BENCH_DATABASE_URL names another.")
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
        server.execute(sql.SQL("CREATE DATABASE {}").format(name))
        server.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(made_by)))
    upgrade = [sys.executable, "-m", "flask", "--app", "flask_app", "db", "upgrade"]
    subprocess.run(upgrade, cwd=ROOT, env=environment, check=True, capture_output=True)
