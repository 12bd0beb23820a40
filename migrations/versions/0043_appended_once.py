"""What is only appended to is not written over on SQLite either."""

from __future__ import annotations

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

KEYS = {
    "audit_entries": ("workshop_id", "sequence"),
    "audit_heads": ("workshop_id",),
    "consents": ("id",),
    "stock_movements": ("id",),
    "vehicle_readings": ("id",),
    "vehicle_transfers": ("id",),
}
REFUSE = "BEGIN SELECT RAISE(ABORT, 'this table is appended to, and nothing else'); END"


def upgrade() -> None:
    """Apply: SQLite's REPLACE deletes the row that is in the way without asking its triggers. PostgreSQL has no such thing."""
    if op.get_bind().dialect.name != "sqlite":
        return
    for table, key in KEYS.items():
        is_the_same = " AND ".join(f"{column} = NEW.{column}" for column in key)
        taken = f"SELECT 1 FROM {table} WHERE ({is_the_same}) OR rowid = NEW.rowid"  # noqa: S608 - our own words
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS ({taken}) {REFUSE}"
        )


def downgrade() -> None:
    """Undo."""
    if op.get_bind().dialect.name == "sqlite":
        for table in KEYS:
            op.execute(f"DROP TRIGGER {table}_no_replace")
