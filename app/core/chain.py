"""The audit log's chain: each entry carries a keyed hash over what it says, its number and the hash before it.

HMAC-SHA-256 (RFC 2104), so that who may write to the database but does not know BLIND_INDEX_KEY cannot make a changed chain
look whole. PostgreSQL reckons the hash itself, while it holds the chain's head, which saves a trip for reading the head; so
that the key never travels there, each entry's hash has a key of its own, derived from a random salt.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Literal, Protocol

import orjson
from sqlalchemy import ColumnElement, func

from app.core.crypto import keyed_digest

BEGINNING = bytes(32)  # stands before the first entry
SALT_LENGTH = 16
_BLOCK = 64

Kind = Literal["changed", "removed", "inserted"]


class Link(Protocol):
    """An entry as the chain sees it."""

    workshop_id: Any
    sequence: Any
    at: Any
    account_id: Any
    role: Any
    action: Any
    subject_kind: Any
    subject_id: Any
    sealed_by: Any
    details: Any
    request_id: Any
    key_id: Any
    salt: Any
    previous_hash: Any
    hash: Any


class Head(Protocol):
    """The last entry as the chain's head remembers it."""

    sequence: Any
    hash: Any


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain is broken: an entry that was changed or inserted, or the number from which some were removed."""

    kind: Kind
    sequence: int


def new_salt() -> bytes:
    """Return what the key of one entry's hash is derived from."""
    return os.urandom(SALT_LENGTH)


def content_digest(
    *,
    workshop_id: int,
    at: datetime,
    account_id: int | None,
    role: str | None,
    action: str,
    subject_kind: str,
    subject_id: int | None,
    sealed_by: int | None,
    details: str | None,
    request_id: str | None,
    key_id: int | None = None,
) -> bytes:
    """Return the SHA-256 of what an entry says, in one canonical form: a JSON array in this order.

    The API key by which it was done comes last, in a second form: entries without one are as they were before there were keys.
    """
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    content = [
        1, workshop_id, moment, account_id, role, action, subject_kind, subject_id, sealed_by, details, request_id,
    ]  # fmt: skip
    if key_id is not None:
        content = [2, *content[1:], key_id]
    return hashlib.sha256(orjson.dumps(content)).digest()


def pads(salt: bytes) -> tuple[bytes, bytes]:
    """Return the inner and outer block of HMAC (RFC 2104, section 2) under the key of the entry with this salt."""
    key = _key(salt).ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)


def _key(salt: bytes) -> bytes:
    return keyed_digest("audit-chain", salt)


def hash_of(salt: bytes, previous: bytes, sequence: int, digest: bytes) -> bytes:
    """Return the hash of an entry."""
    return hmac.digest(_key(salt), previous + sequence.to_bytes(8, "big", signed=True) + digest, "sha256")


def hash_in_sql(
    inner: ColumnElement[bytes],
    outer: ColumnElement[bytes],
    previous: ColumnElement[bytes],
    sequence: ColumnElement[int],
    digest: ColumnElement[bytes],
) -> ColumnElement[bytes]:
    """Return `hash_of` as PostgreSQL reckons it, from the two blocks of HMAC."""
    message = inner.op("||")(previous).op("||")(func.int8send(sequence)).op("||")(digest)
    hashed: ColumnElement[bytes] = func.sha256(outer.op("||")(func.sha256(message)))
    return hashed


def _is_genuine(entry: Link, sequence: int) -> bool:
    digest = content_digest(
        workshop_id=entry.workshop_id,
        at=entry.at,
        account_id=entry.account_id,
        role=entry.role,
        action=entry.action,
        subject_kind=entry.subject_kind,
        subject_id=entry.subject_id,
        sealed_by=entry.sealed_by,
        details=entry.details,
        request_id=entry.request_id,
        key_id=entry.key_id,
    )
    expected = hash_of(bytes(entry.salt), bytes(entry.previous_hash), sequence, digest)
    return hmac.compare_digest(expected, bytes(entry.hash))


class Examination:
    """Walks a chain from its beginning and finds where it is broken. It holds two entries at a time.

    An entry has to be genuine, and to go on from the one before it: an older one that once had its number is genuine too.

    Numbers are those that the entries had when they were written: an entry that was put in and moved the later ones on, or
    taken out and moved them up, is one break, not as many as there are entries after it.
    """

    def __init__(self, head: Head | None) -> None:
        self._head = head
        self._last_hash = BEGINNING
        self._last_stored = 0
        self._shift = (
            0  # by how much the stored numbers are ahead of those that the entries were written with
        )

    def breaks(self, entries: Iterable[Any]) -> Iterator[Break]:
        """Yield where the chain of `entries`, in their order, is broken."""
        sentinel: list[Link | None] = [None]
        for entry, following in pairwise(_chained(entries, sentinel)):
            assert entry is not None
            yield from self._examine(entry, following)
        yield from self._examine_end()

    def _examine(self, entry: Link, following: Link | None) -> Iterator[Break]:
        expected = self._last_stored + 1
        follows = entry.sequence == expected
        if not follows:
            yield Break("removed", expected - self._shift)
        self._last_stored = entry.sequence
        number = entry.sequence - self._shift
        if _is_genuine(entry, number):
            self._last_hash, expected_hash = bytes(entry.hash), self._last_hash
            if follows and bytes(entry.previous_hash) != expected_hash:
                yield self._replaced(entry, number, following)
        elif _is_genuine(entry, number + 1):
            yield Break("removed", number)
            self._shift -= 1
            self._last_hash = bytes(entry.hash)
        elif self._was_inserted(number, following):
            yield Break("inserted", number)
            self._shift += 1
        else:
            yield Break("changed", number)
            self._last_hash = bytes(following.previous_hash if following is not None else entry.hash)

    def _replaced(self, entry: Link, number: int, following: Link | None) -> Break:
        """Tell which was put in the place of another: an entry that does not go on from the one before it, or that one.

        Both were written with the key, but one of them at another time, before its number was given anew.
        """
        after = self._last_hash
        if following is not None:
            after = bytes(following.previous_hash)
        elif self._head is not None:
            after = bytes(self._head.hash)
        is_this_one = number == 1 or after != self._last_hash
        self._last_hash = after
        return Break("changed", number if is_this_one else number - 1)

    def _was_inserted(self, number: int, following: Link | None) -> bool:
        """Tell whether the chain goes on as if an entry that is not genuine were not there."""
        if following is not None:
            return bytes(following.previous_hash) == self._last_hash
        return self._head is not None and number > self._head.sequence

    def _examine_end(self) -> Iterator[Break]:
        last = self._last_stored - self._shift
        if self._head is None:
            if last:  # what knows where the chain ends is gone, so the end may be gone too
                yield Break("removed", last + 1)
        elif self._head.sequence > last:
            yield Break("removed", last + 1)
        elif self._head.sequence < last:
            yield Break("inserted", self._head.sequence + 1)
        elif bytes(self._head.hash) != self._last_hash:
            yield Break("changed", last)


def _chained(entries: Iterable[Any], last: list[Link | None]) -> Iterator[Link | None]:
    yield from entries
    yield from last
