"""The refusals of accounts."""

from __future__ import annotations

from app.core.errors import Conflict, Invalid, NotSignedIn


class EmailTaken(Conflict):
    """Another account, customer or mechanic has the address."""

    code, title = "email_taken", "This email already exists here."


class AccountShared(Conflict):
    """The account serves other workshops too: only its person changes it."""

    code, title = (
        "account_shared",
        "This person's account serves other workshops; only they can change its sign-in.",
    )


class WrongCredentials(NotSignedIn):
    """No such account, or not its password: the answer doesn't say which."""

    code, title = "wrong_credentials", "Invalid email or password."

    def __init__(self) -> None:
        super().__init__("Invalid email or password.", error=None)


class PasswordTooShort(Invalid):
    """The password is shorter than the installation asks."""

    code, title = "password_too_short", "The password is too short."
