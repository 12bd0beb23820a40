"""Accounts and memberships."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Id, Instant
from app.core.model import Model
from app.core.scopes import Role
from app.core.tenancy import WorkshopOwned


class Account(Model):
    """How a person signs in, on the whole installation: an e-mail address in lower case, and the hash of a password.

    A closed account has neither. `is_admin`: administers the installation, and sees no workshop's data by that.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        CheckConstraint("(closed_at IS NULL) = (email IS NOT NULL)", name="open_with_email"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    is_admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)


class Membership(WorkshopOwned, Model):
    """What an account is in a workshop: a role, and the customer's or mechanic's record that is this person's."""

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'mechanic', 'customer')", name="role_known"),
        CheckConstraint("(role = 'customer') = (customer_id IS NOT NULL)", name="customer_has_record"),
        CheckConstraint("role <> 'mechanic' OR mechanic_id IS NOT NULL", name="mechanic_has_record"),
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
        ForeignKeyConstraint(["workshop_id", "mechanic_id"], ["mechanics.workshop_id", "mechanics.id"]),
        Index(
            "uq_memberships_standing",
            "workshop_id",
            "account_id",
            "role",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_memberships_account_id", "account_id"),
        Index("ix_memberships_customer", "workshop_id", "customer_id"),
        Index("ix_memberships_mechanic", "workshop_id", "mechanic_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(Id, ForeignKey("accounts.id"))
    role: Mapped[Role] = mapped_column(String(20))
    customer_id: Mapped[int | None] = mapped_column(Id)
    mechanic_id: Mapped[int | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class AccountSession(Model):
    """A sign-in that goes on: what its tokens are good for ends with it.

    Its refresh tokens are a family: each is used once, for the next; one that comes back a second time ends the session,
    since either it or its successor is in the wrong hands (RFC 9700, section 4.14.2). `refresh_digest` is the present
    one's SHA-256; the token itself is 256 random bits. Belongs to an account, which may be a member of several workshops;
    `membership_id` is what it acts as now.
    """

    __tablename__ = "account_sessions"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_for_a_reason"),
        Index("ix_account_sessions_account_id", "account_id", "ended_at"),
        Index("ix_account_sessions_membership_id", "membership_id"),
        Index("ix_account_sessions_ended_at", "ended_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(Id, ForeignKey("accounts.id"))
    membership_id: Mapped[int] = mapped_column(Id, ForeignKey("memberships.id"))
    refresh_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    started_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    last_used_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    address: Mapped[str | None] = mapped_column(String(45))
    agent: Mapped[str | None] = mapped_column(String(200))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(String(20))


class SpentRefreshToken(Model):
    """The digest of a refresh token that was taken for the next one; when it comes again, its session ends."""

    __tablename__ = "spent_refresh_tokens"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    session_id: Mapped[int] = mapped_column(Id, ForeignKey("account_sessions.id"), index=True)
    spent_at: Mapped[datetime] = mapped_column(Instant, index=True)
