"""What is kept of a customer in how they sign in: given out, and erased."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, cast, literal, select, update

from app.blueprints.accounts import codes, leaving, numbers, sessions, tries
from app.blueprints.accounts.models import (
    Account,
    AccountSession,
    Membership,
    OneTimeCode,
    SecondFactor,
)
from app.core import clock, idempotency, privacy
from app.core.db import atomic
from app.core.privacy import Erased, Kept, Subject
from app.extensions import db

privacy.gives_nothing_of("spent_refresh_tokens", "Digests of random tokens that were used.")
privacy.gives_nothing_of("one_time_codes", "Digests of codes, deleted a day after they expire.")
privacy.gives_nothing_of("sign_in_challenges", "Digests of random tokens, deleted within hours.")
privacy.gives_nothing_of("second_factor_recovery_codes", "Digests of codes that let in whoever has them.")
privacy.gives_nothing_of("api_keys", "Staff make them, customers never.")


def _is_theirs(person: Subject) -> tuple[ColumnElement[bool], ...]:
    return Membership.workshop_id == person.workshop_id, Membership.customer_id == person.customer_id


def _account(person: Subject) -> Account | None:
    """Return the account that a customer last signed in with."""
    statement = select(Account).join(Membership, Membership.account_id == Account.id)
    return db.session.scalar(statement.where(*_is_theirs(person)).order_by(Membership.id.desc()).limit(1))


def _membership_ids(person: Subject) -> list[int]:
    return list(db.session.scalars(select(Membership.id).where(*_is_theirs(person))))


@privacy.knows
def _addresses(person: Subject) -> Iterator[str | None]:
    account = _account(person)
    if account is not None:
        yield account.email
        yield from db.session.scalars(
            select(OneTimeCode.new_email).where(OneTimeCode.account_id == account.id)
        )


@privacy.part("account", says="how you sign in; the password is kept as a hash alone.", tables=("accounts",))
def _give_account(person: Subject) -> dict[str, Any] | None:
    account = _account(person)
    if account is None:
        return None
    return {
        "email": account.email,
        "email_verified_at": account.email_verified_at,
        "created_at": account.created_at,
    }


@privacy.part(
    "second_factor",
    says="since when signing in asks for a second factor; its secret would let in whoever has it, and is not given out.",
    tables=("second_factors",),
)
def _give_second_factor(person: Subject) -> dict[str, Any] | None:
    account = _account(person)
    factor = db.session.get(SecondFactor, account.id) if account is not None else None
    return {"created_at": factor.created_at, "confirmed_at": factor.confirmed_at} if factor else None


@privacy.part("memberships", says="what your account is in this workshop.", tables=("memberships",))
def _give_memberships(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (Membership.id, Membership.role, Membership.created_at, Membership.ended_at)
    return privacy.walked(select(*columns).where(*_is_theirs(person)), Membership.id)


@privacy.part(
    "sessions",
    says="where and when you signed in here: the address and the program.",
    tables=("account_sessions",),
)
def _give_sessions(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (
        AccountSession.id,
        AccountSession.started_at,
        AccountSession.last_used_at,
        AccountSession.expires_at,
        AccountSession.ended_at,
        AccountSession.address,
        AccountSession.agent,
    )
    theirs = AccountSession.membership_id.in_(_membership_ids(person))
    return privacy.walked(select(*columns).where(theirs), AccountSession.id)


@privacy.erases("idempotency_keys")
def _erase_kept_answers(person: Subject) -> Iterator[Erased]:
    """Of what anybody in the workshop was answered within a day, and of what somebody without a token was."""
    members = select(literal("member:", String).concat(cast(Membership.id, String))).where(
        Membership.workshop_id == person.workshop_id
    )
    yield Erased("kept_answers", idempotency.forget_person(members, person.customer_id, person.words))


@privacy.erases(
    "accounts",
    "memberships",
    "account_sessions",
    "spent_refresh_tokens",
    "one_time_codes",
    "sign_in_failures",
    "second_factors",
    "second_factor_recovery_codes",
    "sign_in_challenges",
    "api_keys",
)
def _erase_sign_in(person: Subject) -> Iterable[Erased | Kept]:
    account, members = _account(person), _membership_ids(person)
    codes.forget_asked_in_vain(person.addresses)
    if account is None:
        return
    address = account.email
    leaving.leave(person.workshop_id, customer_id=person.customer_id)
    if account.closed_at is not None:
        _forget_failures(person, account.id, address)
    with atomic() as session:
        places = session.scalars(
            update(AccountSession)
            .where(AccountSession.membership_id.in_(members))
            .values(address=None, agent=None)
            .returning(AccountSession.id)
            .execution_options(synchronize_session=False)
        ).all()
    yield Erased("sign_in")
    yield Kept(
        "account",
        1,
        "An account is its person's own. Where it is a member of nothing else, it is closed and has no address and no password;"
        " otherwise it is as it was.",
    )
    yield Kept(
        "memberships", len(members), "That an account was a customer here, by numbers alone; it has ended."
    )
    yield Kept(
        "sessions",
        len(places),
        "When somebody was signed in, without from where or with what.",
        clock.now() + sessions.KEPT_AFTER_THE_END + timedelta(hours=1),
    )


def _forget_failures(person: Subject, account_id: int, address: str | None) -> None:
    """Forget what failed at an account that is closed. At a former address or number somebody else may be guessed at."""
    names = [tries.second_factor_of(account_id), *([address] if address else ())]
    names += [
        tries.number_in(person.workshop_id, number)
        for number in numbers.of_nobody(person.workshop_id, person.words)
    ]
    tries.forget(*names)
