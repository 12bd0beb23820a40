"""The rules of accounts as admins see them: what each is where, and that one is suspended and reinstated.

Of a workshop an account shows that it is there, as what and since when; nothing that the workshop keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.blueprints.accounts import codes, sessions
from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.models import Account, Membership
from app.blueprints.admins.errors import AccountNotFound
from app.blueprints.admins.service import ORDER, flush_with_an_admin_left
from app.blueprints.workshops.errors import AlreadySuspended, NotSuspended
from app.blueprints.workshops.models import Workshop
from app.core import audit, clock, paging
from app.core.db import atomic, locked
from app.core.paging import Page, Walk
from app.core.search import contains, pattern
from app.core.tenancy import INSTALLATION, across_workshops, acting_in
from app.extensions import db


@dataclass(frozen=True, slots=True)
class Place:
    """A workshop that an account belongs to, and as what."""

    workshop: Workshop
    role: str
    since: datetime


def find(walk: Walk, *, q: str | None = None, suspended: bool | None = None) -> Page:
    """Return one page of the accounts that are not closed: with a text in the address, suspended ones or the others."""
    statement = select(Account).where(Account.closed_at.is_(None))
    if q is not None:
        statement = statement.where(contains(Account.email, pattern(q)))
    if suspended is not None:
        is_suspended = Account.suspended_at.is_not(None)
        statement = statement.where(is_suspended if suspended else ~is_suspended)
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def get(account_id: int) -> tuple[Account, list[Place]]:
    """Return an account, and what it is in which workshops.

    :raises AccountNotFound: unknown, or closed.
    """
    account = db.session.scalar(select(Account).where(Account.id == account_id, Account.closed_at.is_(None)))
    if account is None:
        raise AccountNotFound()
    with across_workshops():
        found = db.session.execute(
            select(Workshop, Membership.role, Membership.created_at)
            .join(Membership, Membership.workshop_id == Workshop.id)
            .where(Membership.account_id == account_id, Membership.ended_at.is_(None))
            .order_by(Membership.id)
        ).all()
    return account, [Place(workshop, role, since) for workshop, role, since in found]


def suspend(account_id: int, reason: str) -> None:
    """Let nobody sign in by an account, nor get back in: its sessions end at once, its keys do nothing, codes are void.

    :raises AccountNotFound: unknown, or closed. :raises AlreadySuspended: it is.
    :raises LastAdmin: it is that of the last admin who can sign in.
    """
    with acting_in(INSTALLATION), atomic() as session:
        account = _locked(account_id)  # a session that begins meanwhile points here, and waits
        if account.suspended_at is not None:
            raise AlreadySuspended()
        account.suspended_at, account.suspension_reason = clock.now(), reason
        flush_with_an_admin_left(session)
        sessions.end_all(account_id, by="suspension")
        sessions.ask_anew(Membership.account_id == account_id)
        codes.spoil(account_id, *codes.GOOD_FOR)
        audit.note(
            "account.suspended", "account", account_id,
            after={"reason": reason}, person=accounts.person(account_id),
        )  # fmt: skip


def reinstate(account_id: int) -> None:
    """Let a suspended account sign in again.

    :raises AccountNotFound: unknown, or closed. :raises NotSuspended: it is not.
    """
    with acting_in(INSTALLATION), atomic():
        account = _locked(account_id)
        if account.suspended_at is None:
            raise NotSuspended()
        account.suspended_at = account.suspension_reason = None
        audit.note("account.reinstated", "account", account_id)


def _locked(account_id: int) -> Account:
    found = db.session.scalar(locked(Account).where(Account.id == account_id, Account.closed_at.is_(None)))
    if found is None:
        raise AccountNotFound()
    return found
