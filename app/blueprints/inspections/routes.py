"""Inspections of a ticket: staff make them, the owner validates, the customer sees what is validated."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.attachments.linking import with_links
from app.blueprints.inspections import service
from app.blueprints.inspections.schemas import (
    FindingsIn,
    InspectionFinishIn,
    InspectionIn,
    InspectionOut,
    InspectionQuery,
    InspectionWholeOut,
)
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "inspections",
    __name__,
    url_prefix="/service_tickets/<int:ticket_id>/inspections",
    description="What was looked at in a car, and how it was.",
)

Inspection = dict[str, Any]


@bp.post("/")
@limited("write")
@needs("tickets:write")
@bp.arguments(InspectionIn)
@bp.response(201, InspectionWholeOut)
def create_inspection(wanted: dict[str, Any], ticket_id: int) -> tuple[Inspection, dict[str, str]]:
    """Begin an inspection from a template. A ticket has one at a time that is not validated."""
    made = service.begin(principal(), ticket_id, **wanted)
    place = url_for("inspections.get_inspection", ticket_id=ticket_id, inspection_id=made["id"])
    return _linked(made), {"Location": place}


@bp.get("/")
@limited("read")
@needs("tickets:read", "own:read")
@bp.arguments(InspectionQuery, location="query")
@bp.response(200, InspectionOut(many=True))
def list_inspections(query: dict[str, Any], ticket_id: int) -> Any:
    """List a ticket's inspections: all to staff, to its customer those that are validated."""
    return paging.answer(service.find(principal(), ticket_id, paging.walk_of(query)))


@bp.get("/<int:inspection_id>")
@limited("read")
@needs("tickets:read", "own:read")
@bp.response(200, InspectionWholeOut)
def get_inspection(ticket_id: int, inspection_id: int) -> Inspection:
    """Show an inspection with its points, and the work that it recommends; to the customer once it is validated."""
    return _linked(service.get(principal(), ticket_id, inspection_id))


@bp.delete("/<int:inspection_id>")
@limited("delete")
@needs("tickets:write")
@bp.response(200, Message)
def delete_inspection(ticket_id: int, inspection_id: int) -> dict[str, str]:
    """Throw an inspection away that is not validated, with what it recommends, as long as nothing became of that."""
    service.discard(principal(), ticket_id, inspection_id, expected_versions())
    return {"message": f"Inspection {inspection_id} deleted."}


@bp.post("/<int:inspection_id>/points")
@limited("write")
@needs("tickets:write")
@bp.arguments(FindingsIn)
@bp.response(200, InspectionWholeOut)
def check_inspection_points(findings: dict[str, Any], ticket_id: int, inspection_id: int) -> Inspection:
    """Write down how some points are, with a note, photos and who looked; all of them or none."""
    return _linked(
        service.check(principal(), ticket_id, inspection_id, findings["points"], expected_versions())
    )


@bp.post("/<int:inspection_id>/finish")
@limited("write")
@needs("tickets:write")
@bp.arguments(InspectionFinishIn)
@bp.response(200, InspectionWholeOut)
def finish_inspection(finish: dict[str, Any], ticket_id: int, inspection_id: int) -> Inspection:
    """Say that an inspection is done: it waits for validation, or is validated by the workshop's setting."""
    return _linked(
        service.finish(principal(), ticket_id, inspection_id, **finish, expected=expected_versions())
    )


@bp.post("/<int:inspection_id>/validate")
@limited("write")
@needs("tickets:oversee")
@bp.response(200, InspectionWholeOut)
def validate_inspection(ticket_id: int, inspection_id: int) -> Inspection:
    """Let the customer see an inspection. Nothing of it changes any more."""
    return _linked(service.validate(principal(), ticket_id, inspection_id, expected_versions()))


def _linked(inspection: Inspection) -> Inspection:
    return inspection | {"points": [with_links(point) for point in inspection["points"]]}
