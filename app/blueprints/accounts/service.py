"""The rules of signing in: accounts, what they are in a workshop, and when that ends."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.blueprints.accounts.errors import AccountShared, EmailTaken, PasswordTooShort, WrongCredentials
from app.blueprints.accounts.models import Account, Membership
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.errors import WorkshopRequired
from app.blueprints.workshops.models import Workshop
from app.core import audit, caching, clock, identity, passwords
from app.core.db import atomic
from app.core.identity import Principal, Role
from app.core.tenancy import across_workshops
from app.extensions import db


def sign_in(email: str, password: str, workshop_slug: str | None, preferred: tuple[Role, ...]) -> Principal:
    """Return the principal of the account with these credentials, in the workshop named (or its only one).

    An account that is several things in the workshop signs in as the first of `preferred` that it is.
    :raises WrongCredentials: unknown, wrong, closed, or nothing in that workshop: one answer for all.
    :raises WorkshopRequired: it belongs to several workshops and none is named.
    """
    account = db.session.scalar(select(Account).where(Account.email == email.lower()))
    if not passwords.matches(account.password_hash if account else None, password) or account is None:
        raise WrongCredentials()
    if account.password_hash and passwords.is_outdated(account.password_hash):
        with atomic():
            account.password_hash = passwords.hash_password(password)
    workshop_id = workshops.named(workshop_slug).id if workshop_slug else None
    return _principal_of(account, workshop_id, preferred)


def _principal_of(account: Account, workshop_id: int | None, preferred: tuple[Role, ...]) -> Principal:
    statement = select(Membership).where(Membership.account_id == account.id, Membership.ended_at.is_(None))
    if workshop_id is not None:
        statement = statement.where(Membership.workshop_id == workshop_id)
    with across_workshops():
        memberships = db.session.scalars(statement.order_by(Membership.id)).all()
    if not memberships:
        raise WrongCredentials()
    if len({membership.workshop_id for membership in memberships}) > 1:
        raise WorkshopRequired()
    ranks = (*preferred, *identity.ROLES)
    chosen = min(memberships, key=lambda membership: ranks.index(membership.role))
    return Principal(
        account_id=account.id,
        workshop_id=chosen.workshop_id,
        membership_id=chosen.id,
        role=chosen.role,
        person_id=chosen.customer_id if chosen.role == "customer" else chosen.mechanic_id,
    )


@identity.checks_memberships
def membership_stands(principal: Principal) -> bool:
    """Tell whether the membership that a token names has neither ended nor changed its role."""
    statement = (
        select(Membership.id)
        .join(Account, Account.id == Membership.account_id)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .where(
            Membership.id == principal.membership_id,
            Membership.account_id == principal.account_id,
            Membership.workshop_id == principal.workshop_id,
            Membership.role == principal.role,
            Membership.ended_at.is_(None),
            Account.closed_at.is_(None),
        )
    )
    with across_workshops():
        return db.session.scalar(statement) is not None


def open_account(email: str, password: str) -> Account:
    """Make an account; an existing one is returned to whoever knows its password.

    :raises EmailTaken: the address has an account with another password. :raises PasswordTooShort: it is.
    """
    known = db.session.scalar(select(Account).where(Account.email == email))
    if known is not None:
        if passwords.matches(known.password_hash, password):
            return known
        raise EmailTaken()
    account = Account(email=email, password_hash=_hash_of(password))
    with atomic() as session:
        session.add(account)
        _flush_email()
    return account


def _hash_of(password: str) -> str:
    least = passwords.least_length()
    if len(password) < least:
        raise PasswordTooShort(
            f"At least {least} characters.", errors={"password": [f"Shorter than minimum length {least}."]}
        )
    return passwords.hash_password(password)


def _flush_email() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        raise EmailTaken() from error


def join(
    workshop_id: int,
    account: Account,
    role: Role,
    *,
    customer_id: int | None = None,
    mechanic_id: int | None = None,
) -> Membership:
    """Make `account` a member of a workshop.

    :raises EmailTaken: it is that already.
    """
    membership = Membership(
        workshop_id=workshop_id,
        account_id=account.id,
        role=role,
        customer_id=customer_id,
        mechanic_id=mechanic_id,
    )
    with atomic() as session:
        session.add(membership)
        _flush_email()
        audit.note(
            "member.joined", "membership", membership.id, workshop_id=workshop_id,
            after=audit.fields_of(membership, ("account_id", "role", "customer_id", "mechanic_id")),
        )  # fmt: skip
    return membership


def account_of(
    workshop_id: int, *, customer_id: int | None = None, mechanic_id: int | None = None
) -> Account | None:
    """Return the account of a customer or mechanic, None for one who cannot sign in."""
    statement = (
        select(Account)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.workshop_id == workshop_id, Membership.ended_at.is_(None))
        .where(
            Membership.customer_id == customer_id
            if customer_id is not None
            else Membership.mechanic_id == mechanic_id
        )
    )
    return db.session.scalar(statement)


def change_sign_in(account: Account, *, email: str | None = None, password: str | None = None) -> None:
    """Give an account another address or password.

    :raises EmailTaken: another account has the address. :raises PasswordTooShort: it is.
    """
    with atomic():
        changed = {}  # never to what: the address is told where the person's record is changed, and a password nowhere
        if email is not None and email != account.email:
            account.email, changed["email"] = email, "changed"
        if password is not None and not passwords.matches(account.password_hash, password):
            account.password_hash, changed["password"] = _hash_of(password), "changed"
        _flush_email()
        if changed:
            audit.note("account.sign_in_changed", "account", account.id, after=changed)


def require_own_account(workshop_id: int, account: Account) -> None:
    """Refuse to let a workshop change an account that serves more than this workshop.

    :raises AccountShared: it serves another too, or administers the installation.
    """
    if account.is_admin:
        raise AccountShared("This person administers the installation; only they can change their sign-in.")
    statement = select(Membership.id).where(
        Membership.account_id == account.id,
        Membership.workshop_id != workshop_id,
        Membership.ended_at.is_(None),
    )
    with across_workshops():
        if db.session.scalars(statement.limit(1)).first() is not None:
            raise AccountShared()


def leave(workshop_id: int, *, customer_id: int | None = None, mechanic_id: int | None = None) -> None:
    """End the membership of a customer or mechanic; an account that is nothing anywhere after that is closed."""
    account = account_of(workshop_id, customer_id=customer_id, mechanic_id=mechanic_id)
    if account is None:
        return
    now = clock.now()
    with atomic() as session:
        condition = (
            Membership.customer_id == customer_id
            if customer_id is not None
            else Membership.mechanic_id == mechanic_id
        )
        ended = session.scalars(
            update(Membership)
            .where(Membership.workshop_id == workshop_id, condition, Membership.ended_at.is_(None))
            .values(ended_at=now)
            .returning(Membership.id)
            .execution_options(synchronize_session=False)
        ).all()
        caching.forget_members(ended)
        for membership_id in ended:
            audit.note("member.left", "membership", membership_id, before={"account_id": account.id})
        with across_workshops():
            elsewhere = session.scalars(
                select(Membership.id)
                .where(Membership.account_id == account.id, Membership.ended_at.is_(None))
                .limit(1)
            ).first()
        if elsewhere is None and not account.is_admin:
            account.email, account.password_hash, account.closed_at = None, None, now
