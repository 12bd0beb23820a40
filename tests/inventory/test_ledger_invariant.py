"""Whatever is received, sold, fitted, given back, counted anew or written off: the ledger adds up, and no cent is lost."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

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
from sqlalchemy import func, select

from app.blueprints.inventory import proving
from app.blueprints.inventory.models import Part, StockMovement
from app.blueprints.service_tickets.models import ServiceTicket, TicketPart
from app.extensions import db
from tests.factories import Shop, make_shop

PLACES = st.integers(0, 2)  # a part or ticket by its place among those there are, counted round
THOUSANDTHS = st.integers(1, 6000)
COSTS = st.one_of(st.none(), st.integers(0, 999).map(lambda cents: str(Decimal(cents) / 100)))


class Storeroom(RuleBasedStateMachine):
    """A storekeeper's day, by HTTP: one part by the piece, one by the litre, and the number that should be there of each."""

    shop: Shop

    @initialize(pieces=st.integers(0, 8), litres=st.integers(0, 8000))
    def open_the_door(self, pieces: int, litres: int) -> None:
        self.shop = make_shop(self.shop.app)
        self.there: dict[int, Decimal] = {}
        self.tickets: dict[int, defaultdict[int, Decimal]] = {}
        for unit, on_hand in (("piece", Decimal(pieces)), ("l", Decimal(litres) / 1000)):
            self.there[self.shop.make_part(unit=unit, on_hand=on_hand).id] = on_hand
        self.open_a_ticket()

    def of(self, place: int, thousandths: int) -> tuple[int, Decimal]:
        """Return a part, and a quantity in which it can be had."""
        part_id = list(self.there)[place % 2]
        return part_id, Decimal(-(-thousandths // 1000)) if place % 2 == 0 else Decimal(thousandths) / 1000

    def ticket(self, place: int) -> tuple[str, defaultdict[int, Decimal]]:
        id_ = list(self.tickets)[place % len(self.tickets)]
        return f"/service_tickets/{id_}", self.tickets[id_]

    def move(self, part_id: int, by: Decimal, body: dict[str, Any]) -> None:
        answer = self.shop.mechanic.post(f"/inventory/{part_id}/movements", json={"reason": "x", **body})

        if self.there[part_id] + by < 0:
            assert answer.json["code"] == "not_enough_on_hand"
        else:
            assert answer.status_code == 201
            self.there[part_id] += by

    @rule(
        place=PLACES, thousandths=THOUSANDTHS, unit_cost=COSTS, kind=st.sampled_from(["purchase", "return"])
    )
    def receive(self, place: int, thousandths: int, unit_cost: str | None, kind: str) -> None:
        part_id, quantity = self.of(place, thousandths)
        self.move(part_id, quantity, {"kind": kind, "quantity": float(quantity), "unit_cost": unit_cost})

    @rule(place=PLACES, thousandths=THOUSANDTHS, kind=st.sampled_from(["sale", "write_off"]))
    def let_go(self, place: int, thousandths: int, kind: str) -> None:
        part_id, quantity = self.of(place, thousandths)
        self.move(part_id, -quantity, {"kind": kind, "quantity": float(quantity)})

    @rule(place=PLACES, thousandths=THOUSANDTHS, sign=st.sampled_from([1, -1]))
    def adjust(self, place: int, thousandths: int, sign: int) -> None:
        part_id, quantity = self.of(place, thousandths)
        self.move(part_id, sign * quantity, {"kind": "adjustment", "quantity": float(sign * quantity)})

    @rule(place=PLACES, unit_cost=COSTS.filter(lambda cost: cost is not None))
    def revalue(self, place: int, unit_cost: str) -> None:
        part_id, _ = self.of(place, 1)
        self.move(part_id, Decimal(0), {"kind": "revaluation", "unit_cost": unit_cost})

    @rule(place=PLACES, thousandths=st.integers(0, 6000))
    def count_anew(self, place: int, thousandths: int) -> None:
        part_id, quantity = self.of(place, thousandths)

        answer = self.shop.owner.patch(f"/inventory/{part_id}", json={"on_hand": float(quantity)})

        assert answer.status_code == 200
        self.there[part_id] = quantity

    @precondition(lambda self: len(self.tickets) < 3)
    @rule()
    def open_a_ticket(self) -> None:
        self.tickets[self.shop.make_ticket()["id"]] = defaultdict(Decimal)

    @precondition(lambda self: self.tickets)
    @rule(place=PLACES, part=PLACES, thousandths=THOUSANDTHS)
    def fit(self, place: int, part: int, thousandths: int) -> None:
        (path, fitted), (part_id, quantity) = self.ticket(place), self.of(part, thousandths)

        body = {"item_id": part_id, "quantity": float(quantity)}
        status = self.shop.owner.post(f"{path}/inventory", json=body).status_code

        assert status == (201 if self.there[part_id] >= quantity else 409)
        if status == 201:
            self.there[part_id] -= quantity
            fitted[part_id] += quantity

    @precondition(lambda self: self.tickets)
    @rule(place=PLACES, part=PLACES)
    def take_off(self, place: int, part: int) -> None:
        (path, fitted), (part_id, _) = self.ticket(place), self.of(part, 1)

        status = self.shop.owner.delete(f"{path}/inventory/{part_id}").status_code

        assert status == (200 if part_id in fitted else 404)
        self.there[part_id] += fitted.pop(part_id, Decimal(0))

    @precondition(lambda self: self.tickets)
    @rule(place=PLACES, how=st.sampled_from(["cancel", "delete"]))
    def give_up(self, place: int, how: str) -> None:
        path, fitted = self.ticket(place)

        if how == "cancel":
            self.shop.owner.post(f"{path}/status", json={"status": "cancelled"})
        else:
            self.shop.owner.delete(path)

        for part_id, quantity in fitted.items():
            self.there[part_id] += quantity
        del self.tickets[int(path.rpartition("/")[2])]

    @invariant()
    def what_is_on_hand_is_what_the_ledger_says(self) -> None:
        if not hasattr(self, "there"):
            return
        with self.shop.inside():
            assert list(proving.discrepancies(self.shop.id)) == []
            kept = {part.id: part.on_hand for part in db.session.scalars(select(Part))}
        assert kept == self.there
        assert min(kept.values()) >= 0  # type: ignore[type-var, operator]

    @invariant()
    def no_cent_is_lost_between_the_stock_and_the_tickets(self) -> None:
        """What tickets took out of the stock's value, less what they gave back, is what they keep, part by part."""
        if not hasattr(self, "there"):
            return
        with self.shop.inside():
            taken = db.session.execute(
                select(StockMovement.part_id, func.sum(StockMovement.value))
                .where(StockMovement.service_ticket_id.is_not(None))
                .group_by(StockMovement.part_id)
            ).all()
            kept = db.session.execute(
                select(TicketPart.part_id, func.sum(TicketPart.cost))
                .join(ServiceTicket, ServiceTicket.id == TicketPart.service_ticket_id)
                .where(ServiceTicket.status != "cancelled")
                .group_by(TicketPart.part_id)
            ).all()
        assert {part: -value for part, value in taken if value} == {
            part: value for part, value in kept if value
        }


def test_the_ledger_adds_up_whatever_is_done(shop: Shop) -> None:
    class Here(Storeroom):
        pass

    Here.shop = shop
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Here,
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
