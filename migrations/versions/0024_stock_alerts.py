"""Alerts of the stock as they are raised and resolved, and the day of the last letter about them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
# What runs low already counts as told, or the first morning's letter would tell all of it.
STANDING = """
INSERT INTO stock_alerts (workshop_id, part_id, grade, raised_at, told_at)
SELECT workshop_id, id,
    CASE WHEN on_hand = 0 THEN 'out' WHEN on_hand < minimum_stock_level THEN 'low' ELSE 'reorder' END,
    CURRENT_TIMESTAMP, CURRENT_TIMESTAMP
FROM parts WHERE archived_at IS NULL AND (on_hand <= minimum_stock_level OR on_hand = 0)
"""


def only(condition: str) -> dict[str, Any]:
    """Return the options of an index over the rows of a condition."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "stock_alerts",
        sa.Column("id", ID, nullable=False),
        sa.Column("part_id", ID, nullable=False),
        sa.Column("grade", sa.String(length=10), nullable=False),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("told_at", INSTANT, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("grade IN ('out', 'low', 'reorder')", name=op.f("ck_stock_alerts_grade_known")),
        sa.ForeignKeyConstraint(
            ["workshop_id", "part_id"],
            ["parts.workshop_id", "parts.id"],
            name=op.f("fk_stock_alerts_workshop_id_part_id_parts"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_stock_alerts_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_alerts")),
    )
    op.create_index(
        "uq_stock_alerts_open",
        "stock_alerts",
        ["workshop_id", "part_id"],
        unique=True,
        **only("resolved_at IS NULL"),
    )
    op.create_index(
        "ix_stock_alerts_untold",
        "stock_alerts",
        ["workshop_id", "id"],
        **only("resolved_at IS NULL AND told_at IS NULL"),
    )
    op.create_index("ix_stock_alerts_part", "stock_alerts", ["workshop_id", "part_id", "id"])
    op.create_table(
        "stock_digests",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_stock_digests_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", name=op.f("pk_stock_digests")),
    )
    op.execute(STANDING)
    protect("stock_alerts", "stock_digests")


def downgrade() -> None:
    """Undo: what was raised is forgotten."""
    op.drop_table("stock_digests")
    op.drop_table("stock_alerts")
