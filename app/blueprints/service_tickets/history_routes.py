"""What was done to a vehicle, at the vehicle's address."""

from __future__ import annotations

from typing import Any

from app.blueprints.service_tickets import history
from app.blueprints.service_tickets.schemas import HistoryQuery, VisitOut
from app.core import paging
from app.core.contract import Blueprint, limited, needs
from app.core.identity import principal

bp = Blueprint("history", __name__, description="What was done to a vehicle.")


@bp.get("/vehicles/<int:vehicle_id>/history", tags=["vehicles"])
@limited("read")
@needs("tickets:read", "own:read")
@bp.arguments(HistoryQuery, location="query")
@bp.response(200, VisitOut(many=True), ready=True)
def list_vehicle_history(query: dict[str, Any], vehicle_id: int) -> Any:
    """List the visits of a vehicle, the last one first: work, parts with their cost, and what its odometer showed.

    All to staff; to its keeper those that were theirs.
    """
    return paging.answer(history.of(principal(), vehicle_id, paging.walk_of(query)))
