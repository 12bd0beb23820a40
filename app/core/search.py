"""Searching text: the words a person typed, found anywhere in columns, in any order and without regard to case."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, or_, true
from sqlalchemy.orm import InstrumentedAttribute

MOST_WORDS = 6


def split(typed: str) -> list[str]:
    """Return the words that were typed; of more than six, the sixth is all the rest."""
    return typed.strip().split(None, MOST_WORDS - 1)


def patterns(typed: str) -> list[str]:
    """Return the LIKE pattern of each word that was typed, as `split` tells them apart."""
    return [pattern(word) for word in split(typed)]


def has_words(typed: str, *columns: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Return the condition that each word that was typed is found in one of `columns`, in whichever order they stand."""
    return and_(true(), *(or_(*(contains(column, word) for column in columns)) for word in patterns(typed)))


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
