"""Mechanics."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Dialect, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from app.core.db import Cents, Id, Instant, Versioned
from app.core.model import Model
from app.core.tenancy import WorkshopOwned


class Words(TypeDecorator[list[str]]):
    """A short list of words, as JSON in one text: read and written whole, with the row that has it."""

    impl = Text
    cache_ok = True

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return Text()  # what is sought in it is text, not a list

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> list[str] | None:
        return None if value is None else list(json.loads(value))


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
    skills: Mapped[list[str]] = mapped_column(Words, server_default=text("'[]'"), default=list)
    left_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def active(self) -> bool:
        """Whether they work here: who left stays on the tickets."""
        return self.left_at is None
