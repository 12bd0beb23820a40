"""The rule of opening a workshop by oneself."""

from __future__ import annotations

from typing import Any

from app.blueprints.accounts import second_factor, service, sessions
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
    if (
        known is not None
    ):  # before anything is written: a failure that is counted stays, whatever the refusal undoes
        second_factor.require(known, second_factor_code, address)
    with atomic():
        opened = workshops.found(**workshop)
        with acting_in(opened.id):
            account = known or service.open_account(email, password)
            return sessions.principal_of(service.join(opened.id, account, "owner"))
