"""Rankings, at the addresses of what they rank."""

from __future__ import annotations

from typing import Any

from app.blueprints.service_tickets import usage
from app.blueprints.service_tickets.schemas import ItemUsageOut, MechanicUsageOut, UsageQuery
from app.core.contract import Blueprint, cached, limited, needs
from app.core.identity import principal

bp = Blueprint("usage", __name__, description="Rankings.")

TOP = 3


@bp.get("/mechanics/usage", tags=["mechanics"])
@limited("ranking")
@needs("reports:read")
@cached("rankings", reads=("mechanics", "service_tickets", "service_ticket_mechanics"))
@bp.arguments(UsageQuery, location="query")
@bp.response(200, MechanicUsageOut(many=True))
def rank_mechanics(query: dict[str, Any]) -> list[dict[str, Any]]:
    """Rank the mechanics by their tickets in a period."""
    return usage.mechanics_by_tickets(principal().workshop_id, **query)


@bp.get("/mechanics/top-3-mechanics", tags=["mechanics"])
@limited("ranking")
@needs("reports:read")
@cached("rankings", reads=("mechanics", "service_ticket_mechanics"))
@bp.response(200, MechanicUsageOut(many=True))
def top_mechanics() -> list[dict[str, Any]]:
    """Name the three mechanics with the most tickets."""
    return usage.mechanics_by_tickets(principal().workshop_id, limit=TOP)


@bp.get("/inventory/usage", tags=["inventory"])
@limited("ranking")
@needs("reports:read")
@cached("rankings", reads=("parts", "service_tickets", "service_ticket_parts"))
@bp.arguments(UsageQuery, location="query")
@bp.response(200, ItemUsageOut(many=True))
def rank_inventory(query: dict[str, Any]) -> list[dict[str, Any]]:
    """Rank the inventory items by the quantity that went on tickets in a period."""
    return usage.parts_by_quantity(principal().workshop_id, **query)
