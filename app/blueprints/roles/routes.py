"""Roles: the built-in ones, and those that an owner makes of scopes."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.accounts.models import OwnRole
from app.blueprints.roles import service
from app.blueprints.roles.schemas import RoleIn, RoleOut, RolePatch, RolesOut
from app.core import scopes
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("roles", __name__, url_prefix="/roles", description="What people may do in a workshop.")


@bp.get("/")
@limited("roles_list")
@needs("roles:read")
@bp.response(200, RolesOut)
def list_roles() -> dict[str, Any]:
    """List the roles, built-in and the workshop's own, and what each scope lets one do."""
    return {
        "built_in": [
            {"role": role, "description": text, "scopes": sorted(scopes.of_role(role))}
            for role, text in service.BUILT_IN.items()
        ],
        "own": service.find(principal().workshop_id),
        "scopes": [
            {
                "scope": name,
                "description": scopes.SCOPES[name][0],
                "grantable": name in scopes.GRANTABLE,
            }
            for name in scopes.OF_A_WORKSHOP
        ],
    }


@bp.post("/")
@limited("write")
@needs("roles:write")
@bp.arguments(RoleIn)
@bp.response(201, RoleOut)
@bp.alt_response(403, description="It would hold more than the caller.")
def create_role(role: dict[str, Any]) -> tuple[OwnRole, dict[str, str]]:
    """Make a role of scopes that the caller has.

    A member has it by PUT /members/{member_id}/role with `staff` and its id.
    """
    made = service.make(principal(), **role)
    return made, {"Location": url_for("roles.get_role", role_id=made.id)}


@bp.get("/<int:role_id>")
@limited("read")
@needs("roles:read")
@bp.response(200, RoleOut)
def get_role(role_id: int) -> OwnRole:
    """Show a role of the workshop's own."""
    return service.get(principal().workshop_id, role_id)


@bp.put("/<int:role_id>")
@limited("write")
@needs("roles:write")
@bp.arguments(RoleIn)
@bp.response(200, RoleOut)
def replace_role(changes: dict[str, Any], role_id: int) -> OwnRole:
    """Replace a role.

    Who has it has what it holds from their next request on.
    """
    return service.update(principal(), role_id, changes, expected_versions())


@bp.patch("/<int:role_id>")
@limited("write")
@needs("roles:write")
@bp.arguments(RolePatch)
@bp.response(200, RoleOut)
def patch_role(changes: dict[str, Any], role_id: int) -> OwnRole:
    """Change a role.

    Who has it has what it holds from their next request on.
    """
    return service.update(principal(), role_id, changes, expected_versions())


@bp.delete("/<int:role_id>")
@limited("delete")
@needs("roles:write")
@bp.response(200, Message)
def delete_role(role_id: int) -> dict[str, str]:
    """Remove a role that nobody has."""
    service.remove(principal(), role_id, expected_versions())
    return {"message": f"Role {role_id} deleted."}
