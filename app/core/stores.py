"""Where the bytes of files can lie outside of the database: a folder of this machine, or a bucket that speaks S3.

What is put here is encrypted already, is found by a key of ours, and is never changed. Which rows there are for it is the
matter of
`app.core.files`. boto3 is loaded where a bucket is configured, and nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, Any, ClassVar, Protocol

import structlog
from flask import Flask, current_app

from app.core.errors import DomainError

log = structlog.get_logger(__name__)

STORES = ("database", "folder", "s3")
IN_MEMORY = (
    16_000_000  # bytes of an object on its way to a bucket; beyond they wait, encrypted, in a temporary file
)
COME_BACK = "5"  # seconds
_KEY = re.compile(r"[0-9a-f]{32}")


class StoreAway(DomainError):
    """The store of files cannot be reached, or is full, for the moment."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "file_store_unavailable"
    title: ClassVar[str] = "The store of files is away; try again shortly."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": COME_BACK})


class Gone(Exception):
    """The store answers, and has no such object."""


class Store(Protocol):
    """A place for bytes by their keys. Every method raises `StoreAway` where it cannot be reached."""

    def put(self, key: str, content: Iterable[bytes]) -> None:
        """Keep an object: whole, or not at all."""

    def read(self, key: str, length: int) -> Iterator[bytes]:
        """Yield an object in pieces of `length` bytes, the last of what is left.

        :raises Gone: there is none.
        """

    def remove(self, key: str) -> None:
        """Delete an object; one that is not there is no error."""


def new_key() -> str:
    """Return a key that no other object has, and that nobody guesses."""
    return secrets.token_hex(16)


def _require_ours(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError("A key is 32 hexadecimal digits of ours: no name from outside becomes a path.")
    return key


class Folder:
    """A folder of this machine: an object is written beside its place, and takes it by a rename."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _place(self, key: str) -> Path:
        return self.root / _require_ours(key)[:2] / key

    def put(self, key: str, content: Iterable[bytes]) -> None:
        place = self._place(key)
        draft = place.with_name(f"{key}.{secrets.token_hex(4)}.part")
        with _known_as_away("folder"):
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
                    written.writelines(content)
                    written.flush()
                    os.fsync(written.fileno())
                draft.replace(place)
                _sync_folder(place.parent)
            finally:
                draft.unlink(missing_ok=True)

    def read(self, key: str, length: int) -> Iterator[bytes]:
        try:
            with _known_as_away("folder", but=FileNotFoundError), self._place(key).open("rb") as kept:
                while piece := kept.read(length):
                    yield piece
        except FileNotFoundError as error:
            raise Gone from error

    def remove(self, key: str) -> None:
        place = self._place(key)
        with _known_as_away("folder"):
            place.unlink(missing_ok=True)
            for draft in place.parent.glob(f"{key}.*.part"):  # of a process that died while it wrote
                draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Let a rename outlive a loss of power, where the system lets a folder be opened."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@contextlib.contextmanager
def _known_as_away(store: str, *, but: type[Exception] | tuple[type[Exception], ...] = ()) -> Iterator[None]:
    try:
        yield
    except but:
        raise
    except OSError as error:
        log.warning("files.store_away", store=store, kind=type(error).__name__)
        raise StoreAway() from error


class Bucket:
    """A bucket of Amazon S3, or of whatever speaks its protocol."""

    def __init__(self, app: Flask) -> None:
        config = app.config
        self.bucket, self.timeout = config["S3_BUCKET"], config["FILES_TIMEOUT_SECONDS"]
        self._options = {
            "region_name": config["S3_REGION"] or None,
            "endpoint_url": config["S3_ENDPOINT"] or None,
            # Without keys boto3 asks the machine for those of its role.
            "aws_access_key_id": config["S3_ACCESS_KEY_ID"] or None,
            "aws_secret_access_key": config["S3_SECRET_ACCESS_KEY"] or None,
        }

    @cached_property
    def client(self) -> Any:
        """The client, made at the first use: a server that forks shares no connection. It may be used by many threads."""
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3",
            **self._options,
            config=Config(
                connect_timeout=self.timeout,
                read_timeout=self.timeout,
                retries={"mode": "standard", "total_max_attempts": 2},
                s3={"addressing_style": "path" if self._options["endpoint_url"] else "auto"},
                # Checksums that not everybody who speaks S3 knows; what comes back is authenticated by our own cipher.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def put(self, key: str, content: Iterable[bytes]) -> None:
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as waiting:
            for piece in content:
                waiting.write(piece)
            waiting.seek(0)
            with self._known_as_away():
                self.client.put_object(
                    Bucket=self.bucket,
                    Key=_name(key),
                    Body=waiting,
                    ContentType="application/octet-stream",
                )

    def read(self, key: str, length: int) -> Iterator[bytes]:
        with self._known_as_away():
            body = self.client.get_object(Bucket=self.bucket, Key=_name(key))["Body"]
            with contextlib.closing(body):
                while piece := _filled(body, length):
                    yield piece

    def remove(self, key: str) -> None:
        with self._known_as_away():
            self.client.delete_object(Bucket=self.bucket, Key=_name(key))

    @contextlib.contextmanager
    def _known_as_away(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError
        from urllib3.exceptions import HTTPError

        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code == "NoSuchKey":
                raise Gone from error
            # Refused keys and a missing bucket are as bad as no answer, and theirs to mend who configured it.
            log.error("files.store_refused", store="s3", code=code)
            raise StoreAway() from error
        except (BotoCoreError, HTTPError, OSError) as error:
            log.warning("files.store_away", store="s3", kind=type(error).__name__)
            raise StoreAway() from error


def _name(key: str) -> str:
    return f"files/{_require_ours(key)}"


def _filled(body: IO[bytes], length: int) -> bytes:
    """Read so many bytes, however few a read brings; fewer at the end alone."""
    filled = bytearray()
    while len(filled) < length and (part := body.read(length - len(filled))):
        filled += part
    return bytes(filled)


# ---- The choice ---------------------------------------------------------------------------------------------------


def init_app(app: Flask) -> None:
    """Make the stores that `app` is configured for: what was put into an earlier one is still read there."""
    made: dict[str, Store] = {"folder": Folder(Path(app.config["FILES_FOLDER"]))}
    if app.config["S3_BUCKET"]:
        made["s3"] = Bucket(app)
    app.extensions["file_stores"] = made


def chosen() -> str:
    """Return the name of the store that new files go to."""
    name: str = current_app.config["FILES_STORE"]
    return name


def named(name: str) -> Store:
    """Return the store of a name.

    :raises StoreAway: it is not configured any more.
    """
    found: Store | None = current_app.extensions["file_stores"].get(name)
    if found is None:
        log.error("files.store_not_configured", store=name)
        raise StoreAway()
    return found
