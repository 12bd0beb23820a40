"""Discounts in percent keep their percentage."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0038"
branch_labels = None
depends_on = None

TABLE = "service_ticket_lines"
CHECK = f"ck_{TABLE}_percent_of_a_discount"
ANEW = {"sqlite_autoincrement": True}


def upgrade() -> None:
    """Apply. The running version writes none: its discounts in percent are sums, as those that are there stay."""
    with op.batch_alter_table(TABLE, table_kwargs=ANEW) as batch_op:
        batch_op.add_column(sa.Column("percent", sa.Integer(), nullable=True))
        batch_op.create_check_constraint(
            op.f(CHECK), "percent IS NULL OR (kind = 'discount' AND percent > 0 AND percent <= 100000)"
        )


def downgrade() -> None:
    """Undo: discounts in percent are sums from now on."""
    with op.batch_alter_table(TABLE, table_kwargs=ANEW) as batch_op:
        batch_op.drop_constraint(op.f(CHECK), type_="check")
        batch_op.drop_column("percent")
