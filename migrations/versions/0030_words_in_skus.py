"""An index of the words in SKUs: a search reads names and SKUs, and only together are both read by index."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE INDEX trgm_parts_sku ON parts USING gin (sku gin_trgm_ops)")


def downgrade() -> None:
    """Undo."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("trgm_parts_sku", "parts")
