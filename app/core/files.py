"""Files: kept in the database, encrypted, in pieces; served by a signed link that expires.

Several instances and workers share no disk, and a file in the database is written, backed up and erased with the row that it
belongs to. A file is written once and never changed. Where its bytes lie is known to `_write`, `read` and `forget` alone, so
that an object store can take the table's place.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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

from app.core import clock, crypto, tenancy
from app.core.crypto import EncryptedBytes
from app.core.db import Id, Instant, atomic
from app.core.errors import NotFound
from app.core.model import Model
from app.core.tenancy import WorkshopOwned
from app.extensions import db

PIECE = 256 * 1024
LINK_LASTS = timedelta(minutes=15)
# What is kept, by its kind: the type, the name that it is saved under, and whether a browser may show it.
KINDS: dict[str, tuple[str, str, bool]] = {
    "photo": ("image/jpeg", "photo.jpg", True),
    "export": ("application/zip", "export.zip", False),
}
_KIND_WORDS = ", ".join(f"'{kind}'" for kind in KINDS)
_NAMED = struct.Struct(">QQQ")  # workshop, file, when the link ends


class FileNotHere(NotFound):
    """No such file, or a link that is not ours or has expired: they look alike."""

    code, title = "file_not_found", "There is no such file, or the link has expired."


class StoredFile(WorkshopOwned, Model):
    """What is known of a file; its bytes are in `file_pieces`, which no list and no detail reads."""

    __tablename__ = "files"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        CheckConstraint(f"kind IN ({_KIND_WORDS})", name="kind_known"),
        CheckConstraint("size > 0", name="size_positive"),
        {"sqlite_autoincrement": True},  # an id that comes again would be what an older link names
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(Id)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)

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
    """The bytes of a file that is not kept yet, in pieces."""

    pieces: list[bytes]
    sha256: bytes

    @property
    def size(self) -> int:
        return sum(map(len, self.pieces))


def draft(content: Iterable[bytes]) -> Draft:
    """Gather the bytes of a file, given in parts of any length; no transaction need be open for as long as that takes."""
    digest, pieces = hashlib.sha256(), []
    for piece in _pieces(content):
        digest.update(piece)
        pieces.append(piece)
    return Draft(pieces, digest.digest())


def keep(workshop_id: int, kind: str, content: Draft) -> StoredFile:
    """Keep a file. Inside the `atomic()` of what will point to it."""
    kept = StoredFile(
        workshop_id=workshop_id,
        kind=kind,
        content_type=KINDS[kind][0],
        size=content.size,
        sha256=content.sha256,
    )
    with atomic() as session:
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
    """Yield the bytes of a file, a piece at a time and each by a statement of its own.

    :raises FileNotHere: it is gone, or was taken away meanwhile.
    """
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
        for model, which in ((FilePiece, FilePiece.file_id), (StoredFile, StoredFile.id)):
            session.execute(
                delete(model)
                .where(model.workshop_id == workshop_id, which.in_(file_ids))
                .execution_options(synchronize_session=False)
            )
    return len(file_ids)


# ---- Links --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """A way to a file that is open to whoever knows it, until it ends."""

    token: str
    expires_at: datetime


def link(kept: StoredFile) -> Link:
    """Return a link to a file. Two that are made within a minute are the same, so that a browser need not fetch it twice."""
    ends = clock.now().replace(second=0, microsecond=0) + LINK_LASTS
    named = _NAMED.pack(kept.workshop_id, kept.id, int(ends.timestamp()))
    return Link(base64.urlsafe_b64encode(named + _signature(named)).decode().rstrip("="), ends)


def _signature(named: bytes) -> bytes:
    return crypto.keyed_digest("file-link", named)


def linked(token: str) -> StoredFile:
    """Return the file that a link leads to.

    :raises FileNotHere: the link is not ours, was changed or has expired, or the file is gone.
    """
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (ValueError, binascii.Error) as error:
        raise FileNotHere() from error
    named, signature = raw[: _NAMED.size], raw[_NAMED.size :]
    if len(named) != _NAMED.size or not hmac.compare_digest(signature, _signature(named)):
        raise FileNotHere()
    workshop_id, file_id, ends = _NAMED.unpack(named)
    if clock.now() >= datetime.fromtimestamp(ends, UTC):
        raise FileNotHere()
    with tenancy.acting_in(workshop_id):
        kept = find(workshop_id, file_id)
    if kept is None:
        raise FileNotHere()
    return kept
