"""What is to be done and charged: lines are put on a ticket, changed, and taken off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from app.blueprints.inventory import issuing
from app.blueprints.service_tickets import discounts, fitting, lines, moving
from app.blueprints.service_tickets.errors import AlreadyFitted
from app.blueprints.service_tickets.holding import Ticket, hold, require_open, whole
from app.blueprints.service_tickets.lines import ONE, Wanted
from app.blueprints.service_tickets.models import NOTHING, ServiceTicket, TicketLine
from app.blueprints.workshops.terms import Terms, terms_of
from app.core.db import atomic
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.preconditions import Expected
from app.core.quantities import told
from app.extensions import db

Asked = dict[str, Any]
NO_RATE = "How much an hour? The workshop has no labour rate."
OF_NOTHING = "There is nothing on the ticket that it could be taken of."


def add_lines(caller: Principal, ticket_id: int, asked: list[Asked], expected: Expected = None) -> Ticket:
    """Put lines on a ticket, all or none. Parts are set aside as far as there are any; what is missing is to be ordered.

    :raises TicketNotFound: unknown here. :raises TicketClosed: finished or cancelled. :raises PartNotFound: a part is unknown.
    :raises DiscountTooLarge: the discounts come to more than the rest. :raises TooManyLines: it has 500.
    :raises Invalid: an hour without a price, a fraction of what is counted by whole ones, or a percentage of nothing.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        put_on(ticket, asked, caller.account_id)
        return whole(caller, ticket_id)


def put_on(ticket: ServiceTicket, asked: list[Asked], account_id: int | None) -> list[TicketLine]:
    """Put lines on a ticket that is held, and return them; see `add_lines`."""
    parts = {
        place: (one["item_id"], one["quantity"]) for place, one in enumerate(asked) if one["kind"] == "part"
    }
    fitting.require_whole(ticket.workshop_id, parts)
    terms = terms_of(ticket.workshop_id)
    aside = _set_aside(ticket.workshop_id, parts.values())
    written = []
    for place, one in enumerate(asked):
        if one.get("percent") is not None:
            wanted = _percent_off(ticket, one, terms, place)
        else:
            wanted = [_part(one, aside, terms) if one["kind"] == "part" else _other(one, terms, place)]
        try:
            written += lines.write(ticket, wanted, terms)
        except Invalid as error:
            raise Invalid("See `errors`.", errors={"lines": {str(place): error.errors}}) from error
    lines.settle(ticket)
    lines.note(ticket, after=written)
    moving.wait_for_parts(ticket, written, account_id)
    return written


class _Aside:
    """What was set aside of each part, given out to the lines in their order."""

    def __init__(self, aside: dict[int, issuing.SetAside]) -> None:
        self.parts = aside
        self.left = {part_id: one.quantity for part_id, one in aside.items()}

    def give(self, part_id: int, quantity: Decimal) -> Decimal:
        given = min(self.left[part_id], quantity)
        self.left[part_id] -= given
        return given


def _set_aside(workshop_id: int, parts: Iterable[tuple[int, Decimal]]) -> _Aside:
    wanted: defaultdict[int, Decimal] = defaultdict(Decimal)
    for part_id, quantity in parts:
        wanted[part_id] += quantity
    return _Aside(issuing.set_aside(workshop_id, wanted) if wanted else {})


def _part(one: Asked, aside: _Aside, terms: Terms) -> Wanted:
    part = aside.parts[one["item_id"]]
    return Wanted(
        "part",
        one.get("description") or part.name,
        one["quantity"],
        part.price if one.get("unit_price") is None else one["unit_price"],
        _rate(one, terms),
        part.id,
        reserved=aside.give(part.id, one["quantity"]),
        core_charge=part.core_charge,
    )


def _other(one: Asked, terms: Terms, place: int) -> Wanted:
    price = one.get("unit_price")
    if price is None and one["kind"] == "labour":
        price = terms.labour_rate
    if price is None:
        raise Invalid("See `errors`.", errors={"lines": {str(place): {"unit_price": [NO_RATE]}}})
    return Wanted(one["kind"], one["description"], one["quantity"], price, _rate(one, terms))


def _rate(one: Asked, terms: Terms) -> Decimal:
    rate: Decimal | None = one.get("tax_rate")
    return terms.tax_rate if rate is None else rate


def _percent_off(ticket: ServiceTicket, one: Asked, terms: Terms, place: int) -> list[Wanted]:
    """Return a discount in percent of all that is there as lines, one for each tax rate: so the tax falls with the price."""
    db.session.flush()
    rates = discounts.rates(lines.of(ticket), includes_tax=terms.includes_tax)
    if not rates:
        raise Invalid("See `errors`.", errors={"lines": {str(place): {"percent": [OF_NOTHING]}}})
    percent = one["percent"]
    return [Wanted("discount", one["description"], ONE, NOTHING, rate, percent=percent) for rate in rates]


def change_line(
    caller: Principal, ticket_id: int, line_id: int, changes: Asked, expected: Expected = None
) -> Ticket:
    """Change a line; of more parts, as many are set aside as there are. A discount in percent becomes one of a sum by that.

    :raises TicketNotFound: unknown here. :raises LineNotFound: the ticket has no such line.
    :raises TicketClosed: finished or cancelled. :raises AlreadyFitted: more are fitted than would be wanted.
    :raises DiscountTooLarge: the discounts come to more than the rest.
    :raises Invalid: a fraction of what is counted by whole ones.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        line = lines.one(ticket, line_id)
        terms, before = terms_of(ticket.workshop_id), lines.said_in(line)
        quantity = changes.pop("quantity", line.quantity)
        if not changes.keys() <= {"description"} or quantity != line.quantity:
            line.percent = None
        for field, value in changes.items():
            setattr(line, field, value)
        if quantity != line.quantity:
            _want(ticket, line, quantity)
        lines.reckon(line, terms, before)
        lines.settle(ticket)
        lines.note(ticket, after=[line])
        moving.wait_for_parts(ticket, [line], caller.account_id)
        return whole(caller, ticket_id)


def _want(ticket: ServiceTicket, line: TicketLine, quantity: Decimal) -> None:
    """Let a line want another quantity; of a part, more are set aside or some are let go."""
    if line.part_id is None:
        line.quantity = quantity
        return
    if quantity < line.fitted:
        raise AlreadyFitted(f"{told(line.fitted)} are fitted: return some first.")
    fitting.require_whole_of(ticket, line, quantity)
    surplus = max(line.reserved + line.fitted - quantity, Decimal(0))
    line.quantity, line.reserved = quantity, line.reserved - surplus
    if surplus:
        issuing.release(ticket.workshop_id, {line.part_id: surplus})
    elif line.quantity > line.reserved + line.fitted:
        fitting.reserve(ticket, [line])


def remove_line(caller: Principal, ticket_id: int, line_id: int, expected: Expected = None) -> Ticket:
    """Take a line off a ticket: parts that were set aside for it are let go, those fitted come back into stock.

    :raises TicketNotFound: unknown here. :raises LineNotFound: the ticket has no such line.
    :raises TicketClosed: finished or cancelled. :raises DiscountTooLarge: the discounts come to more than the rest.
    :raises LineInUse: somebody worked on it, say.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        fitting.take_off(ticket, [lines.one(ticket, line_id)], caller.account_id)
        return whole(caller, ticket_id)
