"""An index of when each part was sold, for those that lie there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

SOLD = sa.text("kind = 'sale'")


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_stock_movements_sold",
        "stock_movements",
        ["workshop_id", "part_id", "at"],
        sqlite_where=SOLD,
        postgresql_where=SOLD,
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_stock_movements_sold", "stock_movements")
