"""One ticket in hand: shown as its caller may see it, or held for a change."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.blueprints.service_tickets import counting, reading, shaping
from app.blueprints.service_tickets.errors import NotYourTicket, TicketClosed, TicketNotFound
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.service_tickets.shaping import PARTS_MISSING, TERMS
from app.blueprints.service_tickets.status import BY_WORD, OVER, Situation, allowed_transitions
from app.blueprints.vehicles.vin import warnings
from app.core import clock
from app.core.db import locked, touch
from app.core.identity import Principal
from app.core.preconditions import Expected, require_version
from app.extensions import db

Ticket = dict[str, Any]


def whole(caller: Principal, ticket_id: int) -> Ticket:
    """Return a ticket as `caller` is shown it: with what they may do next, and what to look at twice."""
    return completed(caller, reading.get(ticket_id))


def completed(caller: Principal, ticket: Ticket) -> Ticket:
    """Return a ticket with what `caller` may do next, and what to look at twice."""
    may = _may_change(caller, ticket["customer_id"])
    ticket["allowed_transitions"] = (
        allowed_transitions(ticket["status"], caller.role, situation_of(ticket)) if may else []
    )
    del ticket[TERMS], ticket[PARTS_MISSING]
    ticket["followed_by"] = _followers(caller, ticket)
    shaping.link(ticket, for_customer=not caller.may("tickets:read", "tickets:write"))
    ticket["warnings"] = [*warnings(ticket["VIN"]), *_of_keeper(caller, ticket)]
    if not caller.may("tickets:read", "tickets:write"):
        ticket |= dict.fromkeys(counting.names())  # counts are of all keepers' time, and for staff
        ticket["status_history"] = [_told(caller, step) for step in ticket["status_history"]]
    return ticket


def _of_keeper(caller: Principal, ticket: Ticket) -> list[str]:
    """Warn staff of a ticket for another's car: it may have changed hands, which a ticket does not say."""
    is_keepers = ticket.pop("keeper_id") == ticket["customer_id"]
    if is_keepers or not caller.may("tickets:read", "tickets:write"):
        return []
    return [f"Vehicle {ticket['vehicle_id']} is another customer's: hand it over if it changed hands."]


def _told(caller: Principal, step: dict[str, Any]) -> dict[str, Any]:
    """Return a step as it is told to a customer: what staff write of it is theirs, but for how the customer's word came."""
    is_theirs = step["account_id"] not in (None, caller.account_id) and step["to_status"] not in BY_WORD
    return step | {"reason": None} if is_theirs else step


def _followers(caller: Principal, ticket: Ticket) -> list[dict[str, Any]]:
    """Return the tickets that follow one, in order: all to staff, to a customer their own."""
    is_staff = caller.may("tickets:read", "tickets:write")
    return [
        {"id": one["id"], "number": one["number"], "follows_as": one["follows_as"]}
        for one in sorted(ticket["followed_by"], key=lambda one: one["id"])
        if is_staff or one["customer_id"] == caller.customer_id
    ]


def situation_of(ticket: Ticket) -> Situation:
    """Return what the guards ask of a ticket that was read."""
    until = ticket["estimate_open_until"]
    return Situation(
        total=ticket["total"],
        approved_total=ticket["approved_total"],
        parts_missing=ticket[PARTS_MISSING],
        core_settled=any(_has_settled_core(line) for line in ticket["lines"]),
        estimate_open_until=None if until is None else clock.as_utc(until),
        now=clock.now(),
        **ticket[TERMS],
    )


def _has_settled_core(line: dict[str, Any]) -> bool:
    due: Decimal | int | None = line["cores_due"]
    return due is not None and due < line["fitted"]


def _may_change(caller: Principal, customer_id: int) -> bool:
    """Tell whether a caller has the scopes that a step takes: staff of any ticket, a customer of their own."""
    is_own = caller.customer_id == customer_id and caller.may("own:write")
    return is_own or caller.may("tickets:write")


def require_own(caller: Principal, customer_id: int, scope: str = "tickets:write") -> None:
    """Refuse a customer what is another's.

    :raises NotYourTicket: the caller is neither that customer nor has `scope`.
    """
    if not caller.may(scope) and caller.customer_id != customer_id:
        raise NotYourTicket()


def hold(caller: Principal, ticket_id: int, expected: Expected) -> ServiceTicket:
    """Return a ticket, locked until the transaction ends: whoever changes what hangs on it waits here.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's. :raises Stale: not the `expected` version.
    """
    ticket = held(caller.workshop_id, ticket_id)
    if ticket is None:
        raise TicketNotFound()
    require_own(caller, ticket.customer_id)
    require_version(ticket, expected)
    return ticket


def held(workshop_id: int, ticket_id: int) -> ServiceTicket | None:
    """Return a ticket, locked until the transaction ends, whoever asks; None where there is none here."""
    mine = ServiceTicket.workshop_id == workshop_id, ServiceTicket.id == ticket_id
    return db.session.scalar(locked(ServiceTicket).where(*mine))


def stir(workshop_id: int, ticket_id: int) -> None:
    """Count what is shown of a ticket's work from now on as a change of the ticket: whoever watches it looks again.

    It is locked until the transaction ends; what hangs on it is locked after it.
    :raises TicketNotFound: unknown here.
    """
    ticket = held(workshop_id, ticket_id)
    if ticket is None:
        raise TicketNotFound()
    touch(ticket)


def require_open(ticket: ServiceTicket) -> None:
    """Refuse to change a ticket that is over.

    :raises TicketClosed: it is finished or cancelled.
    """
    if ticket.status in OVER:
        raise TicketClosed(f"The ticket is {ticket.status}.")
