"""What tests of the second factor share: an authenticator app in the test's hands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pyotp
from flask import Flask
from werkzeug.test import TestResponse

from app.blueprints.accounts.models import SecondFactor
from app.core import clock
from app.core.db import atomic
from tests.factories import PASSWORD, Caller, account_of
from tests.mailing import Clock


@dataclass
class App:
    """An authenticator app, and the paper with the recovery codes."""

    secret: str
    hands: Clock
    recovery_codes: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        return self.code_in(0)

    def code_in(self, seconds: int) -> str:
        """Return what the app will show, or showed, so many seconds from now."""
        return pyotp.TOTP(self.secret).at(int(self.hands.now().timestamp()) + seconds)

    @property
    def wrong(self) -> str:
        """Six digits that are no code of these minutes."""
        good = {self.code_in(seconds) for seconds in range(-90, 120, 30)}
        return next(code for number in range(10) if (code := f"{number:06d}") not in good)


SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def give(flask_app: Flask, emails: Iterable[str], *, confirmed: bool = True) -> None:
    """Give accounts the second factor whose secret is known here: switched on, or only begun."""
    with flask_app.app_context(), atomic() as session:
        for email in emails:
            factor = SecondFactor(account_id=account_of(email).id, secret=SECRET)
            factor.confirmed_at = clock.now() if confirmed else None
            session.add(factor)


def code_now() -> str:
    """Return the code of that secret at this moment."""
    return pyotp.TOTP(SECRET).now()


def begin(person: Caller, password: str = PASSWORD) -> TestResponse:
    return person.post("/auth/second_factor", {"present_password": password})


def switch_on(person: Caller, hands: Clock) -> App:
    """Set up the second factor of somebody who is signed in."""
    app = App(begin(person).json["secret"], hands)
    confirmed = person.post("/auth/second_factor/confirmation", {"code": app.code})
    assert confirmed.status_code == 200
    app.recovery_codes = confirmed.json["recovery_codes"]
    return app
