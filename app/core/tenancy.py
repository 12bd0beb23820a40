"""The wall between workshops in the ORM: no statement on a workshop's tables escapes the workshop it acts in.

Every SELECT, UPDATE and DELETE that touches a `WorkshopOwned` model gets the filter `workshop_id = <the current one>`, in
subqueries and joins too. With no current workshop such a statement raises. It is the second of four walls: the services
filter themselves, composite foreign keys make a link across workshops impossible, and on PostgreSQL the rows themselves are
hidden (`app.core.row_security`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from sqlalchemy import ForeignKey, Table, event
from sqlalchemy.orm import (
    Mapped,
    Mapper,
    ORMExecuteState,
    declared_attr,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql import visitors

from app.core.db import Id, Session

# The place of the installation itself. It is a row of `workshops` that is no workshop: what has to be somebody's and is no
# shop's (a log of its own, mail in its own name) is kept there, and there its admins act, where no shop has a row.
INSTALLATION = 0


class UnscopedStatement(RuntimeError):
    """A statement on a workshop's tables with no workshop named: a fault of ours, never the caller's."""


class WorkshopOwned:
    """A row that belongs to exactly one workshop."""

    @declared_attr
    def workshop_id(cls) -> Mapped[int]:
        return mapped_column(Id, ForeignKey("workshops.id"))


class _Everywhere:
    """Stands for all workshops at once: installation-wide work such as a sign-in or a migration of data."""


_current: ContextVar[int | _Everywhere | None] = ContextVar("workshop", default=None)


@contextlib.contextmanager
def acting_in(workshop_id: int) -> Iterator[None]:
    """Let the statements of a block see the rows of one workshop only."""
    token = _current.set(workshop_id)
    try:
        yield
    finally:
        _current.reset(token)


@contextlib.contextmanager
def across_workshops() -> Iterator[None]:
    """Let the statements of a block see every workshop: for what belongs to the installation."""
    token = _current.set(_Everywhere())
    try:
        yield
    finally:
        _current.reset(token)


def current_workshop() -> int:
    """Return the id of the workshop that this block acts in.

    :raises UnscopedStatement: it acts in none, or across all.
    """
    workshop = _current.get()
    if not isinstance(workshop, int):
        raise UnscopedStatement("No workshop is named here.")
    return workshop


def current_workshop_or_none() -> int | None:
    """Return the id of the workshop that this block acts in, None across all or outside any."""
    workshop = _current.get()
    return workshop if isinstance(workshop, int) else None


def is_everywhere() -> bool:
    """Tell whether this block acts across all workshops."""
    return isinstance(_current.get(), _Everywhere)


@event.listens_for(Session, "do_orm_execute")
def _guard(state: ORMExecuteState) -> None:
    workshop = _current.get()
    if isinstance(workshop, _Everywhere) or state.is_insert:
        return
    if isinstance(workshop, int):
        if state.is_orm_statement:
            state.statement = state.statement.options(
                with_loader_criteria(
                    WorkshopOwned, lambda cls: cls.workshop_id == workshop, include_aliases=True
                )
            )
            return
        if _touches_owned(state.statement):
            raise UnscopedStatement("Say it with the models: the guard cannot see into plain tables.")
        return
    if _touches_owned(state.statement):
        raise UnscopedStatement("A statement on a workshop's tables outside acting_in().")


_owned: set[Any] = set()


@event.listens_for(Mapper, "after_mapper_constructed")
def _enter_table(mapper: Any, model: type) -> None:
    if issubclass(model, WorkshopOwned):
        _owned.add(mapper.local_table)


def owned_tables() -> frozenset[Any]:
    """Return the tables of every `WorkshopOwned` model."""
    return frozenset(_owned)


def _touches_owned(statement: Any) -> bool:
    return any(element in _owned for element in visitors.iterate(statement) if isinstance(element, Table))
