"""Inventory: staff read it, the owner writes it."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for

from app.blueprints.inventory import labels, service
from app.blueprints.inventory.models import Part
from app.blueprints.inventory.schemas import (
    InventoryItemIn,
    InventoryItemOut,
    InventoryItemPatch,
    InventoryItemReplacement,
    InventoryQuery,
    LabelsQuery,
    LookupQuery,
)
from app.core import paging
from app.core.contract import cached, limited, needs, serves_file
from app.core.identity import principal
from app.core.pdf import PDF
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "inventory", __name__, url_prefix="/inventory", description="The parts, their prices and their stock."
)

READS = ("parts", "part_categories", "part_references", "part_suppliers")


@bp.post("/")
@limited("write")
@needs("inventory:write")
@bp.arguments(InventoryItemIn)
@bp.response(201, InventoryItemOut)
def create_inventory_item(item: dict[str, Any]) -> tuple[Part, dict[str, str]]:
    """Add an item."""
    made = service.add(principal().workshop_id, **item)
    return made, {"Location": url_for("inventory.get_inventory_item", item_id=made.id)}


@bp.get("/")
@limited("inventory_list")
@needs("inventory:read")
@cached("inventory", reads=READS)
@bp.arguments(InventoryQuery, location="query")
@bp.response(200, InventoryItemOut(many=True))
def list_inventory(query: dict[str, Any]) -> Any:
    """List the items."""
    return paging.answer(service.find(principal().workshop_id, paging.walk_of(query), **query))


@bp.get("/lookup")
@limited("read")
@needs("inventory:read")
@bp.arguments(LookupQuery, location="query")
@bp.response(200, InventoryItemOut)
@bp.alt_response(404, description="No item has the code, or several have it as a cross-reference.")
def look_up_inventory_item(query: dict[str, Any]) -> Part:
    """Find the item with a scanned code: its barcode, or else its SKU, or else a cross-reference that it alone has.

    A SKU is to be whole, a cross-reference may be written in any way; where several items have that one,
    `GET /inventory?number=` lists them.
    """
    return service.look_up(principal().workshop_id, query["code"])


@bp.get("/labels")
@limited("paper")
@needs("inventory:read")
@serves_file(PDF)
@bp.arguments(LabelsQuery, location="query")
@bp.response(200)
@bp.alt_response(404, description="An item is unknown.")
@bp.alt_response(409, description="An item has nothing to scan.")
def get_labels(query: dict[str, Any]) -> Response:
    """Draw a sheet of labels, each with a code that `GET /inventory/lookup` finds the item by."""
    drawn = labels.sheets(principal().workshop_id, query.pop("items"), **query)
    answer = Response(drawn, content_type=PDF)
    answer.headers["Content-Disposition"] = 'attachment; filename="labels.pdf"'
    return answer


@bp.get("/<int:item_id>")
@limited("read")
@needs("inventory:read")
@cached("inventory", reads=("parts",))
@bp.response(200, InventoryItemOut)
def get_inventory_item(item_id: int) -> Part:
    """Show an item."""
    return service.get(principal().workshop_id, item_id)


@bp.put("/<int:item_id>")
@limited("write")
@needs("inventory:write")
@bp.arguments(InventoryItemReplacement)
@bp.response(200, InventoryItemOut)
def replace_inventory_item(changes: dict[str, Any], item_id: int) -> Part:
    """Replace an item.

    What is left out is empty afterwards, but for `on_hand`: stock moves by intent alone, and stays as it is.
    """
    return service.update(principal().workshop_id, item_id, changes, expected_versions())


@bp.patch("/<int:item_id>")
@limited("write")
@needs("inventory:write")
@bp.arguments(InventoryItemPatch)
@bp.response(200, InventoryItemOut)
def patch_inventory_item(changes: dict[str, Any], item_id: int) -> Part:
    """Change an item."""
    return service.update(principal().workshop_id, item_id, changes, expected_versions())


@bp.delete("/<int:item_id>")
@limited("delete")
@needs("inventory:write")
@bp.response(200, Message)
def delete_inventory_item(item_id: int) -> dict[str, str]:
    """Take an item out of the inventory, of which none is on hand and for which no ticket waits; tickets that have it keep it.

    `GET /inventory?archived=true` lists it from then on. What others are replaced by stays, as long as they are.
    """
    service.remove(principal().workshop_id, item_id, expected_versions())
    return {"message": f"Inventory item {item_id} deleted."}


@bp.post("/<int:item_id>/restore")
@limited("write")
@needs("inventory:write")
@bp.response(200, InventoryItemOut)
def restore_inventory_item(item_id: int) -> Part:
    """Take an item into the inventory again; refused while another one has its SKU or barcode."""
    return service.restore(principal().workshop_id, item_id, expected_versions())
