"""Lists: bounded always, by page with a count, or by cursor without one.

Walked by cursor, a page is found by its place in an index (keyset): the last page costs what the first does, and rows
inserted meanwhile neither repeat nor hide one. The cursor is the last row's sort keys and id, and the order it was made for.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlencode

import orjson
from flask import json, request
from marshmallow import ValidationError, fields, validate, validates_schema
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Double,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.core.clock import as_utc
from app.core.db import Cents, Instant
from app.core.errors import Invalid
from app.core.money import from_cents, to_cents
from app.core.parameters import QueryInteger
from app.core.schema import Schema

Way = Literal["first", "page", "cursor"]

PER_PAGE = 20
MOST_PER_PAGE = 100
LAST_PAGE = 1_000_000
LONGEST_CURSOR = 2000  # a name of 200 characters, each of four bytes, fits


class ListQuery(Schema):
    """The query parameters that every list takes; each list adds its filters."""

    page = QueryInteger(
        most=LAST_PAGE,
        metadata={
            "description": "The page, from 1. With it the answer has a count and links to every page.",
            "example": 1,
        },
    )
    per_page = QueryInteger(
        most=MOST_PER_PAGE,
        load_default=PER_PAGE,
        metadata={"description": "Rows a page.", "example": 20},
    )
    cursor = fields.String(
        validate=validate.Length(1, LONGEST_CURSOR),
        metadata={
            "description": "Where to go on, as the `Link` header's `next` gives it. Not together with `page`."
        },
    )

    @validates_schema
    def _one_way_to_walk(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "page" in data and "cursor" in data:
            raise ValidationError("Use `page` or `cursor`, not both.", "cursor")


@dataclass(frozen=True, slots=True)
class Walk:
    """How a caller walks a list: the order, and a page's number or the place to go on from."""

    order: str
    per_page: int
    page: int | None = None
    cursor: str | None = None

    @property
    def way(self) -> Way:
        """How the place in the list is named."""
        if self.page is not None:
            return "page"
        return "first" if self.cursor is None else "cursor"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, and where the list goes on."""

    rows: Sequence[Any]
    walk: Walk
    next_cursor: str | None = None
    total: int | None = None


class Order:
    """The orders that a list can be asked for: an allow-list of names, each a column that is never NULL."""

    def __init__(
        self, identity: InstrumentedAttribute[Any], default: str, **columns: InstrumentedAttribute[Any]
    ) -> None:
        self.columns: dict[str, InstrumentedAttribute[Any]] = {**columns, "id": identity}
        self.default = default

    def field(self) -> fields.String:
        """Return the query parameter `sort` that takes these orders."""
        names = ", ".join(f"`{name}`" for name in self.columns)
        one = "|".join(self.columns)
        return fields.String(
            load_default=self.default,
            validate=self._check,
            metadata={
                "description": f"The order: any of {names}, comma-separated, each once, with `-` for descending.",
                "pattern": f"^-?(?:{one})(?:,-?(?:{one}))*$",
                "example": self.default,
            },
        )

    def _check(self, value: str) -> None:
        keys = value.split(",")
        names = [key.removeprefix("-") for key in keys]
        unknown = [name for name in names if name not in self.columns]
        if unknown:
            raise ValidationError(f"Unknown: {', '.join(unknown)}. Known: {', '.join(self.columns)}.")
        if len(set(names)) != len(names):
            raise ValidationError("Each key at most once.")

    def keys(self, order: str) -> list[tuple[str, bool]]:
        """Return the keys of `order` as (name, descending), with id as the last tie-break."""
        keys = [(key.removeprefix("-"), key.startswith("-")) for key in order.split(",")]
        if "id" not in [name for name, _ in keys]:
            keys.append(("id", keys[-1][1]))
        return keys


def walk_of(query: dict[str, Any]) -> Walk:
    """Take the walk out of a parsed query, and leave the filters."""
    return Walk(query.pop("sort"), query.pop("per_page"), query.pop("page", None), query.pop("cursor", None))


def fetch(
    statement: Select[*tuple[Any, ...]],
    order: Order,
    walk: Walk,
    run: Callable[[Any, dict[str, Any]], Sequence[Any]],
    count: Callable[[Any, dict[str, Any]], int],
) -> Page:
    """Return one page of `statement`, which selects at least the columns of the order.

    `run` returns the rows of a statement and its values, `count` the number that a counting statement finds.
    :raises Invalid: the cursor is not one of ours, or was made for another order.
    """
    values = place_of(walk, order)
    total = count(counted(statement), values) if walk.page is not None else None
    return page_of(run(arranged(statement, order, walk.order, walk.way), values), order, walk, total)


def arranged(
    statement: Select[*tuple[Any, ...]], order: Order, keys_text: str, way: Way
) -> Select[*tuple[Any, ...]]:
    """Return `statement` in its order and cut to a page, for the values that `place_of` finds."""
    limit = bindparam("walk_limit", type_=Integer)
    if way == "page":
        return (
            in_order(statement, order, keys_text)
            .limit(limit)
            .offset(bindparam("walk_offset", type_=BigInteger))
        )
    return in_order(_from_its_place(statement, order, keys_text, way), order, keys_text).limit(limit)


def walked(
    statement: Select[*tuple[Any, ...]], order: Order, keys_text: str, way: Way, entity: Any
) -> Select[*tuple[Any, ...]]:
    """Do what `arranged` does where the order's own index bounds the list too, so that one plan is right for any values.

    A page is first cut to the longest that there is, in the text: of a page whose length it does not know PostgreSQL takes a
    tenth of the list to be read, for which to plan anew each time looks cheaper. `entity`: whose rows `statement` selects.
    """
    if way == "page":
        return arranged(statement, order, keys_text, way)
    begun = in_order(_from_its_place(statement, order, keys_text, way), order, keys_text)
    longest = aliased(entity, begun.limit(literal_column(str(MOST_PER_PAGE + 1))).subquery("longest"))
    return in_order(select(longest), order, keys_text, longest).limit(bindparam("walk_limit", type_=Integer))


def _from_its_place(
    statement: Select[*tuple[Any, ...]], order: Order, keys_text: str, way: Way
) -> Select[*tuple[Any, ...]]:
    if way == "first":
        return statement
    keys = order.keys(keys_text)
    return statement.where(_beyond([order.columns[name] for name, _ in keys], keys))


def in_order(
    statement: Select[*tuple[Any, ...]], order: Order, keys_text: str, entity: Any = None
) -> Select[*tuple[Any, ...]]:
    """Return `statement` in its order; `entity`: whose columns of these names they are, where not the order's own."""
    keys = [(order.columns[name], down) for name, down in order.keys(keys_text)]
    columns = [(getattr(entity, column.key) if entity is not None else column, down) for column, down in keys]
    return statement.order_by(*(column.desc() if down else column.asc() for column, down in columns))


def counted(statement: Select[*tuple[Any, ...]]) -> Select[int]:
    """Return the statement that counts the rows of `statement`."""
    return statement.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)


def place_of(walk: Walk, order: Order) -> dict[str, Any]:
    """Return the values that an arranged statement takes for this walk.

    :raises Invalid: the cursor is not one of ours, or was made for another order.
    """
    if walk.page is not None:
        return {"walk_limit": walk.per_page, "walk_offset": (walk.page - 1) * walk.per_page}
    place: dict[str, Any] = {"walk_limit": walk.per_page + 1}  # one more tells whether the list goes on
    if walk.cursor is not None:
        columns = [order.columns[name] for name, _ in order.keys(walk.order)]
        place |= {f"after_{number}": value for number, value in enumerate(_read_cursor(walk, columns))}
    return place


def page_of(rows: Sequence[Any], order: Order, walk: Walk, total: int | None = None) -> Page:
    """Return the page that `rows` make, and where the list goes on."""
    if walk.page is not None:
        return Page(rows, walk, total=total)
    more = len(rows) > walk.per_page
    rows = rows[: walk.per_page]
    columns = [order.columns[name] for name, _ in order.keys(walk.order)]
    return Page(rows, walk, next_cursor=_write_cursor(walk, columns, rows[-1]) if more else None)


def _beyond(
    columns: Sequence[InstrumentedAttribute[Any]], keys: Sequence[tuple[str, bool]]
) -> ColumnElement[bool]:
    """Return the condition "comes after the cursor's row".

    Where all keys go one way it compares rows, and the scan of the index begins at the very place. Else its first part bounds
    the scan, which then passes by what is level with the cursor's row in the first key.
    """
    values = [bindparam(f"after_{place}", type_=column.type) for place, column in enumerate(columns)]
    if len({down for _, down in keys}) == 1:
        here, there = tuple_(*columns), tuple_(*values)
        return here < there if keys[0][1] else here > there

    def after(place: int) -> ColumnElement[bool]:
        column, down = columns[place], keys[place][1]
        step: ColumnElement[bool] = column < values[place] if down else column > values[place]
        return step

    branches = [
        and_(*(columns[earlier] == values[earlier] for earlier in range(place)), after(place))
        for place in range(len(columns))
    ]
    first, down = columns[0], keys[0][1]
    bound = first <= values[0] if down else first >= values[0]
    return and_(bound, or_(*branches))


def _write_cursor(walk: Walk, columns: Sequence[InstrumentedAttribute[Any]], row: Any) -> str:
    values = [
        _plain(row[column.key] if isinstance(row, dict) else getattr(row, column.key)) for column in columns
    ]
    return base64.urlsafe_b64encode(orjson.dumps([walk.order, values])).decode().rstrip("=")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return to_cents(value)
    return value.isoformat() if isinstance(value, date) else value


def _read_cursor(walk: Walk, columns: Sequence[InstrumentedAttribute[Any]]) -> list[Any]:
    refusal = Invalid(
        "The cursor is not valid.", errors={"cursor": ["Not a cursor of this list in this order."]}
    )
    try:
        text = (walk.cursor or "").encode("ascii")
        order, values = orjson.loads(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)))
        if order != walk.order or len(values) != len(columns):
            raise refusal
        return [_typed(value, column) for value, column in zip(values, columns, strict=True)]
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise refusal from error


def _typed(value: Any, column: InstrumentedAttribute[Any]) -> Any:
    kind = column.type
    if isinstance(value, str) and "\0" not in value:
        if isinstance(kind, Instant):
            return as_utc(value)
        if isinstance(kind, Date):
            return date.fromisoformat(value)
        if isinstance(kind, String):
            return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        if isinstance(kind, Cents):
            return from_cents(value)
        if isinstance(kind, Integer):
            return value
    if isinstance(value, float) and isinstance(kind, Double):
        return value
    raise ValueError("odd value")


def answer(page: Page) -> tuple[Sequence[Any], dict[str, str]]:
    """Return the rows of `page` with the headers that say where the list goes on (RFC 8288)."""
    if page.total is None:
        return page.rows, {"Link": _link("next", cursor=page.next_cursor)} if page.next_cursor else {}
    walk = page.walk
    number = walk.page or 1
    pages = max(1, -(-page.total // walk.per_page))
    links = [_link("first", page=1)]
    if number > 1:
        links.append(_link("prev", page=min(number - 1, pages)))
    if number < pages:
        links.append(_link("next", page=number + 1))
    links.append(_link("last", page=pages))
    summary = {"page": number, "per_page": walk.per_page, "total": page.total, "pages": pages}
    return page.rows, {
        "X-Total-Count": str(page.total),
        "X-Pagination": json.dumps(summary),
        "Link": ", ".join(links),
    }


def _link(relation: str, **changes: Any) -> str:
    parameters = [
        (name, value) for name, value in request.args.items(multi=True) if name not in ("page", "cursor")
    ]
    parameters += [(name, str(value)) for name, value in changes.items()]
    return f'<{request.path}?{urlencode(parameters)}>; rel="{relation}"'
