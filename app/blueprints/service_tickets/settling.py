"""The old parts of what was fitted: of how many of a line it is settled what became of them.

What did become of each is told by `cores`, which comes later and counts here. What is settled stays fitted: else an old part
would lie on the shelf, or be charged, that is in the car.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import update

from app.blueprints.service_tickets import lines
from app.blueprints.service_tickets.errors import CoresSettled, TooManyCores
from app.blueprints.service_tickets.lines import Wanted
from app.blueprints.service_tickets.models import ServiceTicket, TicketLine
from app.blueprints.workshops.terms import terms_of
from app.core.quantities import told
from app.extensions import db

NONE = Decimal(0)
CHARGED = "Core charge: "
LONGEST = 300


def count(line: TicketLine, quantity: Decimal) -> None:
    """Settle so many more old parts of a line; below zero, so many fewer. The UPDATE's own condition decides.

    :raises TooManyCores: so many are not due.
    """
    statement = (
        update(TicketLine)
        .where(
            TicketLine.workshop_id == line.workshop_id,
            TicketLine.id == line.id,
            TicketLine.fitted - TicketLine.cores_settled >= quantity,
        )
        .values(cores_settled=TicketLine.cores_settled + quantity)
        .returning(TicketLine.id)
        .execution_options(synchronize_session=False)
    )
    if db.session.execute(statement).one_or_none() is None:
        raise TooManyCores("Somebody settled them meanwhile.")
    db.session.expire(line, ["cores_settled"])


def charge(ticket: ServiceTicket, line: TicketLine, quantity: Decimal) -> TicketLine:
    """Charge the customer for old parts that they keep: a fee on the ticket, taxed as the part is; return it.

    :raises TooManyLines: the ticket has 500. :raises Invalid: it comes to more than can be written.
    """
    assert line.core_charge is not None
    said = f"{CHARGED}{line.description}"[:LONGEST]
    fee = Wanted("fee", said, quantity, line.core_charge, line.tax_rate)
    written = lines.write(ticket, [fee], terms_of(ticket.workshop_id))
    lines.settle(ticket)
    lines.note(ticket, after=written)
    return written[0]


def require_unsettled(leaving: Iterable[TicketLine], staying: Decimal = NONE) -> None:
    """Refuse to take off what was fitted where old parts of more than are `staying` are settled.

    :raises CoresSettled: they are.
    """
    for line in leaving:
        if line.cores_settled > staying:
            raise CoresSettled(
                f"{line.description}: {told(line.cores_settled)} old parts are settled. Take that back first."
            )
