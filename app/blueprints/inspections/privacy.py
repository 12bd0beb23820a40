"""What is kept of a customer in inspections: of their visits, and without their name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, or_, select

from app.blueprints.attachments import photos
from app.blueprints.inspections import showing
from app.blueprints.inspections.models import (
    Inspection,
    InspectionPoint,
    InspectionPointPhoto,
    Recommendation,
)
from app.blueprints.service_tickets.models import ServiceTicket
from app.core import privacy
from app.core.privacy import Kept, Subject
from app.extensions import db

TABLES = (
    "inspections",
    "inspection_points",
    "inspection_point_photos",
    "recommendations",
    "recommendation_lines",
    "recommendation_changes",
)
privacy.gives_nothing_of(
    "recommendation_lines", "Which line of a ticket is which advice: numbers alone, and both are given out."
)
privacy.gives_nothing_of(
    "recommendation_changes", "Who in the workshop settled advice, and when: it is no customer's."
)


def _visits(person: Subject) -> Any:
    return select(ServiceTicket.id).where(
        ServiceTicket.workshop_id == person.workshop_id, ServiceTicket.customer_id == person.customer_id
    )


@privacy.part(
    "inspections",
    says="what was looked at in your cars at your visits and how it was, once the workshop had validated it; photos are among"
    " the attachments, by their ids.",
    tables=("inspections", "inspection_points", "inspection_point_photos"),
)
def _give(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (
        Inspection.id, Inspection.service_ticket_id, Inspection.title, Inspection.summary, Inspection.validated_at,
    )  # fmt: skip
    theirs = select(*columns).where(
        Inspection.workshop_id == person.workshop_id,
        Inspection.service_ticket_id.in_(_visits(person)),
        Inspection.validated_at.is_not(None),
    )
    for inspection in privacy.walked(theirs, Inspection.id):
        yield inspection | {"points": _points(person, inspection["id"])}


def _points(person: Subject, inspection_id: int) -> list[dict[str, Any]]:
    columns = InspectionPoint.section, InspectionPoint.name, InspectionPoint.condition, InspectionPoint.note
    statement = select(*columns, showing.of_a_point().label("photos")).where(
        InspectionPoint.workshop_id == person.workshop_id, InspectionPoint.inspection_id == inspection_id
    )
    rows = db.session.execute(statement.order_by(InspectionPoint.place))
    return [dict(row._mapping) | {"photos": [photo.id for photo in photos.read(row.photos)]} for row in rows]


def _validated(person: Subject) -> Any:
    return select(Inspection.id).where(
        Inspection.workshop_id == person.workshop_id,
        Inspection.service_ticket_id.in_(_visits(person)),
        Inspection.validated_at.is_not(None),
    )


@privacy.part(
    "recommendations",
    says="the work that was recommended for your cars at your visits, once the workshop had validated it, and whether it was"
    " done.",
    tables=("recommendations",),
)
def _give_recommendations(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (
        Recommendation.id, Recommendation.vehicle_id, Recommendation.service_ticket_id, Recommendation.description,
        Recommendation.urgency, Recommendation.estimated_price, Recommendation.labour_hours, Recommendation.parts_price,
        Recommendation.state, Recommendation.created_at,
    )  # fmt: skip
    theirs = select(*columns).where(
        Recommendation.workshop_id == person.workshop_id,
        Recommendation.service_ticket_id.in_(_visits(person)),
        or_(Recommendation.inspection_id.is_(None), Recommendation.inspection_id.in_(_validated(person))),
    )
    return privacy.walked(theirs, Recommendation.id)


@privacy.erases(*TABLES)
def _keep(person: Subject) -> Iterator[Kept]:
    photos.forget(InspectionPointPhoto, person.workshop_id, _visits(person))  # before the attachments go
    for what, model, why in (
        (
            "inspections",
            Inspection,
            "How a car was found belongs to the visit, which is kept without the person.",
        ),
        ("recommendations", Recommendation, "What a car should have done goes on with its next keeper."),
    ):
        theirs = model.workshop_id == person.workshop_id, model.service_ticket_id.in_(_visits(person))
        yield Kept(what, db.session.scalar(select(func.count()).where(*theirs)) or 0, why)
