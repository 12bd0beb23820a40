"""The rules of what is fitted: parts on a ticket, out of stock and back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from app.blueprints.inventory import service as inventory
from app.blueprints.inventory.ledger import Stock
from app.blueprints.service_tickets.errors import PartNotOnTicket
from app.blueprints.service_tickets.holding import Ticket, hold, require_open, whole
from app.blueprints.service_tickets.models import ServiceTicket, TicketPart
from app.core import audit
from app.core.db import atomic, touch
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.preconditions import Expected
from app.core.quantities import NOT_WHOLE, is_whole, told
from app.extensions import db


@dataclass(slots=True)
class Fitted:
    """What is on a ticket: how many of each part, and what they had cost together."""

    quantities: defaultdict[int, Decimal] = field(default_factory=partial(defaultdict, Decimal))
    costs: defaultdict[int, Decimal] = field(default_factory=partial(defaultdict, Decimal))


def _fitted(ticket: ServiceTicket, part_ids: Iterable[int] | None = None) -> Fitted:
    """Return what is on a ticket, of some parts or of all."""
    statement = select(TicketPart.part_id, TicketPart.quantity, TicketPart.cost).where(
        TicketPart.workshop_id == ticket.workshop_id, TicketPart.service_ticket_id == ticket.id
    )
    if part_ids is not None:
        statement = statement.where(TicketPart.part_id.in_(part_ids))
    fitted = Fitted()
    for part_id, quantity, cost in db.session.execute(statement):
        fitted.quantities[part_id] += quantity
        fitted.costs[part_id] += cost
    return fitted


def release(ticket: ServiceTicket) -> None:
    """Put all that is on a ticket back into stock; it stays listed there."""
    _give_back(ticket, _fitted(ticket))


def _give_back(ticket: ServiceTicket, fitted: Fitted) -> None:
    inventory.give_back(ticket.workshop_id, fitted.quantities, fitted.costs, ticket_id=ticket.id)


def add_parts(
    caller: Principal, ticket_id: int, lines: list[dict[str, Any]], expected: Expected = None
) -> Ticket:
    """Put parts on a ticket at their present price, out of stock where it is counted; all or none.

    :raises TicketNotFound: unknown here. :raises PartNotFound: one is. :raises NotEnoughOnHand: fewer are on hand.
    :raises TicketClosed: finished or cancelled. :raises Invalid: a fraction of what is counted by whole ones.
    """
    _require_whole(caller.workshop_id, lines)
    wanted: defaultdict[int, Decimal] = defaultdict(Decimal)
    for line in lines:
        wanted[line["item_id"]] += line["quantity"]
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        _put_on(ticket, dict(wanted))
        return whole(caller, ticket_id)


def _require_whole(workshop_id: int, lines: list[dict[str, Any]]) -> None:
    """Refuse half a filter, but not half a litre; a part that is unknown here is taken for a whole one.

    :raises Invalid: naming the lines by their places.
    """
    broken = {place: line for place, line in enumerate(lines) if not is_whole(line["quantity"])}
    if not broken:
        return
    divisible = inventory.divisible_among(workshop_id, {line["item_id"] for line in broken.values()})
    errors = {
        str(place): {"quantity": [NOT_WHOLE]}
        for place, line in broken.items()
        if line["item_id"] not in divisible
    }
    if errors:
        raise Invalid("See `errors`.", errors={"lines": errors})


def _put_on(
    ticket: ServiceTicket, quantities: dict[int, Decimal], held: dict[int, Stock] | None = None
) -> None:
    if not quantities:
        return
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(TicketPart).values(
        [
            {
                "workshop_id": ticket.workshop_id,
                "service_ticket_id": ticket.id,
                "part_id": taken.id,
                "unit_price": taken.price,
                "quantity": quantities[taken.id],
                "cost": taken.cost,
            }
            for taken in inventory.take(ticket.workshop_id, quantities, ticket_id=ticket.id, held=held)
        ]
    )
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["workshop_id", "service_ticket_id", "part_id", "unit_price"],
            set_={
                "quantity": TicketPart.quantity + statement.excluded.quantity,
                "cost": TicketPart.cost + statement.excluded.cost,
            },
        )
    )
    touch(ticket)
    db.session.flush()
    audit.note("ticket.parts_changed", "ticket", ticket.id, after={"parts": _listed(quantities)})


def _listed(quantities: dict[int, Decimal]) -> list[dict[str, Any]]:
    """Return quantities as the audit log lists them: before, what went off a ticket; after, what went on."""
    return [{"part_id": part_id, "quantity": told(quantities[part_id])} for part_id in sorted(quantities)]


def remove_part(caller: Principal, ticket_id: int, part_id: int, expected: Expected = None) -> Ticket:
    """Take a part off a ticket, wholly, and back into stock.

    :raises TicketNotFound: unknown here. :raises PartNotOnTicket: not on it. :raises TicketClosed: finished or cancelled.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        present = _fitted(ticket, [part_id])
        if not present.quantities:
            raise PartNotOnTicket()
        _take_off(ticket, present)
        return whole(caller, ticket_id)


def _take_off(ticket: ServiceTicket, fitted: Fitted) -> None:
    db.session.execute(
        delete(TicketPart)
        .where(
            TicketPart.workshop_id == ticket.workshop_id,
            TicketPart.service_ticket_id == ticket.id,
            TicketPart.part_id.in_(fitted.quantities),
        )
        .execution_options(synchronize_session=False)
    )
    _give_back(ticket, fitted)
    touch(ticket)
    db.session.flush()
    audit.note("ticket.parts_changed", "ticket", ticket.id, before={"parts": _listed(fitted.quantities)})


def edit(ticket: ServiceTicket, adding: list[int], removing: list[int]) -> list[str]:
    """Put parts on a ticket, each as often as it is named, and take others off wholly; return notes on those unknown."""
    present = _fitted(ticket, removing) if removing else Fitted()
    known = inventory.present_among(ticket.workshop_id, adding) if adding else set()
    notes = [f"Item {i} is unknown." for i in dict.fromkeys(adding) if i not in known]
    notes += [
        f"Item {i} was not on the ticket." for i in dict.fromkeys(removing) if i not in present.quantities
    ]
    held = None
    if present.quantities and known:
        held = inventory.hold(ticket.workshop_id, known.union(present.quantities))
    if present.quantities:
        _take_off(ticket, present)
    wanted = Counter(i for i in adding if i in known)
    _put_on(ticket, {part_id: Decimal(number) for part_id, number in wanted.items()}, held)
    return notes
