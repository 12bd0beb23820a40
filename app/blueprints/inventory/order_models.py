"""What is ordered from suppliers: an order, and a line for each part on it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.blueprints.inventory.vocabulary import ORDER_STATUSES, OrderStatus
from app.core.db import Cents, Id, Instant, Versioned, one_of
from app.core.model import Model
from app.core.money import rounded
from app.core.quantities import Quantity
from app.core.tenancy import WorkshopOwned

NOTHING = Decimal(0)
# What may still come, in the very words of the index, or it would not be used.
OUTSTANDING = "received + cancelled < quantity"


class PurchaseOrder(WorkshopOwned, Versioned, Model):
    """An order to a supplier, numbered within the workshop. `total` is what it is worth, less what was cancelled."""

    __tablename__ = "purchase_orders"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "number"),
        ForeignKeyConstraint(["workshop_id", "supplier_id"], ["suppliers.workshop_id", "suppliers.id"]),
        CheckConstraint(one_of("status", ORDER_STATUSES), name="status_known"),
        CheckConstraint(
            "status IN ('draft', 'cancelled') OR ordered_at IS NOT NULL", name="ordered_with_time"
        ),
        CheckConstraint(
            "(status IN ('received', 'cancelled')) = (closed_at IS NOT NULL)", name="closed_with_time"
        ),
        CheckConstraint("total >= 0", name="total_not_negative"),
        Index("ix_purchase_orders_status", "workshop_id", "status", "number", "id"),
        Index("ix_purchase_orders_supplier", "workshop_id", "supplier_id", "number", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    supplier_id: Mapped[int] = mapped_column(Id)
    status: Mapped[OrderStatus] = mapped_column(String(20), default="draft")
    currency: Mapped[str] = mapped_column(String(3))
    total: Mapped[Decimal] = mapped_column(Cents, default=Decimal("0.00"))
    expected_on: Mapped[date | None] = mapped_column(Date)
    note: Mapped[str | None] = mapped_column(String(500))
    ordered_at: Mapped[datetime | None] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)


class PurchaseOrderLine(WorkshopOwned, Model):
    """So many of a part on an order, how many of them came, and how many never will.

    `unit_price` is what one is expected to cost, empty where nobody knows; `last_price` what one cost before, so that a change
    is seen.
    """

    __tablename__ = "purchase_order_lines"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "purchase_order_id", "part_id"),
        ForeignKeyConstraint(
            ["workshop_id", "purchase_order_id"],
            ["purchase_orders.workshop_id", "purchase_orders.id"],
            name="fk_purchase_order_lines_order",  # the convention's is longer than PostgreSQL's names
        ),
        ForeignKeyConstraint(["workshop_id", "part_id"], ["parts.workshop_id", "parts.id"]),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("received >= 0 AND cancelled >= 0", name="received_not_negative"),
        CheckConstraint("received + cancelled <= quantity", name="not_more_than_ordered"),
        CheckConstraint("unit_price >= 0", name="unit_price_not_negative"),
        CheckConstraint("last_price >= 0", name="last_price_not_negative"),
        CheckConstraint("received_value >= 0", name="received_value_not_negative"),
        Index(
            "ix_purchase_order_lines_outstanding",
            "workshop_id",
            "part_id",
            sqlite_where=text(OUTSTANDING),
            postgresql_where=text(OUTSTANDING),
        ),
        Index("ix_purchase_order_lines_part", "workshop_id", "part_id"),
    )

    purchase_order_id: Mapped[int] = mapped_column(Id)
    part_id: Mapped[int] = mapped_column(Id)
    supplier_number: Mapped[str | None] = mapped_column(String(60))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    received: Mapped[Decimal] = mapped_column(Quantity, default=NOTHING)
    cancelled: Mapped[Decimal] = mapped_column(Quantity, default=NOTHING)
    unit_price: Mapped[Decimal | None] = mapped_column(Cents)
    last_price: Mapped[Decimal | None] = mapped_column(Cents)
    received_value: Mapped[Decimal] = mapped_column(Cents, default=Decimal("0.00"))

    @property
    def outstanding(self) -> Decimal:
        """How many may still come."""
        return self.quantity - self.received - self.cancelled

    @property
    def total(self) -> Decimal:
        """What the line is worth, less what was cancelled; nothing where no price is known."""
        return rounded((self.unit_price or NOTHING) * (self.quantity - self.cancelled))

    @property
    def price_change(self) -> Decimal | None:
        """By how much one is dearer than before; None where either price is not known."""
        if self.unit_price is None or self.last_price is None:
            return None
        return self.unit_price - self.last_price

    @property
    def received_price(self) -> Decimal | None:
        """What one cost of those that came; None where none came, or where nobody ever said."""
        if not self.received or (not self.received_value and self.unit_price is None):
            return None
        return rounded(self.received_value / self.received)

    @property
    def received_change(self) -> Decimal | None:
        """By how much one came dearer than it was ordered; None where either price is not known."""
        if self.received_price is None or self.unit_price is None:
            return None
        return self.received_price - self.unit_price
