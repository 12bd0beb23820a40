"""The alerts of the stock, in the order in which they were raised."""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

TABLE, INDEX = "stock_alerts", "ix_stock_alerts_log"


def upgrade() -> None:
    """Apply. The running version reads without it."""
    op.create_index(INDEX, TABLE, ["workshop_id", "id"])


def downgrade() -> None:
    """Undo."""
    op.drop_index(INDEX, TABLE)
