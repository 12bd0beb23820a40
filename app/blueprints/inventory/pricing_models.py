"""What the workshop puts on top of what parts cost."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Cents, Id, Percent, Versioned
from app.core.model import Model
from app.core.tenancy import WorkshopOwned

_FOR_ALL = text("category_id IS NULL")


class MarkupRule(WorkshopOwned, Versioned, Model):
    """So much per cent on what costs `cost_from` or more: of a category with all within it, or of everything.

    A band ends where the next one of the same category begins, so no two of them overlap.
    """

    __tablename__ = "markup_rules"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "category_id", "cost_from"),
        ForeignKeyConstraint(
            ["workshop_id", "category_id"], ["part_categories.workshop_id", "part_categories.id"]
        ),
        CheckConstraint("cost_from >= 0", name="cost_from_not_negative"),
        CheckConstraint("percent BETWEEN 0 AND 999000", name="percent_within_reason"),
        Index(
            "uq_markup_rules_for_all",
            "workshop_id",
            "cost_from",
            unique=True,
            sqlite_where=_FOR_ALL,
            postgresql_where=_FOR_ALL,
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    category_id: Mapped[int | None] = mapped_column(Id)
    cost_from: Mapped[Decimal] = mapped_column(Cents)
    percent: Mapped[Decimal] = mapped_column(Percent)
