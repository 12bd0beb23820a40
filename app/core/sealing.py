"""Keys of single persons: what is sealed under one is gone for good when the key is thrown away.

The audit log may not be edited, and a person may ask to be forgotten. So what an entry says of a person is encrypted under a
key of that person's own; erasing the person deletes the key ("crypto-shredding"), and the chain, which hashes what is
encrypted, still holds. The keys themselves are encrypted under ENCRYPTION_KEYS, and rotate with everything else.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import String, UniqueConstraint, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, tenancy
from app.core.crypto import NONCE_LENGTH, EncryptedText, decrypt
from app.core.db import Id, Instant, atomic
from app.core.model import Model
from app.core.prepared import Prepared
from app.core.tenancy import WorkshopOwned
from app.extensions import db


class Person(NamedTuple):
    """Whose key it is: a kind of record, such as `customer`, and its id."""

    kind: str
    id: int


class PersonKey(WorkshopOwned, Model):
    """The key under which the audit log keeps what it says of one person; deleted when they are erased."""

    __tablename__ = "person_keys"
    __table_args__ = (
        UniqueConstraint("workshop_id", "kind", "person_id"),
        {"sqlite_autoincrement": True},  # an id that comes again would name another person's key
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    person_id: Mapped[int] = mapped_column(Id)
    secret: Mapped[str] = mapped_column(EncryptedText)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)


@dataclass(frozen=True, slots=True)
class Seal:
    """A person's key, ready for use."""

    id: int
    secret: str

    def close(self, text: str) -> str:
        """Return `text` encrypted (AES-256-GCM), bound to this key's id."""
        nonce = os.urandom(NONCE_LENGTH)
        return base64.urlsafe_b64encode(
            nonce + self._cipher.encrypt(nonce, text.encode(), self._name)
        ).decode()

    def open(self, sealed: str) -> str:
        """Return the text that `close` encrypted."""
        raw = base64.urlsafe_b64decode(sealed)
        return self._cipher.decrypt(raw[:NONCE_LENGTH], raw[NONCE_LENGTH:], self._name).decode()

    @property
    def _cipher(self) -> AESGCM:
        return AESGCM(base64.urlsafe_b64decode(self.secret))

    @property
    def _name(self) -> bytes:
        return str(self.id).encode()


def _find_or_make() -> Any:
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    columns = ("workshop_id", "kind", "person_id", "secret", "created_at")
    statement = insert(PersonKey).values({name: bindparam(name) for name in columns})
    return statement.on_conflict_do_update(
        index_elements=["workshop_id", "kind", "person_id"], set_={"kind": statement.excluded.kind}
    ).returning(PersonKey.id, PersonKey.secret)


_FIND_OR_MAKE = Prepared(_find_or_make, writes="person_keys")


def seal_for(person: Person) -> Seal:
    """Return the key of a person of the current workshop; without one, make it. One statement, so that two find one key."""
    secret = base64.urlsafe_b64encode(os.urandom(32)).decode()
    row: Any = _FIND_OR_MAKE.row(kind=person.kind, person_id=person.id, secret=secret, created_at=clock.now())
    return Seal(row[0], decrypt(bytes(row[1])))


def seals(ids: Iterable[int]) -> dict[int, Seal]:
    """Return those of the current workshop's keys that are still there, by id."""
    statement = select(PersonKey).where(
        PersonKey.workshop_id == tenancy.current_workshop(), PersonKey.id.in_(ids)
    )
    return {key.id: Seal(key.id, key.secret) for key in db.session.scalars(statement)}


def shred(person: Person) -> None:
    """Throw a person's key away: nobody reads again what was sealed under it. (Backups have it until they are gone.)"""
    with atomic() as session:
        session.execute(
            delete(PersonKey)
            .where(
                PersonKey.workshop_id == tenancy.current_workshop(),
                PersonKey.kind == person.kind,
                PersonKey.person_id == person.id,
            )
            .execution_options(synchronize_session=False)
        )
