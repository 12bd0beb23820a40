"""The rules of estimates: what is offered stays as it was, and is decided once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from app.blueprints.customers import service as customers
from app.blueprints.estimates import content, links
from app.blueprints.estimates.errors import (
    EstimateDecided,
    EstimateExpired,
    EstimateNotFound,
    EstimateWithdrawn,
    NothingToDecide,
)
from app.blueprints.estimates.models import Estimate
from app.blueprints.estimates.vocabulary import DECIDED, EXPIRED
from app.blueprints.service_tickets import lines, moving
from app.blueprints.service_tickets import service as tickets
from app.blueprints.service_tickets.errors import TransitionNotAllowed
from app.blueprints.service_tickets.holding import hold
from app.blueprints.service_tickets.holding import require_open as require_ticket_open
from app.blueprints.service_tickets.models import ServiceTicket, TicketLine
from app.blueprints.service_tickets.status import STEPS
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.terms import currency_of, terms_of
from app.core import audit, clock, outbox, paging
from app.core.db import atomic, locked
from app.core.identity import Principal
from app.core.money import written
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.extensions import db

ORDER = Order(Estimate.id, "-id")
RECORD = ("revision", "content_hash", "net_total", "tax_total", "valid_until")
ASKED = "An estimate was sent."


def offer(
    caller: Principal, ticket_id: int, *, valid_days: int, message: str | None, expected: Expected = None
) -> Estimate:
    """Ask the customer about a ticket's lines as they are now, by mail where they have an address.

    One that was out before is withdrawn, and the ticket awaits approval.
    :raises TicketNotFound: unknown here. :raises TicketClosed: finished or cancelled.
    :raises Stale: not the `expected` version. :raises NothingToDecide: there is no line that was not agreed to.
    :raises TransitionNotAllowed: the car is not there yet.
    """
    with atomic() as session:
        ticket = hold(caller, ticket_id, expected)
        require_ticket_open(ticket)
        if ticket.status != "awaiting_approval" and (ticket.status, "awaiting_approval") not in STEPS:
            raise TransitionNotAllowed(f"The ticket is {ticket.status}: receive the car first.")
        offered = lines.of(ticket)
        _require_something_open(offered)
        _withdraw(_out(ticket.workshop_id, ticket.id))
        estimate = _drawn_up(ticket, offered, valid_days, message, caller.account_id)
        session.add(estimate)
        session.flush()
        _send(ticket, estimate)
        audit.note("estimate.sent", "estimate", estimate.id, after=audit.fields_of(estimate, RECORD))
        if ticket.status != "awaiting_approval":
            moving.step(ticket, "awaiting_approval", caller.account_id, ASKED)
        ticket.estimate_open_until = estimate.valid_until
        session.flush()
    return estimate


def _require_something_open(offered: list[TicketLine]) -> None:
    if all(line.agreed or line.kind == "discount" for line in offered):
        raise NothingToDecide("Every line of the ticket is agreed to, or there is none.")


def _drawn_up(
    ticket: ServiceTicket, offered: list[TicketLine], valid_days: int, message: str | None, account_id: int
) -> Estimate:
    revision = 1 + (
        db.session.scalar(
            select(func.max(Estimate.revision)).where(
                Estimate.workshop_id == ticket.workshop_id, Estimate.service_ticket_id == ticket.id
            )
        )
        or 0
    )
    until = (clock.now() + timedelta(days=valid_days)).replace(microsecond=0)
    text, digest = content.written(
        offered,
        ticket=ticket.number,
        revision=revision,
        currency=currency_of(ticket.workshop_id),
        prices_include_tax=terms_of(ticket.workshop_id).includes_tax,
        valid_until=clock.rfc3339(until),
        message=message,
    )
    return Estimate(
        workshop_id=ticket.workshop_id,
        service_ticket_id=ticket.id,
        revision=revision,
        content=text,
        content_hash=digest,
        net_total=ticket.net_total,
        tax_total=ticket.tax_total,
        message=message,
        valid_until=until,
        account_id=account_id,
    )


def _send(ticket: ServiceTicket, estimate: Estimate) -> None:
    """Queue the letter with the link; who has no address, or was erased, is told by word, and the link handed over."""
    estimate.sent_to = customers.email_of(ticket.workshop_id, ticket.customer_id)
    if estimate.sent_to is None:
        return
    outbox.queue(
        ticket.workshop_id,
        "estimate",
        estimate.sent_to,
        customer_id=ticket.customer_id,
        number=ticket.number,
        total=price(estimate, estimate.net_total + estimate.tax_total),
        until=estimate.valid_until,
        link=links.address_of(ticket.workshop_id, estimate.id),
    )


def head_of(estimate: Estimate) -> dict[str, Any]:
    """Return what stands above an estimate: whose it is, of which ticket, and how amounts and times are written."""
    head = workshops.letterhead(estimate.workshop_id)
    number = db.session.scalars(
        select(ServiceTicket.number).where(
            ServiceTicket.workshop_id == estimate.workshop_id,
            ServiceTicket.id == estimate.service_ticket_id,
        )
    ).one()
    return {
        "workshop": head.name,
        "workshop_phone": head.phone,
        "locale": head.locale,
        "time_zone": head.time_zone,
        "ticket_number": number,
    }


def price(estimate: Estimate, amount: Decimal) -> str:
    """Return an amount in the currency of an estimate, as the locale of its workshop writes it."""
    locale = workshops.letterhead(estimate.workshop_id).locale
    return written(amount, content.currency_of(estimate.content), locale)


def _out(workshop_id: int, ticket_id: int) -> Estimate | None:
    """Return the estimate of a ticket that was sent and not decided, be it expired, locked."""
    found: Estimate | None = db.session.scalar(
        locked(Estimate).where(
            Estimate.workshop_id == workshop_id,
            Estimate.service_ticket_id == ticket_id,
            Estimate.state == "sent",
        )
    )
    return found


def _withdraw(out: Estimate | None) -> None:
    if out is not None:
        out.state = "withdrawn"
        db.session.flush()
        audit.note("estimate.withdrawn", "estimate", out.id)


def withdraw_what_stands(workshop_id: int, ticket_id: int) -> None:
    """Take back the estimate of a ticket that could still be decided; one that has expired stays so. Inside `atomic()`."""
    out = _out(workshop_id, ticket_id)
    if out is not None and state_of(out) == "sent":
        _withdraw(out)


def state_of(estimate: Estimate) -> str:
    """Return what an estimate is now: one that was sent and whose time is past is told as expired."""
    return EXPIRED if estimate.state == "sent" and clock.now() >= estimate.valid_until else estimate.state


def require_open(estimate: Estimate) -> None:
    """Refuse to decide what cannot be.

    :raises EstimateDecided: it is. :raises EstimateExpired: its time is past. :raises EstimateWithdrawn: it was taken back.
    """
    state = state_of(estimate)
    if state in DECIDED:
        raise EstimateDecided()
    if state == EXPIRED:
        raise EstimateExpired("Ask the workshop for a new one.")
    if state == "withdrawn":
        raise EstimateWithdrawn("Ask the workshop: there may be a newer one.")


def require_decidable(ticket: ServiceTicket, estimate: Estimate) -> None:
    """Refuse to decide, or to ask once more, what cannot be decided, by itself or as the ticket went another way.

    :raises EstimateDecided: it is. :raises EstimateExpired: its time is past.
    :raises EstimateWithdrawn: it was taken back, or the ticket does not await it.
    """
    require_open(estimate)
    if ticket.status != "awaiting_approval":
        raise EstimateWithdrawn(f"The ticket is {ticket.status}.")


# ---- Afterwards -------------------------------------------------------------------------------------------------------


def get(caller: Principal, ticket_id: int, estimate_id: int) -> Estimate:
    """Return an estimate of a ticket: any to staff, of their own ticket to a customer.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    :raises EstimateNotFound: not of the ticket.
    """
    tickets.require_seen(caller, ticket_id)
    return one_of_ticket(select(Estimate), caller.workshop_id, ticket_id, estimate_id)


def one_of_ticket(statement: Any, workshop_id: int, ticket_id: int, estimate_id: int) -> Estimate:
    """Return the estimate that `statement` finds on a ticket.

    :raises EstimateNotFound: the ticket has no such one.
    """
    found: Estimate | None = db.session.scalar(
        statement.where(
            Estimate.workshop_id == workshop_id,
            Estimate.service_ticket_id == ticket_id,
            Estimate.id == estimate_id,
        )
    )
    if found is None:
        raise EstimateNotFound()
    return found


def find(caller: Principal, ticket_id: int, walk: Walk) -> Page:
    """Return one page of a ticket's estimates, the latest first.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    """
    tickets.require_seen(caller, ticket_id)
    return paging.fetch(
        select(Estimate).where(
            Estimate.workshop_id == caller.workshop_id, Estimate.service_ticket_id == ticket_id
        ),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def send_again(caller: Principal, ticket_id: int, estimate_id: int) -> Estimate:
    """Send the letter with the link once more, to the address that the customer has now.

    :raises TicketNotFound: unknown here. :raises EstimateNotFound: not of the ticket.
    :raises EstimateDecided: it is. :raises EstimateExpired: it has. :raises EstimateWithdrawn: it was, or the ticket is over.
    """
    with atomic() as session:
        ticket = hold(caller, ticket_id, None)
        estimate = one_of_ticket(locked(Estimate), caller.workshop_id, ticket_id, estimate_id)
        require_decidable(ticket, estimate)
        _send(ticket, estimate)
        session.flush()
        audit.note("estimate.sent_again", "estimate", estimate.id)
    return estimate


def withdraw(caller: Principal, ticket_id: int, estimate_id: int, expected: Expected = None) -> Estimate:
    """Take back an estimate that nobody has decided; the ticket goes on awaiting approval.

    :raises TicketNotFound: unknown here. :raises EstimateNotFound: not of the ticket.
    :raises EstimateDecided: it is. :raises EstimateWithdrawn: it was. :raises Stale: not the `expected` version.
    """
    with atomic():
        ticket = hold(caller, ticket_id, None)
        estimate = one_of_ticket(locked(Estimate), caller.workshop_id, ticket_id, estimate_id)
        require_version(estimate, expected)
        if estimate.state in DECIDED:
            raise EstimateDecided(f"The estimate is {estimate.state.replace('_', ' ')}.")
        if estimate.state != "sent":
            raise EstimateWithdrawn()
        ticket.estimate_open_until = None
        _withdraw(estimate)
    return estimate
