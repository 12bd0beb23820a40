"""Customers."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.crypto import EncryptedText
from app.core.db import Id, Instant, Versioned, one_of
from app.core.model import Model
from app.core.tenancy import WorkshopOwned

ERASED_NAME = "Former customer"
CONTACTS = ("email", "phone", "sms")
GENDERS = ("female", "male", "non_binary", "other", "undisclosed")
EXPORT_STATES = ("preparing", "ready", "failed")
_PREPARING = text("state = 'preparing'")
CONSENTS = ("data_processing", "marketing", "photos", "reminders")
EARLIEST_BIRTH = date(1900, 1, 1)


class Customer(WorkshopOwned, Versioned, Model):
    """A person whose cars the workshop repairs; without an account when they only ever walked in.

    An erased one keeps its id, for the tickets that stay, and nothing of the person.
    """

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        UniqueConstraint("workshop_id", "email"),
        UniqueConstraint("workshop_id", "phone"),
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        CheckConstraint(
            "erased_at IS NULL OR (email IS NULL AND phone IS NULL)", name="erased_without_person"
        ),
        Index("ix_customers_name", "workshop_id", "name", "id"),
        Index("ix_customers_created_at", "workshop_id", "created_at", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(20))
    erased_at: Mapped[datetime | None] = mapped_column(Instant)


class CustomerProfile(WorkshopOwned, Versioned, Model):
    """What is kept of a person beyond how to reach them; goes with an erasure.

    A table of its own, so that no list of customers reads it. The national id is encrypted and found by a keyed digest.
    """

    __tablename__ = "customer_profiles"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "customer_id"),
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
        UniqueConstraint("workshop_id", "national_id_digest"),
        CheckConstraint(one_of("preferred_contact", CONTACTS), name="preferred_contact_known"),
        CheckConstraint(one_of("gender", GENDERS), name="gender_known"),
        CheckConstraint(f"birth_date >= '{EARLIEST_BIRTH}'", name="birth_date_after_1900"),
        CheckConstraint(
            "(national_id IS NULL) = (national_id_kind IS NULL)"
            " AND (national_id IS NULL) = (national_id_digest IS NULL)",
            name="national_id_whole",
        ),
    )

    customer_id: Mapped[int] = mapped_column(Id)
    street: Mapped[str | None] = mapped_column(String(200))
    city: Mapped[str | None] = mapped_column(String(100))
    postal_code: Mapped[str | None] = mapped_column(String(20))
    country: Mapped[str | None] = mapped_column(String(2))
    preferred_contact: Mapped[str | None] = mapped_column(String(20))
    birth_date: Mapped[date | None] = mapped_column(Date)
    gender: Mapped[str | None] = mapped_column(String(20))
    emergency_contact_name: Mapped[str | None] = mapped_column(String(200))
    emergency_contact_phone: Mapped[str | None] = mapped_column(String(20))
    national_id_kind: Mapped[str | None] = mapped_column(String(20))
    national_id: Mapped[str | None] = mapped_column(EncryptedText)
    national_id_digest: Mapped[bytes | None] = mapped_column(LargeBinary(16))


class Consent(WorkshopOwned, Model):
    """That a customer agreed to a text, or no longer does: appended, never changed (also by trigger).

    It stays when the customer is erased, as evidence that names nobody any more.
    """

    __tablename__ = "consents"
    __table_args__ = (
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
        CheckConstraint(one_of("kind", CONSENTS), name="kind_known"),
        Index("ix_consents_customer", "workshop_id", "customer_id", "id"),
    )

    version: ClassVar[int] = 1  # of its ETag: it never changes

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(40))
    text_version: Mapped[str] = mapped_column(String(40))
    given: Mapped[bool]
    at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))


class NotificationPreferences(WorkshopOwned, Versioned, Model):
    """Which mail about their cars a customer wants; all of it, as long as they say nothing. Goes with an erasure."""

    __tablename__ = "notification_preferences"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "customer_id"),
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
    )

    customer_id: Mapped[int] = mapped_column(Id)
    progress_updates: Mapped[bool] = mapped_column(default=True)
    completion_notices: Mapped[bool] = mapped_column(default=True)
    maintenance_reminders: Mapped[bool] = mapped_column(default=True)


class CustomerPhoto(WorkshopOwned, Model):
    """Which file is a customer's photo; goes with an erasure."""

    __tablename__ = "customer_photos"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "customer_id"),
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
        ForeignKeyConstraint(["workshop_id", "file_id"], ["files.workshop_id", "files.id"]),
        UniqueConstraint("workshop_id", "file_id"),
    )

    customer_id: Mapped[int] = mapped_column(Id)
    file_id: Mapped[int] = mapped_column(Id)


class Export(WorkshopOwned, Model):
    """That somebody asked for all that is kept of a customer, and the archive once it is made; goes with an erasure.

    A worker claims it by a lease, as it does a message of the outbox.
    """

    __tablename__ = "exports"
    __table_args__ = (
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
        ForeignKeyConstraint(["workshop_id", "file_id"], ["files.workshop_id", "files.id"]),
        UniqueConstraint("workshop_id", "file_id"),
        CheckConstraint(one_of("state", EXPORT_STATES), name="state_known"),
        CheckConstraint("(state = 'ready') = (file_id IS NOT NULL)", name="ready_with_file"),
        CheckConstraint("(state = 'preparing') = (expires_at IS NULL)", name="done_expires"),
        CheckConstraint("claimed_until IS NULL OR state = 'preparing'", name="only_preparing_claimed"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index("ix_exports_customer", "workshop_id", "customer_id", "id"),
        Index("ix_exports_expires_at", "expires_at"),
        Index(
            "uq_exports_preparing",
            "workshop_id",
            "customer_id",
            unique=True,
            sqlite_where=_PREPARING,
            postgresql_where=_PREPARING,
        ),
        Index("ix_exports_due", "due_at", "id", sqlite_where=_PREPARING, postgresql_where=_PREPARING),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(Id)
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("accounts.id"))
    state: Mapped[str] = mapped_column(String(20), default="preparing")
    requested_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    claimed_until: Mapped[datetime | None] = mapped_column(Instant)
    file_id: Mapped[int | None] = mapped_column(Id)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)


class Erasure(WorkshopOwned, Model):
    """That a customer was erased: what of them went, what stayed and why, as JSON that names nobody."""

    __tablename__ = "erasures"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "customer_id"),
        ForeignKeyConstraint(["workshop_id", "customer_id"], ["customers.workshop_id", "customers.id"]),
    )

    customer_id: Mapped[int] = mapped_column(Id)
    erased_at: Mapped[datetime] = mapped_column(Instant)
    report: Mapped[str] = mapped_column(Text)
