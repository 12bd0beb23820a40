"""The refusals of accounts."""

from __future__ import annotations

from app.core.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn


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


class RefreshRefused(NotSignedIn):
    """The refresh token is unknown, expired or used, or its session has ended."""

    code, title, keeps_work = "refresh_refused", "Sign in again.", True

    def __init__(self) -> None:
        super().__init__("The refresh token is not good any more. Sign in again.")


class CsrfRefused(NotAllowed):
    """A refresh token in a cookie came without the CSRF token that belongs to it."""

    code, title = "csrf_refused", "The X-CSRF-Token header is missing or does not belong to the cookie."


class SessionNotFound(NotFound):
    """The caller has no such session that goes on."""

    code, title = "session_not_found", "You have no such session."


class RegistrationClosed(NotAllowed):
    """New workshops are opened by those who run the installation."""

    code, title = "registration_closed", "This installation does not open workshops by itself."
