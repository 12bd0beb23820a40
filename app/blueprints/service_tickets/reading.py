"""Reading tickets: each with its mechanics, parts and customer, all in one statement.

The database writes each ticket as the JSON that is answered; only what it cannot do is done here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, bindparam, or_, select, union

from app.blueprints.customers.models import Customer
from app.blueprints.inventory.models import Part
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets.errors import TicketNotFound
from app.blueprints.service_tickets.models import ServiceTicket, StatusChange, TicketMechanic, TicketPart
from app.blueprints.service_tickets.status import STATUSES
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.models import Vehicle
from app.core import clock, paging
from app.core.crypto import decrypt
from app.core.money import from_cents
from app.core.paging import Order, Page, Walk, Way
from app.core.prepared import Prepared, here
from app.core.quantities import from_thousandths, thousandths, told
from app.core.search import contains, pattern
from app.core.sqljson import ascii_text, json_object, json_objects, json_text, nested, rfc3339

AT_ONCE = 200  # tickets of a long history
ORDER = Order(
    ServiceTicket.id,
    "-service_date",
    service_date=ServiceTicket.service_date,
    number=ServiceTicket.number,
)
READS = (
    "service_tickets",
    "service_ticket_mechanics",
    "service_ticket_parts",
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
_PARTS = (
    select(
        json_objects(
            id=Part.id,
            name=Part.name,
            price=TicketPart.unit_price,
            quantity=thousandths(TicketPart.quantity),
        )
    )
    .join(TicketPart, TicketPart.part_id == Part.id)
    .where(here(Part), here(TicketPart), TicketPart.service_ticket_id == ServiceTicket.id)
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
    "inventory_items": nested(_PARTS),
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


_LISTED = _tickets()
_ONE = Prepared(
    lambda: _tickets(version=ServiceTicket.version, status_history=nested(_HISTORY)).where(
        ServiceTicket.id == bindparam("ticket_id")
    )
)


def get(ticket_id: int) -> dict[str, Any]:
    """Return a ticket of the current workshop, with mechanics, parts, customer and the history of its status.

    :raises TicketNotFound: unknown here.
    """
    row = _ONE.row(ticket_id=ticket_id)
    if row is None:
        raise TicketNotFound()
    ticket = _readable(row)
    ticket["status_history"].sort(key=_id)
    for change in ticket["status_history"]:
        del change["id"]
    return ticket


_ALL_OF = Prepared(
    lambda: (
        _tickets(status_history=nested(_HISTORY))
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
            ticket = _readable(row)
            ticket["status_history"].sort(key=_id)
            after = ticket["id"]
            yield ticket
        found = len(rows)


def find(walk: Walk, **filters: Any) -> Page:
    """Return one page of the current workshop's tickets that fit all of `filters`, by the names of `CONDITIONS`.

    :raises InvalidVin: `VIN` is neither a VIN nor the last six characters of one.
    :raises Invalid: the cursor is not one of ours, or was made for another order.
    """
    values = {name: value for name, value in filters.items() if value is not None}
    shape = frozenset(values)
    if "q" in values:
        values["q"] = pattern(values["q"])
    if "status" in values:
        values |= {f"status_{place}": status for place, status in enumerate(_padded(values["status"]))}
    if "VIN" in values:
        values |= vehicles.digests(values["VIN"])
    rows, count = _listing(shape, walk.order, walk.way)
    values |= paging.place_of(walk, ORDER)
    total = count.rows(**values)[0][0] if walk.way == "page" else None
    return paging.page_of([_readable(row) for row in rows.rows(**values)], ORDER, walk, total)


@lru_cache(maxsize=1024)
def _listing(shape: frozenset[str], order: str, way: Way) -> tuple[Prepared, Prepared]:
    """Return the statements of a list and of its count: one pair for each set of filters, order and way of walking."""
    filtered = _LISTED.where(*(CONDITIONS[name] for name in sorted(shape)))
    return Prepared(lambda: paging.arranged(filtered, ORDER, order, way)), Prepared(
        lambda: paging.counted(filtered)
    )


def _padded(statuses: list[str]) -> list[str]:
    """Return as many statuses as there are in all, the last one repeated: the statement stays the same."""
    distinct = list(dict.fromkeys(statuses))
    return distinct + distinct[-1:] * (len(STATUSES) - len(distinct))


_DESCRIBED = select(ServiceTicket.id).where(
    here(ServiceTicket), contains(ServiceTicket.service_desc, bindparam("q"))
)
_BROUGHT = (
    select(ServiceTicket.id)
    .join(Customer, Customer.id == ServiceTicket.customer_id)
    .where(here(ServiceTicket), here(Customer), contains(Customer.name, bindparam("q")))
)
# What a list can be asked for. A search is the union of two, because each then has its index.
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
    "service_date": ServiceTicket.service_date == bindparam("service_date"),
    "service_date_from": ServiceTicket.service_date >= bindparam("service_date_from"),
    "service_date_to": ServiceTicket.service_date <= bindparam("service_date_to"),
    "q": ServiceTicket.id.in_(select(union(_DESCRIBED, _BROUGHT).subquery().c.id)),
}


def as_opened(
    ticket_id: int,
    number: int,
    vin: str,
    service_date: date,
    service_desc: str,
    customer_id: int,
    customer_name: str,
    account_id: int,
    now: datetime,
) -> dict[str, Any]:
    """Return a ticket just opened, in the form that `get` reads: all of it is known without asking again."""
    opened = clock.rfc3339(now)
    first = {
        "from_status": None,
        "to_status": "booked",
        "changed_at": opened,
        "account_id": account_id,
        "reason": None,
    }
    return {
        "id": ticket_id,
        "number": number,
        "VIN": vin,
        "service_date": service_date.isoformat(),
        "service_desc": service_desc,
        "status": "booked",
        "customer_id": customer_id,
        "customer": {"id": customer_id, "name": customer_name},
        "mechanics": [],
        "inventory_items": [],
        "created_at": opened,
        "updated_at": opened,
        "version": 1,
        "status_history": [first],
    }


def _readable(row: Any) -> dict[str, Any]:
    """Return the ticket that a row is: its VIN readable, money as decimals, what hangs on it in order."""
    ticket: dict[str, Any] = orjson.loads(row[0])
    ticket["VIN"] = decrypt(ticket["VIN"])
    ticket["mechanics"].sort(key=_id)
    ticket["inventory_items"].sort(key=_id)
    for item in ticket["inventory_items"]:
        item["price"] = from_cents(item["price"])
        item["quantity"] = told(from_thousandths(item["quantity"]))
    return ticket


def _id(row: dict[str, Any]) -> tuple[int, int]:
    return row["id"], row.get("price", 0)
