"""Alerts of the stock as they were raised and resolved, and until which morning they were told."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKeyConstraint, Index, PrimaryKeyConstraint, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.blueprints.inventory.vocabulary import ALERTS, Alert
from app.core.db import Id, Instant, one_of
from app.core.model import Model
from app.core.tenancy import WorkshopOwned

_OPEN = text("resolved_at IS NULL")
_UNTOLD = text("resolved_at IS NULL AND told_at IS NULL")


class StockAlert(WorkshopOwned, Model):
    """That too few of a part were there, since when and until when. `told_at` is when a morning's letter told it."""

    __tablename__ = "stock_alerts"
    __table_args__ = (
        ForeignKeyConstraint(["workshop_id", "part_id"], ["parts.workshop_id", "parts.id"]),
        CheckConstraint(one_of("grade", ALERTS), name="grade_known"),
        Index(
            "uq_stock_alerts_open",
            "workshop_id",
            "part_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index("ix_stock_alerts_untold", "workshop_id", "id", sqlite_where=_UNTOLD, postgresql_where=_UNTOLD),
        Index("ix_stock_alerts_log", "workshop_id", "id"),
        Index("ix_stock_alerts_part", "workshop_id", "part_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    part_id: Mapped[int] = mapped_column(Id)
    grade: Mapped[Alert] = mapped_column(String(10))
    raised_at: Mapped[datetime] = mapped_column(Instant)
    resolved_at: Mapped[datetime | None] = mapped_column(Instant)
    told_at: Mapped[datetime | None] = mapped_column(Instant)


class StockDigest(WorkshopOwned, Model):
    """The last day, by a workshop's own clock, whose letter about its stock was seen to."""

    __tablename__ = "stock_digests"
    __table_args__ = (PrimaryKeyConstraint("workshop_id"),)

    day: Mapped[date] = mapped_column(Date)
