"""The rules of the second factor: codes of an authenticator app (TOTP, RFC 6238), or those on paper (`recovery_codes`).

SHA-1, six digits, 30 seconds, as every app takes them; a clock may be one step off either way. No code is good twice: the step
whose code was used is kept, and the condition of one UPDATE decides.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import pyotp
import segno
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.blueprints.accounts import challenges, codes, proving, recovery_codes, sessions, standing, tries
from app.blueprints.accounts.errors import (
    ChallengeRefused,
    CodeRefused,
    SecondFactorDemanded,
    SecondFactorNotFound,
    SecondFactorOn,
    SecondFactorRefused,
    SecondFactorRequired,
)
from app.blueprints.accounts.models import (
    Account,
    Membership,
    SecondFactor,
    SignInChallenge,
)
from app.blueprints.accounts.sessions import Entrant
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.models import Workshop
from app.core import audit, clock, outbox
from app.core.db import atomic, locked
from app.core.identity import Principal
from app.core.jobs import periodic
from app.core.scopes import STAFF
from app.core.tenancy import across_workshops, acting_in
from app.extensions import db

BEGUN_FOR = timedelta(days=1)
ON = SecondFactor.confirmed_at.is_not(None)

Change = Literal["on", "off", "removed"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody shows: a code of the app, or one of those on paper."""

    code: str | None = None
    recovery_code: str | None = None


# ---- Setting it up ------------------------------------------------------------------------------------------------


def state(account_id: int) -> dict[str, Any]:
    """Return whether an account has a second factor, whether it must, and how many recovery codes are left."""
    left = recovery_codes.left(account_id).scalar_subquery()
    since, number = db.session.execute(
        select(Account.second_factor_since, left).where(Account.id == account_id)
    ).one()
    return {
        "enabled": since is not None,
        "required": _is_demanded(account_id),
        "enabled_at": since,
        "recovery_codes_left": number,
    }


def _is_demanded(account_id: int) -> bool:
    """Tell whether a workshop in which an account is staff asks for a second factor."""
    statement = (
        select(Membership.id)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .where(
            Membership.account_id == account_id,
            Membership.ended_at.is_(None),
            Membership.role.in_(STAFF),
            Workshop.second_factor_for_staff,
        )
    )
    with across_workshops():
        return db.session.scalars(statement.limit(1)).first() is not None


def begin(account_id: int, password: str, *, issuer: str, address: str | None) -> dict[str, str]:
    """Return a new secret for an account: as text, as the URI that apps take, and as a QR code of it. It is not asked for yet.

    :raises WrongPassword: it is not the account's. :raises TooManyTries: it has to wait. :raises SecondFactorOn: it has one.
    """
    account = proving.require_present_password(account_id, password, address)
    secret, upsert = pyotp.random_base32(), _upsert()
    values = {"secret": secret, "created_at": clock.now()}
    with atomic() as session:
        begun = session.execute(
            upsert(SecondFactor)
            .values(account_id=account.id, last_step=0, **values)
            .on_conflict_do_update(
                index_elements=["account_id"], set_=values, where=SecondFactor.confirmed_at.is_(None)
            )
            .returning(SecondFactor.account_id)
        ).first()
        if begun is None:
            raise SecondFactorOn()
        _note(account, "account.second_factor_begun")
    uri = pyotp.TOTP(secret).provisioning_uri(name=account.email, issuer_name=issuer)
    return {"secret": secret, "uri": uri, "qr_code": segno.make(uri, micro=False).svg_data_uri(scale=5)}


def _upsert() -> Any:
    return postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert


def confirm(account_id: int, code: str, *, session_id: int) -> list[str]:
    """Switch the second factor on that was begun, for a code that shows that the app has it; return the recovery codes.

    The other sessions of the account end: they have shown none.
    :raises SecondFactorNotFound: none was begun. :raises SecondFactorOn: it is on. :raises CodeRefused: the code is wrong.
    """
    with atomic():
        # As by who sets a password: a session that begins meanwhile waits for this, and is asked for the second factor.
        account = db.session.scalars(locked(Account).where(Account.id == account_id)).one()
        factor = db.session.scalar(locked(SecondFactor).where(SecondFactor.account_id == account_id))
        if factor is None:
            raise SecondFactorNotFound("Begin with POST /auth/second_factor.")
        if factor.confirmed_at is not None:
            raise SecondFactorOn()
        step = _step_of(factor.secret, code)
        if step is None:
            raise CodeRefused()
        factor.confirmed_at, factor.last_step = clock.now(), step
        made = recovery_codes.make(account_id)
        sessions.end_all(account_id, by="second_factor", but=session_id)
        sessions.ask_anew(Membership.account_id == account_id)
        _tell(account, "on")
    return made


def renew_recovery_codes(account_id: int, password: str, code: str, *, address: str | None) -> list[str]:
    """Return ten new recovery codes; the old ones are worth nothing any more.

    :raises WrongPassword: it is not the account's. :raises TooManyTries: it has to wait.
    :raises SecondFactorNotFound: there is none. :raises CodeRefused: the code is wrong or used.
    """
    account = _owner_of_one(account_id, password, address)
    with atomic():
        shown = _take(account, Proof(code), address)
        made = recovery_codes.make(account_id) if shown else []
        if shown:
            _note(account, "account.recovery_codes_renewed")
    if not shown:
        raise CodeRefused()
    return made


def remove(account_id: int, password: str, proof: Proof, *, address: str | None) -> None:
    """Switch the caller's second factor off.

    :raises SecondFactorDemanded: a workshop of theirs asks for it. :raises WrongPassword: it is not the account's.
    :raises TooManyTries: it has to wait. :raises SecondFactorNotFound: there is none. :raises CodeRefused: wrong, or used.
    """
    if _is_demanded(account_id):
        raise SecondFactorDemanded()
    account = _owner_of_one(account_id, password, address)
    with atomic():
        shown = _take(account, proof, address)
        if shown:
            forget(account_id)
            _tell(account, "off")
    if not shown:
        raise CodeRefused()


def take_away(account: Account) -> None:
    """Switch somebody's second factor off for them, who has lost it, in the name of the current workshop.

    :raises SecondFactorNotFound: there is none.
    """
    with atomic() as session:
        if (
            session.scalar(select(SecondFactor.account_id).where(SecondFactor.account_id == account.id, ON))
            is None
        ):
            raise SecondFactorNotFound()
        forget(account.id)
        tries.forget(tries.second_factor_of(account.id))
        _tell(account, "removed")


def forget(account_id: int) -> None:
    """Delete all that is kept of an account's second factor. What its sessions may do is looked up anew."""
    with atomic() as session:
        recovery_codes.forget(account_id)
        session.execute(
            delete(SecondFactor)
            .where(SecondFactor.account_id == account_id)
            .execution_options(synchronize_session=False)
        )
        challenges.forget(account_id)
        sessions.ask_anew(Membership.account_id == account_id)


@periodic("forget-begun-second-factors", every=timedelta(hours=1))
def forget_begun() -> None:
    """Delete the secrets that were begun more than a day ago, and never confirmed."""
    with atomic() as session:
        session.execute(
            delete(SecondFactor)
            .where(SecondFactor.confirmed_at.is_(None), SecondFactor.created_at < clock.now() - BEGUN_FOR)
            .execution_options(synchronize_session=False)
        )


@workshops.consulted_before("changing who needs a second factor")
def ask_anew_in(workshop_id: int) -> None:
    """Let every worker look up anew what the staff of a workshop may do."""
    sessions.ask_anew(Membership.workshop_id == workshop_id)


# ---- Showing it ---------------------------------------------------------------------------------------------------


def ask_for(account: Account, principal: Principal, name: str, code: str | None, address: str | None) -> None:
    """Ask an account that has a second factor for it, at a sign-in whose password was right.

    :raises SecondFactorRequired: no `code` came with the password; it has the challenge to go on with.
    :raises TooManyTries: it has to wait. :raises SecondFactorRefused: the code is wrong or used.
    """
    if code is None:
        raise SecondFactorRequired(challenges.begin(principal, tries.key_of(name)))
    show(account, Proof(code), address)


def require(account: Account, code: str | None, address: str | None) -> None:
    """Ask an account for its second factor, if it has one, where its password lets it do something else than sign in.

    :raises SecondFactorRequired: no `code` came. :raises TooManyTries: it has to wait.
    :raises SecondFactorRefused: the code is wrong or used.
    """
    if account.second_factor_since is None:
        return
    if code is None:
        raise SecondFactorRequired()
    show(account, Proof(code), address)


def show(account: Account, proof: Proof, address: str | None) -> None:
    """Take what is shown of an account's second factor; a failure is counted.

    :raises TooManyTries: it has to wait. :raises SecondFactorRefused: the code is wrong or used.
    """
    if not _take(account, proof, address):
        raise SecondFactorRefused()
    tries.forget(tries.second_factor_of(account.id))


def go_on(challenge: str, proof: Proof, address: str | None) -> Entrant:
    """Return who goes on with a sign-in that waited for its second factor.

    :raises ChallengeRefused: unknown, used, expired, tried five times; or they are no member there any more.
    :raises TooManyTries: the account has to wait. :raises SecondFactorRefused: the code is wrong or used.
    """
    account_id = challenges.account_of(challenge)
    if account_id is None:
        raise ChallengeRefused()
    with atomic():
        waiting, account = challenges.take_try(challenge), _account(account_id)
        caller = _waiting_caller(waiting, account) if waiting is not None else None
        shown = caller is not None and _take(account, proof, address)
        if waiting is not None and shown:
            waiting.used_at = clock.now()
            tries.forget_keys(waiting.name_key, tries.key_of(tries.second_factor_of(account_id)))
    if caller is None:
        raise ChallengeRefused()
    if not shown:
        raise SecondFactorRefused()
    return sessions.entrant(caller, account)


def _waiting_caller(waiting: SignInChallenge, account: Account) -> Principal | None:
    """Return who waits, if they may still come in: as the member that they are, or as an admin."""
    if waiting.membership_id is None:
        return standing.as_admin(account.id) if account.is_admin and account.may_sign_in else None
    statement = (
        select(Membership)
        .join(Account, Account.id == Membership.account_id)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .where(Membership.id == waiting.membership_id, *standing.in_force(), Workshop.suspended_at.is_(None))
    )
    with across_workshops():
        membership = db.session.scalar(statement)
    return standing.principal_of(membership) if membership is not None else None


def _take(account: Account, proof: Proof, address: str | None) -> bool:
    """Take a code of an account, once; count a failure, and say by mail when it has just locked the account.

    :raises TooManyTries: it has to wait.
    """
    name = tries.second_factor_of(account.id)
    with atomic():
        tries.take_turn(name, address)
        if proof.code is not None:
            taken = take_code(account.id, proof.code)
        else:
            taken = _take_recovery_code(account, proof.recovery_code or "")
        if not taken and tries.note_failure(name, address):
            minutes = int(tries.BY_NAME.lock.total_seconds() // 60)
            _mail(account, "second_factor_locked", minutes=minutes, address=address or "?")
    return taken


def take_code(account_id: int, code: str) -> bool:
    """Take a code of the app, if it is good now and neither it nor a later one was taken. Inside `atomic()`."""
    with atomic() as session:
        known = session.execute(
            select(SecondFactor.secret, SecondFactor.confirmed_at).where(
                SecondFactor.account_id == account_id, ON
            )
        ).one_or_none()
        step = _step_of(known.secret, code) if known is not None else None
        if known is None or step is None:
            return False
        taken = session.scalar(
            update(SecondFactor)
            .where(
                SecondFactor.account_id == account_id,
                SecondFactor.confirmed_at == known.confirmed_at,
                SecondFactor.last_step < step,
            )
            .values(last_step=step)
            .returning(SecondFactor.account_id)
            .execution_options(synchronize_session=False)
        )
    return taken is not None


def _step_of(secret: str, code: str) -> int | None:
    """Return the step whose code this is: the present one, or one next to it."""
    totp = pyotp.TOTP(secret)
    now = totp.timecode(clock.now())
    matching = [
        step for step in (now - 1, now, now + 1) if hmac.compare_digest(totp.generate_otp(step), code)
    ]
    return max(matching, default=None)


def _take_recovery_code(account: Account, code: str) -> bool:
    with atomic():
        left = recovery_codes.take(account.id, code)
        if left is None:
            return False
        _note(account, "account.recovery_code_used", left=left)
        _mail(account, "second_factor_recovery_code", left=left)
    return True


# ---- Whose it is, and who is told ---------------------------------------------------------------------------------


def _account(account_id: int) -> Account:
    return db.session.scalars(
        select(Account).where(Account.id == account_id).execution_options(populate_existing=True)
    ).one()


def _owner_of_one(account_id: int, password: str, address: str | None) -> Account:
    """Return the caller's account, which has a second factor, for its present password."""
    account = proving.require_present_password(account_id, password, address)
    if account.second_factor_since is None:
        raise SecondFactorNotFound()
    return account


def _note(account: Account, action: str, **after: Any) -> None:
    """Tell the log of the workshop that the account joined first."""
    workshop_id = codes.workshop_of(account.id)
    if workshop_id is not None:
        audit.note(action, "account", account.id, after=after, workshop_id=workshop_id)


def _mail(account: Account, topic: str, **values: Any) -> None:
    workshop_id = codes.workshop_of(account.id)
    if workshop_id is not None and account.email:
        with acting_in(workshop_id):
            outbox.queue(workshop_id, topic, account.email, **values)


def _tell(account: Account, how: Change) -> None:
    """Tell the person by mail, and the log, that the second factor is on, off, or was taken away for them."""
    _note(account, f"account.second_factor_{how}")
    _mail(account, f"second_factor_{how}")
