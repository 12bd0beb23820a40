"""The rules of opening a workshop: by oneself, or by an admin for its owner; and what its owners are told of its state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm.attributes import set_committed_value

from app.blueprints.accounts import service, sessions, standing
from app.blueprints.accounts.models import Account, Membership, OwnRole
from app.blueprints.accounts.sessions import Entrant
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.models import Workshop
from app.core import outbox, phones
from app.core.db import atomic
from app.core.scopes import Role, of_role
from app.core.tenancy import INSTALLATION, acting_in
from app.extensions import db


def register(
    workshop: dict[str, Any],
    email: str,
    password: str,
    second_factor_code: str | None = None,
    address: str | None = None,
    phone: str | None = None,
) -> Entrant:
    """Open a workshop, with the owner who signs in to it, by `phone` as well: both or neither.

    :raises SlugTaken: another workshop has the slug.
    :raises EmailTaken: the address has an account with another password. :raises TooManyTries: too many were wrong.
    :raises PasswordRefused: it is too easy.
    :raises SecondFactorRequired: the account has one, and no code came. :raises SecondFactorRefused: it is wrong or used.
    :raises AccountSuspended: it has one that is.
    """
    known = service.account_for(email, password, second_factor_code, address)
    with atomic():
        opened = workshops.found(**workshop)
        with acting_in(opened.id):
            account = known or service.make_account(email, password, workshop_id=opened.id)
            number = None if phone is None else phones.normalised(phone, opened.country)
            membership = service.join(opened.id, account, "owner", phone=number)
            # Known without asking: a workshop that has just opened asks nobody for a second factor.
            set_committed_value(membership, "second_factor_due", False)
            return sessions.entrant(standing.principal_of(membership), account)


@workshops.seats_owners
def seat(workshop_id: int, email: str) -> None:
    """Make whoever has an address the owner of a workshop, and tell them by mail.

    :raises AccountSuspended: the address has an account that is.
    """
    with atomic(), acting_in(workshop_id):
        account, is_new = service.account_by_mail(email)
        service.join(workshop_id, account, "owner")
        if not is_new:  # who has no password is written what they set one with
            outbox.queue(workshop_id, "workshop_opened", email)


@workshops.consulted_before("suspending")
def tell_of_suspension(workshop_id: int) -> None:
    """Tell a workshop's owners that it is suspended, and why: in the installation's name, since its own mail waits."""
    workshop = workshops.held(workshop_id)
    _tell_owners(workshop, "workshop_suspended", reason=workshop.suspension_reason)


@workshops.consulted_before("reinstating")
def tell_of_reinstatement(workshop_id: int) -> None:
    """Tell a workshop's owners that it is reinstated."""
    _tell_owners(workshops.held(workshop_id), "workshop_reinstated")


def addresses_of_holders(workshop_id: int, scope: str) -> list[str]:
    """Return where those of a workshop's people who hold a scope read their mail, each once."""
    return _addresses(email for email, _, held in _people(workshop_id) if scope in held)


def _addresses_of_owners(workshop_id: int) -> list[str]:
    return _addresses(email for email, role, _ in _people(workshop_id) if role == "owner")


def _addresses(emails: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(email for email in emails if email))


def _people(workshop_id: int) -> list[tuple[str | None, Role, frozenset[str]]]:
    """Return the address, role and scopes of each who is something in a workshop, and no customer."""
    with acting_in(workshop_id):
        found: Iterable[Any] = db.session.execute(
            select(Account.email, Membership.role, OwnRole.scopes)
            .join(Membership, Membership.account_id == Account.id)
            .outerjoin(
                OwnRole, and_(OwnRole.workshop_id == Membership.workshop_id, OwnRole.id == Membership.role_id)
            )
            .where(
                Membership.workshop_id == workshop_id,
                Membership.ended_at.is_(None),
                Membership.role != "customer",
                Account.closed_at.is_(None),
            )
            .order_by(Account.id)
        )
        return [(email, role, of_role(role) if own is None else own) for email, role, own in found]


def _tell_owners(workshop: Workshop, topic: str, **values: Any) -> None:
    owners = _addresses_of_owners(workshop.id)
    with acting_in(INSTALLATION):
        for email in owners:
            outbox.queue(INSTALLATION, topic, email, locale=workshop.locale, workshop=workshop.name, **values)
