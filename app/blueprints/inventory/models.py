"""Parts and their categories, who supplies them, and the ledger of their stock."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, validates

from app.blueprints.inventory.vocabulary import (
    COMING,
    FIXED,
    GOING,
    KINDS,
    PIECE,
    PRICINGS,
    UNITS,
    Alert,
    PricedBy,
)
from app.core import clock, money
from app.core.db import Cents, Id, Instant, Versioned, one_of
from app.core.model import Model
from app.core.names import folded_number
from app.core.quantities import Quantity
from app.core.tenancy import WorkshopOwned

_MARKED_UP = text("pricing = 'markup'")
_BINNED = text("bin IS NOT NULL")
_BY_RULE = text("markup_rule_id IS NOT NULL")
_ACTIVE = text("archived_at IS NULL")
_REPLACED = text("replaced_by_id IS NOT NULL")
# What an alert is about, in the very words of the index, or it would not be used.
ALERTING = "archived_at IS NULL AND (on_hand <= minimum_stock_level OR on_hand = 0)"
# Which way each kind of movement goes.
_FITS_KIND = (
    f"({one_of('kind', COMING)} AND quantity > 0) OR ({one_of('kind', GOING)} AND quantity < 0)"
    " OR (kind = 'adjustment' AND quantity <> 0) OR (kind = 'revaluation' AND quantity = 0)"
    " OR (kind = 'transfer' AND quantity = 0 AND value = 0)"
)
# Out of a bin or into one, or both; and another than before.
_BINS_FIT_KIND = (
    "(kind = 'transfer' AND coalesce(from_bin, '') <> coalesce(to_bin, ''))"
    " OR (kind <> 'transfer' AND from_bin IS NULL AND to_bin IS NULL)"
)
_VALUE_FITS = "quantity = 0 OR (quantity > 0 AND value >= 0) OR (quantity < 0 AND value <= 0)"


class PartCategory(WorkshopOwned, Versioned, Model):
    """A kind of parts, within another or at the top. `folded_name` is how names are told apart among those of one parent."""

    __tablename__ = "part_categories"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "parent_id", "folded_name"),
        ForeignKeyConstraint(
            ["workshop_id", "parent_id"], ["part_categories.workshop_id", "part_categories.id"]
        ),
        CheckConstraint("parent_id <> id", name="not_within_itself"),
        Index(
            "uq_part_categories_top",
            "workshop_id",
            "folded_name",
            unique=True,
            sqlite_where=text("parent_id IS NULL"),
            postgresql_where=text("parent_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(Id)
    name: Mapped[str] = mapped_column(String(100))
    folded_name: Mapped[str] = mapped_column(String(300))


class Part(WorkshopOwned, Versioned, Model):
    """A part that the workshop fits. `on_hand` is NULL where no stock is kept.

    `on_hand` and `stock_value` are the sums of its movements: whoever changes one enters the other. `reserved` is what tickets
    have set aside of it, the sum over their lines. One that is taken out of the inventory is kept with `archived_at`: tickets
    still name it. `folded_sku` is the SKU as numbers of parts are told apart; `replaced_by_id` what is fitted in its place;
    `core_charge` the deposit on the old part that it replaces, beside the price.
    """

    __tablename__ = "parts"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),
        CheckConstraint(
            "reserved >= 0 AND (reserved = 0 OR (on_hand IS NOT NULL AND reserved <= on_hand))",
            name="reserved_within_on_hand",
        ),
        CheckConstraint("minimum_stock_level >= 0", name="minimum_not_negative"),
        CheckConstraint("stock_value >= 0", name="stock_value_not_negative"),
        CheckConstraint("last_cost >= 0", name="last_cost_not_negative"),
        CheckConstraint("core_charge > 0", name="core_charge_positive"),
        CheckConstraint("reorder_quantity > 0", name="reorder_quantity_positive"),
        CheckConstraint("warranty_months >= 0", name="warranty_not_negative"),
        CheckConstraint(one_of("unit", tuple(UNITS)), name="unit_known"),
        CheckConstraint(one_of("pricing", PRICINGS), name="pricing_known"),
        CheckConstraint("pricing = 'markup' OR markup_rule_id IS NULL", name="rule_fits_pricing"),
        ForeignKeyConstraint(
            ["workshop_id", "markup_rule_id"], ["markup_rules.workshop_id", "markup_rules.id"]
        ),
        ForeignKeyConstraint(
            ["workshop_id", "category_id"], ["part_categories.workshop_id", "part_categories.id"]
        ),
        ForeignKeyConstraint(["workshop_id", "replaced_by_id"], ["parts.workshop_id", "parts.id"]),
        CheckConstraint("replaced_by_id <> id", name="not_replaced_by_itself"),
        Index(
            "ix_parts_replaced_by",
            "workshop_id",
            "replaced_by_id",
            sqlite_where=_REPLACED,
            postgresql_where=_REPLACED,
        ),
        Index(
            "ix_parts_folded_sku",
            "workshop_id",
            "folded_sku",
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
        Index(
            "uq_parts_active_sku",
            "workshop_id",
            "sku",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
        Index(
            "uq_parts_active_barcode",
            "workshop_id",
            "barcode",
            unique=True,
            sqlite_where=_ACTIVE,
            postgresql_where=_ACTIVE,
        ),
        Index("ix_parts_category", "workshop_id", "category_id", "name", "id"),
        Index(
            "ix_parts_bin", "workshop_id", "bin", "name", "id", sqlite_where=_BINNED, postgresql_where=_BINNED
        ),
        Index(
            "ix_parts_alerting",
            "workshop_id",
            "name",
            "id",
            sqlite_where=text(ALERTING),
            postgresql_where=text(ALERTING),
        ),
        Index(
            "ix_parts_marked_up", "workshop_id", "id", sqlite_where=_MARKED_UP, postgresql_where=_MARKED_UP
        ),
        Index(
            "ix_parts_markup_rule",
            "workshop_id",
            "markup_rule_id",
            sqlite_where=_BY_RULE,
            postgresql_where=_BY_RULE,
        ),
        Index("ix_parts_name", "workshop_id", "name", "id"),
        Index("ix_parts_price", "workshop_id", "price", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    price: Mapped[Decimal] = mapped_column(Cents)
    pricing: Mapped[str] = mapped_column(String(10), default=FIXED, server_default=FIXED)
    markup_rule_id: Mapped[int | None] = mapped_column(Id)
    sku: Mapped[str | None] = mapped_column(String(60))
    folded_sku: Mapped[str | None] = mapped_column(String(180))
    replaced_by_id: Mapped[int | None] = mapped_column(Id)
    barcode: Mapped[str | None] = mapped_column(String(13))
    manufacturer: Mapped[str | None] = mapped_column(String(100))
    category_id: Mapped[int | None] = mapped_column(Id)
    bin: Mapped[str | None] = mapped_column(String(40))
    warranty_months: Mapped[int | None] = mapped_column(Integer)
    unit: Mapped[str] = mapped_column(String(10), default=PIECE, server_default=PIECE)
    on_hand: Mapped[Decimal | None] = mapped_column(Quantity)
    reserved: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0), server_default="0")
    minimum_stock_level: Mapped[Decimal | None] = mapped_column(Quantity)
    reorder_quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    stock_value: Mapped[Decimal] = mapped_column(Cents, default=Decimal("0.00"), server_default="0")
    last_cost: Mapped[Decimal | None] = mapped_column(Cents)
    core_charge: Mapped[Decimal | None] = mapped_column(Cents)
    archived_at: Mapped[datetime | None] = mapped_column(Instant)

    @validates("sku")
    def _fold(self, name: str, sku: str | None) -> str | None:
        self.folded_sku = None if sku is None else folded_number(sku) or None
        return sku

    @property
    def tracked(self) -> bool:
        """Whether stock is counted."""
        return self.on_hand is not None

    @property
    def available(self) -> Decimal | None:
        """What is on hand and not set aside; None where nothing is counted."""
        return None if self.on_hand is None else self.on_hand - self.reserved

    @property
    def priced_by(self) -> PricedBy:
        """What made the price."""
        if self.pricing == FIXED:
            return "fixed"
        return "kept" if self.markup_rule_id is None else "rule"

    @property
    def alert(self) -> Alert | None:
        """What a storekeeper is told of what is on hand; None where there is enough, or nothing is counted."""
        if self.on_hand is None:
            return None
        if self.on_hand == 0:
            return "out"
        if self.minimum_stock_level is None or self.on_hand > self.minimum_stock_level:
            return None
        return "low" if self.on_hand < self.minimum_stock_level else "reorder"

    @property
    def average_cost(self) -> Decimal | None:
        """What one of those on hand cost, on average; with none there, what one cost last. None: nobody ever said."""
        if not self.on_hand or self.last_cost is None:
            return self.last_cost
        return money.rounded(self.stock_value / self.on_hand)


class StockMovement(WorkshopOwned, Model):
    """A line of the ledger: what came or went, why, what it was worth, and what was there afterwards.

    A transfer moves none: all that is there lies in another bin since.
    Appended, never changed (also by trigger). A ticket may be deleted and is named all the same: its id is never given again.
    """

    __tablename__ = "stock_movements"
    __table_args__ = (
        ForeignKeyConstraint(["workshop_id", "part_id"], ["parts.workshop_id", "parts.id"]),
        CheckConstraint(one_of("kind", KINDS), name="kind_known"),
        CheckConstraint(_FITS_KIND, name="quantity_fits_kind"),
        CheckConstraint(_VALUE_FITS, name="value_fits_quantity"),
        CheckConstraint(_BINS_FIT_KIND, name="bins_fit_kind"),
        CheckConstraint("balance >= 0", name="balance_not_negative"),
        CheckConstraint("balance_value >= 0", name="balance_value_not_negative"),
        Index("ix_stock_movements_part", "workshop_id", "part_id", "id"),
        Index("ix_stock_movements_at", "workshop_id", "at", "value"),
        Index(
            "ix_stock_movements_sold",
            "workshop_id",
            "part_id",
            "at",
            sqlite_where=text("kind = 'sale'"),
            postgresql_where=text("kind = 'sale'"),
        ),
        Index(
            "ix_stock_movements_order",
            "workshop_id",
            "purchase_order_id",
            "id",
            sqlite_where=text("purchase_order_id IS NOT NULL"),
            postgresql_where=text("purchase_order_id IS NOT NULL"),
        ),
    )

    version: ClassVar[int] = 1  # of its ETag: it never changes

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    part_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    unit_cost: Mapped[Decimal | None] = mapped_column(Cents)
    value: Mapped[Decimal] = mapped_column(Cents)
    balance: Mapped[Decimal] = mapped_column(Quantity)
    balance_value: Mapped[Decimal] = mapped_column(Cents)
    at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))
    service_ticket_id: Mapped[int | None] = mapped_column(Id)
    purchase_order_id: Mapped[int | None] = mapped_column(Id)
    from_bin: Mapped[str | None] = mapped_column(String(40))
    to_bin: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(String(500))

    @property
    def item_id(self) -> int:
        """The part, as the API calls it."""
        return self.part_id


class Supplier(WorkshopOwned, Versioned, Model):
    """Who sells parts to the workshop. `folded_name` is how names are told apart."""

    __tablename__ = "suppliers"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "folded_name"),
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        CheckConstraint("rating >= 0 AND rating <= 500", name="rating_of_five"),
        CheckConstraint("delivery_days >= 0", name="delivery_days_not_negative"),
        CheckConstraint("minimum_order_value >= 0", name="minimum_order_not_negative"),
        CheckConstraint("tax_id IS NULL OR country IS NOT NULL", name="tax_id_of_a_country"),
        Index("ix_suppliers_name", "workshop_id", "name", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    folded_name: Mapped[str] = mapped_column(String(600))
    contact_person: Mapped[str | None] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(20))
    address: Mapped[str | None] = mapped_column(String(300))
    city: Mapped[str | None] = mapped_column(String(100))
    postal_code: Mapped[str | None] = mapped_column(String(20))
    country: Mapped[str | None] = mapped_column(String(2))
    website: Mapped[str | None] = mapped_column(String(300))
    tax_id: Mapped[str | None] = mapped_column(String(40))
    rating: Mapped[Decimal | None] = mapped_column(Cents)
    delivery_days: Mapped[int | None] = mapped_column(Integer)
    minimum_order_value: Mapped[Decimal | None] = mapped_column(Cents)
    payment_terms: Mapped[str | None] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)


class PartSupplier(WorkshopOwned, Versioned, Model):
    """That a supplier has a part: under which number, and at what price."""

    __tablename__ = "part_suppliers"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "part_id", "supplier_id"),
        ForeignKeyConstraint(["workshop_id", "part_id"], ["parts.workshop_id", "parts.id"]),
        ForeignKeyConstraint(["workshop_id", "supplier_id"], ["suppliers.workshop_id", "suppliers.id"]),
        CheckConstraint("price >= 0", name="price_not_negative"),
        UniqueConstraint("workshop_id", "supplier_id", "supplier_number"),
        Index(
            "uq_part_suppliers_preferred",
            "workshop_id",
            "part_id",
            unique=True,
            sqlite_where=text("preferred = 1"),
            postgresql_where=text("preferred"),
        ),
    )

    part_id: Mapped[int] = mapped_column(Id)
    supplier_id: Mapped[int] = mapped_column(Id)
    supplier_number: Mapped[str | None] = mapped_column(String(60))
    price: Mapped[Decimal | None] = mapped_column(Cents)
    preferred: Mapped[bool] = mapped_column(default=False)
