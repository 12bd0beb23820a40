"""Files, photos, exports and erasures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PREPARING = sa.text("state = 'preparing'")
SEALED = sa.text("sealed_by IS NOT NULL")


def of_workshop(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{table}_workshop_id_workshops")
    )


def of_customer(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id", "customer_id"],
        ["customers.workshop_id", "customers.id"],
        name=op.f(f"fk_{table}_workshop_id_customer_id_customers"),
    )


def of_file(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id", "file_id"],
        ["files.workshop_id", "files.id"],
        name=op.f(f"fk_{table}_workshop_id_file_id_files"),
    )


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "files",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("kind IN ('photo', 'export')", name=op.f("ck_files_kind_known")),
        sa.CheckConstraint("size > 0", name=op.f("ck_files_size_positive")),
        of_workshop("files"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_files_workshop_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "file_pieces",
        sa.Column("file_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("place >= 0", name=op.f("ck_file_pieces_place_not_negative")),
        of_file("file_pieces"),
        of_workshop("file_pieces"),
        sa.PrimaryKeyConstraint("workshop_id", "file_id", "place", name=op.f("pk_file_pieces")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # What is encrypted cannot be compressed, and the beginning of a value is read alone when keys are rotated.
        op.execute("ALTER TABLE file_pieces ALTER COLUMN content SET STORAGE EXTERNAL")
    op.create_table(
        "customer_photos",
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("file_id", ID, nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        of_customer("customer_photos"),
        of_file("customer_photos"),
        of_workshop("customer_photos"),
        sa.PrimaryKeyConstraint("workshop_id", "customer_id", name=op.f("pk_customer_photos")),
        sa.UniqueConstraint("workshop_id", "file_id", name=op.f("uq_customer_photos_workshop_id_file_id")),
    )
    create_exports()
    op.create_table(
        "erasures",
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        of_customer("erasures"),
        of_workshop("erasures"),
        sa.PrimaryKeyConstraint("workshop_id", "customer_id", name=op.f("pk_erasures")),
    )
    op.create_index(
        "ix_audit_entries_sealed_by",
        "audit_entries",
        ["workshop_id", "sealed_by", "sequence"],
        sqlite_where=SEALED,
        postgresql_where=SEALED,
    )


def create_exports() -> None:
    """Make the table of exports, with what a worker finds the next one by."""
    op.create_table(
        "exports",
        sa.Column("id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file_id", ID, nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("state IN ('preparing', 'ready', 'failed')", name=op.f("ck_exports_state_known")),
        sa.CheckConstraint(
            "(state = 'ready') = (file_id IS NOT NULL)", name=op.f("ck_exports_ready_with_file")
        ),
        sa.CheckConstraint(
            "(state = 'preparing') = (expires_at IS NULL)", name=op.f("ck_exports_done_expires")
        ),
        sa.CheckConstraint(
            "claimed_until IS NULL OR state = 'preparing'", name=op.f("ck_exports_only_preparing_claimed")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_exports_attempts_not_negative")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_exports_account_id_accounts")),
        of_customer("exports"),
        of_file("exports"),
        of_workshop("exports"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        sa.UniqueConstraint("workshop_id", "file_id", name=op.f("uq_exports_workshop_id_file_id")),
    )
    op.create_index("ix_exports_customer", "exports", ["workshop_id", "customer_id", "id"])
    op.create_index("ix_exports_expires_at", "exports", ["expires_at"])
    op.create_index(
        "uq_exports_preparing",
        "exports",
        ["workshop_id", "customer_id"],
        unique=True,
        sqlite_where=PREPARING,
        postgresql_where=PREPARING,
    )
    op.create_index(
        "ix_exports_due",
        "exports",
        ["due_at", "id"],
        sqlite_where=PREPARING,
        postgresql_where=PREPARING,
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_audit_entries_sealed_by", "audit_entries")
    for table in ("erasures", "exports", "customer_photos", "file_pieces", "files"):
        op.drop_table(table)
