"""Movements between bins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLE = "stock_movements"
BINS = ("from_bin", "to_bin")
KINDS = ("opening", "purchase", "sale", "return", "adjustment", "write_off", "revaluation")
FITS_KIND = (
    "(kind IN ('opening', 'purchase', 'return') AND quantity > 0) OR (kind IN ('sale', 'write_off') AND quantity < 0)"
    " OR (kind = 'adjustment' AND quantity <> 0) OR (kind = 'revaluation' AND quantity = 0)"
)
TRANSFER_FITS = " OR (kind = 'transfer' AND quantity = 0 AND value = 0)"
BINS_FIT_KIND = (
    "(kind = 'transfer' AND coalesce(from_bin, '') <> coalesce(to_bin, ''))"
    " OR (kind <> 'transfer' AND from_bin IS NULL AND to_bin IS NULL)"
)
REFUSE = "BEGIN SELECT RAISE(ABORT, 'this table is appended to, and nothing else'); END"


def upgrade() -> None:
    """Apply."""
    _take_your_time()
    with op.batch_alter_table(TABLE) as batch_op:
        for name in BINS:
            batch_op.add_column(sa.Column(name, sa.String(length=40), nullable=True))
        _let_be((*KINDS, "transfer"), FITS_KIND + TRANSFER_FITS, batch_op)
        batch_op.create_check_constraint(op.f(f"ck_{TABLE}_bins_fit_kind"), BINS_FIT_KIND)
    _append_only()


def downgrade() -> None:
    """Undo: where parts lay before is lost. No transfer changed a number or a value, so that what is left adds up as before."""
    _take_your_time()
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    if on_postgresql:
        op.execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER append_only")
    else:
        op.execute(f"DROP TRIGGER {TABLE}_no_delete")
    op.execute(f"DELETE FROM {TABLE} WHERE kind = 'transfer'")  # noqa: S608 - our own words
    if on_postgresql:
        op.execute(f"ALTER TABLE {TABLE} ENABLE TRIGGER append_only")
    with op.batch_alter_table(TABLE) as batch_op:
        batch_op.drop_constraint(op.f(f"ck_{TABLE}_bins_fit_kind"), type_="check")
        _let_be(KINDS, FITS_KIND, batch_op)
        for name in BINS:
            batch_op.drop_column(name)
    _append_only()


def _take_your_time() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL statement_timeout = 0")  # the ledger is read whole


def _let_be(kinds: tuple[str, ...], fits: str, batch_op: op.BatchOperations) -> None:
    known = f"kind IN ({', '.join(repr(kind) for kind in kinds)})"
    for name, condition in (("kind_known", known), ("quantity_fits_kind", fits)):
        batch_op.drop_constraint(op.f(f"ck_{TABLE}_{name}"), type_="check")
        batch_op.create_check_constraint(op.f(f"ck_{TABLE}_{name}"), condition)


def _append_only() -> None:
    """Make the triggers anew that went with the table: SQLite changes it by writing another."""
    if op.get_bind().dialect.name == "postgresql":
        return
    for change in ("update", "delete"):
        op.execute(f"CREATE TRIGGER {TABLE}_no_{change} BEFORE {change.upper()} ON {TABLE} {REFUSE}")
