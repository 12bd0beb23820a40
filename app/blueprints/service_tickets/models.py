"""Service tickets, and what hangs on them: mechanics, parts, the history of the status."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Cents, Id, Instant, Versioned
from app.core.model import Model
from app.core.quantities import Quantity
from app.core.tenancy import WorkshopOwned

KNOWN_STATUS = "IN ('booked', 'received', 'in_progress', 'completed', 'delivered', 'cancelled')"


class ServiceTicket(WorkshopOwned, Versioned, Model):
    """One visit of a car: `number` counts within the workshop."""

    __tablename__ = "service_tickets"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "number"),
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
        ForeignKeyConstraint(["workshop_id", "vehicle_id"], ["vehicles.workshop_id", "vehicles.id"]),
        CheckConstraint(f"status {KNOWN_STATUS}", name="status_known"),
        Index("ix_service_tickets_date", "workshop_id", "service_date", "id"),
        Index("ix_service_tickets_status", "workshop_id", "status", "service_date", "id"),
        Index("ix_service_tickets_customer", "workshop_id", "customer_id", "service_date", "id"),
        Index("ix_service_tickets_vehicle", "workshop_id", "vehicle_id", "service_date", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[int] = mapped_column(Id)
    customer_id: Mapped[int] = mapped_column(Id)
    vehicle_id: Mapped[int] = mapped_column(Id)
    service_date: Mapped[date] = mapped_column(Date)
    service_desc: Mapped[str] = mapped_column(String(2000))
    status: Mapped[str] = mapped_column(String(20), default="booked")


class TicketMechanic(WorkshopOwned, Model):
    """A mechanic who works on a ticket."""

    __tablename__ = "service_ticket_mechanics"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "service_ticket_id", "mechanic_id"),
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["workshop_id", "mechanic_id"], ["mechanics.workshop_id", "mechanics.id"]),
        Index("ix_service_ticket_mechanics_mechanic", "workshop_id", "mechanic_id", "service_ticket_id"),
    )

    service_ticket_id: Mapped[int] = mapped_column(Id)
    mechanic_id: Mapped[int] = mapped_column(Id)


class TicketPart(WorkshopOwned, Model):
    """Parts on a ticket, at the price they had when they were added; a later price makes a line of its own.

    `cost` is what they had cost the workshop, all together, when they left the stock.
    """

    __tablename__ = "service_ticket_parts"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "service_ticket_id", "part_id", "unit_price"),
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["workshop_id", "part_id"], ["parts.workshop_id", "parts.id"]),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("unit_price >= 0", name="unit_price_not_negative"),
        CheckConstraint("cost >= 0", name="cost_not_negative"),
        Index("ix_service_ticket_parts_part", "workshop_id", "part_id"),
    )

    service_ticket_id: Mapped[int] = mapped_column(Id)
    part_id: Mapped[int] = mapped_column(Id)
    unit_price: Mapped[Decimal] = mapped_column(Cents)
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    cost: Mapped[Decimal] = mapped_column(Cents, default=Decimal("0.00"), server_default="0")


class StatusChange(WorkshopOwned, Model):
    """A step of a ticket's life: who, when, from, to and why. The first is from nothing."""

    __tablename__ = "service_ticket_status_changes"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint(f"to_status {KNOWN_STATUS}", name="to_status_known"),
        Index("ix_service_ticket_status_changes_ticket", "workshop_id", "service_ticket_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    service_ticket_id: Mapped[int] = mapped_column(Id)
    from_status: Mapped[str | None] = mapped_column(String(20))
    to_status: Mapped[str] = mapped_column(String(20))
    changed_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))
    reason: Mapped[str | None] = mapped_column(String(500))
