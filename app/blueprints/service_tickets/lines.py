"""The lines of a ticket: read and written here alone, so that the totals are always their sum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import select

from app.blueprints.service_tickets import amounts, discounts
from app.blueprints.service_tickets.errors import DiscountTooLarge, LineNotFound, TooManyLines
from app.blueprints.service_tickets.models import NOTHING, ServiceTicket, TicketLine
from app.blueprints.workshops.terms import Terms, terms_of
from app.core import audit
from app.core.db import touch
from app.core.errors import Invalid
from app.core.money import GREATEST_AMOUNT
from app.core.quantities import told
from app.extensions import db

MOST_LINES = 500
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line to be written."""

    kind: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    tax_rate: Decimal
    part_id: int | None = None
    reserved: Decimal = Decimal(0)
    fitted: Decimal = Decimal(0)
    cost: Decimal = NOTHING
    core_charge: Decimal | None = None
    percent: Decimal | None = None


class Worded(amounts.Priced, Protocol):
    """A line as somebody reads it: on a ticket, or as it was offered."""

    @property
    def description(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer agrees to in a line."""

    kind: str
    description: str
    quantity: Decimal
    unit_price: Decimal
    tax_rate: Decimal
    total: Decimal

    def covers(self, other: Said) -> bool:
        """Tell whether who agreed to this agreed to `other`: the same thing, and no more of it, nor at a higher price."""
        is_the_same = (self.description, self.tax_rate) == (other.description, other.tax_rate)
        no_dearer = self.kind == "discount" or other.unit_price <= self.unit_price
        return is_the_same and no_dearer and other.quantity <= self.quantity and other.total <= self.total


def said_in(line: Worded) -> Said:
    """Return what a customer agrees to in a line as it is now."""
    return Said(
        line.kind, line.description, line.quantity, line.unit_price, line.tax_rate, line.net + line.tax
    )


def of(ticket: ServiceTicket, part_ids: Iterable[int] | None = None) -> list[TicketLine]:
    """Return the lines of a ticket that is held, in order: all, or those of some parts."""
    statement = select(TicketLine).where(
        TicketLine.workshop_id == ticket.workshop_id, TicketLine.service_ticket_id == ticket.id
    )
    if part_ids is not None:
        statement = statement.where(TicketLine.part_id.in_(part_ids))
    return list(db.session.scalars(statement.order_by(TicketLine.id)))


def one(ticket: ServiceTicket, line_id: int) -> TicketLine:
    """Return a line of a ticket that is held.

    :raises LineNotFound: the ticket has no such line.
    """
    line = db.session.scalar(
        select(TicketLine).where(
            TicketLine.workshop_id == ticket.workshop_id,
            TicketLine.service_ticket_id == ticket.id,
            TicketLine.id == line_id,
        )
    )
    if line is None:
        raise LineNotFound()
    return line


def lacking(line: TicketLine) -> Decimal:
    """Return how many of its part a line wants that are neither set aside for it nor fitted."""
    return line.quantity - line.reserved - line.fitted


def write(ticket: ServiceTicket, wanted: Iterable[Wanted], terms: Terms) -> list[TicketLine]:
    """Write lines on a ticket that is held; the caller settles it afterwards.

    :raises Invalid: one comes to more than can be written.
    """
    written = []
    for line in wanted:
        amount = amounts.of_line(
            line.kind, line.quantity, line.unit_price, line.tax_rate, includes_tax=terms.includes_tax
        )
        written.append(
            TicketLine(
                workshop_id=ticket.workshop_id,
                service_ticket_id=ticket.id,
                kind=line.kind,
                description=line.description,
                part_id=line.part_id,
                quantity=line.quantity,
                unit_price=line.unit_price,
                tax_rate=line.tax_rate,
                net=amount.net,
                tax=amount.tax,
                reserved=line.reserved,
                fitted=line.fitted,
                cost=line.cost,
                core_charge=line.core_charge,
                percent=line.percent,
            )
        )
    db.session.add_all(written)
    return written


def is_priced_as_now(line: TicketLine, terms: Terms) -> bool:
    """Tell whether the tax is in the price of a line, or not, as it is in prices now."""
    comes_to = amounts.Amount(line.net, line.tax)
    within = amounts.has_tax_within(line.quantity, line.unit_price, comes_to, includes_tax=terms.includes_tax)
    return within == terms.includes_tax


def reckon(line: TicketLine, terms: Terms, before: Said) -> None:
    """Reckon anew what a changed line comes to. If it is more than, or another than, it was `before`, nobody agreed to it.

    A price that stays has the tax in it, or not, as when it was written; a new one as it is now. Where words alone changed the
    line comes to what it came to.
    :raises Invalid: more than can be written.
    """
    new_price = line.unit_price != before.unit_price
    if new_price or (line.quantity, line.tax_rate) != (before.quantity, before.tax_rate):
        came_to, within = amounts.Amount(line.net, line.tax), terms.includes_tax
        if not new_price:
            within = amounts.has_tax_within(
                before.quantity, before.unit_price, came_to, includes_tax=terms.includes_tax
            )
        line.net, line.tax = amounts.of_line(
            line.kind, line.quantity, line.unit_price, line.tax_rate, includes_tax=within
        )
    if not before.covers(said_in(line)):
        line.agreed = False


def agree(ticket: ServiceTicket, line_ids: set[int] | None = None) -> None:
    """Remember that the customer agreed to lines of a ticket that is held: to some, or to all."""
    for line in of(ticket):
        if line_ids is None or line.id in line_ids:
            line.agreed = True


def agreed_total(ticket: ServiceTicket) -> Decimal:
    """Return what those lines of a ticket that is held come to which the customer agreed to, tax included."""
    return sum((line.net + line.tax for line in of(ticket) if line.agreed), NOTHING)


def settle(ticket: ServiceTicket) -> None:
    """Bring the discounts and the totals of a ticket in line with its lines, after they changed.

    :raises DiscountTooLarge: they would be below nothing. :raises TooManyLines: there are more than 500.
    :raises Invalid: they come to more than can be written.
    """
    db.session.flush()
    on_it = of(ticket)
    if len(on_it) > MOST_LINES:
        raise TooManyLines(f"A ticket has {MOST_LINES} lines at most.")
    if any(line.kind == "discount" for line in on_it):
        _reckon_discounts(on_it, terms_of(ticket.workshop_id))
    net = sum((line.net for line in on_it), NOTHING)
    tax = sum((line.tax for line in on_it), NOTHING)
    if net < 0 or tax < 0:
        raise DiscountTooLarge()
    if net + tax > GREATEST_AMOUNT:
        raise Invalid(f"The ticket would come to more than {GREATEST_AMOUNT:,}.")
    ticket.net_total, ticket.tax_total = net, tax
    touch(ticket)
    db.session.flush()


def _reckon_discounts(on_it: list[TicketLine], terms: Terms) -> None:
    found = discounts.reckoned(on_it, includes_tax=terms.includes_tax)
    for line, amount in zip(on_it, found, strict=True):
        line.net, line.tax = amount
        if line.percent is not None:
            line.unit_price = -(amount.net + amount.tax if terms.includes_tax else amount.net)


def note(
    ticket: ServiceTicket, *, before: Iterable[TicketLine] = (), after: Iterable[TicketLine] = ()
) -> None:
    """Note in the audit log which lines went off a ticket, and which came on it."""
    gone, come = [_recorded(line) for line in before], [_recorded(line) for line in after]
    audit.note(
        "ticket.lines_changed",
        "ticket",
        ticket.id,
        before={"lines": gone} if gone else None,
        after={"lines": come} if come else None,
    )


def _recorded(line: TicketLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "kind": line.kind,
        "description": line.description,
        "part_id": line.part_id,
        "quantity": told(line.quantity),
        "unit_price": line.unit_price,
        "tax_rate": line.tax_rate,
        **({} if line.percent is None else {"percent": line.percent}),
        "reserved": told(line.reserved),
        "fitted": told(line.fitted),
    }
