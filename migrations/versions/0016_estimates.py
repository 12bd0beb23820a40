"""Estimates: what a ticket's lines were when the customer was asked, and what was decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
DECIDED = "state IN ('accepted', 'partly_accepted', 'declined')"
HOW = "decided_how IN ('online', 'phone', 'in_person', 'email', 'letter')"
OFFERED = "content, content_hash, revision, service_ticket_id, workshop_id, net_total, tax_total, valid_until, message"
OUTCOME = "state, accepted_line_ids, accepted_total, decided_at, decided_how, decided_account_id"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "estimates",
        sa.Column("id", ID, nullable=False),
        sa.Column("service_ticket_id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("net_total", sa.BigInteger(), nullable=False),
        sa.Column("tax_total", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.String(length=1000), nullable=True),
        sa.Column("valid_until", INSTANT, nullable=False),
        sa.Column("sent_to", sa.LargeBinary(), nullable=True),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("accepted_line_ids", sa.Text(), nullable=True),
        sa.Column("accepted_total", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decided_how", sa.String(length=20), nullable=True),
        sa.Column("decided_account_id", ID, nullable=True),
        sa.Column("decided_name", sa.LargeBinary(), nullable=True),
        sa.Column("decided_address", sa.LargeBinary(), nullable=True),
        sa.Column("decided_agent", sa.LargeBinary(), nullable=True),
        sa.Column("decided_note", sa.LargeBinary(), nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "state IN ('sent', 'accepted', 'partly_accepted', 'declined', 'withdrawn')",
            name=op.f("ck_estimates_state_known"),
        ),
        sa.CheckConstraint(
            f"({DECIDED}) = (decided_at IS NOT NULL)", name=op.f("ck_estimates_decided_with_time")
        ),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decided_how IS NULL)", name=op.f("ck_estimates_decided_somehow")
        ),
        sa.CheckConstraint(f"decided_how IS NULL OR {HOW}", name=op.f("ck_estimates_how_known")),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (accepted_total IS NULL)", name=op.f("ck_estimates_decided_with_total")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_estimates_revision_positive")),
        sa.CheckConstraint("length(content_hash) = 64", name=op.f("ck_estimates_hash_whole")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_estimates_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["decided_account_id"], ["accounts.id"], name=op.f("fk_estimates_decided_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            name=op.f("fk_estimates_workshop_id_service_ticket_id_service_tickets"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_estimates_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_estimates")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_estimates_workshop_id_id")),
        sa.UniqueConstraint(
            "workshop_id",
            "service_ticket_id",
            "revision",
            name=op.f("uq_estimates_workshop_id_service_ticket_id_revision"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_estimates_sent",
        "estimates",
        ["workshop_id", "service_ticket_id"],
        unique=True,
        sqlite_where=sa.text("state = 'sent'"),
        postgresql_where=sa.text("state = 'sent'"),
    )
    _keep_as_it_was(op.get_bind().dialect.name)
    protect("estimates")


def _keep_as_it_was(dialect: str) -> None:
    """What was offered is never changed, and what was decided is decided once."""
    kept = (("offered", OFFERED, "1 = 1"), ("decided", OUTCOME, "OLD.decided_at IS NOT NULL"))
    for name, columns, when in kept:
        if dialect == "postgresql":
            op.execute(
                f"CREATE TRIGGER {name}_as_it_was BEFORE UPDATE OF {columns} ON estimates FOR EACH ROW"
                f" WHEN ({when}) EXECUTE FUNCTION refuse_change()"
            )
        else:
            op.execute(
                f"CREATE TRIGGER estimates_{name}_as_it_was BEFORE UPDATE OF {columns} ON estimates WHEN {when}"
                " BEGIN SELECT RAISE(ABORT, 'an estimate stays as it was'); END"
            )


def downgrade() -> None:
    """Undo."""
    op.drop_table("estimates")
