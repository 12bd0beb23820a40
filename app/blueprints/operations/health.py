"""What the platform and the people on call ask: does it live, is it ready, what is away."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db


def database_reached() -> bool:
    """Tell whether the database answers."""
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        db.session.rollback()
        return False
    return True


def redis_reached() -> bool | None:
    """Tell whether Redis answers; None where none is configured."""
    url = current_app.config["REDIS_URL"]
    if not url:
        return None
    try:
        with Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False


@lru_cache(maxsize=1)
def newest_migration() -> str | None:
    """Return the revision that the code was written for."""
    folder = Path(current_app.root_path).parent / "migrations"
    config = AlembicConfig()
    config.set_main_option("script_location", str(folder))
    return ScriptDirectory.from_config(config).get_current_head()


def migrations_current() -> bool:
    """Tell whether the database has the newest migration."""
    try:
        context = MigrationContext.configure(db.session.connection())
        return context.get_current_revision() == newest_migration()
    except SQLAlchemyError:
        db.session.rollback()
        return False


def readiness() -> dict[str, Any]:
    """Return each part and whether it is as it should be."""
    reached = database_reached()
    return {"database": reached, "migrations": reached and migrations_current(), "redis": redis_reached()}
