"""What tickets wait for, told to the inventory: parts that their lines want and that are neither set aside nor fitted."""

from __future__ import annotations

from sqlalchemy import and_, select, text

from app.blueprints.inventory.wanting import wanted_by
from app.blueprints.service_tickets.models import LACKS_PARTS, ServiceTicket, TicketLine
from app.blueprints.service_tickets.status import WANTING

wanted_by(
    select(
        TicketLine.workshop_id,
        TicketLine.part_id.label("part_id"),
        ServiceTicket.id.label("ticket_id"),
        ServiceTicket.number,
        ServiceTicket.service_date.label("due"),
        (TicketLine.quantity - TicketLine.reserved - TicketLine.fitted).label("lacking"),
    )
    .join(
        ServiceTicket,
        and_(
            ServiceTicket.workshop_id == TicketLine.workshop_id,
            ServiceTicket.id == TicketLine.service_ticket_id,
        ),
    )
    .where(text(LACKS_PARTS), ServiceTicket.status.in_(WANTING))
)
