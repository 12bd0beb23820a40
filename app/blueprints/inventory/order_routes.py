"""Purchase orders: staff read them and enter what comes; who may order drafts, orders, sends and cancels."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for

from app.blueprints.inventory import order_paper, orders, proposals, receiving
from app.blueprints.inventory.order_schemas import (
    OrderCancellationIn,
    OrderPlacingIn,
    ProposalsIn,
    ProposalsOut,
    PurchaseOrderBriefOut,
    PurchaseOrderIn,
    PurchaseOrderOut,
    PurchaseOrderPatch,
    PurchaseOrderQuery,
    ReceiptIn,
    ReceiptOut,
)
from app.blueprints.inventory.orders import Told
from app.blueprints.inventory.stock_schemas import MovementOut, MovementsQuery
from app.core import paging
from app.core.contract import limited, needs, serves_file, unversioned
from app.core.identity import principal
from app.core.pdf import PDF
from app.core.preconditions import expected_versions
from app.core.serving import Blueprint

bp = Blueprint(
    "purchase_orders",
    __name__,
    url_prefix="/inventory/purchase_orders",
    description="What is ordered from suppliers.",
)


@bp.post("/", tags=["inventory"])
@limited("write")
@needs("purchasing:write")
@bp.arguments(PurchaseOrderIn)
@bp.response(201, PurchaseOrderOut)
def create_purchase_order(order: Told) -> tuple[Told, dict[str, str]]:
    """Draft an order to a supplier."""
    made = orders.draft(principal().workshop_id, **order)
    return made, {"Location": url_for("purchase_orders.get_purchase_order", order_id=made["id"])}


@bp.get("/", tags=["inventory"])
@limited("inventory_list")
@needs("suppliers:read")
@bp.arguments(PurchaseOrderQuery, location="query")
@bp.response(200, PurchaseOrderBriefOut(many=True))
def list_purchase_orders(query: dict[str, Any]) -> Any:
    """List the orders, the latest first, without their lines."""
    return paging.answer(orders.find(principal().workshop_id, paging.walk_of(query), **query))


@bp.get("/proposals", tags=["inventory"])
@limited("ranking")
@needs("suppliers:read")
@bp.response(200, ProposalsOut)
def list_order_proposals() -> Told:
    """Tell what should be ordered, by supplier: what runs low, and what tickets lack.

    Looked at are the first thousand items of each. What is on the way counts as if it were there.
    """
    return proposals.proposed(principal().workshop_id)


@bp.post("/proposals", tags=["inventory"])
@limited("write")
@needs("purchasing:write")
@unversioned
@bp.arguments(ProposalsIn)
@bp.response(200, ProposalsOut)
def draft_proposed_orders(wanted: dict[str, Any]) -> Told:
    """Draft what should be ordered, an order a supplier.

    What is less than a supplier's least order is told, and not drafted unless `below_minimum` is true.
    """
    return proposals.draft(principal().workshop_id, **wanted)


@bp.get("/<int:order_id>", tags=["inventory"])
@limited("read")
@needs("suppliers:read")
@bp.response(200, PurchaseOrderOut)
def get_purchase_order(order_id: int) -> Told:
    """Show an order with its lines: what came, what is still to come, and how prices changed."""
    return orders.get(principal().workshop_id, order_id)


@bp.put("/<int:order_id>", tags=["inventory"])
@limited("write")
@needs("purchasing:write")
@bp.arguments(PurchaseOrderIn)
@bp.response(200, PurchaseOrderOut)
def replace_purchase_order(changes: Told, order_id: int) -> Told:
    """Replace a draft."""
    return orders.update(principal().workshop_id, order_id, changes, expected_versions())


@bp.patch("/<int:order_id>", tags=["inventory"])
@limited("write")
@needs("purchasing:write")
@bp.arguments(PurchaseOrderPatch)
@bp.response(200, PurchaseOrderOut)
def patch_purchase_order(changes: Told, order_id: int) -> Told:
    """Change a draft. Moved to another supplier, it has that one's prices."""
    return orders.update(principal().workshop_id, order_id, changes, expected_versions())


@bp.post("/<int:order_id>/place", tags=["inventory"])
@limited("write")
@needs("purchasing:write")
@bp.arguments(OrderPlacingIn)
@bp.response(200, PurchaseOrderOut)
def place_purchase_order(wanted: dict[str, Any], order_id: int) -> Told:
    """Order what was drafted."""
    return orders.place(principal().workshop_id, order_id, **wanted, expected=expected_versions())


@bp.post("/<int:order_id>/send", tags=["inventory"])
@limited("write")
@needs("purchasing:write")
@bp.response(200, PurchaseOrderOut)
def send_purchase_order(order_id: int) -> Told:
    """Mail an order to its supplier, as a PDF."""
    return order_paper.send(principal().workshop_id, order_id, expected=expected_versions())


@bp.post("/<int:order_id>/receipts", tags=["inventory"])
@limited("write")
@needs("stock:write")
@bp.arguments(ReceiptIn)
@bp.response(200, ReceiptOut)
def receive_purchase_order(receipt: dict[str, Any], order_id: int) -> Told:
    """Enter what came of an order, all or nothing.

    It is compared with what is still expected and with the control totals, and enters the ledger at what it cost. What one
    cost is what the supplier asks from now on, but for what came for nothing. What tickets wait for is set aside for them at
    once, the earliest day first.
    """
    return receiving.receive(principal().workshop_id, order_id, **receipt, expected=expected_versions())


@bp.post("/<int:order_id>/cancel", tags=["inventory"])
@limited("write")
@needs("purchasing:write")
@bp.arguments(OrderCancellationIn)
@bp.response(200, PurchaseOrderOut)
def cancel_purchase_order(wanted: dict[str, Any], order_id: int) -> Told:
    """Cancel what did not come of an order; where something did, the order counts as received."""
    return orders.cancel(principal().workshop_id, order_id, **wanted, expected=expected_versions())


@bp.get("/<int:order_id>/movements", tags=["inventory"])
@limited("read")
@needs("suppliers:read")
@bp.arguments(MovementsQuery(exclude=("kind",)), location="query")
@bp.response(200, MovementOut(many=True))
def list_order_movements(query: dict[str, Any], order_id: int) -> Any:
    """List what the ledger says came of an order, the latest first."""
    return paging.answer(receiving.movements(principal().workshop_id, order_id, paging.walk_of(query)))


@bp.get("/<int:order_id>/pdf", tags=["inventory"])
@limited("paper")
@needs("suppliers:read")
@serves_file(PDF)
@bp.response(200)
def get_purchase_order_pdf(order_id: int) -> Response:
    """Show an order on paper, in the workshop's language."""
    number, drawn = order_paper.paper(principal().workshop_id, order_id)
    answer = Response(drawn, content_type=PDF)
    answer.headers["Content-Disposition"] = f'attachment; filename="order-{number}.pdf"'
    return answer
