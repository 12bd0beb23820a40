"""Inspections: templates, what was looked at, what is recommended; and the settings by which customers see things unasked."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
QUANTITY = sa.Numeric(15, 3).with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
CONDITIONS = "condition IN ('green', 'yellow', 'red', 'not_checked')"
STATES = "IN ('open', 'taken', 'declined', 'done', 'dismissed')"
SETTINGS = ("inspections_validated_automatically", "progress_validated_automatically")
TABLES = (
    "recommendation_changes", "recommendations", "inspection_points", "inspections", "inspection_template_points",
    "inspection_templates",
)  # fmt: skip


def only(condition: str) -> dict[str, Any]:
    """Return the options of an index over the rows of a condition."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Apply."""
    for setting in SETTINGS:
        # By its default the running version, which does not know it, goes on while it is replaced.
        op.add_column(
            "workshops", sa.Column(setting, sa.Boolean(), server_default=sa.text("false"), nullable=False)
        )
    create_templates()
    create_inspections()
    create_recommendations()
    guard()
    protect(*TABLES)


def of_workshop(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{table}_workshop_id_workshops")
    )


def of(table: str, column: str, parent: str, ondelete: str | None = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id", column],
        [f"{parent}.workshop_id", f"{parent}.id"],
        name=op.f(f"fk_{table}_workshop_id_{column}_{parent}"),
        ondelete=ondelete,
    )


def of_account(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["accounts.id"], name=op.f(f"fk_{table}_{column}_accounts"))


def versioned() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
    )


def create_templates() -> None:
    """Make the tables of what workshops look at."""
    table = "inspection_templates"
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("folded_name", sa.String(length=300), nullable=False),
        sa.Column("standard", sa.Boolean(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        *versioned(),
        of_workshop(table),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f(f"uq_{table}_workshop_id_id")),
        sa.UniqueConstraint("workshop_id", "folded_name", name=op.f(f"uq_{table}_workshop_id_folded_name")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_inspection_templates_name", table, ["workshop_id", "name", "id"])
    op.create_index(
        "uq_inspection_templates_standard",
        table,
        ["workshop_id"],
        unique=True,
        sqlite_where=sa.text("standard = 1"),
        postgresql_where=sa.text("standard"),
    )
    table = "inspection_template_points"
    op.create_table(
        table,
        sa.Column("template_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("section", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("place BETWEEN 1 AND 200", name=op.f(f"ck_{table}_place_within_reason")),
        of(table, "template_id", "inspection_templates"),
        of_workshop(table),
        sa.PrimaryKeyConstraint("workshop_id", "template_id", "place", name=op.f(f"pk_{table}")),
    )


def create_inspections() -> None:
    """Make the tables of what was looked at, and how it was."""
    table = "inspections"
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        sa.Column("service_ticket_id", ID, nullable=False),
        sa.Column("vehicle_id", ID, nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("summary", sa.String(length=2000), nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("validated_at", INSTANT, nullable=True),
        sa.Column("validated_by", ID, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        *versioned(),
        sa.CheckConstraint(
            "state IN ('open', 'finished', 'validated')", name=op.f("ck_inspections_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'open') = (finished_at IS NULL)", name=op.f("ck_inspections_finished_with_time")
        ),
        sa.CheckConstraint(
            "(state = 'validated') = (validated_at IS NOT NULL)",
            name=op.f("ck_inspections_validated_with_time"),
        ),
        of(table, "service_ticket_id", "service_tickets"),
        of(table, "vehicle_id", "vehicles", None),
        of_account(table, "validated_by"),
        of_workshop(table),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspections")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_inspections_workshop_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_inspections_unvalidated",
        table,
        ["workshop_id", "service_ticket_id"],
        unique=True,
        **only("validated_at IS NULL"),
    )
    op.create_index("ix_inspections_ticket", table, ["workshop_id", "service_ticket_id", "id"])
    op.create_index("ix_inspections_vehicle", table, ["workshop_id", "vehicle_id"])
    table = "inspection_points"
    op.create_table(
        table,
        sa.Column("inspection_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("section", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("condition", sa.String(length=20), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=True),
        sa.Column("mechanic_id", ID, nullable=True),
        sa.Column("checked_at", INSTANT, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("place BETWEEN 1 AND 200", name=op.f(f"ck_{table}_place_within_reason")),
        sa.CheckConstraint(CONDITIONS, name=op.f(f"ck_{table}_condition_known")),
        sa.CheckConstraint(
            "(condition = 'not_checked') = (checked_at IS NULL)", name=op.f(f"ck_{table}_checked_with_time")
        ),
        of(table, "inspection_id", "inspections"),
        of(table, "mechanic_id", "mechanics", None),
        of_workshop(table),
        sa.PrimaryKeyConstraint("workshop_id", "inspection_id", "place", name=op.f(f"pk_{table}")),
    )


def create_recommendations() -> None:
    """Make the tables of what cars should have, and of what became of that."""
    table = "recommendations"
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        sa.Column("vehicle_id", ID, nullable=False),
        sa.Column("service_ticket_id", ID, nullable=False),
        sa.Column("inspection_id", ID, nullable=True),
        sa.Column("point", sa.Integer(), nullable=True),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("urgency", sa.String(length=20), nullable=False),
        sa.Column("estimated_price", sa.BigInteger(), nullable=True),
        sa.Column("labour_hours", QUANTITY, nullable=True),
        sa.Column("parts_price", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("taken_ticket_id", ID, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        *versioned(),
        sa.CheckConstraint(
            "urgency IN ('now', 'soon', 'later')", name=op.f("ck_recommendations_urgency_known")
        ),
        sa.CheckConstraint(f"state {STATES}", name=op.f("ck_recommendations_state_known")),
        sa.CheckConstraint(
            "(estimated_price IS NULL) = (labour_hours IS NOT NULL OR parts_price IS NOT NULL)",
            name=op.f("ck_recommendations_priced_in_one_way"),
        ),
        sa.CheckConstraint(
            "estimated_price >= 0", name=op.f("ck_recommendations_estimated_price_not_negative")
        ),
        sa.CheckConstraint("labour_hours > 0", name=op.f("ck_recommendations_labour_hours_positive")),
        sa.CheckConstraint("parts_price >= 0", name=op.f("ck_recommendations_parts_price_not_negative")),
        sa.CheckConstraint(
            "state <> 'taken' OR taken_ticket_id IS NOT NULL",
            name=op.f("ck_recommendations_taken_at_a_visit"),
        ),
        of(table, "vehicle_id", "vehicles", None),
        of(table, "service_ticket_id", "service_tickets"),
        of(table, "inspection_id", "inspections"),
        of_workshop(table),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommendations")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_recommendations_workshop_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_recommendations_vehicle", table, ["workshop_id", "vehicle_id", "id"])
    op.create_index("ix_recommendations_ticket", table, ["workshop_id", "service_ticket_id"])
    op.create_index("ix_recommendations_inspection", table, ["workshop_id", "inspection_id", "id"])
    op.create_index(
        "ix_recommendations_taken", table, ["workshop_id", "taken_ticket_id"], **only("state = 'taken'")
    )
    table = "recommendation_changes"
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        sa.Column("recommendation_id", ID, nullable=False),
        sa.Column("from_state", sa.String(length=20), nullable=True),
        sa.Column("to_state", sa.String(length=20), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("service_ticket_id", ID, nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint(f"to_state {STATES}", name=op.f(f"ck_{table}_to_state_known")),
        of(table, "recommendation_id", "recommendations"),
        of_account(table, "account_id"),
        of_workshop(table),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(
        "ix_recommendation_changes_recommendation", table, ["workshop_id", "recommendation_id", "id"]
    )


VALIDATED = "OLD.validated_at IS NOT NULL"
OF_VALIDATED = "SELECT 1 FROM inspections WHERE workshop_id = OLD.workshop_id AND id = OLD.inspection_id AND validated_at IS NOT NULL"


def guard() -> None:
    """Let nothing of a validated inspection be changed. It goes with its ticket all the same."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER validated_stays BEFORE UPDATE ON inspections"
            f" FOR EACH ROW WHEN ({VALIDATED}) EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            "CREATE FUNCTION refuse_change_of_validated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF EXISTS ({OF_VALIDATED}) THEN"
            " RAISE EXCEPTION 'the inspection is validated'; END IF; RETURN NEW; END $$"
        )
        op.execute(
            "CREATE TRIGGER validated_stays BEFORE UPDATE ON inspection_points"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_validated()"
        )
        return
    refuse = "BEGIN SELECT RAISE(ABORT, 'the inspection is validated'); END"
    for table, condition in (("inspections", VALIDATED), ("inspection_points", f"EXISTS ({OF_VALIDATED})")):
        op.execute(
            f"CREATE TRIGGER {table}_validated_stays BEFORE UPDATE ON {table} WHEN {condition} {refuse}"
        )


def downgrade() -> None:
    """Undo: inspections and recommendations are lost."""
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_validated()")
    for setting in SETTINGS:
        op.drop_column("workshops", setting)
