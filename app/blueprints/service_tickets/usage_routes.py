"""Rankings, at the addresses of what they rank."""

from __future__ import annotations

from typing import Any

from app.blueprints.service_tickets import usage
from app.blueprints.service_tickets.usage_schemas import (
    ItemUsageOut,
    ItemUsageQuery,
    MechanicUsageOut,
    UsageQuery,
)
from app.core.contract import cached, limited, needs
from app.core.identity import principal
from app.core.serving import Blueprint

bp = Blueprint("usage", __name__, description="Rankings.")

TOP = 3
USED = (
    "parts", "service_tickets", "service_ticket_lines", "vehicles", "mechanics", "service_ticket_mechanics",
)  # fmt: skip


@bp.get("/mechanics/usage", tags=["mechanics"])
@limited("ranking")
@needs("reports:read")
@cached("rankings", reads=("mechanics", "service_tickets", "service_ticket_mechanics"))
@bp.arguments(UsageQuery, location="query")
@bp.response(200, MechanicUsageOut(many=True))
def rank_mechanics(query: dict[str, Any]) -> list[dict[str, Any]]:
    """Rank the mechanics by their tickets in a period; cancelled ones do not count."""
    return usage.mechanics_by_tickets(principal().workshop_id, **query)


@bp.get("/mechanics/top-3-mechanics", tags=["mechanics"])
@limited("ranking")
@needs("reports:read")
@cached("rankings", reads=("mechanics", "service_tickets", "service_ticket_mechanics"))
@bp.response(200, MechanicUsageOut(many=True))
def top_mechanics() -> list[dict[str, Any]]:
    """Name the three mechanics with the most tickets; cancelled ones do not count."""
    return usage.mechanics_by_tickets(principal().workshop_id, limit=TOP)


@bp.get("/inventory/usage", tags=["inventory"])
@limited("ranking")
@needs("reports:read")
@cached("rankings", reads=USED)
@bp.arguments(ItemUsageQuery, location="query")
@bp.response(200, ItemUsageOut(many=True))
def rank_inventory(query: dict[str, Any]) -> list[dict[str, Any]]:
    """Rank the inventory items by the quantity that was fitted on tickets of a period, or rank makes or mechanics by it.

    What is reserved or to be ordered was not used yet, nor was what is on a cancelled ticket. By make or by mechanic the
    quantities of all items are added up, litres and pieces alike: name the one in question by `item_id`. What was fitted on a
    ticket of two mechanics counts for each of them.
    """
    return usage.parts_used(principal().workshop_id, **query)
