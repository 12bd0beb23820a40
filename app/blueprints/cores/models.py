"""What became of old parts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.blueprints.cores.vocabulary import CORE_STATUSES, CoreStatus
from app.core.db import Cents, Id, Instant, Versioned, one_of
from app.core.model import Model
from app.core.quantities import Quantity
from app.core.tenancy import WorkshopOwned

_SENT = "(supplier_id IS NULL) = (returned_at IS NULL)"
_SENT_FITS = (
    "(status IN ('returned', 'credited') AND returned_at IS NOT NULL) OR status = 'rejected'"
    " OR (status IN ('held', 'kept', 'scrapped') AND returned_at IS NULL)"
)


class Core(WorkshopOwned, Versioned, Model):
    """Old parts of a line of a ticket of which the same became: so many, with the charge on each.

    `credit` is what a supplier gave for all of them. Of those that the customer keeps, `fee_line_id` is the line by which they
    pay: it may be taken off the ticket, and is named all the same, since its id is never given again.
    """

    __tablename__ = "cores"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"], ["service_tickets.workshop_id", "service_tickets.id"]
        ),
        ForeignKeyConstraint(
            ["workshop_id", "line_id"], ["service_ticket_lines.workshop_id", "service_ticket_lines.id"]
        ),
        ForeignKeyConstraint(["workshop_id", "part_id"], ["parts.workshop_id", "parts.id"]),
        ForeignKeyConstraint(["workshop_id", "supplier_id"], ["suppliers.workshop_id", "suppliers.id"]),
        CheckConstraint(one_of("status", CORE_STATUSES), name="status_known"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("charge > 0", name="charge_positive"),
        CheckConstraint(_SENT, name="sent_to_somebody"),
        CheckConstraint(_SENT_FITS, name="sent_fits_status"),
        CheckConstraint("(status = 'credited') = (credit IS NOT NULL)", name="credited_with_amount"),
        CheckConstraint("credit >= 0", name="credit_not_negative"),
        CheckConstraint("(status = 'rejected') = (reason IS NOT NULL)", name="rejected_for_a_reason"),
        CheckConstraint(
            "(status IN ('credited', 'rejected')) = (decided_at IS NOT NULL)", name="decided_with_time"
        ),
        CheckConstraint("(status = 'kept') = (fee_line_id IS NOT NULL)", name="kept_for_a_fee"),
        Index("ix_cores_status", "workshop_id", "status", "id"),
        Index("ix_cores_supplier", "workshop_id", "supplier_id", "id"),
        Index("ix_cores_part", "workshop_id", "part_id", "id"),
        Index("ix_cores_ticket", "workshop_id", "service_ticket_id", "id"),
        Index("ix_cores_line", "workshop_id", "line_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    service_ticket_id: Mapped[int] = mapped_column(Id)
    line_id: Mapped[int] = mapped_column(Id)
    part_id: Mapped[int] = mapped_column(Id)
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    charge: Mapped[Decimal] = mapped_column(Cents)
    status: Mapped[CoreStatus] = mapped_column(String(20))
    supplier_id: Mapped[int | None] = mapped_column(Id)
    returned_at: Mapped[datetime | None] = mapped_column(Instant)
    reference: Mapped[str | None] = mapped_column(String(100))
    credit: Mapped[Decimal | None] = mapped_column(Cents)
    reason: Mapped[str | None] = mapped_column(String(300))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    fee_line_id: Mapped[int | None] = mapped_column(Id)
