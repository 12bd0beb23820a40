"""Vehicles."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.crypto import EncryptedText
from app.core.db import Id, Instant
from app.core.model import Model
from app.core.tenancy import WorkshopOwned

ACTIVE = text("archived_at IS NULL")


class Vehicle(WorkshopOwned, Model):
    """A car, known by its VIN: encrypted, and found by keyed digests of the whole and of its last six characters.

    `customer_id` is the keeper it was first brought by; a ticket names its own customer.
    """

    __tablename__ = "vehicles"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
        Index(
            "uq_vehicles_active_vin",
            "workshop_id",
            "vin_digest",
            unique=True,
            sqlite_where=ACTIVE,
            postgresql_where=ACTIVE,
        ),
        Index("ix_vehicles_vin_tail_digest", "workshop_id", "vin_tail_digest"),
        Index("ix_vehicles_customer_id", "workshop_id", "customer_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(Id)
    vin: Mapped[str] = mapped_column(EncryptedText)
    vin_digest: Mapped[bytes] = mapped_column(LargeBinary(16))
    vin_tail_digest: Mapped[bytes] = mapped_column(LargeBinary(16))
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    archived_at: Mapped[datetime | None] = mapped_column(Instant)
