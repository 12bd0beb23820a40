"""What opening a ticket writes, by statements prepared once: every visit begins here."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import bindparam, insert

from app.blueprints.service_tickets import counting
from app.blueprints.service_tickets.models import NOTHING, ServiceTicket, StatusChange
from app.blueprints.vehicles import service as vehicles
from app.core.prepared import Prepared

_TICKET = Prepared(
    lambda: insert(ServiceTicket)
    .values(
        {
            name: bindparam(name)
            for name in (
                "workshop_id", "number", "customer_id", "vehicle_id", "service_date", "service_desc", "status",
                "follows_ticket_id", "follows_as", "net_total", "tax_total", "version", "created_at", "updated_at",
            )
        }
    )
    .returning(
        ServiceTicket.id,
        vehicles.keeper_of(bindparam("vehicle_id")),
        *counting.of_vehicle(bindparam("vehicle_id")).values(),
    ),
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
    number: int,
    customer_id: int,
    vehicle_id: int,
    service_date: date,
    service_desc: str,
    now: datetime,
    follows_ticket_id: int | None = None,
    follows_as: str | None = None,
) -> tuple[int, dict[str, int]]:
    """Insert a booked ticket into the current workshop; return its id, and by name its car's keeper and counts."""
    [row] = _TICKET.rows(
        number=number,
        customer_id=customer_id,
        vehicle_id=vehicle_id,
        service_date=service_date,
        service_desc=service_desc,
        status="booked",
        follows_ticket_id=follows_ticket_id,
        follows_as=follows_as,
        net_total=NOTHING,
        tax_total=NOTHING,
        version=1,
        created_at=now,
        updated_at=now,
    )
    return row[0], dict(zip(("keeper_id", *counting.names()), row[1:], strict=True))


def insert_status_change(
    ticket_id: int, before: str | None, after: str, account_id: int | None, reason: str | None, now: datetime
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
