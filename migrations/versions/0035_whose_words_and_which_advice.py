"""Who said what a car needs again, which line of a ticket is which advice, lines that were worked on stay, and tax rates of canned lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
QUANTITY = sa.Numeric(15, 3).with_variant(sa.Integer(), "sqlite")
COUNTING_ON = {"sqlite_autoincrement": True}
INTERVALS = "maintenance_intervals"
BY_CUSTOMER = sa.text("customer_id IS NOT NULL")
ADVICE, LINES = "recommendations", "recommendation_lines"
OF_A_PART = sa.text("line_part_id IS NOT NULL")
PUT_OFF = {
    "line_kind": sa.String(length=10),
    "line_part_id": ID,
    "line_quantity": QUANTITY,
    "line_unit_price": sa.BigInteger(),
    "line_tax_rate": sa.Integer(),
}
CHECKS = {
    "line_kind_known": "line_kind IN ('labour', 'part', 'fee')",
    "line_whole": "(line_kind IS NULL) = (line_quantity IS NULL) AND (line_kind IS NULL) = (line_unit_price IS NULL)"
    " AND (line_kind IS NULL) = (line_tax_rate IS NULL)",
    "line_part_fits_kind": "(COALESCE(line_kind, '') = 'part') = (line_part_id IS NOT NULL)",
    "line_quantity_positive": "line_quantity > 0",
    "line_unit_price_not_negative": "line_unit_price >= 0",
    "line_tax_rate_percent": "line_tax_rate BETWEEN 0 AND 100000",
}
CLOCK = "clock_entries"
CANNED = "canned_job_lines"
ON_A_LINE = sa.text("line_id IS NOT NULL")
OF_LINE = f"fk_{CLOCK}_workshop_id_line_id_service_ticket_lines"
OF_PART = f"fk_{ADVICE}_workshop_id_line_part_id_parts"


def upgrade() -> None:
    """Apply."""
    _say_whose_intervals_are()
    _keep_lines_that_are_put_off()
    _tie_lines_to_advice()
    _keep_lines_that_were_worked_on()
    with op.batch_alter_table(CANNED) as batch_op:
        batch_op.add_column(sa.Column("tax_rate", sa.Integer(), nullable=True))
        batch_op.create_check_constraint(
            op.f(f"ck_{CANNED}_tax_rate_percent"), "tax_rate BETWEEN 0 AND 100000"
        )


def _say_whose_intervals_are() -> None:
    """Nobody wrote down who said them: what is older than a change of keeper counts as the former keeper's words."""
    with op.batch_alter_table(INTERVALS) as batch_op:
        batch_op.add_column(sa.Column("customer_id", ID, nullable=True))
        batch_op.create_foreign_key(
            op.f(f"fk_{INTERVALS}_workshop_id_customer_id_customers"),
            "customers",
            ["workshop_id", "customer_id"],
            ["workshop_id", "id"],
        )
    op.execute(
        "UPDATE maintenance_intervals SET customer_id = (SELECT handed.from_customer_id FROM vehicle_transfers AS handed"
        " WHERE handed.workshop_id = maintenance_intervals.workshop_id AND handed.vehicle_id = maintenance_intervals.vehicle_id"
        " AND handed.at >= maintenance_intervals.created_at ORDER BY handed.id LIMIT 1)"
    )
    op.create_index(
        f"ix_{INTERVALS}_customer",
        INTERVALS,
        ["workshop_id", "customer_id"],
        sqlite_where=BY_CUSTOMER,
        postgresql_where=BY_CUSTOMER,
    )


def _keep_lines_that_are_put_off() -> None:
    with op.batch_alter_table(ADVICE, table_kwargs=COUNTING_ON) as batch_op:
        for name, kind in PUT_OFF.items():
            batch_op.add_column(sa.Column(name, kind, nullable=True))
        for name, condition in CHECKS.items():
            batch_op.create_check_constraint(op.f(f"ck_{ADVICE}_{name}"), condition)
        batch_op.create_foreign_key(
            op.f(OF_PART), "parts", ["workshop_id", "line_part_id"], ["workshop_id", "id"]
        )
    op.create_index(
        f"ix_{ADVICE}_part",
        ADVICE,
        ["workshop_id", "line_part_id"],
        sqlite_where=OF_A_PART,
        postgresql_where=OF_A_PART,
    )


def _tie_lines_to_advice() -> None:
    op.create_table(
        LINES,
        sa.Column("line_id", ID, nullable=False),
        sa.Column("recommendation_id", ID, nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{LINES}_workshop_id_workshops")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "recommendation_id"],
            [f"{ADVICE}.workshop_id", f"{ADVICE}.id"],
            name=op.f(f"fk_{LINES}_workshop_id_recommendation_id_{ADVICE}"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "line_id"],
            ["service_ticket_lines.workshop_id", "service_ticket_lines.id"],
            name=op.f(f"fk_{LINES}_workshop_id_line_id_service_ticket_lines"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workshop_id", "line_id", name=op.f(f"pk_{LINES}")),
    )
    op.create_index(f"ix_{LINES}_recommendation", LINES, ["workshop_id", "recommendation_id"])
    protect(LINES)


def _keep_lines_that_were_worked_on() -> None:
    """What was worked on a line that is gone is on its ticket alone."""
    op.execute(
        "UPDATE clock_entries SET line_id = NULL WHERE line_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM service_ticket_lines AS kept"
        " WHERE kept.workshop_id = clock_entries.workshop_id AND kept.id = clock_entries.line_id)"
    )
    with _triggers_kept(CLOCK), op.batch_alter_table(CLOCK, table_kwargs=COUNTING_ON) as batch_op:
        batch_op.create_foreign_key(
            op.f(OF_LINE), "service_ticket_lines", ["workshop_id", "line_id"], ["workshop_id", "id"]
        )
    op.create_index(
        f"ix_{CLOCK}_line",
        CLOCK,
        ["workshop_id", "line_id"],
        sqlite_where=ON_A_LINE,
        postgresql_where=ON_A_LINE,
    )


@contextmanager
def _triggers_kept(table: str) -> Iterator[None]:
    """Make a table's triggers anew on SQLite, where a constraint comes by copying the table."""
    triggers: list[str] = []
    if op.get_bind().dialect.name != "postgresql":
        named = sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
        triggers = list(op.get_bind().scalars(named, {"table": table}))
    yield
    for trigger in triggers:
        op.execute(trigger)


def downgrade() -> None:
    """Undo: who said it is lost, and which line was which advice."""
    with op.batch_alter_table(CANNED) as batch_op:
        batch_op.drop_constraint(op.f(f"ck_{CANNED}_tax_rate_percent"), type_="check")
        batch_op.drop_column("tax_rate")
    op.drop_index(f"ix_{CLOCK}_line", CLOCK)
    with _triggers_kept(CLOCK), op.batch_alter_table(CLOCK, table_kwargs=COUNTING_ON) as batch_op:
        batch_op.drop_constraint(op.f(OF_LINE), type_="foreignkey")
    op.drop_table(LINES)
    op.drop_index(f"ix_{ADVICE}_part", ADVICE)
    with op.batch_alter_table(ADVICE, table_kwargs=COUNTING_ON) as batch_op:
        batch_op.drop_constraint(op.f(OF_PART), type_="foreignkey")
        for name in CHECKS:
            batch_op.drop_constraint(op.f(f"ck_{ADVICE}_{name}"), type_="check")
        for name in PUT_OFF:
            batch_op.drop_column(name)
    op.drop_index(f"ix_{INTERVALS}_customer", INTERVALS)
    with op.batch_alter_table(INTERVALS) as batch_op:
        batch_op.drop_constraint(
            op.f(f"fk_{INTERVALS}_workshop_id_customer_id_customers"), type_="foreignkey"
        )
        batch_op.drop_column("customer_id")
