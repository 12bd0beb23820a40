"""Files in a store outside of the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNKEPT = sa.text("state <> 'kept'")
# Written anew on SQLite, where an id still comes once only.
ANEW = {"sqlite_autoincrement": True}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "file_objects",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("store", sa.String(length=10), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
        sa.CheckConstraint("store IN ('folder', 's3')", name=op.f("ck_file_objects_store_known")),
        sa.CheckConstraint("state IN ('loose', 'kept', 'doomed')", name=op.f("ck_file_objects_state_known")),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f("fk_file_objects_workshop_id_workshops")
        ),
        sa.PrimaryKeyConstraint("workshop_id", "key", name=op.f("pk_file_objects")),
    )
    op.create_index(
        "ix_file_objects_unkept", "file_objects", ["since"], sqlite_where=UNKEPT, postgresql_where=UNKEPT
    )
    with op.batch_alter_table("files", table_kwargs=ANEW) as batch_op:
        batch_op.add_column(sa.Column("object_key", sa.String(length=32), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_files_workshop_id_object_key_file_objects"),
            "file_objects",
            ["workshop_id", "object_key"],
            ["workshop_id", "key"],
        )
        batch_op.create_unique_constraint(
            op.f("uq_files_workshop_id_object_key"), ["workshop_id", "object_key"]
        )
    protect("file_objects")


def downgrade() -> None:
    """Undo.

    :raises RuntimeError: a file lies in a store, where the version before would not find it.
    """
    kept = op.get_bind().execute(sa.text("SELECT count(*) FROM files WHERE object_key IS NOT NULL")).scalar()
    if kept:
        raise RuntimeError(f"{kept} files lie in a store outside of the database: they would be lost.")
    with op.batch_alter_table("files", table_kwargs=ANEW) as batch_op:
        batch_op.drop_constraint(op.f("uq_files_workshop_id_object_key"), type_="unique")
        batch_op.drop_constraint(op.f("fk_files_workshop_id_object_key_file_objects"), type_="foreignkey")
        batch_op.drop_column("object_key")
    op.drop_table("file_objects")
