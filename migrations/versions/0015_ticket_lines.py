"""The life of a ticket: all its statuses, lines with tax and totals, what was approved, and parts that are set aside.

The parts of a ticket become lines of it, and their table goes: stop the version before this one while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
QUANTITY = sa.Numeric(15, 3).with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
BEFORE = ("booked", "received", "in_progress", "completed", "delivered", "cancelled")
STATUSES = (
    "booked", "received", "analysis", "awaiting_approval", "approved", "declined", "in_progress", "waiting_parts",
    "completed", "out_for_delivery", "delivered", "cancelled",
)  # fmt: skip
IS_OPEN = (
    "status IN ('booked', 'received', 'analysis', 'awaiting_approval', 'approved', 'declined', 'in_progress',"
    " 'waiting_parts', 'completed', 'out_for_delivery')"
)
FOLLOWS = (
    "(follows_ticket_id IS NULL) = (follows_as IS NULL)"
    " AND (follows_as IS NULL OR follows_as IN ('warranty', 'comeback'))"
)
RESERVED = "reserved >= 0 AND (reserved = 0 OR (on_hand IS NOT NULL AND reserved <= on_hand))"
SIGN_FITS = "(kind = 'discount' AND net <= 0 AND tax <= 0) OR (kind <> 'discount' AND net >= 0 AND tax >= 0)"
PART_FITS = "(kind = 'part') = (part_id IS NOT NULL) AND (kind = 'part' OR (reserved = 0 AND fitted = 0 AND cost = 0))"
TICKET_COLUMNS = (
    "net_total", "tax_total", "approved_total", "estimate_open_until", "follows_ticket_id", "follows_as",
)  # fmt: skip
# What was fitted becomes lines, with the tax of the workshop: all in whole cents and thousandths, halves up.
LINES = """
INSERT INTO service_ticket_lines (workshop_id, service_ticket_id, kind, description, part_id, quantity, unit_price,
  tax_rate, net, tax, reserved, fitted, cost)
SELECT workshop_id, service_ticket_id, 'part', name, part_id, quantity, unit_price, rate, net, gross - net, 0, quantity, cost
FROM (
  SELECT priced.*,
    CASE WHEN included THEN (2 * priced.total * 100000 + 100000 + rate) / (2 * (100000 + rate)) ELSE priced.total END AS net,
    CASE WHEN included THEN priced.total ELSE priced.total + (2 * priced.total * rate + 100000) / 200000 END AS gross
  FROM (
    SELECT old.*, parts.name AS name, coalesce(workshops.tax_rate, 0) AS rate,
      workshops.prices_include_tax AS included, {total} AS total
    FROM service_ticket_parts AS old
    JOIN parts ON parts.workshop_id = old.workshop_id AND parts.id = old.part_id
    JOIN workshops ON workshops.id = old.workshop_id
  ) AS priced
) AS reckoned
ORDER BY workshop_id, service_ticket_id, part_id, unit_price
"""
TOTALS = """
UPDATE service_tickets SET
  net_total = (SELECT coalesce(sum(net), 0) FROM service_ticket_lines AS line WHERE {ours}),
  tax_total = (SELECT coalesce(sum(tax), 0) FROM service_ticket_lines AS line WHERE {ours})
WHERE EXISTS (SELECT 1 FROM service_ticket_lines AS line WHERE {ours})
"""
OURS = "line.workshop_id = service_tickets.workshop_id AND line.service_ticket_id = service_tickets.id"
PARTS = """
INSERT INTO service_ticket_parts (workshop_id, service_ticket_id, part_id, unit_price, quantity, cost)
SELECT workshop_id, service_ticket_id, part_id, unit_price, sum(fitted), sum(cost)
FROM service_ticket_lines WHERE fitted > 0
GROUP BY workshop_id, service_ticket_id, part_id, unit_price
"""
# The nearest of the old statuses.
NARROWED = {
    "analysis": "received", "awaiting_approval": "received", "approved": "received", "declined": "received",
    "waiting_parts": "in_progress", "out_for_delivery": "completed",
}  # fmt: skip


def only(condition: str) -> dict[str, Any]:
    """Return the options of an index over the rows of a condition."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def one_of(column: str, words: tuple[str, ...]) -> str:
    """Return the condition that a column has one of `words`."""
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


def upgrade() -> None:
    """Apply."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    if on_postgresql:
        op.execute("SET LOCAL statement_timeout = 0")  # a table of lines is written
    with op.batch_alter_table("workshops") as batch_op:
        batch_op.add_column(sa.Column("labour_rate", sa.BigInteger(), nullable=True))
        batch_op.add_column(
            sa.Column("approval_required", sa.Boolean(), server_default=sa.text("false"), nullable=False)
        )
        batch_op.add_column(sa.Column("approval_tolerance", sa.Integer(), server_default="0", nullable=False))
        batch_op.create_check_constraint(op.f("ck_workshops_labour_rate_not_negative"), "labour_rate >= 0")
        batch_op.create_check_constraint(
            op.f("ck_workshops_approval_tolerance_percent"), "approval_tolerance BETWEEN 0 AND 100000"
        )
    with op.batch_alter_table("parts") as batch_op:
        batch_op.add_column(sa.Column("reserved", QUANTITY, server_default="0", nullable=False))
        batch_op.create_check_constraint(op.f("ck_parts_reserved_within_on_hand"), RESERVED)
    _extend_tickets()
    _create_lines()
    total = "CAST(round(old.quantity * old.unit_price) AS bigint)"
    if not on_postgresql:
        total = "(old.quantity * old.unit_price + 500) / 1000"
    op.execute(LINES.format(total=total))
    op.execute(TOTALS.format(ours=OURS))
    op.drop_table("service_ticket_parts")
    protect("service_ticket_lines")


def _extend_tickets() -> None:
    with _batch_of_tickets() as batch_op:
        batch_op.add_column(sa.Column("net_total", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("tax_total", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("approved_total", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("estimate_open_until", INSTANT, nullable=True))
        batch_op.add_column(sa.Column("follows_ticket_id", ID, nullable=True))
        batch_op.add_column(sa.Column("follows_as", sa.String(length=20), nullable=True))
        batch_op.drop_constraint(op.f("ck_service_tickets_status_known"), type_="check")
        batch_op.create_check_constraint(op.f("ck_service_tickets_status_known"), one_of("status", STATUSES))
        batch_op.create_check_constraint(
            op.f("ck_service_tickets_totals_not_negative"), "net_total >= 0 AND tax_total >= 0"
        )
        batch_op.create_check_constraint(
            op.f("ck_service_tickets_approved_total_not_negative"), "approved_total >= 0"
        )
        batch_op.create_check_constraint(op.f("ck_service_tickets_follows_as_something"), FOLLOWS)
        batch_op.create_check_constraint(
            op.f("ck_service_tickets_follows_another"), "follows_ticket_id <> id"
        )
        batch_op.create_foreign_key(
            op.f("fk_service_tickets_workshop_id_follows_ticket_id_service_tickets"),
            "service_tickets",
            ["workshop_id", "follows_ticket_id"],
            ["workshop_id", "id"],
        )
    op.create_index(
        "ix_service_tickets_follows",
        "service_tickets",
        ["workshop_id", "follows_ticket_id"],
        **only("follows_ticket_id IS NOT NULL"),
    )
    op.create_index(
        "ix_service_tickets_open", "service_tickets", ["workshop_id", "service_date", "id"], **only(IS_OPEN)
    )
    with op.batch_alter_table("service_ticket_status_changes") as batch_op:
        batch_op.drop_constraint(op.f("ck_service_ticket_status_changes_to_status_known"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_service_ticket_status_changes_to_status_known"), one_of("to_status", STATUSES)
        )


@contextmanager
def _batch_of_tickets() -> Iterator[Any]:
    """Change the table of tickets; where SQLite makes it anew, it still remembers the ids of tickets that are gone."""
    bind = op.get_bind()
    on_sqlite = bind.dialect.name == "sqlite"
    last = "SELECT seq FROM sqlite_sequence WHERE name = 'service_tickets'"
    seen = bind.execute(sa.text(last)).scalar() if on_sqlite else None
    with op.batch_alter_table("service_tickets", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        yield batch_op
    if seen is not None:
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'service_tickets'")
        op.execute(f"INSERT INTO sqlite_sequence (name, seq) VALUES ('service_tickets', {int(seen)})")  # noqa: S608


def _create_lines() -> None:
    op.create_table(
        "service_ticket_lines",
        sa.Column("id", ID, nullable=False),
        sa.Column("service_ticket_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("description", sa.String(length=300), nullable=False),
        sa.Column("part_id", ID, nullable=True),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.Integer(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("reserved", QUANTITY, server_default="0", nullable=False),
        sa.Column("fitted", QUANTITY, server_default="0", nullable=False),
        sa.Column("cost", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("agreed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint(
            "kind IN ('labour', 'part', 'fee', 'discount')", name=op.f("ck_service_ticket_lines_kind_known")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_service_ticket_lines_quantity_positive")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_service_ticket_lines_unit_price_not_negative")),
        sa.CheckConstraint(
            "tax_rate BETWEEN 0 AND 100000", name=op.f("ck_service_ticket_lines_tax_rate_percent")
        ),
        sa.CheckConstraint("cost >= 0", name=op.f("ck_service_ticket_lines_cost_not_negative")),
        sa.CheckConstraint(SIGN_FITS, name=op.f("ck_service_ticket_lines_amounts_fit_kind")),
        sa.CheckConstraint(PART_FITS, name=op.f("ck_service_ticket_lines_part_fits_kind")),
        sa.CheckConstraint(
            "reserved >= 0 AND fitted >= 0 AND reserved + fitted <= quantity",
            name=op.f("ck_service_ticket_lines_no_more_than_wanted"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "part_id"],
            ["parts.workshop_id", "parts.id"],
            name=op.f("fk_service_ticket_lines_workshop_id_part_id_parts"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            name=op.f("fk_service_ticket_lines_workshop_id_service_ticket_id_service_tickets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_service_ticket_lines_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_ticket_lines")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_service_ticket_lines_workshop_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_service_ticket_lines_ticket", "service_ticket_lines", ["workshop_id", "service_ticket_id"]
    )
    op.create_index(
        "ix_service_ticket_lines_part",
        "service_ticket_lines",
        ["workshop_id", "part_id", "service_ticket_id"],
        **only("part_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Undo: labour, fees, discounts and what was only set aside are lost, and the new statuses become the nearest old ones."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL statement_timeout = 0")
    _create_parts()
    op.execute(PARTS)
    op.drop_table("service_ticket_lines")
    for new, old in NARROWED.items():
        op.execute(f"UPDATE service_tickets SET status = '{old}' WHERE status = '{new}'")  # noqa: S608 - words of ours
        op.execute(
            f"UPDATE service_ticket_status_changes SET to_status = '{old}' WHERE to_status = '{new}'"  # noqa: S608
        )
    with op.batch_alter_table("service_ticket_status_changes") as batch_op:
        batch_op.drop_constraint(op.f("ck_service_ticket_status_changes_to_status_known"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_service_ticket_status_changes_to_status_known"), one_of("to_status", BEFORE)
        )
    op.drop_index("ix_service_tickets_follows", "service_tickets")
    op.drop_index("ix_service_tickets_open", "service_tickets")
    with _batch_of_tickets() as batch_op:
        batch_op.drop_constraint(
            op.f("fk_service_tickets_workshop_id_follows_ticket_id_service_tickets"), type_="foreignkey"
        )
        for check in (
            "status_known", "totals_not_negative", "approved_total_not_negative", "follows_as_something", "follows_another",
        ):  # fmt: skip
            batch_op.drop_constraint(op.f(f"ck_service_tickets_{check}"), type_="check")
        batch_op.create_check_constraint(op.f("ck_service_tickets_status_known"), one_of("status", BEFORE))
        for column in TICKET_COLUMNS:
            batch_op.drop_column(column)
    with op.batch_alter_table("parts") as batch_op:
        batch_op.drop_constraint(op.f("ck_parts_reserved_within_on_hand"), type_="check")
        batch_op.drop_column("reserved")
    with op.batch_alter_table("workshops") as batch_op:
        for check in ("labour_rate_not_negative", "approval_tolerance_percent"):
            batch_op.drop_constraint(op.f(f"ck_workshops_{check}"), type_="check")
        for column in ("labour_rate", "approval_required", "approval_tolerance"):
            batch_op.drop_column(column)


def _create_parts() -> None:
    op.create_table(
        "service_ticket_parts",
        sa.Column("service_ticket_id", ID, nullable=False),
        sa.Column("part_id", ID, nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("cost", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_service_ticket_parts_quantity_positive")),
        sa.CheckConstraint("unit_price >= 0", name=op.f("ck_service_ticket_parts_unit_price_not_negative")),
        sa.CheckConstraint("cost >= 0", name=op.f("ck_service_ticket_parts_cost_not_negative")),
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
    op.create_index("ix_service_ticket_parts_part", "service_ticket_parts", ["workshop_id", "part_id"])
    protect("service_ticket_parts")
