"""Progress updates, comments for staff, and which mail about their cars customers want."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
TABLES = ("ticket_comments", "progress_updates", "notification_preferences")


def of_workshop(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{table}_workshop_id_workshops")
    )


def of_ticket(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id", "service_ticket_id"],
        ["service_tickets.workshop_id", "service_tickets.id"],
        name=op.f(f"fk_{table}_workshop_id_service_ticket_id_service_tickets"),
        ondelete="CASCADE",
    )


def of_account(table: str, column: str = "account_id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["accounts.id"], name=op.f(f"fk_{table}_{column}_accounts"))


def versioned() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
    )


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "notification_preferences",
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("progress_updates", sa.Boolean(), nullable=False),
        sa.Column("completion_notices", sa.Boolean(), nullable=False),
        sa.Column("maintenance_reminders", sa.Boolean(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        *versioned(),
        sa.ForeignKeyConstraint(
            ["workshop_id", "customer_id"],
            ["customers.workshop_id", "customers.id"],
            name=op.f("fk_notification_preferences_workshop_id_customer_id_customers"),
        ),
        of_workshop("notification_preferences"),
        sa.PrimaryKeyConstraint("workshop_id", "customer_id", name=op.f("pk_notification_preferences")),
    )
    op.create_table(
        "progress_updates",
        sa.Column("id", ID, nullable=False),
        sa.Column("service_ticket_id", ID, nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("validated_at", INSTANT, nullable=True),
        sa.Column("validated_by", ID, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        *versioned(),
        sa.CheckConstraint(
            "validated_by IS NULL OR validated_at IS NOT NULL",
            name=op.f("ck_progress_updates_validated_with_time"),
        ),
        of_ticket("progress_updates"),
        of_account("progress_updates"),
        of_account("progress_updates", "validated_by"),
        of_workshop("progress_updates"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progress_updates")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_progress_updates_workshop_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ticket_comments",
        sa.Column("id", ID, nullable=False),
        sa.Column("service_ticket_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        *versioned(),
        of_ticket("ticket_comments"),
        of_account("ticket_comments"),
        of_workshop("ticket_comments"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_comments")),
        sqlite_autoincrement=True,
    )
    for table in ("progress_updates", "ticket_comments"):
        op.create_index(f"ix_{table}_ticket", table, ["workshop_id", "service_ticket_id", "id"])
    guard()
    protect(*TABLES)


def guard() -> None:
    """Let nothing of a validated update be changed. It goes with its ticket all the same."""
    validated = "OLD.validated_at IS NOT NULL"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER validated_stays BEFORE UPDATE ON progress_updates"
            f" FOR EACH ROW WHEN ({validated}) EXECUTE FUNCTION refuse_change()"
        )
        return
    op.execute(
        f"CREATE TRIGGER progress_updates_validated_stays BEFORE UPDATE ON progress_updates WHEN {validated}"
        " BEGIN SELECT RAISE(ABORT, 'the update is validated'); END"
    )


def downgrade() -> None:
    """Undo: all of it is lost."""
    for table in TABLES:
        op.drop_table(table)
