"""Reading tickets: each with its mechanics, parts and customer, all in one statement.

The database writes each ticket as the JSON that is answered; only what it cannot do is done here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select, union
from sqlalchemy.orm import aliased

from app.blueprints.customers.models import Customer
from app.blueprints.inventory.models import Part
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets import counting, shaping
from app.blueprints.service_tickets.errors import TicketNotFound
from app.blueprints.service_tickets.models import ServiceTicket, StatusChange, TicketLine, TicketMechanic
from app.blueprints.service_tickets.shaping import PARTS_MISSING, TERMS
from app.blueprints.service_tickets.status import STATUSES
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.models import Vehicle
from app.blueprints.workshops.models import Workshop
from app.core import paging
from app.core.paging import Order, Page, Walk, Way
from app.core.prepared import Prepared, here
from app.core.quantities import from_thousandths, thousandths
from app.core.search import MOST_WORDS, contains, patterns
from app.core.sqljson import ascii_text, json_object, json_objects, json_text, nested, rfc3339

AT_ONCE = 200  # tickets of a long history
MOST_FOLLOWERS = 20
ORDER = Order(
    ServiceTicket.id,
    "-service_date",
    service_date=ServiceTicket.service_date,
    number=ServiceTicket.number,
)
READS = (
    "service_tickets",
    "service_ticket_mechanics",
    "service_ticket_lines",
    "customers",
    "mechanics",
    "parts",
    "vehicles",
)

_MECHANICS = (
    select(json_objects(id=Mechanic.id, name=Mechanic.name))
    .join(TicketMechanic, TicketMechanic.mechanic_id == Mechanic.id)
    .where(here(Mechanic), here(TicketMechanic), TicketMechanic.service_ticket_id == ServiceTicket.id)
    .correlate(ServiceTicket)
    .scalar_subquery()
)
_ITEMS = (
    select(
        json_objects(
            id=Part.id,
            name=Part.name,
            price=TicketLine.unit_price,
            quantity=thousandths(TicketLine.quantity),
        )
    )
    .join(TicketLine, TicketLine.part_id == Part.id)
    .where(here(Part), here(TicketLine), TicketLine.service_ticket_id == ServiceTicket.id)
    .correlate(ServiceTicket)
    .scalar_subquery()
)
_LINES = (
    select(
        json_objects(
            id=TicketLine.id,
            kind=TicketLine.kind,
            description=TicketLine.description,
            item_id=TicketLine.part_id,
            item=Part.name,
            quantity=thousandths(TicketLine.quantity),
            unit_price=TicketLine.unit_price,
            tax_rate=TicketLine.tax_rate,
            net=TicketLine.net,
            tax=TicketLine.tax,
            reserved=thousandths(TicketLine.reserved),
            fitted=thousandths(TicketLine.fitted),
            core_charge=TicketLine.core_charge,
            cores_settled=thousandths(TicketLine.cores_settled),
            agreed=TicketLine.agreed,
            there=thousandths(Part.on_hand - Part.reserved),
        )
    )
    .outerjoin(Part, and_(here(Part), Part.id == TicketLine.part_id))
    .where(here(TicketLine), TicketLine.service_ticket_id == ServiceTicket.id)
    .correlate(ServiceTicket)
    .scalar_subquery()
)
_HISTORY = (
    select(
        json_objects(
            id=StatusChange.id,
            from_status=StatusChange.from_status,
            to_status=StatusChange.to_status,
            changed_at=rfc3339(StatusChange.changed_at),
            account_id=StatusChange.account_id,
            reason=StatusChange.reason,
        )
    )
    .where(here(StatusChange), StatusChange.service_ticket_id == ServiceTicket.id)
    .correlate(ServiceTicket)
    .scalar_subquery()
)
_Follower = aliased(ServiceTicket)
_FIRST_FOLLOWERS = (
    select(_Follower.id, _Follower.number, _Follower.customer_id, _Follower.follows_as)
    .where(_Follower.workshop_id == bindparam("workshop_id"), _Follower.follows_ticket_id == ServiceTicket.id)
    .order_by(_Follower.id)
    .limit(MOST_FOLLOWERS)
    .correlate(ServiceTicket)
    .subquery()
)
_FOLLOWERS = select(
    json_objects(
        id=_FIRST_FOLLOWERS.c.id,
        number=_FIRST_FOLLOWERS.c.number,
        customer_id=_FIRST_FOLLOWERS.c.customer_id,
        follows_as=_FIRST_FOLLOWERS.c.follows_as,
    )
).scalar_subquery()
_FIELDS: dict[str, Any] = {
    "id": ServiceTicket.id,
    "number": ServiceTicket.number,
    "VIN": ascii_text(Vehicle.vin),
    "service_date": ServiceTicket.service_date,
    "service_desc": ServiceTicket.service_desc,
    "status": ServiceTicket.status,
    "customer_id": ServiceTicket.customer_id,
    "customer": json_object(id=Customer.id, name=Customer.name),
    "mechanics": nested(_MECHANICS),
    "net_total": ServiceTicket.net_total,
    "tax_total": ServiceTicket.tax_total,
    "created_at": rfc3339(ServiceTicket.created_at),
    "updated_at": rfc3339(ServiceTicket.updated_at),
}


def _tickets(**more: Any) -> Select[str]:
    return (
        select(json_text(**_FIELDS, **more))
        .select_from(ServiceTicket)
        .join(Vehicle, Vehicle.id == ServiceTicket.vehicle_id)
        .join(Customer, Customer.id == ServiceTicket.customer_id)
        .where(here(ServiceTicket), here(Vehicle), here(Customer))
    )


_LISTED = _tickets(inventory_items=nested(_ITEMS))
_VISITS = _tickets(
    lines=nested(_LINES),
    follows_ticket_id=ServiceTicket.follows_ticket_id,
    follows_as=ServiceTicket.follows_as,
)
_WHOLE: dict[str, Any] = {
    "approved_total": ServiceTicket.approved_total,
    "estimate_open_until": rfc3339(ServiceTicket.estimate_open_until),
    "follows_ticket_id": ServiceTicket.follows_ticket_id,
    "follows_as": ServiceTicket.follows_as,
    "lines": nested(_LINES),
    "status_history": nested(_HISTORY),
}
_ONE = Prepared(
    lambda: (
        _tickets(
            version=ServiceTicket.version,
            approval_required=Workshop.approval_required,
            tolerance=Workshop.approval_tolerance,
            followed_by=nested(_FOLLOWERS),
            **counting.of_vehicle(ServiceTicket.vehicle_id),
            **_WHOLE,
        )
        .join(Workshop, Workshop.id == ServiceTicket.workshop_id)
        .where(ServiceTicket.id == bindparam("ticket_id"))
    )
)


def get(ticket_id: int) -> dict[str, Any]:
    """Return a ticket of the current workshop, with mechanics, lines, parts, customer and the history of its status.

    :raises TicketNotFound: unknown here.
    """
    row = _ONE.row(ticket_id=ticket_id)
    if row is None:
        raise TicketNotFound()
    ticket = shaping.whole(row[0])
    ticket[TERMS] = {
        "approval_required": bool(ticket.pop("approval_required")),
        "tolerance": from_thousandths(ticket.pop("tolerance")),
    }
    return ticket


_ALL_OF = Prepared(
    lambda: (
        _tickets(**_WHOLE)
        .where(ServiceTicket.customer_id == bindparam("customer_id"), ServiceTicket.id > bindparam("after"))
        .order_by(ServiceTicket.id)
        .limit(AT_ONCE)
    )
)


def all_of(customer_id: int) -> Iterator[dict[str, Any]]:
    """Yield all tickets of a customer of the current workshop, each with all that hangs on it, so many by a statement."""
    after, found = 0, AT_ONCE
    while found == AT_ONCE:
        rows = _ALL_OF.rows(customer_id=customer_id, after=after)
        for row in rows:
            ticket = shaping.whole(row[0])
            del ticket[PARTS_MISSING]
            after = ticket["id"]
            yield ticket
        found = len(rows)


def find(walk: Walk, *, with_lines: bool = False, **filters: Any) -> Page:
    """Return one page of the current workshop's tickets that fit all of `filters`, by the names of `CONDITIONS`.

    `q`: the words to be found. `with_lines`: each with its lines, which a list of tickets does without.
    :raises InvalidVin: `VIN` is neither a VIN nor the last six characters of one.
    :raises Invalid: the cursor is not one of ours, or was made for another order.
    """
    values = {name: value for name, value in filters.items() if value is not None}
    words = patterns(values.pop("q", ""))
    shape = frozenset([*values, *([_with_words(len(words))] if words else [])])
    values |= {f"word_{place}": word for place, word in enumerate(words)}
    if "status" in values:
        values |= {f"status_{place}": status for place, status in enumerate(_padded(values["status"]))}
    if "VIN" in values:
        values |= vehicles.digests(values["VIN"])
    rows, count = _listing(shape, walk.order, walk.way, with_lines)
    values |= paging.place_of(walk, ORDER)
    total = count.rows(**values)[0][0] if walk.way == "page" else None
    shape_of = shaping.visit if with_lines else shaping.listed
    return paging.page_of([shape_of(row[0]) for row in rows.rows(**values)], ORDER, walk, total)


@lru_cache(maxsize=1024)
def _listing(shape: frozenset[str], order: str, way: Way, with_lines: bool) -> tuple[Prepared, Prepared]:
    """Return the statements of a list and of its count: one pair for each set of filters, order and way of walking."""
    filtered = (_VISITS if with_lines else _LISTED).where(*(CONDITIONS[name] for name in sorted(shape)))
    return Prepared(lambda: paging.arranged(filtered, ORDER, order, way)), Prepared(
        lambda: paging.counted(filtered)
    )


def _padded(statuses: list[str]) -> list[str]:
    """Return as many statuses as there are in all, the last one repeated: the statement stays the same."""
    distinct = list(dict.fromkeys(statuses))
    return distinct + distinct[-1:] * (len(STATUSES) - len(distinct))


def _with_words(number: int) -> str:
    return f"q of {number}"


def _found(number: int) -> ColumnElement[bool]:
    """Return the condition that so many words are in the description, or in the customer's name: a union has both's index."""
    words: list[Any] = [bindparam(f"word_{place}") for place in range(number)]
    described = select(ServiceTicket.id).where(
        here(ServiceTicket), *(contains(ServiceTicket.service_desc, word) for word in words)
    )
    brought = (
        select(ServiceTicket.id)
        .join(Customer, Customer.id == ServiceTicket.customer_id)
        .where(here(ServiceTicket), here(Customer), *(contains(Customer.name, word) for word in words))
    )
    return ServiceTicket.id.in_(select(union(described, brought).subquery().c.id))


# What a list can be asked for.
CONDITIONS: dict[str, ColumnElement[bool]] = {
    "customer_id": ServiceTicket.customer_id == bindparam("customer_id"),
    "vehicle_id": ServiceTicket.vehicle_id == bindparam("vehicle_id"),
    "mechanic_id": ServiceTicket.id.in_(
        select(TicketMechanic.service_ticket_id).where(
            here(TicketMechanic), TicketMechanic.mechanic_id == bindparam("mechanic_id")
        )
    ),
    "status": or_(*(ServiceTicket.status == bindparam(f"status_{place}") for place in range(len(STATUSES)))),
    "VIN": ServiceTicket.vehicle_id.in_(select(Vehicle.id).where(here(Vehicle), vehicles.has_digests())),
    "follows_ticket_id": ServiceTicket.follows_ticket_id == bindparam("follows_ticket_id"),
    "service_date": ServiceTicket.service_date == bindparam("service_date"),
    "service_date_from": ServiceTicket.service_date >= bindparam("service_date_from"),
    "service_date_to": ServiceTicket.service_date <= bindparam("service_date_to"),
    **{_with_words(number): _found(number) for number in range(1, MOST_WORDS + 1)},
}
