"""Workshops: anybody looks into the directory, an owner keeps their own entry, an admin opens and suspends them."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.workshops import directory, nearby, service
from app.blueprints.workshops.schemas import (
    ClosingQuery,
    NearbyOut,
    NearbyQuery,
    WorkshopForOwnerIn,
    WorkshopIn,
    WorkshopOut,
    WorkshopPatch,
    WorkshopsQuery,
)
from app.core import paging
from app.core.contract import limited, needs, public, public_recognising_members
from app.core.identity import principal, principal_if_admitted
from app.core.preconditions import expected_versions
from app.core.schema import Message, ReasonIn
from app.core.serving import Blueprint

bp = Blueprint("workshops", __name__, url_prefix="/workshops", description="The workshops.")


@bp.get("/")
@limited("directory")
@public_recognising_members
@bp.arguments(WorkshopsQuery, location="query")
@bp.response(200, WorkshopOut(many=True), ready=True)
def list_workshops(query: dict[str, Any]) -> Any:
    """List the workshops of the public directory.

    An admin of the installation sees all there are, with the state of each.
    """
    return _page(directory.find(paging.walk_of(query), principal_if_admitted(), **query))


@bp.post("/")
@limited("write")
@needs("workshops:open")
@bp.arguments(WorkshopForOwnerIn)
@bp.response(201, WorkshopOut, ready=True)
def open_workshop(wanted: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Open a workshop for its owner.

    Whoever has the address owns it. Without an account they get one, and a letter by which they set its password.
    """
    opened = service.open_for(**wanted)
    return directory.get_with_state(opened.id), {
        "Location": url_for("workshops.get_workshop", workshop_id=opened.id)
    }


@bp.get("/nearby")
@limited("directory")
@public
@bp.arguments(NearbyQuery, location="query")
@bp.response(200, NearbyOut(many=True), ready=True)
def list_workshops_nearby(query: dict[str, Any]) -> Any:
    """List the workshops around a place, the nearest first.

    Distances go along great circles on a sphere of 6,371 km. Without `radius` it is 25 km.
    """
    return _page(nearby.find(paging.walk_of(query), **query))


def _page(page: paging.Page) -> Any:
    entries, headers = paging.answer(page)
    for entry in entries:
        entry.pop("version")
    return entries, headers


@bp.get("/<int:workshop_id>")
@limited("read")
@public_recognising_members
@bp.response(200, WorkshopOut, ready=True)
def get_workshop(workshop_id: int) -> dict[str, Any]:
    """Show a workshop.

    Anybody sees one that is listed, its members see it in any case; tax settings and `listed` are shown to its owner. An admin
    of the installation sees every one, and the state that it is in.
    """
    return directory.get(workshop_id, principal_if_admitted())


@bp.put("/<int:workshop_id>")
@limited("write")
@needs("workshop:write")
@bp.arguments(WorkshopIn)
@bp.response(200, WorkshopOut, ready=True)
def replace_workshop(changes: dict[str, Any], workshop_id: int) -> dict[str, Any]:
    """Replace a workshop's entry and settings."""
    return _change(workshop_id, changes)


@bp.patch("/<int:workshop_id>")
@limited("write")
@needs("workshop:write")
@bp.arguments(WorkshopPatch)
@bp.response(200, WorkshopOut, ready=True)
def patch_workshop(changes: dict[str, Any], workshop_id: int) -> dict[str, Any]:
    """Change a workshop's entry and settings."""
    return _change(workshop_id, changes)


def _change(workshop_id: int, changes: dict[str, Any]) -> dict[str, Any]:
    own = service.require_own(principal().workshop_id, workshop_id)
    service.update(own, changes, expected_versions())
    return directory.get(own, principal())


@bp.delete("/<int:workshop_id>")
@limited("delete")
@needs("workshop:write")
@bp.arguments(ClosingQuery, location="query")
@bp.response(200, Message)
def delete_workshop(confirmation: dict[str, Any], workshop_id: int) -> dict[str, str]:
    """Close a workshop for good.

    It leaves the directory and nobody signs in to it any more; tickets and what belongs to them are kept. Refused while
    tickets are open.
    """
    own = service.require_own(principal().workshop_id, workshop_id)
    service.close(own, **confirmation, expected=expected_versions())
    return {"message": f"Workshop {own} closed."}


@bp.post("/<int:workshop_id>/suspend")
@limited("write")
@needs("workshops:suspend")
@bp.arguments(ReasonIn)
@bp.response(200, WorkshopOut, ready=True)
def suspend_workshop(why: dict[str, str], workshop_id: int) -> dict[str, Any]:
    """Suspend a workshop.

    From the next request on its people are refused, nobody signs in to it or registers there, the directory leaves it out
    and its mail waits. Its owners are told by mail, with the reason.
    """
    service.suspend(workshop_id, why["reason"], expected_versions())
    return directory.get_with_state(workshop_id)


@bp.post("/<int:workshop_id>/reinstate")
@limited("write")
@needs("workshops:suspend")
@bp.response(200, WorkshopOut, ready=True)
def reinstate_workshop(workshop_id: int) -> dict[str, Any]:
    """Reinstate a suspended workshop: it goes on as it was."""
    service.reinstate(workshop_id, expected_versions())
    return directory.get_with_state(workshop_id)
