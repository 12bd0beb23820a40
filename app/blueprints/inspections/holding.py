"""One inspection in hand: found as its caller may see it, or held for a change with the visit that it is of."""

from __future__ import annotations

from sqlalchemy import Select, select

from app.blueprints.inspections.errors import (
    InspectionNotFound,
    InspectionValidated,
    NothingInspected,
    RecommendationSettled,
)
from app.blueprints.inspections.models import Inspection, InspectionPoint, Recommendation
from app.blueprints.service_tickets.errors import TicketClosed
from app.blueprints.service_tickets.holding import held, require_open
from app.blueprints.service_tickets.models import ServiceTicket
from app.core.db import locked
from app.core.identity import Principal
from app.core.preconditions import Expected, require_version
from app.extensions import db


def of_ticket(caller: Principal, statement: Select[Inspection], ticket_id: int) -> Select[Inspection]:
    """Bound a statement to a ticket's: to a customer, those that are validated."""
    statement = statement.where(
        Inspection.workshop_id == caller.workshop_id, Inspection.service_ticket_id == ticket_id
    )
    if not caller.may("tickets:read", "tickets:write", "tickets:oversee"):
        statement = statement.where(Inspection.validated_at.is_not(None))
    return statement


def one(caller: Principal, statement: Select[Inspection], ticket_id: int, inspection_id: int) -> Inspection:
    """Return an inspection of a ticket, as the statement takes it.

    :raises InspectionNotFound: not of the ticket, or not for this caller to see.
    """
    found = db.session.scalar(of_ticket(caller, statement, ticket_id).where(Inspection.id == inspection_id))
    if found is None:
        raise InspectionNotFound()
    return found


def hold_unvalidated(
    caller: Principal, ticket_id: int, inspection_id: int, expected: Expected = None
) -> Inspection:
    """Return an inspection that may still change, locked until the transaction ends: who changes what hangs on it waits here.

    :raises InspectionNotFound: not of the ticket, or the ticket is unknown here. :raises TicketClosed: finished or cancelled.
    :raises InspectionValidated: it is. :raises Stale: not the `expected` version.
    """
    require_open(_hold_ticket(caller, ticket_id))
    return _unvalidated(caller, ticket_id, inspection_id, expected)


def _hold_ticket(caller: Principal, ticket_id: int) -> ServiceTicket:
    ticket = held(caller.workshop_id, ticket_id)
    if ticket is None:
        raise InspectionNotFound()
    return ticket


def hold_to_settle(
    caller: Principal, ticket_id: int, inspection_id: int, expected: Expected
) -> tuple[ServiceTicket, Inspection]:
    """Return an inspection to be finished, validated or thrown away, and its ticket: both are held.

    Who does so may come to it when the work is done; of a visit that was cancelled nothing changes.
    """
    ticket = _hold_ticket(caller, ticket_id)
    if ticket.status == "cancelled":
        raise TicketClosed("The ticket is cancelled.")
    return ticket, _unvalidated(caller, ticket_id, inspection_id, expected)


def _unvalidated(caller: Principal, ticket_id: int, inspection_id: int, expected: Expected) -> Inspection:
    inspection = one(caller, locked(Inspection), ticket_id, inspection_id)
    if inspection.validated_at is not None:
        raise InspectionValidated()
    require_version(inspection, expected)
    return inspection


def require_something(inspection: Inspection) -> None:
    """Refuse an inspection that says nothing.

    :raises NothingInspected: no point was looked at, and nothing is recommended.
    """
    checked = select(InspectionPoint.place).where(
        InspectionPoint.workshop_id == inspection.workshop_id,
        InspectionPoint.inspection_id == inspection.id,
        InspectionPoint.checked_at.is_not(None),
    )
    advice = select(Recommendation.id).where(
        Recommendation.workshop_id == inspection.workshop_id,
        Recommendation.inspection_id == inspection.id,
    )
    if all(db.session.scalar(found.limit(1)) is None for found in (checked, advice)):
        raise NothingInspected()


def require_all_open(inspection: Inspection) -> None:
    """Refuse where something became of what an inspection recommends; nothing does until the transaction ends.

    :raises RecommendationSettled: it was taken, declined, done or dismissed.
    """
    found = db.session.scalars(
        locked(Recommendation)
        .where(
            Recommendation.workshop_id == inspection.workshop_id,
            Recommendation.inspection_id == inspection.id,
        )
        .order_by(Recommendation.id)
    )
    for one in found:
        if one.state != "open":
            raise RecommendationSettled(f"Recommendation {one.id} is {one.state}.")
