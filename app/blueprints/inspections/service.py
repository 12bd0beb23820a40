"""The rules of inspections: begun at a visit, filled in, finished, validated; and who sees one when."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ScalarSelect, func, insert, literal_column, select
from sqlalchemy.exc import IntegrityError

from app.blueprints.attachments import photos
from app.blueprints.attachments.photos import Photo
from app.blueprints.inspections import holding, showing, templates
from app.blueprints.inspections.errors import (
    InspectionUnvalidated,
)
from app.blueprints.inspections.models import Inspection, InspectionPoint, Recommendation
from app.blueprints.inspections.vocabulary import CONDITIONS
from app.blueprints.mechanics import service as mechanics
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets.board import validated_later
from app.blueprints.service_tickets.errors import TicketNotFound
from app.blueprints.service_tickets.holding import hold, require_open, require_own
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.workshops.models import Workshop
from app.core import audit, clock, paging
from app.core.db import atomic, touch
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected
from app.core.prepared import here
from app.extensions import db

ORDER = Order(Inspection.id, "-id")
SHOWN = (
    "id", "service_ticket_id", "vehicle_id", "title", "state", "summary", "finished_at", "validated_at", "validated_by",
    "created_at", "updated_at", "version",
)  # fmt: skip
POINT = ("place", "section", "name", "condition", "note", "checked_at")
RECOMMENDED = (
    "id", "vehicle_id", "service_ticket_id", "inspection_id", "point", "description", "urgency", "estimated_price",
    "labour_hours", "parts_price", "line", "state", "taken_ticket_id", "created_at", "updated_at", "version",
)  # fmt: skip
Shown = dict[str, Any]


@validated_later
def _finished() -> ScalarSelect[int]:
    return (
        select(func.count())
        .select_from(Inspection)
        .where(
            here(Inspection),
            Inspection.service_ticket_id == ServiceTicket.id,
            Inspection.state == literal_column("'finished'"),
        )
        .correlate(ServiceTicket)
        .scalar_subquery()
    )


def begin(caller: Principal, ticket_id: int, template_id: int | None = None) -> Shown:
    """Begin an inspection at a visit, from a template: its points are copied, and none of them is checked yet.

    :raises TicketNotFound: unknown here. :raises TicketClosed: finished or cancelled. :raises TemplateNotFound: unknown here.
    :raises InspectionUnvalidated: the ticket has one that waits for validation.
    """
    with atomic() as session:
        ticket = hold(caller, ticket_id, None)
        require_open(ticket)
        title, points = templates.points_for(caller.workshop_id, template_id)
        inspection = Inspection(
            workshop_id=caller.workshop_id, service_ticket_id=ticket.id, vehicle_id=ticket.vehicle_id, title=title
        )  # fmt: skip
        session.add(inspection)
        try:
            session.flush()
        except IntegrityError as error:
            raise InspectionUnvalidated() from error
        session.execute(
            insert(InspectionPoint),
            [
                {
                    "workshop_id": caller.workshop_id, "inspection_id": inspection.id, "place": place,
                    "section": section, "name": name, "condition": "not_checked",
                }
                for place, (section, name) in enumerate(points, 1)
            ],
        )  # fmt: skip
        audit.note(
            "inspection.begun", "inspection", inspection.id,
            after={"service_ticket_id": ticket.id, "title": title, "points": len(points)},
        )  # fmt: skip
        return _whole(inspection)


# ---- Who sees one -------------------------------------------------------------------------------------------------


def require_ticket(caller: Principal, ticket_id: int) -> int:
    """Return the id of the vehicle of a ticket that `caller` may see.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    row = db.session.execute(
        select(ServiceTicket.customer_id, ServiceTicket.vehicle_id).where(
            ServiceTicket.workshop_id == caller.workshop_id, ServiceTicket.id == ticket_id
        )
    ).one_or_none()
    if row is None:
        raise TicketNotFound()
    require_own(caller, row.customer_id, "tickets:read")
    vehicle_id: int = row.vehicle_id
    return vehicle_id


def find(caller: Principal, ticket_id: int, walk: Walk) -> Page:
    """Return one page of a ticket's inspections, each with how many points are in which condition.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    require_ticket(caller, ticket_id)
    page = paging.fetch(
        holding.of_ticket(caller, select(Inspection), ticket_id),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )
    counts = _counts(caller.workshop_id, [one.id for one in page.rows])
    rows = [audit.fields_of(one, SHOWN) | {"conditions": counts[one.id]} for one in page.rows]
    return Page(rows, walk, page.next_cursor, page.total)


def _counts(workshop_id: int, inspection_ids: list[int]) -> dict[int, dict[str, int]]:
    counts: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(CONDITIONS, 0))
    if inspection_ids:
        statement = (
            select(InspectionPoint.inspection_id, InspectionPoint.condition, func.count())
            .where(
                InspectionPoint.workshop_id == workshop_id, InspectionPoint.inspection_id.in_(inspection_ids)
            )
            .group_by(InspectionPoint.inspection_id, InspectionPoint.condition)
        )
        for inspection_id, condition, number in db.session.execute(statement):
            counts[inspection_id][condition] = number
    return counts


def get(caller: Principal, ticket_id: int, inspection_id: int) -> Shown:
    """Return an inspection with its points and what it recommends; to a customer, once it is validated.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    :raises InspectionNotFound: not of the ticket, or not for this caller to see.
    """
    require_ticket(caller, ticket_id)
    return _whole(holding.one(caller, select(Inspection), ticket_id, inspection_id))


def _whole(inspection: Inspection) -> Shown:
    points = _points(inspection)
    found = Counter(point["condition"] for point in points)
    statement = (
        select(Recommendation)
        .where(
            Recommendation.workshop_id == inspection.workshop_id,
            Recommendation.inspection_id == inspection.id,
        )
        .order_by(Recommendation.id)
    )
    return audit.fields_of(inspection, SHOWN) | {
        "conditions": {word: found[word] for word in CONDITIONS},
        "points": points,
        "recommendations": [audit.fields_of(one, RECOMMENDED) for one in db.session.scalars(statement)],
    }


def _points(inspection: Inspection) -> list[Shown]:
    statement = (
        select(InspectionPoint, Mechanic.id, Mechanic.name, showing.of_a_point())
        .outerjoin(
            Mechanic,
            (Mechanic.workshop_id == InspectionPoint.workshop_id)
            & (Mechanic.id == InspectionPoint.mechanic_id),
        )
        .where(
            InspectionPoint.workshop_id == inspection.workshop_id,
            InspectionPoint.inspection_id == inspection.id,
        )
        .order_by(InspectionPoint.place)
    )
    rows: Any = db.session.execute(statement)  # of a point that nobody looked at, the mechanic is None
    return [
        audit.fields_of(point, POINT)
        | {"mechanic": None if mechanic_id is None else {"id": mechanic_id, "name": name}}
        | {"photos": photos.read(shown)}
        for point, mechanic_id, name, shown in rows
    ]


# ---- Filling in ---------------------------------------------------------------------------------------------------


def check(
    caller: Principal,
    ticket_id: int,
    inspection_id: int,
    findings: Sequence[dict[str, Any]],
    expected: Expected = None,
) -> Shown:
    """Write down how some points are: all of them or none.

    Who looked is the mechanic that each names, or who asks, if that is a mechanic. A point that names no photos keeps its own.
    :raises InspectionNotFound: not of the ticket, or the ticket is unknown here. :raises TicketClosed: finished or cancelled.
    :raises InspectionValidated: it is. :raises Stale: not the `expected` version.
    :raises Invalid: it has no such point, one comes twice, or a photo is no picture or comes twice at a point.
    :raises MechanicNotFound: unknown here, or gone. :raises AttachmentNotFound: a photo is not on the ticket.
    """
    wanted = {one["place"]: one["photo_ids"] for one in findings if one.get("photo_ids") is not None}
    with atomic() as session:
        inspection = holding.hold_unvalidated(caller, ticket_id, inspection_id, expected)
        known, shown = _named(inspection, [finding["place"] for finding in findings])
        for mechanic_id in {finding["mechanic_id"] for finding in findings} - {None}:
            mechanics.get(caller.workshop_id, mechanic_id)
        before = _told(known.values(), shown)
        for finding in findings:
            _write_down(caller, known[finding["place"]], finding)
        shown |= showing.show(inspection, wanted)
        touch(inspection)
        session.flush()
        audit.note_change(
            "inspection.checked", "inspection", inspection.id, before, _told(known.values(), shown)
        )
        return _whole(inspection)


def _named(
    inspection: Inspection, places: list[int]
) -> tuple[dict[int, InspectionPoint], dict[int, list[Photo]]]:
    """Return the points at these places, and the photos that each shows."""
    statement = select(InspectionPoint, showing.of_a_point()).where(
        InspectionPoint.workshop_id == inspection.workshop_id,
        InspectionPoint.inspection_id == inspection.id,
        InspectionPoint.place.in_(places),
    )
    rows = db.session.execute(statement).all()
    known = {point.place: point for point, _ in rows}
    if unknown := set(places) - set(known):
        raise Invalid("See `errors`.", errors={"points": [f"It has no point {min(unknown)}."]})
    if len(set(places)) < len(places):
        raise Invalid("See `errors`.", errors={"points": ["Each point at most once."]})
    return known, {point.place: photos.read(shown) for point, shown in rows}


def _told(points: Iterable[InspectionPoint], shown: dict[int, list[Photo]]) -> dict[str, Any]:
    return {
        f"point {one.place}": [
            one.condition,
            one.note,
            one.mechanic_id,
            [photo.id for photo in shown[one.place]],
        ]
        for one in points
    }


def _write_down(caller: Principal, point: InspectionPoint, finding: dict[str, Any]) -> None:
    is_checked = finding["condition"] != "not_checked"
    looked = finding["mechanic_id"] or (caller.person_id if caller.role == "mechanic" else None)
    point.condition, point.note = finding["condition"], finding["note"]
    point.mechanic_id = looked if is_checked else None
    point.checked_at = clock.now() if is_checked else None


def finish(
    caller: Principal,
    ticket_id: int,
    inspection_id: int,
    summary: str | None = None,
    expected: Expected = None,
) -> Shown:
    """Say that an inspection is done, and what it comes to. Where the workshop's setting says so, that validates it.

    :raises InspectionNotFound: not of the ticket, or the ticket is unknown here. :raises TicketClosed: it is cancelled.
    :raises InspectionValidated: it is. :raises Stale: not the `expected` version.
    :raises NothingInspected: no point of it was looked at, and it recommends nothing.
    """
    with atomic() as session:
        is_automatic = _is_automatic(caller.workshop_id)
        ticket, inspection = holding.hold_to_settle(caller, ticket_id, inspection_id, expected)
        holding.require_something(inspection)
        before = audit.fields_of(inspection, ("state", "summary"))
        inspection.state, inspection.finished_at = "finished", clock.now()
        inspection.summary = inspection.summary if summary is None else summary
        if is_automatic:
            touch(ticket)
            _validate(inspection, None)
        touch(inspection)
        session.flush()
        after = audit.fields_of(inspection, ("state", "summary"))
        audit.note("inspection.finished", "inspection", inspection.id, before=before, after=after)
        return _whole(inspection)


def _is_automatic(workshop_id: int) -> bool:
    statement = select(Workshop.inspections_validated_automatically).where(Workshop.id == workshop_id)
    return db.session.scalars(statement).one()


def _validate(inspection: Inspection, account_id: int | None) -> None:
    now = clock.now()
    inspection.state, inspection.validated_at, inspection.validated_by = "validated", now, account_id
    inspection.finished_at = inspection.finished_at or now


def validate(caller: Principal, ticket_id: int, inspection_id: int, expected: Expected = None) -> Shown:
    """Let the customer see an inspection, and nothing of it change any more.

    :raises InspectionNotFound: not of the ticket, or the ticket is unknown here. :raises TicketClosed: it is cancelled.
    :raises InspectionValidated: already. :raises Stale: not the `expected` version.
    :raises NothingInspected: no point of it was looked at, and it recommends nothing.
    """
    with atomic() as session:
        ticket, inspection = holding.hold_to_settle(caller, ticket_id, inspection_id, expected)
        holding.require_something(inspection)
        touch(ticket)
        before = inspection.state
        _validate(inspection, caller.account_id)
        session.flush()
        audit.note(
            "inspection.validated", "inspection", inspection.id,
            before={"state": before}, after={"state": "validated"},
        )  # fmt: skip
        return _whole(inspection)


def discard(caller: Principal, ticket_id: int, inspection_id: int, expected: Expected = None) -> None:
    """Throw an inspection away that is not validated, with what it recommends, as long as nothing became of that.

    :raises InspectionNotFound: not of the ticket, or the ticket is unknown here. :raises TicketClosed: it is cancelled.
    :raises InspectionValidated: it is. :raises Stale: not the `expected` version.
    :raises RecommendationSettled: what it recommends was taken, declined, done or dismissed: that is kept with the car.
    """
    with atomic() as session:
        _, inspection = holding.hold_to_settle(caller, ticket_id, inspection_id, expected)
        holding.require_all_open(inspection)
        told = audit.fields_of(inspection, ("service_ticket_id", "title", "state"))
        session.delete(inspection)
        session.flush()
        audit.note("inspection.discarded", "inspection", inspection_id, before=told)
