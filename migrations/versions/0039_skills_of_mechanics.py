"""What mechanics are good at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. The running version makes mechanics without it."""
    op.add_column("mechanics", sa.Column("skills", sa.Text(), server_default=sa.text("'[]'"), nullable=False))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("mechanics") as table:
        table.drop_column("skills")
