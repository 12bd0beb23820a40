"""Attachments of tickets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "service_ticket_attachments"
ANEW = {"sqlite_autoincrement": True}


def _let_kinds_be(*kinds: str) -> None:
    words = ", ".join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table("files", table_kwargs=ANEW) as batch_op:
        batch_op.drop_constraint(op.f("ck_files_kind_known"), type_="check")
        batch_op.create_check_constraint(op.f("ck_files_kind_known"), f"kind IN ({words})")


def upgrade() -> None:
    """Apply."""
    _let_kinds_be("photo", "export", "picture", "document")
    op.create_table(
        TABLE,
        sa.Column("id", ID, nullable=False),
        sa.Column("service_ticket_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("file_id", ID, nullable=False),
        sa.Column("thumbnail_id", ID, nullable=True),
        sa.Column("visible_to_customer", sa.Boolean(), nullable=False),
        sa.Column("account_id", ID, nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("place >= 1 AND place <= 100", name=op.f(f"ck_{TABLE}_place_within_the_most")),
        sa.CheckConstraint("kind IN ('picture', 'document')", name=op.f(f"ck_{TABLE}_kind_known")),
        sa.CheckConstraint(
            "(kind = 'picture') = (thumbnail_id IS NOT NULL)",
            name=op.f(f"ck_{TABLE}_pictures_have_thumbnails"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f(f"fk_{TABLE}_account_id_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{TABLE}_workshop_id_workshops")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            name=op.f(f"fk_{TABLE}_workshop_id_service_ticket_id_service_tickets"),
            ondelete="CASCADE",
        ),
        *(
            sa.ForeignKeyConstraint(
                ["workshop_id", column],
                ["files.workshop_id", "files.id"],
                name=op.f(f"fk_{TABLE}_workshop_id_{column}_files"),
            )
            for column in ("file_id", "thumbnail_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f(f"uq_{TABLE}_workshop_id_id")),
        sa.UniqueConstraint(
            "workshop_id",
            "service_ticket_id",
            "place",
            name=f"uq_{TABLE}_place",
        ),
        sa.UniqueConstraint("workshop_id", "file_id", name=op.f(f"uq_{TABLE}_workshop_id_file_id")),
        sa.UniqueConstraint("workshop_id", "thumbnail_id", name=op.f(f"uq_{TABLE}_workshop_id_thumbnail_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(f"ix_{TABLE}_ticket", TABLE, ["workshop_id", "service_ticket_id", "id"])
    protect(TABLE)


def downgrade() -> None:
    """Undo: attachments are lost, and the files of those that lie in the database with them."""
    op.drop_table(TABLE)
    of_attachments = "SELECT id FROM files WHERE kind IN ('picture', 'document')"
    op.execute(f"DELETE FROM file_pieces WHERE file_id IN ({of_attachments})")  # noqa: S608 - our own words
    op.execute("DELETE FROM files WHERE kind IN ('picture', 'document')")
    op.execute(
        "UPDATE file_objects SET state = 'doomed' WHERE state = 'kept' AND NOT EXISTS"
        " (SELECT 1 FROM files WHERE files.workshop_id = file_objects.workshop_id AND object_key = key)"
    )
    _let_kinds_be("photo", "export")
