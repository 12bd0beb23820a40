"""The rules of inviting: who may invite whom to what, and one open invitation for each."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.exc import IntegrityError

from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.models import Account, Membership
from app.blueprints.customers import service as customers
from app.blueprints.invitations import ending
from app.blueprints.invitations.errors import (
    AlreadyMember,
    InvitationEnded,
    InvitationNotFound,
    InvitationOpen,
    NoAddress,
)
from app.blueprints.invitations.models import Invitation
from app.blueprints.mechanics import service as mechanics
from app.blueprints.roles import service as roles
from app.blueprints.workshops import service as workshops
from app.core import audit, clock, links, outbox, paging
from app.core.db import Session, atomic, locked
from app.core.errors import NotAllowed
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.scopes import Role
from app.extensions import db

GOOD_FOR = timedelta(hours=72)
INVITING_CUSTOMERS = ("customers:create", "customers:write", "invitations:write")
ORDER = Order(Invitation.id, "-created_at", created_at=Invitation.created_at)


def token_digest(token: str) -> bytes:
    """Return what is kept of an invitation's token."""
    return hashlib.sha256(token.encode()).digest()


# ---- Who may give what ------------------------------------------------------------------------------------------


def _require_may_give(caller: Principal, role: Role, role_id: int | None) -> None:
    """Refuse to let `caller` invite to more than they hold. Who may invite customers is the routes' matter.

    :raises NotAllowed: they do not invite staff. :raises RoleNotFound: none of the workshop's own.
    :raises BeyondOwnScopes: the role holds more than they do.
    """
    if role == "customer":
        return
    if not caller.may("invitations:write"):
        raise NotAllowed("This needs the scope `invitations:write`.")
    roles.require_may_give(caller, caller.workshop_id, role, role_id)


def may_still_be_given(invitation: Invitation) -> bool:
    """Tell whether who sent an invitation last is still somebody here who holds what it gives.

    :raises RoleNotFound: it gives a role that was removed.
    """
    held = roles.held_by_account(invitation.workshop_id, invitation.invited_by)
    if invitation.role == "customer":
        return not held.isdisjoint(INVITING_CUSTOMERS)
    given = roles.held_as(invitation.workshop_id, invitation.role, invitation.role_id)
    return given | {"invitations:write"} <= held


# ---- Inviting ---------------------------------------------------------------------------------------------------


def invite(
    caller: Principal,
    role: Role,
    *,
    email: str | None = None,
    name: str | None = None,
    phone: str | None = None,
    salary: Decimal | None = None,
    mechanic_id: int | None = None,
    role_id: int | None = None,
) -> Invitation:
    """Invite somebody to the staff: to a mechanic's record that is there, or by an address.

    :raises NotAllowed: they do not hire. :raises BeyondOwnScopes: the role holds more than the caller.
    :raises RoleNotFound: the workshop has made no such role. :raises MechanicNotFound: no such record here.
    :raises AlreadyMember: they are that here. :raises EmailTaken: a mechanic who works here has the address.
    :raises InvitationOpen: they are invited already.
    """
    with atomic():
        _require_may_give(caller, role, role_id)
        if mechanic_id is not None:
            mechanic = mechanics.hold(caller.workshop_id, mechanic_id)
            name, email = mechanic.name, mechanic.email
        elif role == "mechanic" and not caller.may("mechanics:write"):
            raise NotAllowed("A new mechanic's record is made by who has the scope `mechanics:write`.")
        return _first(
            caller,
            Invitation(
                workshop_id=caller.workshop_id,
                role=role,
                role_id=role_id,
                email=email,
                name=name,
                phone=phone,
                salary=salary,
                mechanic_id=mechanic_id,
            ),
        )


def invite_customer(caller: Principal, customer_id: int) -> Invitation:
    """Invite a customer without an account to claim their record.

    :raises CustomerNotFound: unknown here. :raises NoAddress: they have no e-mail address.
    :raises AlreadyMember: they have an account. :raises InvitationOpen: they are invited already.
    """
    with atomic():
        customer = customers.hold(caller.workshop_id, customer_id)
        if customer.email is None:
            raise NoAddress()
        return _first(
            caller,
            Invitation(
                workshop_id=caller.workshop_id,
                role="customer",
                email=customer.email,
                name=customer.name,
                customer_id=customer_id,
            ),
        )


def _first(caller: Principal, invitation: Invitation) -> Invitation:
    """Send an invitation for the first time. One to the same that has expired gives way to it."""
    require_newcomer(invitation)
    with atomic() as session:
        ending.withdraw_where(
            invitation.workshop_id, _to_the_same_as(invitation), Invitation.expires_at <= clock.now()
        )
        token = _renew(invitation, caller)
        session.add(invitation)
        _flush(session)
        _mail(invitation, token)
        audit.note(
            "invitation.sent", "invitation", invitation.id,
            after=audit.fields_of(invitation, ("role", "role_id", "customer_id", "mechanic_id")),
        )  # fmt: skip
    return invitation


def require_newcomer(invitation: Invitation) -> None:
    """Refuse to invite somebody to what they are.

    :raises AlreadyMember: the record has an account, or the address' account is that here.
    :raises EmailTaken: a new mechanic's address is one's who works here.
    """
    workshop_id = invitation.workshop_id
    if invitation.customer_id is not None or invitation.mechanic_id is not None:
        account = accounts.account_of(
            workshop_id, customer_id=invitation.customer_id, mechanic_id=invitation.mechanic_id
        )
        if account is not None:
            raise AlreadyMember()
    elif invitation.role == "mechanic":
        mechanics.require_free(workshop_id, invitation.email or "")
    if _is_member(workshop_id, invitation.email or "", invitation.role):
        raise AlreadyMember()


def _is_member(workshop_id: int, email: str, role: Role) -> bool:
    statement = (
        select(Membership.id)
        .join(Account, Account.id == Membership.account_id)
        .where(
            Membership.workshop_id == workshop_id,
            Membership.role == role,
            Membership.ended_at.is_(None),
            Account.email == email,
        )
    )
    return db.session.scalars(statement.limit(1)).first() is not None


def _to_the_same_as(invitation: Invitation) -> ColumnElement[bool]:
    if invitation.customer_id is not None:
        return Invitation.customer_id == invitation.customer_id
    if invitation.mechanic_id is not None:
        return Invitation.mechanic_id == invitation.mechanic_id
    return and_(
        Invitation.email == invitation.email,
        Invitation.role == invitation.role,
        Invitation.customer_id.is_(None),
        Invitation.mechanic_id.is_(None),
    )


def _renew(invitation: Invitation, caller: Principal) -> str:
    """Give an invitation another token and its full time; the link that was sent before is dead. Returns the token."""
    token, now = secrets.token_urlsafe(32), clock.now()
    invitation.token_digest, invitation.invited_by = token_digest(token), caller.account_id
    invitation.sent_at, invitation.expires_at = now, now + GOOD_FOR
    return token


def _mail(invitation: Invitation, token: str) -> None:
    assert invitation.email is not None
    values: dict[str, Any] = {
        "workshop": workshops.letterhead(invitation.workshop_id).name,
        "link": links.frontend("accept-invitation", token=token),
        "hours": int(GOOD_FOR.total_seconds() // 3600),
    }
    if invitation.role == "customer":
        outbox.queue(
            invitation.workshop_id, "invitation_customer", invitation.email,
            customer_id=invitation.customer_id, **values,
        )  # fmt: skip
        return
    role = role_name(invitation) or invitation.role
    outbox.queue(invitation.workshop_id, "invitation_staff", invitation.email, role=role, **values)


def role_name(invitation: Invitation) -> str | None:
    """Return the name of the role of the workshop's own that an invitation gives, None of a built-in one.

    :raises RoleNotFound: it was removed.
    """
    if invitation.role_id is None:
        return None
    return roles.get(invitation.workshop_id, invitation.role_id).name


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise InvitationOpen("Send that one again, or withdraw it.") from error


# ---- Afterwards -------------------------------------------------------------------------------------------------


def get(workshop_id: int, invitation_id: int) -> Invitation:
    """Return an invitation.

    :raises InvitationNotFound: unknown here.
    """
    found = db.session.scalar(
        select(Invitation).where(Invitation.workshop_id == workshop_id, Invitation.id == invitation_id)
    )
    if found is None:
        raise InvitationNotFound()
    return found


def find(workshop_id: int, walk: Walk, *, state: list[str] | None = None) -> Page:
    """Return one page of the invitations that are in one of these states."""
    statement = select(Invitation).where(Invitation.workshop_id == workshop_id)
    if state is not None:
        statement = statement.where(or_(*_in_states(state)))
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def _in_states(states: Iterable[str]) -> list[ColumnElement[bool]]:
    """Return what `Invitation.state` says, as conditions."""
    has_token, now = Invitation.token_digest.is_not(None), clock.now()
    conditions = {
        "open": and_(has_token, Invitation.expires_at > now),
        "expired": and_(has_token, Invitation.expires_at <= now),
        "accepted": Invitation.accepted_at.is_not(None),
        "withdrawn": Invitation.withdrawn_at.is_not(None),
    }
    return [conditions[state] for state in states]


def resend(caller: Principal, invitation_id: int, expected: Expected = None) -> Invitation:
    """Send an invitation again, with a new link for 72 hours, to the address that the record has now.

    :raises InvitationNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises NotAllowed: they do not invite staff. :raises BeyondOwnScopes: it gives more than the caller holds.
    :raises InvitationEnded: it was accepted or withdrawn. :raises NoAddress: the record has none any more.
    :raises AlreadyMember: they are that here by now.
    """
    with atomic() as session:
        seen = get(caller.workshop_id, invitation_id)
        _require_not_ended(seen)
        _require_may_give(caller, seen.role, seen.role_id)  # the role is locked first, as by who removes it
        invitation = _held(caller.workshop_id, invitation_id, expected)
        _require_not_ended(invitation)
        invitation.email = address_of(invitation)
        if invitation.email is None:
            raise NoAddress()
        require_newcomer(invitation)
        token = _renew(invitation, caller)
        session.flush()
        _mail(invitation, token)
        audit.note("invitation.resent", "invitation", invitation_id)
    return invitation


def address_of(invitation: Invitation) -> str | None:
    """Return the address that an invitation belongs to: its record's present one, where it has a record.

    :raises CustomerNotFound: the record was erased. :raises MechanicNotFound: its mechanic has left.
    """
    if invitation.customer_id is not None:
        return customers.get(invitation.workshop_id, invitation.customer_id).email
    if invitation.mechanic_id is not None:
        return mechanics.get(invitation.workshop_id, invitation.mechanic_id).email
    return invitation.email


def withdraw(caller: Principal, invitation_id: int, expected: Expected = None) -> None:
    """Let an invitation be good for nothing any more.

    :raises InvitationNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises NotAllowed: staff's are withdrawn by who invites staff. :raises InvitationEnded: it was accepted or withdrawn.
    """
    with atomic():
        invitation = _held(caller.workshop_id, invitation_id, expected)
        if invitation.role != "customer" and not caller.may("invitations:write"):
            raise NotAllowed("This needs the scope `invitations:write`.")
        _require_not_ended(invitation)
        ending.withdraw_where(caller.workshop_id, Invitation.id == invitation_id)


def _held(workshop_id: int, invitation_id: int, expected: Expected) -> Invitation:
    invitation = db.session.scalar(
        locked(Invitation).where(Invitation.workshop_id == workshop_id, Invitation.id == invitation_id)
    )
    if invitation is None:
        raise InvitationNotFound()
    require_version(invitation, expected)
    return invitation


def _require_not_ended(invitation: Invitation) -> None:
    if invitation.token_digest is None:
        raise InvitationEnded(f"It is {invitation.state}.")
