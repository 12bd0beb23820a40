"""Searching text: the words a person typed, found anywhere in a column and without regard to case."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute


def pattern(words: str) -> str:
    """Return the LIKE pattern that finds `words` anywhere; `%` and `_` in them mean themselves."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def contains(column: InstrumentedAttribute[Any], sought: Any) -> ColumnElement[bool]:
    """Return the condition that `column` fits a `pattern`, given as text or as a parameter that will hold one."""
    return column.ilike(sought, escape="\\")


def begins(column: InstrumentedAttribute[Any], words: str) -> ColumnElement[bool]:
    """Return the condition that `column` begins with `words`, without regard to case."""
    return column.ilike(pattern(words)[1:], escape="\\")


def same(column: InstrumentedAttribute[Any], words: str) -> ColumnElement[bool]:
    """Return the condition that `column` reads `words`, without regard to case."""
    return column.ilike(pattern(words)[1:-1], escape="\\")
