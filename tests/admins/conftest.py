"""What the tests of admins share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from app.blueprints.accounts.models import Account
from app.core.db import atomic
from app.extensions import db
from tests.accounts.letters import Letters
from tests.factories import Caller, Shop, account_of, make_admin
from tests.mailing import Scripted
from tests.security.conftest import situation, stage_of_the_module  # noqa: F401 - fixtures


@pytest.fixture
def admin(app: Flask) -> Caller:
    """An admin of the installation, of this test's own."""
    return make_admin(app)


@pytest.fixture
def letters(shop: Shop, transport: Scripted) -> Letters:
    """The post, without what making the shop sent."""
    found = Letters(shop, transport)
    found.to("nobody@example.com")
    transport.taken.clear()
    return found


@pytest.fixture
def alone(app: Flask) -> Callable[[Caller], None]:
    """Let nobody but one administer the installation: other tests leave admins behind."""

    def let_be_alone(admin: Caller) -> None:
        with app.app_context(), atomic() as session:
            session.execute(
                text("UPDATE accounts SET is_admin = :no WHERE is_admin AND email <> :email"),
                {"no": False, "email": admin.email},
            )

    return let_be_alone


def reload(email: str) -> Account:
    """Return the account with an address as the database has it."""
    account = account_of(email)
    db.session.refresh(account)
    return account


def account_id(caller: Caller) -> int:
    assert caller.principal is not None
    return caller.principal.account_id
