"""JSON made by the database: one statement brings a thing with all that hangs on it, as one text for each row.

The driver then decodes one value a row instead of a dozen, and nothing is put together that would only be taken apart
again. Each function here says the same to PostgreSQL and to SQLite in their own words.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _Object(FunctionElement[Any]):
    type = Text()

    def __init__(self, **fields: Any) -> None:
        parts: list[Any] = []
        for name, column in fields.items():
            parts += [literal_column(f"'{name}'"), column]
        super().__init__(*parts)


class json_object(_Object):  # noqa: N801 - it reads as the SQL function that it is
    """Make a JSON object of columns: `json_object(id=T.id, name=T.name)`."""

    inherit_cache = True


class json_objects(_Object):  # noqa: N801
    """Collect rows as a JSON array of such objects, in no particular order."""

    inherit_cache = True


class json_text(_Object):  # noqa: N801
    """Make the JSON object that is a row's answer, as text."""

    inherit_cache = True


class nested(FunctionElement[Any]):  # noqa: N801
    """Put what a subquery collected into an object; no rows are an empty array."""

    type = Text()
    inherit_cache = True


class rfc3339(FunctionElement[Any]):  # noqa: N801
    """Write an instant as RFC 3339 in UTC, to the second."""

    type = Text()
    inherit_cache = True


class ascii_text(FunctionElement[Any]):  # noqa: N801
    """Write bytes that are ASCII, such as an encrypted value, as text."""

    type = Text()
    inherit_cache = True


def _process(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(json_object)
def _object(element: json_object, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_build_object({_process(element, compiler, **kw)})"


@compiles(json_object, "sqlite")
def _object_sqlite(element: json_object, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_object({_process(element, compiler, **kw)})"


@compiles(json_objects)
def _objects(element: json_objects, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_agg(json_build_object({_process(element, compiler, **kw)}))"


@compiles(json_objects, "sqlite")
def _objects_sqlite(element: json_objects, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_group_array(json_object({_process(element, compiler, **kw)}))"


@compiles(json_text)
def _text(element: json_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(json_build_object({_process(element, compiler, **kw)}) AS text)"


@compiles(json_text, "sqlite")
def _text_sqlite(element: json_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_object({_process(element, compiler, **kw)})"


@compiles(nested)
def _nested(element: nested, compiler: SQLCompiler, **kw: Any) -> str:
    return f"coalesce({_process(element, compiler, **kw)}, '[]')"


@compiles(nested, "sqlite")
def _nested_sqlite(element: nested, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json({_process(element, compiler, **kw)})"


@compiles(rfc3339)
def _rfc3339(element: rfc3339, compiler: SQLCompiler, **kw: Any) -> str:
    return (
        f"""to_char({_process(element, compiler, **kw)} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
    )


@compiles(rfc3339, "sqlite")
def _rfc3339_sqlite(element: rfc3339, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strftime('%Y-%m-%dT%H:%M:%SZ', {_process(element, compiler, **kw)})"


@compiles(ascii_text)
def _ascii(element: ascii_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"encode({_process(element, compiler, **kw)}, 'escape')"


@compiles(ascii_text, "sqlite")
def _ascii_sqlite(element: ascii_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({_process(element, compiler, **kw)} AS TEXT)"
