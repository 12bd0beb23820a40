"""Stores that tests put files into: a folder, a bucket of a server that speaks S3, and one that can be away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from app.core import stores
from app.core.objects import FileObject
from app.core.stores import Bucket, Folder, Store, StoreAway
from app.extensions import db
from tests.factories import Shop

BUCKET = "mechanic-shop"


class Watched:
    """A store that another one stands behind; it can be away, or fail after it has done its work."""

    def __init__(self, behind: Store) -> None:
        self.behind = behind
        self.is_away = False

    def _answer(self) -> None:
        if self.is_away:
            raise StoreAway()

    def put(self, key: str, content: Iterable[bytes]) -> None:
        self._answer()
        self.behind.put(key, content)

    def read(self, key: str, length: int) -> Iterator[bytes]:
        self._answer()
        yield from self.behind.read(key, length)

    def remove(self, key: str) -> None:
        self._answer()
        self.behind.remove(key)

    def whole(self, key: str) -> bytes | None:
        """Return an object as it lies there; None where there is none."""
        try:
            return b"".join(self.behind.read(key, 1 << 20))
        except stores.Gone:
            return None


@contextmanager
def storing_in(app: Flask, name: str, store: Store) -> Iterator[Watched]:
    """Let new files of `app` go into a store."""
    watched = Watched(store)
    before = app.config["FILES_STORE"], app.extensions["file_stores"]
    app.config["FILES_STORE"] = name
    app.extensions["file_stores"] = {**before[1], name: watched}
    try:
        yield watched
    finally:
        app.config["FILES_STORE"], app.extensions["file_stores"] = before


def folder(root: Path) -> Folder:
    return Folder(root)


def bucket(app: Flask, endpoint: str, **overrides: object) -> Bucket:
    """Return a bucket at an endpoint, which the tests' own keys open."""
    settings = {
        "S3_BUCKET": BUCKET, "S3_ENDPOINT": endpoint, "S3_REGION": "eu-central-1", "S3_ACCESS_KEY_ID": "testing",
        "S3_SECRET_ACCESS_KEY": "testing", "FILES_TIMEOUT_SECONDS": 2, **overrides,
    }  # fmt: skip
    before = {name: app.config[name] for name in settings}
    app.config.update(settings)
    try:
        return Bucket(app)
    finally:
        app.config.update(before)


def objects(shop: Shop) -> dict[str, str]:
    """Return the states of a shop's objects by their keys."""
    with shop.inside():
        return {key: state for key, state in db.session.execute(select(FileObject.key, FileObject.state))}  # noqa: C416
