"""The rules of failed tries: a delay that grows by account and by address, and a lock that time, recovery or an owner opens.

What is counted is the account that the name given means, be it its address or its number in whichever workshop; and the name
itself where it means none. Either is counted and waits alike, by the same statements: a lock tells nobody who is known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import BigInteger, bindparam, case, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from app.blueprints.accounts.errors import TooManyTries
from app.blueprints.accounts.models import SignInFailures
from app.core import clock, crypto, passwords
from app.core.db import atomic, require_atomic
from app.core.jobs import periodic
from app.core.prepared import Prepared
from app.extensions import db

FORGOTTEN_AFTER = timedelta(hours=24)
UNTYPED = "\x00"  # begins the names that are made here: no schema lets anybody type it


@dataclass(frozen=True, slots=True)
class Patience:
    """How many failures are free, and after how many in all the door closes for `lock`; between, the pause doubles."""

    free: int
    most: int
    lock: timedelta = timedelta(minutes=15)

    def pause(self, failures: int) -> timedelta:
        """Return for how long the door is closed after so many failures in a row."""
        if failures >= self.most:
            return self.lock
        return timedelta(seconds=2 ** (failures - self.free) if failures > self.free else 0)


BY_NAME = Patience(free=3, most=10)


def number_in(workshop_id: int, number: str) -> str:
    """Return the name that a phone number is counted by which is no account's in a workshop."""
    return f"{UNTYPED}{number} in {workshop_id}"


def of_account(account_id: int) -> str:
    """Return the name that an account is counted by, whatever it was called."""
    return f"{UNTYPED}account {account_id}"


def second_factor_of(account_id: int) -> str:
    """Return the name that wrong codes of an account's second factor are counted by, which recovering does not forget."""
    return f"{UNTYPED}second factor of {account_id}"


def _keys(name: str, address: str | None) -> dict[bytes, Patience]:
    keys = {key_of(name): BY_NAME}
    if address is not None:
        free = passwords.free_tries_by_address()
        keys[crypto.blind_index("sign-in.address", address)] = Patience(free, most=free + 10)
    return keys


def key_of(name: str) -> bytes:
    """Return the digest that a name is counted by."""
    return crypto.blind_index("sign-in.name", name.lower())


_COUNTED = Prepared(
    lambda: select(SignInFailures.key, SignInFailures.closed_until).where(
        or_(SignInFailures.key == bindparam("by_name"), SignInFailures.key == bindparam("by_address"))
    ),
    everywhere=True,
)


_TURN = Prepared(
    lambda: select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger))), everywhere=True
)
_TURNS_BEFORE = Prepared(
    lambda: select(func.pg_advisory_xact_lock_shared(bindparam("key", type_=BigInteger))), everywhere=True
)


def require_patience(name: str, address: str | None) -> bool:
    """Refuse to try while a name or an address has to wait; tell whether anything is counted against the name.

    :raises TooManyTries: it has; the answer says for how long.
    """
    keys = list(_keys(name, address))
    rows: Any = _COUNTED.rows(by_name=keys[0], by_address=keys[-1])
    now = clock.now()  # after reading, which waits for a turn where SQLite's transaction begins by it
    counted = {bytes(key): clock.as_utc(closed_until) for key, closed_until in rows}
    longest = max(counted.values(), default=now)
    if longest > now:
        raise TooManyTries(ceil((longest - now).total_seconds()))
    return keys[0] in counted


def take_turn(name: str, address: str | None) -> None:
    """Refuse, once a try was looked at, where others have made the name wait meanwhile; the next one waits for this one.

    Of many at once those go on whom the pause allows, and the rest learn nothing: each waits for the turns before its own to
    end, with their transactions. Inside `atomic()`, which on SQLite is such a turn itself.
    :raises TooManyTries: the name, or the address, has to wait.
    """
    wait_for_turn(key_of(name))
    require_patience(name, address)


def follow_turns(name: str, address: str | None) -> bool:
    """Refuse like `take_turn` a try that counts nothing, for which nobody waits; tell whether anything is counted by the name.

    :raises TooManyTries: the name, or the address, has to wait.
    """
    if db.engine.dialect.name != "postgresql":
        with atomic():
            return require_patience(name, address)
    _TURNS_BEFORE.rows(key=_lock_of(key_of(name)))  # and let go of at once, with the statement
    return require_patience(name, address)


def wait_for_turn(key: bytes) -> None:
    """Wait until no other transaction has the turn of a digest, and have it until the present one ends."""
    require_atomic(db.session())
    if db.engine.dialect.name == "postgresql":
        _TURN.rows(key=_lock_of(key))


def _lock_of(key: bytes) -> int:
    return int.from_bytes(key[:8], signed=True)


def note_failure(name: str, address: str | None) -> bool:
    """Count a failure; tell whether it has just locked the name. Inside a turn."""
    now, locked = clock.now(), False
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    with atomic() as session:
        for key, patience in sorted(_keys(name, address).items()):
            fresh = SignInFailures.last_at < now - FORGOTTEN_AFTER
            failures = session.scalar(
                insert(SignInFailures)
                .values(key=key, failures=1, last_at=now, closed_until=now)
                .on_conflict_do_update(
                    index_elements=["key"],
                    set_={"failures": case((fresh, 1), else_=SignInFailures.failures + 1), "last_at": now},
                )
                .returning(SignInFailures.failures)
            )
            assert failures is not None
            _close(key, now + patience.pause(failures))
            locked = locked or (patience is BY_NAME and failures == patience.most)
    return locked


def _close(key: bytes, until: datetime) -> None:
    row = db.session.get_one(SignInFailures, key, populate_existing=True)
    row.closed_until = until


def forget(*names: str) -> None:
    """Forget the failures of names: they have shown who they are, or somebody who may has unlocked them."""
    forget_keys(*map(key_of, names))


def forget_keys(*keys: bytes) -> None:
    """Forget the failures that are counted by these digests."""
    with atomic() as session:
        session.execute(
            delete(SignInFailures)
            .where(SignInFailures.key.in_(keys))
            .execution_options(synchronize_session=False)
        )


@periodic("forget-failures", every=timedelta(hours=1))
def forget_old() -> None:
    """Delete what was counted more than a day ago."""
    with atomic() as session:
        session.execute(
            delete(SignInFailures)
            .where(
                SignInFailures.last_at < clock.now() - FORGOTTEN_AFTER,
                SignInFailures.closed_until < clock.now(),
            )
            .execution_options(synchronize_session=False)
        )
