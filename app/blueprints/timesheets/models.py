"""The mechanics' clock."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Id, Instant, Versioned
from app.core.model import Model
from app.core.tenancy import WorkshopOwned

_RUNNING = text("ended_at IS NULL")
_ON_A_LINE = text("line_id IS NOT NULL")


class ClockEntry(WorkshopOwned, Versioned, Model):
    """That a mechanic worked on a ticket from one whole second to another; without an end it is running.

    A mechanic has one that is running at most, and no two have a second in common: an exclusion constraint on PostgreSQL,
    triggers
    on SQLite (`ex_clock_entries_no_overlap`). No foreign key deletes one: a ticket that somebody worked on stays, and so does a
    line.
    """

    __tablename__ = "clock_entries"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        ForeignKeyConstraint(["workshop_id", "mechanic_id"], ["mechanics.workshop_id", "mechanics.id"]),
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"], ["service_tickets.workshop_id", "service_tickets.id"]
        ),
        ForeignKeyConstraint(
            ["workshop_id", "line_id"], ["service_ticket_lines.workshop_id", "service_ticket_lines.id"]
        ),
        CheckConstraint("ended_at >= started_at", name="ends_after_its_start"),
        CheckConstraint("started_at >= '2000-01-01 00:00:00+00'", name="starts_within_reason"),
        Index(
            "uq_clock_entries_running",
            "workshop_id",
            "mechanic_id",
            unique=True,
            sqlite_where=_RUNNING,
            postgresql_where=_RUNNING,
        ),
        Index(
            "ix_clock_entries_line",
            "workshop_id",
            "line_id",
            sqlite_where=_ON_A_LINE,
            postgresql_where=_ON_A_LINE,
        ),
        Index("ix_clock_entries_ticket", "workshop_id", "service_ticket_id", "started_at", "id"),
        Index("ix_clock_entries_mechanic", "workshop_id", "mechanic_id", "started_at", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mechanic_id: Mapped[int] = mapped_column(Id)
    service_ticket_id: Mapped[int] = mapped_column(Id)
    line_id: Mapped[int | None] = mapped_column(Id)
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str | None] = mapped_column(String(500))
