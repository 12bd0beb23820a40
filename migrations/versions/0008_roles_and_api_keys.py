"""Roles of a workshop's own making, and API keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
STAFF = sa.text("ended_at IS NULL AND role <> 'customer'")
ROLE_KNOWN = "ck_memberships_role_known"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "roles",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("folded_name", sa.String(length=180), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_roles_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_roles_workshop_id_id")),
        sa.UniqueConstraint("workshop_id", "folded_name", name=op.f("uq_roles_workshop_id_folded_name")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.add_column(sa.Column("role_id", ID, nullable=True))
        batch_op.drop_constraint(op.f(ROLE_KNOWN), type_="check")
        batch_op.create_check_constraint(
            op.f(ROLE_KNOWN), "role IN ('owner', 'mechanic', 'staff', 'customer')"
        )
        batch_op.create_check_constraint(
            op.f("ck_memberships_own_role_for_staff"), "role = 'staff' OR role_id IS NULL"
        )
        batch_op.create_check_constraint(
            op.f("ck_memberships_staff_has_own_role"),
            "role <> 'staff' OR role_id IS NOT NULL OR ended_at IS NOT NULL",
        )
        batch_op.create_unique_constraint(op.f("uq_memberships_workshop_id_id"), ["workshop_id", "id"])
        batch_op.create_foreign_key(
            op.f("fk_memberships_workshop_id_role_id_roles"),
            "roles",
            ["workshop_id", "role_id"],
            ["workshop_id", "id"],
        )
        batch_op.create_index("ix_memberships_role", ["workshop_id", "role_id"], unique=False)
        batch_op.create_index(
            "ix_memberships_staff",
            ["workshop_id", "created_at", "id"],
            unique=False,
            sqlite_where=STAFF,
            postgresql_where=STAFF,
        )
    op.create_table(
        "api_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("membership_id", ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_api_keys_expires_after_creation")),
        sa.ForeignKeyConstraint(
            ["workshop_id", "membership_id"],
            ["memberships.workshop_id", "memberships.id"],
            name=op.f("fk_api_keys_workshop_id_membership_id_memberships"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_api_keys_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index("ix_api_keys_membership", ["workshop_id", "membership_id"], unique=False)
        batch_op.create_index("ix_api_keys_name", ["workshop_id", "name", "id"], unique=False)
    # Not by a batch: on SQLite that would rebuild the table, without its triggers.
    op.add_column("audit_entries", sa.Column("key_id", ID, nullable=True))


def downgrade() -> None:
    """Undo. Who has a role of a workshop's own making is let go, since nothing else would fit: invite them anew."""
    op.drop_column("audit_entries", "key_id")
    op.drop_table("api_keys")
    for table, column in (("spent_refresh_tokens", "session_id"), ("account_sessions", "id")):
        op.execute(f"DELETE FROM {table} WHERE {column} IN ({SESSIONS_OF_STAFF})")  # noqa: S608 - our own words
    op.execute("DELETE FROM memberships WHERE role = 'staff'")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index("ix_memberships_staff", sqlite_where=STAFF, postgresql_where=STAFF)
        batch_op.drop_index("ix_memberships_role")
        batch_op.drop_constraint(op.f("fk_memberships_workshop_id_role_id_roles"), type_="foreignkey")
        batch_op.drop_constraint(op.f("uq_memberships_workshop_id_id"), type_="unique")
        batch_op.drop_constraint(op.f("ck_memberships_staff_has_own_role"), type_="check")
        batch_op.drop_constraint(op.f("ck_memberships_own_role_for_staff"), type_="check")
        batch_op.drop_constraint(op.f(ROLE_KNOWN), type_="check")
        batch_op.create_check_constraint(op.f(ROLE_KNOWN), "role IN ('owner', 'mechanic', 'customer')")
        batch_op.drop_column("role_id")
    op.drop_table("roles")


SESSIONS_OF_STAFF = (
    "SELECT account_sessions.id FROM account_sessions JOIN memberships ON memberships.id = account_sessions.membership_id "
    "WHERE memberships.role = 'staff'"
)
