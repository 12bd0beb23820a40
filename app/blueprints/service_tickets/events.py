"""What service tickets announce."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.blueprints.service_tickets.models import ServiceTicket


@dataclass(frozen=True, slots=True)
class TicketStatusChanged:
    """That a ticket took a step: by whom (an account), from which status to which, and why. The first is from nothing."""

    workshop_id: int
    ticket_id: int
    account_id: int | None
    before: str | None
    after: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TicketDeleted:
    """A ticket that is held is about to be deleted, and by whom (an account). Whoever keeps what hangs on it refuses."""

    ticket: ServiceTicket
    account_id: int | None


@dataclass(frozen=True, slots=True)
class TicketCarChanged:
    """That a ticket that is held turns out to be another car's: it names that one already. Whoever cannot follow refuses."""

    ticket: ServiceTicket


@dataclass(frozen=True, slots=True)
class Declined:
    """A line that was declined: what it was, and what it would have come to, tax included."""

    line_id: int
    kind: str
    description: str
    part_id: int | None
    quantity: Decimal
    unit_price: Decimal
    tax_rate: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class WorkDeclined:
    """Lines are about to go off a ticket that is held, as the customer does not want what they are for."""

    ticket: ServiceTicket
    account_id: int | None
    work: tuple[Declined, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class LinesTakenOff:
    """That lines are about to go off a ticket that is held: which, and by whom (an account). They are still there."""

    workshop_id: int
    ticket_id: int
    account_id: int | None
    line_ids: tuple[int, ...]
