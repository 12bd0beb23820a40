"""Whatever is done to tickets in whatever order, no part is lost, doubled, or sold twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from app.blueprints.inventory.models import Part
from app.blueprints.service_tickets.status import FINISHED, STATUSES, allowed_transitions
from app.extensions import db
from tests.factories import Shop, make_shop

CLOSED = FINISHED | {"cancelled"}
PLACES = st.integers(0, 2)  # a part or ticket by its place among those there are, counted round
QUANTITIES = st.integers(1, 4)
PRICES = st.integers(0, 3).map(lambda cents: Decimal(cents) / 100)


@dataclass
class Expected:
    """A ticket as it should be: its status, and how many of each part at which price are on it."""

    status: str = "booked"
    lines: Counter[tuple[int, Decimal]] = field(default_factory=Counter)


class Workshop(RuleBasedStateMachine):
    """A workshop's day, by HTTP, beside a model in plain Python."""

    shop: Shop

    @initialize(stocks=st.lists(st.one_of(st.integers(0, 8), st.none()), min_size=1, max_size=3))
    def open_the_door(self, stocks: list[int | None]) -> None:
        self.shop = make_shop(self.shop.app)
        self.stock: dict[int, int | None] = {}
        self.price: dict[int, Decimal] = {}
        self.tickets: dict[int, Expected] = {}
        for number, stock in enumerate(stocks):
            part = self.shop.make_part(price=Decimal(number), on_hand=stock)
            self.stock[part.id], self.price[part.id] = stock, Decimal(number)
        self.taken_out: set[int] = set()
        self.open_a_ticket()

    def part(self, place: int) -> int:
        return list(self.stock)[place % len(self.stock)]

    def ticket(self, place: int) -> tuple[str, Expected]:
        id_ = list(self.tickets)[place % len(self.tickets)]
        return f"/service_tickets/{id_}", self.tickets[id_]

    def can_take(self, wanted: Counter[int]) -> bool:
        return all(self.stock[part] is None or self.stock[part] >= number for part, number in wanted.items())  # type: ignore[operator]

    def take(self, expected: Expected, wanted: Counter[int]) -> None:
        for part, number in wanted.items():
            expected.lines[part, self.price[part]] += number
            self.put_back({part: -number})

    def put_back(self, parts: dict[int, int]) -> None:
        for part, number in parts.items():
            on_hand = self.stock[part]
            self.stock[part] = None if on_hand is None else on_hand + number

    def release(self, expected: Expected, part: int | None = None) -> None:
        """Put what is on a ticket, of one part or of all, back into the model's stock."""
        for (id_, _), number in expected.lines.items():
            if part in (None, id_):
                self.put_back({id_: number})

    @precondition(lambda self: len(self.tickets) < 3)
    @rule()
    def open_a_ticket(self) -> None:
        self.tickets[self.shop.make_ticket()["id"]] = Expected()

    @precondition(lambda self: self.tickets)
    @rule(place=PLACES, parts=st.lists(st.tuples(PLACES, QUANTITIES), min_size=1, max_size=3))
    def add(self, place: int, parts: list[tuple[int, int]]) -> None:
        path, expected = self.ticket(place)
        wanted: Counter[int] = Counter()
        for part, quantity in parts:
            wanted[self.part(part)] += quantity
        body = [{"item_id": self.part(part), "quantity": quantity} for part, quantity in parts]

        status = self.shop.owner.post(f"{path}/inventory", json=body).status_code

        if expected.status in CLOSED:
            assert status == 409
        elif self.taken_out & set(wanted):
            assert status in (404, 409)
        elif self.can_take(wanted):
            assert status == 201
            self.take(expected, wanted)
        else:
            assert status == 409

    @precondition(lambda self: self.tickets)
    @rule(place=PLACES, part=PLACES)
    def take_off(self, place: int, part: int) -> None:
        (path, expected), id_ = self.ticket(place), self.part(part)

        status = self.shop.mechanic.delete(f"{path}/inventory/{id_}").status_code

        if expected.status in CLOSED:
            assert status == 409
        elif any(line == id_ for line, _ in expected.lines):
            assert status == 200
            self.release(expected, id_)
            self.forget(expected, id_)
        else:
            assert status == 404

    @staticmethod
    def forget(expected: Expected, part: int) -> None:
        for line in [line for line in expected.lines if line[0] == part]:
            del expected.lines[line]

    @precondition(lambda self: self.tickets)
    @rule(place=PLACES, adding=st.lists(PLACES, max_size=3), removing=PLACES)
    def edit(self, place: int, adding: list[int], removing: int) -> None:
        (path, expected), off = self.ticket(place), self.part(removing)
        on = [self.part(part) for part in adding if self.part(part) != off]
        wanted = Counter(part for part in on if part not in self.taken_out)

        status = self.shop.owner.put(
            f"{path}/edit", json={"add_item_ids": on, "remove_item_ids": [off]}
        ).status_code

        if expected.status in CLOSED or not self.can_take(wanted):
            assert status == 409
        else:
            assert status == 200
            self.release(expected, off)
            self.forget(expected, off)
            self.take(expected, wanted)

    @precondition(lambda self: self.tickets)
    @rule(place=PLACES, way=st.sampled_from(["on", "off", "anywhere"]), to=st.sampled_from(STATUSES))
    def step(self, place: int, way: str, to: str) -> None:
        path, expected = self.ticket(place)
        open_ways = allowed_transitions(expected.status, "owner")
        if way != "anywhere" and open_ways:
            to = open_ways[0 if way == "on" else -1]

        status = self.shop.owner.post(f"{path}/status", json={"status": to}).status_code

        if to in open_ways:
            assert status == 200
            expected.status = to
            if to == "cancelled":
                self.release(expected)
        else:
            assert status == 409

    @precondition(lambda self: self.tickets)
    @rule(place=PLACES)
    def delete(self, place: int) -> None:
        path, expected = self.ticket(place)

        status = self.shop.owner.delete(path).status_code

        if expected.status in FINISHED:
            assert status == 409
        else:
            assert status == 200
            if expected.status != "cancelled":
                self.release(expected)
            del self.tickets[int(path.rpartition("/")[2])]

    @rule(part=PLACES, price=PRICES)
    def change_the_price(self, part: int, price: Decimal) -> None:
        id_ = self.part(part)

        status = self.shop.owner.patch(f"/inventory/{id_}", json={"price": str(price)}).status_code

        assert status == (404 if id_ in self.taken_out else 200)
        if status == 200:
            self.price[id_] = price

    @rule(part=PLACES, number=QUANTITIES)
    def receive(self, part: int, number: int) -> None:
        id_ = self.part(part)
        on_hand = self.stock[id_]
        if on_hand is not None and id_ not in self.taken_out:
            self.shop.owner.patch(f"/inventory/{id_}", json={"on_hand": on_hand + number})
            self.stock[id_] = on_hand + number

    @precondition(lambda self: not self.taken_out)
    @rule(part=PLACES)
    def take_out_of_the_inventory(self, part: int) -> None:
        id_ = self.part(part)
        self.shop.owner.delete(f"/inventory/{id_}")
        self.taken_out.add(id_)

    @invariant()
    def stock_is_what_the_model_says(self) -> None:
        if not hasattr(self, "stock"):
            return
        with self.shop.inside():
            kept = {part.id: part.on_hand for part in db.session.scalars(select(Part))}
        assert kept == self.stock
        assert all(number is None or number >= 0 for number in kept.values())

    @invariant()
    def tickets_are_what_the_model_says(self) -> None:
        if not hasattr(self, "stock"):
            return
        shown = {
            ticket["id"]: (
                ticket["status"],
                {
                    (item["id"], Decimal(str(item["price"]))): item["quantity"]
                    for item in ticket["inventory_items"]
                },
            )
            for ticket in self.shop.owner.get("/service_tickets?per_page=100").json
        }
        assert shown == {
            id_: (expected.status, dict(expected.lines)) for id_, expected in self.tickets.items()
        }


def test_no_part_is_lost_or_doubled(shop: Shop) -> None:
    class Here(Workshop):
        pass

    Here.shop = shop
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Here,
        settings=settings(
            max_examples=50, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
