"""Counts of the stock: a sheet, and a line for each part that is to be counted."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.blueprints.inventory.vocabulary import STOCKTAKE_STATUSES, StocktakeStatus
from app.core.db import Id, Instant, Versioned, one_of
from app.core.model import Model
from app.core.quantities import Quantity
from app.core.tenancy import WorkshopOwned


class Stocktake(WorkshopOwned, Versioned, Model):
    """A count of what is in a category, in a bin or anywhere, numbered within the workshop."""

    __tablename__ = "stocktakes"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "number"),
        ForeignKeyConstraint(
            ["workshop_id", "category_id"], ["part_categories.workshop_id", "part_categories.id"]
        ),
        CheckConstraint(one_of("status", STOCKTAKE_STATUSES), name="status_known"),
        CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="closed_with_time"),
        Index("ix_stocktakes_status", "workshop_id", "status", "number", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    status: Mapped[StocktakeStatus] = mapped_column(String(20), default="open")
    category_id: Mapped[int | None] = mapped_column(Id)
    bin: Mapped[str | None] = mapped_column(String(40))
    note: Mapped[str | None] = mapped_column(String(500))
    closed_at: Mapped[datetime | None] = mapped_column(Instant)


class StocktakeLine(WorkshopOwned, Model):
    """A part on a sheet: how many were there when it was written, were counted, and were in the ledger at that moment.

    What moves after the moment of counting is in neither number, so their difference is what is missing or too many. `open`
    goes with the sheet's status: a part is on one open sheet at most.
    """

    __tablename__ = "stocktake_lines"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "stocktake_id", "place"),
        UniqueConstraint("workshop_id", "stocktake_id", "part_id"),
        ForeignKeyConstraint(["workshop_id", "stocktake_id"], ["stocktakes.workshop_id", "stocktakes.id"]),
        ForeignKeyConstraint(["workshop_id", "part_id"], ["parts.workshop_id", "parts.id"]),
        CheckConstraint("counted >= 0", name="counted_not_negative"),
        CheckConstraint(
            "(counted IS NULL) = (book IS NULL) AND (counted IS NULL) = (counted_at IS NULL)",
            name="counted_whole",
        ),
        Index(
            "uq_stocktake_lines_open",
            "workshop_id",
            "part_id",
            unique=True,
            sqlite_where=text("open = 1"),
            postgresql_where=text("open"),
        ),
    )

    stocktake_id: Mapped[int] = mapped_column(Id)
    place: Mapped[int] = mapped_column(Integer)
    part_id: Mapped[int] = mapped_column(Id)
    expected: Mapped[Decimal] = mapped_column(Quantity)
    counted: Mapped[Decimal | None] = mapped_column(Quantity)
    book: Mapped[Decimal | None] = mapped_column(Quantity)
    counted_at: Mapped[datetime | None] = mapped_column(Instant)
    open: Mapped[bool] = mapped_column(default=True)

    @property
    def difference(self) -> Decimal | None:
        """How many are too many, or below zero too few; None as long as nobody counted."""
        if self.counted is None or self.book is None:
            return None
        return self.counted - self.book
