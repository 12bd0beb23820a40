"""What a workshop does for its people who cannot get in: unlocking their account, and taking away a second factor they lost.

Of an account that serves this workshop alone. Otherwise the owner of one workshop could open the doors that another's rely on.
Nobody helps themselves: who has stolen a token would guess the password without a pause, and need no second factor. Nor does
an API key help anybody: who has stolen one would.
"""

from __future__ import annotations

from app.blueprints.accounts import second_factor, service, tries
from app.blueprints.accounts.errors import NoSignIn, OwnAccount, SecondFactorNotFound
from app.blueprints.accounts.models import Account
from app.core import audit
from app.core.db import atomic
from app.core.identity import Principal, require_person


def unlock(by: Principal, account: Account | None) -> None:
    """Forget what failed at an account and at its second factor.

    :raises NoSignIn: there is none. :raises OwnAccount: it is the caller's. :raises AccountShared: it serves another workshop
    too. :raises NotForKeys: the caller is an API key.
    """
    if account is None:
        raise NoSignIn()
    _require_may_help(by, account)
    with atomic():
        tries.forget(tries.of_account(account.id), tries.second_factor_of(account.id))
        audit.note("account.unlocked", "account", account.id)


def take_second_factor_away(by: Principal, account: Account | None) -> None:
    """Switch the second factor of an account off, whose person has lost it.

    :raises SecondFactorNotFound: there is none. :raises OwnAccount: it is the caller's. :raises AccountShared: the account
    serves another workshop too. :raises NotForKeys: the caller is an API key.
    """
    if account is None:
        raise SecondFactorNotFound()
    _require_may_help(by, account)
    second_factor.take_away(account)


def _require_may_help(by: Principal, account: Account) -> None:
    require_person(by)
    if account.id == by.account_id:
        raise OwnAccount()
    service.require_own_account(by.workshop_id, account)
