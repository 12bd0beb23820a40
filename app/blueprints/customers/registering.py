"""How somebody becomes a customer: by oneself with a sign-in, or recorded by staff; with a national id where one is given."""

from __future__ import annotations

from typing import Any

from app.blueprints.accounts import service as accounts
from app.blueprints.customers import profiles, service
from app.blueprints.customers.models import Customer
from app.core.db import atomic


def register(
    workshop_id: int,
    *,
    email: str,
    password: str,
    second_factor_code: str | None = None,
    address: str | None = None,
    **person: Any,
) -> Customer:
    """Make a customer who can sign in. `address` is where the caller is, for counting.

    :raises EmailTaken: the address is a customer's here, or an account's with another password.
    :raises TooManyTries: too many were wrong. :raises SecondFactorRequired: the account has one, and no code came.
    :raises SecondFactorRefused: the code is wrong or used. :raises AccountSuspended: the account is.
    :raises PhoneTaken: the number is a customer's here. :raises PasswordRefused: the new password is too easy.
    """
    known = accounts.account_for(email, password, second_factor_code, address)
    with atomic():
        account = known or accounts.make_account(
            email, password, person["name"], person["phone"], workshop_id=workshop_id
        )
        customer = record(workshop_id, email=email, **person)
        accounts.join(workshop_id, account, "customer", customer_id=customer.id)
    return customer


def record(
    workshop_id: int, *, name: str, email: str | None = None, phone: str | None = None, **identity: Any
) -> Customer:
    """Make a customer without an account, with the fields of a national id, if any.

    :raises EmailTaken: the address is a customer's here. :raises PhoneTaken: the number is.
    :raises InvalidNationalId: it is none. :raises NationalIdTaken: it is another customer's here.
    """
    with atomic():
        customer = service.record(workshop_id, name=name, email=email, phone=phone)
        if identity:
            profiles.update(workshop_id, customer.id, identity)
    return customer
