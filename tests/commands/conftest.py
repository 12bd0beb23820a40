"""What the tests of the commands share: installations with a database of their own, which a command may fill or find empty."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path

import flask_migrate
import pytest
import structlog
from click.testing import Result
from flask import Flask
from sqlalchemy import create_engine, make_url, text

from app import create_app
from app.core.engines import owners_engine
from app.core.tenancy import INSTALLATION
from app.extensions import api, cache, db, limiter

MakeApp = Callable[..., Flask]
MIGRATIONS = Path(__file__).parents[2] / "migrations"


def run(app: Flask, *words: str, **options: object) -> Result:
    """Run a command of `app`; what it did not mean to raise is raised here."""
    result = app.test_cli_runner().invoke(args=words, **options)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def empty_it(app: Flask) -> None:
    """Make the database of `app` as new, with the installation's place in it, and forget what it cached."""
    with app.app_context():
        tables = [table.name for table in reversed(db.metadata.sorted_tables)]
        workshops = db.metadata.tables["workshops"]
        with owners_engine(app).begin() as connection:
            place = (
                connection.execute(workshops.select().where(workshops.c.id == INSTALLATION)).mappings().one()
            )
            if connection.dialect.name == "postgresql":
                # Past the triggers that keep what is only appended to.
                connection.execute(text("SET LOCAL session_replication_role = replica"))
                connection.execute(text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"))
            else:
                triggers = connection.execute(
                    text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
                ).all()
                for name, _ in triggers:
                    connection.execute(text(f"DROP TRIGGER {name}"))
                for table in [*tables, "sqlite_sequence"]:
                    connection.execute(text(f"DELETE FROM {table}"))
                for _, made in triggers:
                    connection.execute(text(made))
            connection.execute(workshops.insert(), dict(place))
        cache.clear()


@contextmanager
def extensions_put_back() -> Iterator[None]:
    """Let a block bind the extensions to other applications: there is one set per process, and its binding is put back."""
    singletons = (limiter, api, cache)
    before = [dict(vars(singleton)) for singleton in singletons]
    options = dict(limiter._storage_options)
    decorated = {name: copy(limits) for name, limits in limiter.limit_manager._decorated_limits.items()}
    logging = structlog.get_config()
    yield
    for singleton, attributes in zip(singletons, before, strict=True):
        vars(singleton).clear()
        vars(singleton).update(attributes)
    limiter._storage_options = options
    limiter.limit_manager._decorated_limits.clear()
    limiter.limit_manager._decorated_limits.update(decorated)
    structlog.configure(**logging)


class Databases:
    """Empty databases beside the suite's own, on the same server or in files."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder, self._numbers = make_url(url), folder, itertools.count()
        self._made: list[str] = []

    def make(self) -> str:
        """Make one, and return its address."""
        if self._url.get_backend_name() == "sqlite":
            return f"sqlite:///{self._folder / str(next(self._numbers))}.db"
        name = f"{self._url.database}_commands{next(self._numbers)}"
        self._tell_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
        self._made.append(name)
        return self._url.set(database=name).render_as_string(hide_password=False)

    def drop(self) -> None:
        """Drop those that were made on the server; files go with their folder."""
        if self._made:
            self._tell_server(*(f'DROP DATABASE "{name}" WITH (FORCE)' for name in self._made))

    def _tell_server(self, *statements: str) -> None:
        server = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        server.dispose()


@pytest.fixture(scope="module")
def databases(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Databases that nobody else uses."""
    made = Databases(database_url, tmp_path_factory.mktemp("databases"))
    yield made
    made.drop()


@pytest.fixture(scope="module")
def make_app(app: Flask, redis_url: str) -> Iterator[MakeApp]:
    """Make applications as installations of their own: none sees what another has cached."""
    made: list[Flask] = []

    def make(environment: str = "testing", **overrides: object) -> Flask:
        limiter._storage_options = {}
        own = {
            "REDIS_URL": redis_url,
            "DB_ROLE": app.config["DB_ROLE"],
            "RATELIMIT_ENABLED": False,
            "CACHE_KEY_PREFIX": f"installation{len(made)}:",
        }
        made.append(create_app(environment, **{**own, **overrides}))
        return made[-1]

    with extensions_put_back():
        yield make
        for other in made:
            with other.app_context():
                db.session.remove()
                db.engine.dispose()


@pytest.fixture(scope="module")
def make_installation(databases: Databases, make_app: MakeApp) -> Callable[[], Flask]:
    """Make applications, each on a migrated database of its own that has no workshop yet."""

    def make() -> Flask:
        installation = make_app(DATABASE_URL=databases.make())
        with installation.app_context():
            flask_migrate.upgrade(directory=str(MIGRATIONS))
        return installation

    return make


@pytest.fixture(scope="module")
def reused(make_installation: Callable[[], Flask]) -> Flask:
    return make_installation()


@pytest.fixture
def empty(reused: Flask) -> Flask:
    """An installation as new: no workshop in it, and every id still to be given."""
    empty_it(reused)
    return reused
