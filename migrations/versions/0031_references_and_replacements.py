"""Numbers by which parts are known elsewhere, and parts that are replaced by others."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
PARTS_AT_ONCE = 1_000
INDEXES = {
    "ix_parts_replaced_by": (["workshop_id", "replaced_by_id"], sa.text("replaced_by_id IS NOT NULL")),
    "ix_parts_folded_sku": (["workshop_id", "folded_sku"], sa.text("archived_at IS NULL")),
}
REPLACED_BY = "fk_parts_workshop_id_replaced_by_id_parts"
NOT_ITSELF = "ck_parts_not_replaced_by_itself"


def upgrade() -> None:
    """Apply: nothing is replaced, and SKUs are found as numbers are."""
    table = "part_references"
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        sa.Column("part_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("manufacturer", sa.String(length=100), nullable=False),
        sa.Column("folded_manufacturer", sa.String(length=300), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("folded_number", sa.String(length=180), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('oem', 'equivalent')", name=op.f(f"ck_{table}_kind_known")),
        sa.CheckConstraint("folded_number <> ''", name=op.f(f"ck_{table}_number_has_letters_or_digits")),
        sa.ForeignKeyConstraint(
            ["workshop_id", "part_id"],
            ["parts.workshop_id", "parts.id"],
            name=op.f(f"fk_{table}_workshop_id_part_id_parts"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{table}_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint(
            "workshop_id",
            "part_id",
            "folded_manufacturer",
            "folded_number",
            name=f"uq_{table}_number_of_a_part",
        ),
    )
    op.create_index("ix_part_references_number", table, ["workshop_id", "folded_number", "part_id"])
    protect(table)
    with op.batch_alter_table("parts") as batch_op:
        batch_op.add_column(sa.Column("folded_sku", sa.String(length=180), nullable=True))
        batch_op.add_column(sa.Column("replaced_by_id", ID, nullable=True))
        batch_op.create_check_constraint(op.f(NOT_ITSELF), "replaced_by_id <> id")
        batch_op.create_foreign_key(
            op.f(REPLACED_BY), "parts", ["workshop_id", "replaced_by_id"], ["workshop_id", "id"]
        )
    fold_skus(op.get_bind())
    for name, (columns, where) in INDEXES.items():
        op.create_index(name, "parts", columns, sqlite_where=where, postgresql_where=where)


def folded(sku: str) -> str | None:
    """Return a SKU as numbers are told apart today: its letters and digits, without regard to case."""
    text = unicodedata.normalize("NFC", sku).casefold()
    return "".join(character for character in text if character.isalnum()) or None


def fold_skus(connection: sa.Connection) -> None:
    """Fold the SKUs that are there, some at a time in the order of their ids. No item has a new version by that."""
    some = sa.text("SELECT id, sku FROM parts WHERE id > :last AND sku IS NOT NULL ORDER BY id LIMIT :most")
    write = sa.text("UPDATE parts SET folded_sku = :folded WHERE id = :id")
    last = 0
    while rows := connection.execute(some, {"last": last, "most": PARTS_AT_ONCE}).all():
        connection.execute(write, [{"id": row.id, "folded": folded(row.sku)} for row in rows])
        last = rows[-1].id


def downgrade() -> None:
    """Undo: the cross-references are lost, and what was replaced by what."""
    for name in INDEXES:
        op.drop_index(name, "parts")
    with op.batch_alter_table("parts") as batch_op:
        batch_op.drop_constraint(op.f(REPLACED_BY), type_="foreignkey")
        batch_op.drop_constraint(op.f(NOT_ITSELF), type_="check")
        batch_op.drop_column("replaced_by_id")
        batch_op.drop_column("folded_sku")
    op.drop_table("part_references")
