"""Re-encrypting what is kept under older keys, while the application runs.

Every encrypted column of every model, in batches by primary key, each batch a transaction of its own. A value is replaced
only where it is still the one that was read, so a write that comes in between is never undone; rows that a request holds are
passed over and come back to later, so that nobody waits in a circle. A token names its key, so what is done already is passed
over without decrypting it: stopped at any place, it goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    case,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
    update,
)

from app.core import crypto, tenancy
from app.core.crypto import EncryptedBytes, EncryptedText
from app.core.model import Model
from app.extensions import db

ROWS_AT_ONCE = 500  # looked at by a statement: a few milliseconds, however large the table is
PIECES_AT_ONCE = 10  # of files, which are larger
PASSES = 5
PAUSE_SECONDS = 1.0

Found = tuple[Any, ...]
Progress = Callable[[int], object]


@dataclass
class Outcome:
    """What a rotation did to one column: values re-encrypted, left under older keys (by their names), and unreadable."""

    name: str
    renewed: int = 0
    unreadable: int = 0
    left: dict[str, int] = field(default_factory=dict)


def encrypted_columns() -> list[Column[Any]]:
    """Return the columns that the application encrypts, in the order of their tables."""
    return [
        found
        for table in Model.metadata.sorted_tables
        for found in table.columns
        if isinstance(found.type, EncryptedText | EncryptedBytes)
    ]


def waiting(found: Column[Any]) -> int:
    """Return how many values of a column are not under the newest key."""
    return sum(_left(found).values())


def _raw(found: ColumnElement[Any]) -> ColumnElement[bytes]:
    """Return a column as it lies in the database, past the type that decrypts."""
    return type_coerce(found, LargeBinary)


def _mark(found: Column[Any]) -> ColumnElement[bytes]:
    mark: ColumnElement[bytes] = func.substr(_raw(found), 1, crypto.MARK_LENGTH, type_=LargeBinary)
    return mark


def _is_older(found: Column[Any]) -> ColumnElement[bool]:
    newest = next(iter(crypto.marks()))
    return and_(found.is_not(None), _mark(found) != literal(newest, LargeBinary))


def renew(found: Column[Any], done: Progress) -> Outcome:
    """Re-encrypt what a column has under older keys; `done` hears how many values of each batch were dealt with.

    What others hold meanwhile is tried again, a few times. What no key reads is left as it is.
    """
    outcome = Outcome(f"{found.table.name}.{found.name}")
    for attempt in range(PASSES):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        outcome.unreadable = 0
        renewed = outcome.renewed
        for batch in _batches(found):
            number, unreadable = _renew_batch(found, batch)
            outcome.renewed += number
            outcome.unreadable += unreadable
            done(number)
        outcome.left = _left(found)
        if sum(outcome.left.values()) <= outcome.unreadable or (attempt and renewed == outcome.renewed):
            break
    return outcome


def _keys_of(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


def _at_once(found: Column[Any]) -> int:
    return PIECES_AT_ONCE if isinstance(found.type, EncryptedBytes) else ROWS_AT_ONCE


def _batches(found: Column[Any]) -> Iterator[list[Found]]:
    """Yield what is under older keys among so many rows at a time: the value, then the primary key."""
    keys = _keys_of(found.table)
    older = case((_is_older(found), _raw(found)), else_=None)
    statement: Select[*tuple[Any, ...]] = select(older, *keys).order_by(*keys).limit(_at_once(found))
    rows = _read(statement)
    while rows:
        if batch := [row for row in rows if row[0] is not None]:
            yield batch
        last = tuple_(*(literal(value, key.type) for value, key in zip(rows[-1][1:], keys, strict=True)))
        rows = _read(statement.where(tuple_(*keys) > last))


def _read(statement: Select[*tuple[Any, ...]]) -> Sequence[Found]:
    with tenancy.across_workshops(), db.engine.execution_options(shop_reads=True).connect() as connection:
        return [tuple(row) for row in connection.execute(statement)]


def _renew_batch(found: Column[Any], batch: list[Found]) -> tuple[int, int]:
    changes: list[tuple[Any, ...]] = []
    unreadable = 0
    for token, *key in batch:
        try:
            changes.append((*key, bytes(token), crypto.encrypt_bytes(crypto.decrypt_bytes(bytes(token)))))
        except crypto.Unreadable:
            unreadable += 1
    if not changes:
        return 0, unreadable
    with tenancy.across_workshops(), db.engine.begin() as connection:
        write = _write_at_once if connection.dialect.name == "postgresql" else _write_one_by_one
        return write(connection, found, changes), unreadable


def _write_at_once(connection: Connection, found: Column[Any], changes: list[tuple[Any, ...]]) -> int:
    """PostgreSQL: one statement, whose text is the same for any number of rows. Tokens are ASCII, and travel as text."""
    *keys, older, newer = map(list, zip(*changes, strict=True))
    given = {f"key_{place}": values for place, values in enumerate(keys)}
    given |= {"older": [token.decode() for token in older], "newer": [token.decode() for token in newer]}
    return int(connection.execute(_update_at_once(found), given).rowcount)


def _update_at_once(found: Column[Any]) -> Update:
    keys = _keys_of(found.table)
    names = [f"key_{place}" for place in range(len(keys))]
    arrays = [bindparam(name, type_=ARRAY(key.type)) for name, key in zip(names, keys, strict=True)]
    arrays += [bindparam(name, type_=ARRAY(Text)) for name in ("older", "newer")]
    renewals = func.unnest(*arrays).table_valued(*names, "older", "newer", name="renewals").render_derived()
    is_still = [key == renewals.c[name] for name, key in zip(names, keys, strict=True)]
    is_still.append(_raw(found) == func.convert_to(renewals.c.older, "UTF8", type_=LargeBinary))
    free = (
        select(*keys, renewals.c.older, renewals.c.newer)
        .where(*is_still)
        .with_for_update(skip_locked=True, key_share=True, of=found.table)
        .cte("free")
    )
    return (
        update(found.table)
        .where(
            *(key == free.c[key.name] for key in keys),
            _raw(found) == func.convert_to(free.c.older, "UTF8", type_=LargeBinary),
        )
        .values({found.name: func.convert_to(free.c.newer, "UTF8", type_=LargeBinary)})
    )


def _write_one_by_one(connection: Connection, found: Column[Any], changes: list[tuple[Any, ...]]) -> int:
    keys = _keys_of(found.table)
    statement = (
        update(found.table)
        .where(
            *(key == bindparam(f"key_{place}") for place, key in enumerate(keys)),
            _raw(found) == bindparam("older", type_=LargeBinary),
        )
        .values({found.name: bindparam("newer", type_=LargeBinary)})
    )
    rows = [
        {f"key_{place}": value for place, value in enumerate(key)} | {"older": older, "newer": newer}
        for *key, older, newer in changes
    ]
    return int(connection.execute(statement, rows).rowcount)


def _left(found: Column[Any]) -> dict[str, int]:
    """Return how many values are still under each older key, by the key's name; `unknown` where no key is known."""
    marks, older = crypto.marks(), select(_mark(found).label("mark")).where(_is_older(found)).subquery()
    statement = select(older.c.mark, func.count()).group_by(older.c.mark)
    left: dict[str, int] = {}
    for begins, number in _read(statement):
        name = marks.get(bytes(begins), "unknown")
        left[name] = left.get(name, 0) + int(number)
    return left
