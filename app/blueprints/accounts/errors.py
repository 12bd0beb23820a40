"""The refusals of accounts."""

from __future__ import annotations

from app.core.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound, NotSignedIn


class EmailTaken(Conflict):
    """Another account, customer or mechanic has the address."""

    code, title = "email_taken", "This email already exists here."


class EmailUnchanged(Conflict):
    """The account has the address that is asked for."""

    code, title = "email_unchanged", "This is your address already."


class EmailKnown(EmailTaken):
    """The address has an account, and who gives it with a password does not know its own. That try stays counted."""

    keeps_work = True


class AccountShared(Conflict):
    """The account serves other workshops too: only its person changes it."""

    code, title = (
        "account_shared",
        "This person's account serves other workshops; only they can change its sign-in.",
    )


class OwnAccount(Conflict):
    """Nobody unlocks their own account, nor takes their own second factor away: a stolen token would be enough."""

    code, title = "own_account", "Somebody else of the workshop has to do that for you."


class LastOwner(Conflict):
    """Nobody would own the workshop any more."""

    code, title = "last_owner", "A workshop keeps at least one owner."


class WrongCredentials(NotSignedIn):
    """No such account, or not its password: the answer doesn't say which."""

    code, title, keeps_work = "wrong_credentials", "Invalid email, phone or password.", True

    def __init__(self) -> None:
        super().__init__(error=None)


class AccountSuspended(NotAllowed):
    """The account is suspended by those who run the installation. Told to who knows its password, and nobody else."""

    code, title = "account_suspended", "This account is suspended by those who run the installation."


class NoWorkshop(NotAllowed):
    """The account is nothing anywhere: its workshops have closed. Told to who knows its password, and nobody else."""

    code, title = "no_workshop", "You belong to no workshop any more."

    def __init__(self) -> None:
        super().__init__(
            "Your account is still yours: accept an invitation, register with another workshop by POST /customers, or open"
            " one by POST /auth/register, with the same password."
        )


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


class PresentPasswordNeeded(NotAllowed):
    """Another password is wanted in a session that began long ago, and the present one is not given."""

    code, title = "present_password_needed", "Give your present password, or sign in again."


class CodeRefused(Invalid):
    """The code or token is wrong, used, expired, or was tried too often: the answer doesn't say which."""

    code, title, keeps_work = "code_refused", "The code is not good, or not any more.", True


class TooManyTries(DomainError):
    """Signing in failed too often, by this name or from this address."""

    status, code, title = 429, "too_many_tries", "Too many failed tries; wait a little."
    keeps_work = True

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Try again in {seconds} s.", headers={"Retry-After": str(seconds)})


class TooManyCodes(DomainError):
    """Codes for an address were asked for too often within the hour, be it known here or not; nothing more is sent to it."""

    status, code, title = 429, "too_many_codes", "Too many codes were asked for; wait a little."

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Try again in {seconds} s.", headers={"Retry-After": str(seconds)})


class SecondFactorRequired(NotSignedIn):
    """The password is right, and the account's second factor is asked for."""

    code, title, keeps_work = "second_factor_required", "A second factor is needed.", True

    def __init__(self, challenge: str | None = None) -> None:
        asked = "Take the challenge with a code to POST /auth/login/second_factor, or send"
        super().__init__(
            f"{asked if challenge else 'Send'} the code as `second_factor_code` beside the password.",
            error=None,
        )
        self.members = {"challenge": challenge} if challenge else {}


class SecondFactorRefused(NotSignedIn):
    """The second factor's code is wrong or was used before."""

    code, title, keeps_work = "second_factor_refused", "The code is not good, or not any more.", True

    def __init__(self) -> None:
        super().__init__("The code is wrong, or was used before.", error=None)


class ChallengeRefused(NotSignedIn):
    """The sign-in that waited for its second factor does not any more: used, expired, or tried five times."""

    code, title, keeps_work = "challenge_refused", "Sign in again.", True

    def __init__(self) -> None:
        super().__init__("The challenge is not good any more. Sign in with the password again.", error=None)


class SecondFactorOn(Conflict):
    """The account has a second factor already."""

    code, title = "second_factor_on", "You have a second factor already."


class SecondFactorDemanded(Conflict):
    """A workshop of the person's asks its staff for a second factor."""

    code, title = "second_factor_demanded", "A workshop of yours asks its staff for a second factor."


class SecondFactorNotFound(NotFound):
    """The account has no second factor, or none was begun."""

    code, title = "second_factor_not_found", "There is no second factor here."


class NoSignIn(NotFound):
    """The customer or mechanic has no account."""

    code, title = "no_sign_in", "This person has no account to sign in with."


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
