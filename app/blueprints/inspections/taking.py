"""Recommendations on a ticket: put on it as lines, put off with what is declined, and settled when the visit ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, or_, select, update

from app.blueprints.inspections import recommendations
from app.blueprints.inspections.errors import RecommendationOutdated
from app.blueprints.inspections.models import Inspection, Recommendation, RecommendationLine
from app.blueprints.inventory.errors import PartNotFound
from app.blueprints.service_tickets import work
from app.blueprints.service_tickets.errors import TicketInUse
from app.blueprints.service_tickets.events import Declined
from app.blueprints.service_tickets.holding import Ticket, hold, require_open, whole
from app.blueprints.service_tickets.lines import ONE
from app.blueprints.service_tickets.models import ServiceTicket
from app.core import audit, clock
from app.core.db import atomic, locked
from app.core.identity import Principal
from app.core.preconditions import Expected
from app.extensions import db

LONGEST_WORDS = 300  # of a line


def put_on(caller: Principal, ticket_id: int, recommendation_id: int, expected: Expected = None) -> Ticket:
    """Take a recommendation at a visit of its car, by lines that are put on the ticket and are tied to it.

    What was put off once is the same line again; else hours are at the workshop's labour rate, and a price is a fee.
    :raises TicketNotFound: unknown here. :raises TicketClosed: finished or cancelled.
    :raises Stale: not the `expected` version.
    :raises RecommendationNotFound: not of the ticket's car. :raises RecommendationSettled: it is taken, done or dismissed.
    :raises RecommendationOutdated: its part was taken out of the inventory. :raises TooManyLines: there would be 501.
    :raises Invalid: hours, and the workshop has no labour rate.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        one = recommendations.held(caller, ticket.vehicle_id, recommendation_id)
        recommendations.step(caller.account_id, one, "taken", ticket_id, None)
        try:
            written = work.put_on(ticket, as_lines(one), caller.account_id)
        except PartNotFound as error:
            raise RecommendationOutdated(error.detail) from error
        recommendations.tie(one, [line.id for line in written])
        return whole(caller, ticket_id)


def as_lines(one: Recommendation) -> list[dict[str, Any]]:
    """Return the lines that a recommendation is, as they are asked for."""
    words = {"description": one.description[:LONGEST_WORDS]}
    if one.line is not None:
        return [{**words, **one.line}]
    if one.estimated_price is not None:
        return [{**words, "kind": "fee", "quantity": ONE, "unit_price": one.estimated_price}]
    asked = []
    if one.labour_hours is not None:
        asked.append({**words, "kind": "labour", "quantity": one.labour_hours})
    if one.parts_price is not None:
        asked.append({**words, "kind": "fee", "quantity": ONE, "unit_price": one.parts_price})
    return asked


def leave(
    workshop_id: int,
    ticket_id: int,
    line_ids: Sequence[int],
    state: str,
    account_id: int | None,
    reason: str | None = None,
) -> set[int]:
    """Bring what was taken by these lines and no others into another state; return the lines that were its. In `atomic()`."""
    theirs = select(RecommendationLine.recommendation_id).where(
        RecommendationLine.workshop_id == workshop_id, RecommendationLine.line_id.in_(line_ids)
    )
    tied: defaultdict[int, set[int]] = defaultdict(set)
    for recommendation_id, line_id in db.session.execute(
        select(RecommendationLine.recommendation_id, RecommendationLine.line_id).where(
            RecommendationLine.workshop_id == workshop_id, RecommendationLine.recommendation_id.in_(theirs)
        )
    ):
        tied[recommendation_id].add(line_id)
    wholly = {one: lines_of for one, lines_of in tied.items() if lines_of <= set(line_ids)}
    if not wholly:
        return set()
    statement = locked(Recommendation).where(
        Recommendation.workshop_id == workshop_id,
        Recommendation.id.in_(wholly),
        Recommendation.state == "taken",
    )
    found = db.session.scalars(statement.order_by(Recommendation.id)).all()
    for one in found:
        recommendations.step(account_id, one, state, ticket_id, reason)
    return {line_id for one in found for line_id in wholly[one.id]}


# ---- For what comes later: estimates, and the end of a visit ------------------------------------------------------


def defer(
    ticket: ServiceTicket, account_id: int | None, declined: Sequence[Declined], reason: str | None
) -> None:
    """Keep work that was declined at this visit, so that it is offered at the next. Inside the caller's `atomic()`.

    What was taken by such lines alone is declined itself; any other line is kept as a recommendation of its own.
    """
    if not declined:
        return
    line_ids = [line.line_id for line in declined]
    known = leave(ticket.workshop_id, ticket.id, line_ids, "declined", account_id, reason)
    made = [_put_off(ticket, line) for line in declined if line.line_id not in known]
    if made:
        recommendations.keep(made, account_id, reason)
        kept = [audit.fields_of(one, ("id", "description", "estimated_price")) for one in made]
        audit.note("recommendations.deferred", "ticket", ticket.id, after={"recommendations": kept})


def _put_off(ticket: ServiceTicket, line: Declined) -> Recommendation:
    return Recommendation(
        workshop_id=ticket.workshop_id,
        service_ticket_id=ticket.id,
        vehicle_id=ticket.vehicle_id,
        state="declined",
        urgency="later",
        description=line.description,
        estimated_price=line.total,
        line_kind=line.kind,
        line_part_id=line.part_id,
        line_quantity=line.quantity,
        line_unit_price=line.unit_price,
        line_tax_rate=line.tax_rate,
    )


def settle_taken(workshop_id: int, ticket_id: int, state: str, account_id: int | None) -> None:
    """Bring all that was taken at a visit into another state: done with its completion, open again without it."""
    statement = (
        locked(Recommendation)
        .where(
            Recommendation.workshop_id == workshop_id,
            Recommendation.taken_ticket_id == ticket_id,
            Recommendation.state == "taken",
        )
        .order_by(Recommendation.id)
    )
    for one in db.session.scalars(statement).all():
        recommendations.step(account_id, one, state, ticket_id, None)


def require_none_kept(ticket: ServiceTicket) -> None:
    """Refuse to delete a ticket that is held where work was declined, or where advice was found of which something became.

    What its inspections found, and nobody decided on, goes with it, be it on the ticket already.
    :raises TicketInUse: there is other advice.
    """
    found = db.session.scalars(
        locked(Recommendation)
        .where(
            Recommendation.workshop_id == ticket.workshop_id, Recommendation.service_ticket_id == ticket.id
        )
        .order_by(Recommendation.id)
    )
    for one in found:
        is_undecided = one.state == "open" or (one.state == "taken" and one.taken_ticket_id == ticket.id)
        if one.inspection_id is None or not is_undecided:
            raise TicketInUse("What it recommends is kept with the car: at most it is cancelled.")


def move(ticket: ServiceTicket) -> None:
    """Let what was found at a ticket that is held, and what was declined at it, be of the car that the ticket names by now.

    :raises TicketInUse: advice of the former car is to be done at it, or advice found at it was taken at another visit.
    """
    here = Recommendation.service_ticket_id == ticket.id
    taken_here = Recommendation.taken_ticket_id == ticket.id
    of_both = select(Recommendation.id).where(
        Recommendation.workshop_id == ticket.workshop_id,
        or_(
            and_(taken_here, Recommendation.state == "taken", ~here),
            and_(here, Recommendation.taken_ticket_id.is_not(None), ~taken_here),
        ),
    )
    if db.session.scalar(of_both.limit(1)) is not None:
        raise TicketInUse("Advice of the one car is done at a visit of the other: take it off there first.")
    for found in (Inspection, Recommendation):
        db.session.execute(
            update(found)
            .where(found.workshop_id == ticket.workshop_id, found.service_ticket_id == ticket.id)
            .values(vehicle_id=ticket.vehicle_id, version=found.version + 1, updated_at=clock.now())
            .execution_options(synchronize_session=False)
        )
