"""Invitations."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Cents, Id, Instant, Versioned
from app.core.model import Model
from app.core.scopes import Role
from app.core.tenancy import WorkshopOwned

STATES = ("open", "accepted", "expired", "withdrawn")


def _unique_while_open(name: str, *columns: str, having: str | None = None) -> Index:
    condition: Any = text("token_digest IS NOT NULL" + (f" AND {having}" if having else ""))
    return Index(name, *columns, unique=True, sqlite_where=condition, postgresql_where=condition)


class Invitation(WorkshopOwned, Versioned, Model):
    """A mail that lets its reader become something in a workshop: once, for 72 hours.

    The record that becomes theirs is a customer's or a mechanic's; a new mechanic's is made, when they accept, of what is kept
    here. `token_digest` is the SHA-256 of 256 random bits, and is there while the invitation has neither been accepted nor
    withdrawn: it may have expired. `invited_by` is the account that sent it last; `role_id` the role of the workshop's own that
    staff get, until that is removed.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'mechanic', 'staff', 'customer')", name="role_known"),
        CheckConstraint("role = 'staff' OR role_id IS NULL", name="own_role_for_staff"),
        CheckConstraint(
            "role <> 'staff' OR role_id IS NOT NULL OR token_digest IS NULL", name="staff_has_own_role"
        ),
        CheckConstraint("(role = 'customer') = (customer_id IS NOT NULL)", name="customer_has_record"),
        CheckConstraint("mechanic_id IS NULL OR role = 'mechanic'", name="mechanics_record"),
        CheckConstraint(
            "role <> 'mechanic' OR mechanic_id IS NOT NULL"
            " OR (name IS NOT NULL AND phone IS NOT NULL AND salary IS NOT NULL)",
            name="new_mechanic_whole",
        ),
        CheckConstraint("salary >= 0", name="salary_not_negative"),
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        CheckConstraint("token_digest IS NULL OR email IS NOT NULL", name="open_with_address"),
        CheckConstraint(
            "(token_digest IS NOT NULL) = (accepted_at IS NULL AND withdrawn_at IS NULL)", name="open_with_token"
        ),
        CheckConstraint("accepted_at IS NULL OR withdrawn_at IS NULL", name="ended_once"),
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
        ForeignKeyConstraint(["workshop_id", "mechanic_id"], ["mechanics.workshop_id", "mechanics.id"]),
        ForeignKeyConstraint(["workshop_id", "role_id"], ["roles.workshop_id", "roles.id"]),
        _unique_while_open(
            "uq_invitations_open_address", "workshop_id", "email", "role",
            having="customer_id IS NULL AND mechanic_id IS NULL",
        ),
        _unique_while_open("uq_invitations_open_customer", "workshop_id", "customer_id"),
        _unique_while_open("uq_invitations_open_mechanic", "workshop_id", "mechanic_id"),
        Index("ix_invitations_created_at", "workshop_id", "created_at", "id"),
        Index("ix_invitations_customer", "workshop_id", "customer_id"),
        Index("ix_invitations_role", "workshop_id", "role_id"),
        Index("ix_invitations_expires_at", "expires_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    role: Mapped[Role] = mapped_column(String(20))
    role_id: Mapped[int | None] = mapped_column(Id)
    email: Mapped[str | None] = mapped_column(String(254))
    name: Mapped[str | None] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(20))
    salary: Mapped[Decimal | None] = mapped_column(Cents)
    customer_id: Mapped[int | None] = mapped_column(Id)
    mechanic_id: Mapped[int | None] = mapped_column(Id)
    token_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    invited_by: Mapped[int] = mapped_column(Id, ForeignKey("accounts.id"))
    sent_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def state(self) -> str:
        """How it stands at this moment."""
        if self.accepted_at is not None:
            return "accepted"
        if self.withdrawn_at is not None:
            return "withdrawn"
        return "open" if self.expires_at > clock.now() else "expired"
