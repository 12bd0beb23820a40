"""What is attached to a ticket."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    and_,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.crypto import EncryptedText
from app.core.db import Id, Versioned
from app.core.files import StoredFile
from app.core.model import Model
from app.core.tenancy import WorkshopOwned

MOST_ON_A_TICKET = 100


class Attachment(WorkshopOwned, Versioned, Model):
    """A picture or a document on a ticket. `place` counts up to the most that a ticket takes, and no place is taken twice.

    `name` is what whoever sent it called it, for people to read and for nothing else.
    """

    __tablename__ = "service_ticket_attachments"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint(
            "workshop_id", "service_ticket_id", "place", name="uq_service_ticket_attachments_place"
        ),
        UniqueConstraint("workshop_id", "file_id"),
        UniqueConstraint("workshop_id", "thumbnail_id"),
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["workshop_id", "file_id"], ["files.workshop_id", "files.id"]),
        ForeignKeyConstraint(["workshop_id", "thumbnail_id"], ["files.workshop_id", "files.id"]),
        CheckConstraint(f"place >= 1 AND place <= {MOST_ON_A_TICKET}", name="place_within_the_most"),
        CheckConstraint("kind IN ('picture', 'document')", name="kind_known"),
        CheckConstraint("(kind = 'picture') = (thumbnail_id IS NOT NULL)", name="pictures_have_thumbnails"),
        Index("uq_service_ticket_attachments_ticket", "workshop_id", "service_ticket_id", "id", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    service_ticket_id: Mapped[int] = mapped_column(Id)
    place: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(EncryptedText)
    file_id: Mapped[int] = mapped_column(Id)
    thumbnail_id: Mapped[int | None] = mapped_column(Id)
    visible_to_customer: Mapped[bool] = mapped_column(default=False)
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))


# By this an attachment is joined with the file that it is.
ITS_FILE = and_(StoredFile.workshop_id == Attachment.workshop_id, StoredFile.id == Attachment.file_id)
