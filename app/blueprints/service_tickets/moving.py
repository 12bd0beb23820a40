"""The steps of a ticket's life: taken by people, by what was decided, or because parts are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from app.blueprints.inventory import issuing
from app.blueprints.service_tickets import approval, fitting, lines, reading, writing
from app.blueprints.service_tickets.errors import (
    ApprovalExceeded,
    CoresSettled,
    EstimateUndecided,
    PartsMissing,
    TransitionNotAllowed,
)
from app.blueprints.service_tickets.events import Declined, TicketStatusChanged, WorkDeclined
from app.blueprints.service_tickets.holding import Ticket, hold, situation_of, whole
from app.blueprints.service_tickets.models import NOTHING, ServiceTicket, TicketLine
from app.blueprints.service_tickets.status import ASKED, BY_WORD, Guard, Situation, first_refusal, steps_from
from app.core import audit, clock
from app.core.db import atomic
from app.core.errors import Conflict, Invalid
from app.core.events import announce
from app.core.identity import Principal
from app.core.preconditions import Expected
from app.extensions import db

PARTS_TO_ORDER = "Parts are to be ordered."
HOW_IT_WAS_SAID = "How the customer said it: by phone, in person."


def change_status(
    caller: Principal, ticket_id: int, status: str, reason: str | None = None, expected: Expected = None
) -> Ticket:
    """Take a ticket one step on. Cancelling puts its parts back into stock; completing fits what is left of them.

    Work that begins without its parts waits for them at once, by a step of its own; who then goes on means it.
    What the customer said is recorded with the `reason`, which tells how they did; what they declined goes off the ticket.

    :raises TicketNotFound: unknown here. :raises NotYourTicket: another customer's.
    :raises TransitionNotAllowed: that step is not open to this caller. :raises ApprovalExceeded: the customer has not agreed.
    :raises PartsMissing: parts are still to be ordered. :raises EstimateUndecided: an estimate is out.
    :raises CoresSettled: it is to be cancelled, and it is settled what became of an old part.
    :raises DiscountTooLarge: it is declined, and what stays would come to less than nothing.
    :raises Invalid: a word of the customer's without how it was said.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        before, situation = ticket.status, _require_allowed(caller, ticket, status)
        if status in BY_WORD and reason is None:
            raise Invalid("See `errors`.", errors={"reason": [HOW_IT_WAS_SAID]})
        still_approved = None
        if status == "declined":
            _take_off_what_is_declined(ticket, caller.account_id, reason)
            still_approved = _still_approved(ticket)
        step(ticket, status, caller.account_id, reason, approved_total=still_approved)
        if status == "in_progress" and before != "waiting_parts" and situation.parts_missing:
            step(ticket, "waiting_parts", caller.account_id, PARTS_TO_ORDER)
        return whole(caller, ticket_id)


def _require_allowed(caller: Principal, ticket: ServiceTicket, status: str) -> Situation:
    allowed = steps_from(ticket.status, caller.role)
    if status not in allowed:
        raise TransitionNotAllowed(
            f"The ticket is {ticket.status}; from there you may go to: {', '.join(allowed) or 'nothing'}."
        )
    situation = situation_of(reading.get(ticket.id))
    if (guard := first_refusal(ticket.status, status, situation)) is not None:
        raise _REFUSALS[guard](situation)
    return situation


def _take_off_what_is_declined(ticket: ServiceTicket, account_id: int | None, reason: str | None) -> None:
    """Take off what was not agreed to, unless some of it is fitted. A discount stays as long as anything else does."""
    on_it = lines.of(ticket)
    priced = [line for line in on_it if line.kind != "discount"]
    declined = [line for line in priced if not line.agreed and not line.fitted]
    leaving = on_it if declined == priced else declined
    if not leaving:
        return
    announce(WorkDeclined(ticket, account_id, tuple(map(_declined, declined)), reason))
    fitting.take_off(ticket, leaving, account_id)


def _still_approved(ticket: ServiceTicket) -> Decimal:
    """Return what is approved after a no: no more than what is left of what was agreed to before."""
    return max(NOTHING, min(ticket.approved_total or NOTHING, lines.agreed_total(ticket)))


def _declined(line: TicketLine) -> Declined:
    return Declined(
        line.id,
        line.kind,
        line.description,
        line.part_id,
        line.quantity,
        line.unit_price,
        line.tax_rate,
        line.net + line.tax,
    )


_REFUSALS: dict[Guard, Callable[[Situation], Conflict]] = {
    "within_approval": lambda situation: ApprovalExceeded(approval.told(situation)),
    "parts_there": lambda _: PartsMissing("The lines say which: `to_order`."),
    "no_core_settled": lambda _: CoresSettled(
        "Take that back first: `cores_due` of its lines says of which."
    ),
    "no_estimate_out": lambda _: EstimateUndecided("Decide it, or withdraw it first."),
}


def step(
    ticket: ServiceTicket,
    status: str,
    account_id: int | None,
    reason: str | None = None,
    approved_total: Decimal | None = None,
    agreed: set[int] | None = None,
) -> None:
    """Take a ticket that is held one step on, and do what belongs to the step.

    What is approved is `approved_total`, by the lines with the ids `agreed`; or else all that is on the ticket, and
    nothing after a no.
    :raises NotEnoughOnHand: it is completed, and parts that it wants are gone.
    """
    before, ticket.status = ticket.status, status
    if before == "awaiting_approval":
        ticket.estimate_open_until = None
    if ticket.approved_total is None and not ASKED.isdisjoint((before, status)):
        ticket.approved_total = NOTHING
    if status == "approved":
        ticket.approved_total = ticket.total if approved_total is None else approved_total
        lines.agree(ticket, agreed)
    elif status == "declined":
        ticket.approved_total = NOTHING if approved_total is None else approved_total
    elif status == "completed":
        fitting.fit_what_is_left(ticket)
    elif status == "cancelled":
        fitting.release_all(ticket)
    writing.insert_status_change(ticket.id, before, status, account_id, reason, clock.now())
    audit.note(
        "ticket.status_changed",
        "ticket",
        ticket.id,
        before={"status": before},
        after={"status": status, "reason": reason},
    )
    db.session.flush()
    announce(TicketStatusChanged(ticket.workshop_id, ticket.id, account_id, before, status, reason))


def wait_for_parts(ticket: ServiceTicket, written: Iterable[TicketLine], account_id: int | None) -> None:
    """Let a ticket that is being worked on wait, if parts of these lines are to be ordered."""
    if ticket.status != "in_progress":
        return
    lacking = {line.part_id for line in written if line.part_id is not None and lines.lacking(line) > 0}
    if lacking and issuing.counted_among(ticket.workshop_id, lacking):
        step(ticket, "waiting_parts", account_id, PARTS_TO_ORDER)
