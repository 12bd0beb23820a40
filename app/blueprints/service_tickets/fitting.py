"""The rules of what is fitted: parts on a ticket, out of stock and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from app.blueprints.inventory import service as inventory
from app.blueprints.service_tickets.errors import PartNotOnTicket
from app.blueprints.service_tickets.holding import Ticket, hold, require_open, whole
from app.blueprints.service_tickets.models import ServiceTicket, TicketPart
from app.core import audit
from app.core.db import atomic, touch
from app.core.identity import Principal
from app.core.preconditions import Expected
from app.extensions import db


def _quantities(ticket: ServiceTicket, part_ids: Iterable[int] | None = None) -> dict[int, int]:
    """Return how many of each part are on a ticket."""
    statement = select(TicketPart.part_id, TicketPart.quantity).where(
        TicketPart.workshop_id == ticket.workshop_id, TicketPart.service_ticket_id == ticket.id
    )
    if part_ids is not None:
        statement = statement.where(TicketPart.part_id.in_(part_ids))
    totals: Counter[int] = Counter()
    for part_id, quantity in db.session.execute(statement):
        totals[part_id] += quantity
    return dict(totals)


def release(ticket: ServiceTicket) -> None:
    """Put all that is on a ticket back into stock; it stays listed there."""
    inventory.give_back(ticket.workshop_id, _quantities(ticket))


def add_parts(
    caller: Principal, ticket_id: int, lines: list[dict[str, int]], expected: Expected = None
) -> Ticket:
    """Put parts on a ticket at their present price, out of stock where it is counted; all or none.

    :raises TicketNotFound: unknown here. :raises PartNotFound: one is. :raises NotEnoughOnHand: fewer are on hand.
    :raises TicketClosed: finished or cancelled.
    """
    wanted: Counter[int] = Counter()
    for line in lines:
        wanted[line["item_id"]] += line["quantity"]
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        _put_on(ticket, dict(wanted))
        return whole(caller, ticket_id)


def _put_on(ticket: ServiceTicket, quantities: dict[int, int]) -> None:
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
            }
            for taken in inventory.take(ticket.workshop_id, quantities)
        ]
    )
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["workshop_id", "service_ticket_id", "part_id", "unit_price"],
            set_={"quantity": TicketPart.quantity + statement.excluded.quantity},
        )
    )
    touch(ticket)
    db.session.flush()
    audit.note("ticket.parts_changed", "ticket", ticket.id, after={"parts": _listed(quantities)})


def _listed(quantities: dict[int, int]) -> list[dict[str, int]]:
    """Return quantities as the audit log lists them: before, what went off a ticket; after, what went on."""
    return [{"part_id": part_id, "quantity": quantities[part_id]} for part_id in sorted(quantities)]


def remove_part(caller: Principal, ticket_id: int, part_id: int, expected: Expected = None) -> Ticket:
    """Take a part off a ticket, wholly, and back into stock.

    :raises TicketNotFound: unknown here. :raises PartNotOnTicket: not on it. :raises TicketClosed: finished or cancelled.
    """
    with atomic():
        ticket = hold(caller, ticket_id, expected)
        require_open(ticket)
        present = _quantities(ticket, [part_id])
        if not present:
            raise PartNotOnTicket()
        _take_off(ticket, present)
        return whole(caller, ticket_id)


def _take_off(ticket: ServiceTicket, quantities: dict[int, int]) -> None:
    db.session.execute(
        delete(TicketPart)
        .where(
            TicketPart.workshop_id == ticket.workshop_id,
            TicketPart.service_ticket_id == ticket.id,
            TicketPart.part_id.in_(quantities),
        )
        .execution_options(synchronize_session=False)
    )
    inventory.give_back(ticket.workshop_id, quantities)
    touch(ticket)
    db.session.flush()
    audit.note("ticket.parts_changed", "ticket", ticket.id, before={"parts": _listed(quantities)})


def edit(ticket: ServiceTicket, adding: list[int], removing: list[int]) -> list[str]:
    """Put parts on a ticket, each as often as it is named, and take others off wholly; return notes on those unknown."""
    present = _quantities(ticket, removing) if removing else {}
    known = inventory.present_among(ticket.workshop_id, adding) if adding else set()
    notes = [f"Item {i} is unknown." for i in dict.fromkeys(adding) if i not in known]
    notes += [f"Item {i} was not on the ticket." for i in dict.fromkeys(removing) if i not in present]
    if present and known:
        inventory.hold(ticket.workshop_id, known.union(present))
    if present:
        _take_off(ticket, present)
    _put_on(ticket, dict(Counter(i for i in adding if i in known)))
    return notes
