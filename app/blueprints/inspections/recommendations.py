"""The rules of recommendations: kept with the car, and offered again at each visit until somebody takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ScalarSelect, Select, delete, func, insert, or_, select

from app.blueprints.inspections import service as inspections
from app.blueprints.inspections.errors import (
    LineTaken,
    RecommendationNotFound,
    RecommendationSettled,
)
from app.blueprints.inspections.models import (
    Inspection,
    Recommendation,
    RecommendationChange,
    RecommendationLine,
)
from app.blueprints.inspections.service import RECOMMENDED
from app.blueprints.inspections.vocabulary import OFFERED, STATES, STEPS
from app.blueprints.service_tickets import lines
from app.blueprints.service_tickets.counting import counts
from app.blueprints.service_tickets.errors import LineNotFound, TicketNotFound
from app.blueprints.service_tickets.holding import hold, require_open
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.vehicles import service as vehicles
from app.core import audit, paging
from app.core.db import atomic, locked
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.prepared import here
from app.extensions import db

ORDER = Order(Recommendation.id, "-id")
PRICED = ("estimated_price", "labour_hours", "parts_price")
RECORD = ("vehicle_id", "point", "description", "urgency", *PRICED)
CHANGE = ("from_state", "to_state", "at", "account_id", "service_ticket_id", "reason")
Shown = dict[str, Any]

# ---- Who sees them ------------------------------------------------------------------------------------------------


def _visible(caller: Principal, statement: Select[Any], vehicle_id: int) -> Select[Any]:
    """Bound a statement to what `caller` may see of a vehicle's: all, or of a customer's own visits what was validated."""
    here = caller.workshop_id
    statement = statement.where(Recommendation.workshop_id == here, Recommendation.vehicle_id == vehicle_id)
    if caller.may("tickets:read", "tickets:write"):
        return statement
    own = select(ServiceTicket.id).where(
        ServiceTicket.workshop_id == here, ServiceTicket.customer_id == caller.customer_id
    )
    validated = select(Inspection.id).where(
        Inspection.workshop_id == here,
        Inspection.vehicle_id == vehicle_id,
        Inspection.validated_at.is_not(None),
    )
    return statement.where(
        Recommendation.service_ticket_id.in_(own),
        or_(Recommendation.inspection_id.is_(None), Recommendation.inspection_id.in_(validated)),
    )


def of_vehicle(caller: Principal, vehicle_id: int, walk: Walk, *, state: Sequence[str] = STATES) -> Page:
    """Return one page of what was ever recommended for a vehicle, the newest first.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's.
    """
    vehicles.get(caller, vehicle_id, "tickets:read")
    return _page(caller, vehicle_id, walk, state)


def of_ticket(caller: Principal, ticket_id: int, walk: Walk) -> Page:
    """Return one page of what is to be offered at a visit: what is open for its car, and what was declined before.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    return _page(caller, inspections.require_ticket(caller, ticket_id), walk, OFFERED)


def _page(caller: Principal, vehicle_id: int, walk: Walk, states: Sequence[str]) -> Page:
    statement = _visible(caller, select(Recommendation), vehicle_id)
    if set(states) != set(STATES):
        statement = statement.where(Recommendation.state.in_(states))
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def get(caller: Principal, vehicle_id: int, recommendation_id: int) -> Shown:
    """Return a recommendation with all that became of it; to a customer without what staff write of that.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's.
    :raises RecommendationNotFound: not of the vehicle, or not for this caller to see.
    """
    vehicles.get(caller, vehicle_id, "tickets:read")
    statement = _visible(caller, select(Recommendation), vehicle_id)
    one = db.session.scalar(statement.where(Recommendation.id == recommendation_id))
    if one is None:
        raise RecommendationNotFound()
    whole = _whole(one)
    if not caller.may("tickets:read", "tickets:write"):
        whole["changes"] = [_told(caller, step) for step in whole["changes"]]
    return whole


def _told(caller: Principal, step: Shown) -> Shown:
    """Return a step as it is told to a customer: the reason is staff's own, but for how the customer's no came."""
    is_theirs = step["account_id"] not in (None, caller.account_id) and step["to_state"] != "declined"
    return step | {"reason": None} if is_theirs else step


def _whole(one: Recommendation) -> Shown:
    statement = select(RecommendationChange).where(
        RecommendationChange.workshop_id == one.workshop_id, RecommendationChange.recommendation_id == one.id
    )
    changes = db.session.scalars(statement.order_by(RecommendationChange.id))
    tied = select(RecommendationLine.line_id).where(
        RecommendationLine.workshop_id == one.workshop_id, RecommendationLine.recommendation_id == one.id
    )
    return audit.fields_of(one, RECOMMENDED) | {
        "changes": [audit.fields_of(step, CHANGE) for step in changes],
        "line_ids": list(db.session.scalars(tied.order_by(RecommendationLine.line_id))),
    }


@counts("open_recommendations")
def _to_be_offered(vehicle_id: Any) -> ScalarSelect[int]:
    """Count what is to be offered at a visit of a car, as `of_ticket` lists it to staff."""
    return (
        select(func.count())
        .select_from(Recommendation)
        .where(
            here(Recommendation),
            Recommendation.vehicle_id == vehicle_id,
            or_(*(Recommendation.state == state for state in OFFERED)),
        )
        .correlate(ServiceTicket)
        .scalar_subquery()
    )


# ---- Made, and what becomes of them -------------------------------------------------------------------------------


def require_price(one: Recommendation) -> None:
    """Refuse what has no price, or two.

    :raises Invalid: it is so.
    """
    in_parts = one.labour_hours is not None or one.parts_price is not None
    if (one.estimated_price is not None) == in_parts:
        told = "Either this, or `labour_hours` and `parts_price`."
        raise Invalid("See `errors`.", errors={"estimated_price": [told]})


def make(
    workshop_id: int, account_id: int | None, state: str, reason: str | None, **fields: Any
) -> Recommendation:
    """Make a recommendation. Inside the caller's `atomic()`.

    :raises Invalid: no price or two.
    """
    one = Recommendation(workshop_id=workshop_id, state=state, **fields)
    require_price(one)
    keep([one], account_id, reason)
    after = audit.fields_of(one, RECORD) | {"state": state}
    audit.note("recommendation.made", "recommendation", one.id, after=after)
    return one


def keep(made: list[Recommendation], account_id: int | None, reason: str | None) -> None:
    """Keep new recommendations, each with the beginning of its history."""
    db.session.add_all(made)
    db.session.flush()
    db.session.add_all(_change(account_id, one, None, one.service_ticket_id, reason) for one in made)
    db.session.flush()


def settle(
    caller: Principal,
    vehicle_id: int,
    recommendation_id: int,
    *,
    state: str,
    service_ticket_id: int | None = None,
    line_ids: Sequence[int] = (),
    reason: str | None = None,
    expected: Expected = None,
) -> Shown:
    """Keep what became of a recommendation: at a visit of the car, which taking it needs and is not over, or by itself.

    `line_ids`: what is taken is these lines of the ticket, and goes with them.
    :raises RecommendationNotFound: not of the vehicle. :raises TicketNotFound: no visit of the vehicle.
    :raises TicketClosed: it is to be taken at a visit that is over.
    :raises RecommendationSettled: that cannot follow, or its lines are on a ticket.
    :raises Invalid: taken at no visit, or lines of what is not taken.
    :raises LineNotFound: a line is not on the ticket. :raises LineTaken: it is another recommendation's.
    :raises Stale: not the `expected` version.
    """
    if state == "taken" and service_ticket_id is None:
        raise Invalid("See `errors`.", errors={"service_ticket_id": ["Needed with `taken`."]})
    if line_ids and state != "taken":
        raise Invalid("See `errors`.", errors={"line_ids": ["Only with `taken`."]})
    with atomic():
        if state == "taken" and service_ticket_id is not None:
            _require_takes(caller, vehicle_id, service_ticket_id, line_ids)
        elif service_ticket_id is not None:
            _require_visit(caller, vehicle_id, service_ticket_id)
        one = held(caller, vehicle_id, recommendation_id)
        require_version(one, expected)
        if state in OFFERED:
            _require_off(one)
        step(caller.account_id, one, state, service_ticket_id, reason)
        if line_ids:
            tie(one, list(dict.fromkeys(line_ids)))
        return _whole(one)


def _require_takes(caller: Principal, vehicle_id: int, ticket_id: int, line_ids: Sequence[int]) -> None:
    """Refuse to take something at what is no visit of the car, or over, or by lines that are not free. It is held from now on.

    :raises TicketNotFound: it is none. :raises TicketClosed: it is over.
    """
    ticket = hold(caller, ticket_id, None)
    if ticket.vehicle_id != vehicle_id:
        raise TicketNotFound()
    require_open(ticket)
    if line_ids:
        _require_free(ticket, line_ids)


def _require_off(one: Recommendation) -> None:
    """Refuse to offer again what is on a ticket: it would be charged twice.

    :raises RecommendationSettled: a line of its is.
    """
    tied = select(RecommendationLine.line_id).where(
        RecommendationLine.workshop_id == one.workshop_id, RecommendationLine.recommendation_id == one.id
    )
    if one.state == "taken" and db.session.scalar(tied.limit(1)) is not None:
        raise RecommendationSettled("It is on a ticket: take its lines off, and it is open again.")


def _require_visit(caller: Principal, vehicle_id: int, ticket_id: int) -> None:
    found = db.session.scalar(
        select(ServiceTicket.id).where(
            ServiceTicket.workshop_id == caller.workshop_id,
            ServiceTicket.vehicle_id == vehicle_id,
            ServiceTicket.id == ticket_id,
        )
    )
    if found is None:
        raise TicketNotFound()


def held(caller: Principal, vehicle_id: int, recommendation_id: int) -> Recommendation:
    """Return a recommendation of a car, locked until the transaction ends.

    :raises RecommendationNotFound: the car has none such.
    """
    one = db.session.scalar(
        locked(Recommendation).where(
            Recommendation.workshop_id == caller.workshop_id,
            Recommendation.vehicle_id == vehicle_id,
            Recommendation.id == recommendation_id,
        )
    )
    if one is None:
        raise RecommendationNotFound()
    return one


def step(
    account_id: int | None, one: Recommendation, state: str, ticket_id: int | None, reason: str | None
) -> None:
    """Bring a locked recommendation into another state.

    :raises RecommendationSettled: that cannot follow the present one.
    """
    before = one.state
    if state not in STEPS[before]:
        raise RecommendationSettled(
            f"It is {before}; from there it may become: {', '.join(STEPS[before]) or 'nothing'}."
        )
    one.state = state
    if state != "done":
        one.taken_ticket_id = ticket_id if state == "taken" else None
        if before == "taken":
            _untie(one)
    db.session.flush()
    db.session.add(_change(account_id, one, before, ticket_id, reason))
    db.session.flush()
    audit.note(
        "recommendation.settled", "recommendation", one.id,
        before={"state": before}, after={"state": state, "service_ticket_id": ticket_id, "reason": reason},
    )  # fmt: skip


def _untie(one: Recommendation) -> None:
    db.session.execute(
        delete(RecommendationLine)
        .where(
            RecommendationLine.workshop_id == one.workshop_id, RecommendationLine.recommendation_id == one.id
        )
        .execution_options(synchronize_session=False)
    )


def _change(
    account_id: int | None, one: Recommendation, before: str | None, ticket_id: int | None, reason: str | None
) -> RecommendationChange:
    return RecommendationChange(
        workshop_id=one.workshop_id,
        recommendation_id=one.id,
        from_state=before,
        to_state=one.state,
        account_id=account_id,
        service_ticket_id=ticket_id,
        reason=reason,
    )


def tie(one: Recommendation, line_ids: Sequence[int]) -> None:
    """Note by which lines of its ticket a recommendation is taken."""
    db.session.execute(
        insert(RecommendationLine),
        [
            {"workshop_id": one.workshop_id, "recommendation_id": one.id, "line_id": line_id}
            for line_id in line_ids
        ],
    )


def _require_free(ticket: ServiceTicket, line_ids: Sequence[int]) -> None:
    """Refuse lines that are not on a ticket that is held, or are another recommendation's."""
    on_it = {line.id for line in lines.of(ticket)}
    if stray := [str(line_id) for line_id in line_ids if line_id not in on_it]:
        raise LineNotFound(f"Not on the ticket: {', '.join(stray)}.")
    taken = db.session.scalar(
        select(RecommendationLine.line_id)
        .where(RecommendationLine.workshop_id == ticket.workshop_id, RecommendationLine.line_id.in_(line_ids))
        .limit(1)
    )
    if taken is not None:
        raise LineTaken(f"Line {taken}.")
