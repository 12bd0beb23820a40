"""Whoever does whatever to tickets, in whatever order: what must hold holds, and a refusal changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import inspect, select
from werkzeug.test import TestResponse

from app.blueprints.estimates.models import Estimate
from app.blueprints.inspections.models import Recommendation
from app.blueprints.inventory.models import Part, StockMovement
from app.blueprints.service_tickets.models import ServiceTicket, StatusChange, TicketLine
from app.blueprints.service_tickets.status import ASKED, FINISHED, OVER, STATUSES, STEPS, steps_from
from app.blueprints.timesheets.models import ClockEntry
from app.blueprints.timesheets.service import LONGEST
from app.core import clock
from app.extensions import db
from tests.estimates.asking import by_link
from tests.factories import Caller, Shop, make_shop
from tests.service_tickets import at_once

KEPT = (ServiceTicket, TicketLine, Part, StockMovement, StatusChange, Estimate, ClockEntry, Recommendation)
TOLERANCE = Decimal(10)
PLACES = st.integers(0, 5)  # something by its place among those there are, counted round
PEOPLE = st.sampled_from([*["owner", "mechanic"] * 3, "customer", "other_customer"])
THOUSANDTHS = st.sampled_from([500, 1000, 1000, 2000, 2500, 4000])
CENTS = st.sampled_from([0, 1, 999, 5000, 12345]).map(lambda cents: float(Decimal(cents) / 100))
LINES = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("labour"),
            "description": st.just("Work"),
            "quantity": THOUSANDTHS,
            "unit_price": CENTS,
        }
    ),
    st.fixed_dictionaries({"kind": st.just("part"), "item_id": PLACES, "quantity": THOUSANDTHS}),
    st.fixed_dictionaries({"kind": st.just("part"), "item_id": PLACES, "quantity": THOUSANDTHS}),
    st.fixed_dictionaries({"kind": st.just("fee"), "description": st.just("Fee"), "unit_price": CENTS}),
    st.fixed_dictionaries({"kind": st.just("discount"), "description": st.just("Off"), "unit_price": CENTS}),
    st.fixed_dictionaries(
        {"kind": st.just("discount"), "description": st.just("Off"), "percent": st.sampled_from([5, 50, 100])}
    ),
)
# What somebody does, as often as it is worth it.
OFTEN = [
    "put_on",
    "turn_to_parts",
    "take_a_step",
    "take_a_step",
    "send_an_estimate",
    "decide",
    "change_a_line",
]
SELDOM = [
    "open_a_ticket", "fit_at_once", "remove_a_line", "withdraw", "start_a_clock", "start_a_clock", "stop_a_clock",
    "forget_a_clock", "move_stock", "delete_a_ticket",
]  # fmt: skip
WHAT = OFTEN * 4 + SELDOM
OFTEN_ENOUGH, A_FEW = 25, 12
Row = dict[str, Any]
Draw = Callable[[Any], Any]


class Life(RuleBasedStateMachine):
    """Days of a workshop, by HTTP; what it keeps is read from the tables after each request."""

    shop: Shop
    answered: ClassVar[defaultdict[str, list[int]]] = defaultdict(list)

    @initialize(
        pieces=st.integers(0, 6),
        tolerant=st.booleans(),
        asks=st.booleans(),
        acts=st.integers(12, 28),
        last=st.sampled_from(at_once.WHAT),
    )
    def open_the_door(
        self, pieces: int, tolerant: bool, asks: bool, acts: int, last: Callable[[Any, Draw], None]
    ) -> None:
        self.shop = make_shop(self.shop.app)
        self.left, self.last = acts, last
        self.tolerance, self.asks = TOLERANCE if tolerant else Decimal(0), asks
        terms = {"tax_rate": 8.25, "approval_tolerance": float(self.tolerance), "approval_required": asks}
        assert self.shop.owner.patch(f"/workshops/{self.shop.id}", terms).status_code == 200
        self.shop.make_part(on_hand=pieces, price=Decimal("19.99"))
        self.shop.make_part(on_hand=Decimal("4.5"), unit="l", price=Decimal("7.35"))
        self.shop.make_part(price=Decimal("3.00"))
        self.hand = self.shop.make_mechanic().id
        self.estimates: dict[int, dict[str, Any]] = {}
        self.ticket_to_begin_with()

    def ticket_to_begin_with(self) -> None:
        ticket = self.shop.make_ticket()["id"]
        self.shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": "received"})
        self.rows = self.read()

    # ---- What there is

    def read(self) -> dict[str, list[Row]]:
        """Return all rows that the shop keeps, in the order of their ids."""
        found = {}
        with self.shop.inside():
            for model in KEPT:
                columns = inspect(model).columns
                statement = select(*columns).where(model.workshop_id == self.shop.id).order_by(model.id)  # type: ignore[attr-defined]
                found[model.__tablename__] = [dict(row) for row in db.session.execute(statement).mappings()]
        return found

    def of(self, model: Any, **wanted: Any) -> list[Row]:
        rows = self.rows[model.__tablename__]
        return [row for row in rows if all(row[name] == value for name, value in wanted.items())]

    def ticket(self, place: int) -> tuple[str, Row]:
        """Return a ticket; open ones are more often meant, or the days would soon be over."""
        tickets = self.of(ServiceTicket)
        still_open = [row for row in tickets if row["status"] not in OVER]
        meant = still_open if still_open and place < 5 else tickets
        row = meant[place % len(meant)]
        return f"/service_tickets/{row['id']}", row

    @staticmethod
    def path_of(line: Row) -> str:
        return f"/service_tickets/{line['service_ticket_id']}/lines/{line['id']}"

    def send(self, what: str, who: str, method: str, path: str, json: Any = None) -> TestResponse:
        """Send a request; one that is refused has changed nothing at all."""
        caller: Caller = getattr(self.shop, who)
        answer = caller.open(method, path, json=json)
        self.answered[what].append(answer.status_code)
        before, self.rows = self.rows, self.read()
        if answer.status_code >= 400:
            assert answer.status_code in (400, 403, 404, 409, 412), answer.text
            assert self.rows == before
        return answer

    # ---- What people do

    @rule(who=PEOPLE, what=st.sampled_from(WHAT), data=st.data())
    def somebody_does_something(self, who: str, what: str, data: st.DataObject) -> None:
        """Let somebody act. The last of a day are two at once: who was heard is chance, and no case could go on from there."""
        self.left -= 1
        if self.left > 0:
            getattr(self, what)(who, data.draw)
        elif self.left == 0:
            self.last(self, data.draw)

    def open_a_ticket(self, who: str, draw: Draw) -> None:
        """Open a ticket, mostly where something can be done about it already."""
        if len(self.of(ServiceTicket)) == 4:
            return
        whose = draw(st.sampled_from([self.shop.customer_id, self.shop.other_customer_id]))
        ticket = self.shop.make_ticket(customer_id=whose)["id"]
        for status in draw(st.sampled_from([(), *[("received", "analysis")] * 3])):
            self.shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": status})
        self.rows = self.read()

    def put_on(self, who: str, draw: Draw) -> None:
        parts = self.of(Part)
        body = []
        for line in draw(st.lists(LINES, min_size=1, max_size=3)):
            sent = dict(line)
            if "quantity" in line:
                sent["quantity"] /= 1000
            if line["kind"] == "part":
                sent["item_id"] = parts[line["item_id"] % len(parts)]["id"]
            body.append(sent)
        self.send("put on", who, "POST", f"{self.ticket(draw(PLACES))[0]}/lines", body)

    def fit_at_once(self, who: str, draw: Draw) -> None:
        body = {"item_id": self.of(Part)[draw(PLACES) % 3]["id"], "quantity": draw(st.integers(1, 3))}
        self.send("fit at once", who, "POST", f"{self.ticket(draw(PLACES))[0]}/inventory", body)

    def change_a_line(self, who: str, draw: Draw) -> None:
        if lines := self.of(TicketLine):
            path = self.path_of(lines[-1 - draw(PLACES) % len(lines)])
            some = {"quantity": draw(THOUSANDTHS) / 1000}
            changes = draw(st.sampled_from([some, {"unit_price": draw(CENTS)}]))
            self.send("change", who, "PATCH", path, changes)

    def remove_a_line(self, who: str, draw: Draw) -> None:
        if lines := self.of(TicketLine):
            self.send("remove", who, "DELETE", self.path_of(lines[-1 - draw(PLACES) % len(lines)]))

    def turn_to_parts(self, who: str, draw: Draw) -> None:
        action = draw(st.sampled_from(["reserve", "fit", "fit", "return"]))
        parts = self.of(TicketLine, kind="part")
        if action == "return":
            parts = [one for one in parts if one["fitted"]]
        elif action == "fit":
            parts = [one for one in parts if one["fitted"] < one["quantity"]]
        if parts:
            some = draw(st.sampled_from([{}, {}, {"quantity": draw(THOUSANDTHS) / 1000}]))
            path = f"{self.path_of(parts[-1 - draw(PLACES) % len(parts)])}/{action}"
            self.send(action, who, "POST", path, None if action == "reserve" else some)

    def take_a_step(self, who: str, draw: Draw) -> None:
        path, row = self.ticket(draw(PLACES))
        ways = steps_from(row["status"], "owner")
        forward = [way for way in ways if way != "cancelled"]
        blind = draw(st.integers(0, 9))
        to = draw(
            st.sampled_from(STATUSES if blind == 9 or not ways else ways if blind == 8 else forward or ways)
        )
        self.send("step", who, "POST", f"{path}/status", {"status": to, "reason": "Said so."})

    def send_an_estimate(self, who: str, draw: Draw) -> None:
        path, _ = self.ticket(draw(PLACES))
        answer = self.send("estimate", who, "POST", f"{path}/estimates", {"valid_days": 3})
        if answer.status_code == 201:
            self.estimates[answer.json["id"]] = answer.json

    def decide(self, who: str, draw: Draw) -> None:
        out = [row["id"] for row in self.of(Estimate, state="sent")]
        known = out if out and draw(PLACES) else list(self.estimates)
        if not known:
            return
        estimate = self.estimates[known[draw(PLACES) % len(known)]]
        offered = [line["line_id"] for line in estimate["lines"] if line["up_for_decision"]]
        wanted = draw(st.one_of(st.just(offered), st.lists(st.sampled_from(offered), unique=True)))
        body = {"accepted_line_ids": wanted, "name": "Ada Obi"}
        if draw(st.booleans()):
            self.send("decide", "nobody", "POST", by_link(estimate), body)
            return
        if who in ("owner", "mechanic"):
            body["how"] = "phone"
        path = f"/service_tickets/{estimate['service_ticket_id']}/estimates/{estimate['id']}/decision"
        self.send("decide", who, "POST", path, body)

    def withdraw(self, who: str, draw: Draw) -> None:
        for estimate in (self.of(Estimate, state="sent") or self.of(Estimate))[-1:]:
            path = f"/service_tickets/{estimate['service_ticket_id']}/estimates/{estimate['id']}/withdraw"
            self.send("withdraw", who, "POST", path)

    def start_a_clock(self, who: str, draw: Draw) -> None:
        whose = {"mechanic_id": draw(st.sampled_from([self.hand, self.shop.mechanic_id]))}
        self.send("clock start", who, "POST", f"{self.ticket(draw(PLACES))[0]}/clock/start", whose)

    def stop_a_clock(self, who: str, draw: Draw) -> None:
        for entry in (self.of(ClockEntry, ended_at=None) or self.of(ClockEntry))[-1:]:
            path = f"/service_tickets/{entry['service_ticket_id']}/clock/stop"
            self.send("clock stop", who, "POST", path, {"mechanic_id": entry["mechanic_id"]})

    def forget_a_clock(self, who: str, draw: Draw) -> None:
        for entry in self.of(ClockEntry, ended_at=None)[-1:]:
            path = f"/service_tickets/{entry['service_ticket_id']}/clock/{entry['id']}"
            long_ago = clock.rfc3339(clock.now() - LONGEST - timedelta(hours=1))
            body = {"started_at": long_ago, "reason": "Began earlier."}
            self.send("clock forgotten", "owner", "PATCH", path, body)

    def move_stock(self, who: str, draw: Draw) -> None:
        kind = draw(st.sampled_from(["purchase", "purchase", "write_off"]))
        body: dict[str, Any] = {"kind": kind, "quantity": draw(st.integers(1, 3)), "reason": "x"}
        if kind == "purchase":
            body["unit_cost"] = 3.33
        path = f"/inventory/{self.of(Part)[draw(st.integers(0, 1))]['id']}/movements"
        self.send(kind, who, "POST", path, body)

    def delete_a_ticket(self, who: str, draw: Draw) -> None:
        if len(self.of(ServiceTicket)) > 2:
            self.send("delete", who, "DELETE", self.ticket(draw(PLACES))[0])

    # ---- What always holds

    @invariant()
    def totals_are_the_sums_of_the_lines(self) -> None:
        for ticket in self.of(ServiceTicket) if hasattr(self, "rows") else ():
            lines = self.of(TicketLine, service_ticket_id=ticket["id"])
            assert ticket["net_total"] == sum(line["net"] for line in lines) >= 0
            assert ticket["tax_total"] == sum(line["tax"] for line in lines) >= 0

    @invariant()
    def stock_is_the_ledger_and_what_is_reserved_is_what_open_lines_reserve(self) -> None:
        if not hasattr(self, "rows"):
            return
        going_on = {row["id"] for row in self.of(ServiceTicket) if row["status"] not in OVER}
        for part in self.of(Part):
            lines = self.of(TicketLine, part_id=part["id"])
            movements = self.of(StockMovement, part_id=part["id"])
            assert part["reserved"] == sum(line["reserved"] for line in lines)
            assert not any(line["reserved"] for line in lines if line["service_ticket_id"] not in going_on)
            if part["on_hand"] is None:
                assert (part["reserved"], movements) == (0, [])
                continue
            assert part["on_hand"] == sum(move["quantity"] for move in movements)
            assert part["stock_value"] == sum(move["value"] for move in movements)
            assert 0 <= part["reserved"] <= part["on_hand"]

    @invariant()
    def what_left_the_stock_for_a_ticket_is_what_is_fitted_on_it(self) -> None:
        if not hasattr(self, "rows"):
            return
        counted = {part["id"] for part in self.of(Part) if part["on_hand"] is not None}
        for ticket in self.of(ServiceTicket):
            moved, fitted = defaultdict[int, Decimal](Decimal), defaultdict[int, Decimal](Decimal)
            for move in self.of(StockMovement, service_ticket_id=ticket["id"]):
                moved[move["part_id"]] -= move["quantity"]
            for line in self.of(TicketLine, service_ticket_id=ticket["id"]):
                if line["part_id"] in counted and ticket["status"] != "cancelled":
                    fitted[line["part_id"]] += line["fitted"]
            for part_id in counted:
                assert moved[part_id] == fitted[part_id]

    @invariant()
    def nobody_works_on_two_cars_nor_on_one_that_is_done(self) -> None:
        if not hasattr(self, "rows"):
            return
        running = self.of(ClockEntry, ended_at=None)
        assert len(running) == len({entry["mechanic_id"] for entry in running})
        over = {row["id"] for row in self.of(ServiceTicket) if row["status"] in OVER}
        for entry in running:
            if entry["service_ticket_id"] in over:
                assert clock.now() - clock.as_utc(entry["started_at"]) > LONGEST

    @invariant()
    def what_is_done_is_within_what_was_agreed_to(self) -> None:
        for ticket in self.of(ServiceTicket) if hasattr(self, "rows") else ():
            approved = ticket["approved_total"]
            assert approved is not None or not self.was_asked(ticket)
            if approved is None and self.asks:
                approved = Decimal(0)
            if ticket["status"] in FINISHED and approved is not None:
                total = ticket["net_total"] + ticket["tax_total"]
                assert total <= approved * (100 + self.tolerance) / 100

    def was_asked(self, ticket: Row) -> bool:
        """Tell from its history whether the customer was ever asked."""
        steps = self.of(StatusChange, service_ticket_id=ticket["id"])
        return not ASKED.isdisjoint(step["to_status"] for step in steps)

    @invariant()
    def a_finished_job_has_all_its_parts(self) -> None:
        for ticket in self.of(ServiceTicket) if hasattr(self, "rows") else ():
            if ticket["status"] in FINISHED:
                for line in self.of(TicketLine, service_ticket_id=ticket["id"], kind="part"):
                    assert line["fitted"] == line["quantity"]

    @invariant()
    def one_estimate_is_out_at_most_and_the_ticket_knows_of_it(self) -> None:
        for ticket in self.of(ServiceTicket) if hasattr(self, "rows") else ():
            out = self.of(Estimate, service_ticket_id=ticket["id"], state="sent")
            assert len(out) <= 1
            assert bool(out) == (ticket["estimate_open_until"] is not None)
            if out:
                assert [one["valid_until"] for one in out] == [ticket["estimate_open_until"]]
                assert ticket["status"] == "awaiting_approval"

    @invariant()
    def histories_are_whole(self) -> None:
        if not hasattr(self, "rows"):
            return
        status = {row["id"]: row["status"] for row in self.of(ServiceTicket)}
        changes = sorted(self.of(StatusChange), key=lambda row: (row["service_ticket_id"], row["id"]))
        for ticket_id, steps in groupby(changes, key=lambda row: row["service_ticket_id"]):
            before = None
            for step in steps:
                assert step["from_status"] == before
                assert before is None or (before, step["to_status"]) in STEPS
                before = step["to_status"]
            assert before == status.pop(ticket_id)
        assert not status


def test_the_whole_life_of_tickets_keeps_what_must_hold(shop: Shop) -> None:
    class Here(Life):
        answered: ClassVar[defaultdict[str, list[int]]] = defaultdict(list)

    Here.shop = shop
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Here,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        ),
    )

    # It would show nothing if all were refused; what chance tried seldom may be.
    never = {
        what
        for what, statuses in Here.answered.items()
        if len(statuses) >= OFTEN_ENOUGH and min(statuses) >= 400
    }
    assert not never
    assert len(Here.answered) >= len(set(OFTEN))
    for what in ("two steps", "two decisions", "change at once", "decision at once"):
        assert 200 in Here.answered[what] or len(Here.answered[what]) < A_FEW
