"""Accounts and memberships."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Id, Instant
from app.core.identity import Role
from app.core.model import Model
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
