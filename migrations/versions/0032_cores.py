"""Cores: the deposit on the old part that is exchanged, and what became of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
QUANTITY = sa.Numeric(15, 3).with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
TABLE, LINES = "cores", "service_ticket_lines"
ANEW = {"sqlite_autoincrement": True}
ON_LINES = {
    "core_charge_fits_kind": "core_charge IS NULL OR (core_charge > 0 AND kind = 'part')",
    "settled_within_fitted": "cores_settled >= 0 AND cores_settled <= fitted"
    " AND (cores_settled = 0 OR core_charge IS NOT NULL)",
}
CHECKS = {
    "status_known": "status IN ('held', 'returned', 'credited', 'rejected', 'kept', 'scrapped')",
    "quantity_positive": "quantity > 0",
    "charge_positive": "charge > 0",
    "sent_to_somebody": "(supplier_id IS NULL) = (returned_at IS NULL)",
    "sent_fits_status": "(status IN ('returned', 'credited') AND returned_at IS NOT NULL) OR status = 'rejected'"
    " OR (status IN ('held', 'kept', 'scrapped') AND returned_at IS NULL)",
    "credited_with_amount": "(status = 'credited') = (credit IS NOT NULL)",
    "credit_not_negative": "credit >= 0",
    "rejected_for_a_reason": "(status = 'rejected') = (reason IS NOT NULL)",
    "decided_with_time": "(status IN ('credited', 'rejected')) = (decided_at IS NOT NULL)",
    "kept_for_a_fee": "(status = 'kept') = (fee_line_id IS NOT NULL)",
}
INDEXES = {
    "ix_cores_status": ["workshop_id", "status", "id"],
    "ix_cores_supplier": ["workshop_id", "supplier_id", "id"],
    "ix_cores_part": ["workshop_id", "part_id", "id"],
    "ix_cores_ticket": ["workshop_id", "service_ticket_id", "id"],
    "ix_cores_line": ["workshop_id", "line_id"],
}


def of(column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id", column],
        [f"{parent}.workshop_id", f"{parent}.id"],
        name=op.f(f"fk_{TABLE}_workshop_id_{column}_{parent}"),
    )


def upgrade() -> None:
    """Apply. The running version knows of no core charge, and writes lines without one."""
    with op.batch_alter_table("parts") as batch_op:
        batch_op.add_column(sa.Column("core_charge", sa.BigInteger(), nullable=True))
        batch_op.create_check_constraint(op.f("ck_parts_core_charge_positive"), "core_charge > 0")
    with op.batch_alter_table(LINES, table_kwargs=ANEW) as batch_op:
        batch_op.add_column(sa.Column("core_charge", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("cores_settled", QUANTITY, server_default="0", nullable=False))
        for name, condition in ON_LINES.items():
            batch_op.create_check_constraint(op.f(f"ck_{LINES}_{name}"), condition)
    op.create_table(
        TABLE,
        sa.Column("id", ID, nullable=False),
        sa.Column("service_ticket_id", ID, nullable=False),
        sa.Column("line_id", ID, nullable=False),
        sa.Column("part_id", ID, nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("charge", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("supplier_id", ID, nullable=True),
        sa.Column("returned_at", INSTANT, nullable=True),
        sa.Column("reference", sa.String(length=100), nullable=True),
        sa.Column("credit", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("fee_line_id", ID, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        *(sa.CheckConstraint(text, name=op.f(f"ck_{TABLE}_{name}")) for name, text in CHECKS.items()),
        of("service_ticket_id", "service_tickets"),
        of("line_id", LINES),
        of("part_id", "parts"),
        of("supplier_id", "suppliers"),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{TABLE}_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f(f"uq_{TABLE}_workshop_id_id")),
        sqlite_autoincrement=True,
    )
    for name, columns in INDEXES.items():
        op.create_index(name, TABLE, columns)
    protect(TABLE)


def downgrade() -> None:
    """Undo: what became of old parts is lost; what customers paid for theirs stays on their tickets."""
    op.drop_table(TABLE)
    with op.batch_alter_table(LINES, table_kwargs=ANEW) as batch_op:
        for name in ON_LINES:
            batch_op.drop_constraint(op.f(f"ck_{LINES}_{name}"), type_="check")
        batch_op.drop_column("cores_settled")
        batch_op.drop_column("core_charge")
    with op.batch_alter_table("parts") as batch_op:
        batch_op.drop_constraint(op.f("ck_parts_core_charge_positive"), type_="check")
        batch_op.drop_column("core_charge")
