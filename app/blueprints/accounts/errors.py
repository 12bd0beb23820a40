"""The refusals of accounts."""

from __future__ import annotations

from app.core.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound, NotSignedIn


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

    code, title, keeps_work = "wrong_credentials", "Invalid email or password.", True

    def __init__(self) -> None:
        super().__init__("Invalid email or password.", error=None)


class AccountSuspended(NotAllowed):
    """The account is suspended by those who run the installation. Told to who knows its password, and nobody else."""

    code, title = "account_suspended", "This account is suspended by those who run the installation."


class PasswordRefused(Invalid):
    """The password is not one to keep."""


class PasswordTooShort(PasswordRefused):
    """The password is shorter than the installation asks."""

    code, title = "password_too_short", "The password is too short."


class PasswordTooEasy(PasswordRefused):
    """The password is among the first that somebody would try, who may know the person."""

    code, title = "password_too_easy", "The password is too easy to guess."


class WrongPassword(NotAllowed):
    """The caller's present password was asked for, and this is not it."""

    code, title, keeps_work = "wrong_password", "This is not your present password.", True


class CodeRefused(Invalid):
    """The code or token is wrong, used, expired, or was tried too often: the answer doesn't say which."""

    code, title, keeps_work = "code_refused", "The code is not good, or not any more.", True


class TooManyTries(DomainError):
    """Signing in failed too often, by this name or from this address."""

    status, code, title = 429, "too_many_tries", "Too many failed tries; wait a little."
    keeps_work = True

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Try again in {seconds} s.", headers={"Retry-After": str(seconds)})


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
