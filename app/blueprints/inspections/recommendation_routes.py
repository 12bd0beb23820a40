"""Recommendations: made in an inspection, shown with the car and at each visit, and what becomes of them."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.inspections import recommendations, recommending, taking
from app.blueprints.inspections.models import Recommendation
from app.blueprints.inspections.schemas import (
    RecommendationIn,
    RecommendationOut,
    RecommendationPatch,
    RecommendationStateIn,
    RecommendationWholeOut,
    TicketRecommendationQuery,
    VehicleRecommendationQuery,
)
from app.blueprints.service_tickets.schemas import ServiceTicketWholeOut
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("recommendations", __name__, description="Work that a car should have.")

FOUND = "/service_tickets/<int:ticket_id>/inspections/<int:inspection_id>/recommendations"
KEPT = "/vehicles/<int:vehicle_id>/recommendations"


@bp.post(f"{FOUND}/", tags=["inspections"])
@limited("write")
@needs("tickets:write")
@bp.arguments(RecommendationIn)
@bp.response(201, RecommendationOut)
def create_recommendation(
    recommendation: dict[str, Any], ticket_id: int, inspection_id: int
) -> tuple[Recommendation, dict[str, str]]:
    """Recommend work for what an inspection found, with its price in one sum, or as hours of labour and parts."""
    made = recommending.add(principal(), ticket_id, inspection_id, **recommendation)
    place = url_for(
        "recommendations.get_recommendation", vehicle_id=made.vehicle_id, recommendation_id=made.id
    )
    return made, {"Location": place}


@bp.patch(f"{FOUND}/<int:recommendation_id>", tags=["inspections"])
@limited("write")
@needs("tickets:write")
@bp.arguments(RecommendationPatch)
@bp.response(200, RecommendationOut)
def patch_recommendation(
    changes: dict[str, Any], ticket_id: int, inspection_id: int, recommendation_id: int
) -> Recommendation:
    """Change what an inspection recommends that is not validated."""
    return recommending.change(
        principal(), ticket_id, inspection_id, recommendation_id, changes, expected_versions()
    )


@bp.delete(f"{FOUND}/<int:recommendation_id>", tags=["inspections"])
@limited("delete")
@needs("tickets:write")
@bp.response(200, Message)
def delete_recommendation(ticket_id: int, inspection_id: int, recommendation_id: int) -> dict[str, str]:
    """Take back what an inspection recommends that is not validated."""
    recommending.remove(principal(), ticket_id, inspection_id, recommendation_id, expected_versions())
    return {"message": f"Recommendation {recommendation_id} deleted."}


@bp.get("/service_tickets/<int:ticket_id>/recommendations", tags=["service_tickets"])
@limited("read")
@needs("tickets:read", "own:read")
@bp.arguments(TicketRecommendationQuery, location="query")
@bp.response(200, RecommendationOut(many=True))
def list_ticket_recommendations(query: dict[str, Any], ticket_id: int) -> Any:
    """List what is to be offered at a visit: what is open for its car, and what was declined before.

    To its customer what was found at visits of their own, once it was validated.
    """
    return paging.answer(recommendations.of_ticket(principal(), ticket_id, paging.walk_of(query)))


@bp.post("/service_tickets/<int:ticket_id>/recommendations/<int:recommendation_id>", tags=["service_tickets"])
@limited("write")
@needs("tickets:write")
@bp.response(201, ServiceTicketWholeOut, ready=True)
def put_recommendation_on_ticket(
    ticket_id: int, recommendation_id: int
) -> tuple[dict[str, Any], dict[str, str]]:
    """Take a recommendation at a visit: its lines are put on the ticket; If-Match names the ticket's version.

    What was declined in an estimate is the same line again; else hours are at the workshop's labour rate, and a price is a fee.
    """
    ticket = taking.put_on(principal(), ticket_id, recommendation_id, expected_versions())
    return ticket, {"Location": url_for("service_tickets.get_service_ticket", ticket_id=ticket_id)}


@bp.get(KEPT, tags=["vehicles"])
@limited("read")
@needs("tickets:read", "own:read")
@bp.arguments(VehicleRecommendationQuery, location="query")
@bp.response(200, RecommendationOut(many=True))
def list_vehicle_recommendations(query: dict[str, Any], vehicle_id: int) -> Any:
    """List all that was ever recommended for a vehicle, the newest first.

    To its keeper what was found at visits of their own, once it was validated.
    """
    walk = paging.walk_of(query)
    return paging.answer(recommendations.of_vehicle(principal(), vehicle_id, walk, **query))


@bp.get(f"{KEPT}/<int:recommendation_id>", tags=["vehicles"])
@limited("read")
@needs("tickets:read", "own:read")
@bp.response(200, RecommendationWholeOut)
def get_recommendation(vehicle_id: int, recommendation_id: int) -> dict[str, Any]:
    """Show a recommendation with all that became of it."""
    return recommendations.get(principal(), vehicle_id, recommendation_id)


@bp.post(f"{KEPT}/<int:recommendation_id>/state", tags=["vehicles"])
@limited("write")
@needs("tickets:write")
@bp.arguments(RecommendationStateIn)
@bp.response(200, RecommendationWholeOut)
def settle_recommendation(settled: dict[str, Any], vehicle_id: int, recommendation_id: int) -> dict[str, Any]:
    """Say what became of a recommendation: taken at a visit, declined, done, dismissed, or open again.

    What is taken is done when that visit is completed, and open again when it is cancelled.
    """
    return recommendations.settle(
        principal(), vehicle_id, recommendation_id, **settled, expected=expected_versions()
    )
