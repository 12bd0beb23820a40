"""Counts of the stock: sheets and their lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
QUANTITY = sa.Numeric(15, 3).with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "stocktakes",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("category_id", ID, nullable=True),
        sa.Column("bin", sa.String(length=40), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "status IN ('open', 'posted', 'cancelled')", name=op.f("ck_stocktakes_status_known")
        ),
        sa.CheckConstraint(
            "(status = 'open') = (closed_at IS NULL)", name=op.f("ck_stocktakes_closed_with_time")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "category_id"],
            ["part_categories.workshop_id", "part_categories.id"],
            name=op.f("fk_stocktakes_workshop_id_category_id_part_categories"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_stocktakes_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stocktakes")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_stocktakes_workshop_id_id")),
        sa.UniqueConstraint("workshop_id", "number", name=op.f("uq_stocktakes_workshop_id_number")),
    )
    op.create_index("ix_stocktakes_status", "stocktakes", ["workshop_id", "status", "number", "id"])
    op.create_table(
        "stocktake_lines",
        sa.Column("stocktake_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("part_id", ID, nullable=False),
        sa.Column("expected", QUANTITY, nullable=False),
        sa.Column("counted", QUANTITY, nullable=True),
        sa.Column("book", QUANTITY, nullable=True),
        sa.Column("counted_at", INSTANT, nullable=True),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("counted >= 0", name=op.f("ck_stocktake_lines_counted_not_negative")),
        sa.CheckConstraint(
            "(counted IS NULL) = (book IS NULL) AND (counted IS NULL) = (counted_at IS NULL)",
            name=op.f("ck_stocktake_lines_counted_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "part_id"],
            ["parts.workshop_id", "parts.id"],
            name=op.f("fk_stocktake_lines_workshop_id_part_id_parts"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "stocktake_id"],
            ["stocktakes.workshop_id", "stocktakes.id"],
            name=op.f("fk_stocktake_lines_workshop_id_stocktake_id_stocktakes"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_stocktake_lines_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", "stocktake_id", "place", name=op.f("pk_stocktake_lines")),
        sa.UniqueConstraint(
            "workshop_id",
            "stocktake_id",
            "part_id",
            name=op.f("uq_stocktake_lines_workshop_id_stocktake_id_part_id"),
        ),
    )
    op.create_index(
        "uq_stocktake_lines_open",
        "stocktake_lines",
        ["workshop_id", "part_id"],
        unique=True,
        sqlite_where=sa.text("open = 1"),
        postgresql_where=sa.text("open"),
    )
    protect("stocktakes", "stocktake_lines")


def downgrade() -> None:
    """Undo: the sheets are lost, and what was posted stays in the ledger."""
    op.drop_table("stocktake_lines")
    op.drop_table("stocktakes")
