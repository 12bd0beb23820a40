"""The rules of admins: made and dismissed by others, never the last one, and in charge of their own sign-in.

What is done to them is in the installation's own log. Every function acts in the place of the installation.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app.blueprints.accounts import leaving, sessions
from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.errors import AccountShared, EmailTaken
from app.blueprints.accounts.models import Account
from app.blueprints.admins.errors import AdminNotFound, AlreadyAdmin, LastAdmin, PasswordIsSet
from app.core import audit, outbox, paging
from app.core.db import Session, atomic, locked, violated
from app.core.paging import Order, Page, Walk
from app.core.tenancy import INSTALLATION, acting_in
from app.extensions import db

ORDER = Order(Account.id, "email", email=Account.email)
RECORD = ("email", "name")


def find(walk: Walk) -> Page:
    """Return one page of the admins, suspended ones too."""
    return paging.fetch(
        select(Account).where(Account.is_admin, Account.closed_at.is_(None)),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def get(admin_id: int) -> Account:
    """Return an admin.

    :raises AdminNotFound: there is none with this id.
    """
    found = db.session.scalar(select(Account).where(Account.id == admin_id, Account.is_admin))
    if found is None:
        raise AdminNotFound()
    return found


def add(email: str, name: str | None = None) -> Account:
    """Make whoever has an address an admin, who hears of it by mail; without an account they get one, and set its password.

    :raises AlreadyAdmin: they are one. :raises AccountSuspended: the address has an account that is.
    """
    with acting_in(INSTALLATION), atomic():
        account, is_new = accounts.account_by_mail(email)
        if account.is_admin:
            raise AlreadyAdmin()
        _appoint(account, name)
        if not is_new:
            outbox.queue(INSTALLATION, "admin_added", email)
    return account


def create(email: str, password: str, name: str | None = None) -> Account:
    """Make an admin who has a password from the beginning: the first one, who is made from the command line.

    :raises EmailTaken: the address has an account. :raises PasswordRefused: it is too short, or too easy.
    """
    with acting_in(INSTALLATION), atomic():
        if db.session.scalar(select(Account.id).where(Account.email == email)) is not None:
            raise EmailTaken(f"{email} has an account here already.")
        account = accounts.make_account(email, password, name)
        _appoint(account, name)
    return account


def _appoint(account: Account, name: str | None) -> None:
    account.is_admin, account.name = True, name
    db.session.flush()
    audit.note(
        "admin.added", "account", account.id,
        after=audit.fields_of(account, RECORD), person=accounts.person(account.id),
    )  # fmt: skip


def update(admin_id: int, changes: dict[str, Any]) -> Account:
    """Change what an admin is called, and the address of one who has not set a password yet: their letter goes there.

    An account that is somebody in a workshop keeps its address: who moved it would be let in there.
    :raises AdminNotFound: there is none with this id. :raises EmailTaken: another account has the address.
    :raises PasswordIsSet: the address is theirs alone to change. :raises AccountShared: so it is.
    """
    with acting_in(INSTALLATION), atomic():
        account = _locked(admin_id)
        before = audit.fields_of(account, RECORD)
        email = changes.get("email", account.email)
        if email is not None and email != account.email:
            if account.password_hash is not None:
                raise PasswordIsSet()
            if accounts.is_member(account):
                raise AccountShared("This person belongs to a workshop; only they can change their sign-in.")
            accounts.change_sign_in(account, email=email)
            accounts.invite(account)
        account.name = changes.get("name", account.name)
        audit.note_change(
            "admin.updated", "account", account.id, before, audit.fields_of(account, RECORD),
            person=accounts.person(account.id),
        )  # fmt: skip
    return account


def remove(admin_id: int) -> None:
    """Let somebody not be an admin any more: what they did as that ends at once. An account that is nothing else is closed.

    :raises AdminNotFound: there is none with this id. :raises LastAdmin: nobody would be left.
    """
    with acting_in(INSTALLATION), atomic() as session:
        account = _locked(admin_id)
        account.is_admin = False
        flush_with_an_admin_left(session)
        sessions.end_as_admin(account.id)
        leaving.close_unless_needed(account)
        audit.note("admin.removed", "account", account.id)


def _locked(admin_id: int) -> Account:
    found = db.session.scalar(locked(Account).where(Account.id == admin_id, Account.is_admin))
    if found is None:
        raise AdminNotFound()
    return found


def flush_with_an_admin_left(session: Session) -> None:
    """Write what was changed, which the database refuses where it leaves no admin who can sign in.

    :raises LastAdmin: it does.
    """
    try:
        session.flush()
    except DBAPIError as error:  # pg8000 has no kind of its own for what a trigger refuses
        if "last_admin" not in violated(error):
            raise
        raise LastAdmin() from error
