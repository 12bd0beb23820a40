"""Accounts, what they are in a workshop, and how they stay signed in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    exists,
    select,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column
from sqlalchemy.types import TypeDecorator

from app.blueprints.workshops.models import Workshop
from app.core import clock, scopes
from app.core.crypto import EncryptedText
from app.core.db import Id, Instant, Versioned
from app.core.model import Model
from app.core.scopes import STAFF, Role
from app.core.tenancy import WorkshopOwned

_ADMINS: dict[str, Any] = {"sqlite_where": text("is_admin = 1"), "postgresql_where": text("is_admin")}
_SUSPENDED: dict[str, Any] = {
    f"{database}_where": text("suspended_at IS NOT NULL") for database in ("sqlite", "postgresql")
}


class Account(Model):
    """How a person signs in, on the whole installation: an e-mail address in lower case, and the hash of a password.

    A closed account has neither. `is_admin`: administers the installation, and sees no workshop's data by that; the last one
    who can stays, which a trigger keeps. `name` is what an admin is called: members have a record that says so.
    `second_factor_since`: from when on signing in needs a second factor too; read with the account.
    """

    if TYPE_CHECKING:
        second_factor_since: Mapped[datetime | None]

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        CheckConstraint("(closed_at IS NULL) = (email IS NOT NULL)", name="open_with_email"),
        CheckConstraint(
            "(suspended_at IS NULL) = (suspension_reason IS NULL)", name="suspended_for_a_reason"
        ),
        Index("ix_accounts_admins", "email", "id", **_ADMINS),
        Index("ix_accounts_suspended", "email", "id", **_SUSPENDED),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    is_admin: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str | None] = mapped_column(String(200))
    email_verified_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    suspended_at: Mapped[datetime | None] = mapped_column(Instant)
    suspension_reason: Mapped[str | None] = mapped_column(EncryptedText)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def may_sign_in(self) -> bool:
        """Whether it is neither closed nor suspended."""
        return self.closed_at is None and self.suspended_at is None

    @property
    def has_password(self) -> bool:
        """Whether anybody can sign in by it at all."""
        return self.password_hash is not None


class ScopeSet(TypeDecorator[frozenset[str]]):
    """A set of scopes: in the database one text of their names, sorted, with blanks between (RFC 6749, section 3.3).

    It is read whole, with the row that has it, and written whole. A name that is a scope no more is left out of what is read.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: frozenset[str] | None, dialect: Dialect) -> str | None:
        return None if value is None else " ".join(sorted(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> frozenset[str] | None:
        return None if value is None else scopes.known(value.split())


class OwnRole(WorkshopOwned, Versioned, Model):
    """A role of a workshop's own making. `folded_name` tells names apart without regard to case."""

    __tablename__ = "roles"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "folded_name"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    folded_name: Mapped[str] = mapped_column(String(180))  # a letter folds to three at most
    description: Mapped[str | None] = mapped_column(String(500))
    scopes: Mapped[frozenset[str]] = mapped_column(ScopeSet)


class Membership(WorkshopOwned, Model):
    """What an account is in a workshop: a role, and the customer's or mechanic's record that is this person's.

    `staff` is somebody with a role of the workshop's own making, `role_id`; one who has left may have lost it since.
    `second_factor_due`: the workshop asks its staff for a second factor, and the account has none; read with the membership.
    `phone` is the number of one of its people who has no record with one, by which they sign in here; E.164 where it is valid.
    """

    if TYPE_CHECKING:
        second_factor_due: Mapped[bool]

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        CheckConstraint("role IN ('owner', 'mechanic', 'staff', 'customer')", name="role_known"),
        CheckConstraint("role = 'staff' OR role_id IS NULL", name="own_role_for_staff"),
        CheckConstraint(
            "role <> 'staff' OR role_id IS NOT NULL OR ended_at IS NOT NULL", name="staff_has_own_role"
        ),
        CheckConstraint("(role = 'customer') = (customer_id IS NOT NULL)", name="customer_has_record"),
        CheckConstraint("role <> 'mechanic' OR mechanic_id IS NOT NULL", name="mechanic_has_record"),
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
        ForeignKeyConstraint(["workshop_id", "mechanic_id"], ["mechanics.workshop_id", "mechanics.id"]),
        ForeignKeyConstraint(["workshop_id", "role_id"], ["roles.workshop_id", "roles.id"]),
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
        Index("ix_memberships_role", "workshop_id", "role_id"),
        Index(
            "ix_memberships_phone",
            "workshop_id",
            "phone",
            sqlite_where=text("phone IS NOT NULL"),
            postgresql_where=text("phone IS NOT NULL"),
        ),
        CheckConstraint("phone IS NULL OR (role <> 'customer' AND ended_at IS NULL)", name="phone_of_staff"),
        Index(
            "ix_memberships_staff",
            "workshop_id",
            "created_at",
            "id",
            sqlite_where=text("ended_at IS NULL AND role <> 'customer'"),
            postgresql_where=text("ended_at IS NULL AND role <> 'customer'"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(Id, ForeignKey("accounts.id"))
    role: Mapped[Role] = mapped_column(String(20))
    role_id: Mapped[int | None] = mapped_column(Id)
    customer_id: Mapped[int | None] = mapped_column(Id)
    mechanic_id: Mapped[int | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    phone: Mapped[str | None] = mapped_column(String(20))


class AccountSession(Model):
    """A sign-in that goes on: what its tokens are good for ends with it.

    Its refresh tokens are a family: each is used once, for the next; one that comes back a second time ends the session,
    since either it or its successor is in the wrong hands (RFC 9700, section 4.14.2). `refresh_digest` is the present
    one's SHA-256; the token itself is 256 random bits. Belongs to an account, which may be a member of several workshops;
    `membership_id` is what it acts as now, and nothing for one that acts as an admin of the installation.
    """

    __tablename__ = "account_sessions"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_for_a_reason"),
        CheckConstraint("as_admin = (membership_id IS NULL)", name="by_membership_or_as_admin"),
        Index("ix_account_sessions_account_id", "account_id", "ended_at"),
        Index("ix_account_sessions_membership_id", "membership_id"),
        Index("ix_account_sessions_ended_at", "ended_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(Id, ForeignKey("accounts.id"))
    membership_id: Mapped[int | None] = mapped_column(Id, ForeignKey("memberships.id"))
    as_admin: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    refresh_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    started_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    last_used_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    address: Mapped[str | None] = mapped_column(String(45))
    agent: Mapped[str | None] = mapped_column(String(200))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(String(20))


class ApiKey(WorkshopOwned, Versioned, Model):
    """What an integration sends in place of a token. It acts by the membership of whoever made it, with `scopes` at most.

    `prefix` is what people know it by; of the key itself, which has 256 random bits, the SHA-256 is kept.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="expires_after_creation"),
        ForeignKeyConstraint(["workshop_id", "membership_id"], ["memberships.workshop_id", "memberships.id"]),
        Index("ix_api_keys_membership", "workshop_id", "membership_id"),
        Index("ix_api_keys_name", "workshop_id", "name", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    membership_id: Mapped[int] = mapped_column(Id)
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(20), unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[frozenset[str]] = mapped_column(ScopeSet)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class SpentRefreshToken(Model):
    """The digest of a refresh token that was taken for the next one; when it comes again, its session ends."""

    __tablename__ = "spent_refresh_tokens"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    session_id: Mapped[int] = mapped_column(Id, ForeignKey("account_sessions.id"), index=True)
    spent_at: Mapped[datetime] = mapped_column(Instant, index=True)


class OneTimeCode(Model):
    """Something sent to an address to show that who asks reads its mail: good once, for a while, for a few tries.

    Found by what the address is, whether or not an account has it, so that asking costs the same for both. The six digits
    are kept as a keyed digest, and encrypted until they are mailed; a token, of 256 random bits, as its SHA-256.
    """

    __tablename__ = "one_time_codes"
    __table_args__ = (
        CheckConstraint(
            "purpose IN ('recovery', 'reset', 'verify_email', 'email_change_old', 'email_change_new')",
            name="purpose_known",
        ),
        CheckConstraint("tries BETWEEN 0 AND 5", name="tries_bounded"),
        CheckConstraint(
            "(purpose IN ('email_change_old', 'email_change_new')) = (new_email IS NOT NULL)",
            name="new_email_when_changing",
        ),
        Index("ix_one_time_codes_address", "address_digest", "purpose", "id"),
        Index("ix_one_time_codes_account_id", "account_id", "purpose"),
        Index("ix_one_time_codes_expires_at", "expires_at"),
        Index(
            "ix_one_time_codes_unmailed",
            "id",
            sqlite_where=text("sealed IS NOT NULL"),
            postgresql_where=text("sealed IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    address_digest: Mapped[bytes] = mapped_column(LargeBinary(16))
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))
    code_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    token_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    sealed: Mapped[str | None] = mapped_column(EncryptedText)
    new_email: Mapped[str | None] = mapped_column(String(254))
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class SignInFailures(Model):
    """How often signing in failed lately, at an account, by a name that is no account's, or from an address: keyed digests."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (CheckConstraint("failures > 0", name="failures_positive"),)

    key: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    failures: Mapped[int] = mapped_column(default=1)
    last_at: Mapped[datetime] = mapped_column(Instant, index=True)
    closed_until: Mapped[datetime] = mapped_column(Instant)


class SecondFactor(Model):
    """What a person's authenticator app and we both know (RFC 6238), from `confirmed_at` on asked for at each sign-in.

    `last_step` counts the 30 seconds since 1970 whose code was used last: no code is good twice.
    """

    __tablename__ = "second_factors"
    __table_args__ = (CheckConstraint("last_step >= 0", name="last_step_not_negative"),)

    account_id: Mapped[int] = mapped_column(
        Id, ForeignKey("accounts.id"), primary_key=True, autoincrement=False
    )
    secret: Mapped[str] = mapped_column(EncryptedText)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)


class RecoveryCode(Model):
    """Stands in once for a code of the app, when the phone is lost: a keyed digest, which tells nobody the code."""

    __tablename__ = "second_factor_recovery_codes"
    __table_args__ = (UniqueConstraint("account_id", "digest"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(Id, ForeignKey("second_factors.account_id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class SignInChallenge(Model):
    """A sign-in whose password was right and whose second factor is still to come: good once, for a while, for a few tries.

    Its token has 256 random bits and is kept as its SHA-256; `name_key` is what failures at the account are counted by.
    Without `membership_id` it is an admin's.
    """

    __tablename__ = "sign_in_challenges"
    __table_args__ = (
        CheckConstraint("tries BETWEEN 0 AND 5", name="tries_bounded"),
        Index("ix_sign_in_challenges_account_id", "account_id"),
        Index("ix_sign_in_challenges_expires_at", "expires_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    account_id: Mapped[int] = mapped_column(Id, ForeignKey("accounts.id"))
    membership_id: Mapped[int | None] = mapped_column(Id, ForeignKey("memberships.id"))
    name_key: Mapped[bytes] = mapped_column(LargeBinary(16))
    tries: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


_CONFIRMED = SecondFactor.confirmed_at.is_not(None)

# Read with the row itself, so that signing in and asking whether a session stands send no statement more for it.
Account.second_factor_since = column_property(
    select(SecondFactor.confirmed_at)
    .where(SecondFactor.account_id == Account.id)
    .correlate_except(SecondFactor)
    .scalar_subquery()
)
Membership.second_factor_due = column_property(
    Membership.role.in_(STAFF)
    & exists()
    .where(Workshop.id == Membership.workshop_id, Workshop.second_factor_for_staff)
    .correlate_except(Workshop)
    & ~exists()
    .where(SecondFactor.account_id == Membership.account_id, _CONFIRMED)
    .correlate_except(SecondFactor)
)
