"""Discounts in percent keep their percentage, and a validated inspection may turn out to be another car's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

LINES, INSPECTIONS = "service_ticket_lines", "inspections"
CHECK = f"ck_{LINES}_percent_of_a_discount"
ANEW = {"sqlite_autoincrement": True}
# All that a validated inspection says; which car's it is may be corrected.
SAID = "id, workshop_id, service_ticket_id, title, state, summary, finished_at, validated_at, validated_by, created_at"


def upgrade() -> None:
    """Apply. The running version writes no percentage: its discounts in percent are sums, as those that are there stay."""
    with op.batch_alter_table(LINES, table_kwargs=ANEW) as batch_op:
        batch_op.add_column(sa.Column("percent", sa.Integer(), nullable=True))
        batch_op.create_check_constraint(
            op.f(CHECK), "percent IS NULL OR (kind = 'discount' AND percent > 0 AND percent <= 100000)"
        )
    _seal(f"UPDATE OF {SAID}")


def downgrade() -> None:
    """Undo: discounts in percent are sums from now on."""
    _seal("UPDATE")
    with op.batch_alter_table(LINES, table_kwargs=ANEW) as batch_op:
        batch_op.drop_constraint(op.f(CHECK), type_="check")
        batch_op.drop_column("percent")


def _seal(change: str) -> None:
    """Let a validated inspection be changed by nothing of this kind."""
    validated = "OLD.validated_at IS NOT NULL"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP TRIGGER validated_stays ON {INSPECTIONS}")
        op.execute(
            f"CREATE TRIGGER validated_stays BEFORE {change} ON {INSPECTIONS}"
            f" FOR EACH ROW WHEN ({validated}) EXECUTE FUNCTION refuse_change()"
        )
        return
    op.execute(f"DROP TRIGGER {INSPECTIONS}_validated_stays")
    op.execute(
        f"CREATE TRIGGER {INSPECTIONS}_validated_stays BEFORE {change} ON {INSPECTIONS} WHEN {validated}"
        " BEGIN SELECT RAISE(ABORT, 'the inspection is validated'); END"
    )
