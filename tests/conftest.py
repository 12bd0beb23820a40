"""The suite's ground: one migrated database a worker, an application on it, and a fresh shop for each test that asks.

TEST_DATABASE_URL and TEST_REDIS_URL choose PostgreSQL and Redis; without them the suite runs embedded. REQUIRE_SERVICES=1
makes a missing service a failure. Tests never share rows: each makes its own workshop, and most make two.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
import redis
from flask import Flask
from sqlalchemy import create_engine, make_url, text

from app import create_app
from app.blueprints.accounts.models import SignInFailures
from app.core import clock
from app.core.db import atomic
from app.extensions import cache, db, limiter
from tests.applications import another_app, needs_redis  # noqa: F401 - fixtures
from tests.factories import Shop, make_shop
from tests.mailing import Clock, Scripted, empty_the_outbox
from tests.tampering import past_the_triggers

DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "")
COUNTED_CASES = 1
UNCOUNTED = ("tests/concurrency/", "_invariant.py")  # which go where others have gone, many times


def database_role() -> str:
    """The role that the application acts under: on PostgreSQL one from which other workshops' rows are hidden."""
    return "mechanic_shop_tests" if DATABASE_URL else ""


def worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "gw0")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cases", type=int, default=None, help="Ask so many cases of each table of cases, not all."
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Count lines where it tells something: counting takes as long again.

    That is in the first case of each table, since the others run through the same, and not in races and long walks.
    """
    cases: Counter[str] = Counter()
    asked: list[pytest.Item] = []
    most: int | None = config.getoption("--cases")
    for item in items:
        table = item.nodeid.partition("[")[0]
        cases[table] += 1
        if cases[table] > COUNTED_CASES or any(part in table for part in UNCOUNTED):
            item.add_marker(pytest.mark.no_cover)
        if most is None or cases[table] <= most or item.get_closest_marker("every_case"):
            asked.append(item)
    if len(asked) < len(items):
        kept = set(asked)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = asked


def pytest_collection_finish() -> None:
    """Thousands of collected tests live to the end: the garbage collector need not go through them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty database of this worker's own."""
    if not DATABASE_URL:
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'shop.db'}"
        return
    url = make_url(DATABASE_URL)
    name = f"{url.database}_{worker()}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        # No test here looks at what a power cut leaves: nobody need wait for the disk.
        connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    yield url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    server.dispose()


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis database of this worker's own, emptied; the empty string where the suite runs embedded."""
    if not REDIS_URL:
        return ""
    base, _, number = REDIS_URL.rpartition("/")
    url = f"{base}/{int(number) - int(worker().removeprefix('gw') or 0)}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def app(database_url: str, redis_url: str) -> Iterator[Flask]:
    """The application, on a database that the migrations made."""
    made = create_app("testing", DATABASE_URL=database_url, REDIS_URL=redis_url, DB_ROLE=database_role())
    limiter.enabled = False  # bound, so that the fixture `limits` can switch it on
    with made.app_context():
        flask_migrate.upgrade(directory=str(Path(__file__).parent.parent / "migrations"))
        db.engine.dispose()
    if not DATABASE_URL:
        file = Path(str(make_url(database_url).database))
        shutil.copyfile(file, file.with_suffix(".empty"))
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def empty_database(app: Flask, database_url: str) -> Path | None:
    """The file of a database as the migrations made it; None on PostgreSQL."""
    return None if DATABASE_URL else Path(str(make_url(database_url).database)).with_suffix(".empty")


@pytest.fixture
def limits(app: Flask) -> Iterator[None]:
    """Rate limits on, with nothing counted yet."""
    limiter.reset()
    limiter.enabled = True
    yield
    limiter.enabled = False
    limiter.reset()


@pytest.fixture
def shop(app: Flask) -> Shop:
    """A workshop of this test's own, with an owner, a mechanic and two customers who can sign in."""
    return make_shop(app)


@pytest.fixture
def other_shop(app: Flask) -> Shop:
    """Another workshop on the same installation."""
    return make_shop(app)


@pytest.fixture
def cold_cache(app: Flask) -> None:
    """A response cache with nothing in it."""
    with app.app_context():
        cache.clear()


@pytest.fixture
def on_postgresql(app: Flask) -> bool:
    with app.app_context():
        return db.engine.dialect.name == "postgresql"


@pytest.fixture
def clock_set(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The application's clock, in the test's hands."""
    hands = Clock()
    monkeypatch.setattr(clock, "now", hands.now)
    return hands


@pytest.fixture
def nothing_counted(app: Flask) -> Iterator[None]:
    """Failed tries are forgotten afterwards: all tests come from one address, which waits after fifty, by any test's clock."""
    yield
    with app.app_context(), atomic() as session:
        session.query(SignInFailures).delete()


@pytest.fixture
def transport(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """A transport in the test's hands, and nothing waiting that another test queued."""
    empty_the_outbox(shop)
    scripted = Scripted()
    monkeypatch.setitem(shop.app.extensions, "mail", scripted)
    return scripted


@pytest.fixture
def without_triggers(app: Flask) -> Iterator[None]:
    """The database without the triggers that keep what is only appended to."""
    with past_the_triggers(app):
        yield
