"""Prices by mark-up rule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
FOR_ALL = sa.text("category_id IS NULL")
INDEXES = {
    "ix_parts_marked_up": (["workshop_id", "id"], sa.text("pricing = 'markup'")),
    "ix_parts_markup_rule": (["workshop_id", "markup_rule_id"], sa.text("markup_rule_id IS NOT NULL")),
}
CHECKS = {
    "pricing_known": "pricing IN ('fixed', 'markup')",
    "rule_fits_pricing": "pricing = 'markup' OR markup_rule_id IS NULL",
}
BY_RULE = "fk_parts_workshop_id_markup_rule_id_markup_rules"


def upgrade() -> None:
    """Apply: all prices are fixed, as they were."""
    table = "markup_rules"
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        sa.Column("category_id", ID, nullable=True),
        sa.Column("cost_from", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("cost_from >= 0", name=op.f(f"ck_{table}_cost_from_not_negative")),
        sa.CheckConstraint("percent BETWEEN 0 AND 999000", name=op.f(f"ck_{table}_percent_within_reason")),
        sa.ForeignKeyConstraint(
            ["workshop_id", "category_id"],
            ["part_categories.workshop_id", "part_categories.id"],
            name=op.f(f"fk_{table}_workshop_id_category_id_part_categories"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{table}_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f(f"uq_{table}_workshop_id_id")),
        sa.UniqueConstraint(
            "workshop_id",
            "category_id",
            "cost_from",
            name=op.f(f"uq_{table}_workshop_id_category_id_cost_from"),
        ),
    )
    op.create_index(
        "uq_markup_rules_for_all",
        table,
        ["workshop_id", "cost_from"],
        unique=True,
        sqlite_where=FOR_ALL,
        postgresql_where=FOR_ALL,
    )
    protect(table)
    with op.batch_alter_table("parts") as batch_op:
        batch_op.add_column(
            sa.Column("pricing", sa.String(length=10), server_default="fixed", nullable=False)
        )
        batch_op.add_column(sa.Column("markup_rule_id", ID, nullable=True))
        for name, condition in CHECKS.items():
            batch_op.create_check_constraint(op.f(f"ck_parts_{name}"), condition)
        batch_op.create_foreign_key(
            op.f(BY_RULE), table, ["workshop_id", "markup_rule_id"], ["workshop_id", "id"]
        )
    for name, (columns, where) in INDEXES.items():
        op.create_index(name, "parts", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Undo: prices stay as they are; the rules are lost."""
    for name in INDEXES:
        op.drop_index(name, "parts")
    with op.batch_alter_table("parts") as batch_op:
        batch_op.drop_constraint(op.f(BY_RULE), type_="foreignkey")
        for name in CHECKS:
            batch_op.drop_constraint(op.f(f"ck_parts_{name}"), type_="check")
        batch_op.drop_column("markup_rule_id")
        batch_op.drop_column("pricing")
    op.drop_table("markup_rules")
