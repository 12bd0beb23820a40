"""The life of a ticket: which step may follow which, who may take it, and what must be so. Plain functions of plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, get_args

from app.core.scopes import STAFF, Role

Status = Literal[
    "booked", "received", "analysis", "awaiting_approval", "approved", "declined", "in_progress", "waiting_parts",
    "completed", "out_for_delivery", "delivered", "cancelled",
]  # fmt: skip
STATUSES: tuple[Status, ...] = get_args(Status)
FINISHED = frozenset({"completed", "out_for_delivery", "delivered"})
OVER = FINISHED | {"cancelled"}
OPEN = tuple(status for status in STATUSES if status not in ("delivered", "cancelled"))
"""What somebody still has to do something about."""
WANTING = tuple(status for status in STATUSES if status not in OVER and status != "declined")
"""For what parts are bought: not for what is over, nor for what the customer does not want done."""
AT_WORK = frozenset({"in_progress", "waiting_parts"})
ASKED = frozenset({"awaiting_approval", "declined"})
"""Where the customer has the word, or has said no: from then on work needs their approval."""
BY_WORD = frozenset({"approved", "declined"})
"""What staff record of what the customer said to them: with how it was said."""

Stage = Literal["booked", "pickup", "analysis", "in_progress", "completed", "delivered", "cancelled"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""What a customer is told of it: fewer words, and none of the workshop's own."""
STAGE: dict[str, Stage] = {
    "booked": "booked", "received": "pickup", "analysis": "analysis", "awaiting_approval": "analysis",
    "approved": "analysis", "declined": "analysis", "in_progress": "in_progress", "waiting_parts": "in_progress",
    "completed": "completed", "out_for_delivery": "completed", "delivered": "delivered", "cancelled": "cancelled",
}  # fmt: skip

Guard = Literal["no_estimate_out", "within_approval", "parts_there", "no_core_settled"]
EVERYBODY = (*STAFF, "customer")


@dataclass(frozen=True, slots=True)
class Step:
    """Who may take a step, and what must be so."""

    roles: tuple[Role, ...] = STAFF
    guards: tuple[Guard, ...] = ()


_DECIDED = Step(guards=("no_estimate_out",))
_WORK = Step(guards=("within_approval",))
_CANCEL: tuple[Guard, ...] = ("no_core_settled",)
_GIVEN_UP = Step(guards=_CANCEL)
# Each step: docs/ticket-life.md shows the same table, and a test holds the two together. A finished job is never reopened;
# what is not finished can be cancelled.
STEPS: dict[tuple[str, str], Step] = {
    ("booked", "received"): Step(),
    ("booked", "cancelled"): Step(EVERYBODY, _CANCEL),
    ("received", "analysis"): Step(),
    ("received", "awaiting_approval"): Step(),
    ("received", "in_progress"): _WORK,
    ("received", "cancelled"): _GIVEN_UP,
    ("analysis", "awaiting_approval"): Step(),
    ("analysis", "in_progress"): _WORK,
    ("analysis", "cancelled"): _GIVEN_UP,
    ("awaiting_approval", "analysis"): _DECIDED,
    ("awaiting_approval", "approved"): _DECIDED,
    ("awaiting_approval", "declined"): _DECIDED,
    ("awaiting_approval", "cancelled"): _GIVEN_UP,
    ("approved", "awaiting_approval"): Step(),
    ("approved", "in_progress"): _WORK,
    ("approved", "waiting_parts"): _WORK,
    ("approved", "cancelled"): _GIVEN_UP,
    ("declined", "analysis"): Step(),
    ("declined", "awaiting_approval"): Step(),
    ("declined", "cancelled"): _GIVEN_UP,
    ("in_progress", "awaiting_approval"): Step(),
    ("in_progress", "waiting_parts"): Step(),
    ("in_progress", "completed"): Step(guards=("within_approval", "parts_there")),
    ("in_progress", "cancelled"): _GIVEN_UP,
    ("waiting_parts", "awaiting_approval"): Step(),
    ("waiting_parts", "in_progress"): _WORK,
    ("waiting_parts", "cancelled"): _GIVEN_UP,
    ("completed", "out_for_delivery"): Step(),
    ("completed", "delivered"): Step(),
    ("out_for_delivery", "delivered"): Step(),
}


@dataclass(frozen=True, slots=True)
class Situation:
    """What the guards ask of a ticket."""

    total: Decimal = Decimal(0)
    approved_total: Decimal | None = None
    approval_required: bool = False
    tolerance: Decimal = Decimal(0)
    parts_missing: bool = False
    core_settled: bool = False
    estimate_open_until: datetime | None = None
    now: datetime | None = None

    @property
    def limit(self) -> Decimal | None:
        """Up to what the work may come, tax included; None: nobody need be asked."""
        if self.approved_total is None:
            return Decimal(0) if self.approval_required else None
        return self.approved_total * (100 + self.tolerance) / 100

    def refuses(self, guard: Guard) -> bool:
        """Tell whether a guard stands in the way."""
        if guard == "within_approval":
            return self.limit is not None and self.total > self.limit
        if guard == "parts_there":
            return self.parts_missing
        if guard == "no_core_settled":
            return self.core_settled
        return self.estimate_open_until is not None and (
            self.now is None or self.now < self.estimate_open_until
        )


_NOBODY = Step(())


def steps_from(status: str, role: Role) -> list[Status]:
    """Return the statuses that `role` may give a ticket in `status` if no guard stands in the way, in a life's order."""
    return [to for to in STATUSES if role in STEPS.get((status, to), _NOBODY).roles]


def first_refusal(before: str, after: str, situation: Situation) -> Guard | None:
    """Return the guard that stands in the way of a step, None where none does."""
    return next((guard for guard in STEPS[before, after].guards if situation.refuses(guard)), None)


def allowed_transitions(status: str, role: Role, situation: Situation | None = None) -> list[Status]:
    """Return the statuses that `role` may give a ticket in `status` now, in the order of a ticket's life."""
    found = steps_from(status, role)
    if situation is None:
        return found
    return [to for to in found if first_refusal(status, to, situation) is None]
