"""Statements whose text is made once: for the few routes that most requests go to.

Building, caching and compiling a large statement costs SQLAlchemy more, each time, than the database needs to answer it. A
`Prepared` statement is built from the models and compiled once; after that only its values travel. It passes the ORM's guard
by, so it brings its own wall: every table of a workshop in it must be tied to the parameter `workshop_id`, which is always
the workshop that the block acts in.

Rows come as the driver gives them, without the columns' own types: what reads them converts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Alias, BindParameter, Column, ColumnElement, Dialect, Row, Table, bindparam
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression

from app.core import tenancy
from app.core.db import require_atomic
from app.core.tenancy import UnscopedStatement, WorkshopOwned
from app.extensions import db

Convert = Callable[[Any], Any] | None


def here(model: type[WorkshopOwned]) -> ColumnElement[bool]:
    """Return the condition that a row of `model` belongs to the workshop that the statement is run in."""
    return model.workshop_id == bindparam("workshop_id")


class Prepared:
    """A statement that is compiled at its first use and then run by its text.

    `writes` names the table that it writes to, so that cached answers read from it end with the commit. `by_itself`: it may
    run outside `atomic()` too, and is then a transaction of its own. `everywhere`: it is of the installation, touches no
    workshop's table, and is run in whichever workshop or none.
    """

    def __init__(
        self,
        build: Callable[[], Any],
        *,
        writes: str | None = None,
        by_itself: bool = False,
        everywhere: bool = False,
    ) -> None:
        self._build = build
        self._writes = writes
        self._by_itself = by_itself
        self._everywhere = everywhere
        self._compiled: dict[str, tuple[str, list[tuple[str, Convert]], dict[str, Any], bool]] = {}

    @property
    def statement(self) -> Any:
        """The statement, checked against the wall. It is made anew: only its text is kept, which is far smaller.

        :raises UnscopedStatement: a workshop's table in it is not tied to `workshop_id`.
        """
        statement = self._build()
        if self._everywhere or self._writes is None:
            require_scoped(statement)
        return statement

    def rows(self, **values: Any) -> Sequence[Row[Any]]:
        """Run the statement in the current workshop and return its rows."""
        workshop_id = None if self._everywhere else tenancy.current_workshop()
        if self._writes is not None and not self._by_itself:
            require_atomic(db.session())
        connection = db.session.connection()
        text, parameters, constants, positional = self._text(connection.dialect)
        given = {**constants, **values, "workshop_id": workshop_id}
        converted = [(name, convert(given[name]) if convert else given[name]) for name, convert in parameters]
        bound: Any = tuple(value for _, value in converted) if positional else dict(converted)
        result = connection.exec_driver_sql(text, bound)
        if self._writes is not None and workshop_id is not None:
            db.session().info.setdefault("written", set()).add((workshop_id, self._writes))
        return result.all() if result.returns_rows else ()

    def row(self, **values: Any) -> Row[Any] | None:
        """Run the statement in the current workshop and return its only row, None when it has none."""
        rows = self.rows(**values)
        return rows[0] if rows else None

    def one(self, **values: Any) -> Any:
        """Run the statement in the current workshop and return the first value of its only row."""
        return self.rows(**values)[0][0]

    def _text(self, dialect: Dialect) -> tuple[str, list[tuple[str, Convert]], dict[str, Any], bool]:
        key = f"{dialect.name}+{dialect.driver}"
        known = self._compiled.get(key)
        if known is not None:
            return known
        compiled = self.statement.compile(dialect=dialect)
        names = list(compiled.positiontup if compiled.positional else compiled.bind_names.values())
        parameters = [(name, _converter(compiled.binds[name], dialect)) for name in names]
        made = compiled.string, parameters, dict(compiled.params), compiled.positional
        self._compiled[key] = made
        return made


def _converter(parameter: BindParameter[Any], dialect: Dialect) -> Convert:
    convert: Convert = parameter.type.dialect_impl(dialect).bind_processor(dialect)
    return convert


def require_scoped(statement: Any) -> None:
    """Refuse a statement in which a workshop's table is not tied to the parameter `workshop_id`.

    :raises UnscopedStatement: naming the tables.
    """
    owned = tenancy.owned_tables()
    elements: list[Any] = list(visitors.iterate(statement))
    read: set[Any] = {element for element in elements if isinstance(element, Table)} & owned
    read |= {element for element in elements if isinstance(element, Alias) and element.element in owned}
    tied = {element.left.table for element in elements if _ties_to_workshop(element)}
    if stray := {source.name for source in read - tied}:
        raise UnscopedStatement(f"Not tied to the workshop: {', '.join(sorted(stray))}.")


def _ties_to_workshop(element: Any) -> bool:
    return (
        isinstance(element, BinaryExpression)
        and element.operator is operators.eq
        and isinstance(element.left, Column)
        and element.left.name == "workshop_id"
        and isinstance(element.right, BindParameter)
        and element.right.key == "workshop_id"
    )
