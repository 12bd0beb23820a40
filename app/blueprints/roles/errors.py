"""The refusals of roles."""

from __future__ import annotations

from app.core.errors import Conflict, NotAllowed, NotFound


class RoleNotFound(NotFound):
    """The workshop has made no such role."""

    code, title = "role_not_found", "Role not found."


class RoleNameTaken(Conflict):
    """Another role has the name, be it a built-in one."""

    code, title = "role_name_taken", "Another role has this name."


class RoleInUse(Conflict):
    """Somebody has the role."""

    code, title = "role_in_use", "Somebody has this role; give them another first."


class TooManyRoles(Conflict):
    """The workshop has made as many roles as one can."""

    code, title = "too_many_roles", "The workshop has as many roles as it can have."


class BeyondOwnScopes(NotAllowed):
    """It holds more than the caller: nobody gives, makes or changes what is more than their own."""

    code, title = "beyond_own_scopes", "This holds more than you may do yourself."
