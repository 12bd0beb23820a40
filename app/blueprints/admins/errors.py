"""The refusals of admins and accounts."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound


class AdminNotFound(NotFound):
    """No admin has that id, or not any more."""

    code, title = "admin_not_found", "There is no such admin."


class AccountNotFound(NotFound):
    """No account has that id, or it is closed."""

    code, title = "account_not_found", "There is no such account."


class AlreadyAdmin(Conflict):
    """The address is an admin's."""

    code, title = "already_admin", "The address is an admin's already."


class LastAdmin(Conflict):
    """Somebody who can sign in has to be left to run the installation."""

    code, title = "last_admin", "This is the last admin who can sign in: make another one first."


class PasswordIsSet(Conflict):
    """The person has a password: from then on their address is theirs to change."""

    code, title = "password_is_set", "The address of somebody who has a password is theirs to change."
