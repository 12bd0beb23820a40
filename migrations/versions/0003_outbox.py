"""The outbox, and the runs of jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "job_runs",
        sa.Column("job", sa.String(length=60), nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("job", "slot", name=op.f("pk_job_runs")),
    )
    op.create_table(
        "outbox_messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.String(length=320), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=True),
        sa.Column("recipient_digest", sa.LargeBinary(length=16), nullable=True),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("template_values", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.Column("sent_by", sa.String(length=20), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_outbox_messages_sent_with_time")
        ),
        sa.CheckConstraint(
            "claimed_until IS NULL OR state = 'pending'", name=op.f("ck_outbox_messages_only_pending_claimed")
        ),
        sa.CheckConstraint(
            "state <> 'pending' OR (recipient IS NOT NULL AND template_values IS NOT NULL)",
            name=op.f("ck_outbox_messages_pending_with_all_it_needs"),
        ),
        sa.CheckConstraint(
            "state <> 'sent' OR template_values IS NULL", name=op.f("ck_outbox_messages_sent_without_values")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'dead')", name=op.f("ck_outbox_messages_state_known")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_outbox_messages_attempts_not_negative")),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_outbox_messages_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_messages")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbox_messages_message_id")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_outbox_messages_workshop_id_id")),
    )
    with op.batch_alter_table("outbox_messages", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_messages_created_at", ["workshop_id", "created_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_outbox_messages_due",
            ["due_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.create_index(
            "ix_outbox_messages_recipient",
            ["workshop_id", "recipient_digest", "created_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_outbox_messages_state", ["workshop_id", "state", "created_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_outbox_messages_topic", ["workshop_id", "topic", "created_at", "id"], unique=False
        )


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("outbox_messages", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_messages_topic")
        batch_op.drop_index("ix_outbox_messages_state")
        batch_op.drop_index("ix_outbox_messages_recipient")
        batch_op.drop_index(
            "ix_outbox_messages_due",
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )
        batch_op.drop_index("ix_outbox_messages_created_at")

    op.drop_table("outbox_messages")
    op.drop_table("job_runs")
