"""The rules of accepting an invitation: what its link still opens, and to whom.

A token that is not good is refused in one way, whatever the reason. Whoever holds a good one has read the mail, so they may
know whether its address has an account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from app.blueprints.accounts import codes, proving, second_factor, sessions, standing
from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.errors import EmailTaken, WrongCredentials
from app.blueprints.accounts.models import Account, Membership
from app.blueprints.accounts.sessions import Entrant
from app.blueprints.customers import service as customers
from app.blueprints.customers.errors import CustomerNotFound
from app.blueprints.invitations import service
from app.blueprints.invitations.errors import InvitationRefused
from app.blueprints.invitations.models import Invitation
from app.blueprints.mechanics import service as mechanics
from app.blueprints.mechanics.errors import MechanicNotFound
from app.blueprints.roles import service as roles
from app.blueprints.roles.errors import RoleNotFound
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.errors import WorkshopNotFound
from app.blueprints.workshops.models import Workshop
from app.core import audit, clock
from app.core.db import atomic, locked
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.scopes import Role
from app.core.tenancy import across_workshops, acting_in
from app.extensions import db


@dataclass(frozen=True, slots=True)
class Preview:
    """What the holder of a good token is shown."""

    workshop: Workshop
    role: Role
    role_name: str | None
    name: str | None
    email: str
    has_account: bool
    expires_at: datetime


def preview(token: str) -> Preview:
    """Return what an invitation is to.

    :raises InvitationRefused: it is not good, or not any more.
    """
    invitation = _good(token)
    assert invitation.email is not None
    with acting_in(invitation.workshop_id):
        role_name = service.role_name(invitation)
    return Preview(
        db.session.get_one(Workshop, invitation.workshop_id),
        invitation.role,
        role_name,
        invitation.name,
        codes.masked(invitation.email),
        _account_with(invitation.email) is not None,
        invitation.expires_at,
    )


def accept(
    token: str,
    *,
    password: str | None = None,
    second_factor_code: str | None = None,
    name: str | None = None,
    caller: Principal | None = None,
    address: str | None = None,
) -> Entrant:
    """Let somebody become what they are invited to; return who they are.

    The account of the address is opened with `password`, and verified by that. One that is there joins, where `caller` is
    signed in to it or `password` is its own. `address` is where the caller is, for counting failures.
    :raises InvitationRefused: it is not good, or not any more. :raises Invalid: no password where one is needed, or a name
    where the workshop keeps the record. :raises PasswordRefused: the new password is too easy.
    :raises WrongCredentials: it is not the account's password. :raises TooManyTries: too many were wrong.
    :raises SecondFactorRequired: the account has one, and no code came. :raises SecondFactorRefused: it is wrong or used.
    :raises AlreadyMember: they are that here by now. :raises EmailTaken: the address has got another account or record.
    """
    known = _good(token)
    assert known.email is not None
    account = _account_with(known.email)
    password_hash = account.password_hash if account is not None else None
    if account is None or caller is None or caller.account_id != account.id:
        if password is None:
            raise Invalid("See `errors`.", errors={"password": ["Missing data for required field."]})
        if account is not None:
            proving.require_password(account, password, address)
            second_factor.require(account, second_factor_code, address)
    with atomic(), acting_in(known.workshop_id):
        invitation, record = _taken(known, token)
        known_of_them = (name, invitation.name, invitation.phone, *record)
        joining = _account(invitation, account.id if account else None, password or "", *known_of_them)
        if account is not None and joining.password_hash != password_hash:
            raise WrongCredentials()  # it is locked now, and has another
        return sessions.entrant(standing.principal_of(_join(invitation, joining, name)), joining)


# ---- Whether it is good -----------------------------------------------------------------------------------------


def _not_ended(token: str) -> tuple[ColumnElement[bool], ...]:
    return Invitation.token_digest == service.token_digest(token), Invitation.expires_at > clock.now()


def _good(token: str) -> Invitation:
    """Return the invitation that a token is good for; it says in which workshop.

    :raises InvitationRefused: none.
    """
    with across_workshops():
        invitation = db.session.scalar(select(Invitation).where(*_not_ended(token)))
    if invitation is None:
        raise InvitationRefused()
    with acting_in(invitation.workshop_id):
        _require_standing(invitation)
    return invitation


def _require_standing(invitation: Invitation) -> None:
    """Refuse an invitation whose workshop, record, address or inviter is not any more what it was when it was sent.

    :raises InvitationRefused: so it is.
    """
    workshop = db.session.scalar(
        select(Workshop.id).where(
            Workshop.id == invitation.workshop_id,
            Workshop.closed_at.is_(None),
            Workshop.suspended_at.is_(None),
        )
    )
    try:
        address = service.address_of(invitation)
        given = service.may_still_be_given(invitation)
    except (CustomerNotFound, MechanicNotFound, RoleNotFound) as error:
        raise InvitationRefused() from error
    if workshop is None or address != invitation.email or not given:
        raise InvitationRefused()


def _taken(known: Invitation, token: str) -> tuple[Invitation, tuple[str | None, ...]]:
    """Return the invitation locked, and still good, with name and number of its record: of several who bring it, one gets it.

    What it is about is locked before it, in the order of those who close a workshop, erase a record or remove a role.
    :raises InvitationRefused: it is not good any more.
    """
    record: tuple[str | None, ...] = ()
    try:
        workshops.keep_open(known.workshop_id)
        if known.customer_id is not None:
            customer = customers.hold(known.workshop_id, known.customer_id)
            record = (customer.name, customer.phone)
        if known.mechanic_id is not None:
            mechanic = mechanics.hold(known.workshop_id, known.mechanic_id)
            record = (mechanic.name, mechanic.phone)
        roles.held_as(known.workshop_id, known.role, known.role_id)
    except (WorkshopNotFound, CustomerNotFound, MechanicNotFound, RoleNotFound) as error:
        raise InvitationRefused() from error
    invitation = db.session.scalar(
        locked(Invitation).where(Invitation.workshop_id == known.workshop_id, *_not_ended(token))
    )
    if invitation is None:
        raise InvitationRefused()
    _require_standing(invitation)
    return invitation, record


# ---- Who accepts it ---------------------------------------------------------------------------------------------


def _account_with(email: str) -> Account | None:
    return db.session.scalar(select(Account).where(Account.email == email))


def _account(
    invitation: Invitation, proven_id: int | None, password: str, *known_of_them: str | None
) -> Account:
    """Return the account that joins: the one that the caller has proven theirs, or a new one; its address is verified."""
    email, workshop_id = invitation.email, invitation.workshop_id
    assert email is not None
    account = db.session.scalar(locked(Account).where(Account.email == email))
    if account is None:
        return accounts.make_account(email, password, *known_of_them, workshop_id=workshop_id, verified=True)
    if account.id != proven_id:
        raise EmailTaken("The address has got an account just now.")
    account.email_verified_at = account.email_verified_at or clock.now()
    return account


def _join(invitation: Invitation, account: Account, name: str | None) -> Membership:
    service.require_newcomer(invitation)
    mechanic_id = _record_of(invitation, name)
    membership = accounts.join(
        invitation.workshop_id,
        account,
        invitation.role,
        customer_id=invitation.customer_id,
        mechanic_id=mechanic_id,
        role_id=invitation.role_id,
    )
    invitation.accepted_at, invitation.token_digest = clock.now(), None
    # A new mechanic's number and salary stand on their record from now on.
    invitation.mechanic_id, invitation.phone, invitation.salary = mechanic_id, None, None
    audit.note(
        "invitation.accepted", "invitation", invitation.id,
        after={"account_id": account.id, "membership_id": membership.id},
    )  # fmt: skip
    return membership


def _record_of(invitation: Invitation, name: str | None) -> int | None:
    """Return the id of the mechanic's record that becomes somebody's, made where there is none yet."""
    workshop_id = invitation.workshop_id
    if invitation.role == "mechanic" and invitation.mechanic_id is None:
        assert invitation.name is not None
        assert invitation.email is not None
        assert invitation.phone is not None
        return mechanics.hire(
            workshop_id,
            name=name or invitation.name,
            email=invitation.email,
            phone=invitation.phone,
            salary=invitation.salary,
        ).id
    if name is not None and invitation.customer_id is not None:
        customers.update(workshop_id, invitation.customer_id, {"name": name})
    elif name is not None:
        raise Invalid(
            "The workshop keeps this record.", errors={"name": ["Not together with this invitation."]}
        )
    return invitation.mechanic_id
