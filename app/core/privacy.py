"""What is kept of a customer as a person: each feature says itself what it gives out of it, and what it erases.

A feature that keeps something of a person has a module `privacy.py` with functions under `part` (for the export), `erases` and,
where it knows what a person is called, `knows`. Each names the tables that it answers for; a test asks for every table that
leads to a customer or an account. Of what there is nothing to give out, `gives_nothing_of` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

from app.core.files import StoredFile
from app.extensions import db

ROWS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data it is: a customer of a workshop, with what they are or were called, written to and rung up by there."""

    workshop_id: int
    customer_id: int
    words: frozenset[str] = frozenset()

    @property
    def addresses(self) -> frozenset[str]:
        """Their e-mail addresses, the present and former ones."""
        return frozenset(word for word in self.words if "@" in word)


@dataclass(frozen=True, slots=True)
class Erased:
    """What of a person is gone, and how many of it there were."""

    what: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays when a person is erased, why, and until when if that is known. It names nobody."""

    what: str
    count: int
    why: str
    until: datetime | None = None


Contents = dict[str, Any] | Iterable[dict[str, Any]] | StoredFile | None
Knows = Callable[[Subject], Iterable[str | None]]
Gives = Callable[[Subject], Contents]
Erases = Callable[[Subject], Iterable[Erased | Kept]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an export: a name in its document, what that is, and who gives it out."""

    name: str
    says: str
    tables: tuple[str, ...]
    give: Gives


@dataclass(frozen=True, slots=True)
class Eraser:
    """A feature's own erasure."""

    tables: tuple[str, ...]
    erase: Erases


PARTS: dict[str, Part] = {}
ERASERS: list[Eraser] = []
SILENT: dict[str, str] = {}
_knowers: list[Knows] = []


def knows(knower: Knows) -> Knows:
    """Register a function that knows what a person is or was called, written to or rung up by."""
    _knowers.append(knower)
    return knower


def part(name: str, *, says: str, tables: tuple[str, ...]) -> Callable[[Gives], Gives]:
    """Register what gives out a part of the export: one thing, rows, a file, or nothing.

    Rows come one by one, so that a long history is never whole in memory (`walked`).
    :raises ValueError: the name is taken.
    """

    def register(give: Gives) -> Gives:
        if name in PARTS:
            raise ValueError(f"{name}: a part has a name of its own.")
        PARTS[name] = Part(name, says, tables, give)
        return give

    return register


def gives_nothing_of(table: str, why: str) -> None:
    """Say of a table that leads to a person that an export has nothing of it, and why."""
    SILENT[table] = why


def erases(*tables: str) -> Callable[[Erases], Erases]:
    """Register what erases a person from a feature's tables, and tells what of them stays. Inside the erasure's `atomic()`."""

    def register(erase: Erases) -> Erases:
        ERASERS.append(Eraser(tables, erase))
        return erase

    return register


def about(workshop_id: int, customer_id: int) -> Subject:
    """Return whose data it is, with all that any feature knows them by. In their workshop."""
    nameless = Subject(workshop_id, customer_id)
    words = {word for knower in _knowers for word in knower(nameless) if word}
    return Subject(workshop_id, customer_id, frozenset(words))


def erase(subject: Subject) -> list[Erased | Kept]:
    """Erase a person from all features, the last feature first, and tell what is gone and what stays."""
    told = [outcome for eraser in reversed(ERASERS) for outcome in eraser.erase(subject)]
    return [outcome for outcome in told if outcome.count]


def walked(statement: Select[*tuple[Any, ...]], key: InstrumentedAttribute[int]) -> Iterator[dict[str, Any]]:
    """Yield the rows that `statement` finds, by their columns' names, in the order of `key` and so many by a statement.

    `key` is the first of its columns.
    """
    seen, found = 0, ROWS_AT_ONCE
    while found == ROWS_AT_ONCE:
        rows = db.session.execute(statement.where(key > seen).order_by(key).limit(ROWS_AT_ONCE)).all()
        for row in rows:
            yield dict(row._mapping)
        found, seen = len(rows), rows[-1][0] if rows else seen
