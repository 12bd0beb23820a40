"""Categories of items: staff read them, the owner writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for

from app.blueprints.inventory import categories
from app.blueprints.inventory.category_schemas import CategoryIn, CategoryOut, CategoryPatch
from app.blueprints.inventory.models import PartCategory
from app.core.contract import cached, limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "categories", __name__, url_prefix="/inventory/categories", description="Categories of the parts."
)

READS = ("part_categories",)


@bp.post("/", tags=["inventory"])
@limited("write")
@needs("inventory:write")
@bp.arguments(CategoryIn)
@bp.response(201, CategoryOut)
def create_item_category(category: dict[str, Any]) -> tuple[PartCategory, dict[str, str]]:
    """Add a category, at the top or within another."""
    made = categories.add(principal().workshop_id, **category)
    return made, {"Location": url_for("categories.get_item_category", category_id=made.id)}


@bp.get("/", tags=["inventory"])
@limited("inventory_list")
@needs("inventory:read")
@cached("inventory", reads=READS)
@bp.response(200, CategoryOut(many=True))
def list_item_categories() -> Sequence[PartCategory]:
    """List all categories, by name; there are five hundred at most."""
    return categories.find(principal().workshop_id)


@bp.get("/<int:category_id>", tags=["inventory"])
@limited("read")
@needs("inventory:read")
@cached("inventory", reads=READS)
@bp.response(200, CategoryOut)
def get_item_category(category_id: int) -> PartCategory:
    """Show a category."""
    return categories.get(principal().workshop_id, category_id)


@bp.put("/<int:category_id>", tags=["inventory"])
@limited("write")
@needs("inventory:write")
@bp.arguments(CategoryIn)
@bp.response(200, CategoryOut)
def replace_item_category(changes: dict[str, Any], category_id: int) -> PartCategory:
    """Replace a category: its name, and where it is."""
    return categories.update(principal().workshop_id, category_id, changes, expected_versions())


@bp.patch("/<int:category_id>", tags=["inventory"])
@limited("write")
@needs("inventory:write")
@bp.arguments(CategoryPatch)
@bp.response(200, CategoryOut)
def patch_item_category(changes: dict[str, Any], category_id: int) -> PartCategory:
    """Rename a category, or move it with all that is within it."""
    return categories.update(principal().workshop_id, category_id, changes, expected_versions())


@bp.delete("/<int:category_id>", tags=["inventory"])
@limited("delete")
@needs("inventory:write")
@bp.response(200, Message)
def delete_item_category(category_id: int) -> dict[str, str]:
    """Remove a category in which nothing is."""
    categories.remove(principal().workshop_id, category_id, expected_versions())
    return {"message": f"Category {category_id} deleted."}
