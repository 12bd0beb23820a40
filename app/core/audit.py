"""The audit log: who changed what, from what to what, when, by which request. Appended to, never edited.

A service notes each change of business meaning where it makes it (`note`). What was noted is appended when the transaction is
about to be committed, so the log has exactly what was done. Entries are numbered and chained by workshop (`app/core/chain.py`);
the chain's head is the last row that a transaction locks, and is held only until its commit. What an entry says of a person is
sealed under that person's key (`app/core/sealing.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import orjson
from flask import g
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    bindparam,
    cast,
    event,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm import Session as AnySession

from app.core import chain, clock, sealing, tenancy
from app.core.db import Id, Instant, Session, require_atomic
from app.core.identity import Principal
from app.core.model import Model
from app.core.prepared import Prepared, here
from app.core.scopes import Role
from app.core.sealing import Person, Seal
from app.core.tenancy import WorkshopOwned
from app.extensions import db

Values = Mapping[str, Any]
_SEALED = text("sealed_by IS NOT NULL")


class AuditEntry(WorkshopOwned, Model):
    """One change: `sequence` counts within the workshop, `details` is JSON of what changed, sealed where `sealed_by` says so.

    Triggers refuse UPDATE, DELETE and (on PostgreSQL) TRUNCATE. No foreign key leads out: the log outlives what it tells of.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "sequence"),
        CheckConstraint("sequence > 0", name="sequence_positive"),
        Index("ix_audit_entries_subject", "workshop_id", "subject_kind", "subject_id", "sequence"),
        Index("ix_audit_entries_account", "workshop_id", "account_id", "sequence"),
        Index("ix_audit_entries_action", "workshop_id", "action", "sequence"),
        Index(
            "ix_audit_entries_sealed_by",
            "workshop_id",
            "sealed_by",
            "sequence",
            sqlite_where=_SEALED,
            postgresql_where=_SEALED,
        ),
        Index("ix_audit_entries_at", "workshop_id", "at", "sequence"),
    )

    sequence: Mapped[int] = mapped_column(BigInteger, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)
    account_id: Mapped[int | None] = mapped_column(Id)
    role: Mapped[str | None] = mapped_column(String(20))
    action: Mapped[str] = mapped_column(String(60))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int | None] = mapped_column(Id)
    sealed_by: Mapped[int | None] = mapped_column(Id)
    details: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(128))
    key_id: Mapped[int | None] = mapped_column(Id)
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditHead(WorkshopOwned, Model):
    """The end of a workshop's chain: its row is locked by whoever appends, until that is committed."""

    __tablename__ = "audit_heads"
    __table_args__ = (PrimaryKeyConstraint("workshop_id"),)

    sequence: Mapped[int] = mapped_column(BigInteger)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


@dataclass(slots=True)
class Note:
    """A change that waits for its transaction's end."""

    workshop_id: int
    action: str
    subject: Person
    before: dict[str, Any]
    after: dict[str, Any]
    person: Person | None
    at: datetime


def note(
    action: str,
    subject_kind: str,
    subject_id: int,
    *,
    before: Values | None = None,
    after: Values | None = None,
    person: Person | None = None,
    workshop_id: int | None = None,
) -> None:
    """Note a change of the current workshop (or of `workshop_id`): the fields that changed, before and after.

    What is told of a `person` is readable as long as they are not erased. Never give a password, a token or a hash of one.
    The same action on the same subject twice in a transaction is one entry.
    """
    session = db.session()
    require_atomic(session)
    owner = tenancy.current_workshop() if workshop_id is None else workshop_id
    noted: dict[tuple[int, str, Person], Note] = session.info.setdefault("noted", {})
    subject = Person(subject_kind, subject_id)
    earlier = noted.get((owner, action, subject))
    if earlier is None:
        said = Note(owner, action, subject, dict(before or {}), dict(after or {}), person, clock.now())
        noted[owner, action, subject] = said
    else:
        earlier.before = {**(before or {}), **earlier.before}
        earlier.after |= after or {}


def note_change(
    action: str,
    subject_kind: str,
    subject_id: int,
    before: Values,
    after: Values,
    *,
    person: Person | None = None,
) -> None:
    """Note what differs between `before` and `after`; nothing, where nothing does."""
    changed = [name for name in after if before.get(name) != after[name]]
    if changed:
        note(
            action,
            subject_kind,
            subject_id,
            before={name: before.get(name) for name in changed},
            after={name: after[name] for name in changed},
            person=person,
        )


def forget(person: Person) -> None:
    """Make all that the log of the current workshop says of a person unreadable, for good; the chain still holds."""
    sealing.shred(person)
    shredded: set[tuple[int, Person]] = db.session().info.setdefault("shredded", set())
    shredded.add((tenancy.current_workshop(), person))


def fields_of(row: object, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of some of a row's fields."""
    return {name: getattr(row, name) for name in names}


# ---- Appending ----------------------------------------------------------------------------------------------------


@event.listens_for(Session, "before_commit")
def _append_noted(session: AnySession) -> None:
    noted: list[Note] = list(session.info.get("noted", {}).values())
    if not noted:
        return
    session.flush()
    for one in noted:
        if (one.workshop_id, one.person) in session.info.get("shredded", ()):
            one.before, one.after = {}, {}
    keys = _keys(noted)
    for one in sorted(noted, key=lambda one: one.workshop_id):  # heads are locked in one order
        with tenancy.acting_in(one.workshop_id):
            _append(one, keys.get((one.workshop_id, one.person)))
    _forget_noted(session)


@event.listens_for(Session, "after_rollback")
def _forget_noted(session: AnySession) -> None:
    session.info.pop("noted", None)
    session.info.pop("shredded", None)


def _keys(noted: list[Note]) -> dict[tuple[int, Person | None], Seal]:
    """Return the keys that are needed, made or locked in one order and before any head."""
    wanted = {(one.workshop_id, one.person) for one in noted if one.person and (one.before or one.after)}
    keys: dict[tuple[int, Person | None], Seal] = {}
    for workshop_id, person in sorted(wanted):
        with tenancy.acting_in(workshop_id):
            keys[workshop_id, person] = sealing.seal_for(person)
    return keys


def _role_in(workshop_id: int, principal: Principal | None) -> Role | None:
    """Return what the log of a workshop says that somebody acted as; what they are in another workshop is not told."""
    if principal is None or (principal.role != "admin" and principal.workshop_id != workshop_id):
        return None
    return principal.role


def _append(one: Note, key: Seal | None) -> None:
    details = _written(one)
    if details is not None and key is not None:
        details = key.close(details)
    principal, salt = g.get("principal"), chain.new_salt()
    said: dict[str, Any] = {
        "at": one.at,
        "account_id": principal.account_id if principal else None,
        "role": _role_in(one.workshop_id, principal),
        "action": one.action,
        "subject_kind": one.subject.kind,
        "subject_id": one.subject.id,
        "sealed_by": key.id if key else None,
        "details": details,
        "request_id": g.get("request_id"),
        "key_id": principal.key_id if principal else None,
    }
    digest = chain.content_digest(workshop_id=one.workshop_id, **said)
    if db.engine.dialect.name == "postgresql":
        inner, outer = chain.pads(salt)
        _APPEND.rows(**_entered(said), salt_=salt, inner=inner, outer=outer, digest=digest)
    else:
        _append_alone(said, salt, digest)


def _written(one: Note) -> str | None:
    if not one.before and not one.after:
        return None
    told = {"before": one.before or None, "after": one.after or None}
    return orjson.dumps(told, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in the audit log")


SAID = (
    "at", "account_id", "role", "action", "subject_kind", "subject_id", "sealed_by", "details", "request_id", "key_id",
)  # fmt: skip


def _entered(said: dict[str, Any]) -> dict[str, Any]:
    return {f"{name}_": value for name, value in said.items()}


def _append_in_one() -> Any:
    """PostgreSQL: the head moves on, reckons the hash and the entry is written, in one statement."""
    # Cast, or PostgreSQL would take the parameters for text.
    parts = [cast(bindparam(name, type_=LargeBinary), LargeBinary) for name in ("inner", "outer", "digest")]

    def hashed(previous: Any, sequence: Any) -> Any:
        return chain.hash_in_sql(parts[0], parts[1], previous, sequence, parts[2])

    beginning, first = cast(literal(chain.BEGINNING, LargeBinary), LargeBinary), literal(1, BigInteger)
    following = AuditHead.sequence + literal(1, BigInteger)
    head: Any = (
        postgresql.insert(AuditHead)
        .values(
            workshop_id=bindparam("workshop_id"),
            sequence=first,
            previous_hash=beginning,
            hash=hashed(beginning, first),
        )
        .on_conflict_do_update(
            index_elements=["workshop_id"],
            set_={
                "sequence": following,
                "previous_hash": AuditHead.hash,
                "hash": hashed(AuditHead.hash, following),
            },
        )
        .returning(AuditHead.workshop_id, AuditHead.sequence, AuditHead.previous_hash, AuditHead.hash)
        .cte("head")
    )
    columns = AuditEntry.__table__.c
    given: list[Any] = [bindparam(f"{name}_", type_=columns[name].type) for name in (*SAID, "salt")]
    return insert(AuditEntry).from_select(
        ["workshop_id", "sequence", "previous_hash", "hash", *SAID, "salt"],
        select(head.c.workshop_id, head.c.sequence, head.c.previous_hash, head.c.hash, *given),
    )


_APPEND = Prepared(_append_in_one, writes="audit_entries")


@cache
def _alone() -> tuple[Prepared, Prepared, Prepared, Prepared]:
    columns = ("workshop_id", "sequence", "previous_hash", "hash")
    head: dict[str, Any] = {name: bindparam(name) for name in columns}
    return (
        Prepared(lambda: select(AuditHead.sequence, AuditHead.hash).where(here(AuditHead))),
        Prepared(lambda: insert(AuditHead).values(head), writes="audit_heads"),
        Prepared(
            lambda: (
                update(AuditHead)
                .where(AuditHead.workshop_id == bindparam("workshop_id"))
                .values({name: bindparam(name) for name in columns[1:]})
            ),
            writes="audit_heads",
        ),
        Prepared(
            lambda: insert(AuditEntry).values({name: bindparam(name) for name in (*columns, *SAID, "salt")}),
            writes="audit_entries",
        ),
    )


def _append_alone(said: dict[str, Any], salt: bytes, digest: bytes) -> None:
    """SQLite: three statements, which cost no trip; the lock that the transaction began with keeps others away."""
    read, begin, move, enter = _alone()
    head: Any = read.row()
    previous = bytes(head[1]) if head else chain.BEGINNING
    sequence = head[0] + 1 if head else 1
    link = {
        "sequence": sequence,
        "previous_hash": previous,
        "hash": chain.hash_of(salt, previous, sequence, digest),
    }
    (move if head else begin).rows(**link)
    enter.rows(**link, **said, salt=salt)
