"""Tickets as they are answered, made of the JSON that the database writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from app.blueprints.service_tickets.models import NOTHING
from app.blueprints.service_tickets.status import STAGE
from app.core import clock
from app.core.crypto import decrypt
from app.core.money import from_cents
from app.core.quantities import from_thousandths, told

# What is read of a ticket for the guards of its next steps, and told to nobody.
TERMS, PARTS_MISSING = "terms", "parts_missing"
FOLLOWS_CUSTOMER = "follows_customer_id"  # whose the ticket is that this one follows
# In the order in which they are answered.
_LISTED = (
    "id", "number", "vehicle_id", "VIN", "service_date", "service_desc", "status", "stage", "customer_id", "customer",
    "mechanics", "inventory_items", "net_total", "tax_total", "total", "created_at", "updated_at",
)  # fmt: skip


def as_opened(
    ticket_id: int,
    number: int,
    vehicle_id: int,
    vin: str,
    service_date: date,
    service_desc: str,
    customer_id: int,
    customer_name: str,
    account_id: int,
    now: datetime,
    follows_ticket_id: int | None,
    follows_as: str | None,
    of_vehicle: dict[str, int],
) -> dict[str, Any]:
    """Return a ticket just opened, in the form that `reading.get` reads: all of it is known without asking again."""
    opened = clock.rfc3339(now)
    first = {
        "from_status": None,
        "to_status": "booked",
        "changed_at": opened,
        "account_id": account_id,
        "reason": None,
    }
    ticket = {
        "id": ticket_id,
        "number": number,
        "vehicle_id": vehicle_id,
        "VIN": vin,
        "service_date": service_date.isoformat(),
        "service_desc": service_desc,
        "status": "booked",
        "customer_id": customer_id,
        "customer": {"id": customer_id, "name": customer_name},
        "mechanics": [],
        "inventory_items": [],
        "stage": STAGE["booked"],
        "net_total": NOTHING,
        "tax_total": NOTHING,
        "total": NOTHING,
        "created_at": opened,
        "updated_at": opened,
        # From here on in the order of `reading.get`, too: by its tag as it was made, a ticket is known when it is read.
        "lines": [],
        "follows_ticket_id": follows_ticket_id,
        "follows_as": follows_as,
        FOLLOWS_CUSTOMER: customer_id,
        "approved_total": None,
        "estimate_open_until": None,
        "status_history": [first],
        "version": 1,
        "followed_by": [],
        **of_vehicle,
        TERMS: {},
        PARTS_MISSING: False,
    }
    return {name: ticket[name] for name in _LISTED} | ticket


def listed(text: str) -> dict[str, Any]:
    """Return the listed ticket that the JSON of a row is: its VIN readable, money as decimals, what hangs on it in order."""
    ticket = _read(text)
    for item in ticket["inventory_items"]:
        item["price"] = from_cents(item["price"])
        item["quantity"] = from_thousandths(item["quantity"])
    ticket["inventory_items"] = _items(ticket["inventory_items"])
    return {name: ticket[name] for name in _LISTED}


def whole(text: str) -> dict[str, Any]:
    """Return the ticket that the JSON of a row is, with its lines and its history."""
    ticket = _read(text)
    ticket["status_history"].sort(key=_id)
    for change in ticket["status_history"]:
        del change["id"]
    if ticket["approved_total"] is not None:
        ticket["approved_total"] = from_cents(ticket["approved_total"])
    _complete_lines(ticket)
    return {name: ticket[name] for name in _LISTED} | ticket


def visit(text: str) -> dict[str, Any]:
    """Return the listed ticket that the JSON of a row is, with its lines and the time of its car's stay."""
    ticket = _read(text)
    _complete_lines(ticket)
    more = ("lines", "follows_ticket_id", "follows_as", FOLLOWS_CUSTOMER, "received_at", "left_at")
    return {name: ticket[name] for name in (*_LISTED, *more)}


def link(ticket: dict[str, Any], *, for_customer: bool) -> None:
    """Leave the link to the job before as it may be told: to staff always, to a customer where that was theirs as well."""
    is_anothers = ticket.pop(FOLLOWS_CUSTOMER) != ticket["customer_id"]
    if for_customer and is_anothers:
        ticket["follows_ticket_id"] = ticket["follows_as"] = None


def _complete_lines(ticket: dict[str, Any]) -> None:
    """Bring the lines of a ticket into their form, and add what they say of its parts."""
    ticket["lines"].sort(key=_id)
    ticket["inventory_items"] = _items(
        {
            "id": line["item_id"],
            "name": line["item"],
            "price": from_cents(line["unit_price"]),
            "quantity": from_thousandths(line["quantity"]),
        }
        for line in ticket["lines"]
        if line["kind"] == "part"
    )
    ticket[PARTS_MISSING] = _are_missing(ticket["lines"])
    is_cancelled = ticket["status"] == "cancelled"
    ticket["lines"] = [_line(line, is_cancelled=is_cancelled) for line in ticket["lines"]]


def _read(text: str) -> dict[str, Any]:
    ticket: dict[str, Any] = orjson.loads(text)
    ticket["VIN"] = decrypt(ticket["VIN"])
    ticket["stage"] = STAGE[ticket["status"]]
    ticket["mechanics"].sort(key=_id)
    ticket["net_total"] = from_cents(ticket["net_total"])
    ticket["tax_total"] = from_cents(ticket["tax_total"])
    ticket["total"] = ticket["net_total"] + ticket["tax_total"]
    return ticket


def _id(row: dict[str, Any]) -> int:
    found: int = row["id"]
    return found


def _items(parts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is on a ticket of each part at each price, in order."""
    items: dict[tuple[int, Decimal], dict[str, Any]] = {}
    for part in parts:
        item = items.setdefault((part["id"], part["price"]), part)
        if item is not part:
            item["quantity"] += part["quantity"]
    ordered = [items[key] for key in sorted(items)]
    for item in ordered:
        item["quantity"] = told(item["quantity"])
    return ordered


def _are_missing(lines: list[dict[str, Any]]) -> bool:
    """Tell whether some lines want more of a counted part than is set aside for them or there for anybody."""
    lacking: defaultdict[int, int] = defaultdict(int)
    for line in lines:
        if line["there"] is not None:
            lacking[line["item_id"]] += line["quantity"] - line["reserved"] - line["fitted"]
    return any(line["there"] is not None and lacking[line["item_id"]] > line["there"] for line in lines)


def _line(line: dict[str, Any], *, is_cancelled: bool) -> dict[str, Any]:
    """Return a line as it is answered: of what is no part, nothing of stock is told. What is cancelled left no old parts."""
    is_counted = line["there"] is not None
    lacking = line["quantity"] - line["reserved"] - line["fitted"] if is_counted else 0
    is_part = line["kind"] == "part"
    charge = line["core_charge"]
    due = 0 if is_cancelled else line["fitted"] - line["cores_settled"]
    net, tax = from_cents(line["net"]), from_cents(line["tax"])
    percent = line["percent"]
    return {
        "id": line["id"],
        "kind": line["kind"],
        "description": line["description"],
        "item_id": line["item_id"],
        "quantity": told(from_thousandths(line["quantity"])),
        "unit_price": from_cents(line["unit_price"]),
        "tax_rate": told(from_thousandths(line["tax_rate"])),
        "percent": None if percent is None else told(from_thousandths(percent)),
        "net": net,
        "tax": tax,
        "total": net + tax,
        "agreed": bool(line["agreed"]),
        "reserved": told(from_thousandths(line["reserved"])) if is_part else None,
        "fitted": told(from_thousandths(line["fitted"])) if is_part else None,
        "to_order": told(from_thousandths(lacking)) if is_part else None,
        "core_charge": None if charge is None else from_cents(charge),
        "cores_due": None if charge is None else told(from_thousandths(due)),
    }
