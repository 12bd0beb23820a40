"""Progress updates, which customers see once they are validated, and comments, which they never do."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.blueprints.attachments import photos
from app.blueprints.attachments.photos import NamesPhoto
from app.core.db import Id, Instant, Versioned
from app.core.model import Model
from app.core.tenancy import WorkshopOwned


def _of_ticket() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["workshop_id", "service_ticket_id"],
        ["service_tickets.workshop_id", "service_tickets.id"],
        ondelete="CASCADE",
    )


class ProgressUpdate(WorkshopOwned, Versioned, Model):
    """How the work on a car goes on. Once it is validated its customer has read it, and it changes no more (also by trigger).

    `validated_by` is nobody where the workshop's setting did it.
    """

    __tablename__ = "progress_updates"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        _of_ticket(),
        CheckConstraint("validated_by IS NULL OR validated_at IS NOT NULL", name="validated_with_time"),
        Index("uq_progress_updates_ticket", "workshop_id", "service_ticket_id", "id", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    service_ticket_id: Mapped[int] = mapped_column(Id)
    text: Mapped[str] = mapped_column(String(2000))
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))
    validated_at: Mapped[datetime | None] = mapped_column(Instant)
    validated_by: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))

    @property
    def validated(self) -> bool:
        """Whether its customer sees it."""
        return self.validated_at is not None


class ProgressUpdatePhoto(NamesPhoto, WorkshopOwned, Model):
    """That a progress update shows a photo of its ticket; once the update is validated none is added (also by trigger)."""

    __tablename__ = "progress_update_photos"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "progress_update_id", "place"),
        UniqueConstraint(
            "workshop_id", "service_ticket_id", "attachment_id", "progress_update_id",
            name="uq_progress_update_photos_once",
        ),
        *photos.keys("progress_update_photos"),
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id", "progress_update_id"],
            ["progress_updates.workshop_id", "progress_updates.service_ticket_id", "progress_updates.id"],
            name="fk_progress_update_photos_update",
            ondelete="CASCADE",
        ),
        CheckConstraint(f"place BETWEEN 1 AND {photos.MOST}", name="place_within_the_most"),
    )  # fmt: skip

    progress_update_id: Mapped[int] = mapped_column(Id)


class TicketComment(WorkshopOwned, Versioned, Model):
    """What staff say to each other about a visit. What it said before is in the audit log."""

    __tablename__ = "ticket_comments"
    __table_args__ = (
        _of_ticket(),
        Index("ix_ticket_comments_ticket", "workshop_id", "service_ticket_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    service_ticket_id: Mapped[int] = mapped_column(Id)
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))
    text: Mapped[str] = mapped_column(String(2000))

    @property
    def edited(self) -> bool:
        """Whether it said something else before."""
        return self.version > 1
