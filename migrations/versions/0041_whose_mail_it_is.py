"""Whose a message is, where it is to a customer as such: what is older is theirs by its address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

TABLE, INDEX = "outbox_messages", "ix_outbox_messages_customer"
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OF_A_CUSTOMER = sa.text("customer_id IS NOT NULL")


def upgrade() -> None:
    """Apply. The running version writes messages that say nobody's."""
    op.add_column(TABLE, sa.Column("customer_id", ID, nullable=True))
    op.create_index(
        INDEX,
        TABLE,
        ["workshop_id", "customer_id", "id"],
        sqlite_where=OF_A_CUSTOMER,
        postgresql_where=OF_A_CUSTOMER,
    )


def downgrade() -> None:
    """Undo: whose it was is lost."""
    op.drop_index(INDEX, TABLE)
    op.drop_column(TABLE, "customer_id")
