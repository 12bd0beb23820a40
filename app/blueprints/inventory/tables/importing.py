"""Reading a table in: line by line what would happen, then all of it or nothing, in one transaction.

A dry run is the same run, undone at its end: so it tells what would happen, and not what somebody thought. Some hundred lines
are in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, BinaryIO, Literal, Protocol

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from app.blueprints.inventory.tables.cells import Column, parsed
from app.core import audit, sheets
from app.core.db import atomic, plan_for_values
from app.core.errors import Invalid
from app.core.sheets import Line, NotATable

LINES_AT_ONCE = 500
MOST_FAULTS_TOLD = 100
REASON = "Imported."
"""Of what is entered in the ledger."""

Action = Literal["created", "updated", "unchanged", "refused"]
Faults = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a line: what it is about, which fields change, or what is wrong with which."""

    line: int
    action: Action
    about: str
    fields: tuple[str, ...] = ()
    errors: Faults | None = None


@dataclass(slots=True)
class Wanted:
    """A line as it was read: values by column."""

    line: int
    values: dict[str, Any]
    errors: Faults

    @property
    def about(self) -> str:
        """What the line is about, as whoever wrote it knows it."""
        known = (self.values.get(name) for name in ("sku", "name", "id"))
        return str(next((one for one in known if one is not None), ""))

    def refused(self, **errors: list[str]) -> Outcome:
        """Return that nothing becomes of it."""
        return Outcome(self.line, "refused", self.about, errors={**self.errors, **errors})


@dataclass(slots=True)
class Summary:
    """How many lines there were of each outcome."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    faults: dict[str, Faults] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        """How many lines there were."""
        return self.created + self.updated + self.unchanged + self.refused

    def count(self, outcome: Outcome) -> None:
        """Count a line."""
        setattr(self, outcome.action, getattr(self, outcome.action) + 1)
        if outcome.errors is not None and len(self.faults) < MOST_FAULTS_TOLD:
            self.faults[str(outcome.line)] = outcome.errors


class Log:
    """What the audit log is told of each row that some lines make or change, as it would be told without a table."""

    def __init__(self, kind: str, recorded: Callable[[Any], dict[str, Any]]) -> None:
        self.is_kept = False
        self._kind, self._recorded = kind, recorded
        self._rows: list[tuple[Any, dict[str, Any] | None]] = []

    def added(self, row: Any) -> None:
        """Note that a row is new."""
        if self.is_kept:
            self._rows.append((row, None))

    def before(self, row: Any) -> None:
        """Note what a row is like, before it is changed."""
        if self.is_kept:
            self._rows.append((row, self._recorded(row)))

    def tell(self) -> None:
        """Tell what became of the rows, once it is written."""
        for row, before in self._rows:
            after = self._recorded(row)
            if before is None:
                audit.note(f"{self._kind}.added", self._kind, row.id, after=after)
            else:
                audit.note_change(f"{self._kind}.updated", self._kind, row.id, before, after)
        self._rows.clear()


class Table(Protocol):
    """What can be read in: its name, its columns, the rows that it touches, and what becomes of some lines."""

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> Mapping[str, Column]: ...

    @property
    def model(self) -> Any: ...

    @property
    def log(self) -> Log | None:
        """What is told of its rows, where their own ledger does not tell it."""
        ...

    def take(self, session: Session, wanted: Sequence[Wanted]) -> Iterator[Outcome]:
        """Do what some lines ask for, and yield what became of each. Inside the import's transaction."""
        ...


Tell = Callable[[Outcome], object]


def run(
    workshop_id: int,
    table: Table,
    stream: BinaryIO,
    *,
    dry_run: bool = False,
    most: int | None = None,
    tell: Tell = lambda outcome: None,
    done: Callable[[int], object] = lambda number: None,
) -> Summary:
    """Read a table in, of at most so many lines. `tell` hears of each line, `done` of how many more are done.

    The audit log is told how many lines did what; of a table of `LINES_AT_ONCE` at most also each row that is made or changed:
    more would keep whoever else appends to it waiting.
    :raises Invalid: it is no such table; or, unless it is a `dry_run`, a line is wrong, and then nothing was done.
    :raises Conflict, NotFound: somebody else wrote the same meanwhile, or took a category away.
    """
    summary = Summary()
    with atomic() as session:
        plan_for_values(session)
        # A savepoint, since the block may be part of a larger one: what a dry run did is undone here, whatever follows.
        tried = session.begin_nested()
        try:
            for outcome in _outcomes(session, workshop_id, table, stream, done, dry_run):
                summary.count(outcome)
                _require_fewer(summary, most)
                tell(outcome)
        except NotATable as fault:
            raise Invalid("See `errors`.", errors={"file": [str(fault)]}) from fault
        if dry_run:
            tried.rollback()
            session.info.pop("parts_moved", None)
            return summary
        if summary.refused:
            raise Invalid(f"{summary.refused} lines are wrong; nothing was done.", errors=_told(summary))
        tried.commit()
        if summary.created or summary.updated:
            numbers = {name: getattr(summary, name) for name in ("created", "updated", "unchanged")}
            audit.note(f"{table.name}.imported", "workshop", workshop_id, after=numbers)
    return summary


def _require_fewer(summary: Summary, most: int | None) -> None:
    if most is not None and summary.lines > most:
        raise NotATable(f"It has more than {most:,} lines: `flask stock import` reads it in.")


def _told(summary: Summary) -> dict[str, Any]:
    return {"lines": summary.faults}


def _outcomes(
    session: Session,
    workshop_id: int,
    table: Table,
    stream: BinaryIO,
    done: Callable[[int], object],
    dry_run: bool,
) -> Iterator[Outcome]:
    batches = _batches(sheets.read(stream, tuple(table.columns)))
    first = list(islice(batches, 2))
    if table.log is not None:
        table.log.is_kept = len(first) < 2 and not dry_run
    for number, batch in enumerate(chain(first, batches)):
        if number == 1:
            hold_all(session, workshop_id, table.model)
        wanted = [Wanted(line.number, *parsed(line, table.columns)) for line in batch]
        found = [one.refused() for one in wanted if one.errors]
        found += table.take(session, [one for one in wanted if not one.errors])
        yield from sorted(found, key=lambda outcome: outcome.line)
        done(len(batch))


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    waiting = iter(lines)
    while batch := list(islice(waiting, LINES_AT_ONCE)):
        yield batch


def hold_all(session: Session, workshop_id: int, model: Any) -> None:
    """Lock all rows of a workshop in the order of their ids, as everybody locks them: the lines come in any order."""
    rows = (
        select(model.id)
        .where(model.workshop_id == workshop_id)
        .order_by(model.id)
        .with_for_update(key_share=True)
    )
    session.execute(select(func.count()).select_from(rows.subquery()))


def is_new(row: object) -> bool:
    """Tell whether a row was made by this very table, and has no id yet."""
    state: Any = inspect(row)
    return state.key is None


def changed(row: object, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Change a row where a line says otherwise, and return in which fields."""
    found = tuple(name for name, value in values.items() if getattr(row, name) != value)
    for name in found:
        setattr(row, name, values[name])
    return found
