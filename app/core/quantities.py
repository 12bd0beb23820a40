"""Quantities of goods: decimals with three places at most, and never a float in between.

PostgreSQL keeps them as NUMERIC, so that a version which knows whole numbers alone reads them while it is replaced; SQLite,
whose decimals are floats, as a whole number of thousandths. Sums, differences and comparisons are the same SQL on both.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate
from sqlalchemy import Boolean, Dialect, Integer, Numeric, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

THOUSANDTH = Decimal("0.001")
GREATEST_QUANTITY = 1_000_000_000
NOT_WHOLE = "A whole number: it is not counted by parts of its unit."


def trimmed(quantity: Decimal) -> Decimal:
    """Return `quantity` without zeros at its end: 4 for 4.000, 4.5 for 4.500."""
    return quantity.to_integral_value() if is_whole(quantity) else quantity.normalize()


def is_whole(quantity: Decimal | int) -> bool:
    """Tell whether a quantity has no fraction."""
    return quantity == int(quantity)


def told(quantity: Decimal | int | None) -> Decimal | int | None:
    """Return a quantity as JSON tells it: a whole number where it is one."""
    if quantity is None or isinstance(quantity, int):
        return quantity
    return int(quantity) if is_whole(quantity) else quantity.normalize()


def to_thousandths(quantity: Decimal) -> int:
    """Return `quantity` in thousandths.

    :raises ValueError: it has more than three places; rounding is the caller's decision.
    """
    thousandths = quantity.scaleb(3)
    if thousandths != thousandths.to_integral_value():
        raise ValueError(f"{quantity} has more than three places.")
    return int(thousandths)


def from_thousandths(thousandths: int) -> Decimal:
    """Return so many thousandths as a quantity."""
    return trimmed(Decimal(thousandths).scaleb(-3))


class Quantity(TypeDecorator[Decimal]):
    """A quantity: a `Decimal` of at most three places here; NUMERIC on PostgreSQL, whole thousandths on SQLite."""

    impl = Numeric(15, 3)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else Numeric(15, 3))

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | int | None:
        if value is None:
            return None
        thousandths = to_thousandths(Decimal(value))
        return thousandths if dialect.name == "sqlite" else Decimal(thousandths).scaleb(-3)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        return from_thousandths(value) if dialect.name == "sqlite" else trimmed(value)


class thousandths(FunctionElement[Any]):  # noqa: N801 - it reads as the SQL function that it is
    """Write a quantity as a whole number of thousandths, for JSON that the database makes."""

    type = Text()
    inherit_cache = True


@compiles(thousandths)
def _thousandths(element: thousandths, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(({compiler.process(element.clauses, **kw)}) * 1000 AS bigint)"


@compiles(thousandths, "sqlite")
def _thousandths_sqlite(element: thousandths, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


class has_fraction(FunctionElement[bool]):  # noqa: N801 - the same
    """Ask the database whether a quantity is no whole number."""

    type = Boolean()
    inherit_cache = True


@compiles(has_fraction)
def _has_fraction(element: has_fraction, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(mod({compiler.process(element.clauses, **kw)}, 1) <> 0)"


@compiles(has_fraction, "sqlite")
def _has_fraction_sqlite(element: has_fraction, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(({compiler.process(element.clauses, **kw)}) % 1000 <> 0)"


class Amount(fields.Decimal):
    """A quantity on the wire: a JSON number with at most three places, whole where it is; a text is none."""

    def __init__(
        self, least: Decimal | int = 0, most: Decimal | int = GREATEST_QUANTITY, **options: Any
    ) -> None:
        options.setdefault("metadata", {}).setdefault("example", 2)
        super().__init__(allow_nan=False, validate=validate.Range(least, most), **options)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Decimal:
        if isinstance(value, bool | str):
            raise self.make_error("invalid")
        quantity: Decimal = super()._deserialize(value, attr, data, **kwargs)
        if abs(quantity) > GREATEST_QUANTITY:
            return quantity  # the validator of the range refuses it; 1e308 has too many digits to be rounded
        if quantity != quantity.quantize(THOUSANDTH):
            raise ValidationError("At most three decimal places.")
        return trimmed(quantity) + 0  # -0.0 is 0

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return told(value)
