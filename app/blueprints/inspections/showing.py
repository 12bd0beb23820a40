"""The photos that the points of an inspection show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, delete, insert

from app.blueprints.attachments import photos
from app.blueprints.attachments.photos import Photo
from app.blueprints.inspections.models import Inspection, InspectionPoint, InspectionPointPhoto
from app.extensions import db


def of_a_point() -> ColumnElement[str]:
    """Return the column of a point's photos; `photos.read` reads it."""
    return photos.collected(
        InspectionPointPhoto,
        InspectionPointPhoto.workshop_id == InspectionPoint.workshop_id,
        InspectionPointPhoto.inspection_id == InspectionPoint.inspection_id,
        InspectionPointPhoto.point == InspectionPoint.place,
    )


def show(inspection: Inspection, wanted: Mapping[int, Sequence[int]]) -> dict[int, list[Photo]]:
    """Let some points, by their places, show these photos in place of those that they show. With the ticket held.

    :raises AttachmentNotFound: a photo is not on the ticket. :raises Invalid: one is no picture, or comes twice at a point.
    """
    if not wanted:
        return {}
    named = photos.named(inspection.workshop_id, inspection.service_ticket_id, wanted, "points")
    db.session.execute(
        delete(InspectionPointPhoto)
        .where(
            InspectionPointPhoto.workshop_id == inspection.workshop_id,
            InspectionPointPhoto.inspection_id == inspection.id,
            InspectionPointPhoto.point.in_(wanted),
        )
        .execution_options(synchronize_session=False)
    )
    owner = {
        "workshop_id": inspection.workshop_id,
        "service_ticket_id": inspection.service_ticket_id,
        "inspection_id": inspection.id,
    }
    rows = [row for point, shown in named.items() for row in photos.rows_of(shown, point=point, **owner)]
    if rows:
        db.session.execute(insert(InspectionPointPhoto), rows)
    return named
