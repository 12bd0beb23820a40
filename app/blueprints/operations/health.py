"""What the platform and the people on call ask: does it live, is it ready, what is away."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

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
    """Return the revision that the code was written for: the files' names begin with theirs, in a chain without branches.

    Alembic would say the same, and take ten megabytes of every worker for it.
    """
    folder = Path(current_app.root_path).parent / "migrations" / "versions"
    return max((file.name.partition("_")[0] for file in folder.glob("[0-9]*_*.py")), default=None)


def migrations_current() -> bool:
    """Tell whether the database has the newest migration."""
    try:
        revisions = list(db.session.scalars(text("SELECT version_num FROM alembic_version")))
        return revisions == [newest_migration()]
    except SQLAlchemyError:
        db.session.rollback()
        return False


def readiness() -> dict[str, Any]:
    """Return each part and whether it is as it should be."""
    reached = database_reached()
    return {"database": reached, "migrations": reached and migrations_current(), "redis": redis_reached()}
