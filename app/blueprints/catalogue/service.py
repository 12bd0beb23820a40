"""The catalogue of makes and models: reference data that comes with the code and is held in memory.

`makes.json` is our own list, in the order in which makes and models were added to it: a make keeps its `id`, a model its place,
so that their ids stay. What was added is never taken out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import orjson

from app.blueprints.catalogue.errors import MakeNotFound
from app.core.errors import Invalid
from app.core.paging import Page, Walk

FILE = Path(__file__).parent / "makes.json"
MODELS_A_MAKE = 1000
ORDERS = ("name", "-name")


@dataclass(frozen=True, slots=True)
class CarModel:
    """A model of a make."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Make:
    """A make: what it is called, the country that it comes from (ISO 3166-1 alpha-2), its models by name."""

    id: int
    name: str
    country: str
    models: tuple[CarModel, ...]

    @property
    def model_count(self) -> int:
        """How many models of it there are."""
        return len(self.models)


@dataclass(frozen=True, slots=True)
class ModelOfMake:
    """A model with whose it is."""

    id: int
    name: str
    make_id: int
    make: str


Named = TypeVar("Named", Make, CarModel, ModelOfMake)


@lru_cache(maxsize=1)
def makes() -> tuple[Make, ...]:
    """Return all makes by name."""
    read = [
        Make(
            one["id"],
            one["name"],
            one["country"],
            _by_name([CarModel(one["id"] * MODELS_A_MAKE + place, name) for place, name in enumerate(one["models"])]),
        )
        for one in orjson.loads(FILE.read_bytes())
    ]  # fmt: skip
    return _by_name(read)


def _by_name(rows: Sequence[Named]) -> tuple[Named, ...]:
    return tuple(sorted(rows, key=lambda row: (folded(row.name), row.id)))


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """Return a text as names are searched: without regard to case, accents, blanks and hyphens. `Škoda` is found by `skoda`."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter) and letter not in " -")


def find_makes(walk: Walk, q: str | None = None) -> Page:
    """Return one page of the makes whose name has `q` in it.

    :raises Invalid: the cursor is not one of ours.
    """
    return _page(makes(), walk, q)


def find_models(make_id: int, walk: Walk, q: str | None = None) -> Page:
    """Return one page of a make's models whose name has `q` in it.

    :raises MakeNotFound: there is none. :raises Invalid: the cursor is not one of ours.
    """
    for make in makes():
        if make.id == make_id:
            return _page(make.models, walk, q)
    raise MakeNotFound()


@lru_cache(maxsize=1)
def models() -> tuple[ModelOfMake, ...]:
    """Return the models of all makes by name."""
    return _by_name(
        [ModelOfMake(model.id, model.name, make.id, make.name) for make in makes() for model in make.models]
    )


def find_any_models(walk: Walk, q: str | None = None) -> Page:
    """Return one page of the models of all makes whose name has `q` in it.

    :raises Invalid: the cursor is not one of ours.
    """
    return _page(models(), walk, q)


def _page(rows: Sequence[Named], walk: Walk, q: str | None) -> Page:
    sought = folded(q or "")
    ordered = rows if walk.order == "name" else rows[::-1]
    found = [(place, row) for place, row in enumerate(ordered) if sought in folded(row.name)]
    if walk.page is not None:
        first = (walk.page - 1) * walk.per_page
        return Page([row for _, row in found[first : first + walk.per_page]], walk, total=len(found))
    last_seen = _place_of(ordered, walk.cursor)
    rest = [row for place, row in found if place > last_seen]
    page = rest[: walk.per_page]
    return Page(page, walk, next_cursor=str(page[-1].id) if len(rest) > len(page) else None)


def _place_of(rows: Sequence[Named], cursor: str | None) -> int:
    """Return the place of the row that a cursor names, which is the last one seen; without a cursor one before the first.

    :raises Invalid: it names none.
    """
    if cursor is None:
        return -1
    for place, row in enumerate(rows):
        if str(row.id) == cursor:
            return place
    raise Invalid("The cursor is not valid.", errors={"cursor": ["Not a cursor of this list."]})
