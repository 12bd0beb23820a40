"""A second application beside the suite's own, and what needs one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from copy import copy

import pytest
import structlog
from flask import Flask

from app import create_app
from app.extensions import api, cache, db, limiter
from config import configuration

AnotherApp = Callable[..., Flask]
CLOSED_PORT = "redis://127.0.0.1:1/0"


@pytest.fixture
def another_app(app: Flask, database_url: str, redis_url: str) -> Iterator[AnotherApp]:
    """Make a second application on the same database, as another worker or installation would be.

    The extensions are one set per process, so what binding them a second time changes is put back afterwards.
    """
    singletons = (limiter, api, cache)
    before = [dict(vars(singleton)) for singleton in singletons]
    options = dict(limiter._storage_options)
    decorated = {name: copy(limits) for name, limits in limiter.limit_manager._decorated_limits.items()}
    logging = structlog.get_config()
    made: list[Flask] = []

    def make(**overrides: object) -> Flask:
        limiter._storage_options = {}
        common = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "RATELIMIT_ENABLED": False}
        made.append(create_app(configuration("testing", **{**common, **overrides})))
        return made[-1]

    yield make
    for other in made:
        with other.app_context():
            db.session.remove()
            db.engine.dispose()
    for singleton, attributes in zip(singletons, before, strict=True):
        vars(singleton).clear()
        vars(singleton).update(attributes)
    limiter._storage_options = options
    limiter.limit_manager._decorated_limits.clear()
    limiter.limit_manager._decorated_limits.update(decorated)
    structlog.configure(**logging)


@pytest.fixture
def needs_redis(redis_url: str) -> None:
    """Skip where the suite runs without Redis; fail where the services are required."""
    if redis_url:
        return
    if os.environ.get("REQUIRE_SERVICES"):
        pytest.fail("REQUIRE_SERVICES is set, and TEST_REDIS_URL is not")
    pytest.skip("needs Redis: TEST_REDIS_URL")
