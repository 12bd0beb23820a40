"""What waits for parts: lines of a later feature that want more of them than is set aside for them, which tells so here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import Select, Subquery, func, select

from app.blueprints.inventory.models import Part
from app.core.quantities import told
from app.extensions import db

MOST_TICKETS = 20
NONE = Decimal(0)

# One row a line that lacks some of a part: workshop_id, part_id, its ticket (ticket_id, number, due), and how many (lacking).
Lacking = Select[int, int | None, int, int, date, Decimal]
_lacking: Lacking | None = None


@dataclass(slots=True)
class Wanting:
    """How many of a part are lacking in all, and on which tickets: the twenty first by their days."""

    lacking: Decimal = NONE
    tickets: list[dict[str, int]] = field(default_factory=list)

    def told(self) -> str:
        """Return in words how many are lacking, and on which tickets."""
        first = " first" if len(self.tickets) == MOST_TICKETS else ""
        numbers = ", ".join(str(ticket["number"]) for ticket in self.tickets)
        return f"{told(self.lacking)} are wanted, by these tickets{first}: {numbers}"


def wanted_by(lacking: Lacking) -> None:
    """Register the lines that lack parts."""
    global _lacking
    _lacking = lacking


def _lines() -> Subquery:
    assert _lacking is not None, "Nothing is registered that wants parts."
    return _lacking.subquery()


def fall_short(workshop_id: int, most: int) -> Sequence[Part]:
    """Return the parts of which more is lacking than is there for anybody: so many at most, by name.

    What is not counted, or was taken out of the inventory, falls short of nothing: none of it could be received.
    """
    line = _lines()
    lacking = (
        select(line.c.part_id, func.sum(line.c.lacking).label("lacking"))
        .where(line.c.workshop_id == workshop_id)
        .group_by(line.c.part_id)
        .subquery()
    )
    statement = (
        select(Part)
        .join(lacking, lacking.c.part_id == Part.id)
        .where(
            Part.workshop_id == workshop_id,
            Part.archived_at.is_(None),
            lacking.c.lacking > Part.on_hand - Part.reserved,
        )
    )
    return db.session.scalars(statement.order_by(Part.name, Part.id).limit(most)).all()


def of_parts(workshop_id: int, part_ids: Collection[int]) -> dict[int, Wanting]:
    """Return what is lacking of each of these parts, of which some is."""
    found: dict[int, Wanting] = {}
    if not part_ids:
        return found
    line = _lines()
    by_ticket = (
        select(
            line.c.part_id,
            line.c.ticket_id,
            line.c.number,
            line.c.due,
            func.sum(line.c.lacking).label("lacking"),
        )
        .where(line.c.workshop_id == workshop_id, line.c.part_id.in_(part_ids))
        .group_by(line.c.part_id, line.c.ticket_id, line.c.number, line.c.due)
        .subquery()
    )
    part, earliest_first = by_ticket.c.part_id, (by_ticket.c.due, by_ticket.c.ticket_id)
    placed = select(
        by_ticket,
        func.sum(by_ticket.c.lacking).over(partition_by=part).label("in_all"),
        func.row_number().over(partition_by=part, order_by=earliest_first).label("place"),
    ).subquery()
    statement = select(placed.c.part_id, placed.c.in_all, placed.c.ticket_id, placed.c.number)
    rows = db.session.execute(
        statement.where(placed.c.place <= MOST_TICKETS).order_by(placed.c.part_id, placed.c.place)
    )
    for part_id, in_all, ticket_id, number in rows:
        wanting = found.setdefault(part_id, Wanting(in_all))
        wanting.tickets.append({"id": ticket_id, "number": number})
    return found
