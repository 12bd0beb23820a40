"""Mechanics."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Cents, Id, Instant, Versioned
from app.core.model import Model
from app.core.tenancy import WorkshopOwned


class Mechanic(WorkshopOwned, Versioned, Model):
    """A mechanic. One who leaves is kept with `left_at`, because the tickets keep the name."""

    __tablename__ = "mechanics"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        CheckConstraint("salary >= 0", name="salary_not_negative"),
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        Index(
            "uq_mechanics_active_email",
            "workshop_id",
            "email",
            unique=True,
            sqlite_where=text("left_at IS NULL"),
            postgresql_where=text("left_at IS NULL"),
        ),
        Index("ix_mechanics_name", "workshop_id", "name", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254))
    phone: Mapped[str] = mapped_column(String(20))
    salary: Mapped[Decimal] = mapped_column(Cents)
    left_at: Mapped[datetime | None] = mapped_column(Instant)
