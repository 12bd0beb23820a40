"""What was said of visits, and what was shown of them: so much of each, for many visits by one statement each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, exists, func, literal, null, or_, select, union_all

from app.blueprints.attachments import photos
from app.blueprints.attachments.models import ITS_FILE, Attachment
from app.blueprints.inspections.models import Inspection, InspectionPoint, InspectionPointPhoto
from app.blueprints.progress.models import ProgressUpdate, ProgressUpdatePhoto
from app.core import clock
from app.core.files import StoredFile
from app.extensions import db

MOST_NOTES = 50
MOST_PHOTOS = 20


@dataclass(slots=True)
class Bounded:
    """How many a visit has in all, and the first of them."""

    count: int = 0
    first: list[Any] = field(default_factory=list)


def notes(workshop_id: int, ticket_ids: Sequence[int]) -> dict[int, Bounded]:
    """Return the first validated words of each of these visits, by its id, in the order in which they were validated.

    They are those of progress updates, and of inspections: what one comes to, and what was noted at its points.
    """
    said = union_all(
        _progress(workshop_id, ticket_ids),
        _summaries(workshop_id, ticket_ids),
        _points(workshop_id, ticket_ids),
    ).subquery()
    order = (said.c.at, said.c.kind, said.c.of, said.c.place)
    ranked = select(
        said,
        func.row_number().over(partition_by=said.c.ticket_id, order_by=order).label("rank"),
        func.count().over(partition_by=said.c.ticket_id).label("count_in_all"),
    ).subquery()
    statement = select(ranked).where(ranked.c.rank <= MOST_NOTES).order_by(ranked.c.ticket_id, ranked.c.rank)
    told: defaultdict[int, Bounded] = defaultdict(Bounded)
    for row in db.session.execute(statement):
        note = {"kind": row.kind, "about": row.about, "condition": row.condition, "text": row.text}
        of_visit = told[row.ticket_id]
        of_visit.count = row.count_in_all
        of_visit.first.append({**note, "at": clock.rfc3339(row.at)})
    return told


def _progress(workshop_id: int, ticket_ids: Sequence[int]) -> Any:
    return select(
        ProgressUpdate.service_ticket_id.label("ticket_id"),
        literal("progress").label("kind"),
        null().label("about"),
        null().label("condition"),
        ProgressUpdate.text.label("text"),
        ProgressUpdate.validated_at.label("at"),
        ProgressUpdate.id.label("of"),
        literal(0).label("place"),
    ).where(
        ProgressUpdate.workshop_id == workshop_id,
        ProgressUpdate.service_ticket_id.in_(ticket_ids),
        ProgressUpdate.validated_at.is_not(None),
    )


def _summaries(workshop_id: int, ticket_ids: Sequence[int]) -> Any:
    return select(
        Inspection.service_ticket_id,
        literal("inspection"),
        null(),
        null(),
        Inspection.summary,
        Inspection.validated_at,
        Inspection.id,
        literal(0),
    ).where(*_validated(workshop_id, ticket_ids), Inspection.summary.is_not(None))


def _points(workshop_id: int, ticket_ids: Sequence[int]) -> Any:
    return (
        select(
            Inspection.service_ticket_id,
            literal("inspection"),
            InspectionPoint.name,
            InspectionPoint.condition,
            InspectionPoint.note,
            Inspection.validated_at,
            Inspection.id,
            InspectionPoint.place,
        )
        .join(
            InspectionPoint,
            (InspectionPoint.workshop_id == Inspection.workshop_id)
            & (InspectionPoint.inspection_id == Inspection.id),
        )
        .where(*_validated(workshop_id, ticket_ids), InspectionPoint.note.is_not(None))
    )


def _validated(workshop_id: int, ticket_ids: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    return (
        Inspection.workshop_id == workshop_id,
        Inspection.service_ticket_id.in_(ticket_ids),
        Inspection.validated_at.is_not(None),
    )


# ---- Photos -------------------------------------------------------------------------------------------------------


def pictures(workshop_id: int, ticket_ids: Sequence[int], *, only_shown: bool) -> dict[int, Bounded]:
    """Return the first pictures on each of these visits, by its id; `only_shown`: those that its customer was shown."""
    ranked = (
        select(
            Attachment.id,
            func.row_number()
            .over(partition_by=Attachment.service_ticket_id, order_by=Attachment.id)
            .label("rank"),
            func.count().over(partition_by=Attachment.service_ticket_id).label("count_in_all"),
        )
        .where(
            Attachment.workshop_id == workshop_id,
            Attachment.service_ticket_id.in_(ticket_ids),
            Attachment.kind == "picture",
            *((_is_shown(),) if only_shown else ()),
        )
        .subquery()
    )
    statement = (
        select(Attachment, StoredFile, ranked.c.count_in_all)
        .join(ranked, (ranked.c.id == Attachment.id) & (ranked.c.rank <= MOST_PHOTOS))
        .join(StoredFile, ITS_FILE)
        .where(Attachment.workshop_id == workshop_id)
        .order_by(Attachment.id)
    )
    found: defaultdict[int, Bounded] = defaultdict(Bounded)
    for attachment, file, count in db.session.execute(statement):
        of_visit = found[attachment.service_ticket_id]
        of_visit.count = count
        if photo := photos.as_photo(attachment, file):
            of_visit.first.append(photo)
    return found


def _is_shown() -> ColumnElement[bool]:
    """Tell of an attachment whether its customer sees it: by itself, or by what is validated and shows it."""
    by_update = exists().where(
        *_names_it(ProgressUpdatePhoto),
        ProgressUpdate.workshop_id == ProgressUpdatePhoto.workshop_id,
        ProgressUpdate.id == ProgressUpdatePhoto.progress_update_id,
        ProgressUpdate.validated_at.is_not(None),
    )
    by_point = exists().where(
        *_names_it(InspectionPointPhoto),
        Inspection.workshop_id == InspectionPointPhoto.workshop_id,
        Inspection.id == InspectionPointPhoto.inspection_id,
        Inspection.validated_at.is_not(None),
    )
    return or_(Attachment.visible_to_customer, by_update, by_point)


def _names_it(naming: Any) -> tuple[ColumnElement[bool], ...]:
    return (
        naming.workshop_id == Attachment.workshop_id,
        naming.service_ticket_id == Attachment.service_ticket_id,
        naming.attachment_id == Attachment.id,
    )
