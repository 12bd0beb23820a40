"""The ledger of the stock, quantities with three places, what a part on a ticket had cost; categories, barcodes and suppliers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
QUANTITY = sa.Numeric(15, 3).with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
UNITS = "unit IN ('piece', 'pair', 'set', 'l', 'ml', 'kg', 'g', 'm', 'cm')"
KINDS = "kind IN ('opening', 'purchase', 'sale', 'return', 'adjustment', 'write_off', 'revaluation')"
FITS_KIND = (
    "(kind IN ('opening', 'purchase', 'return') AND quantity > 0) OR (kind IN ('sale', 'write_off') AND quantity < 0)"
    " OR (kind = 'adjustment' AND quantity <> 0) OR (kind = 'revaluation' AND quantity = 0)"
)
ALERTING = "archived_at IS NULL AND (on_hand <= minimum_stock_level OR on_hand = 0)"
VALUE_FITS = "quantity = 0 OR (quantity > 0 AND value >= 0) OR (quantity < 0 AND value <= 0)"
# What is counted: from whole numbers to three places.
COUNTED = (("parts", "on_hand"), ("parts", "minimum_stock_level"), ("service_ticket_parts", "quantity"))
# Who opened the ledger is nobody, and what the stock cost is not known: a revaluation says it.
OPENING = """
INSERT INTO stock_movements (workshop_id, part_id, kind, quantity, value, balance, balance_value, at, reason)
SELECT workshop_id, id, 'opening', on_hand, 0, on_hand, 0, CURRENT_TIMESTAMP, 'On hand when the ledger began.'
FROM parts WHERE on_hand > 0 ORDER BY id
"""


CHECKS = (
    "stock_value_not_negative", "last_cost_not_negative", "unit_known", "reorder_quantity_positive", "warranty_not_negative",
)  # fmt: skip
DETAILS = {
    "barcode": sa.String(length=13),
    "manufacturer": sa.String(length=100),
    "category_id": ID,
    "bin": sa.String(length=40),
    "warranty_months": sa.Integer(),
    "reorder_quantity": QUANTITY,
}


def only(condition: str) -> dict[str, Any]:
    """Return the options of an index over the rows of a condition."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Apply."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    if on_postgresql:
        op.execute("SET LOCAL statement_timeout = 0")  # a table of lines is written anew
    _widen(on_postgresql)
    _create_categories()
    with op.batch_alter_table("parts") as batch_op:
        for name, kind in DETAILS.items():
            batch_op.add_column(sa.Column(name, kind, nullable=True))
        batch_op.add_column(sa.Column("unit", sa.String(length=10), server_default="piece", nullable=False))
        batch_op.add_column(sa.Column("stock_value", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("last_cost", sa.BigInteger(), nullable=True))
        batch_op.create_check_constraint(op.f("ck_parts_stock_value_not_negative"), "stock_value >= 0")
        batch_op.create_check_constraint(op.f("ck_parts_last_cost_not_negative"), "last_cost >= 0")
        batch_op.create_check_constraint(op.f("ck_parts_unit_known"), UNITS)
        batch_op.create_check_constraint(op.f("ck_parts_reorder_quantity_positive"), "reorder_quantity > 0")
        batch_op.create_check_constraint(op.f("ck_parts_warranty_not_negative"), "warranty_months >= 0")
        batch_op.create_foreign_key(
            op.f("fk_parts_workshop_id_category_id_part_categories"),
            "part_categories",
            ["workshop_id", "category_id"],
            ["workshop_id", "id"],
        )
    op.create_index(
        "uq_parts_active_barcode",
        "parts",
        ["workshop_id", "barcode"],
        unique=True,
        **only("archived_at IS NULL"),
    )
    op.create_index("ix_parts_alerting", "parts", ["workshop_id", "name", "id"], **only(ALERTING))
    op.create_index("ix_parts_category", "parts", ["workshop_id", "category_id", "name", "id"])
    with op.batch_alter_table("service_ticket_parts") as batch_op:
        # By their defaults the running version, which knows neither, goes on while it is replaced.
        batch_op.add_column(sa.Column("cost", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.create_check_constraint(op.f("ck_service_ticket_parts_cost_not_negative"), "cost >= 0")
    _create_suppliers()
    _create_ledger()
    op.execute(OPENING)
    if on_postgresql:
        op.execute(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON stock_movements"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON stock_movements EXECUTE FUNCTION refuse_change()"
        )
    else:
        refuse = "BEGIN SELECT RAISE(ABORT, 'this table is appended to, and nothing else'); END"
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER stock_movements_no_{change} BEFORE {change.upper()} ON stock_movements {refuse}"
            )
    protect("part_categories", "suppliers", "part_suppliers", "stock_movements")


def _widen(on_postgresql: bool) -> None:
    """Let quantities have three places: NUMERIC, which the running version reads as well; thousandths on SQLite."""
    for table, column in COUNTED:
        if on_postgresql:
            op.alter_column(table, column, type_=sa.Numeric(15, 3), existing_type=sa.Integer())
        else:
            thousandths = f"UPDATE {table} SET {column} = {column} * 1000"  # noqa: S608 - names of ours
            op.execute(f"{thousandths} WHERE {column} IS NOT NULL")


def _create_categories() -> None:
    op.create_table(
        "part_categories",
        sa.Column("id", ID, nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("folded_name", sa.String(length=300), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_part_categories_not_within_itself")),
        sa.ForeignKeyConstraint(
            ["workshop_id", "parent_id"],
            ["part_categories.workshop_id", "part_categories.id"],
            name=op.f("fk_part_categories_workshop_id_parent_id_part_categories"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_part_categories_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_categories")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_part_categories_workshop_id_id")),
        sa.UniqueConstraint(
            "workshop_id",
            "parent_id",
            "folded_name",
            name=op.f("uq_part_categories_workshop_id_parent_id_folded_name"),
        ),
    )
    op.create_index(
        "uq_part_categories_top",
        "part_categories",
        ["workshop_id", "folded_name"],
        unique=True,
        **only("parent_id IS NULL"),
    )


def _create_suppliers() -> None:
    op.create_table(
        "suppliers",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("folded_name", sa.String(length=600), nullable=False),
        sa.Column("contact_person", sa.String(length=200), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("address", sa.String(length=300), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("postal_code", sa.String(length=20), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("website", sa.String(length=300), nullable=True),
        sa.Column("tax_id", sa.String(length=40), nullable=True),
        sa.Column("rating", sa.BigInteger(), nullable=True),
        sa.Column("delivery_days", sa.Integer(), nullable=True),
        sa.Column("minimum_order_value", sa.BigInteger(), nullable=True),
        sa.Column("payment_terms", sa.String(length=200), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_suppliers_email_in_lower_case")),
        sa.CheckConstraint("rating >= 0 AND rating <= 500", name=op.f("ck_suppliers_rating_of_five")),
        sa.CheckConstraint("delivery_days >= 0", name=op.f("ck_suppliers_delivery_days_not_negative")),
        sa.CheckConstraint("minimum_order_value >= 0", name=op.f("ck_suppliers_minimum_order_not_negative")),
        sa.CheckConstraint(
            "tax_id IS NULL OR country IS NOT NULL", name=op.f("ck_suppliers_tax_id_of_a_country")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_suppliers_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppliers")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f("uq_suppliers_workshop_id_id")),
        sa.UniqueConstraint("workshop_id", "folded_name", name=op.f("uq_suppliers_workshop_id_folded_name")),
    )
    op.create_index("ix_suppliers_name", "suppliers", ["workshop_id", "name", "id"])
    op.create_table(
        "part_suppliers",
        sa.Column("part_id", ID, nullable=False),
        sa.Column("supplier_id", ID, nullable=False),
        sa.Column("supplier_number", sa.String(length=60), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("preferred", sa.Boolean(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_part_suppliers_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["workshop_id", "part_id"],
            ["parts.workshop_id", "parts.id"],
            name=op.f("fk_part_suppliers_workshop_id_part_id_parts"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "supplier_id"],
            ["suppliers.workshop_id", "suppliers.id"],
            name=op.f("fk_part_suppliers_workshop_id_supplier_id_suppliers"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_part_suppliers_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", "part_id", "supplier_id", name=op.f("pk_part_suppliers")),
        sa.UniqueConstraint(
            "workshop_id",
            "supplier_id",
            "supplier_number",
            name=op.f("uq_part_suppliers_workshop_id_supplier_id_supplier_number"),
        ),
    )
    op.create_index(
        "uq_part_suppliers_preferred",
        "part_suppliers",
        ["workshop_id", "part_id"],
        unique=True,
        sqlite_where=sa.text("preferred = 1"),
        postgresql_where=sa.text("preferred"),
    )


def _create_ledger() -> None:
    op.create_table(
        "stock_movements",
        sa.Column("id", ID, nullable=False),
        sa.Column("part_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("quantity", QUANTITY, nullable=False),
        sa.Column("unit_cost", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("balance", QUANTITY, nullable=False),
        sa.Column("balance_value", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("service_ticket_id", ID, nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint(KINDS, name=op.f("ck_stock_movements_kind_known")),
        sa.CheckConstraint(FITS_KIND, name=op.f("ck_stock_movements_quantity_fits_kind")),
        sa.CheckConstraint(VALUE_FITS, name=op.f("ck_stock_movements_value_fits_quantity")),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_stock_movements_balance_not_negative")),
        sa.CheckConstraint("balance_value >= 0", name=op.f("ck_stock_movements_balance_value_not_negative")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_stock_movements_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "part_id"],
            ["parts.workshop_id", "parts.id"],
            name=op.f("fk_stock_movements_workshop_id_part_id_parts"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_stock_movements_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
    )
    op.create_index("ix_stock_movements_part", "stock_movements", ["workshop_id", "part_id", "id"])
    op.create_index("ix_stock_movements_at", "stock_movements", ["workshop_id", "at", "value"])


def downgrade() -> None:
    """Undo: fractions are rounded, and the ledger is lost."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    if on_postgresql:
        op.execute("SET LOCAL statement_timeout = 0")
    for table in ("stock_movements", "part_suppliers", "suppliers"):
        op.drop_table(table)
    with op.batch_alter_table("service_ticket_parts") as batch_op:
        batch_op.drop_constraint(op.f("ck_service_ticket_parts_cost_not_negative"), type_="check")
        batch_op.drop_column("cost")
    op.drop_index("uq_parts_active_barcode", "parts")
    op.drop_index("ix_parts_category", "parts")
    op.drop_index("ix_parts_alerting", "parts")
    with op.batch_alter_table("parts") as batch_op:
        batch_op.drop_constraint(op.f("fk_parts_workshop_id_category_id_part_categories"), type_="foreignkey")
        for check in CHECKS:
            batch_op.drop_constraint(op.f(f"ck_parts_{check}"), type_="check")
        for column in (*DETAILS, "unit", "stock_value", "last_cost"):
            batch_op.drop_column(column)
    op.drop_table("part_categories")
    for table, column in COUNTED:
        least = "greatest(1, {})" if column == "quantity" else "{}"
        if on_postgresql:
            whole = least.format(f"round({column})")
            op.alter_column(table, column, type_=sa.Integer(), postgresql_using=f"CAST({whole} AS integer)")
        else:
            whole = least.replace("greatest", "max").format(f"({column} + 500) / 1000")
            rounded = f"UPDATE {table} SET {column} = {whole}"  # noqa: S608 - names of ours
            op.execute(f"{rounded} WHERE {column} IS NOT NULL")
