"""Recovery codes: ten on paper, each good once, for who has lost the phone with the second factor."""

from __future__ import annotations

import secrets

from sqlalchemy import Select, delete, func, insert, select, update

from app.blueprints.accounts.models import RecoveryCode
from app.core import clock, crypto
from app.core.db import atomic

RECOVERY_CODES = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is read for something else
GROUPS, GROUP = 3, 4  # twelve of these are 59 random bits


def make(account_id: int) -> list[str]:
    """Return ten new recovery codes of an account; the former ones are worth nothing any more."""
    made = [_random() for _ in range(RECOVERY_CODES)]
    with atomic() as session:
        forget(account_id)
        session.execute(
            insert(RecoveryCode),
            [{"account_id": account_id, "digest": digest_of(account_id, code)} for code in made],
        )
    return made


def _random() -> str:
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))


def digest_of(account_id: int, code: str) -> bytes:
    """Return the keyed digest by which an account's code is kept: with hyphens, blanks and capitals or without."""
    plain = code.lower().replace("-", "").replace(" ", "")
    return crypto.keyed_digest("recovery-code", f"{account_id}:{plain}".encode())


def take(account_id: int, code: str) -> int | None:
    """Take a code of an account, once, and return how many are left; None where it is wrong or used. Inside `atomic()`."""
    with atomic() as session:
        taken = session.scalar(
            update(RecoveryCode)
            .where(
                RecoveryCode.account_id == account_id,
                RecoveryCode.digest == digest_of(account_id, code),
                RecoveryCode.used_at.is_(None),
            )
            .values(used_at=clock.now())
            .returning(RecoveryCode.id)
            .execution_options(synchronize_session=False)
        )
        return None if taken is None else session.scalars(left(account_id)).one()


def left(account_id: int) -> Select[int]:
    """Select how many codes of an account are not used yet."""
    return select(func.count()).where(RecoveryCode.account_id == account_id, RecoveryCode.used_at.is_(None))


def forget(account_id: int) -> None:
    """Delete the codes of an account. Inside `atomic()`."""
    with atomic() as session:
        session.execute(
            delete(RecoveryCode)
            .where(RecoveryCode.account_id == account_id)
            .execution_options(synchronize_session=False)
        )
