"""Cross-references and replacements of items: staff read them, the owner writes them."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.inventory import references, replacements
from app.blueprints.inventory.reference_models import PartReference
from app.blueprints.inventory.reference_schemas import (
    CrossReferenceIn,
    CrossReferenceOut,
    CrossReferencesQuery,
    ReplacementsOut,
)
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "references",
    __name__,
    url_prefix="/inventory/<int:item_id>",
    description="By which numbers parts are known elsewhere, and what is fitted instead.",
)


@bp.post("/references", tags=["inventory"])
@limited("write")
@needs("inventory:write")
@bp.arguments(CrossReferenceIn)
@bp.response(201, CrossReferenceOut)
def create_cross_reference(reference: dict[str, Any], item_id: int) -> tuple[PartReference, dict[str, str]]:
    """Say by which number an item is known elsewhere; there are a hundred at most.

    Blanks, hyphens, dots and case tell no two numbers apart.
    """
    made = references.add(principal().workshop_id, item_id, **reference)
    return made, {"Location": url_for("references.list_cross_references", item_id=item_id)}


@bp.get("/references", tags=["inventory"])
@limited("read")
@needs("inventory:read")
@bp.arguments(CrossReferencesQuery, location="query")
@bp.response(200, CrossReferenceOut(many=True))
def list_cross_references(query: dict[str, Any], item_id: int) -> Any:
    """List the numbers by which an item is known elsewhere."""
    return paging.answer(references.find(principal().workshop_id, item_id, paging.walk_of(query)))


@bp.delete("/references/<int:reference_id>", tags=["inventory"])
@limited("delete")
@needs("inventory:write")
@bp.response(200, Message)
def delete_cross_reference(item_id: int, reference_id: int) -> dict[str, str]:
    """Say that an item is known by a number no more."""
    references.remove(principal().workshop_id, item_id, reference_id, expected_versions())
    return {"message": f"Cross-reference {reference_id} deleted."}


@bp.get("/replacements", tags=["inventory"])
@limited("read")
@needs("inventory:read")
@bp.response(200, ReplacementsOut)
def show_replacements(item_id: int) -> dict[str, Any]:
    """Show what can be fitted instead of an item, with what there is of it."""
    return dict(replacements.of(principal().workshop_id, item_id))
