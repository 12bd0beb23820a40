"""Objects: the bytes of files in a store outside of the database, and the rows that tell of them.

An object is encrypted with a key of its own, which its row holds. The row is committed before the first byte is stored, and
goes after
the last one is deleted: nothing lies in a store that no row tells of. The transaction that makes the file's own row only
turns the
object's state from `loose` to `kept`, the one that forgets it to `doomed`; `sweep` deletes what is doomed, and what is loose
for so
long that nobody can be about to keep it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    CheckConstraint,
    CursorResult,
    Index,
    PrimaryKeyConstraint,
    String,
    and_,
    delete,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, crypto, jobs, stores, tenancy
from app.core.crypto import EncryptedBytes
from app.core.db import Instant, atomic, before_all
from app.core.model import Model
from app.core.stores import StoreAway
from app.core.tenancy import WorkshopOwned
from app.extensions import db

LOOSE_FOR = timedelta(hours=1)  # longer than any request or job takes from storing bytes to its commit
SWEEPING, SWEPT_AT_ONCE = "sweep-files", 500
_UNKEPT = text("state <> 'kept'")


class FileObject(WorkshopOwned, Model):
    """An object in a store, or one that may be there: since when it is `loose`, `kept` by a file, or `doomed`."""

    __tablename__ = "file_objects"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "key"),
        CheckConstraint("store IN ('folder', 's3')", name="store_known"),
        CheckConstraint("state IN ('loose', 'kept', 'doomed')", name="state_known"),
        Index("ix_file_objects_unkept", "since", sqlite_where=_UNKEPT, postgresql_where=_UNKEPT),
    )

    key: Mapped[str] = mapped_column(String(32))
    store: Mapped[str] = mapped_column(String(10))
    secret: Mapped[bytes] = mapped_column(EncryptedBytes)
    state: Mapped[str] = mapped_column(String(10), default="loose")
    since: Mapped[datetime] = mapped_column(Instant, default=clock.now)


# ---- Keeping ------------------------------------------------------------------------------------------------------


def store(pieces: list[bytes]) -> str:
    """Put the bytes of a file of the current workshop into the store that is chosen, and return their key.

    The row that tells of them comes first, in a transaction of its own.
    :raises StoreAway: the store cannot be reached. :raises RuntimeError: a transaction is open that has written.
    """
    secret, key, name = crypto.new_key(), stores.new_key(), stores.chosen()
    with before_all() as session:
        session.add(FileObject(workshop_id=tenancy.current_workshop(), key=key, store=name, secret=secret))
    stores.named(name).put(key, crypto.sealed_pieces(secret, pieces))
    return key


def keep(workshop_id: int, key: str) -> None:
    """Let a file keep an object. Inside the `atomic()` that makes the file.

    :raises StoreAway: it was stored so long ago that it has been swept.
    """
    if not _turn(workshop_id, [key], "loose", "kept"):
        raise StoreAway()


def doom(workshop_id: int, keys: Sequence[str]) -> None:
    """Let objects go that no file keeps any more. Inside the `atomic()` that deletes the files."""
    _turn(workshop_id, keys, "kept", "doomed")
    jobs.nudge_after_commit(SWEEPING)


def _turn(workshop_id: int, keys: Sequence[str], before: str, after: str) -> int:
    """Turn the state of objects, and return of how many: the row's own lock decides between who keeps and who sweeps."""
    statement = (
        update(FileObject)
        .where(FileObject.workshop_id == workshop_id, FileObject.key.in_(keys), FileObject.state == before)
        .values(state=after, since=clock.now())
        .execution_options(synchronize_session=False)
    )
    with atomic() as session:
        result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


def read(workshop_id: int, key: str, count: int, length: int) -> Iterator[bytes]:
    """Yield an object's `count` pieces of `length` bytes, decrypted.

    :raises Gone: it is not there, was cut short or changed. :raises StoreAway: its store cannot be reached.
    """
    with tenancy.acting_in(workshop_id):
        row = db.session.execute(
            select(FileObject.store, FileObject.secret).where(
                FileObject.workshop_id == workshop_id, FileObject.key == key
            )
        ).one_or_none()
    if row is None:
        raise stores.Gone
    found = 0
    for sealed in stores.named(row.store).read(key, length + crypto.SEAL_LENGTH):
        found += 1
        try:
            piece = crypto.opened_piece(row.secret, found - 1, sealed, last=found == count)
        except crypto.Unreadable as error:
            raise stores.Gone from error
        yield piece
    if found != count:
        raise stores.Gone


# ---- Sweeping -----------------------------------------------------------------------------------------------------


@jobs.periodic(SWEEPING, every=timedelta(minutes=10), at_start=True)
def sweep() -> int:
    """Delete from the stores what no file keeps: what is doomed, and what was stored for a transaction that never was.

    A bounded number; return how many are gone. What a store that is away has is tried again.
    """
    loose_since = FileObject.since <= clock.now() - LOOSE_FOR
    statement = (
        select(FileObject.workshop_id, FileObject.key, FileObject.store, FileObject.state)
        .where(_UNKEPT, or_(FileObject.state == "doomed", and_(FileObject.state == "loose", loose_since)))
        .order_by(FileObject.since)
        .limit(SWEPT_AT_ONCE)
    )
    with tenancy.across_workshops():
        found = db.session.execute(statement).all()
    away: set[str] = set()
    gone = 0
    for workshop_id, key, store, state in found:
        if store not in away:
            with tenancy.acting_in(workshop_id):
                try:
                    gone += _swept(workshop_id, key, store, state)
                except StoreAway:
                    away.add(store)
    return gone


def _swept(workshop_id: int, key: str, store: str, state: str) -> int:
    """Delete an object and then its row; one that was kept meanwhile stays."""
    if state == "loose" and not _turn(workshop_id, [key], "loose", "doomed"):
        return 0
    stores.named(store).remove(key)
    with atomic() as session:
        session.execute(
            delete(FileObject)
            .where(FileObject.workshop_id == workshop_id, FileObject.key == key, FileObject.state == "doomed")
            .execution_options(synchronize_session=False)
        )
    return 1
