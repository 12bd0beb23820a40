"""The rule of opening a workshop by oneself."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm.attributes import set_committed_value

from app.blueprints.accounts import second_factor, service, sessions
from app.blueprints.accounts.errors import SecondFactorRequired
from app.blueprints.workshops import service as workshops
from app.core.db import atomic
from app.core.identity import Principal
from app.core.tenancy import acting_in


def register(
    workshop: dict[str, Any],
    email: str,
    password: str,
    second_factor_code: str | None = None,
    address: str | None = None,
) -> Principal:
    """Open a workshop, with the owner who signs in to it: both or neither.

    :raises SlugTaken: another workshop has the slug.
    :raises EmailTaken: the address has an account with another password. :raises PasswordRefused: it is too easy.
    :raises SecondFactorRequired: the account has one, and no code came. :raises SecondFactorRefused: it is wrong or used.
    """
    known = service.account_for(email, password)
    if known is not None and known.second_factor_since is not None:
        if second_factor_code is None:
            raise SecondFactorRequired()
        # Before anything is written: the failure that is counted stays, whatever the refusal undoes.
        second_factor.show(known, second_factor.Proof(second_factor_code), address)
    with atomic():
        opened = workshops.found(**workshop)
        with acting_in(opened.id):
            account = known or service.make_account(email, password)
            membership = service.join(opened.id, account, "owner")
            # Known without asking: a workshop that has just opened asks nobody for a second factor.
            set_committed_value(membership, "second_factor_due", False)
            return sessions.principal_of(membership)
