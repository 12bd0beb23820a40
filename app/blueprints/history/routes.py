"""What was done to a vehicle, at the vehicle's address."""

from __future__ import annotations

from typing import Any

from flask import Response

from app.blueprints.attachments.linking import with_links
from app.blueprints.history import paper, service
from app.blueprints.history.schemas import HistoryQuery, VisitOut
from app.core import clock, paging
from app.core.contract import limited, needs, serves_file
from app.core.identity import principal
from app.core.pdf import PDF
from app.core.serving import Blueprint

bp = Blueprint("history", __name__, description="What was done to a vehicle.")


@bp.get("/vehicles/<int:vehicle_id>/history", tags=["vehicles"])
@limited("read")
@needs("tickets:read", "own:read")
@bp.arguments(HistoryQuery, location="query")
@bp.response(200, VisitOut(many=True), ready=True)
def list_vehicle_history(query: dict[str, Any], vehicle_id: int) -> Any:
    """List the visits of a vehicle, the last one first: work, parts with their cost, its odometer, notes and photos.

    All to staff; to its keeper those that were theirs.
    """
    rows, headers = paging.answer(service.of(principal(), vehicle_id, paging.walk_of(query)))
    return [_linked(row) for row in rows], headers


@bp.get("/vehicles/<int:vehicle_id>/history/pdf", tags=["vehicles"])
@limited("paper")
@needs("tickets:read", "own:read")
@serves_file(PDF)
@bp.response(200)
def get_vehicle_history_pdf(vehicle_id: int) -> Response:
    """Show the history of a vehicle on paper, in the workshop's language: its last hundred visits, as the list has them.

    With small photos, at most six of a visit, of those that its customer was shown.
    """
    answer = Response(paper.drawn(principal(), vehicle_id), content_type=PDF)
    answer.headers["Content-Disposition"] = f'attachment; filename="vehicle-{vehicle_id}.pdf"'
    return answer


def _linked(visit: dict[str, Any]) -> dict[str, Any]:
    linked = with_links(visit)
    for photo in linked["photos"]:
        photo["expires_at"] = clock.rfc3339(photo["expires_at"])
    return linked
