"""Admins of the installation: its own place, suspended accounts and workshops, sessions without a membership."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
INSTALLATION = "(installation)"  # no workshop has this slug, for none may
# What the directory's indexes are over: up to now, and from now on.
LISTED = {"sqlite_where": sa.text("listed = 1"), "postgresql_where": sa.text("listed")}
SHOWN = {
    "sqlite_where": sa.text("listed = 1 AND suspended_at IS NULL"),
    "postgresql_where": sa.text("listed AND suspended_at IS NULL"),
}
INDEXES = {
    "ix_workshops_place": ["latitude", "longitude", "id"],
    "ix_workshops_directory": ["name", "id"],
    "ix_workshops_country": ["country", "name", "id"],
}
SUSPENDED: dict[str, Any] = {
    "sqlite_where": sa.text("suspended_at IS NOT NULL"),
    "postgresql_where": sa.text("suspended_at IS NOT NULL"),
}
ADMINS: dict[str, Any] = {"sqlite_where": sa.text("is_admin = 1"), "postgresql_where": sa.text("is_admin")}
FOR_A_REASON = "(suspended_at IS NULL) = (suspension_reason IS NULL)"
ACTING = "is_admin AND suspended_at IS NULL AND closed_at IS NULL"
WAS_ACTING = "OLD.is_admin AND OLD.suspended_at IS NULL AND OLD.closed_at IS NULL"


def upgrade() -> None:
    """Apply."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    _suspend_workshops()
    _make_the_installations_place()
    with op.batch_alter_table("accounts") as batch_op:
        batch_op.add_column(sa.Column("name", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("suspended_at", INSTANT, nullable=True))
        batch_op.add_column(sa.Column("suspension_reason", sa.LargeBinary(), nullable=True))
        batch_op.create_check_constraint(op.f("ck_accounts_suspended_for_a_reason"), FOR_A_REASON)
    op.create_index("ix_accounts_admins", "accounts", ["email", "id"], **ADMINS)
    op.create_index("ix_accounts_suspended", "accounts", ["email", "id"], **SUSPENDED)
    with op.batch_alter_table("account_sessions") as batch_op:
        # By its default the running version, which knows no admins, goes on while it is replaced.
        batch_op.add_column(sa.Column("as_admin", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.alter_column("membership_id", existing_type=sa.BigInteger(), nullable=True)
        batch_op.create_check_constraint(
            op.f("ck_account_sessions_by_membership_or_as_admin"), "as_admin = (membership_id IS NULL)"
        )
    if on_postgresql:
        op.execute("CREATE INDEX trgm_accounts_email ON accounts USING gin (email gin_trgm_ops)")
        keep_an_admin_on_postgresql()
    else:
        keep_an_admin_on_sqlite()


def _suspend_workshops() -> None:
    for name in INDEXES:
        op.drop_index(name, "workshops")
    with op.batch_alter_table("workshops") as batch_op:
        batch_op.add_column(sa.Column("suspended_at", INSTANT, nullable=True))
        batch_op.add_column(sa.Column("suspension_reason", sa.String(length=300), nullable=True))
        batch_op.create_check_constraint(op.f("ck_workshops_suspended_for_a_reason"), FOR_A_REASON)
        batch_op.create_check_constraint(
            op.f("ck_workshops_installation_is_closed"), "id > 0 OR (id = 0 AND closed_at IS NOT NULL)"
        )
    for name, indexed in INDEXES.items():
        op.create_index(name, "workshops", indexed, **SHOWN)
    op.create_index("ix_workshops_name", "workshops", ["name", "id"])
    op.create_index("ix_workshops_suspended", "workshops", ["id"], **SUSPENDED)


def _make_the_installations_place() -> None:
    """Make the row in whose name the installation keeps a log and writes mail; it may be left from an earlier upgrade."""
    op.execute(
        "INSERT INTO workshops (id, name, slug, country, currency, time_zone, created_at, updated_at, closed_at) "  # noqa: S608 - our own words
        f"SELECT 0, 'Mechanic Shop', '{INSTALLATION}', 'US', 'USD', 'UTC', "
        "CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP "
        "WHERE NOT EXISTS (SELECT 1 FROM workshops WHERE id = 0)"
    )


def keep_an_admin_on_postgresql() -> None:
    """Let the last admin who can sign in neither go nor be suspended; of two who go at once, one waits and is refused."""
    op.execute(f"""
        CREATE FUNCTION keep_an_admin() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          PERFORM pg_advisory_xact_lock(hashtext('keep_an_admin'));
          IF NOT EXISTS (SELECT 1 FROM accounts WHERE {ACTING}) THEN
            RAISE EXCEPTION 'the last admin stays' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'last_admin';
          END IF;
          RETURN NULL;
        END $$
    """)  # noqa: S608 - our own words
    op.execute(
        "CREATE TRIGGER last_admin AFTER UPDATE OF is_admin, suspended_at, closed_at OR DELETE ON accounts "
        f"FOR EACH ROW WHEN ({WAS_ACTING}) EXECUTE FUNCTION keep_an_admin()"
    )


def keep_an_admin_on_sqlite() -> None:
    """The same where one transaction writes at a time."""
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER last_admin_{event.lower()} AFTER {event} ON accounts "  # noqa: S608 - our own words
            f"WHEN {WAS_ACTING} AND NOT EXISTS (SELECT 1 FROM accounts WHERE {ACTING}) "
            "BEGIN SELECT RAISE(ABORT, 'last_admin'); END"
        )


def downgrade() -> None:
    """Undo. The installation's place stays, a closed workshop, with its log: what that says is never taken back."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER last_admin ON accounts")
        op.execute("DROP FUNCTION keep_an_admin()")
        op.drop_index("trgm_accounts_email", "accounts")
    op.execute(
        "DELETE FROM spent_refresh_tokens WHERE session_id IN "
        "(SELECT id FROM account_sessions WHERE membership_id IS NULL)"
    )
    op.execute("DELETE FROM account_sessions WHERE membership_id IS NULL")
    with op.batch_alter_table("account_sessions") as batch_op:
        batch_op.drop_constraint(op.f("ck_account_sessions_by_membership_or_as_admin"), type_="check")
        batch_op.alter_column("membership_id", existing_type=sa.BigInteger(), nullable=False)
        batch_op.drop_column("as_admin")
    op.drop_index("ix_accounts_suspended", "accounts")
    op.drop_index("ix_accounts_admins", "accounts")
    with op.batch_alter_table("accounts") as batch_op:
        batch_op.drop_constraint(op.f("ck_accounts_suspended_for_a_reason"), type_="check")
        batch_op.drop_column("suspension_reason")
        batch_op.drop_column("suspended_at")
        batch_op.drop_column("name")
    for name in ("ix_workshops_suspended", "ix_workshops_name", *INDEXES):
        op.drop_index(name, "workshops")
    with op.batch_alter_table("workshops") as batch_op:
        batch_op.drop_constraint(op.f("ck_workshops_installation_is_closed"), type_="check")
        batch_op.drop_constraint(op.f("ck_workshops_suspended_for_a_reason"), type_="check")
        batch_op.drop_column("suspension_reason")
        batch_op.drop_column("suspended_at")
    for name, indexed in INDEXES.items():
        op.create_index(name, "workshops", indexed, **LISTED)
