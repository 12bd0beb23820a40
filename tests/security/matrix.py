"""docs/access-matrix.md, read by machine: every route, and what each caller is answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PATH = Path(__file__).parent.parent.parent / "docs" / "access-matrix.md"
CALLERS = ("nobody", "customer", "other customer", "mechanic", "owner", "other owner", "admin")
_ROW = re.compile(r"\| (GET|POST|PUT|PATCH|DELETE) \| `([^`]+)` \| (.+) \|")


@dataclass(frozen=True)
class Row:
    """A route, and the status that each caller is answered with."""

    method: str
    path: str
    expected: dict[str, int]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def opens_to(self, caller: str) -> bool:
        return self.expected[caller] < 300


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """Return the table's rows. A header that names other callers is an error, as is a cell that is no status."""
    lines = PATH.read_text(encoding="utf-8").splitlines()
    header = f"| Method | Path | {' | '.join(CALLERS)} |"
    odd = [line for line in lines if line.startswith("| Method |") and line != header]
    assert not odd, odd
    found = [match for line in lines if (match := _ROW.fullmatch(line))]
    return tuple(
        Row(match[1], match[2], dict(zip(CALLERS, map(int, match[3].split(" | ")), strict=True)))
        for match in found
    )
