"""The life of a ticket: which step may follow which, and who may take it. Plain functions of plain values."""

from __future__ import annotations

from app.core.scopes import STAFF, Role

STATUSES = ("booked", "received", "in_progress", "completed", "delivered", "cancelled")
FINISHED = frozenset({"completed", "delivered"})

# Each step and who may take it. A finished job is never reopened; what is not finished can be cancelled.
STEPS: dict[tuple[str, str], tuple[Role, ...]] = {
    ("booked", "received"): STAFF,
    ("booked", "cancelled"): (*STAFF, "customer"),
    ("received", "in_progress"): STAFF,
    ("received", "cancelled"): STAFF,
    ("in_progress", "completed"): STAFF,
    ("in_progress", "cancelled"): STAFF,
    ("completed", "delivered"): STAFF,
}


def allowed_transitions(status: str, role: Role) -> list[str]:
    """Return the statuses that `role` may give a ticket in `status`, in the order of a ticket's life."""
    return [to for to in STATUSES if role in STEPS.get((status, to), ())]
