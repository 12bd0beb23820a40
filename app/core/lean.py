"""Keeping a process small: what a library would load for a case that is not ours stays unloaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(name: str) -> Iterator[None]:
    """Let a block import what takes the module `name` where it is there, without loading it; loaded already, it stays.

    Whoever imports it afterwards gets it as always.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # how an import is told that there is none
    try:
        yield
    finally:
        del sys.modules[name]
