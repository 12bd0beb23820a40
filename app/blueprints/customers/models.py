"""Customers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Id, Instant, Versioned
from app.core.model import Model
from app.core.tenancy import WorkshopOwned

ERASED_NAME = "Former customer"


class Customer(WorkshopOwned, Versioned, Model):
    """A person whose cars the workshop repairs; without an account when they only ever walked in.

    An erased one keeps its id, for the tickets that stay, and nothing of the person.
    """

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "email"),
        UniqueConstraint("workshop_id", "phone"),
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        CheckConstraint(
            "erased_at IS NULL OR (email IS NULL AND phone IS NULL)", name="erased_without_person"
        ),
        Index("ix_customers_name", "workshop_id", "name", "id"),
        Index("ix_customers_created_at", "workshop_id", "created_at", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(20))
    erased_at: Mapped[datetime | None] = mapped_column(Instant)
