"""What the audit log says of a customer: given out, and made unreadable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from app.blueprints.audit import service
from app.core import audit, privacy
from app.core.audit import AuditEntry
from app.core.privacy import Erased, Kept, Subject
from app.core.sealing import Person, PersonKey
from app.extensions import db

privacy.gives_nothing_of(
    "person_keys", "The key by which the audit log is read, which is given out readable."
)
CALLED = ("name", "email", "phone")  # the fields that say what somebody is called, written to or rung up by


def _key_id(person: Subject) -> int | None:
    return db.session.scalar(
        select(PersonKey.id).where(
            PersonKey.workshop_id == person.workshop_id,
            PersonKey.kind == "customer",
            PersonKey.person_id == person.customer_id,
        )
    )


def _tells_of(person: Subject) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that an entry is about a person, or says something of them that is sealed."""
    tells: ColumnElement[bool] = (AuditEntry.subject_kind == "customer") & (
        AuditEntry.subject_id == person.customer_id
    )
    if (key_id := _key_id(person)) is not None:  # without a key, nothing is sealed under it
        tells = or_(tells, AuditEntry.sealed_by == key_id)
    return AuditEntry.workshop_id == person.workshop_id, tells


def _entries(person: Subject) -> Iterator[dict[str, Any]]:
    seen: int | None = 0
    while seen is not None:
        statement = select(AuditEntry).where(*_tells_of(person), AuditEntry.sequence > seen)
        found = list(db.session.scalars(statement.order_by(AuditEntry.sequence).limit(privacy.ROWS_AT_ONCE)))
        yield from service.readable(found)
        seen = found[-1].sequence if found else None


@privacy.knows
def _former(person: Subject) -> Iterator[str]:
    """Tell what somebody was called, written to and rung up by before, as the log has it."""
    for entry in _entries(person):
        for told in (entry["before"] or {}, entry["after"] or {}):
            yield from (told[name] for name in CALLED if isinstance(told.get(name), str))


@privacy.part(
    "audit", says="who changed what is kept of you, from what to what, and when.", tables=("audit_entries",)
)
def _give(person: Subject) -> Iterator[dict[str, Any]]:
    for entry in _entries(person):
        yield {name: value for name, value in entry.items() if name not in ("hash", "erased")}


@privacy.erases("audit_entries", "person_keys")
def _shred(person: Subject) -> Iterator[Erased | Kept]:
    number = db.session.scalar(select(func.count()).where(*_tells_of(person))) or 0
    audit.forget(Person("customer", person.customer_id))
    yield Erased("what_the_audit_log_says")
    yield Kept(
        "audit_entries",
        number,
        "That something was changed, when and by which account is evidence that may not be edited. What was changed is sealed"
        " under a key that is gone.",
    )
