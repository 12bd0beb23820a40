"""When each maintenance interval is looked at next, to remind its car's keeper."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLE = "maintenance_intervals"
WAITING = sa.text("next_look_on IS NOT NULL")


def upgrade() -> None:
    """Apply. Those there are, and those that the running version adds while it is replaced, are looked at soon."""
    op.add_column(TABLE, sa.Column("next_look_on", sa.Date(), server_default="2000-01-01", nullable=True))
    op.create_index(
        "ix_maintenance_intervals_next_look",
        TABLE,
        ["next_look_on", "id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_maintenance_intervals_next_look", TABLE)
    op.drop_column(TABLE, "next_look_on")
