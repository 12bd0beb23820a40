"""Parts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Cents, Id, Instant, Versioned
from app.core.model import Model
from app.core.tenancy import WorkshopOwned


class Part(WorkshopOwned, Versioned, Model):
    """A part that the workshop fits. `on_hand` is NULL where no stock is kept.

    One that is taken out of the inventory is kept with `archived_at`: tickets still name it.
    """

    __tablename__ = "parts"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),
        CheckConstraint("minimum_stock_level >= 0", name="minimum_not_negative"),
        Index(
            "uq_parts_active_sku",
            "workshop_id",
            "sku",
            unique=True,
            sqlite_where=text("archived_at IS NULL"),
            postgresql_where=text("archived_at IS NULL"),
        ),
        Index("ix_parts_name", "workshop_id", "name", "id"),
        Index("ix_parts_price", "workshop_id", "price", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    price: Mapped[Decimal] = mapped_column(Cents)
    sku: Mapped[str | None] = mapped_column(String(60))
    on_hand: Mapped[int | None] = mapped_column(Integer)
    minimum_stock_level: Mapped[int | None] = mapped_column(Integer)
    archived_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def tracked(self) -> bool:
        """Whether stock is counted."""
        return self.on_hand is not None
