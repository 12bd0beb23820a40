"""The rules of deciding: who may, once, line by line; what it does to the ticket; and what is kept as evidence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from app.blueprints.customers import service as customers
from app.blueprints.estimates import content, links
from app.blueprints.estimates.content import NOTHING, OfferedLine
from app.blueprints.estimates.errors import (
    AskTheWorkshop,
    EstimateDecided,
    EstimateExpired,
    EstimateNotFound,
    EstimateWithdrawn,
)
from app.blueprints.estimates.models import Estimate
from app.blueprints.estimates.service import one_of_ticket, price, require_decidable
from app.blueprints.estimates.vocabulary import BY_WORD
from app.blueprints.service_tickets import fitting, lines, moving
from app.blueprints.service_tickets.errors import DiscountTooLarge
from app.blueprints.service_tickets.events import Declined, WorkDeclined
from app.blueprints.service_tickets.holding import hold
from app.blueprints.service_tickets.models import ServiceTicket
from app.blueprints.workshops.errors import WorkshopSuspended
from app.blueprints.workshops.models import Workshop
from app.blueprints.workshops.terms import email_of
from app.core import audit, clock, outbox, tenancy
from app.core.db import atomic, locked
from app.core.errors import Conflict, Invalid
from app.core.events import announce
from app.core.identity import Principal
from app.extensions import db

LONGEST_AGENT = 300
NOT_OFFERED = "Not up for decision in this estimate."
ONLINE = "Decided by the customer."
DECLINED = "Declined in an estimate."
BY_STAFF = "The customer's word, as staff recorded it."
THEIRS = (EstimateDecided, EstimateExpired, EstimateWithdrawn, DiscountTooLarge)
"""What a customer is told of why not; other conflicts are among the workshop's own people."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Who decided, and how that came to us: kept with the decision, encrypted. Of who was erased before, no more than how."""

    name: str | None
    how: str = "online"
    account_id: int | None = None
    address: str | None = None
    agent: str | None = None
    note: str | None = None


# ---- Three ways in ----------------------------------------------------------------------------------------------------


def opened(token: str) -> Estimate:
    """Return the estimate that a link opens, be it decided.

    :raises EstimateNotFound: the link is not ours, or what it opened is gone. :raises WorkshopSuspended: the workshop is.
    """
    workshop_id, estimate_id = links.named_by(token)
    with tenancy.acting_in(workshop_id):
        found = db.session.execute(
            select(Estimate, Workshop.suspended_at)
            .join(Workshop, Workshop.id == Estimate.workshop_id)
            .where(Estimate.workshop_id == workshop_id, Estimate.id == estimate_id)
        ).one_or_none()
    if found is None:
        raise EstimateNotFound()
    estimate, suspended_at = found
    if suspended_at is not None:
        raise WorkshopSuspended()
    return estimate


def decide_by_link(
    token: str, accepted: list[int], name: str, address: str | None, agent: str | None
) -> Estimate:
    """Decide an estimate as whoever has its link.

    :raises EstimateNotFound: the link is not ours. :raises EstimateDecided: it is. :raises EstimateExpired: its time is past.
    :raises EstimateWithdrawn: it was. :raises Invalid: a line that is not up for decision.
    :raises DiscountTooLarge: what is accepted comes to less than the discount on the whole.
    :raises WorkshopSuspended: the workshop is. :raises AskTheWorkshop: another rule is in the way.
    """
    estimate = opened(token)
    evidence = Evidence(name, address=address, agent=agent and agent[:LONGEST_AGENT])
    with tenancy.acting_in(estimate.workshop_id), _told_to_customers(), atomic():
        ticket = db.session.scalars(
            locked(ServiceTicket).where(
                ServiceTicket.workshop_id == estimate.workshop_id,
                ServiceTicket.id == estimate.service_ticket_id,
            )
        ).one()
        return _decide(ticket, estimate.id, accepted, evidence)


def decide(
    caller: Principal,
    ticket_id: int,
    estimate_id: int,
    accepted: list[int],
    name: str,
    how: str | None,
    note: str | None,
    address: str | None,
    agent: str | None,
) -> Estimate:
    """Decide an estimate: a customer that of their own ticket; staff what the customer said, and `how`.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    :raises EstimateNotFound: not of the ticket. :raises Invalid: staff do not say how, or a line is not up for decision.
    Else as `decide_by_link`.
    """
    is_staff = caller.may("tickets:write")
    if is_staff != (how in BY_WORD):
        words = f"How it was said: {', '.join(BY_WORD)}." if is_staff else "For staff, who record a word."
        raise Invalid("See `errors`.", errors={"how": [words]})
    evidence = Evidence(
        name, how or "online", caller.account_id, address, agent and agent[:LONGEST_AGENT], note
    )
    with nullcontext() if is_staff else _told_to_customers(), atomic():
        ticket = hold(caller, ticket_id, None)
        return _decide(ticket, estimate_id, accepted, evidence)


@contextmanager
def _told_to_customers() -> Iterator[None]:
    """Keep from customers what stands in the way among the workshop's own people.

    :raises AskTheWorkshop: something does.
    """
    try:
        yield
    except Conflict as refusal:
        if isinstance(refusal, THEIRS):
            raise
        raise AskTheWorkshop("Call the workshop, which can record what you decide.") from refusal


# ---- What it does -----------------------------------------------------------------------------------------------------


def _decide(ticket: ServiceTicket, estimate_id: int, accepted: list[int], evidence: Evidence) -> Estimate:
    # The customer first, as an erasure has them: it wants the estimate.
    is_known = customers.is_kept_from_erasure(ticket.workshop_id, ticket.customer_id)
    estimate = one_of_ticket(locked(Estimate), ticket.workshop_id, ticket.id, estimate_id)
    require_decidable(ticket, estimate)
    if not is_known:
        evidence = Evidence(None, evidence.how, evidence.account_id)
    offered = content.read(estimate.content)
    _require_offered(offered, accepted)
    wanted = set(accepted)
    stays = content.staying(estimate.content, wanted)
    if sum((line.net for line in stays), NOTHING) < 0:  # what came on the ticket since may hide it
        raise DiscountTooLarge()
    _take_off_the_rest(ticket, offered, stays, evidence)
    _write(estimate, offered, wanted, stays, evidence)
    _move(ticket, estimate, stays, evidence)
    _tell(ticket, estimate, offered, wanted)
    return estimate


def _require_offered(offered: list[OfferedLine], accepted: list[int]) -> None:
    known = {line.line_id for line in offered if line.is_open}
    if stray := [place for place, line_id in enumerate(accepted) if line_id not in known]:
        errors = {str(place): [NOT_OFFERED] for place in stray}
        raise Invalid("See `errors`.", errors={"accepted_line_ids": errors})


def _take_off_the_rest(
    ticket: ServiceTicket, offered: list[OfferedLine], stays: list[OfferedLine], evidence: Evidence
) -> None:
    """Take off what was declined, as a no by word does: what is fitted is in the car, and stays until it is returned.

    What goes is kept with the car as it was offered. A discount stays as long as anything does that was offered with it.
    """
    agreed = {line.line_id for line in stays}
    on_it = {line.id: line for line in lines.of(ticket)}
    fitted = {line_id for line_id, line in on_it.items() if line.fitted}
    declined = [line for line in offered if line.is_open and line.line_id not in agreed | fitted]
    if declined:
        announce(WorkDeclined(ticket, evidence.account_id, tuple(map(_declined, declined)), DECLINED))
    going = {line.line_id for line in declined}
    if all(line.line_id in going for line in offered if line.kind != "discount"):
        going = {line.line_id for line in offered}
    leaving = [line for line_id, line in on_it.items() if line_id in going]
    if leaving:
        fitting.drop(ticket, leaving)


def _declined(line: OfferedLine) -> Declined:
    return Declined(
        line.line_id,
        line.kind,
        line.description,
        line.item_id,
        line.quantity,
        line.unit_price,
        line.tax_rate,
        line.total,
    )


def _write(
    estimate: Estimate,
    offered: list[OfferedLine],
    wanted: set[int],
    stays: list[OfferedLine],
    evidence: Evidence,
) -> None:
    everything = {line.line_id for line in offered if line.is_open}
    estimate.state = "accepted" if wanted == everything else "partly_accepted" if wanted else "declined"
    estimate.accepted_line_ids = orjson.dumps(sorted(wanted)).decode()
    estimate.accepted_total = sum((line.total for line in stays), NOTHING)
    estimate.decided_at = clock.now()
    estimate.decided_how = evidence.how
    estimate.decided_account_id = evidence.account_id
    estimate.decided_name, estimate.decided_note = evidence.name, evidence.note
    estimate.decided_address, estimate.decided_agent = evidence.address, evidence.agent
    db.session.flush()
    audit.note(
        "estimate.decided",
        "estimate",
        estimate.id,
        after={
            "state": estimate.state,
            "how": evidence.how,
            "accepted_line_ids": sorted(wanted),
            "accepted_total": estimate.accepted_total,
            "content_hash": estimate.content_hash,
        },
    )


def _move(ticket: ServiceTicket, estimate: Estimate, stays: list[OfferedLine], evidence: Evidence) -> None:
    why = ONLINE if evidence.how == "online" else BY_STAFF
    if not stays:
        moving.step(ticket, "declined", evidence.account_id, why)
        return
    as_offered = {line.line_id: lines.said_in(line) for line in stays}
    moving.step(
        ticket,
        "approved",
        evidence.account_id,
        why,
        approved_total=estimate.accepted_total,
        agreed={
            line.id
            for line in lines.of(ticket)
            if line.id in as_offered and as_offered[line.id].covers(lines.said_in(line))
        },
    )


def _tell(ticket: ServiceTicket, estimate: Estimate, offered: list[OfferedLine], wanted: set[int]) -> None:
    """Tell the customer, unless they were erased, what was decided in their name, and the workshop."""
    assert estimate.accepted_total is not None
    values: dict[str, Any] = {
        "number": ticket.number,
        "accepted": len(wanted),
        "declined": sum(line.is_open for line in offered) - len(wanted),
        "total": price(estimate, estimate.accepted_total),
        "link": links.address_of(ticket.workshop_id, estimate.id),
    }
    theirs = customers.email_of(ticket.workshop_id, ticket.customer_id)
    for address in {theirs, email_of(ticket.workshop_id)} - {None}:
        assert address is not None
        whose = ticket.customer_id if address == theirs else None
        outbox.queue(ticket.workshop_id, "estimate_decided", address, customer_id=whose, **values)
