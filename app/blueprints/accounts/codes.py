"""One-time codes: made, mailed by a job, and taken once.

A request writes one row whether or not an account has the address; the job that mails the codes finds out. So neither the
answer nor its time tells who has an account.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any

from flask import json
from sqlalchemy import and_, bindparam, delete, select, update

from app.blueprints.accounts import tries
from app.blueprints.accounts.errors import TooManyCodes
from app.blueprints.accounts.models import Account, Membership, OneTimeCode
from app.blueprints.workshops.models import Workshop
from app.core import clock, crypto, jobs, links, outbox
from app.core.db import atomic
from app.core.tenancy import INSTALLATION, across_workshops, acting_in
from app.extensions import db
from config import is_address

GOOD_FOR = {
    "recovery": timedelta(minutes=15),
    "reset": timedelta(minutes=5),
    "verify_email": timedelta(hours=24),
    "email_change_old": timedelta(hours=24),
    "email_change_new": timedelta(hours=24),
}
FIRST_PASSWORD = timedelta(
    hours=72
)  # how long who was given an account has to set its first password by the letter's link
# Of the letters, where they are not called as the purpose is. What resets a password is mailed with an account that has none.
TOPICS = {"recovery": "recovery_code", "reset": "account_opened"}
MOST_TRIES = 5
MOST_AN_HOUR = 5  # codes to one address for one purpose
HOUR = timedelta(hours=1)
MAILED_AT_ONCE = 100
KEPT = timedelta(days=1)
MAILING = "mail-codes"


@dataclass(frozen=True, slots=True)
class Taken:
    """A code or token that was good, and what it was about."""

    account_id: int
    purpose: str
    new_email: str | None


def address_digest(address: str) -> bytes:
    """Return the blind index under which the codes for an address are found."""
    return crypto.blind_index("one-time-code.address", address.lower())


def _code_digest(purpose: str, address: bytes, code: str) -> bytes:
    return crypto.keyed_digest(f"one-time-code.{purpose}", address + code.encode())


def _token_digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def send(
    purpose: str,
    address: str,
    account_id: int | None,
    *,
    new_email: str | None = None,
    good_for: timedelta | None = None,
) -> None:
    """Queue six digits, and a link that says the same, to an address; to nobody where no account has it.

    They are good for as long as is usual for the purpose, or for `good_for`.
    :raises TooManyCodes: five were asked for within the hour, for this address and purpose, whether or not an account has it.
    """
    digest = address_digest(address)
    code, token = f"{secrets.randbelow(10**6):06d}", secrets.token_urlsafe(32)
    with atomic() as session:
        # Of many that are asked for at once five are sent, as of those asked for one after the other.
        tries.wait_for_turn(_code_digest(purpose, digest, ""))
        now = clock.now()
        lately = session.scalars(
            select(OneTimeCode.created_at)
            .where(
                OneTimeCode.address_digest == digest,
                OneTimeCode.purpose == purpose,
                OneTimeCode.created_at > now - HOUR,
            )
            .order_by(OneTimeCode.id.desc())
            .limit(MOST_AN_HOUR)
        ).all()
        if len(lately) == MOST_AN_HOUR:
            raise TooManyCodes(ceil((lately[-1] + HOUR - now).total_seconds()))
        session.add(
            OneTimeCode(
                purpose=purpose,
                address_digest=digest,
                account_id=account_id,
                code_digest=_code_digest(purpose, digest, code),
                token_digest=_token_digest(token),
                sealed=json.dumps({"to": address, "code": code, "token": token}),
                new_email=new_email,
                created_at=now,
                expires_at=now + (good_for or GOOD_FOR[purpose]),
            )
        )
        jobs.nudge_after_commit(MAILING)


def give_token(purpose: str, account_id: int) -> str:
    """Return a token that its bearer may use once."""
    token, now = secrets.token_urlsafe(32), clock.now()
    with atomic() as session:
        session.add(
            OneTimeCode(
                purpose=purpose,
                address_digest=_token_digest(token)[:16],
                account_id=account_id,
                token_digest=_token_digest(token),
                created_at=now,
                expires_at=now + GOOD_FOR[purpose],
            )
        )
    return token


def take_code(purpose: str, address: str, code: str) -> Taken | None:
    """Take the latest code for an address; a wrong one is counted, and five of them spoil it. Inside `atomic()`."""
    now, digest = clock.now(), address_digest(address)
    latest = (
        select(OneTimeCode.id)
        .where(OneTimeCode.address_digest == digest, OneTimeCode.purpose == purpose)
        .order_by(OneTimeCode.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    with atomic() as session:
        tried = session.execute(
            update(OneTimeCode)
            .where(
                OneTimeCode.id == latest,
                OneTimeCode.used_at.is_(None),
                OneTimeCode.expires_at > now,
                OneTimeCode.tries < MOST_TRIES,
            )
            .values(tries=OneTimeCode.tries + 1)
            .returning(OneTimeCode.id, OneTimeCode.code_digest)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        expected = tried.code_digest if tried is not None else bytes(32)
        matches = hmac.compare_digest(expected, _code_digest(purpose, digest, code))
        return _use(OneTimeCode.id == tried.id) if tried is not None and matches else None


def take_token(purposes: tuple[str, ...], token: str) -> Taken | None:
    """Take a token for one of these purposes. Inside `atomic()`."""
    return _use(
        OneTimeCode.token_digest == _token_digest(token),
        OneTimeCode.purpose.in_(purposes),
        OneTimeCode.expires_at > clock.now(),
    )


def _use(*conditions: Any) -> Taken | None:
    """Use a code: of several who bring it at once, the condition lets one through. One of no account is good for nothing."""
    with atomic() as session:
        used = session.execute(
            update(OneTimeCode)
            .where(*conditions, OneTimeCode.used_at.is_(None))
            .values(used_at=clock.now())
            .returning(OneTimeCode.account_id, OneTimeCode.purpose, OneTimeCode.new_email)
            .execution_options(synchronize_session=False)
        ).one_or_none()
    if used is None or used.account_id is None:
        return None
    return Taken(used.account_id, used.purpose, used.new_email)


def is_used(purpose: str, account_id: int, new_email: str) -> bool:
    """Tell whether an account confirmed this change at one of its ends, lately, and it was not made void since."""
    statement = select(OneTimeCode.id).where(
        OneTimeCode.account_id == account_id,
        OneTimeCode.purpose == purpose,
        OneTimeCode.new_email == new_email,
        OneTimeCode.used_at.is_not(None),
        OneTimeCode.expires_at > clock.now(),
    )
    return db.session.scalars(statement.limit(1)).first() is not None


def spoil(account_id: int, *purposes: str) -> None:
    """Let no code of an account for these purposes be good any more, nor count as a confirmation if it was used.

    They are as if they had been good for no time, so whoever waits here to use one is refused. What was asked for within the
    hour still counts.
    """
    with atomic() as session:
        session.execute(
            update(OneTimeCode)
            .where(
                OneTimeCode.account_id == account_id,
                OneTimeCode.purpose.in_(purposes),
                OneTimeCode.expires_at > OneTimeCode.created_at,
            )
            .values(expires_at=OneTimeCode.created_at, sealed=None)
            .execution_options(synchronize_session=False)
        )


def forget_asked_in_vain(addresses: Iterable[str]) -> None:
    """Delete what was made for addresses while they had no account."""
    digests = [address_digest(address) for address in addresses]
    with atomic() as session:
        session.execute(
            delete(OneTimeCode)
            .where(OneTimeCode.account_id.is_(None), OneTimeCode.address_digest.in_(digests))
            .execution_options(synchronize_session=False)
        )


def forget(account_id: int) -> None:
    """Delete the codes of an account that is closed."""
    with atomic() as session:
        session.execute(
            delete(OneTimeCode)
            .where(OneTimeCode.account_id == account_id)
            .execution_options(synchronize_session=False)
        )


@jobs.periodic(MAILING, every=timedelta(seconds=10))
def mail_codes() -> None:
    """Hand the codes that wait to the outbox, each in the name of a workshop that its person belongs to."""
    unmailed = select(OneTimeCode.id).where(OneTimeCode.sealed.is_not(None)).order_by(OneTimeCode.id)
    seen = 0
    while waiting := db.session.scalars(
        unmailed.where(OneTimeCode.id > bindparam("seen")).limit(MAILED_AT_ONCE), {"seen": seen}
    ).all():
        for code_id in waiting:
            _mail(code_id)
        seen = waiting[-1]


def _mail(code_id: int) -> None:
    with atomic() as session:
        code = session.scalar(
            select(OneTimeCode)
            .where(OneTimeCode.id == code_id, OneTimeCode.sealed.is_not(None))
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        if code is None or code.sealed is None:
            return
        said, code.sealed = json.loads(code.sealed), None
        workshop_id = workshop_of(code.account_id) if code.account_id is not None else None
        if workshop_id is not None and code.expires_at > clock.now() and is_address(said["to"]):
            with acting_in(workshop_id):
                outbox.queue(
                    workshop_id, TOPICS.get(code.purpose, code.purpose), said["to"], **_values(code, said)
                )


def _values(code: OneTimeCode, said: dict[str, str]) -> dict[str, Any]:
    if code.purpose == "recovery":
        return {"code": said["code"], "minutes": int(GOOD_FOR["recovery"].total_seconds() // 60)}
    if code.purpose == "reset":
        hours = int(FIRST_PASSWORD.total_seconds() // 3600)
        return {"link": links.frontend("set-password", token=said["token"]), "hours": hours}
    page = "verify-email" if code.purpose == "verify_email" else "confirm-email"
    values: dict[str, Any] = {"link": links.frontend(page, token=said["token"]), "code": said["code"]}
    if code.purpose == "email_change_old":
        values["new_address_masked"] = masked(code.new_email or "")
    return values


def masked(address: str) -> str:
    """Return an address with most of its name hidden: enough to know one's own by."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}***@{domain}"


def workshop_of(account_id: int) -> int | None:
    """Return the workshop in whose name an account is written to: the first that it joined, of those that are not suspended.

    The installation's own place for who has no such workshop: theirs is suspended, or closed, or they are an admin. None for
    an account that is closed.
    """
    standing = and_(Membership.account_id == Account.id, Membership.ended_at.is_(None))
    with across_workshops():
        found = db.session.execute(
            select(Membership.workshop_id, Workshop.suspended_at)
            .select_from(Account)
            .outerjoin(Membership, standing)
            .outerjoin(Workshop, Workshop.id == Membership.workshop_id)
            .where(Account.id == account_id, Account.closed_at.is_(None))
            .order_by(Workshop.suspended_at.is_not(None), Membership.id)
            .limit(1)
        ).one_or_none()
    if found is None:
        return None
    if found.workshop_id is not None and found.suspended_at is None:
        return int(found.workshop_id)
    return INSTALLATION


@jobs.periodic("forget-codes", every=timedelta(hours=1))
def forget_old() -> None:
    """Delete the codes that expired a day ago."""
    with atomic() as session:
        session.execute(
            delete(OneTimeCode)
            .where(OneTimeCode.expires_at < clock.now() - KEPT)
            .execution_options(synchronize_session=False)
        )
