"""Taking a ticket to where a test needs it."""

from __future__ import annotations

from typing import Any

from tests.factories import Shop

WAY_TO = {
    "booked": (),
    "received": ("received",),
    "in_progress": ("received", "in_progress"),
    "completed": ("received", "in_progress", "completed"),
    "delivered": ("received", "in_progress", "completed", "delivered"),
    "cancelled": ("cancelled",),
}


def bring(shop: Shop, path: str, status: str) -> None:
    """Take a booked ticket, step by step, to `status`."""
    for step in WAY_TO[status]:
        answer = shop.owner.post(f"{path}/status", json={"status": step})
        assert answer.status_code == 200, answer.text


def ticket_in(shop: Shop, status: str = "booked", **overrides: Any) -> str:
    """Return the path of a new ticket in `status`."""
    path = f"/service_tickets/{shop.make_ticket(**overrides)['id']}"
    bring(shop, path, status)
    return path
