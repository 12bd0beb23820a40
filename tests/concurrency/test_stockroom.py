"""A busy day: a hundred tickets at once over twenty parts, and in the evening every piece is somewhere, and only once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from app.blueprints.inventory import issuing, proving
from app.blueprints.inventory import service as inventory
from app.blueprints.inventory.errors import NotEnoughOnHand
from app.blueprints.inventory.ledger import Stock
from app.blueprints.inventory.models import Part, StockMovement
from app.blueprints.service_tickets.models import ServiceTicket, TicketLine
from app.extensions import db
from tests.concurrency.racing import race, without_write_lock
from tests.factories import Shop

PARTS, TICKETS = 20, 100
FIRST, DELIVERIES, DELIVERED = 20, 10, 4  # of each part at first; then so many deliveries of so many pieces
REFUSALS = {
    "not_enough_on_hand",
    "parts_missing",
    "already_fitted",
    "not_fitted",
    "ticket_closed",
    "transition_not_allowed",
}


@pytest.fixture(autouse=True)
def patience(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who finds no connection free wait for one, however slow the machine: ten connections serve a hundred."""
    with app.app_context():
        monkeypatch.setattr(db.engine.pool, "_timeout", 60.0)


@dataclass
class Day:
    """What is done at once, and what was answered; of each ticket, what it was told last that it has."""

    shop: Shop
    parts: list[int]
    tickets: list[int]
    at_once: int = TICKETS
    stop_at_first_failure: bool = False
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    told: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    _noting: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: TestResponse) -> TestResponse:
        with self._noting:
            self.answers[answer.status_code, (answer.json or {}).get("code", "")] += 1
        return answer

    @property
    def failed(self) -> bool:
        return any(status >= 500 for status, _ in list(self.answers))

    def post(self, ticket_id: int, path: str, body: Any) -> list[dict[str, Any]] | None:
        """Send something about a ticket; return its lines afterwards, None where it was refused."""
        answer = self.note(self.shop.mechanic.post(f"/service_tickets/{ticket_id}/{path}", json=body))
        if answer.status_code not in (200, 201):
            return None
        self.told[ticket_id] = answer.json["lines"]
        return self.told[ticket_id]

    def serve(self, ticket_ids: Iterable[int]) -> None:
        """Serve some tickets, one after the other, each in its own way and its own order of the parts."""
        for ticket_id in ticket_ids:
            if self.stop_at_first_failure and self.failed:
                return
            self.told[ticket_id] = []
            self.serve_one(ticket_id, random.Random(ticket_id))

    def serve_one(self, ticket_id: int, chance: random.Random) -> None:
        wanted = [
            {"item_id": part_id, "quantity": chance.randint(1, 3)} for part_id in chance.sample(self.parts, 5)
        ]
        if chance.random() < 0.5:
            lines = self.post(ticket_id, "inventory", wanted)
        else:
            lines = self.post(ticket_id, "lines", [{"kind": "part", **line} for line in wanted])
        if not lines:
            return
        self.go_on(ticket_id, lines, chance)

    def go_on(self, ticket_id: int, lines: list[dict[str, Any]], chance: random.Random) -> None:
        line = chance.choice(lines)["id"]
        match chance.choice(("fit", "return", "complete", "cancel", "leave", "take off")):
            case "fit":
                self.post(ticket_id, f"lines/{line}/fit", {})
            case "return":
                self.post(ticket_id, f"lines/{line}/return", {"quantity": 1})
            case "complete":
                for status in ("received", "in_progress", "completed"):
                    self.post(ticket_id, "status", {"status": status})
            case "cancel":
                self.post(ticket_id, "status", {"status": "cancelled"})
            case "take off":
                path = f"/service_tickets/{ticket_id}/lines/{line}"
                answer = self.note(self.shop.mechanic.delete(path))
                if answer.status_code == 200:
                    self.told[ticket_id] = answer.json["lines"]

    def deliver(self) -> None:
        chance = random.Random(PARTS)
        for part_id in chance.sample(self.parts, DELIVERIES):
            if not (self.stop_at_first_failure and self.failed):
                receive(self.shop, part_id, DELIVERED, self.note)

    def pass_by(self) -> None:
        """Let everybody work at once: as many as there are tickets, unless it is said how many."""
        shares = [self.tickets[place :: self.at_once] for place in range(self.at_once)]
        race(*(partial(self.serve, share) for share in shares), self.deliver)


def receive(shop: Shop, part_id: int, number: int, note: Callable[[TestResponse], TestResponse]) -> None:
    body = {"kind": "purchase", "quantity": number, "unit_cost": "3.33"}
    note(shop.owner.post(f"/inventory/{part_id}/movements", json=body))


def a_day(shop: Shop, **options: Any) -> Day:
    day = Day(
        shop,
        parts=[shop.make_part(on_hand=0).id for _ in range(PARTS)],
        tickets=[shop.make_ticket()["id"] for _ in range(TICKETS)],
        **options,
    )
    for part_id in day.parts:
        receive(shop, part_id, FIRST, day.note)
    return day


def unaccounted(day: Day) -> Iterator[str]:
    """Yield what is wrong in the evening."""
    with day.shop.inside():
        yield from (one.words for one in proving.discrepancies(day.shop.id))
        parts = db.session.scalars(select(Part)).all()
        rows = db.session.execute(
            select(TicketLine, ServiceTicket.status)
            .join(ServiceTicket, ServiceTicket.id == TicketLine.service_ticket_id)
            .where(TicketLine.part_id.is_not(None))
        ).all()
        bought = dict(
            db.session.execute(
                select(StockMovement.part_id, func.sum(StockMovement.quantity))
                .where(StockMovement.kind == "purchase")
                .group_by(StockMovement.part_id)
            ).all()
        )
        spent = db.session.scalar(
            select(func.sum(StockMovement.value)).where(StockMovement.kind == "purchase")
        )
    reserved: Counter[int] = Counter()
    fitted: Counter[int] = Counter()
    for line, status in rows:
        if status != "cancelled":
            reserved[line.part_id] += line.reserved
            fitted[line.part_id] += line.fitted
    for part in parts:
        if not 0 <= part.reserved <= part.on_hand:
            yield f"{part.id}: {part.reserved} reserved of {part.on_hand}"
        if part.reserved != reserved[part.id]:
            yield f"{part.id}: {part.reserved} reserved, and the lines say {reserved[part.id]}"
        if part.on_hand + fitted[part.id] != bought[part.id]:
            yield f"{part.id}: {part.on_hand} on hand and {fitted[part.id]} fitted of {bought[part.id]}"
    kept = sum((line.cost for line, status in rows if status != "cancelled"), Decimal(0))
    if sum(part.stock_value for part in parts) + kept != spent:
        yield f"{kept} on tickets and the rest in stock are not the {spent} that was spent"
    told, held = Counter(promised(day)), Counter()
    for line, _ in rows:
        held[line.id] += line.reserved + line.fitted
    if +told != +held:
        yield "tickets were told of other parts than they hold"


def promised(day: Day) -> dict[int, Decimal]:
    """Return how many of each line its ticket was told last that are set aside or fitted."""
    lines = [line for lines in day.told.values() for line in lines if line["kind"] == "part"]
    return {line["id"]: Decimal(str(line["reserved"])) + Decimal(str(line["fitted"])) for line in lines}


def test_a_hundred_tickets_at_once_over_twenty_parts_in_any_order_are_served_or_refused_and_all_is_accounted_for(
    shop: Shop,
) -> None:
    day = a_day(shop)

    day.pass_by()

    assert {status for status, _ in day.answers} <= {200, 201, 409}
    assert {code for status, code in day.answers if status == 409} <= REFUSALS
    assert day.answers[409, "not_enough_on_hand"] > 0  # there was less than was wanted, or nothing was tried
    assert list(unaccounted(day)) == []


def test_control_parts_locked_in_any_order_deadlock(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite one writer at a time is the guard: the first write of a transaction that read before is refused."""
    day = a_day(shop, at_once=12, stop_at_first_failure=True)

    def in_any_order(statement: Any, workshop_id: int, part_ids: Iterable[int]) -> Any:
        some = statement.where(Part.workshop_id == workshop_id, Part.id.in_(part_ids))
        return some.order_by(func.random()).with_for_update(key_share=True)

    monkeypatch.setattr(issuing, "_locked", in_any_order)
    with without_write_lock(app, begin="BEGIN DEFERRED"):
        day.pass_by()

    assert {status for status, _ in day.answers if status >= 500} == {503}


def test_control_reading_the_stock_before_taking_it_leaves_pieces_that_nobody_can_account_for(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = a_day(shop)

    def read_then_write(
        workshop_id: int, part_id: int, quantity: Decimal, seen: Stock, own: Decimal, **options: Any
    ) -> issuing.Taken:
        part = inventory.get(workshop_id, part_id)
        time.sleep(0.01)  # in which the others read
        assert part.on_hand is not None
        if part.on_hand - part.reserved < quantity - own:
            raise NotEnoughOnHand()
        level, cost = part.on_hand - quantity, Stock(part.on_hand, part.stock_value).share_of(quantity)
        new_level = (
            update(Part)
            .where(Part.workshop_id == workshop_id, Part.id == part_id)
            .values(on_hand=level, reserved=Part.reserved - own, stock_value=part.stock_value - cost)
        )
        db.session.execute(new_level.execution_options(synchronize_session=False))
        return issuing.Taken(part.id, part.name, part.price, cost, Stock(level, part.stock_value - cost))

    def hold_nothing(workshop_id: int, part_ids: Iterable[int]) -> dict[int, Stock]:
        return {}

    monkeypatch.setattr(issuing, "_take", read_then_write)
    monkeypatch.setattr(issuing, "hold", hold_nothing)
    with without_write_lock(app):
        day.pass_by()

    assert any("on hand, and the ledger says" in words for words in unaccounted(day))
    assert any("fitted of" in words for words in unaccounted(day))
