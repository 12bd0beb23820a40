"""Estimates: immutable versions of a ticket's lines, and the evidence of what was decided about them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.blueprints.estimates.vocabulary import DECIDED, HOW, STATES
from app.core.crypto import EncryptedText
from app.core.db import Cents, Id, Instant, Versioned, one_of
from app.core.model import Model
from app.core.tenancy import WorkshopOwned

_SENT = text("state = 'sent'")
_IS_DECIDED = one_of("state", DECIDED)


class Estimate(WorkshopOwned, Versioned, Model):
    """What a ticket's lines were when the customer was asked; `revision` counts within the ticket.

    `content` is those lines as JSON, and `content_hash` its SHA-256: triggers keep both, and what was decided, as they are. Who
    decided, from where and with what program is evidence, encrypted, and goes when the person is erased.
    """

    __tablename__ = "estimates"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "service_ticket_id", "revision"),
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"], ["service_tickets.workshop_id", "service_tickets.id"]
        ),
        CheckConstraint(one_of("state", STATES), name="state_known"),
        CheckConstraint(f"({_IS_DECIDED}) = (decided_at IS NOT NULL)", name="decided_with_time"),
        CheckConstraint("(decided_at IS NULL) = (decided_how IS NULL)", name="decided_somehow"),
        CheckConstraint(f"decided_how IS NULL OR {one_of('decided_how', HOW)}", name="how_known"),
        CheckConstraint("(decided_at IS NULL) = (accepted_total IS NULL)", name="decided_with_total"),
        CheckConstraint("revision > 0", name="revision_positive"),
        CheckConstraint("length(content_hash) = 64", name="hash_whole"),
        Index(
            "uq_estimates_sent",
            "workshop_id",
            "service_ticket_id",
            unique=True,
            sqlite_where=_SENT,
            postgresql_where=_SENT,
        ),
        {"sqlite_autoincrement": True},  # a link names one for good
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    service_ticket_id: Mapped[int] = mapped_column(Id)
    revision: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(20), default="sent")
    content: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64))
    net_total: Mapped[Decimal] = mapped_column(Cents)
    tax_total: Mapped[Decimal] = mapped_column(Cents)
    message: Mapped[str | None] = mapped_column(String(1000))
    valid_until: Mapped[datetime] = mapped_column(Instant)
    sent_to: Mapped[str | None] = mapped_column(EncryptedText)
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))
    accepted_line_ids: Mapped[str | None] = mapped_column(Text)
    accepted_total: Mapped[Decimal | None] = mapped_column(Cents)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_how: Mapped[str | None] = mapped_column(String(20))
    decided_account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))
    decided_name: Mapped[str | None] = mapped_column(EncryptedText)
    decided_address: Mapped[str | None] = mapped_column(EncryptedText)
    decided_agent: Mapped[str | None] = mapped_column(EncryptedText)
    decided_note: Mapped[str | None] = mapped_column(EncryptedText)
