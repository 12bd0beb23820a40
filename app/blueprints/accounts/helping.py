"""What a workshop does for its people who cannot get in: unlocking their account, and taking away a second factor they lost.

Of an account that serves this workshop alone. Otherwise the owner of one workshop could open the doors that another's rely on.
"""

from __future__ import annotations

from app.blueprints.accounts import second_factor, service, tries
from app.blueprints.accounts.errors import NoSignIn, SecondFactorNotFound
from app.blueprints.accounts.models import Account
from app.core import audit
from app.core.db import atomic


def unlock(
    workshop_id: int, *, phone: str | None, customer_id: int | None = None, mechanic_id: int | None = None
) -> None:
    """Forget what failed at the account of a customer or mechanic: by its address, by their number, at its second factor.

    :raises NoSignIn: they have no account. :raises AccountShared: it serves another workshop too.
    """
    account = service.account_of(workshop_id, customer_id=customer_id, mechanic_id=mechanic_id)
    if account is None:
        raise NoSignIn()
    service.require_own_account(workshop_id, account)
    names = [account.email or "", tries.second_factor_of(account.id)]
    if phone is not None:
        names.append(tries.number_in(workshop_id, phone))
    with atomic():
        tries.forget(*names)
        audit.note("account.unlocked", "account", account.id)


def take_second_factor_away(
    workshop_id: int, *, customer_id: int | None = None, mechanic_id: int | None = None
) -> None:
    """Switch the second factor of a customer or mechanic off, who has lost it.

    :raises SecondFactorNotFound: they have none. :raises AccountShared: their account serves another workshop too.
    """
    with atomic():
        account: Account | None = service.account_of(
            workshop_id, customer_id=customer_id, mechanic_id=mechanic_id
        )
        if account is None:
            raise SecondFactorNotFound()
        service.require_own_account(workshop_id, account)
        second_factor.take_away(account)
