"""What becomes of old parts when they come off: on the shelf, kept by the customer for a fee, or scrapped."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Select

from app.blueprints.cores.errors import CoreNotFound, CoreStepNotOpen, NoCoreCharge
from app.blueprints.cores.models import Core
from app.blueprints.cores.vocabulary import OUTCOMES, Outcome
from app.blueprints.service_tickets import fitting, lines, settling
from app.blueprints.service_tickets.errors import TicketClosed, TooManyCores
from app.blueprints.service_tickets.holding import Ticket, hold, require_open, whole
from app.blueprints.service_tickets.models import ServiceTicket, TicketLine
from app.core import audit
from app.core.db import atomic, locked, touch
from app.core.identity import Principal
from app.core.preconditions import Expected
from app.core.quantities import told
from app.extensions import db

RECORD = (
    "service_ticket_id", "line_id", "part_id", "charge", "status", "supplier_id", "reference", "credit", "reason",
    "fee_line_id",
)  # fmt: skip


def settle(
    caller: Principal,
    ticket_id: int,
    line_id: int,
    outcome: Outcome,
    quantity: Decimal | None = None,
    expected: Expected = None,
) -> Ticket:
    """Say what becomes of the old parts of a line: of so many, or of all that are due. Who keeps them pays the charge.

    It may be said of a finished job too, since completing one fits what is left; but a finished job is not charged more.
    :raises TicketNotFound: unknown here. :raises LineNotFound: the ticket has no such line.
    :raises PartNotOnTicket: it is no part. :raises NoCoreCharge: it is no exchange part.
    :raises TooManyCores: fewer are due. :raises TicketClosed: cancelled; or finished, and the customer would be charged.
    :raises TooManyLines: the ticket has 500. :raises Invalid: a fraction of what is counted by whole ones.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        _require_open_to(ticket, outcome)
        line = fitting.part_line(ticket, line_id)
        if line.core_charge is None:
            raise NoCoreCharge(
                f"{line.description}: an item's `core_charge` is kept by what is written later."
            )
        due = line.fitted - line.cores_settled
        wanted = due if quantity is None else quantity
        if not wanted or wanted > due:
            raise TooManyCores(f"{told(due)} are due.")
        fitting.require_whole_of(ticket, line, wanted)
        settling.count(line, wanted)
        fee = settling.charge(ticket, line, wanted) if outcome == "kept" else None
        _record(ticket, line, outcome, wanted, line.core_charge, fee)
        return whole(caller, ticket_id)


def _require_open_to(ticket: ServiceTicket, outcome: str) -> None:
    """Refuse what would change a ticket that is over: of one that is cancelled nothing came off, what is charged is frozen."""
    if outcome == "kept":
        require_open(ticket)
    elif ticket.status == "cancelled":
        raise TicketClosed("The ticket is cancelled.")


def _record(
    ticket: ServiceTicket,
    line: TicketLine,
    outcome: Outcome,
    quantity: Decimal,
    charge: Decimal,
    fee: TicketLine | None,
) -> None:
    core = Core(
        workshop_id=ticket.workshop_id,
        service_ticket_id=ticket.id,
        line_id=line.id,
        part_id=line.part_id,
        quantity=quantity,
        charge=charge,
        status=outcome,
        fee_line_id=None if fee is None else fee.id,
    )
    db.session.add(core)
    touch(ticket)
    db.session.flush()
    after = audit.fields_of(core, RECORD) | {"quantity": told(quantity)}
    audit.note("core.settled", "core", core.id, after=after)


def take_back(
    caller: Principal, ticket_id: int, line_id: int, core_id: int, expected: Expected = None
) -> Ticket:
    """Take back what was said of old parts, as long as none of them went to a supplier; the fee goes off the ticket.

    :raises TicketNotFound: unknown here. :raises LineNotFound: the ticket has no such line.
    :raises PartNotOnTicket: it is no part. :raises CoreNotFound: the line has no such old parts.
    :raises CoreStepNotOpen: they went to a supplier. :raises TicketClosed: finished, and the customer was charged.
    :raises DiscountTooLarge: without the fee the ticket would come to less than nothing.
    """
    with atomic() as session:
        ticket = hold(caller, ticket_id, expected)
        line = fitting.part_line(ticket, line_id)
        core = one(locked(Core).where(Core.line_id == line.id), ticket.workshop_id, core_id)
        if core.status not in OUTCOMES:
            raise CoreStepNotOpen(f"They are {core.status}.")
        _require_open_to(ticket, core.status)
        before = audit.fields_of(core, RECORD) | {"quantity": told(core.quantity)}
        session.delete(core)
        session.flush()
        settling.count(line, -core.quantity)
        fee = [one for one in lines.of(ticket) if one.id == core.fee_line_id] if core.fee_line_id else []
        if fee:
            fitting.take_off(ticket, fee, caller.account_id)
        touch(ticket)
        session.flush()
        audit.note("core.taken_back", "core", core_id, before=before)
        return whole(caller, ticket_id)


def one(statement: Select[Core], workshop_id: int, core_id: int) -> Core:
    """Return the old parts that `statement` finds here.

    :raises CoreNotFound: unknown here.
    """
    found = db.session.scalar(statement.where(Core.workshop_id == workshop_id, Core.id == core_id))
    if found is None:
        raise CoreNotFound()
    return found
