"""Photos that progress updates and the points of inspections show: pictures among the attachments of their ticket."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core.row_security import protect

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OF_A_TICKET = ["workshop_id", "service_ticket_id", "id"]
# What is pointed at with its ticket: the index that it is found by is unique from now on.
POINTED_AT = ("service_ticket_attachments", "progress_updates", "inspections")
UPDATES, POINTS = "progress_update_photos", "inspection_point_photos"


def _columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("service_ticket_id", ID, nullable=False),
        sa.Column("attachment_id", ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("workshop_id", ID, nullable=False),
    )


def _constraints(table: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.CheckConstraint("place BETWEEN 1 AND 10", name=op.f(f"ck_{table}_place_within_the_most")),
        sa.ForeignKeyConstraint(
            ["workshop_id"], ["workshops.id"], name=op.f(f"fk_{table}_workshop_id_workshops")
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id"],
            ["service_tickets.workshop_id", "service_tickets.id"],
            name=f"fk_{table}_ticket",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workshop_id", "service_ticket_id", "attachment_id"],
            [f"service_ticket_attachments.{name}" for name in OF_A_TICKET],
            name=f"fk_{table}_photo",
        ),
    )


def _shown_by(table: str, name: str, parent: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["workshop_id", "service_ticket_id", column],
        [f"{parent}.{one}" for one in OF_A_TICKET],
        name=f"fk_{table}_{name}",
        ondelete="CASCADE",
    )


def _once(table: str, *columns: str) -> sa.UniqueConstraint:
    names = ("workshop_id", "service_ticket_id", "attachment_id", *columns)
    return sa.UniqueConstraint(*names, name=f"uq_{table}_once")


def upgrade() -> None:
    """Apply."""
    for table in POINTED_AT:
        op.create_index(f"uq_{table}_ticket", table, OF_A_TICKET, unique=True)
        op.drop_index(f"ix_{table}_ticket", table)
    op.create_table(
        UPDATES,
        sa.Column("progress_update_id", ID, nullable=False),
        *_columns(),
        *_constraints(UPDATES),
        _shown_by(UPDATES, "update", "progress_updates", "progress_update_id"),
        sa.PrimaryKeyConstraint("workshop_id", "progress_update_id", "place", name=op.f(f"pk_{UPDATES}")),
        _once(UPDATES, "progress_update_id"),
    )
    op.create_table(
        POINTS,
        sa.Column("inspection_id", ID, nullable=False),
        sa.Column("point", sa.Integer(), nullable=False),
        *_columns(),
        *_constraints(POINTS),
        _shown_by(POINTS, "inspection", "inspections", "inspection_id"),
        sa.ForeignKeyConstraint(
            ["workshop_id", "inspection_id", "point"],
            [f"inspection_points.{name}" for name in ("workshop_id", "inspection_id", "place")],
            name=f"fk_{POINTS}_point",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workshop_id", "inspection_id", "point", "place", name=op.f(f"pk_{POINTS}")),
        _once(POINTS, "inspection_id", "point"),
    )
    guard(UPDATES, "progress_updates", "progress_update_id", "the update is validated")
    guard(POINTS, "inspections", "inspection_id", "the inspection is validated")
    protect(UPDATES, POINTS)


def guard(table: str, parent: str, column: str, why: str) -> None:
    """Let nothing be added to what is validated. What is there goes with its ticket, or with its customer's erasure."""
    validated = (
        f"SELECT 1 FROM {parent} WHERE workshop_id = NEW.workshop_id"  # noqa: S608 - our own words
        f" AND id = NEW.{column} AND validated_at IS NOT NULL"
    )
    if op.get_bind().dialect.name != "postgresql":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
        for moment in ("INSERT", "UPDATE"):
            op.execute(
                f"CREATE TRIGGER {table}_validated_stays_{moment.lower()} BEFORE {moment} ON {table}"
                f" WHEN EXISTS ({validated}) {refuse}"
            )
        return
    op.execute(
        f"CREATE FUNCTION refuse_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF EXISTS ({validated}) THEN RAISE EXCEPTION '{why}'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        f"CREATE TRIGGER validated_stays BEFORE INSERT OR UPDATE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION refuse_{table}()"
    )


def downgrade() -> None:
    """Undo: which photos were shown where is lost; they stay on their tickets."""
    for table in (POINTS, UPDATES):
        op.drop_table(table)
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION refuse_{table}()")
    for table in POINTED_AT:
        op.create_index(f"ix_{table}_ticket", table, OF_A_TICKET)
        op.drop_index(f"uq_{table}_ticket", table)
