"""The rules of what is fitted: parts on a ticket, set aside, out of the stock and back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy.exc import DBAPIError

from app.blueprints.inventory import issuing
from app.blueprints.inventory import service as inventory
from app.blueprints.inventory.issuing import Taken
from app.blueprints.inventory.ledger import Stock
from app.blueprints.service_tickets import approval, lines, settling
from app.blueprints.service_tickets.errors import AlreadyFitted, LineInUse, NotFitted, PartNotOnTicket
from app.blueprints.service_tickets.events import LinesTakenOff
from app.blueprints.service_tickets.holding import Ticket, hold, require_open, whole
from app.blueprints.service_tickets.lines import Wanted
from app.blueprints.service_tickets.models import ServiceTicket, TicketLine
from app.blueprints.workshops.terms import Terms, terms_of
from app.core.db import atomic, is_still_named
from app.core.errors import Invalid
from app.core.events import announce
from app.core.identity import Principal
from app.core.money import rounded
from app.core.preconditions import Expected
from app.core.quantities import NOT_WHOLE, is_whole, told
from app.extensions import db

Quantities = defaultdict[int, Decimal]


def require_whole(workshop_id: int, wanted: dict[int, tuple[int, Decimal]]) -> None:
    """Refuse half a filter, but not half a litre; a part that is unknown here is taken for a whole one.

    `wanted`: by its place among the lines of a request, a part and how many. Where there is a fraction, the parts are locked
    until the transaction ends: their units stay.
    :raises Invalid: naming the lines by their places.
    """
    broken = {place: part_id for place, (part_id, quantity) in wanted.items() if not is_whole(quantity)}
    if not broken:
        return
    issuing.hold(workshop_id, {part_id for part_id, _ in wanted.values()})
    divisible = issuing.divisible_among(workshop_id, set(broken.values()))
    errors = {
        str(place): {"quantity": [NOT_WHOLE]} for place, part_id in broken.items() if part_id not in divisible
    }
    if errors:
        raise Invalid("See `errors`.", errors={"lines": errors})


# ---- Put on and fitted at once, as a counter sale is ------------------------------------------------------------------


def add_parts(
    caller: Principal, ticket_id: int, items: list[dict[str, Any]], expected: Expected = None
) -> Ticket:
    """Put parts on a ticket at their present price, out of stock where it is counted; all or none.

    :raises TicketNotFound: unknown here. :raises PartNotFound: one is. :raises NotEnoughOnHand: fewer are on hand.
    :raises TicketClosed: finished or cancelled. :raises Invalid: a fraction of what is counted by whole ones.
    :raises ApprovalExceeded: it would come to more than was approved.
    """
    wanted: Quantities = defaultdict(Decimal)
    for item in items:
        wanted[item["item_id"]] += item["quantity"]
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        asked = {place: (item["item_id"], item["quantity"]) for place, item in enumerate(items)}
        require_whole(caller.workshop_id, asked)
        _put_on(ticket, dict(wanted))
        return whole(caller, ticket_id)


def _put_on(
    ticket: ServiceTicket, quantities: dict[int, Decimal], held: dict[int, Stock] | None = None
) -> None:
    if not quantities:
        return
    terms = terms_of(ticket.workshop_id)
    taken = issuing.take(ticket.workshop_id, quantities, ticket_id=ticket.id, held=held)
    present = {
        (line.part_id, line.unit_price, line.tax_rate, line.core_charge): line
        for line in _all_fitted(ticket, quantities)
        if lines.is_priced_as_now(line, terms)
    }
    new: list[Wanted] = []
    for one in taken:
        line = present.get((one.id, one.price, terms.tax_rate, one.core_charge))
        if line is None:
            new.append(_line_of(one, quantities[one.id], terms))
        else:
            before = lines.said_in(line)
            line.quantity += quantities[one.id]
            line.fitted += quantities[one.id]
            line.cost += one.cost
            lines.reckon(line, terms, before)
    written = lines.write(ticket, new, terms)
    lines.settle(ticket)
    approval.require(ticket, terms)
    raised = [line for line in present.values() if line.part_id in quantities]
    lines.note(ticket, after=sorted({*raised, *written}, key=lambda line: line.id))


def _all_fitted(ticket: ServiceTicket, part_ids: Iterable[int]) -> list[TicketLine]:
    """Return the lines of some parts of which all are fitted: to these, more of the same can be added."""
    return [line for line in lines.of(ticket, part_ids) if line.fitted == line.quantity]


def _line_of(taken: Taken, quantity: Decimal, terms: Terms) -> Wanted:
    return Wanted(
        "part",
        taken.name,
        quantity,
        taken.price,
        terms.tax_rate,
        taken.id,
        fitted=quantity,
        cost=taken.cost,
        core_charge=taken.core_charge,
    )


def remove_part(caller: Principal, ticket_id: int, part_id: int, expected: Expected = None) -> Ticket:
    """Take a part off a ticket, wholly, and back into stock.

    :raises TicketNotFound: unknown here. :raises PartNotOnTicket: not on it. :raises TicketClosed: finished or cancelled.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        present = lines.of(ticket, [part_id])
        if not present:
            raise PartNotOnTicket()
        take_off(ticket, present, caller.account_id)
        return whole(caller, ticket_id)


def edit(ticket: ServiceTicket, adding: list[int], removing: list[int], account_id: int | None) -> list[str]:
    """Put parts on a ticket, each as often as it is named, and take others off wholly; return notes on those unknown."""
    leaving = lines.of(ticket, removing) if removing else []
    present = {line.part_id for line in leaving}
    known = inventory.present_among(ticket.workshop_id, adding) if adding else set()
    notes = [f"Item {i} is unknown." for i in dict.fromkeys(adding) if i not in known]
    notes += [f"Item {i} was not on the ticket." for i in dict.fromkeys(removing) if i not in present]
    held = None
    if leaving and known:
        held = issuing.hold(ticket.workshop_id, known.union(_parts(leaving)))
    if leaving:
        take_off(ticket, leaving, account_id)
    wanted = Counter(i for i in adding if i in known)
    _put_on(ticket, {part_id: Decimal(number) for part_id, number in wanted.items()}, held)
    return notes


# ---- Off a ticket, and back into the stock ----------------------------------------------------------------------------


def take_off(ticket: ServiceTicket, leaving: list[TicketLine], account_id: int | None) -> None:
    """Take lines off a ticket that is held: what of them is reserved is let go, what is fitted comes back.

    :raises DiscountTooLarge: what is left would come to less than nothing. :raises LineInUse: somebody worked on one, say.
    :raises CoresSettled: it is settled what became of the old part of one.
    """
    announce(LinesTakenOff(ticket.workshop_id, ticket.id, account_id, tuple(line.id for line in leaving)))
    drop(ticket, leaving)


def drop(ticket: ServiceTicket, leaving: list[TicketLine]) -> None:
    """Take lines off as `take_off` does, and announce nothing: the caller has settled what hangs on them.

    :raises DiscountTooLarge: what is left would come to less than nothing. :raises LineInUse: somebody worked on one, say.
    """
    _give_back(ticket, leaving)
    for line in leaving:
        db.session.delete(line)
    try:
        db.session.flush()
    except DBAPIError as error:
        if not is_still_named(error):
            raise
        raise LineInUse("Change it, or let an owner correct what names it.") from error
    lines.settle(ticket)
    lines.note(ticket, before=leaving)


def release_all(ticket: ServiceTicket) -> None:
    """Put all that is on a ticket back into stock; it stays listed there as it was.

    :raises CoresSettled: it is settled what became of the old part of one.
    """
    with_parts = [line for line in lines.of(ticket) if line.part_id is not None]
    _give_back(ticket, with_parts)
    for line in with_parts:
        line.reserved = Decimal(0)


def _give_back(ticket: ServiceTicket, leaving: list[TicketLine]) -> None:
    settling.require_unsettled(leaving)
    reserved: Quantities = defaultdict(Decimal)
    fitted: Quantities = defaultdict(Decimal)
    costs: Quantities = defaultdict(Decimal)
    for line in leaving:
        if line.part_id is not None:
            reserved[line.part_id] += line.reserved
            fitted[line.part_id] += line.fitted
            costs[line.part_id] += line.cost
    if reserved:
        issuing.hold(ticket.workshop_id, _parts(leaving))
    issuing.release(ticket.workshop_id, reserved)
    back = {part_id: quantity for part_id, quantity in fitted.items() if quantity}
    issuing.give_back(ticket.workshop_id, back, costs, ticket_id=ticket.id)


def _parts(some: Iterable[TicketLine]) -> set[int]:
    return {line.part_id for line in some if line.part_id is not None}


# ---- Set aside, then fitted -------------------------------------------------------------------------------------------


def reserve(ticket: ServiceTicket, waiting: list[TicketLine]) -> None:
    """Set aside for lines of parts what they lack, as much as there is, in the order of the lines."""
    lacking: Quantities = defaultdict(Decimal)
    for line in waiting:
        assert line.part_id is not None
        lacking[line.part_id] += lines.lacking(line)
    aside = issuing.set_aside(ticket.workshop_id, lacking)
    left = {part_id: one.quantity for part_id, one in aside.items()}
    for line in waiting:
        assert line.part_id is not None
        quantity = min(left[line.part_id], lines.lacking(line))
        line.reserved += quantity
        left[line.part_id] -= quantity


def reserve_line(caller: Principal, ticket_id: int, line_id: int, expected: Expected = None) -> Ticket:
    """Set aside what a line lacks, as much as there is by now.

    :raises TicketNotFound: unknown here. :raises LineNotFound: the ticket has no such line.
    :raises PartNotOnTicket: it is no part. :raises PartNotFound: it was taken out of the inventory.
    :raises TicketClosed: finished or cancelled.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        line = part_line(ticket, line_id)
        if lines.lacking(line):
            reserve(ticket, [line])
            lines.settle(ticket)
            lines.note(ticket, after=[line])
        return whole(caller, ticket_id)


def fit_line(
    caller: Principal, ticket_id: int, line_id: int, quantity: Decimal | None, expected: Expected = None
) -> Ticket:
    """Fit a part: so many of those the line wants, or all that are not fitted yet; they leave the stock.

    :raises TicketNotFound: unknown here. :raises LineNotFound: the ticket has no such line.
    :raises PartNotOnTicket: it is no part. :raises AlreadyFitted: fewer are left to fit.
    :raises NotEnoughOnHand: too few are there. :raises TicketClosed: finished or cancelled.
    :raises ApprovalExceeded: the work comes to more than was approved.
    :raises Invalid: a fraction of what is counted by whole ones.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        approval.require(ticket, terms_of(ticket.workshop_id))
        line = part_line(ticket, line_id)
        left = line.quantity - line.fitted
        wanted = left if quantity is None else quantity
        if not wanted or wanted > left:
            raise AlreadyFitted(f"{told(left)} are left to fit.")
        require_whole_of(ticket, line, wanted)
        fit(ticket, {line: wanted})
        lines.settle(ticket)
        lines.note(ticket, after=[line])
        return whole(caller, ticket_id)


def fit(ticket: ServiceTicket, wanted: dict[TicketLine, Decimal]) -> None:
    """Issue parts to lines of a ticket that is held, those first that were set aside for them.

    A part that was taken out of the inventory since is fitted as far as there is any; of what is not counted, all of it.
    :raises PartNotFound: it was, and none is there. :raises NotEnoughOnHand: too few are there.
    """
    quantities: Quantities = defaultdict(Decimal)
    own: Quantities = defaultdict(Decimal)
    for line, quantity in wanted.items():
        assert line.part_id is not None
        quantities[line.part_id] += quantity
        own[line.part_id] += min(line.reserved, quantity)
    costs = {
        taken.id: taken.cost
        for taken in issuing.take(
            ticket.workshop_id, quantities, ticket_id=ticket.id, own=own, archived_too=True
        )
    }
    for line, quantity in sorted(wanted.items(), key=lambda pair: pair[0].id):
        assert line.part_id is not None
        share = _share(costs[line.part_id], quantity, quantities[line.part_id])
        costs[line.part_id] -= share
        quantities[line.part_id] -= quantity
        line.cost += share
        line.reserved -= min(line.reserved, quantity)
        line.fitted += quantity


def fit_what_is_left(ticket: ServiceTicket) -> None:
    """Fit what the parts of a ticket that is held still want: its job is done.

    :raises NotEnoughOnHand: too few are there.
    """
    waiting = {
        line: line.quantity - line.fitted
        for line in lines.of(ticket)
        if line.part_id is not None and line.fitted < line.quantity
    }
    if waiting:
        fit(ticket, waiting)
        db.session.flush()


def return_line(
    caller: Principal, ticket_id: int, line_id: int, quantity: Decimal | None, expected: Expected = None
) -> Ticket:
    """Put fitted parts of a line back into stock at what they had cost: so many, or all; the line wants so many fewer.

    :raises TicketNotFound: unknown here. :raises LineNotFound: the ticket has no such line.
    :raises PartNotOnTicket: it is no part. :raises NotFitted: fewer are fitted. :raises TicketClosed: finished or cancelled.
    :raises DiscountTooLarge: what is left would come to less than nothing.
    :raises CoresSettled: the old parts of more than would stay are settled.
    :raises Invalid: a fraction of what is counted by whole ones.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        line = part_line(ticket, line_id)
        back = line.fitted if quantity is None else quantity
        if not back or back > line.fitted:
            raise NotFitted(f"{told(line.fitted)} are fitted.")
        require_whole_of(ticket, line, back)
        _return(ticket, line, back, caller.account_id)
        return whole(caller, ticket_id)


def _return(ticket: ServiceTicket, line: TicketLine, quantity: Decimal, account_id: int) -> None:
    if quantity == line.quantity:
        take_off(ticket, [line], account_id)
        return
    assert line.part_id is not None
    settling.require_unsettled([line], staying=line.fitted - quantity)
    cost = _share(line.cost, quantity, line.fitted)
    issuing.give_back(ticket.workshop_id, {line.part_id: quantity}, {line.part_id: cost}, ticket_id=ticket.id)
    before = lines.said_in(line)
    line.quantity -= quantity
    line.fitted -= quantity
    line.cost -= cost
    lines.reckon(line, terms_of(ticket.workshop_id), before)
    lines.settle(ticket)
    lines.note(ticket, after=[line])


def _share(cost: Decimal, quantity: Decimal, of: Decimal) -> Decimal:
    """Return what `quantity` of so many cost, to the cent; all of them the whole."""
    return cost if quantity >= of else rounded(cost * quantity / of)


def part_line(ticket: ServiceTicket, line_id: int) -> TicketLine:
    """Return a line of a ticket that is held, which is a part.

    :raises LineNotFound: the ticket has no such line. :raises PartNotOnTicket: it is no part.
    """
    line = lines.one(ticket, line_id)
    if line.part_id is None:
        raise PartNotOnTicket("The line is no part.")
    return line


def require_whole_of(ticket: ServiceTicket, line: TicketLine, quantity: Decimal) -> None:
    """Refuse half a filter, but not half a litre, where one line of a part is spoken of. Its unit stays until the end, too.

    :raises Invalid: the quantity is a fraction of what is counted by whole ones.
    """
    assert line.part_id is not None
    if is_whole(quantity):
        return
    issuing.hold(ticket.workshop_id, [line.part_id])
    if line.part_id not in issuing.divisible_among(ticket.workshop_id, [line.part_id]):
        raise Invalid("See `errors`.", errors={"quantity": [NOT_WHOLE]})
