"""What opening a ticket writes, by statements prepared once: every visit begins here."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, bindparam, insert, select

from app.blueprints.customers import service as customers
from app.blueprints.customers.errors import CustomerNotFound
from app.blueprints.service_tickets import counting
from app.blueprints.service_tickets.models import NOTHING, ServiceTicket, StatusChange
from app.blueprints.vehicles import service as vehicles
from app.blueprints.workshops import numbers
from app.core.prepared import Prepared
from app.extensions import db

_COLUMNS = (
    "workshop_id", "number", "customer_id", "vehicle_id", "service_date", "service_desc", "status",
    "follows_ticket_id", "follows_as", "net_total", "tax_total", "version", "created_at", "updated_at",
)  # fmt: skip
_STEP = ("workshop_id", "service_ticket_id", "from_status", "to_status", "changed_at", "account_id", "reason")


def _of_its_car() -> tuple[Any, ...]:
    vehicle_id: Any = bindparam("vehicle_id", type_=BigInteger)
    return vehicles.keeper_of(vehicle_id), *counting.of_vehicle(vehicle_id).values()


def _opened_in_one() -> Any:
    """PostgreSQL: the ticket, the first step of its history, and what its car is known by, in one statement."""
    ticket = (
        insert(ServiceTicket)
        .values({name: bindparam(name) for name in _COLUMNS})
        .returning(ServiceTicket.id)
        .cte("ticket")
    )
    columns = StatusChange.__table__.c
    given: Any = {name: bindparam(name, type_=columns[name].type) for name in _STEP}
    step = (
        insert(StatusChange)
        .from_select(_STEP, select(*(given | {"service_ticket_id": ticket.c.id}).values()))
        .cte("step")
    )
    return select(ticket.c.id, *_of_its_car()).add_cte(step)


_OPENED = Prepared(_opened_in_one, writes="service_tickets")
_TICKET = Prepared(
    lambda: (
        insert(ServiceTicket)
        .values({name: bindparam(name) for name in _COLUMNS})
        .returning(ServiceTicket.id, *_of_its_car())
    ),
    writes="service_tickets",
)
_STATUS_CHANGE = Prepared(
    lambda: insert(StatusChange).values({name: bindparam(name) for name in _STEP}),
    writes="service_ticket_status_changes",
)


_NUMBER = Prepared(
    lambda: numbers.count_on(alone=True, known=customers.name_of(bindparam("customer_id", type_=BigInteger))),
    writes="counters",
    by_itself=True,
)


def next_number(customer_id: int) -> tuple[int, str]:
    """Return the number of the next ticket, given for good, and the name of the customer it is for.

    :raises CustomerNotFound: unknown here, or erased; no number is given then.
    """
    given: Any = _NUMBER.row(series="service_tickets", customer_id=customer_id)
    if given is None:
        raise CustomerNotFound()
    return given[0], given[1]


def insert_ticket(
    number: int,
    customer_id: int,
    vehicle_id: int,
    service_date: date,
    service_desc: str,
    account_id: int,
    now: datetime,
    follows_ticket_id: int | None = None,
    follows_as: str | None = None,
) -> tuple[int, dict[str, int]]:
    """Insert a booked ticket and the first step of its history; return its id, and by name its car's keeper and counts."""
    ticket: dict[str, Any] = {
        "number": number,
        "customer_id": customer_id,
        "vehicle_id": vehicle_id,
        "service_date": service_date,
        "service_desc": service_desc,
        "status": "booked",
        "follows_ticket_id": follows_ticket_id,
        "follows_as": follows_as,
        "net_total": NOTHING,
        "tax_total": NOTHING,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    if db.engine.dialect.name == "postgresql":
        step = {
            "from_status": None,
            "to_status": "booked",
            "changed_at": now,
            "account_id": account_id,
            "reason": None,
        }
        [row] = _OPENED.rows(**ticket, **step)
    else:
        [row] = _TICKET.rows(**ticket)
        insert_status_change(row[0], None, "booked", account_id, None, now)
    return row[0], dict(zip(("keeper_id", *counting.names()), row[1:], strict=True))


def insert_status_change(
    ticket_id: int, before: str | None, after: str, account_id: int | None, reason: str | None, now: datetime
) -> None:
    """Append a step to the history of a ticket of the current workshop."""
    _STATUS_CHANGE.rows(
        service_ticket_id=ticket_id,
        from_status=before,
        to_status=after,
        changed_at=now,
        account_id=account_id,
        reason=reason,
    )
