"""The tenant and its counters."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, PrimaryKeyConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Id, Instant
from app.core.model import Model
from app.core.tenancy import WorkshopOwned


class Workshop(Model):
    """A workshop: everything else belongs to exactly one."""

    __tablename__ = "workshops"
    __table_args__ = (CheckConstraint("length(slug) >= 2", name="slug_length"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    country: Mapped[str] = mapped_column(String(2), default="US")
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    time_zone: Mapped[str] = mapped_column(String(60), default="UTC")
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)


class Counter(WorkshopOwned, Model):
    """The last number given out of a series, such as the ticket numbers of a workshop."""

    __tablename__ = "counters"
    __table_args__ = (PrimaryKeyConstraint("workshop_id", "series"),)

    series: Mapped[str] = mapped_column(String(40))
    value: Mapped[int] = mapped_column(BigInteger, default=0)
