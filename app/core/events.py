"""Announcements: what an earlier feature tells, and a later one acts on, in the same transaction.

A feature imports only earlier ones. What comes later hears of it here: the earlier one announces a value that says what
happened (its `events.py`), the later one has a function that handles it (its `handlers.py`). Both are committed, or neither.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from app.core.db import require_atomic
from app.extensions import db

Event = TypeVar("Event")
_handlers: defaultdict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)


def handles(kind: type[Event]) -> Callable[[Callable[[Event], None]], Callable[[Event], None]]:
    """Register a function that is called with each announcement of a kind, in the order of the features."""

    def register(handler: Callable[[Event], None]) -> Callable[[Event], None]:
        _handlers[kind].append(handler)
        return handler

    return register


def announce(event: object) -> None:
    """Tell whoever handles announcements of this kind. What they raise undoes the change that is announced.

    :raises RuntimeError: outside `atomic()`.
    """
    require_atomic(db.session())
    for handler in _handlers[type(event)]:
        handler(event)
