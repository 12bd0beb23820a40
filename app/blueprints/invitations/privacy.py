"""What is kept of a customer in invitations to claim their record: given out, and erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select

from app.blueprints.invitations import ending, service
from app.blueprints.invitations.models import Invitation
from app.core import clock, privacy
from app.core.privacy import Erased, Kept, Subject
from app.extensions import db


def _is_theirs(person: Subject) -> tuple[ColumnElement[bool], ...]:
    return Invitation.workshop_id == person.workshop_id, Invitation.customer_id == person.customer_id


@privacy.knows
def _words(person: Subject) -> Iterator[str | None]:
    for row in db.session.execute(select(Invitation.name, Invitation.email).where(*_is_theirs(person))):
        yield from row


@privacy.part(
    "invitations",
    says="when you were invited to claim your record, and at which address.",
    tables=("invitations",),
)
def _give_invitations(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (
        Invitation.id,
        Invitation.email,
        Invitation.name,
        Invitation.sent_at,
        Invitation.expires_at,
        Invitation.accepted_at,
        Invitation.withdrawn_at,
    )
    return privacy.walked(select(*columns).where(*_is_theirs(person)), Invitation.id)


@privacy.erases("invitations")
def _erase_invitations(person: Subject) -> Iterator[Erased | Kept]:
    emptied = ending.empty_for(person.workshop_id, person.customer_id)
    yield Erased("invitations", emptied)
    yield Kept(
        "invitations",
        emptied,
        "That somebody was invited, and when, without name and address.",
        clock.now() + ending.KEPT + service.GOOD_FOR + timedelta(hours=1),
    )
