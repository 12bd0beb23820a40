"""Mechanics: the owner keeps them; staff see them, a customer sees their names."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from app.blueprints.mechanics import service
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.mechanics.schemas import (
    MechanicIn,
    MechanicOut,
    MechanicPatch,
    MechanicQuery,
    MechanicReplacement,
    MechanicSearchQuery,
)
from app.core import paging
from app.core.contract import cached, limited, needs, unversioned
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("mechanics", __name__, url_prefix="/mechanics", description="The people who do the work.")

READS = ("mechanics",)


@bp.post("/")
@limited("write")
@needs("mechanics:write")
@bp.arguments(MechanicIn)
@bp.response(201, MechanicOut)
def create_mechanic(mechanic: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Add a mechanic; with a password they can sign in."""
    made = service.hire(principal().workshop_id, **mechanic, by=principal())
    return _shown(made), {"Location": url_for("mechanics.get_mechanic", mechanic_id=made.id)}


@bp.get("/")
@limited("mechanics_list")
@needs("mechanics:names", "mechanics:read")
@cached("mechanics", reads=READS)
@bp.arguments(MechanicQuery, location="query")
@bp.response(200, MechanicOut(many=True))
def list_mechanics(query: dict[str, Any]) -> Any:
    """List the mechanics who work here; staff also those who have left, and by skill."""
    return _page(query)


@bp.get("/search")
@limited("mechanics_list")
@needs("mechanics:names", "mechanics:read")
@cached("mechanics", reads=READS)
@bp.arguments(MechanicSearchQuery, location="query")
@bp.response(200, MechanicOut(many=True))
def search_mechanics(query: dict[str, Any]) -> Any:
    """Find mechanics by name, or part of it."""
    return _page(query)


def _page(query: dict[str, Any]) -> Any:
    page = service.find(principal(), paging.walk_of(query), **query)
    rows, headers = paging.answer(page)
    return [_shown(mechanic) for mechanic in rows], headers


def _shown(mechanic: Mechanic) -> dict[str, Any]:
    return service.visible(mechanic, principal())


@bp.get("/<int:mechanic_id>")
@limited("read")
@needs("mechanics:names", "mechanics:read")
@cached("mechanics", reads=READS)
@bp.response(200, MechanicOut)
def get_mechanic(mechanic_id: int) -> dict[str, Any]:
    """Show a mechanic."""
    return _shown(service.get(principal().workshop_id, mechanic_id))


@bp.put("/<int:mechanic_id>")
@limited("write")
@needs("mechanics:write")
@bp.arguments(MechanicReplacement)
@bp.response(200, MechanicOut)
def replace_mechanic(changes: dict[str, Any], mechanic_id: int) -> dict[str, Any]:
    """Replace a mechanic's record.

    Another address or password is for who holds no less than the mechanic. The address is asked about at both ends before they
    sign in with it; they are told by mail of another password.
    """
    return _updated(mechanic_id, changes)


@bp.patch("/<int:mechanic_id>")
@limited("write")
@needs("mechanics:write")
@bp.arguments(MechanicPatch)
@bp.response(200, MechanicOut)
def patch_mechanic(changes: dict[str, Any], mechanic_id: int) -> dict[str, Any]:
    """Change a mechanic's record.

    Another address or password is for who holds no less than the mechanic. The address is asked about at both ends before they
    sign in with it; they are told by mail of another password.
    """
    return _updated(mechanic_id, changes)


def _updated(mechanic_id: int, changes: dict[str, Any]) -> dict[str, Any]:
    caller = principal()
    changed = service.update(
        caller.workshop_id, mechanic_id, changes, expected_versions(), by=caller, address=request.remote_addr
    )
    return _shown(changed)


@bp.delete("/<int:mechanic_id>")
@limited("mechanics_delete")
@needs("mechanics:write")
@bp.response(200, Message)
def delete_mechanic(mechanic_id: int) -> dict[str, str]:
    """Let a mechanic leave.

    The sign-in ends and no new work can be assigned; the tickets keep the name.
    """
    service.leave(principal().workshop_id, mechanic_id, expected_versions(), by=principal())
    return {"message": f"Mechanic {mechanic_id} deleted."}


@bp.post("/<int:mechanic_id>/unlock")
@limited("write")
@needs("mechanics:write")
@unversioned
@bp.response(200, Message)
def unlock_mechanic(mechanic_id: int) -> dict[str, str]:
    """Let a mechanic sign in at once who failed too often.

    What was counted against their address, their number and their second factor is forgotten.
    """
    service.unlock(principal(), mechanic_id)
    return {"message": f"Mechanic {mechanic_id} may sign in again."}


@bp.delete("/<int:mechanic_id>/second_factor")
@limited("delete")
@needs("mechanics:write")
@unversioned
@bp.response(200, Message)
@bp.alt_response(409, description="The account serves another workshop too.")
def delete_mechanic_second_factor(mechanic_id: int) -> dict[str, str]:
    """Switch off the second factor of a mechanic who has lost it; they are told by mail."""
    service.take_second_factor_away(principal(), mechanic_id)
    return {"message": f"The second factor of mechanic {mechanic_id} is switched off."}
