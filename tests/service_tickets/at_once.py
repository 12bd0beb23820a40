"""What two people do to one ticket at the same moment, each from a view of it that is still true."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app.blueprints.estimates.models import Estimate
from app.blueprints.service_tickets.models import ServiceTicket, TicketLine
from app.blueprints.service_tickets.status import steps_from
from tests.concurrency.racing import race
from tests.estimates.asking import by_link

if TYPE_CHECKING:
    from tests.service_tickets.test_life_invariant import Life

Draw = Callable[[Any], Any]
Row = dict[str, Any]
WORK = [
    {"kind": "labour", "description": "Work", "quantity": 1.5, "unit_price": 100},
    {"kind": "fee", "description": "Fee", "unit_price": 50},
    {"kind": "discount", "description": "Off", "percent": 10},
]
HOW_MUCH = st.sampled_from(
    [{"quantity": 0.5}, {"quantity": 4}, {"unit_price": 0}, {"unit_price": 9.99}, {"unit_price": 123.45}]
)


def seen(row: Row) -> dict[str, str]:
    """Return the header of somebody who looks at a ticket as it is now."""
    return {"If-Match": f'"{row["version"]}-0"'}


def two_steps(life: Life, draw: Draw) -> None:
    """Let two take a step at once, both from the ticket as it is: one of them is heard at most."""
    path, row = life.ticket(draw(st.integers(0, 4)))
    ways = steps_from(row["status"], "owner")
    if not ways:
        return
    answers = race(
        *(
            partial(
                person.post,
                f"{path}/status",
                json={"status": draw(st.sampled_from(ways)), "reason": "Said so."},
                headers=seen(row),
            )
            for person in (life.shop.owner, life.shop.mechanic)
        )
    )
    _one_is_heard(life, "two steps", answers)


def two_decisions(life: Life, draw: Draw) -> None:
    """Let the customer and the workshop decide one estimate at once, each in their own way: it is decided once."""
    estimate, offered = _out(life, draw)
    answers = race(*(_decision(life, estimate, offered, draw) for _ in range(2)))
    _one_is_heard(life, "two decisions", answers)
    if all(answer.status_code >= 400 for answer in answers):
        return
    [kept] = life.of(Estimate, id=estimate["id"])
    [heard] = [answer.json for answer in answers if answer.status_code == 200]
    assert float(kept["accepted_total"]) == heard["accepted_total"]


def a_change_and_a_decision(life: Life, draw: Draw) -> None:
    """Let a line change while its estimate is decided: what is approved is what was offered, whoever comes first."""
    estimate, offered = _out(life, draw)
    ticket_id = estimate["service_ticket_id"]
    lines = life.of(TicketLine, service_ticket_id=ticket_id)
    if not lines:
        return
    [ticket] = life.of(ServiceTicket, id=ticket_id)
    path = life.path_of(draw(st.sampled_from(lines)))
    headers = draw(st.sampled_from([{}, seen(ticket)]))
    change: Callable[[], TestResponse] = draw(
        st.sampled_from(
            [
                partial(life.shop.mechanic.patch, path, json=draw(HOW_MUCH), headers=headers),
                partial(life.shop.mechanic.delete, path, headers=headers),
            ]
        )
    )
    changed, decided = race(change, _decision(life, estimate, offered, draw))
    life.rows = life.read()
    life.answered["change at once"].append(changed.status_code)
    life.answered["decision at once"].append(decided.status_code)
    assert changed.status_code in (200, 400, 404, 409, 412), changed.text
    assert decided.status_code in (200, 409), decided.text
    if decided.status_code == 200:
        [kept] = life.of(ServiceTicket, id=ticket_id)
        assert float(kept["approved_total"]) == decided.json["accepted_total"]


def _out(life: Life, draw: Draw) -> tuple[Row, list[int]]:
    """Return an estimate that is out, made for it where there is none, and which of its lines are up for decision."""
    out = [row["id"] for row in life.of(Estimate, state="sent")]
    if not out:
        path = f"/service_tickets/{life.shop.make_ticket()['id']}"
        life.send("step", "owner", "POST", f"{path}/status", {"status": "received"})
        life.send("put on", "owner", "POST", f"{path}/lines", WORK)
        asked = life.send("estimate", "owner", "POST", f"{path}/estimates", {}).json
        life.estimates[asked["id"]] = asked
        out = [asked["id"]]
    estimate = life.estimates[draw(st.sampled_from(out))]
    return estimate, [line["line_id"] for line in estimate["lines"] if line["up_for_decision"]]


def _decision(life: Life, estimate: Row, offered: list[int], draw: Draw) -> Callable[[], TestResponse]:
    wanted = draw(st.one_of(st.just(offered), st.lists(st.sampled_from(offered), unique=True)))
    body = {"accepted_line_ids": wanted, "name": "Ada Obi"}
    if draw(st.booleans()):
        return partial(life.shop.nobody.post, by_link(estimate), json=body)
    path = f"/service_tickets/{estimate['service_ticket_id']}/estimates/{estimate['id']}/decision"
    return partial(life.shop.mechanic.post, path, json={**body, "how": "phone"})


def _one_is_heard(life: Life, what: str, answers: list[TestResponse]) -> None:
    before, life.rows = life.rows, life.read()
    statuses = sorted(answer.status_code for answer in answers)
    life.answered[what] += statuses
    assert statuses.count(200) <= 1, statuses
    assert set(statuses) <= {200, 409, 412}, statuses
    assert (life.rows == before) == (200 not in statuses)


WHAT = (two_steps, two_decisions, a_change_and_a_decision)
