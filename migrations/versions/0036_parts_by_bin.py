"""An index of the bins: what lies in one is listed by its name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

BINNED = sa.text("bin IS NOT NULL")


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_parts_bin",
        "parts",
        ["workshop_id", "bin", "name", "id"],
        sqlite_where=BINNED,
        postgresql_where=BINNED,
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_parts_bin", "parts")
