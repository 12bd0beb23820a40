"""Reading tickets: each with its mechanics, parts and customer, all in one statement.

The database writes each ticket as the JSON that is answered; only what it cannot do is done here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, or_, select, union
from sqlalchemy.orm import aliased

from app.blueprints.customers.models import Customer
from app.blueprints.inventory.models import Part
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets import counting, shaping
from app.blueprints.service_tickets.errors import TicketNotFound
from app.blueprints.service_tickets.models import ServiceTicket, StatusChange, TicketLine, TicketMechanic
from app.blueprints.service_tickets.shaping import FOLLOWS_CUSTOMER, PARTS_MISSING, TERMS
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

# What hangs on a ticket, each read by a key that the ticket has: there is one way to read it, whatever a shop's size.
# `ticket` is the entity: any ticket, or one of the page that a list asks for.


def _vin(ticket: Any) -> Any:
    return (
        select(ascii_text(Vehicle.vin))
        .where(here(Vehicle), Vehicle.id == ticket.vehicle_id)
        .correlate(ticket)
        .scalar_subquery()
    )


def _customer(ticket: Any) -> Any:
    name = (
        select(Customer.name)
        .where(here(Customer), Customer.id == ticket.customer_id)
        .correlate(ticket)
        .scalar_subquery()
    )
    return json_object(id=ticket.customer_id, name=name)


def _mechanics(ticket: Any) -> Any:
    name = (
        select(Mechanic.name)
        .where(here(Mechanic), Mechanic.id == TicketMechanic.mechanic_id)
        .correlate(TicketMechanic)
        .scalar_subquery()
    )
    return nested(
        select(json_objects(id=TicketMechanic.mechanic_id, name=name))
        .where(here(TicketMechanic), TicketMechanic.service_ticket_id == ticket.id)
        .correlate(ticket)
        .scalar_subquery()
    )


def _of_the_part(column: Any) -> Any:
    return (
        select(column)
        .where(here(Part), Part.id == TicketLine.part_id)
        .correlate(TicketLine)
        .scalar_subquery()
    )


def _items(ticket: Any) -> Any:
    return nested(
        select(
            json_objects(
                id=TicketLine.part_id,
                name=_of_the_part(Part.name),
                price=TicketLine.unit_price,
                quantity=thousandths(TicketLine.quantity),
            )
        )
        .where(here(TicketLine), TicketLine.service_ticket_id == ticket.id, TicketLine.part_id.is_not(None))
        .correlate(ticket)
        .scalar_subquery()
    )


def _lines(ticket: Any) -> Any:
    return nested(
        select(
            json_objects(
                id=TicketLine.id,
                kind=TicketLine.kind,
                description=TicketLine.description,
                item_id=TicketLine.part_id,
                item=_of_the_part(Part.name),
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
                percent=TicketLine.percent,
                there=_of_the_part(thousandths(Part.on_hand - Part.reserved)),
            )
        )
        .where(here(TicketLine), TicketLine.service_ticket_id == ticket.id)
        .correlate(ticket)
        .scalar_subquery()
    )


def _history(ticket: Any) -> Any:
    return nested(
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
        .where(here(StatusChange), StatusChange.service_ticket_id == ticket.id)
        .correlate(ticket)
        .scalar_subquery()
    )


def _reached(ticket: Any, *statuses: str) -> Any:
    return (
        select(rfc3339(func.min(StatusChange.changed_at)))
        .where(
            here(StatusChange),
            StatusChange.service_ticket_id == ticket.id,
            or_(*(StatusChange.to_status == status for status in statuses)),
        )
        .correlate(ticket)
        .scalar_subquery()
    )


def _followers(ticket: Any) -> Any:
    follower = aliased(ServiceTicket)
    first = (
        select(follower.id, follower.number, follower.customer_id, follower.follows_as)
        .where(follower.workshop_id == bindparam("workshop_id"), follower.follows_ticket_id == ticket.id)
        .order_by(follower.id)
        .limit(MOST_FOLLOWERS)
        .correlate(ticket)
        .subquery()
    )
    return nested(select(json_objects(**first.c)).scalar_subquery())


def _followed_customer(ticket: Any) -> Any:
    followed = aliased(ServiceTicket)
    return (
        select(followed.customer_id)
        .where(here(followed), followed.id == ticket.follows_ticket_id)
        .correlate(ticket)
        .scalar_subquery()
    )


def _fields(ticket: Any) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "number": ticket.number,
        "vehicle_id": ticket.vehicle_id,
        "VIN": _vin(ticket),
        "service_date": ticket.service_date,
        "service_desc": ticket.service_desc,
        "status": ticket.status,
        "customer_id": ticket.customer_id,
        "customer": _customer(ticket),
        "mechanics": _mechanics(ticket),
        "net_total": ticket.net_total,
        "tax_total": ticket.tax_total,
        "created_at": rfc3339(ticket.created_at),
        "updated_at": rfc3339(ticket.updated_at),
    }


def _visit(ticket: Any) -> dict[str, Any]:
    return {
        "lines": _lines(ticket),
        "follows_ticket_id": ticket.follows_ticket_id,
        "follows_as": ticket.follows_as,
        FOLLOWS_CUSTOMER: _followed_customer(ticket),
    }


def _stay(ticket: Any) -> dict[str, Any]:
    return {
        "received_at": _reached(ticket, "received"),
        "left_at": _reached(ticket, "delivered", "cancelled"),
    }


def _whole(ticket: Any) -> dict[str, Any]:
    return {
        **_fields(ticket),
        **_visit(ticket),
        "approved_total": ticket.approved_total,
        "estimate_open_until": rfc3339(ticket.estimate_open_until),
        "status_history": _history(ticket),
    }


_ONE = Prepared(
    lambda: (
        select(
            json_text(
                **_whole(ServiceTicket),
                version=ServiceTicket.version,
                approval_required=Workshop.approval_required,
                tolerance=Workshop.approval_tolerance,
                followed_by=_followers(ServiceTicket),
                keeper_id=vehicles.keeper_of(ServiceTicket.vehicle_id),
                **counting.of_vehicle(ServiceTicket.vehicle_id),
            )
        )
        .join(Workshop, Workshop.id == ServiceTicket.workshop_id)
        .where(here(ServiceTicket), ServiceTicket.id == bindparam("ticket_id"))
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
        select(json_text(**_whole(ServiceTicket)))
        .where(
            here(ServiceTicket),
            ServiceTicket.customer_id == bindparam("customer_id"),
            ServiceTicket.id > bindparam("after"),
        )
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
            shaping.link(ticket, for_customer=True)
            del ticket[PARTS_MISSING]
            after = ticket["id"]
            yield ticket
        found = len(rows)


def find(walk: Walk, *, with_lines: bool = False, **filters: Any) -> Page:
    """Return one page of the current workshop's tickets that fit all of `filters`, by the names of `CONDITIONS`.

    `q`: the words to be found. `with_lines`: each with its lines, and with when the car came and when the visit was over
    (`received_at`, `left_at`), which a list of tickets does without.
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
    values |= paging.place_of(walk, ORDER)
    rows, count = _listing(shape, walk.order, walk.way, with_lines)
    total = count.rows(**values)[0][0] if walk.way == "page" else None
    shape_of = shaping.visit if with_lines else shaping.listed
    return paging.page_of([shape_of(row[0]) for row in rows.rows(**values)], ORDER, walk, total)


@lru_cache(maxsize=1024)
def _listing(shape: frozenset[str], order: str, way: Way, with_lines: bool) -> tuple[Prepared, Prepared]:
    """Return the statements of a list and of its count: one pair for each set of filters, order and way of walking.

    The page is cut first, and what hangs on its tickets is read for these alone.
    """
    fitting = select(ServiceTicket).where(here(ServiceTicket), *(CONDITIONS[name] for name in sorted(shape)))

    def rows() -> Any:
        if shape <= DAYS and order.removeprefix("-").startswith("service_date"):
            page = paging.walked(fitting, ORDER, order, way, ServiceTicket)
        else:
            page = paging.arranged(fitting, ORDER, order, way)
        ticket = aliased(ServiceTicket, page.subquery("page"))
        more = {**_visit(ticket), **_stay(ticket)} if with_lines else {"inventory_items": _items(ticket)}
        return paging.in_order(select(json_text(**_fields(ticket), **more)), ORDER, order, ticket)

    return Prepared(rows), Prepared(lambda: paging.counted(fitting))


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


DAYS = {"service_date", "service_date_from", "service_date_to"}
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
