"""Suppliers, and what they supply: staff read, the owner writes."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.inventory import suppliers
from app.blueprints.inventory.models import Supplier
from app.blueprints.inventory.supplier_schemas import (
    OfferIn,
    OfferOut,
    SupplierIn,
    SupplierOut,
    SupplierPatch,
    SupplierQuery,
)
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("suppliers", __name__, url_prefix="/inventory", description="Who supplies the parts.")


@bp.post("/suppliers/", tags=["inventory"])
@limited("write")
@needs("suppliers:write")
@bp.arguments(SupplierIn)
@bp.response(201, SupplierOut)
def create_supplier(supplier: dict[str, Any]) -> tuple[Supplier, dict[str, str]]:
    """Record a supplier."""
    made = suppliers.add(principal().workshop_id, **supplier)
    return made, {"Location": url_for("suppliers.get_supplier", supplier_id=made.id)}


@bp.get("/suppliers/", tags=["inventory"])
@limited("inventory_list")
@needs("suppliers:read")
@bp.arguments(SupplierQuery, location="query")
@bp.response(200, SupplierOut(many=True))
def list_suppliers(query: dict[str, Any]) -> Any:
    """List the suppliers."""
    return paging.answer(suppliers.find(principal().workshop_id, paging.walk_of(query), **query))


@bp.get("/suppliers/<int:supplier_id>", tags=["inventory"])
@limited("read")
@needs("suppliers:read")
@bp.response(200, SupplierOut)
def get_supplier(supplier_id: int) -> Supplier:
    """Show a supplier."""
    return suppliers.get(principal().workshop_id, supplier_id)


@bp.put("/suppliers/<int:supplier_id>", tags=["inventory"])
@limited("write")
@needs("suppliers:write")
@bp.arguments(SupplierIn)
@bp.response(200, SupplierOut)
def replace_supplier(changes: dict[str, Any], supplier_id: int) -> Supplier:
    """Replace a supplier."""
    return suppliers.update(principal().workshop_id, supplier_id, changes, expected_versions())


@bp.patch("/suppliers/<int:supplier_id>", tags=["inventory"])
@limited("write")
@needs("suppliers:write")
@bp.arguments(SupplierPatch)
@bp.response(200, SupplierOut)
def patch_supplier(changes: dict[str, Any], supplier_id: int) -> Supplier:
    """Change a supplier."""
    return suppliers.update(principal().workshop_id, supplier_id, changes, expected_versions())


@bp.delete("/suppliers/<int:supplier_id>", tags=["inventory"])
@limited("delete")
@needs("suppliers:write")
@bp.response(200, Message)
def delete_supplier(supplier_id: int) -> dict[str, str]:
    """Remove a supplier that supplies nothing; one that does can be made inactive."""
    suppliers.remove(principal().workshop_id, supplier_id, expected_versions())
    return {"message": f"Supplier {supplier_id} deleted."}


@bp.get("/<int:item_id>/suppliers", tags=["inventory"])
@limited("read")
@needs("suppliers:read")
@bp.response(200, OfferOut(many=True))
def list_item_suppliers(item_id: int) -> list[dict[str, Any]]:
    """List who supplies an item: the preferred one first, then by price; there are fifty at most."""
    return suppliers.offers(principal().workshop_id, item_id)


@bp.put("/<int:item_id>/suppliers/<int:supplier_id>", tags=["inventory"])
@limited("write")
@needs("suppliers:write")
@bp.arguments(OfferIn)
@bp.response(200, OfferOut)
def put_item_supplier(offer: dict[str, Any], item_id: int, supplier_id: int) -> dict[str, Any]:
    """Say that a supplier has an item, under which number and at what price; or change what was said.

    Where it is preferred, no other one is any more.
    """
    return suppliers.put_offer(
        principal().workshop_id, item_id, supplier_id, **offer, expected=expected_versions()
    )


@bp.delete("/<int:item_id>/suppliers/<int:supplier_id>", tags=["inventory"])
@limited("delete")
@needs("suppliers:write")
@bp.response(200, Message)
def delete_item_supplier(item_id: int, supplier_id: int) -> dict[str, str]:
    """Say that a supplier has an item no more."""
    suppliers.remove_offer(principal().workshop_id, item_id, supplier_id, expected_versions())
    return {"message": f"Supplier {supplier_id} does not supply item {item_id} any more."}
