"""The rules of notification preferences: which mail about their cars a customer wants, and where it goes."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import func, select

from app.blueprints.customers import service as customers
from app.blueprints.customers.models import Consent, Customer, NotificationPreferences
from app.core import audit
from app.core.db import atomic
from app.core.preconditions import Expected, require_version
from app.extensions import db

Kind = Literal["progress_updates", "completion_notices", "maintenance_reminders"]
KINDS: tuple[Kind, ...] = ("progress_updates", "completion_notices", "maintenance_reminders")
SHOWN = ("customer_id", *KINDS, "version")


def get(workshop_id: int, customer_id: int) -> NotificationPreferences:
    """Return what a customer wants to hear of; all of it, in version 0, where they never said.

    :raises CustomerNotFound: unknown here, or erased.
    """
    customers.get(workshop_id, customer_id)
    return _kept(workshop_id, customer_id) or _everything(workshop_id, customer_id)


def _kept(workshop_id: int, customer_id: int) -> NotificationPreferences | None:
    return db.session.scalar(
        select(NotificationPreferences).where(
            NotificationPreferences.workshop_id == workshop_id,
            NotificationPreferences.customer_id == customer_id,
        )
    )


def _everything(workshop_id: int, customer_id: int) -> NotificationPreferences:
    return NotificationPreferences(
        workshop_id=workshop_id, customer_id=customer_id, version=0, **dict.fromkeys(KINDS, True)
    )


def update(
    workshop_id: int, customer_id: int, changes: dict[str, bool], expected: Expected = None
) -> NotificationPreferences:
    """Change what a customer wants to hear of.

    :raises CustomerNotFound: unknown here, or erased. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        customers.hold(workshop_id, customer_id)
        wanted = _kept(workshop_id, customer_id) or _everything(workshop_id, customer_id)
        require_version(wanted, expected)
        before = audit.fields_of(wanted, KINDS)
        for kind, value in changes.items():
            setattr(wanted, kind, value)
        if not wanted.version:
            wanted.version = 1
        session.add(wanted)
        session.flush()
        audit.note(
            "customer.preferences_set", "customer", customer_id,
            before=before, after=audit.fields_of(wanted, KINDS), person=customers.person(customer_id),
        )  # fmt: skip
    return wanted


def address_for(workshop_id: int, customer_id: int, kind: Kind) -> str | None:
    """Return where mail of a kind goes to a customer; None where they want none, or there is no address.

    Reminders stop with the consent to them, too, where its last word was that it is withdrawn.
    """
    wanted: Any = getattr(NotificationPreferences, kind)
    row = db.session.execute(
        select(Customer.email, wanted)
        .outerjoin(
            NotificationPreferences,
            (NotificationPreferences.workshop_id == Customer.workshop_id)
            & (NotificationPreferences.customer_id == Customer.id),
        )
        .where(Customer.workshop_id == workshop_id, Customer.id == customer_id, Customer.erased_at.is_(None))
    ).one_or_none()
    if row is None or row[1] is False:
        return None
    if kind == "maintenance_reminders" and _is_withdrawn(workshop_id, customer_id):
        return None
    address: str | None = row[0]
    return address


def _is_withdrawn(workshop_id: int, customer_id: int) -> bool:
    of_customer = (
        Consent.workshop_id == workshop_id, Consent.customer_id == customer_id, Consent.kind == "reminders",
    )  # fmt: skip
    last = select(func.max(Consent.id)).where(*of_customer).scalar_subquery()
    given = db.session.scalar(select(Consent.given).where(*of_customer, Consent.id == last))
    return given is False
