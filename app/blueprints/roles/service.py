"""The rules of roles: what one holds, who may make, change and give it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy import update as sql_update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.accounts import sessions, standing
from app.blueprints.accounts.models import Membership, OwnRole
from app.blueprints.roles.errors import (
    BeyondOwnScopes,
    RoleInUse,
    RoleNameTaken,
    RoleNotFound,
    TooManyRoles,
)
from app.core import audit, names, scopes
from app.core.db import atomic, is_still_named, locked
from app.core.errors import Invalid
from app.core.identity import Principal, require_person
from app.core.preconditions import Expected, require_version
from app.core.scopes import Role
from app.extensions import db

MOST_ROLES = 100
BUILT_IN: dict[Role, str] = {
    "owner": "Owns the workshop, and may do everything there.",
    "mechanic": "Does the work: sees customers and parts, and moves tickets.",
    "customer": "Brings a car: sees and changes what is theirs.",
}


def require_holding(caller: Principal | None, wanted: Iterable[str]) -> None:
    """Refuse to let somebody hand out more than they hold themselves; None is the system itself, which holds everything.

    :raises BeyondOwnScopes: naming what is beyond them.
    """
    beyond = sorted(set(wanted) - caller.scopes) if caller is not None else []
    if beyond:
        raise BeyondOwnScopes(f"You do not have {', '.join(f'`{name}`' for name in beyond)} yourself.")


def held_by(membership: Membership) -> frozenset[str]:
    """Return what the role of a member holds now."""
    own = standing.own_scopes(membership)
    return scopes.of_role(membership.role) if own is None else own


def held_by_account(workshop_id: int, account_id: int) -> frozenset[str]:
    """Return all that an account may do in a workshop, as whatever it is there, but with a customer's record of its own."""
    held = _held_by_all(
        Membership.workshop_id == workshop_id,
        Membership.account_id == account_id,
        Membership.ended_at.is_(None),
    )
    return held.intersection(scopes.GRANTABLE)


def held_beyond_the_work(workshop_id: int, mechanic_id: int) -> frozenset[str]:
    """Return what somebody with a mechanic's record may do who is something else than a mechanic."""
    return _held_by_all(
        Membership.workshop_id == workshop_id,
        Membership.mechanic_id == mechanic_id,
        Membership.role != "mechanic",
        Membership.ended_at.is_(None),
    )


def _held_by_all(*members: ColumnElement[bool]) -> frozenset[str]:
    found = db.session.scalars(select(Membership).where(*members))
    return frozenset().union(*(held_by(membership) for membership in found))


def held_as(workshop_id: int, role: Role, role_id: int | None) -> frozenset[str]:
    """Return what a role holds; one of the workshop's own stays as it is until the transaction ends.

    :raises RoleNotFound: none of the workshop's own.
    """
    if role_id is None:
        return scopes.of_role(role)
    shared = select(OwnRole).with_for_update(read=True).execution_options(populate_existing=True)
    return _one(shared, workshop_id, role_id).scopes


def require_may_give(caller: Principal | None, workshop_id: int, role: Role, role_id: int | None) -> None:
    """Refuse to let `caller` give somebody this role; one of the workshop's own stays as it is until the transaction ends.

    :raises Invalid: `staff` without `role_id`, or another role with it. :raises RoleNotFound: none of the workshop's own.
    :raises BeyondOwnScopes: it holds more than the caller. :raises NotForKeys: an API key gives nobody a role.
    """
    require_person(caller)
    if (role == "staff") != (role_id is not None):
        said = (
            "Missing data for required field." if role == "staff" else "Only together with the role `staff`."
        )
        raise Invalid("See `errors`.", errors={"role_id": [said]})
    require_holding(caller, held_as(workshop_id, role, role_id))


Told = Callable[[int, int], None]
_TOLD_OF_REMOVAL: list[Told] = []


def told_of_removal(function: Told) -> Told:
    """Register a later feature's function that lets go of a role (by workshop and id) that is about to be removed."""
    _TOLD_OF_REMOVAL.append(function)
    return function


def find(workshop_id: int) -> Sequence[OwnRole]:
    """Return the roles that a workshop has made, by name."""
    statement = select(OwnRole).where(OwnRole.workshop_id == workshop_id)
    return db.session.scalars(statement.order_by(OwnRole.folded_name)).all()


def get(workshop_id: int, role_id: int) -> OwnRole:
    """Return a role of a workshop's own making.

    :raises RoleNotFound: unknown here.
    """
    return _one(select(OwnRole), workshop_id, role_id)


def _one(statement: Select[OwnRole], workshop_id: int, role_id: int) -> OwnRole:
    found = db.session.scalar(statement.where(OwnRole.workshop_id == workshop_id, OwnRole.id == role_id))
    if found is None:
        raise RoleNotFound()
    return found


def make(caller: Principal, *, name: str, scopes: Iterable[str], description: str | None = None) -> OwnRole:
    """Make a role in the workshop of `caller`.

    :raises BeyondOwnScopes: it would hold more than the caller. :raises RoleNameTaken: another has the name.
    :raises TooManyRoles: there are a hundred.
    """
    require_holding(caller, scopes)
    role = OwnRole(
        workshop_id=caller.workshop_id,
        name=name,
        folded_name=_folded(name),
        description=description,
        scopes=frozenset(scopes),
    )
    with atomic() as session:
        number = select(func.count()).select_from(OwnRole).where(OwnRole.workshop_id == caller.workshop_id)
        if session.scalars(number).one() >= MOST_ROLES:
            raise TooManyRoles(f"The workshop has {MOST_ROLES} roles.")
        session.add(role)
        _flush(session)
        audit.note("role.made", "role", role.id, after=_told(role))
    return role


def _folded(name: str) -> str:
    """Return a name as names are told apart: without regard to case and to how many blanks there are.

    :raises RoleNameTaken: it is a built-in role's.
    """
    folded = names.folded(name)
    if folded in scopes.ROLES:
        raise RoleNameTaken("A built-in role has this name.")
    return folded


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise RoleNameTaken() from error


def _told(role: OwnRole) -> dict[str, Any]:
    return {"name": role.name, "description": role.description, "scopes": sorted(role.scopes)}


def update(caller: Principal, role_id: int, changes: dict[str, Any], expected: Expected = None) -> OwnRole:
    """Change a role; who has it has what it holds from their very next request on.

    :raises RoleNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises BeyondOwnScopes: it holds, or would hold, more than the caller. :raises RoleNameTaken: another has the name.
    """
    with atomic() as session:
        role = _one(locked(OwnRole), caller.workshop_id, role_id)
        require_version(role, expected)
        require_holding(caller, role.scopes | set(changes.get("scopes", ())))
        before = _told(role)
        if "name" in changes:
            role.name, role.folded_name = changes["name"], _folded(changes["name"])
        if "description" in changes:
            role.description = changes["description"]
        if "scopes" in changes:
            role.scopes = frozenset(changes["scopes"])
        _flush(session)
        sessions.ask_anew(Membership.workshop_id == caller.workshop_id, Membership.role_id == role_id)
        audit.note_change("role.updated", "role", role_id, before, _told(role))
    return role


def remove(caller: Principal, role_id: int, expected: Expected = None) -> None:
    """Remove a role that nobody has. The foreign keys decide that; whoever has left loses it.

    :raises RoleNotFound: unknown here. :raises Stale: not the `expected` version. :raises RoleInUse: somebody has it.
    :raises BeyondOwnScopes: it holds more than the caller.
    """
    with atomic() as session:
        role = _one(locked(OwnRole), caller.workshop_id, role_id)
        require_version(role, expected)
        require_holding(caller, role.scopes)
        session.execute(
            sql_update(Membership)
            .where(
                Membership.workshop_id == caller.workshop_id,
                Membership.role_id == role_id,
                Membership.ended_at.is_not(None),
            )
            .values(role_id=None)
            .execution_options(synchronize_session=False)
        )
        for tell in _TOLD_OF_REMOVAL:
            tell(caller.workshop_id, role_id)
        before = _told(role)
        session.delete(role)
        try:
            session.flush()
        except DBAPIError as error:
            if not is_still_named(error):
                raise
            raise RoleInUse() from error
        audit.note("role.removed", "role", role_id, before=before)
