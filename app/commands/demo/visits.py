"""The service tickets of the demo shop, and what hangs on them: who worked, what was fitted, every step and who took it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from app.blueprints.service_tickets.amounts import of_line
from app.blueprints.service_tickets.models import NOTHING
from app.blueprints.service_tickets.status import ASKED, BY_WORD
from app.commands.demo import LABOUR_RATE, TAX_RATE, hours
from app.commands.demo.bulk import Row
from app.commands.demo.garage import MECHANICS, VARIANTS, Garage, dice
from app.commands.demo.vocabulary import CANCELLATIONS, JOBS, REMARKS, Job

FLOW = ("booked", "received", "in_progress", "completed", "delivered")
REGULAR_VISITS = 24  # about how often, at any size, the customer who signs in has come


@dataclass(frozen=True, slots=True)
class SignIns:
    """The accounts of the three people who sign in."""

    owner: int
    mechanic: int
    customer: int


@dataclass(slots=True)
class Batch:
    """Tickets, and the rows that hang on them."""

    tickets: list[Row] = field(default_factory=list)
    mechanics: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Visit:
    """What chance made of a visit, before it becomes rows. `steps`: each status with the worked second it was given."""

    place: int
    regular: bool
    vehicle: int
    job: Job
    crew: tuple[int, ...]
    arrival: int
    steps: list[tuple[str, int]]

    @property
    def begun(self) -> int | None:
        """When the work began, None before it has."""
        return next((moment for status, moment in self.steps if status == "in_progress"), None)


class Visits:
    """The tickets of a garage, numbered from 1 in the order in which they were booked."""

    def __init__(self, garage: Garage, sign_ins: SignIns) -> None:
        self.garage = garage
        self.sign_ins = sign_ins
        self._under_way = Counter[str]()

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield the tickets with all that hangs on them, `size` at a time; the rows don't depend on it."""
        chance = dice("tickets")
        crews = _crews(chance)
        tickets = self.garage.size.tickets
        for start in range(0, tickets, size):
            batch = Batch()
            for place in range(start, min(start + size, tickets)):
                self._add(batch, self._visit(place, chance, crews), chance)
            yield batch

    def _visit(self, place: int, chance: Random, crews: list[tuple[int, ...]]) -> Visit:
        size = self.garage.size
        regular = place % max(4, size.tickets // REGULAR_VISITS) == 0
        vehicle = chance.choice((0, size.customers)) if regular else chance.randrange(size.vehicles)
        arrival, steps = _life(chance, hours.NOW * place // size.tickets)
        steps = self._on(steps)
        return Visit(place, regular, vehicle, chance.choice(JOBS), chance.choice(crews), arrival, steps)

    def _on(self, steps: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """Take what is under way a little further, in turns, so that there is something of everything to look at."""
        status, since = steps[-1]
        turns = _UNDER_WAY.get(status)
        if turns is None or hours.NOW - since < 10:
            return steps
        further = turns[self._under_way[status] % len(turns)]
        self._under_way[status] += 1
        pause = (hours.NOW - since) // (len(further) + 1)
        return [*steps, *((one, since + pause * (number + 1)) for number, one in enumerate(further))]

    def _add(self, batch: Batch, visit: Visit, chance: Random) -> None:
        ticket = self._ticket(visit, chance)
        ours: Row = {"workshop_id": ticket["workshop_id"], "service_ticket_id": ticket["id"]}
        batch.changes += ({**ours, **change} for change in self._changes(visit, chance))
        if visit.begun is not None or chance.random() < 0.3:
            batch.mechanics += (
                {**ours, "mechanic_id": self.garage.ids.mechanics + hand} for hand in visit.crew
            )
        if visit.begun is not None:
            raised = visit.begun >= hours.PRICE_RISE
            lines = list(self._lines(visit.job, chance, raised=raised))
            ticket["net_total"] = sum((line["net"] for line in lines), NOTHING)
            ticket["tax_total"] = sum((line["tax"] for line in lines), NOTHING)
            if any(status == "approved" for status, _ in visit.steps):
                ticket["approved_total"] = ticket["net_total"] + ticket["tax_total"]
                for line in lines:
                    line["agreed"] = True
            batch.lines += ({**ours, **line} for line in lines)
        batch.tickets.append(ticket)

    def _ticket(self, visit: Visit, chance: Random) -> Row:
        remark = f" {chance.choice(REMARKS)}" if chance.random() < 0.7 else ""
        status, changed = visit.steps[-1]
        return {
            "id": self.garage.ids.tickets + visit.place,
            "workshop_id": self.garage.workshop_id,
            "number": visit.place + 1,
            "customer_id": self.garage.keeper(visit.vehicle),
            "vehicle_id": self.garage.ids.vehicles + visit.vehicle,
            "service_date": hours.WORKING_DAYS[visit.arrival // hours.WORKDAY],
            "service_desc": f"{visit.job.description}.{remark}",
            "status": status,
            "net_total": NOTHING,
            "tax_total": NOTHING,
            "approved_total": None if ASKED.isdisjoint(step for step, _ in visit.steps) else NOTHING,
            "version": len(visit.steps),
            "created_at": hours.instant(visit.steps[0][1]),
            "updated_at": hours.instant(changed),
        }

    def _changes(self, visit: Visit, chance: Random) -> Iterator[Row]:
        before = None
        for status, moment in visit.steps:
            yield {
                "from_status": before,
                "to_status": status,
                "changed_at": hours.instant(moment),
                "account_id": self._who(visit, status),
                "reason": chance.choice(CANCELLATIONS) if status == "cancelled" else _HOW.get(status),
            }
            before = status

    def _who(self, visit: Visit, status: str) -> int:
        if visit.regular and status == "booked":
            return self.sign_ins.customer
        if 0 in visit.crew and status in ("in_progress", "completed"):
            return self.sign_ins.mechanic
        return self.sign_ins.owner

    def _lines(self, job: Job, chance: Random, *, raised: bool) -> Iterator[Row]:
        yield _line("labour", job.description, job.hours, LABOUR_RATE)
        for sku, number in job.parts:
            variant, family = chance.randrange(VARIANTS), self.garage.families[sku]
            quantity = Decimal(number)
            yield _line(
                "part",
                self.garage.name(family, variant),
                quantity,
                self.garage.prices[sku][variant][raised],
                part_id=self.garage.first_part[sku] + variant,
                fitted=quantity,
                cost=self.garage.cost(family, variant) * number,
            )


def _line(kind: str, description: str, quantity: Decimal, price: Decimal, **part: Any) -> Row:
    amount = of_line(kind, quantity, price, TAX_RATE, includes_tax=False)
    line = {"kind": kind, "description": description, "quantity": quantity, "unit_price": price}
    line |= {"tax_rate": TAX_RATE, "net": amount.net, "tax": amount.tax}
    return line | {"part_id": None, "fitted": Decimal(0), "cost": NOTHING, "agreed": False} | part


def _crews(chance: Random) -> list[tuple[int, ...]]:
    """Return who works together: mostly one mechanic, now and then two or three, and some more often than others."""
    hands = [hand for hand in range(MECHANICS) for _ in range(MECHANICS + 2 - hand)]
    sizes = chance.choices((1, 2, 3), (60, 32, 8), k=512)
    return [tuple(sorted({chance.choice(hands) for _ in range(size)})) for size in sizes]


def _life(chance: Random, booked: int) -> tuple[int, list[tuple[str, int]]]:
    """Return when the car was brought, or is to be, and the steps that its ticket has taken until now.

    A visit is booked up to two weeks ahead; one in 25 is cancelled, mostly before the car is there.
    """
    lead = int(chance.random() ** 2 * (hours.LONGEST_LEAD + 1))
    opening = (booked // hours.WORKDAY + lead) * hours.WORKDAY
    received = max(opening + chance.randrange(2 * hours.HOUR), booked + 60)
    begun = received + chance.randrange(600, 4 * hours.WORKDAY)
    completed = begun + chance.randrange(1800, 4 * hours.WORKDAY)
    delivered = completed + chance.randrange(600, 3 * hours.WORKDAY)
    moments = (booked, received, begun, completed, delivered)
    steps = list(zip(FLOW, moments, strict=True))
    if chance.random() < 0.04:
        last = chance.choice((0, 0, 0, 1, 2))
        steps = [*steps[: last + 1], ("cancelled", chance.randrange(moments[last] + 1, moments[last + 1]))]
    elif chance.random() < 0.3:
        steps = _roundabout(chance.choice((*_WAYS * 3, _REFUSED)), steps)
    return received, [step for step in steps if step[1] <= hours.NOW]


_HOW = dict.fromkeys(BY_WORD, "By phone.")
# Of those that are received, worked on or finished now: how much further every first, second, ... of them is.
_UNDER_WAY: dict[str, tuple[tuple[str, ...], ...]] = {
    "received": ((), ("analysis",), ("awaiting_approval", "declined")),
    "in_progress": ((), ("awaiting_approval", "approved"), ("awaiting_approval",), ("waiting_parts",)),
    "completed": (("out_for_delivery",), ()),
}
# What happens between two steps of the usual flow: the customer is asked, parts are waited for, the car is brought home.
_WAYS = (
    (2, ("analysis", "awaiting_approval", "approved")), (3, ("waiting_parts", "in_progress")), (4, ("out_for_delivery",)),
)  # fmt: skip
_REFUSED = (2, ("analysis", "awaiting_approval", "declined", "cancelled"))


def _roundabout(way: tuple[int, tuple[str, ...]], steps: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return the steps with others in between, at even distances; a job that was refused ends there."""
    place, between = way
    (_, before), (_, after) = steps[place - 1], steps[place]
    pause = (after - before) // (len(between) + 1)
    more = [(status, before + pause * (number + 1)) for number, status in enumerate(between)]
    return [*steps[:place], *more, *([] if way is _REFUSED else steps[place:])]
