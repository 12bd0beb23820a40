"""Plates are searched as they are folded: by letters and digits alone."""

from __future__ import annotations

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _search("folded", in_place_of="plate")


def downgrade() -> None:
    """Undo."""
    _search("plate", in_place_of="folded")


def _search(column: str, *, in_place_of: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        f"CREATE INDEX trgm_vehicle_plates_{column} ON vehicle_plates USING gin ({column} gin_trgm_ops)"
    )
    op.drop_index(f"trgm_vehicle_plates_{in_place_of}", "vehicle_plates")
