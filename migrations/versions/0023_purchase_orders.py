"""Purchase orders with their lines, which order a movement came by, and files that go with a message."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
QUANTITY = sa.Numeric(15, 3).with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
STATUSES = "status IN ('draft', 'ordered', 'partly_received', 'received', 'cancelled')"


def only(condition: str) -> dict[str, Any]:
    """Return the options of an index over the rows of a condition."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Apply."""
    _create_orders()
    _create_lines()
    # Without a foreign key, as the ticket of a movement: what is only appended to has triggers, and is not rebuilt on SQLite.
    op.add_column("stock_movements", sa.Column("purchase_order_id", ID, nullable=True))
    op.create_index(
        "ix_stock_movements_order",
        "stock_movements",
        ["workshop_id", "purchase_order_id", "id"],
        **only("purchase_order_id IS NOT NULL"),
    )
    op.create_table(
        "outbox_attachments",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("place >= 0", name=op.f("ck_outbox_attachments_place_not_negative")),
        sa.ForeignKeyConstraint(
            ["workshop_id", "message_id"],
            ["outbox_messages.workshop_id", "outbox_messages.id"],
            name=op.f("fk_outbox_attachments_workshop_id_message_id_outbox_messages"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_outbox_attachments_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", "message_id", "place", name=op.f("pk_outbox_attachments")),
    )
    protect("purchase_orders", "purchase_order_lines", "outbox_attachments")


def _create_orders() -> None:
    op.create_table(
        "purchase_orders",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("supplier_id", ID, nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("ordered_at", INSTANT, nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint(STATUSES, name=op.f("ck_purchase_orders_status_known")),
        sa.CheckConstraint(
            "status IN ('draft', 'cancelled') OR ordered_at IS NOT NULL",
            name=op.f("ck_purchase_orders_ordered_with_time"),
        ),
        sa.CheckConstraint(
            "(status IN ('received', 'cancelled')) = (closed_at IS NOT NULL)",
            name=op.f("ck_purchase_orders_closed_with_time"),
        ),
        sa.CheckConstraint("total >= 0", name=op.f("ck_purchase_orders_total_not_negative")),
        sa.ForeignKeyConstraint(
            ["workshop_id", "supplier_id"],
            ["suppliers.workshop_id", "suppliers.id"],
            name=op.f("fk_purchase_orders_workshop_id_supplier_id_suppliers"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_purchase_orders_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_orders")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_purchase_orders_workshop_id_id")),
        sa.UniqueConstraint("workshop_id", "number", name=op.f("uq_purchase_orders_workshop_id_number")),
    )
    op.create_index("ix_purchase_orders_status", "purchase_orders", ["workshop_id", "status", "number", "id"])
    op.create_index(
        "ix_purchase_orders_supplier", "purchase_orders", ["workshop_id", "supplier_id", "number", "id"]
    )


def _create_lines() -> None:
    op.create_table(
        "purchase_order_lines",
        sa.Column("purchase_order_id", ID, nullable=False),
        sa.Column("part_id", ID, nullable=False),
        sa.Column("supplier_number", sa.String(length=60), nullable=True),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("received", QUANTITY, nullable=False),
        sa.Column("cancelled", QUANTITY, nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=True),
        sa.Column("last_price", sa.BigInteger(), nullable=True),
        sa.Column("received_value", sa.BigInteger(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_purchase_order_lines_quantity_positive")),
        sa.CheckConstraint(
            "received >= 0 AND cancelled >= 0", name=op.f("ck_purchase_order_lines_received_not_negative")
        ),
        sa.CheckConstraint(
            "received + cancelled <= quantity", name=op.f("ck_purchase_order_lines_not_more_than_ordered")
        ),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_purchase_order_lines_unit_price_not_negative")),
        sa.CheckConstraint("last_price >= 0", name=op.f("ck_purchase_order_lines_last_price_not_negative")),
        sa.CheckConstraint(
            "received_value >= 0", name=op.f("ck_purchase_order_lines_received_value_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "part_id"],
            ["parts.workshop_id", "parts.id"],
            name=op.f("fk_purchase_order_lines_workshop_id_part_id_parts"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "purchase_order_id"],
            ["purchase_orders.workshop_id", "purchase_orders.id"],
            name=op.f("fk_purchase_order_lines_order"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_purchase_order_lines_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint(
            "workshop_id", "purchase_order_id", "part_id", name=op.f("pk_purchase_order_lines")
        ),
    )
    op.create_index(
        "ix_purchase_order_lines_outstanding",
        "purchase_order_lines",
        ["workshop_id", "part_id"],
        **only("received + cancelled < quantity"),
    )
    op.create_index("ix_purchase_order_lines_part", "purchase_order_lines", ["workshop_id", "part_id"])


def downgrade() -> None:
    """Undo: the orders are lost, and what came by them stays in the stock."""
    op.drop_table("outbox_attachments")
    op.drop_index("ix_stock_movements_order", "stock_movements")
    # By ALTER TABLE, not in a batch: a rebuilt table would have lost its triggers.
    op.execute("ALTER TABLE stock_movements DROP COLUMN purchase_order_id")
    op.drop_table("purchase_order_lines")
    op.drop_table("purchase_orders")
