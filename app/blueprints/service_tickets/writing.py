"""What opening a ticket writes, by statements prepared once: every visit begins here."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import bindparam, insert

from app.blueprints.service_tickets.models import ServiceTicket, StatusChange
from app.core.prepared import Prepared

_TICKET = Prepared(
    lambda: insert(ServiceTicket)
    .values(
        {
            name: bindparam(name)
            for name in (
                "workshop_id", "number", "customer_id", "vehicle_id", "service_date", "service_desc", "status",
                "version", "created_at", "updated_at",
            )
        }
    )
    .returning(ServiceTicket.id),
    writes="service_tickets",
)  # fmt: skip
_STATUS_CHANGE = Prepared(
    lambda: insert(StatusChange).values(
        {
            name: bindparam(name)
            for name in (
                "workshop_id", "service_ticket_id", "from_status", "to_status", "changed_at", "account_id", "reason",
            )
        }
    ),
    writes="service_ticket_status_changes",
)  # fmt: skip


def insert_ticket(
    number: int, customer_id: int, vehicle_id: int, service_date: date, service_desc: str, now: datetime
) -> int:
    """Insert a booked ticket into the current workshop and return its id."""
    ticket_id: int = _TICKET.one(
        number=number,
        customer_id=customer_id,
        vehicle_id=vehicle_id,
        service_date=service_date,
        service_desc=service_desc,
        status="booked",
        version=1,
        created_at=now,
        updated_at=now,
    )
    return ticket_id


def insert_status_change(
    ticket_id: int, before: str | None, after: str, account_id: int, reason: str | None, now: datetime
) -> None:
    """Append a step to the history of a ticket of the current workshop."""
    _STATUS_CHANGE.rows(
        service_ticket_id=ticket_id,
        from_status=before,
        to_status=after,
        changed_at=now,
        account_id=account_id,
        reason=reason,
    )
