"""Counts of the stock: staff write sheets, count, look at the differences and post them."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for

from app.blueprints.inventory import stocktake_paper, stocktake_reading, stocktakes
from app.blueprints.inventory.stocktake_reading import Told
from app.blueprints.inventory.stocktake_schemas import (
    CountsIn,
    PostingIn,
    StocktakeIn,
    StocktakeLineOut,
    StocktakeLinesQuery,
    StocktakeOut,
    StocktakeQuery,
)
from app.core import paging
from app.core.contract import limited, needs, serves_file
from app.core.errors import NotAllowed
from app.core.identity import principal
from app.core.pdf import PDF
from app.core.preconditions import expected_versions
from app.core.serving import Blueprint

bp = Blueprint("stocktakes", __name__, url_prefix="/inventory/stocktakes", description="Counts of the stock.")


@bp.post("/", tags=["inventory"])
@limited("write")
@needs("stock:write")
@bp.arguments(StocktakeIn)
@bp.response(201, StocktakeOut)
def create_stocktake(wanted: dict[str, Any]) -> tuple[Told, dict[str, str]]:
    """Write a count sheet of what is in a category, in some bins or anywhere: two thousand items at most.

    An item is on one open sheet at a time.
    """
    made = stocktakes.open_sheet(principal().workshop_id, **wanted)
    return made, {"Location": url_for("stocktakes.get_stocktake", stocktake_id=made["id"])}


@bp.get("/", tags=["inventory"])
@limited("inventory_list")
@needs("inventory:read")
@bp.arguments(StocktakeQuery, location="query")
@bp.response(200, StocktakeOut(many=True))
def list_stocktakes(query: dict[str, Any]) -> Any:
    """List the stocktakes, the latest first."""
    return paging.answer(stocktake_reading.find(principal().workshop_id, paging.walk_of(query), **query))


@bp.get("/<int:stocktake_id>", tags=["inventory"])
@limited("read")
@needs("inventory:read")
@bp.response(200, StocktakeOut)
def get_stocktake(stocktake_id: int) -> Told:
    """Show a stocktake, and how far it is."""
    return stocktake_reading.get(principal().workshop_id, stocktake_id)


@bp.get("/<int:stocktake_id>/lines", tags=["inventory"])
@limited("read")
@needs("inventory:read")
@bp.arguments(StocktakeLinesQuery, location="query")
@bp.response(200, StocktakeLineOut(many=True))
def list_stocktake_lines(query: dict[str, Any], stocktake_id: int) -> Any:
    """List the lines of a sheet along the shelves: by bin, then by name; with what was counted and how it differs."""
    walk = paging.walk_of(query)
    return paging.answer(stocktake_reading.lines(principal().workshop_id, stocktake_id, walk, **query))


@bp.get("/<int:stocktake_id>/sheet", tags=["inventory"])
@limited("paper")
@needs("inventory:read")
@serves_file(PDF)
@bp.response(200)
def get_stocktake_sheet(stocktake_id: int) -> Response:
    """Draw a sheet on paper, to count where there is no network: bins, SKUs, names and empty boxes.

    What was counted already stands in its box; what the ledger expects does not.
    """
    number, drawn = stocktake_paper.sheet(principal().workshop_id, stocktake_id)
    answer = Response(drawn, content_type=PDF)
    answer.headers["Content-Disposition"] = f'attachment; filename="count-sheet-{number}.pdf"'
    return answer


@bp.post("/<int:stocktake_id>/counts", tags=["inventory"])
@limited("write")
@needs("stock:write")
@bp.arguments(CountsIn)
@bp.response(200, StocktakeOut)
def count_stock(counted: dict[str, Any], stocktake_id: int) -> Told:
    """Enter what was counted, one item or many, all or nothing; who counts again replaces what was counted before.

    What was counted offline says when: it is compared with what the ledger says of that moment.
    """
    workshop_id = principal().workshop_id
    return stocktakes.count(workshop_id, stocktake_id, **counted, expected=expected_versions())


@bp.post("/<int:stocktake_id>/post", tags=["inventory"])
@limited("write")
@needs("stock:write")
@bp.arguments(PostingIn)
@bp.response(200, StocktakeOut)
def post_stocktake(wanted: dict[str, Any], stocktake_id: int) -> Told:
    """Enter all differences in the ledger as adjustments, or none of them.

    Where fewer would be left than tickets have reserved it is refused, unless those are released: what the newest tickets lack
    then is to be ordered.
    """
    if wanted["release"] and not principal().may("tickets:write"):
        raise NotAllowed("To release what tickets have reserved needs the scope `tickets:write`.")
    workshop_id = principal().workshop_id
    return stocktakes.post(workshop_id, stocktake_id, **wanted, expected=expected_versions())


@bp.post("/<int:stocktake_id>/cancel", tags=["inventory"])
@limited("write")
@needs("stock:write")
@bp.response(200, StocktakeOut)
def cancel_stocktake(stocktake_id: int) -> Told:
    """Give a count up: nothing of it is posted."""
    return stocktakes.cancel(principal().workshop_id, stocktake_id, expected=expected_versions())
