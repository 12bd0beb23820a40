"""First tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEARCHED = (
    ("customers", "name"),
    ("mechanics", "name"),
    ("parts", "name"),
    ("service_tickets", "service_desc"),
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (email IS NOT NULL)", name=op.f("ck_accounts_open_with_email")
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_accounts_email_in_lower_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email", name=op.f("uq_accounts_email")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("caller", sa.String(length=120), nullable=False),
        sa.Column("route", sa.String(length=300), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_keys")),
        sa.UniqueConstraint("caller", "route", "key", name=op.f("uq_idempotency_keys_caller_route_key")),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_keys_created_at"), ["created_at"], unique=False)

    op.create_table(
        "workshops",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("time_zone", sa.String(length=60), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(slug) >= 2", name=op.f("ck_workshops_slug_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workshops")),
        sa.UniqueConstraint("slug", name=op.f("uq_workshops_slug")),
    )
    op.create_table(
        "counters",
        sa.Column("series", sa.String(length=40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_counters_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", "series", name=op.f("pk_counters")),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_customers_email_in_lower_case")),
        sa.CheckConstraint(
            "erased_at IS NULL OR (email IS NULL AND phone IS NULL)",
            name=op.f("ck_customers_erased_without_person"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_customers_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("workshop_id", "email", name=op.f("uq_customers_workshop_id_email")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_customers_workshop_id_id")),
        sa.UniqueConstraint("workshop_id", "phone", name=op.f("uq_customers_workshop_id_phone")),
    )
    with op.batch_alter_table("customers", schema=None) as batch_op:
        batch_op.create_index("ix_customers_created_at", ["workshop_id", "created_at", "id"], unique=False)
        batch_op.create_index("ix_customers_name", ["workshop_id", "name", "id"], unique=False)

    op.create_table(
        "mechanics",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("salary", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_mechanics_email_in_lower_case")),
        sa.CheckConstraint("salary >= 0", name=op.f("ck_mechanics_salary_not_negative")),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_mechanics_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mechanics")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_mechanics_workshop_id_id")),
    )
    with op.batch_alter_table("mechanics", schema=None) as batch_op:
        batch_op.create_index("ix_mechanics_name", ["workshop_id", "name", "id"], unique=False)
        batch_op.create_index(
            "uq_mechanics_active_email",
            ["workshop_id", "email"],
            unique=True,
            sqlite_where=sa.text("left_at IS NULL"),
            postgresql_where=sa.text("left_at IS NULL"),
        )

    op.create_table(
        "parts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.String(length=60), nullable=True),
        sa.Column("on_hand", sa.Integer(), nullable=True),
        sa.Column("minimum_stock_level", sa.Integer(), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("minimum_stock_level >= 0", name=op.f("ck_parts_minimum_not_negative")),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_parts_on_hand_not_negative")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_parts_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_parts_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parts")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_parts_workshop_id_id")),
    )
    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.create_index("ix_parts_name", ["workshop_id", "name", "id"], unique=False)
        batch_op.create_index("ix_parts_price", ["workshop_id", "price", "id"], unique=False)
        batch_op.create_index(
            "uq_parts_active_sku",
            ["workshop_id", "sku"],
            unique=True,
            sqlite_where=sa.text("archived_at IS NULL"),
            postgresql_where=sa.text("archived_at IS NULL"),
        )

    op.create_table(
        "memberships",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("mechanic_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "(role = 'customer') = (customer_id IS NOT NULL)", name=op.f("ck_memberships_customer_has_record")
        ),
        sa.CheckConstraint(
            "role <> 'mechanic' OR mechanic_id IS NOT NULL", name=op.f("ck_memberships_mechanic_has_record")
        ),
        sa.CheckConstraint(
            "role IN ('owner', 'mechanic', 'customer')", name=op.f("ck_memberships_role_known")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_memberships_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "customer_id"],
            ["customers.workshop_id", "customers.id"],
            name=op.f("fk_memberships_workshop_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "mechanic_id"],
            ["mechanics.workshop_id", "mechanics.id"],
            name=op.f("fk_memberships_workshop_id_mechanic_id_mechanics"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_memberships_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index("ix_memberships_account_id", ["account_id"], unique=False)
        batch_op.create_index("ix_memberships_customer", ["workshop_id", "customer_id"], unique=False)
        batch_op.create_index("ix_memberships_mechanic", ["workshop_id", "mechanic_id"], unique=False)
        batch_op.create_index(
            "uq_memberships_standing",
            ["workshop_id", "account_id", "role"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "vehicles",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vin", sa.LargeBinary(), nullable=False),
        sa.Column("vin_digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("vin_tail_digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workshop_id", "customer_id"],
            ["customers.workshop_id", "customers.id"],
            name=op.f("fk_vehicles_workshop_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_vehicles_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicles")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_vehicles_workshop_id_id")),
    )
    with op.batch_alter_table("vehicles", schema=None) as batch_op:
        batch_op.create_index("ix_vehicles_customer_id", ["workshop_id", "customer_id"], unique=False)
        batch_op.create_index("ix_vehicles_vin_tail_digest", ["workshop_id", "vin_tail_digest"], unique=False)
        batch_op.create_index(
            "uq_vehicles_active_vin",
            ["workshop_id", "vin_digest"],
            unique=True,
            sqlite_where=sa.text("archived_at IS NULL"),
            postgresql_where=sa.text("archived_at IS NULL"),
        )

    op.create_table(
        "service_tickets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("vehicle_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("service_date", sa.Date(), nullable=False),
        sa.Column("service_desc", sa.String(length=2000), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('booked', 'received', 'in_progress', 'completed', 'delivered', 'cancelled')",
            name=op.f("ck_service_tickets_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "customer_id"],
            ["customers.workshop_id", "customers.id"],
            name=op.f("fk_service_tickets_workshop_id_customer_id_customers"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "vehicle_id"],
            ["vehicles.workshop_id", "vehicles.id"],
            name=op.f("fk_service_tickets_workshop_id_vehicle_id_vehicles"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_service_tickets_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_tickets")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_service_tickets_workshop_id_id")),
        sa.UniqueConstraint("workshop_id", "number", name=op.f("uq_service_tickets_workshop_id_number")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("service_tickets", schema=None) as batch_op:
        batch_op.create_index(
            "ix_service_tickets_customer", ["workshop_id", "customer_id", "service_date", "id"], unique=False
        )
        batch_op.create_index("ix_service_tickets_date", ["workshop_id", "service_date", "id"], unique=False)
        batch_op.create_index(
            "ix_service_tickets_status", ["workshop_id", "status", "service_date", "id"], unique=False
        )
        batch_op.create_index("ix_service_tickets_vehicle", ["workshop_id", "vehicle_id"], unique=False)

    op.create_table(
        "service_ticket_mechanics",
        sa.Column("service_ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mechanic_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["workshop_id", "mechanic_id"],
            ["mechanics.workshop_id", "mechanics.id"],
            name=op.f("fk_service_ticket_mechanics_workshop_id_mechanic_id_mechanics"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            name=op.f("fk_service_ticket_mechanics_workshop_id_service_ticket_id_service_tickets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_service_ticket_mechanics_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint(
            "workshop_id", "service_ticket_id", "mechanic_id", name=op.f("pk_service_ticket_mechanics")
        ),
    )
    with op.batch_alter_table("service_ticket_mechanics", schema=None) as batch_op:
        batch_op.create_index(
            "ix_service_ticket_mechanics_mechanic",
            ["workshop_id", "mechanic_id", "service_ticket_id"],
            unique=False,
        )

    op.create_table(
        "service_ticket_parts",
        sa.Column("service_ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_service_ticket_parts_quantity_positive")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_service_ticket_parts_unit_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["workshop_id", "part_id"],
            ["parts.workshop_id", "parts.id"],
            name=op.f("fk_service_ticket_parts_workshop_id_part_id_parts"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            name=op.f("fk_service_ticket_parts_workshop_id_service_ticket_id_service_tickets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_service_ticket_parts_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint(
            "workshop_id", "service_ticket_id", "part_id", "unit_price", name=op.f("pk_service_ticket_parts")
        ),
    )
    with op.batch_alter_table("service_ticket_parts", schema=None) as batch_op:
        batch_op.create_index("ix_service_ticket_parts_part", ["workshop_id", "part_id"], unique=False)

    op.create_table(
        "service_ticket_status_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("service_ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_status", sa.String(length=20), nullable=True),
        sa.Column("to_status", sa.String(length=20), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("workshop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "to_status IN ('booked', 'received', 'in_progress', 'completed', 'delivered', 'cancelled')",
            name=op.f("ck_service_ticket_status_changes_to_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_service_ticket_status_changes_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            name=op.f("fk_service_ticket_status_changes_workshop_id_service_ticket_id_service_tickets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"],
            ["workshops.id"],
            name=op.f("fk_service_ticket_status_changes_workshop_id_workshops"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_ticket_status_changes")),
    )
    with op.batch_alter_table("service_ticket_status_changes", schema=None) as batch_op:
        batch_op.create_index(
            "ix_service_ticket_status_changes_ticket", ["workshop_id", "service_ticket_id"], unique=False
        )

    if op.get_bind().dialect.name == "postgresql":
        # What a search reads: words anywhere in a text. SQLite, a single shop's database, reads the text itself.
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        for table, column in SEARCHED:
            op.execute(f"CREATE INDEX trgm_{table}_{column} ON {table} USING gin ({column} gin_trgm_ops)")


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("service_ticket_status_changes", schema=None) as batch_op:
        batch_op.drop_index("ix_service_ticket_status_changes_ticket")

    op.drop_table("service_ticket_status_changes")
    with op.batch_alter_table("service_ticket_parts", schema=None) as batch_op:
        batch_op.drop_index("ix_service_ticket_parts_part")

    op.drop_table("service_ticket_parts")
    with op.batch_alter_table("service_ticket_mechanics", schema=None) as batch_op:
        batch_op.drop_index("ix_service_ticket_mechanics_mechanic")

    op.drop_table("service_ticket_mechanics")
    with op.batch_alter_table("service_tickets", schema=None) as batch_op:
        batch_op.drop_index("ix_service_tickets_vehicle")
        batch_op.drop_index("ix_service_tickets_status")
        batch_op.drop_index("ix_service_tickets_date")
        batch_op.drop_index("ix_service_tickets_customer")

    op.drop_table("service_tickets")
    with op.batch_alter_table("vehicles", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_vehicles_active_vin",
            sqlite_where=sa.text("archived_at IS NULL"),
            postgresql_where=sa.text("archived_at IS NULL"),
        )
        batch_op.drop_index("ix_vehicles_vin_tail_digest")
        batch_op.drop_index("ix_vehicles_customer_id")

    op.drop_table("vehicles")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_memberships_standing",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index("ix_memberships_mechanic")
        batch_op.drop_index("ix_memberships_customer")
        batch_op.drop_index("ix_memberships_account_id")

    op.drop_table("memberships")
    with op.batch_alter_table("parts", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_parts_active_sku",
            sqlite_where=sa.text("archived_at IS NULL"),
            postgresql_where=sa.text("archived_at IS NULL"),
        )
        batch_op.drop_index("ix_parts_price")
        batch_op.drop_index("ix_parts_name")

    op.drop_table("parts")
    with op.batch_alter_table("mechanics", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_mechanics_active_email",
            sqlite_where=sa.text("left_at IS NULL"),
            postgresql_where=sa.text("left_at IS NULL"),
        )
        batch_op.drop_index("ix_mechanics_name")

    op.drop_table("mechanics")
    with op.batch_alter_table("customers", schema=None) as batch_op:
        batch_op.drop_index("ix_customers_name")
        batch_op.drop_index("ix_customers_created_at")

    op.drop_table("customers")
    op.drop_table("counters")
    op.drop_table("workshops")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_created_at"))

    op.drop_table("idempotency_keys")
    op.drop_table("accounts")
