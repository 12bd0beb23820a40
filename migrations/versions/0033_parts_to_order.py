"""An index of the lines that lack parts: what is to be ordered for tickets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

LACKS_PARTS = sa.text("kind = 'part' AND reserved + fitted < quantity")


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_service_ticket_lines_lacking",
        "service_ticket_lines",
        ["workshop_id", "part_id"],
        sqlite_where=LACKS_PARTS,
        postgresql_where=LACKS_PARTS,
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_service_ticket_lines_lacking", "service_ticket_lines")
