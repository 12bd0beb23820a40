"""Service tickets, and what hangs on them: mechanics, lines, the history of the status."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.blueprints.service_tickets.status import OPEN, STATUSES
from app.blueprints.service_tickets.vocabulary import KINDS, LINKS
from app.core import clock
from app.core.db import Cents, Id, Instant, Percent, Versioned, one_of
from app.core.model import Model
from app.core.quantities import Quantity
from app.core.tenancy import WorkshopOwned

NOTHING = Decimal("0.00")
EARLIEST_DAY, LATEST_DAY = date(1900, 1, 1), date(2100, 12, 31)
"""Between which days a visit may be."""


# The very words of the index, or it would not be used.
IS_OPEN = one_of("status", OPEN)
# A discount takes off, the rest adds; what only parts have, others have not.
_SIGN_FITS = "(kind = 'discount' AND net <= 0 AND tax <= 0) OR (kind <> 'discount' AND net >= 0 AND tax >= 0)"
_PART_FITS = "(kind = 'part') = (part_id IS NOT NULL) AND (kind = 'part' OR (reserved = 0 AND fitted = 0 AND cost = 0))"


_CORE_FITS_KIND = "core_charge IS NULL OR (core_charge > 0 AND kind = 'part')"
_SETTLED = "cores_settled >= 0 AND cores_settled <= fitted AND (cores_settled = 0 OR core_charge IS NOT NULL)"


_PERCENT = "percent IS NULL OR (kind = 'discount' AND percent > 0 AND percent <= 100000)"


_FOLLOWS = "follows_ticket_id IS NOT NULL"
_IS_PART = "part_id IS NOT NULL"
# What is to be ordered: these too are the very words of the index.
LACKS_PARTS = "kind = 'part' AND reserved + fitted < quantity"


def _only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class ServiceTicket(WorkshopOwned, Versioned, Model):
    """One visit of a car: `number` counts within the workshop.

    `net_total` and `tax_total` are the sums of its lines: whoever changes a line changes them in the same transaction. What the
    customer agreed to is `approved_total`, tax included: NULL until they are asked, and 0 from then until they agree. While an
    estimate is out that nobody decided yet, `estimate_open_until` says how long it stands. What follows from an earlier job is
    linked to its ticket.
    """

    __tablename__ = "service_tickets"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "number"),
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
        ForeignKeyConstraint(["workshop_id", "vehicle_id"], ["vehicles.workshop_id", "vehicles.id"]),
        ForeignKeyConstraint(
            ["workshop_id", "follows_ticket_id"], ["service_tickets.workshop_id", "service_tickets.id"]
        ),
        CheckConstraint(one_of("status", STATUSES), name="status_known"),
        CheckConstraint("net_total >= 0 AND tax_total >= 0", name="totals_not_negative"),
        CheckConstraint("approved_total >= 0", name="approved_total_not_negative"),
        CheckConstraint(
            f"(follows_ticket_id IS NULL) = (follows_as IS NULL) AND (follows_as IS NULL OR {one_of('follows_as', LINKS)})",
            name="follows_as_something",
        ),
        CheckConstraint("follows_ticket_id <> id", name="follows_another"),
        Index("ix_service_tickets_date", "workshop_id", "service_date", "id"),
        Index("ix_service_tickets_status", "workshop_id", "status", "service_date", "id"),
        Index("ix_service_tickets_customer", "workshop_id", "customer_id", "service_date", "id"),
        Index("ix_service_tickets_vehicle", "workshop_id", "vehicle_id", "service_date", "id"),
        Index("ix_service_tickets_follows", "workshop_id", "follows_ticket_id", **_only(_FOLLOWS)),
        Index("ix_service_tickets_open", "workshop_id", "service_date", "id", **_only(IS_OPEN)),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[int] = mapped_column(Id)
    customer_id: Mapped[int] = mapped_column(Id)
    vehicle_id: Mapped[int] = mapped_column(Id)
    service_date: Mapped[date] = mapped_column(Date)
    service_desc: Mapped[str] = mapped_column(String(2000))
    status: Mapped[str] = mapped_column(String(20), default="booked")
    net_total: Mapped[Decimal] = mapped_column(Cents, default=NOTHING, server_default="0")
    tax_total: Mapped[Decimal] = mapped_column(Cents, default=NOTHING, server_default="0")
    approved_total: Mapped[Decimal | None] = mapped_column(Cents)
    estimate_open_until: Mapped[datetime | None] = mapped_column(Instant)
    follows_ticket_id: Mapped[int | None] = mapped_column(Id)
    follows_as: Mapped[str | None] = mapped_column(String(20))

    @property
    def total(self) -> Decimal:
        """What the visit comes to, tax included."""
        return self.net_total + self.tax_total


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


class TicketLine(WorkshopOwned, Model):
    """A line of a ticket: labour (hours by a rate), a part, a fee or a discount, at the price and tax of when it was written.

    Of a part, `quantity` are wanted; so many of them are `reserved` in the stock, so many `fitted`, and what is neither is
    still to be ordered. `cost` is what the fitted ones had cost the workshop, all together. Of an exchange part there is a
    `core_charge` on the old part of each that is fitted; of so many it is settled what became of them. The customer agreed to
    a line that is `agreed`, as it is or to more of the same. A discount of so many `percent` follows the lines before it that
    have its tax rate.
    """

    __tablename__ = "service_ticket_lines"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["workshop_id", "part_id"], ["parts.workshop_id", "parts.id"]),
        CheckConstraint(one_of("kind", KINDS), name="kind_known"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("unit_price >= 0", name="unit_price_not_negative"),
        CheckConstraint("tax_rate BETWEEN 0 AND 100000", name="tax_rate_percent"),
        CheckConstraint("cost >= 0", name="cost_not_negative"),
        CheckConstraint(_SIGN_FITS, name="amounts_fit_kind"),
        CheckConstraint(_PART_FITS, name="part_fits_kind"),
        CheckConstraint(_CORE_FITS_KIND, name="core_charge_fits_kind"),
        CheckConstraint(_SETTLED, name="settled_within_fitted"),
        CheckConstraint(_PERCENT, name="percent_of_a_discount"),
        CheckConstraint(
            "reserved >= 0 AND fitted >= 0 AND reserved + fitted <= quantity", name="no_more_than_wanted"
        ),
        Index("ix_service_ticket_lines_ticket", "workshop_id", "service_ticket_id"),
        Index(
            "ix_service_ticket_lines_part", "workshop_id", "part_id", "service_ticket_id", **_only(_IS_PART)
        ),
        Index("ix_service_ticket_lines_lacking", "workshop_id", "part_id", **_only(LACKS_PARTS)),
        {"sqlite_autoincrement": True},  # an estimate names lines that are gone
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    service_ticket_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(10))
    description: Mapped[str] = mapped_column(String(300))
    part_id: Mapped[int | None] = mapped_column(Id)
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    unit_price: Mapped[Decimal] = mapped_column(Cents)
    tax_rate: Mapped[Decimal] = mapped_column(Percent)
    net: Mapped[Decimal] = mapped_column(Cents)
    tax: Mapped[Decimal] = mapped_column(Cents)
    reserved: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0), server_default="0")
    fitted: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0), server_default="0")
    cost: Mapped[Decimal] = mapped_column(Cents, default=NOTHING, server_default="0")
    core_charge: Mapped[Decimal | None] = mapped_column(Cents)
    cores_settled: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0), server_default="0")
    percent: Mapped[Decimal | None] = mapped_column(Percent)
    agreed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class StatusChange(WorkshopOwned, Model):
    """A step of a ticket's life: who, when, from, to and why. The first is from nothing."""

    __tablename__ = "service_ticket_status_changes"
    __table_args__ = (
        ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint(one_of("to_status", STATUSES), name="to_status_known"),
        Index("ix_service_ticket_status_changes_ticket", "workshop_id", "service_ticket_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    service_ticket_id: Mapped[int] = mapped_column(Id)
    from_status: Mapped[str | None] = mapped_column(String(20))
    to_status: Mapped[str] = mapped_column(String(20))
    changed_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))
    reason: Mapped[str | None] = mapped_column(String(500))
