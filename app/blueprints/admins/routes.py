"""The admins of the installation: each made, and dismissed, by another."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.accounts.models import Account
from app.blueprints.admins import service
from app.blueprints.admins.schemas import AdminIn, AdminOut, AdminPatch, AdminQuery
from app.core import paging
from app.core.contract import limited, needs, unversioned
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("admins", __name__, url_prefix="/admins", description="The admins of the installation.")


@bp.get("/")
@limited("read")
@needs("admins:read")
@bp.arguments(AdminQuery, location="query")
@bp.response(200, AdminOut(many=True))
def list_admins(query: dict[str, Any]) -> Any:
    """List the admins of the installation."""
    return paging.answer(service.find(paging.walk_of(query)))


@bp.post("/")
@limited("write")
@needs("admins:write")
@unversioned
@bp.arguments(AdminIn)
@bp.response(201, AdminOut)
def create_admin(wanted: dict[str, Any]) -> tuple[Account, dict[str, str]]:
    """Make somebody an admin.

    Who has an account keeps its password. Who has none is sent a letter with a link that sets one, good for 72 hours; after
    that POST /auth/recovery does.
    """
    made = service.add(**wanted)
    return made, {"Location": url_for("admins.get_admin", admin_id=made.id)}


@bp.get("/<int:admin_id>")
@limited("read")
@needs("admins:read")
@bp.response(200, AdminOut)
def get_admin(admin_id: int) -> Account:
    """Show an admin."""
    return service.get(admin_id)


@bp.patch("/<int:admin_id>")
@limited("write")
@needs("admins:write")
@unversioned
@bp.arguments(AdminPatch)
@bp.response(200, AdminOut)
@bp.alt_response(409, description="The address is another's, or theirs alone to change.")
def patch_admin(changes: dict[str, Any], admin_id: int) -> Account:
    """Change what an admin is called.

    The address too, until they have set a password or belong to a workshop; the letter then goes to the new one. Afterwards it
    is theirs to change.
    """
    return service.update(admin_id, changes)


@bp.delete("/<int:admin_id>")
@limited("delete")
@needs("admins:write")
@unversioned
@bp.response(200, Message)
@bp.alt_response(409, description="It is the last admin who can sign in.")
def delete_admin(admin_id: int) -> dict[str, str]:
    """Dismiss an admin: what they do as one ends at once.

    Their account stays where they belong to a workshop, and is closed else. The last one who can sign in stays.
    """
    service.remove(admin_id)
    return {"message": f"Account {admin_id} is no admin any more."}
