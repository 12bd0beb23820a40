"""The ledger of the stock, what runs low and what it is worth: staff read it and enter what they move."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.inventory import digests as digests  # for its job
from app.blueprints.inventory import reports, stock
from app.blueprints.inventory.models import StockMovement
from app.blueprints.inventory.stock_schemas import (
    MovementIn,
    MovementOut,
    MovementsQuery,
    RaisedAlertOut,
    RaisedAlertsQuery,
    SlowMoverOut,
    SlowMoversQuery,
    StockAlertOut,
    StockAlertQuery,
    ValuationOut,
    ValuationQuery,
)
from app.core import paging
from app.core.contract import cached, limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.serving import Blueprint

bp = Blueprint("stock", __name__, url_prefix="/inventory", description="The ledger of the stock.")


@bp.get("/<int:item_id>/movements", tags=["inventory"])
@limited("read")
@needs("inventory:read")
@bp.arguments(MovementsQuery, location="query")
@bp.response(200, MovementOut(many=True))
def list_stock_movements(query: dict[str, Any], item_id: int) -> Any:
    """List the movements of an item's stock, the latest first.

    Of an item that was taken out too: its ledger stays.
    """
    walk = paging.walk_of(query)
    return paging.answer(stock.movements(principal().workshop_id, item_id, walk, **query))


@bp.post("/<int:item_id>/movements", tags=["inventory"])
@limited("write")
@needs("stock:write")
@bp.arguments(MovementIn)
@bp.response(201, MovementOut)
def create_stock_movement(movement: dict[str, Any], item_id: int) -> tuple[StockMovement, dict[str, str]]:
    """Receive, return, adjust, value, transfer or write off stock of an item, or sell it over the counter.

    What tickets take and give back is entered by itself, and so is another bin that an item is given.
    """
    made = stock.move(principal().workshop_id, item_id, **movement, expected=expected_versions())
    return made, {"Location": url_for("stock.list_stock_movements", item_id=item_id)}


@bp.get("/stock-alerts", tags=["inventory"])
@limited("inventory_list")
@needs("inventory:read")
@cached("inventory", reads=("parts", "stock_alerts", "purchase_order_lines"))
@bp.arguments(StockAlertQuery, location="query")
@bp.response(200, StockAlertOut(many=True))
def list_stock_alerts(query: dict[str, Any]) -> Any:
    """List the items of which too few are there: none, fewer than the minimum, or as many.

    An alert is raised once as long as it holds, by the movement that brings it about, and resolved by the one that ends it.
    What is new each morning at seven, by the workshop's clock, is mailed to those who order.
    """
    return paging.answer(reports.alerts(principal().workshop_id, paging.walk_of(query), **query))


@bp.get("/stock-alerts/history", tags=["inventory"])
@limited("inventory_list")
@needs("inventory:read")
@bp.arguments(RaisedAlertsQuery, location="query")
@bp.response(200, RaisedAlertOut(many=True))
def list_raised_stock_alerts(query: dict[str, Any]) -> Any:
    """List the alerts that were ever raised, the latest first: of which item, since when and until when."""
    return paging.answer(reports.raised_alerts(principal().workshop_id, paging.walk_of(query), **query))


@bp.get("/slow-movers", tags=["inventory"])
@limited("ranking")
@needs("reports:read")
@bp.arguments(SlowMoversQuery, location="query")
@bp.response(200, SlowMoverOut(many=True))
def list_slow_movers(query: dict[str, Any]) -> Any:
    """List the items that lie there: some are on hand, and none was sold for so many days; with what they cost."""
    return paging.answer(reports.slow_movers(principal().workshop_id, paging.walk_of(query), **query))


@bp.get("/valuation", tags=["inventory"])
@limited("ranking")
@needs("reports:read")
@bp.arguments(ValuationQuery, location="query")
@bp.response(200, ValuationOut)
def get_stock_valuation(query: dict[str, Any]) -> dict[str, Any]:
    """Tell what the stock had cost that is on hand, or was at some time."""
    return reports.valuation(principal().workshop_id, **query)
