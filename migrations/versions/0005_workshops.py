"""Workshops: the directory's entry, opening hours and closures."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
SPECIALISATIONS = (
    "air_conditioning", "bodywork", "brakes", "classic_cars", "clutch_and_transmission", "diagnostics", "electrical",
    "electric_and_hybrid", "engine", "exhaust", "general_repair", "glass", "inspection", "lpg", "maintenance", "motorcycles",
    "paint", "suspension_and_steering", "trucks", "tyres", "vans_and_campers",
)  # fmt: skip
LISTED = {"sqlite_where": sa.text("listed = 1"), "postgresql_where": sa.text("listed")}


def columns() -> list[sa.Column[Any]]:
    # Defaults of the database's own let the running version, which knows none of these, go on while it is replaced.
    return [
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("street", sa.String(length=200), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("region", sa.String(length=100), nullable=True),
        sa.Column("postal_code", sa.String(length=20), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("place_id", sa.String(length=255), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("website", sa.String(length=300), nullable=True),
        sa.Column("rating_sum", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rating_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("listed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("locale", sa.String(length=12), server_default="en", nullable=False),
        sa.Column("tax_rate", sa.Integer(), nullable=True),
        sa.Column("tax_id", sa.String(length=40), nullable=True),
        sa.Column("prices_include_tax", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("updated_at", INSTANT, server_default=sa.func.now(), nullable=False),
    ]


CHECKS = {
    "latitude_on_earth": "latitude BETWEEN -90 AND 90",
    "longitude_on_earth": "longitude BETWEEN -180 AND 180",
    "located_by_both": "(latitude IS NULL) = (longitude IS NULL)",
    "rating_of_five": "rating_sum BETWEEN 0 AND 5 * rating_count",
    "tax_rate_percent": "tax_rate BETWEEN 0 AND 100000",
    "closed_is_unlisted": "closed_at IS NULL OR NOT listed",
}
INDEXES = {
    "ix_workshops_place": ["latitude", "longitude", "id"],
    "ix_workshops_directory": ["name", "id"],
    "ix_workshops_country": ["country", "name", "id"],
}

# No two periods of a day, and no two closures of a workshop, have anything in common. Each period or closure is a span of whole
# numbers of its workshop's own: so many to a workshop, so many to a weekday, that the spans of two never meet.
EXCLUSIONS = {
    "opening_periods": (
        "int8range(workshop_id * 16384 + weekday * 2048 + opens, workshop_id * 16384 + weekday * 2048 + closes)",
        "workshop_id = NEW.workshop_id AND weekday = NEW.weekday AND opens < NEW.closes AND closes > NEW.opens",
        "(weekday, opens) <> (OLD.weekday, OLD.opens)",
    ),
    "closures": (
        (
            "int8range(workshop_id * 131072 + (first_day - date '2000-01-01'), "
            "workshop_id * 131072 + (last_day - date '2000-01-01'), '[]')"
        ),
        "workshop_id = NEW.workshop_id AND first_day <= NEW.last_day AND last_day >= NEW.first_day",
        "id <> OLD.id",
    ),
}


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("workshops") as batch_op:
        for column in columns():
            batch_op.add_column(column)
        for name, condition in CHECKS.items():
            batch_op.create_check_constraint(op.f(f"ck_workshops_{name}"), condition)
    op.execute("UPDATE workshops SET updated_at = created_at")
    for name, indexed in INDEXES.items():
        op.create_index(name, "workshops", indexed, **LISTED)
    _create_tables()
    if op.get_bind().dialect.name == "postgresql":
        for column in ("name", "city"):
            op.execute(f"CREATE INDEX trgm_workshops_{column} ON workshops USING gin ({column} gin_trgm_ops)")
        for table, (span, _, _) in EXCLUSIONS.items():
            op.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT ex_{table}_no_overlap EXCLUDE USING gist (({span}) WITH &&)"
            )
    else:
        for table, (_, meets, is_another) in EXCLUSIONS.items():
            _exclude_on_sqlite(table, "INSERT", meets)
            _exclude_on_sqlite(table, "UPDATE", f"{meets} AND {is_another}")


def _exclude_on_sqlite(table: str, event: str, condition: str) -> None:
    op.execute(
        f"CREATE TRIGGER ex_{table}_no_overlap_{event.lower()} BEFORE {event} ON {table} "  # noqa: S608 - our own words
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {condition}) "
        f"BEGIN SELECT RAISE(ABORT, 'ex_{table}_no_overlap'); END"
    )


def _create_tables() -> None:
    op.create_table(
        "workshop_specialisations",
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("specialisation", sa.String(length=40), nullable=False),
        sa.CheckConstraint(
            f"specialisation IN ({', '.join(repr(word) for word in SPECIALISATIONS)})",
            name=op.f("ck_workshop_specialisations_specialisation_known"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_workshop_specialisations_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", "specialisation", name=op.f("pk_workshop_specialisations")),
    )
    op.create_index(
        "ix_workshop_specialisations_specialisation",
        "workshop_specialisations",
        ["specialisation", "workshop_id"],
    )
    op.create_table(
        "opening_periods",
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("opens", sa.SmallInteger(), nullable=False),
        sa.Column("closes", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name=op.f("ck_opening_periods_weekday_known")),
        sa.CheckConstraint(
            "opens >= 0 AND opens < closes AND closes <= 1440", name=op.f("ck_opening_periods_within_the_day")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_opening_periods_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", "weekday", "opens", name=op.f("pk_opening_periods")),
    )
    op.create_table(
        "closures",
        sa.Column("id", ID, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_closures_last_day_not_before_first")),
        sa.CheckConstraint(
            "first_day >= '2000-01-01' AND last_day <= '2199-12-31'",
            name=op.f("ck_closures_days_within_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_closures_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closures")),
    )
    op.create_index("ix_closures_first_day", "closures", ["workshop_id", "first_day", "id"])


def downgrade() -> None:
    """Undo."""
    for table in ("closures", "opening_periods", "workshop_specialisations"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for column in ("name", "city"):
            op.drop_index(f"trgm_workshops_{column}", "workshops")
    for name in INDEXES:
        op.drop_index(name, "workshops")
    with op.batch_alter_table("workshops") as batch_op:
        for name in CHECKS:
            batch_op.drop_constraint(op.f(f"ck_workshops_{name}"), type_="check")
        for column in reversed(columns()):
            batch_op.drop_column(column.name)
