"""Vehicles as records of their own: what they are, plates, odometer readings, changes of keeper, and what was looked at."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
PRESENT: dict[str, Any] = {
    "sqlite_where": sa.text("until IS NULL"),
    "postgresql_where": sa.text("until IS NULL"),
}
APPENDED = ("vehicle_readings", "vehicle_transfers")
DESCRIBED = (
    ("make", sa.String(60)), ("model", sa.String(80)), ("year", sa.Integer()), ("fuel_type", sa.String(20)),
    ("transmission", sa.String(20)), ("engine_capacity_cc", sa.Integer()), ("engine_power_kw", sa.Integer()),
    ("colour", sa.String(40)), ("odometer_unit", sa.String(2)), ("odometer_metres", sa.BigInteger()),
    ("odometer_read_at", INSTANT),
)  # fmt: skip
CHECKS = {
    "year_within_reason": "year BETWEEN 1886 AND 2100",
    "fuel_type_known": "fuel_type IN"
    " ('petrol', 'diesel', 'hybrid', 'plug_in_hybrid', 'electric', 'lpg', 'cng', 'hydrogen', 'other')",
    "transmission_known": "transmission IN"
    " ('manual', 'automatic', 'automated_manual', 'dual_clutch', 'cvt', 'single_speed', 'other')",
    "engine_capacity_positive": "engine_capacity_cc > 0",
    "engine_power_positive": "engine_power_kw > 0",
    "odometer_unit_known": "odometer_unit IN ('km', 'mi')",
    "odometer_not_negative": "odometer_metres >= 0",
    "odometer_whole": "(odometer_metres IS NULL) = (odometer_read_at IS NULL)"
    " AND (odometer_metres IS NULL OR odometer_unit IS NOT NULL)",
}
SEARCHED = (("vehicles", "make"), ("vehicles", "model"), ("vehicle_plates", "plate"))


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("vehicles") as batch_op:
        for name, kind in DESCRIBED:
            batch_op.add_column(sa.Column(name, kind, nullable=True))
        # By their defaults the running version, which knows neither, goes on while it is replaced.
        batch_op.add_column(sa.Column("version", sa.Integer(), server_default="1", nullable=False))
        batch_op.add_column(sa.Column("updated_at", INSTANT, server_default=sa.func.now(), nullable=False))
        for name, condition in CHECKS.items():
            batch_op.create_check_constraint(op.f(f"ck_vehicles_{name}"), condition)
    op.execute("UPDATE vehicles SET updated_at = created_at")
    for column in ("created_at", "updated_at"):
        op.create_index(f"ix_vehicles_{column}", "vehicles", ["workshop_id", column, "id"])
    op.drop_index("ix_service_tickets_vehicle", "service_tickets")
    op.create_index(
        "ix_service_tickets_vehicle", "service_tickets", ["workshop_id", "vehicle_id", "service_date", "id"]
    )
    create_plates()
    create_readings()
    create_transfers()
    create_views()
    create_maintenance()
    if op.get_bind().dialect.name == "postgresql":
        for table, column in SEARCHED:
            op.execute(f"CREATE INDEX trgm_{table}_{column} ON {table} USING gin ({column} gin_trgm_ops)")
        guard_postgresql()
    else:
        guard_sqlite()
    protect(
        "maintenance_intervals", "vehicle_views", "vehicle_transfers", "vehicle_readings", "vehicle_plates"
    )


def of_workshop(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{table}_workshop_id_workshops")
    )


def of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["account_id"], ["accounts.id"], name=op.f(f"fk_{table}_account_id_accounts")
    )


def of_customer(table: str, column: str = "customer_id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id", column],
        ["customers.workshop_id", "customers.id"],
        name=op.f(f"fk_{table}_workshop_id_{column}_customers"),
    )


def of_vehicle(table: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id", "vehicle_id"],
        ["vehicles.workshop_id", "vehicles.id"],
        name=op.f(f"fk_{table}_workshop_id_vehicle_id_vehicles"),
        ondelete=ondelete,
    )


def create_plates() -> None:
    """Make the table of plates, with the one that a car has now and those before it."""
    op.create_table(
        "vehicle_plates",
        sa.Column("id", ID, nullable=False),
        sa.Column("vehicle_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("plate", sa.String(length=20), nullable=False),
        sa.Column("folded", sa.String(length=20), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("until >= since", name=op.f("ck_vehicle_plates_until_not_before_since")),
        of_vehicle("vehicle_plates", "CASCADE"),
        of_customer("vehicle_plates"),
        of_workshop("vehicle_plates"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle_plates")),
    )
    op.create_index(
        "uq_vehicle_plates_present", "vehicle_plates", ["workshop_id", "vehicle_id"], unique=True, **PRESENT
    )
    op.create_index("ix_vehicle_plates_folded", "vehicle_plates", ["workshop_id", "folded"])
    op.create_index(
        "ix_vehicle_plates_vehicle", "vehicle_plates", ["workshop_id", "vehicle_id", "since", "id"]
    )
    op.create_index("ix_vehicle_plates_customer", "vehicle_plates", ["workshop_id", "customer_id"])


def create_readings() -> None:
    """Make the table of what odometers showed."""
    op.create_table(
        "vehicle_readings",
        sa.Column("id", ID, nullable=False),
        sa.Column("vehicle_id", ID, nullable=False),
        sa.Column("customer_id", ID, nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(length=2), nullable=False),
        sa.Column("metres", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint(
            "value BETWEEN 0 AND 10000000", name=op.f("ck_vehicle_readings_value_within_reason")
        ),
        sa.CheckConstraint("metres >= 0", name=op.f("ck_vehicle_readings_metres_not_negative")),
        sa.CheckConstraint("unit IN ('km', 'mi')", name=op.f("ck_vehicle_readings_unit_known")),
        sa.CheckConstraint(
            "source IN ('dashboard', 'customer', 'document')", name=op.f("ck_vehicle_readings_source_known")
        ),
        of_vehicle("vehicle_readings"),
        of_customer("vehicle_readings"),
        of_account("vehicle_readings"),
        of_workshop("vehicle_readings"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle_readings")),
    )
    op.create_index(
        "ix_vehicle_readings_read_at", "vehicle_readings", ["workshop_id", "vehicle_id", "read_at", "id"]
    )
    op.create_index("ix_vehicle_readings_customer", "vehicle_readings", ["workshop_id", "customer_id"])


def create_transfers() -> None:
    """Make the table of changes of keeper."""
    op.create_table(
        "vehicle_transfers",
        sa.Column("id", ID, nullable=False),
        sa.Column("vehicle_id", ID, nullable=False),
        sa.Column("from_customer_id", ID, nullable=False),
        sa.Column("to_customer_id", ID, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint(
            "from_customer_id <> to_customer_id", name=op.f("ck_vehicle_transfers_to_somebody_else")
        ),
        of_vehicle("vehicle_transfers"),
        of_customer("vehicle_transfers", "from_customer_id"),
        of_customer("vehicle_transfers", "to_customer_id"),
        of_account("vehicle_transfers"),
        of_workshop("vehicle_transfers"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle_transfers")),
    )
    op.create_index("ix_vehicle_transfers_vehicle", "vehicle_transfers", ["workshop_id", "vehicle_id", "id"])
    op.create_index("ix_vehicle_transfers_from", "vehicle_transfers", ["workshop_id", "from_customer_id"])
    op.create_index("ix_vehicle_transfers_to", "vehicle_transfers", ["workshop_id", "to_customer_id"])


def create_views() -> None:
    """Make the table of who looked at what last."""
    op.create_table(
        "vehicle_views",
        sa.Column("account_id", ID, nullable=False),
        sa.Column("vehicle_id", ID, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        of_vehicle("vehicle_views", "CASCADE"),
        of_account("vehicle_views"),
        of_workshop("vehicle_views"),
        sa.PrimaryKeyConstraint("workshop_id", "account_id", "vehicle_id", name=op.f("pk_vehicle_views")),
    )
    op.create_index(
        "ix_vehicle_views_seen_at", "vehicle_views", ["workshop_id", "account_id", "seen_at", "vehicle_id"]
    )
    op.create_index("ix_vehicle_views_vehicle", "vehicle_views", ["workshop_id", "vehicle_id"])


def create_maintenance() -> None:
    """Make the table of what cars need again."""
    op.create_table(
        "maintenance_intervals",
        sa.Column("id", ID, nullable=False),
        sa.Column("vehicle_id", ID, nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("every_months", sa.Integer(), nullable=True),
        sa.Column("every_distance", sa.Integer(), nullable=True),
        sa.Column("unit", sa.String(length=2), nullable=True),
        sa.Column("last_done_on", sa.Date(), nullable=False),
        sa.Column("last_done_at", sa.Integer(), nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "every_months BETWEEN 1 AND 240", name=op.f("ck_maintenance_intervals_months_within_reason")
        ),
        sa.CheckConstraint(
            "every_distance BETWEEN 1 AND 1000000",
            name=op.f("ck_maintenance_intervals_distance_within_reason"),
        ),
        sa.CheckConstraint("unit IN ('km', 'mi')", name=op.f("ck_maintenance_intervals_unit_known")),
        sa.CheckConstraint(
            "every_months IS NOT NULL OR every_distance IS NOT NULL",
            name=op.f("ck_maintenance_intervals_by_time_or_distance"),
        ),
        sa.CheckConstraint(
            "(every_distance IS NULL) = (unit IS NULL) AND (every_distance IS NULL) = (last_done_at IS NULL)",
            name=op.f("ck_maintenance_intervals_distance_whole"),
        ),
        of_vehicle("maintenance_intervals", "CASCADE"),
        of_workshop("maintenance_intervals"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance_intervals")),
    )
    op.create_index(
        "ix_maintenance_intervals_title",
        "maintenance_intervals",
        ["workshop_id", "vehicle_id", "title", "id"],
    )


def guard_postgresql() -> None:
    """Let nobody change what is only appended to; the function is that of the audit log."""
    for table in APPENDED:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()")


def guard_sqlite() -> None:
    """The same where a trigger is a statement, and there is no TRUNCATE."""
    refuse = "BEGIN SELECT RAISE(ABORT, 'this table is appended to, and nothing else'); END"
    for table in APPENDED:
        for change in ("update", "delete"):
            op.execute(f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} {refuse}")


def downgrade() -> None:
    """Undo."""
    for table in (
        "maintenance_intervals",
        "vehicle_views",
        "vehicle_transfers",
        "vehicle_readings",
        "vehicle_plates",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for column in ("make", "model"):
            op.drop_index(f"trgm_vehicles_{column}", "vehicles")
    op.drop_index("ix_service_tickets_vehicle", "service_tickets")
    op.create_index("ix_service_tickets_vehicle", "service_tickets", ["workshop_id", "vehicle_id"])
    for column in ("updated_at", "created_at"):
        op.drop_index(f"ix_vehicles_{column}", "vehicles")
    with op.batch_alter_table("vehicles") as batch_op:
        for name in CHECKS:
            batch_op.drop_constraint(op.f(f"ck_vehicles_{name}"), type_="check")
        batch_op.drop_column("updated_at")
        batch_op.drop_column("version")
        for name, _ in reversed(DESCRIBED):
            batch_op.drop_column(name)
