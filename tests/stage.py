"""What a test begins with, by putting a file back: most want it fresh, and making it takes a hundred times as long."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Generic, TypeVar

from flask import Flask
from sqlalchemy import make_url

from app.extensions import cache, db

Scene = TypeVar("Scene")


class Stage(Generic[Scene]):
    """Where scenes are set up. On SQLite it is a database of its own, which is put back as it was for each of them.

    On PostgreSQL each is made anew, beside the others.
    """

    def __init__(self, app: Flask, database: Path | None, make: Callable[[Flask], Scene]) -> None:
        self.app = app
        self.database = database
        self.make = make
        self._first: Scene | None = None

    @property
    def puts_back(self) -> bool:
        """Whether making a scene undoes what was done to the one before."""
        return self.database is not None

    def scene(self) -> Scene:
        """Return a scene that nobody has touched; what was done to the one before is undone."""
        if self.database is None:
            return self.make(self.app)
        if self._first is None:
            self._first = self.make(self.app)
            let_go(self.app, self.database)
            shutil.copyfile(self.database, self.database.with_suffix(".found"))
        else:
            let_go(self.app, self.database)
            shutil.copyfile(self.database.with_suffix(".found"), self.database)
        return copy(self._first)


@contextmanager
def stage(
    app: Flask, database_url: str, empty: Path | None, make: Callable[[Flask], Scene]
) -> Iterator[Stage[Scene]]:
    """Put a database as the migrations made it in the place of the suite's, which comes back in the end."""
    if empty is None:
        yield Stage(app, None, make)
        return
    database = Path(str(make_url(database_url).database))
    let_go(app, database)
    aside = database.rename(database.with_suffix(".aside"))
    shutil.copyfile(empty, database)
    yield Stage(app, database, make)
    let_go(app, database)
    aside.replace(database)


def let_go(app: Flask, database: Path) -> None:
    """Close the connections to a database of SQLite, and forget what was read from it."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
        cache.clear()
    assert not database.with_name(f"{database.name}-wal").exists(), "somebody has the database open"
