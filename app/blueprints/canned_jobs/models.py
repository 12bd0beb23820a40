"""What is done again and again, as lines that are ready to be put on a ticket."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Cents, Id, Percent, Versioned
from app.core.model import Model
from app.core.quantities import Quantity
from app.core.tenancy import WorkshopOwned

KINDS = ("labour", "part", "fee")
MOST_LINES = 50


class CannedJob(WorkshopOwned, Versioned, Model):
    """What is done again and again. `folded_name` is how names are told apart."""

    __tablename__ = "canned_jobs"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "folded_name"),
        Index("ix_canned_jobs_name", "workshop_id", "name", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    folded_name: Mapped[str] = mapped_column(String(300))


class CannedJobLine(WorkshopOwned, Model):
    """A line of a canned job. Without a price it is put on a ticket at what the part, or the hour, costs that day.

    Without a tax rate it is at the workshop's of that day.
    """

    __tablename__ = "canned_job_lines"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "canned_job_id", "place"),
        ForeignKeyConstraint(
            ["workshop_id", "canned_job_id"],
            ["canned_jobs.workshop_id", "canned_jobs.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["workshop_id", "part_id"], ["parts.workshop_id", "parts.id"]),
        CheckConstraint(f"place BETWEEN 1 AND {MOST_LINES}", name="place_within_reason"),
        CheckConstraint("kind IN ('labour', 'part', 'fee')", name="kind_known"),
        CheckConstraint("(kind = 'part') = (part_id IS NOT NULL)", name="part_fits_kind"),
        CheckConstraint("kind = 'part' OR description IS NOT NULL", name="described"),
        CheckConstraint("kind <> 'fee' OR unit_price IS NOT NULL", name="fee_has_price"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("unit_price >= 0", name="unit_price_not_negative"),
        CheckConstraint("tax_rate BETWEEN 0 AND 100000", name="tax_rate_percent"),
        Index("ix_canned_job_lines_part", "workshop_id", "part_id"),
    )

    canned_job_id: Mapped[int] = mapped_column(Id)
    place: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(10))
    description: Mapped[str | None] = mapped_column(String(300))
    part_id: Mapped[int | None] = mapped_column(Id)
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    unit_price: Mapped[Decimal | None] = mapped_column(Cents)
    tax_rate: Mapped[Decimal | None] = mapped_column(Percent)
