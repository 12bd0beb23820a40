"""pg8000 made quick: a statement's text is worked on once, not each time it runs.

As it comes, pg8000 scans the text of every execution character by character in Python (2.3 ms for a ticket's statement), and
takes three round trips: parse, describe, run; and as many to commit, even where a connection has only read. Here the scan is
remembered, and each connection keeps its statements prepared on the server, so that a repeated one is a single round trip
with its plan at hand; a commit is one too. What has to be said before a statement (`begin`, `precede`) travels with it.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from typing import Any

import pg8000.legacy
from pg8000.converters import make_params
from pg8000.core import NULL_BYTE

STATEMENTS_KEPT = 200

_convert_paramstyle = pg8000.legacy.convert_paramstyle


@lru_cache(maxsize=2048)
def _with_numbered_parameters(query: str) -> str:
    numbered: str = _convert_paramstyle("format", query, ())[0]
    return numbered


def _convert_once(style: str, query: str, args: Any) -> tuple[str, Any]:
    """Do what pg8000's own function of this place does, but scan a statement only once."""
    if style != "format":
        converted: tuple[str, Any] = _convert_paramstyle(style, query, args)
        return converted
    return _with_numbered_parameters(query), tuple(args)


pg8000.legacy.convert_paramstyle = _convert_once


class PreparingConnection(pg8000.legacy.Connection):  # type: ignore[misc]
    """A pg8000 connection that keeps the statements it ran prepared on the server, the least recent ones closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._prepared: OrderedDict[str, tuple[Any, Any, Any]] = OrderedDict()
        self._begins = False
        self._preceding: tuple[str, ...] = ()
        super().__init__(*args, **kwargs)

    def execute_unnamed(self, statement: str, vals: Any = (), oids: Any = (), stream: Any = None) -> Any:
        """Run a statement with parameters; what COPY streams goes the driver's own way."""
        if stream is not None or oids or not vals:
            self._run_preceding()
            return super().execute_unnamed(statement, vals=vals, oids=oids, stream=stream)
        name, columns, input_functions = self._prepare(statement)
        for one in self._take_preceding():
            self.send_PARSE(NULL_BYTE, one)
            self.send_BIND(NULL_BYTE, ())
            self.send_EXECUTE()
        return self.execute_named(name, make_params(self.py_types, vals), columns, input_functions, statement)

    def execute_simple(self, statement: str) -> Any:
        """Run a statement without parameters."""
        self._run_preceding()
        return super().execute_simple(statement)

    def begin(self) -> None:
        """Begin a transaction with the next statement, in the same trip if that has parameters."""
        self._begins = True

    def precede(self, *statements: str) -> None:
        """Let `statements`, which answer no rows, go before the next one, in the same trip if that has parameters."""
        self._preceding = statements

    def _take_preceding(self) -> tuple[str, ...]:
        preceding = ("BEGIN", *self._preceding) if self._begins else self._preceding
        self._begins, self._preceding = False, ()
        return preceding

    def _run_preceding(self) -> None:
        if preceding := self._take_preceding():
            super().execute_simple("; ".join(preceding))

    def _prepare(self, statement: str) -> tuple[Any, Any, Any]:
        if statement in self._prepared:
            self._prepared.move_to_end(statement)
            return self._prepared[statement]
        if len(self._prepared) >= STATEMENTS_KEPT:
            _, (name, _, _) = self._prepared.popitem(last=False)
            self.close_prepared_statement(name)
        self._prepared[statement] = self.prepare_statement(statement, ())
        return self._prepared[statement]

    def commit(self) -> None:
        """Commit in one round trip, and in none where only reading went on: the driver's own takes three each time."""
        self._begins = False  # where nothing was said since
        if self._in_transaction:
            self.execute_simple("commit")

    def rollback(self) -> None:
        """Undo in one round trip, and in none where there is nothing to undo."""
        self._begins = False
        if self._in_transaction:
            self.execute_simple("rollback")
