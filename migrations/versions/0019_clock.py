"""The mechanics' clock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
RUNNING = sa.text("ended_at IS NULL")
TABLE = "clock_entries"

# No two entries of a mechanic have a second in common. Each is a span of seconds of its mechanic's own, 2 to the 34th of them since
# 2000; one that is running goes on to their end. An entry that is over within its second is no span, and meets none.
SECOND = "CAST(extract(epoch FROM ({} - timestamptz '2000-01-01 00:00:00+00')) AS bigint)"
SPAN = (
    f"int8range(mechanic_id * 17179869184 + {SECOND.format('started_at')},"
    f" mechanic_id * 17179869184 + coalesce({SECOND.format('ended_at')}, 17179869183))"
)
MEETS = (
    "mechanic_id = NEW.mechanic_id AND started_at < coalesce(NEW.ended_at, '9999-12-31') AND coalesce(ended_at, '9999-12-31') > NEW.started_at"
    " AND started_at < coalesce(ended_at, '9999-12-31') AND NEW.started_at < coalesce(NEW.ended_at, '9999-12-31')"
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        TABLE,
        sa.Column("id", ID, nullable=False),
        sa.Column("mechanic_id", ID, nullable=False),
        sa.Column("service_ticket_id", ID, nullable=False),
        sa.Column("line_id", ID, nullable=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("workshop_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.CheckConstraint("ended_at >= started_at", name=op.f(f"ck_{TABLE}_ends_after_its_start")),
        sa.CheckConstraint(
            "started_at >= '2000-01-01 00:00:00+00'", name=op.f(f"ck_{TABLE}_starts_within_reason")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{TABLE}_workshop_id_workshops")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "mechanic_id"],
            ["mechanics.workshop_id", "mechanics.id"],
            name=op.f(f"fk_{TABLE}_workshop_id_mechanic_id_mechanics"),
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            name=op.f(f"fk_{TABLE}_workshop_id_service_ticket_id_service_tickets"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("workshop_id", "id", name=op.f(f"uq_{TABLE}_workshop_id_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        f"uq_{TABLE}_running",
        TABLE,
        ["workshop_id", "mechanic_id"],
        unique=True,
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    )
    op.create_index(f"ix_{TABLE}_ticket", TABLE, ["workshop_id", "service_ticket_id", "started_at", "id"])
    op.create_index(f"ix_{TABLE}_mechanic", TABLE, ["workshop_id", "mechanic_id", "started_at", "id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"ALTER TABLE {TABLE} ADD CONSTRAINT ex_{TABLE}_no_overlap EXCLUDE USING gist (({SPAN}) WITH &&)"
        )
    else:
        for event, condition in (("INSERT", MEETS), ("UPDATE", f"{MEETS} AND id <> OLD.id")):
            op.execute(
                f"CREATE TRIGGER ex_{TABLE}_no_overlap_{event.lower()} BEFORE {event} ON {TABLE} "  # noqa: S608 - our own words
                f"WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE {condition}) "
                f"BEGIN SELECT RAISE(ABORT, 'ex_{TABLE}_no_overlap'); END"
            )
    protect(TABLE)


def downgrade() -> None:
    """Undo."""
    op.drop_table(TABLE)
