"""Invitations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OPEN = sa.text("token_digest IS NOT NULL")
OPEN_BY_ADDRESS = sa.text("token_digest IS NOT NULL AND customer_id IS NULL AND mechanic_id IS NULL")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "invitations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("salary", sa.BigInteger(), nullable=True),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("mechanic_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("token_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("invited_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'mechanic', 'staff', 'customer')", name=op.f("ck_invitations_role_known")
        ),
        sa.CheckConstraint(
            "role = 'staff' OR role_id IS NULL", name=op.f("ck_invitations_own_role_for_staff")
        ),
        sa.CheckConstraint(
            "role <> 'staff' OR role_id IS NOT NULL OR token_digest IS NULL",
            name=op.f("ck_invitations_staff_has_own_role"),
        ),
        sa.CheckConstraint(
            "(role = 'customer') = (customer_id IS NOT NULL)", name=op.f("ck_invitations_customer_has_record")
        ),
        sa.CheckConstraint(
            "mechanic_id IS NULL OR role = 'mechanic'", name=op.f("ck_invitations_mechanics_record")
        ),
        sa.CheckConstraint(
            "role <> 'mechanic' OR mechanic_id IS NOT NULL"
            " OR (name IS NOT NULL AND phone IS NOT NULL AND salary IS NOT NULL)",
            name=op.f("ck_invitations_new_mechanic_whole"),
        ),
        sa.CheckConstraint("salary >= 0", name=op.f("ck_invitations_salary_not_negative")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_invitations_email_in_lower_case")),
        sa.CheckConstraint(
            "token_digest IS NULL OR email IS NOT NULL", name=op.f("ck_invitations_open_with_address")
        ),
        sa.CheckConstraint(
            "(token_digest IS NOT NULL) = (accepted_at IS NULL AND withdrawn_at IS NULL)",
            name=op.f("ck_invitations_open_with_token"),
        ),
        sa.CheckConstraint(
            "accepted_at IS NULL OR withdrawn_at IS NULL", name=op.f("ck_invitations_ended_once")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "customer_id"],
            ["customers.workshop_id", "customers.id"],
            name=op.f("fk_invitations_workshop_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "mechanic_id"],
            ["mechanics.workshop_id", "mechanics.id"],
            name=op.f("fk_invitations_workshop_id_mechanic_id_mechanics"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "role_id"],
            ["roles.workshop_id", "roles.id"],
            name=op.f("fk_invitations_workshop_id_role_id_roles"),
        ),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["accounts.id"], name=op.f("fk_invitations_invited_by_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_invitations_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_invitations_token_digest")),
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index(
            "uq_invitations_open_address",
            ["workshop_id", "email", "role"],
            unique=True,
            sqlite_where=OPEN_BY_ADDRESS,
            postgresql_where=OPEN_BY_ADDRESS,
        )
        for record in ("customer", "mechanic"):
            batch_op.create_index(
                f"uq_invitations_open_{record}",
                ["workshop_id", f"{record}_id"],
                unique=True,
                sqlite_where=OPEN,
                postgresql_where=OPEN,
            )
        batch_op.create_index("ix_invitations_created_at", ["workshop_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_invitations_customer", ["workshop_id", "customer_id"], unique=False)
        batch_op.create_index("ix_invitations_role", ["workshop_id", "role_id"], unique=False)
        batch_op.create_index("ix_invitations_expires_at", ["expires_at"], unique=False)


def downgrade() -> None:
    """Undo."""
    op.drop_table("invitations")
