"""Taking a ticket to where a test needs it."""

from __future__ import annotations

from typing import Any

from app.blueprints.service_tickets.status import BY_WORD
from tests.factories import Shop

WAY_TO = {
    "booked": (),
    "received": ("received",),
    "analysis": ("received", "analysis"),
    "awaiting_approval": ("received", "analysis", "awaiting_approval"),
    "approved": ("received", "analysis", "awaiting_approval", "approved"),
    "declined": ("received", "analysis", "awaiting_approval", "declined"),
    "in_progress": ("received", "in_progress"),
    "waiting_parts": ("received", "in_progress", "waiting_parts"),
    "completed": ("received", "in_progress", "completed"),
    "out_for_delivery": ("received", "in_progress", "completed", "out_for_delivery"),
    "delivered": ("received", "in_progress", "completed", "delivered"),
    "cancelled": ("cancelled",),
}


def step_to(status: str) -> dict[str, str]:
    """Return the body that takes a ticket to `status`: a word of the customer's with how it was said."""
    return {"status": status, **({"reason": "By phone."} if status in BY_WORD else {})}


def bring(shop: Shop, path: str, status: str) -> None:
    """Take a booked ticket, step by step, to `status`."""
    for step in WAY_TO[status]:
        answer = shop.owner.post(f"{path}/status", json=step_to(step))
        assert answer.status_code == 200, answer.text


def ticket_in(shop: Shop, status: str = "booked", **overrides: Any) -> str:
    """Return the path of a new ticket in `status`."""
    path = f"/service_tickets/{shop.make_ticket(**overrides)['id']}"
    bring(shop, path, status)
    return path
