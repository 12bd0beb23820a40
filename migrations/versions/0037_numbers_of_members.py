"""The telephone numbers of owners and staff who have no record with one: they sign in by them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TABLE, INDEX = "memberships", "ix_memberships_phone"
KNOWN = sa.text("phone IS NOT NULL")
CHECK = "ck_memberships_phone_of_staff"


def upgrade() -> None:
    """Apply. The running version writes members without a number."""
    with op.batch_alter_table(TABLE) as batch_op:
        batch_op.add_column(sa.Column("phone", sa.String(length=20), nullable=True))
        batch_op.create_check_constraint(
            op.f(CHECK), "phone IS NULL OR (role <> 'customer' AND ended_at IS NULL)"
        )
    op.create_index(INDEX, TABLE, ["workshop_id", "phone"], sqlite_where=KNOWN, postgresql_where=KNOWN)


def downgrade() -> None:
    """Undo."""
    op.drop_index(INDEX, TABLE)
    with op.batch_alter_table(TABLE) as batch_op:
        batch_op.drop_constraint(op.f(CHECK), type_="check")
        batch_op.drop_column("phone")
