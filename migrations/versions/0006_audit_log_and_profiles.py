"""The audit log, and the profiles of customers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APPENDED = ("audit_entries", "consents")
LEAPS = "NEW.sequence <> OLD.sequence + 1 OR NEW.workshop_id <> OLD.workshop_id"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit_entries",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject_kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sealed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("request_id", sa.String(length=128), nullable=True),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_audit_entries_sequence_positive")),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_audit_entries_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", "sequence", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_audit_entries_account", ["workshop_id", "account_id", "sequence"], unique=False
        )
        batch_op.create_index("ix_audit_entries_action", ["workshop_id", "action", "sequence"], unique=False)
        batch_op.create_index("ix_audit_entries_at", ["workshop_id", "at", "sequence"], unique=False)
        batch_op.create_index(
            "ix_audit_entries_subject",
            ["workshop_id", "subject_kind", "subject_id", "sequence"],
            unique=False,
        )

    op.create_table(
        "audit_heads",
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_audit_heads_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "person_keys",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_person_keys_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_keys")),
        sa.UniqueConstraint(
            "workshop_id", "kind", "person_id", name=op.f("uq_person_keys_workshop_id_kind_person_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("text_version", sa.String(length=40), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('data_processing', 'marketing', 'photos', 'reminders')",
            name=op.f("ck_consents_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_consents_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "customer_id"],
            ["customers.workshop_id", "customers.id"],
            name=op.f("fk_consents_workshop_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_consents_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.create_index("ix_consents_customer", ["workshop_id", "customer_id", "id"], unique=False)

    op.create_table(
        "customer_profiles",
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("postal_code", sa.String(length=20), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("preferred_contact", sa.String(length=20), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("gender", sa.String(length=20), nullable=True),
        sa.Column("emergency_contact_name", sa.String(length=200), nullable=True),
        sa.Column("emergency_contact_phone", sa.String(length=20), nullable=True),
        sa.Column("national_id_kind", sa.String(length=20), nullable=True),
        sa.Column("national_id", sa.LargeBinary(), nullable=True),
        sa.Column("national_id_digest", sa.LargeBinary(length=16), nullable=True),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "birth_date >= '1900-01-01'", name=op.f("ck_customer_profiles_birth_date_after_1900")
        ),
        sa.CheckConstraint(
            "gender IN ('female', 'male', 'non_binary', 'other', 'undisclosed')",
            name=op.f("ck_customer_profiles_gender_known"),
        ),
        sa.CheckConstraint(
            "preferred_contact IN ('email', 'phone', 'sms')",
            name=op.f("ck_customer_profiles_preferred_contact_known"),
        ),
        sa.CheckConstraint(
            "(national_id IS NULL) = (national_id_kind IS NULL) AND (national_id IS NULL) = (national_id_digest IS NULL)",
            name=op.f("ck_customer_profiles_national_id_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "customer_id"],
            ["customers.workshop_id", "customers.id"],
            name=op.f("fk_customer_profiles_workshop_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_customer_profiles_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", "customer_id", name=op.f("pk_customer_profiles")),
        sa.UniqueConstraint(
            "workshop_id",
            "national_id_digest",
            name=op.f("uq_customer_profiles_workshop_id_national_id_digest"),
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        guard_postgresql()
    else:
        guard_sqlite()


def guard_postgresql() -> None:
    """Let nobody change what is only appended to, nor move a chain's head but one step on."""
    op.execute("""
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '% is appended to, and nothing else', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$
    """)
    for table in APPENDED:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table in (*APPENDED, "audit_heads"):
        op.execute(f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()")
    op.execute(
        "CREATE TRIGGER no_delete BEFORE DELETE ON audit_heads FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER one_step BEFORE UPDATE ON audit_heads FOR EACH ROW WHEN ({LEAPS}) EXECUTE FUNCTION refuse_change()"
    )


def guard_sqlite() -> None:
    """The same where a trigger is a statement, and there is no TRUNCATE."""
    refuse = "BEGIN SELECT RAISE(ABORT, 'this table is appended to, and nothing else'); END"
    for table in APPENDED:
        for change in ("update", "delete"):
            op.execute(f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} {refuse}")
    op.execute(f"CREATE TRIGGER audit_heads_no_delete BEFORE DELETE ON audit_heads {refuse}")
    op.execute(f"CREATE TRIGGER audit_heads_one_step BEFORE UPDATE ON audit_heads WHEN {LEAPS} {refuse}")


def downgrade() -> None:
    """Undo."""
    op.drop_table("customer_profiles")
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.drop_index("ix_consents_customer")

    op.drop_table("consents")
    op.drop_table("person_keys")
    op.drop_table("audit_heads")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entries_subject")
        batch_op.drop_index("ix_audit_entries_at")
        batch_op.drop_index("ix_audit_entries_action")
        batch_op.drop_index("ix_audit_entries_account")

    op.drop_table("audit_entries")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
