"""The rules of what an inspection recommends, as long as it is not validated."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from app.blueprints.inspections import holding, recommendations
from app.blueprints.inspections.errors import (
    RecommendationNotFound,
    RecommendationSettled,
    TooManyRecommendations,
)
from app.blueprints.inspections.models import Inspection, InspectionPoint, Recommendation
from app.blueprints.inspections.vocabulary import MOST_RECOMMENDATIONS
from app.core import audit
from app.core.db import atomic, locked, touch
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.preconditions import Expected, require_version
from app.extensions import db


def add(caller: Principal, ticket_id: int, inspection_id: int, **fields: Any) -> Recommendation:
    """Recommend work for what an inspection found, priced in one sum or as hours of labour and parts.

    :raises InspectionNotFound: not of the ticket. :raises InspectionValidated: it is.
    :raises TicketClosed: the ticket is finished or cancelled.
    :raises TooManyRecommendations: it has fifty. :raises Invalid: no price or two, or no such point.
    """
    with atomic():
        inspection = holding.hold_unvalidated(caller, ticket_id, inspection_id)
        _require_room(inspection)
        _require_point(inspection, fields["point"])
        touch(inspection)
        return recommendations.make(
            caller.workshop_id, caller.account_id, "open", None, service_ticket_id=ticket_id, vehicle_id=inspection.vehicle_id,
            inspection_id=inspection_id, **fields,
        )  # fmt: skip


def _require_room(inspection: Inspection) -> None:
    number = select(func.count()).where(
        Recommendation.workshop_id == inspection.workshop_id, Recommendation.inspection_id == inspection.id
    )
    if db.session.scalars(number).one() >= MOST_RECOMMENDATIONS:
        raise TooManyRecommendations(f"There are {MOST_RECOMMENDATIONS}.")


def _require_point(inspection: Inspection, place: int | None) -> None:
    if place is None:
        return
    found = db.session.scalar(
        select(InspectionPoint.place).where(
            InspectionPoint.workshop_id == inspection.workshop_id,
            InspectionPoint.inspection_id == inspection.id,
            InspectionPoint.place == place,
        )
    )
    if found is None:
        raise Invalid("See `errors`.", errors={"point": ["The inspection has no such point."]})


def change(
    caller: Principal,
    ticket_id: int,
    inspection_id: int,
    recommendation_id: int,
    changes: dict[str, Any],
    expected: Expected = None,
) -> Recommendation:
    """Change what an inspection recommends that is not validated.

    :raises InspectionNotFound: not of the ticket. :raises InspectionValidated: it is.
    :raises TicketClosed: the ticket is finished or cancelled.
    :raises RecommendationNotFound: not of the inspection. :raises RecommendationSettled: something became of it already.
    :raises Stale: not the `expected` version. :raises Invalid: no price or two, or no such point.
    """
    with atomic() as session:
        inspection = holding.hold_unvalidated(caller, ticket_id, inspection_id)
        one = _found_by(inspection, recommendation_id, expected)
        before = audit.fields_of(one, recommendations.RECORD)
        _require_point(inspection, changes.get("point"))
        for name, value in changes.items():
            setattr(one, name, value)
        recommendations.require_price(one)
        touch(inspection)
        session.flush()
        after = audit.fields_of(one, recommendations.RECORD)
        audit.note_change("recommendation.changed", "recommendation", one.id, before, after)
        return one


def _found_by(inspection: Inspection, recommendation_id: int, expected: Expected) -> Recommendation:
    one = db.session.scalar(
        locked(Recommendation).where(
            Recommendation.workshop_id == inspection.workshop_id,
            Recommendation.inspection_id == inspection.id,
            Recommendation.id == recommendation_id,
        )
    )
    if one is None:
        raise RecommendationNotFound()
    require_version(one, expected)
    if one.state != "open":
        raise RecommendationSettled(f"It is {one.state}.")
    return one


def remove(
    caller: Principal, ticket_id: int, inspection_id: int, recommendation_id: int, expected: Expected = None
) -> None:
    """Take back what an inspection recommends that is not validated.

    :raises InspectionNotFound: not of the ticket. :raises InspectionValidated: it is.
    :raises TicketClosed: the ticket is finished or cancelled.
    :raises RecommendationNotFound: not of the inspection. :raises RecommendationSettled: something became of it already.
    :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        inspection = holding.hold_unvalidated(caller, ticket_id, inspection_id)
        one = _found_by(inspection, recommendation_id, expected)
        before = audit.fields_of(one, recommendations.RECORD)
        session.delete(one)
        touch(inspection)
        session.flush()
        audit.note("recommendation.removed", "recommendation", recommendation_id, before=before)
