"""Files: kept encrypted, in the database or in the store that FILES_STORE names; served by a signed link that expires.

A file in the database is written, backed up and erased with the row that it belongs to; how one in another store comes as
near to that
as can be is said in `app.core.objects`. A file is written once and never changed. Where its bytes lie is known here alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    delete,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, crypto, objects, stores, tenancy
from app.core.crypto import EncryptedBytes
from app.core.db import Id, Instant, atomic, one_of
from app.core.errors import NotFound
from app.core.model import Model
from app.core.tenancy import WorkshopOwned
from app.extensions import db

log = structlog.get_logger(__name__)

PIECE = 256 * 1024
LINK_LASTS = timedelta(minutes=15)
# What is kept, by its kind: the type, the name that it is saved under, and whether a browser may show it.
KINDS: dict[str, tuple[str, str, bool]] = {
    "photo": ("image/jpeg", "photo.jpg", True),
    "export": ("application/zip", "export.zip", False),
    "picture": ("image/jpeg", "picture.jpg", True),
    "document": ("application/pdf", "document.pdf", False),
}
_NAMED = struct.Struct(">QQQ")  # workshop, file, when the link ends


class FileNotHere(NotFound):
    """No such file, or a link that is not ours or has expired: they look alike."""

    code, title = "file_not_found", "There is no such file, or the link has expired."


class StoredFile(WorkshopOwned, Model):
    """What is known of a file; its bytes are in `file_pieces`, which no list and no detail reads, or in a store."""

    __tablename__ = "files"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "object_key"),
        ForeignKeyConstraint(["workshop_id", "object_key"], ["file_objects.workshop_id", "file_objects.key"]),
        CheckConstraint(one_of("kind", KINDS), name="kind_known"),
        CheckConstraint("size > 0", name="size_positive"),
        {"sqlite_autoincrement": True},  # an id that comes again would be what an older link names
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(Id)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    object_key: Mapped[str | None] = mapped_column(String(32))

    @property
    def name(self) -> str:
        """What it is saved under: nothing that somebody sent."""
        return KINDS[self.kind][1]

    @property
    def is_shown(self) -> bool:
        """Whether a browser may show it, rather than save it."""
        return KINDS[self.kind][2]


class FilePiece(WorkshopOwned, Model):
    """A part of a file's bytes, encrypted; `place` counts from 0."""

    __tablename__ = "file_pieces"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "file_id", "place"),
        ForeignKeyConstraint(["workshop_id", "file_id"], ["files.workshop_id", "files.id"]),
        CheckConstraint("place >= 0", name="place_not_negative"),
    )

    file_id: Mapped[int] = mapped_column(Id)
    place: Mapped[int]
    content: Mapped[bytes] = mapped_column(EncryptedBytes)


# ---- Keeping ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """The bytes of a file that is not kept yet: in pieces, or in a store already under `object_key`."""

    pieces: list[bytes]
    sha256: bytes
    size: int
    object_key: str | None = None


def draft(content: Iterable[bytes]) -> Draft:
    """Gather the bytes of a file of the current workshop, given in parts of any length, and store them where they are not to
    lie
    in the database. No transaction need be open for as long as that takes; one that is may only have read.

    :raises StoreAway: the store cannot be reached. :raises RuntimeError: a transaction is open that has written.
    """
    digest, pieces = hashlib.sha256(), []
    for piece in _pieces(content):
        digest.update(piece)
        pieces.append(piece)
    size = sum(map(len, pieces))
    if stores.chosen() == "database":
        return Draft(pieces, digest.digest(), size)
    return Draft([], digest.digest(), size, objects.store(pieces))


def keep(workshop_id: int, kind: str, content: Draft) -> StoredFile:
    """Keep a file. Inside the `atomic()` of what will point to it.

    :raises StoreAway: its bytes lay so long in the store that they were swept.
    """
    kept = StoredFile(
        workshop_id=workshop_id,
        kind=kind,
        content_type=KINDS[kind][0],
        size=content.size,
        sha256=content.sha256,
        object_key=content.object_key,
    )
    with atomic() as session:
        if content.object_key is not None:
            objects.keep(workshop_id, content.object_key)
        session.add(kept)
        session.flush()
        _write(kept, content.pieces)
    return kept


def _pieces(content: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for part in content:
        waiting += part
        while len(waiting) >= PIECE:
            yield bytes(waiting[:PIECE])
            del waiting[:PIECE]
    if waiting:
        yield bytes(waiting)


def _write(kept: StoredFile, pieces: list[bytes]) -> None:
    with atomic() as session:
        for place, piece in enumerate(pieces):
            row = FilePiece(workshop_id=kept.workshop_id, file_id=kept.id, place=place, content=piece)
            session.add(row)
            session.flush()
            session.expunge(row)  # one piece at a time in memory beside the file itself


def find(workshop_id: int, file_id: int) -> StoredFile | None:
    """Return what is known of a file of the workshop."""
    return db.session.scalar(
        select(StoredFile).where(StoredFile.workshop_id == workshop_id, StoredFile.id == file_id)
    )


def read(kept: StoredFile) -> Iterator[bytes]:
    """Yield the bytes of a file, a piece at a time; from the database each by a statement of its own.

    :raises FileNotHere: it is gone, or was taken away meanwhile. :raises StoreAway: its store cannot be reached.
    """
    return _read_pieces(kept) if kept.object_key is None else _read_object(kept, kept.object_key)


def contents(workshop_id: int, file_ids: Sequence[int]) -> dict[int, bytes]:
    """Return the whole bytes of some small files, by their ids: those in the database by one statement. The lost are left out.

    :raises StoreAway: the store of one cannot be reached.
    """
    if not file_ids:
        return {}
    kept = db.session.scalars(
        select(StoredFile).where(StoredFile.workshop_id == workshop_id, StoredFile.id.in_(file_ids))
    ).all()
    found: defaultdict[int, bytes] = defaultdict(bytes)
    pieces = (
        select(FilePiece.file_id, FilePiece.content)
        .where(FilePiece.workshop_id == workshop_id, FilePiece.file_id.in_(file_ids))
        .order_by(FilePiece.file_id, FilePiece.place)
    )
    for file_id, content in db.session.execute(pieces):
        found[file_id] += content
    for one in kept:
        if one.object_key is not None:
            with contextlib.suppress(FileNotHere):
                found[one.id] = b"".join(_read_object(one, one.object_key))
    return dict(found)


def begun(kept: StoredFile) -> Iterator[bytes]:
    """Return the bytes of a file as `read` does, the first of them read already: what refuses, refuses before an answer begins.

    :raises FileNotHere: it is gone. :raises StoreAway: its store cannot be reached.
    """
    pieces = read(kept)
    first = next(pieces)

    def whole() -> Iterator[bytes]:
        yield first
        yield from pieces

    return whole()


def _read_object(kept: StoredFile, key: str) -> Iterator[bytes]:
    try:
        yield from objects.read(kept.workshop_id, key, -(-kept.size // PIECE), PIECE)
    except stores.Gone as error:
        log.error("files.object_lost", file=kept.id, key=key)
        raise FileNotHere() from error


def _read_pieces(kept: StoredFile) -> Iterator[bytes]:
    for place in range(-(-kept.size // PIECE)):
        with tenancy.acting_in(kept.workshop_id):
            piece = db.session.scalar(
                select(FilePiece.content).where(
                    FilePiece.workshop_id == kept.workshop_id,
                    FilePiece.file_id == kept.id,
                    FilePiece.place == place,
                )
            )
        if piece is None:
            raise FileNotHere()
        yield piece


def forget(workshop_id: int, file_ids: Sequence[int]) -> int:
    """Delete files, and return how many there were. Inside the caller's `atomic()`, after what points to them is gone."""
    if not file_ids:
        return 0
    with atomic() as session:
        session.execute(
            delete(FilePiece)
            .where(FilePiece.workshop_id == workshop_id, FilePiece.file_id.in_(file_ids))
            .execution_options(synchronize_session=False)
        )
        keys = session.scalars(
            delete(StoredFile)
            .where(StoredFile.workshop_id == workshop_id, StoredFile.id.in_(file_ids))
            .returning(StoredFile.object_key)
            .execution_options(synchronize_session=False)
        ).all()
        if outside := [key for key in keys if key is not None]:
            objects.doom(workshop_id, outside)
    return len(file_ids)


# ---- Links --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """A way to a file that is open to whoever knows it, until it ends."""

    token: str
    expires_at: datetime


def link(kept: StoredFile) -> Link:
    """Return a link to a file. Two that are made within a minute are the same, so that a browser need not fetch it twice."""
    return link_to(kept.workshop_id, kept.id)


def link_to(workshop_id: int, file_id: int) -> Link:
    """Return a link to the file of a workshop that has this id."""
    ends = clock.now().replace(second=0, microsecond=0) + LINK_LASTS
    named = _NAMED.pack(workshop_id, file_id, int(ends.timestamp()))
    return Link(crypto.signed("file-link", named), ends)


def linked(token: str) -> StoredFile:
    """Return the file that a link leads to.

    :raises FileNotHere: the link is not ours, was changed or has expired, or the file is gone.
    """
    try:
        workshop_id, file_id, ends = _NAMED.unpack(crypto.named_in("file-link", token))
    except crypto.Unreadable as error:
        raise FileNotHere() from error
    if clock.now() >= datetime.fromtimestamp(ends, UTC):
        raise FileNotHere()
    with tenancy.acting_in(workshop_id):
        kept = find(workshop_id, file_id)
    if kept is None:
        raise FileNotHere()
    return kept
