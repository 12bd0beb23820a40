"""Canned jobs: what is done again and again, as lines that are ready to be put on a ticket."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
QUANTITY = sa.Numeric(15, 3).with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
CHECKS = {
    "place_within_reason": "place BETWEEN 1 AND 50",
    "kind_known": "kind IN ('labour', 'part', 'fee')",
    "part_fits_kind": "(kind = 'part') = (part_id IS NOT NULL)",
    "described": "kind = 'part' OR description IS NOT NULL",
    "fee_has_price": "kind <> 'fee' OR unit_price IS NOT NULL",
    "quantity_positive": "quantity > 0",
    "unit_price_not_negative": "unit_price >= 0",
}


def of_workshop(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{table}_workshop_id_workshops")
    )


def upgrade() -> None:
    """Apply."""
    table = "canned_jobs"
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("folded_name", sa.String(length=300), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        of_workshop(table),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f(f"uq_{table}_workshop_id_id")),
        sa.UniqueConstraint("workshop_id", "folded_name", name=op.f(f"uq_{table}_workshop_id_folded_name")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_canned_jobs_name", table, ["workshop_id", "name", "id"])
    lines = "canned_job_lines"
    op.create_table(
        lines,
        sa.Column("canned_job_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("description", sa.String(length=300), nullable=True),
        sa.Column("part_id", ID, nullable=True),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        *(sa.CheckConstraint(text, name=op.f(f"ck_{lines}_{name}")) for name, text in CHECKS.items()),
        sa.ForeignKeyConstraint(
            ["workshop_id", "canned_job_id"],
            ["canned_jobs.workshop_id", "canned_jobs.id"],
            name=op.f(f"fk_{lines}_workshop_id_canned_job_id_canned_jobs"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "part_id"],
            ["parts.workshop_id", "parts.id"],
            name=op.f(f"fk_{lines}_workshop_id_part_id_parts"),
        ),
        of_workshop(lines),
        sa.PrimaryKeyConstraint("workshop_id", "canned_job_id", "place", name=op.f(f"pk_{lines}")),
    )
    op.create_index("ix_canned_job_lines_part", lines, ["workshop_id", "part_id"])
    protect(lines, table)


def downgrade() -> None:
    """Undo: canned jobs are lost."""
    op.drop_table("canned_job_lines")
    op.drop_table("canned_jobs")
