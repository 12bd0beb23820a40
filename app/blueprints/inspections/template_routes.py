"""Templates of inspections: staff read them, the owner makes them."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.inspections import templates
from app.blueprints.inspections.schemas import (
    InspectionTemplateIn,
    InspectionTemplateOut,
    InspectionTemplateQuery,
    InspectionTemplateWholeOut,
    ReferenceTemplateOut,
)
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "inspection_templates",
    __name__,
    url_prefix="/inspections/templates",
    description="What a workshop looks at in a car.",
)


@bp.get("/", tags=["inspections"])
@limited("read")
@needs("tickets:read")
@bp.arguments(InspectionTemplateQuery, location="query")
@bp.response(200, InspectionTemplateOut(many=True))
def list_inspection_templates(query: dict[str, Any]) -> Any:
    """List the workshop's own templates."""
    return paging.answer(templates.find(principal().workshop_id, paging.walk_of(query)))


@bp.get("/reference", tags=["inspections"])
@limited("read")
@needs("tickets:read")
@bp.response(200, ReferenceTemplateOut)
def get_reference_inspection_template() -> dict[str, Any]:
    """Show the template of 40 points that every workshop has until it makes its own."""
    return templates.shipped()


@bp.post("/", tags=["inspections"])
@limited("write")
@needs("workshop:write")
@bp.arguments(InspectionTemplateIn)
@bp.response(201, InspectionTemplateWholeOut)
def create_inspection_template(template: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Make a template. Where it is the standard one, no other is any more."""
    made = templates.add(principal().workshop_id, **template)
    place = url_for("inspection_templates.get_inspection_template", template_id=made["id"])
    return made, {"Location": place}


@bp.get("/<int:template_id>", tags=["inspections"])
@limited("read")
@needs("tickets:read")
@bp.response(200, InspectionTemplateWholeOut)
def get_inspection_template(template_id: int) -> dict[str, Any]:
    """Show a template with what it has looked at."""
    return templates.get(principal().workshop_id, template_id)


@bp.put("/<int:template_id>", tags=["inspections"])
@limited("write")
@needs("workshop:write")
@bp.arguments(InspectionTemplateIn)
@bp.response(200, InspectionTemplateWholeOut)
def replace_inspection_template(template: dict[str, Any], template_id: int) -> dict[str, Any]:
    """Replace a template. Inspections that were begun from it stay as they are."""
    return templates.replace(principal().workshop_id, template_id, **template, expected=expected_versions())


@bp.delete("/<int:template_id>", tags=["inspections"])
@limited("delete")
@needs("workshop:write")
@bp.response(200, Message)
def delete_inspection_template(template_id: int) -> dict[str, str]:
    """Remove a template. Inspections that were begun from it stay."""
    templates.remove(principal().workshop_id, template_id, expected_versions())
    return {"message": f"Inspection template {template_id} deleted."}
