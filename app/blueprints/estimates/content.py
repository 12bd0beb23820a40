"""What an estimate says: a ticket's lines as they were, in one form of JSON whose hash proves it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import orjson

from app.blueprints.service_tickets import discounts
from app.blueprints.service_tickets.models import TicketLine
from app.core.quantities import told

NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class OfferedLine:
    """A line as it was offered. What was agreed to before, and discounts, are not up for decision.

    A discount of so many `percent` follows what is agreed to of the lines before it.
    """

    line_id: int
    kind: str
    description: str
    item_id: int | None
    quantity: Decimal
    unit_price: Decimal
    tax_rate: Decimal
    net: Decimal
    tax: Decimal
    agreed: bool
    percent: Decimal | None = None

    @property
    def total(self) -> Decimal:
        """What it comes to, tax included."""
        return self.net + self.tax

    @property
    def is_open(self) -> bool:
        """Whether it is up for decision."""
        return not self.agreed and self.kind != "discount"


_MONEY = ("unit_price", "net", "tax")
_EXACT = ("quantity", "tax_rate")


def written(lines: Iterable[TicketLine], **head: Any) -> tuple[str, str]:
    """Return lines, and what stands above them, as JSON and its SHA-256 in hexadecimal digits."""
    rows = [
        {
            "line_id": line.id,
            "kind": line.kind,
            "description": line.description,
            "item_id": line.part_id,
            "agreed": line.agreed,
            **{name: str(getattr(line, name)) for name in _MONEY},
            **{name: str(told(getattr(line, name))) for name in _EXACT},
            **({} if line.percent is None else {"percent": str(told(line.percent))}),
        }
        for line in lines
    ]
    text = orjson.dumps({**head, "lines": rows}, option=orjson.OPT_SORT_KEYS)
    return text.decode(), hash_of(text.decode())


def hash_of(content: str) -> str:
    """Return the SHA-256 of an estimate's content, as UTF-8, in hexadecimal digits."""
    return hashlib.sha256(content.encode()).hexdigest()


def currency_of(content: str) -> str:
    """Return the currency (ISO 4217) of the amounts in an estimate's content."""
    currency: str = orjson.loads(content)["currency"]
    return currency


def read(content: str) -> list[OfferedLine]:
    """Return the lines of an estimate's content."""
    return [_line(row) for row in orjson.loads(content)["lines"]]


def _line(row: dict[str, Any]) -> OfferedLine:
    exact = {name: Decimal(row[name]) for name in (*_MONEY, *_EXACT, "percent") if name in row}
    return OfferedLine(**{**row, **exact})


def staying(content: str, accepted: set[int]) -> list[OfferedLine]:
    """Return what is agreed to of an estimate's content, if that is these lines beside what was before, as it then comes to.

    A discount is on the whole: it stays as long as any work does.
    """
    lines = [line for line in read(content) if not line.is_open or line.line_id in accepted]
    if all(line.kind == "discount" for line in lines):
        return []
    includes_tax = orjson.loads(content).get("prices_include_tax", False)
    found = discounts.reckoned(lines, includes_tax=includes_tax)
    return [replace(line, net=net, tax=tax) for line, (net, tax) in zip(lines, found, strict=True)]
