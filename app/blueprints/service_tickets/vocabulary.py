"""The words of a ticket beside its status: what a line is, how one job follows from another, what is ranked."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["labour", "part", "fee", "discount"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Link = Literal["warranty", "comeback"]
LINKS: tuple[Link, ...] = get_args(Link)
"""Done again under the warranty, or because the car came back with it."""

Grouping = Literal["part", "make", "mechanic"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
"""By what the use of parts is ranked."""
