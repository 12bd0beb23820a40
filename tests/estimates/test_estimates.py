"""Estimates: what is offered stays as it was, is decided once, and moves the ticket."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.blueprints.estimates.models import Estimate
from app.blueprints.estimates.privacy import PERSONAL
from app.core import clock
from app.extensions import db
from tests.accounts.letters import Letters
from tests.estimates.asking import PADS, PAGE, RUST, ask, by_link, decide, examined, ids
from tests.factories import Shop, fields_of
from tests.inspections.examining import advise, begun, car_of
from tests.mailing import Clock
from tests.service_tickets.life import bring, ticket_in
from tests.tampering import owners_connection
from tests.watching import statements

# ---- Asking


def test_what_is_on_the_ticket_is_offered_and_the_ticket_awaits_approval(shop: Shop) -> None:
    path = examined(shop)

    estimate = ask(shop, path, valid_days=7, message="Down to 2 mm.")

    ticket = shop.owner.get(path).json
    assert (estimate["state"], estimate["revision"], estimate["total"]) == ("sent", 1, 230)
    assert [line["description"] for line in estimate["lines"]] == ["Brake pads, front", "Rust protection"]
    assert (ticket["status"], ticket["estimate_open_until"]) == ("awaiting_approval", estimate["valid_until"])
    assert ticket["status_history"][-1]["reason"] == "An estimate was sent."


def test_the_customer_gets_a_letter_with_a_link_that_needs_no_account(shop: Shop, letters: Letters) -> None:
    estimate = ask(shop, examined(shop))

    letter = letters.to(shop.customer.email)[-1]

    assert estimate["sent_to"] == shop.customer.email
    assert estimate["link"] in letter
    assert "$230.00" in letter
    assert shop.nobody.get(by_link(estimate)).json["total"] == 230


def test_who_has_no_address_is_handed_the_link(shop: Shop) -> None:
    walk_in = shop.make_customer(email=None, phone="312-555-0142").id

    estimate = ask(shop, examined(shop, customer_id=walk_in))

    assert estimate["sent_to"] is None
    assert shop.nobody.get(by_link(estimate)).status_code == 200


def test_a_newer_one_withdraws_the_one_that_is_out(shop: Shop) -> None:
    path = examined(shop)
    first = ask(shop, path)
    shop.mechanic.post(f"{path}/lines", json={**RUST, "description": "Wax"})

    second = ask(shop, path)

    listed = shop.owner.get(f"{path}/estimates").json
    assert [(one["revision"], one["state"], one["total"]) for one in listed] == [
        (2, "sent", 310),
        (1, "withdrawn", 230),
    ]
    assert decide(shop, first).json["code"] == "estimate_withdrawn"
    assert decide(shop, second, *ids(second)).status_code == 200


def test_the_hash_proves_what_was_offered(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    shop.mechanic.patch(f"{path}/lines/{estimate['lines'][0]['line_id']}", {"unit_price": 999})

    with shop.inside():
        kept = db.session.get_one(Estimate, estimate["id"])
        assert hashlib.sha256(kept.content.encode()).hexdigest() == estimate["content_hash"]
    assert shop.owner.get(f"{path}/estimates/{estimate['id']}").json["lines"] == estimate["lines"]


@pytest.mark.parametrize(
    "column", ["content = '{}'", "valid_until = '2030-01-01'", "net_total = 1", "revision = 9"]
)
def test_nobody_changes_what_was_offered(app: Flask, shop: Shop, column: str) -> None:
    ask(shop, examined(shop))

    with pytest.raises(DBAPIError), owners_connection(app) as connection:
        connection.execute(text(f"UPDATE estimates SET {column}"))


@pytest.mark.parametrize("column", ["state = 'withdrawn'", "accepted_total = 1", "decided_how = 'phone'"])
def test_nobody_changes_what_was_decided(app: Flask, shop: Shop, column: str) -> None:
    estimate = ask(shop, examined(shop))
    decide(shop, estimate)

    with pytest.raises(DBAPIError), owners_connection(app) as connection:
        connection.execute(text(f"UPDATE estimates SET {column}"))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("booked", "transition_not_allowed"),
        ("completed", "ticket_closed"),
        ("delivered", "ticket_closed"),
        ("cancelled", "ticket_closed"),
    ],
)
def test_nothing_is_asked_before_the_car_is_there_or_after_it_is_done(
    shop: Shop, status: str, code: str
) -> None:
    path = ticket_in(shop)
    shop.mechanic.post(f"{path}/lines", json=PADS)
    bring(shop, path, status)

    answer = shop.mechanic.post(f"{path}/estimates", json={})

    assert (answer.status_code, answer.json["code"]) == (409, code)


def test_nothing_is_asked_of_an_empty_ticket(shop: Shop) -> None:
    answer = shop.mechanic.post(f"{ticket_in(shop, 'received')}/estimates", json={})

    assert (answer.status_code, answer.json["code"]) == (409, "nothing_to_decide")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"valid_days": 0}, "valid_days"), ({"valid_days": 91}, "valid_days"), ({"valid_days": "7"}, "valid_days"),
        ({"message": ""}, "message"), ({"message": "x" * 1001}, "message"), ({"lines": []}, "lines"),
    ],
)  # fmt: skip
def test_a_careless_question_is_refused(shop: Shop, body: dict[str, Any], field: str) -> None:
    path = examined(shop)

    answer = shop.mechanic.post(f"{path}/estimates", json=body)

    assert (answer.status_code, fields_of(answer)) == (400, [field])
    assert shop.owner.get(path).json["status"] == "analysis"


# ---- Deciding


def test_all_of_it_is_accepted(shop: Shop, letters: Letters) -> None:
    path = examined(shop)
    estimate = ask(shop, path)

    decided = decide(shop, estimate, *ids(estimate)).json

    ticket = shop.owner.get(path).json
    assert (decided["state"], decided["accepted_total"]) == ("accepted", 230)
    assert [line["accepted"] for line in decided["lines"]] == [True, True]
    assert (ticket["status"], ticket["approved_total"], ticket["estimate_open_until"]) == (
        "approved",
        230,
        None,
    )
    assert all(line["agreed"] for line in ticket["lines"])
    assert "2 agreed to, 0 declined" in " ".join(letters.to(shop.customer.email)[-1].split())


def test_what_is_declined_goes_off_the_ticket_and_its_parts_are_let_go(shop: Shop) -> None:
    part = shop.make_part(on_hand=5)
    path = examined(shop, PADS, {"kind": "part", "item_id": part.id, "quantity": 2})
    estimate = ask(shop, path)

    decided = decide(shop, estimate, *ids(estimate, "Brake pads, front")).json

    ticket = shop.owner.get(path).json
    assert (decided["state"], decided["accepted_total"]) == ("partly_accepted", 150)
    assert [line["description"] for line in ticket["lines"]] == ["Brake pads, front"]
    assert (ticket["status"], ticket["total"]) == ("approved", 150)
    assert shop.owner.get(f"/inventory/{part.id}").json["reserved"] == 0


def test_nothing_accepted_is_a_ticket_declined(shop: Shop) -> None:
    path = examined(shop)

    decided = decide(shop, ask(shop, path)).json

    ticket = shop.owner.get(path).json
    assert (decided["state"], decided["accepted_total"]) == ("declined", 0)
    assert (ticket["status"], ticket["lines"], ticket["approved_total"]) == ("declined", [], 0)


def test_what_was_declined_is_offered_again_at_the_next_visit(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    decide(shop, estimate, *ids(estimate, "Brake pads, front"))
    vin = shop.owner.get(path).json["VIN"]
    later = shop.make_ticket(VIN=vin)["id"]

    offered = shop.customer.get(f"/service_tickets/{later}/recommendations").json

    assert [(one["description"], one["state"], one["estimated_price"]) for one in offered] == [
        ("Rust protection", "declined", 80)
    ]


def advice_of(shop: Shop, car: int, *states: str) -> list[dict[str, Any]]:
    """Return what is recommended for a car and is in these states, the newest first."""
    found: list[dict[str, Any]] = shop.mechanic.get(
        f"/vehicles/{car}/recommendations?state={','.join(states)}"
    ).json
    return found


def test_work_that_was_put_off_is_put_on_again_as_the_line_it_was_however_often_it_is_declined(
    shop: Shop,
) -> None:
    part = shop.make_part(price=Decimal("12.50"), on_hand=9)
    filters = {"kind": "part", "item_id": part.id, "quantity": 3, "unit_price": 11, "tax_rate": 5.5}
    path = examined(shop, PADS, filters, RUST)
    vin = shop.owner.get(path).json["VIN"]
    written = {line["description"]: line for line in shop.owner.get(path).json["lines"]}
    decide(shop, ask(shop, path))
    car = shop.owner.get(f"/vehicles?vin={vin}").json[0]["id"]
    first = {one["id"] for one in advice_of(shop, car, "declined")}

    for _ in range(2):
        later = ticket_in(shop, "analysis", VIN=vin)
        for advice in sorted(first):
            assert shop.mechanic.post(f"{later}/recommendations/{advice}").status_code == 201
        lines = shop.owner.get(later).json["lines"]
        same = ("kind", "item_id", "quantity", "unit_price", "tax_rate", "total")
        assert len(lines) == 3
        for line in lines:
            assert [line[name] for name in same] == [written[line["description"]][name] for name in same]
        decide(shop, ask(shop, later))

    everything = advice_of(shop, car, "open", "taken", "declined", "done", "dismissed")
    assert {one["id"] for one in everything} == first
    assert {one["state"] for one in everything} == {"declined"}


def test_advice_whose_line_is_declined_is_declined_itself_and_not_done_with_the_rest(shop: Shop) -> None:
    path = examined(shop, PADS)
    ticket = shop.owner.get(path).json
    inspection = begun(shop, ticket["id"])
    declined, accepted = (advise(shop, inspection, urgency=urgency) for urgency in ("now", "soon"))
    for advice in (declined, accepted):
        assert shop.mechanic.post(f"{path}/recommendations/{advice}").status_code == 201
    car = car_of(shop, ticket)
    kept = f"/vehicles/{car}/recommendations"
    [line] = shop.mechanic.get(f"{kept}/{declined}").json["line_ids"]
    estimate = ask(shop, path)

    decide(shop, estimate, *(one for one in ids(estimate) if one != line))
    for step in ("in_progress", "completed"):
        assert shop.owner.post(f"{path}/status", json={"status": step}).status_code == 200

    told = shop.mechanic.get(f"{kept}/{declined}").json
    assert (told["state"], told["urgency"], told["taken_ticket_id"], told["line_ids"]) == (
        "declined",
        "now",
        None,
        [],
    )
    assert told["changes"][-1]["reason"] == "Declined in an estimate."
    assert shop.mechanic.get(f"{kept}/{accepted}").json["state"] == "done"
    assert len(shop.mechanic.get(kept).json) == 2


def test_of_advice_that_is_declined_in_part_the_rest_is_put_off_by_itself(shop: Shop) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", json={"labour_rate": 100})
    path = examined(shop, PADS)
    ticket = shop.owner.get(path).json
    in_parts = {"estimated_price": None, "labour_hours": 1.5, "parts_price": 89.9}
    advice = advise(shop, begun(shop, ticket["id"]), **in_parts)
    lines = shop.mechanic.post(f"{path}/recommendations/{advice}").json["lines"]
    [parts] = [line["id"] for line in lines if line["kind"] == "fee"]
    estimate = ask(shop, path)

    decide(shop, estimate, *(one for one in ids(estimate) if one != parts))

    rest, original = shop.mechanic.get(f"/vehicles/{car_of(shop, ticket)}/recommendations").json
    assert (original["id"], original["state"]) == (advice, "taken")
    assert (rest["state"], rest["line"]["kind"], rest["line"]["unit_price"]) == ("declined", "fee", 89.9)


def test_declining_much_costs_as_many_statements_as_declining_little(shop: Shop, on_postgresql: bool) -> None:
    little, much = (
        ask(shop, examined(shop, *[{**PADS, "description": f"Pads {n}"} for n in range(number)]))
        for number in (2, 20)
    )

    costs = []
    for estimate in (little, much):
        with statements(shop.app) as seen:
            assert decide(shop, estimate).status_code == 200
        costs.append(len(seen))

    # SQLite does not say which new row got which id, so there each is inserted by itself: the work and its history.
    more = 0 if on_postgresql else 2 * (20 - 2)
    assert costs[1] - costs[0] == more


def test_what_was_agreed_to_stays_agreed_when_more_is_declined(shop: Shop) -> None:
    path = examined(shop, PADS)
    decide(shop, first := ask(shop, path), *ids(first))
    shop.owner.post(f"{path}/status", json={"status": "in_progress"})
    shop.mechanic.post(f"{path}/lines", json=RUST)

    more = ask(shop, path)
    decide(shop, more)

    ticket = shop.owner.get(path).json
    assert [(line["description"], line["up_for_decision"]) for line in more["lines"]] == [
        ("Brake pads, front", False), ("Rust protection", True),
    ]  # fmt: skip
    assert (ticket["status"], ticket["total"], ticket["approved_total"]) == ("approved", 150, 150)


def test_a_line_that_became_dearer_is_asked_for_again(shop: Shop) -> None:
    path = examined(shop, PADS)
    decide(shop, first := ask(shop, path), *ids(first))
    shop.mechanic.patch(f"{path}/lines/{first['lines'][0]['line_id']}", {"quantity": 2})

    refused = shop.owner.post(f"{path}/status", json={"status": "in_progress"})
    second = ask(shop, path)

    assert refused.json["code"] == "approval_exceeded"
    assert [line["up_for_decision"] for line in second["lines"]] == [True]


def test_a_discount_is_on_the_whole_and_stays_with_what_is_accepted(shop: Shop) -> None:
    off = {"kind": "discount", "description": "Loyal", "unit_price": 30}
    path = examined(shop, PADS, RUST, off)
    estimate = ask(shop, path)

    decided = decide(shop, estimate, *ids(estimate, "Brake pads, front")).json

    assert (decided["accepted_total"], shop.owner.get(path).json["total"]) == (120, 120)


def test_a_discount_does_not_pay_the_customer(shop: Shop) -> None:
    off = {"kind": "discount", "description": "Loyal", "unit_price": 100}
    path = examined(shop, PADS, RUST, off)
    estimate = ask(shop, path)

    answer = decide(shop, estimate, *ids(estimate, "Rust protection"))

    assert (answer.status_code, answer.json["code"]) == (409, "discount_too_large")
    assert shop.owner.get(path).json["status"] == "awaiting_approval"


def test_what_came_on_the_ticket_meanwhile_is_not_approved(shop: Shop) -> None:
    path = examined(shop, PADS)
    estimate = ask(shop, path)
    shop.mechanic.post(f"{path}/lines", json=RUST)

    decide(shop, estimate, *ids(estimate))

    ticket = shop.owner.get(path).json
    assert (ticket["approved_total"], ticket["total"]) == (150, 230)
    assert [line["agreed"] for line in ticket["lines"]] == [True, False]
    assert "in_progress" not in ticket["allowed_transitions"]


def test_it_is_decided_once(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    decide(shop, estimate, *ids(estimate))
    before = shop.owner.get(path).json

    again = decide(shop, estimate)

    assert (again.status_code, again.json["code"], shop.owner.get(path).json) == (
        409,
        "estimate_decided",
        before,
    )


def test_it_stands_until_its_time_is_past(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = examined(shop)
    estimate = ask(shop, path, valid_days=7)
    time = Clock()
    monkeypatch.setattr(clock, "now", time.now)
    time.pass_(days=7, seconds=1)

    answer = decide(shop, estimate, *ids(estimate))
    shown = shop.nobody.get(by_link(estimate)).json

    assert (answer.status_code, answer.json["code"]) == (409, "estimate_expired")
    assert shown["state"] == "expired"


def test_while_one_is_out_nobody_approves_past_it(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)

    past = shop.owner.post(f"{path}/status", json={"status": "approved", "reason": "By phone"})
    withdrawn = shop.owner.post(f"{path}/estimates/{estimate['id']}/withdraw")
    then = shop.owner.post(f"{path}/status", json={"status": "approved", "reason": "By phone"})

    assert (past.status_code, past.json["code"]) == (409, "estimate_undecided")
    assert (withdrawn.json["state"], then.status_code) == ("withdrawn", 200)


def test_a_cancelled_ticket_takes_its_estimate_with_it(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    shop.owner.post(f"{path}/status", json={"status": "cancelled"})

    answer = decide(shop, estimate, *ids(estimate))
    page = shop.nobody.get(by_link(estimate), headers=PAGE)

    seen = shop.owner.get(f"{path}/estimates/{estimate['id']}").json
    noted = shop.owner.get(f"/audit?subject_kind=estimate&subject_id={estimate['id']}").json
    assert (answer.status_code, answer.json["code"]) == (409, "estimate_withdrawn")
    assert seen["state"] == "withdrawn"
    assert "<form" not in page.text
    assert [entry["action"] for entry in noted] == ["estimate.withdrawn", "estimate.sent"]


def test_no_letter_is_sent_again_of_what_cannot_be_decided(shop: Shop, letters: Letters) -> None:
    cancelled, decided = ask(shop, one := examined(shop)), ask(shop, other := examined(shop))
    shop.owner.post(f"{one}/status", json={"status": "cancelled"})
    decide(shop, decided, *ids(decided))

    answers = [
        shop.owner.post(f"{path}/estimates/{estimate['id']}/send")
        for path, estimate in ((one, cancelled), (other, decided))
    ]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
        (409, "estimate_withdrawn"), (409, "estimate_decided"),
    ]  # fmt: skip
    assert len([letter for letter in letters.to(shop.customer.email) if cancelled["link"] in letter]) == 1


def test_an_estimate_that_expired_stays_so_when_its_ticket_goes_another_way(shop: Shop) -> None:
    path = examined(shop)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: datetime.now(UTC) - timedelta(days=2))
        estimate = ask(shop, path, valid_days=1)

    shop.owner.post(f"{path}/status", json={"status": "cancelled"})

    assert shop.owner.get(f"{path}/estimates/{estimate['id']}").json["state"] == "expired"
    assert shop.owner.post(f"{path}/estimates/{estimate['id']}/send").json["code"] == "estimate_expired"


@pytest.mark.parametrize("accepted", [[0], [2**62], [-1], ["x"], "all", None])
def test_only_what_was_offered_is_accepted(shop: Shop, accepted: Any) -> None:
    path = examined(shop)
    estimate = ask(shop, path)

    answer = shop.nobody.post(by_link(estimate), json={"accepted_line_ids": accepted, "name": "Ada"})

    assert (answer.status_code, fields_of(answer)) == (400, ["accepted_line_ids"])
    assert shop.owner.get(path).json["status"] == "awaiting_approval"


def test_a_program_says_what_is_agreed_to_be_it_nothing(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    at = f"{path}/estimates/{estimate['id']}/decision"

    refused = [
        shop.nobody.post(by_link(estimate), json={"name": "Ada"}),
        shop.customer.post(at, json={"name": "Ada"}),
        shop.owner.post(at, json={"name": "Ada", "how": "phone"}),
    ]
    undecided = shop.owner.get(path).json
    decided = shop.nobody.post(by_link(estimate), json={"accepted_line_ids": [], "name": "Ada"})

    assert [(answer.status_code, fields_of(answer)) for answer in refused] == [
        (400, ["accepted_line_ids"])
    ] * 3
    assert (undecided["status"], len(undecided["lines"])) == ("awaiting_approval", 2)
    assert decided.json["state"] == "declined"


@pytest.mark.parametrize("name", ["\N{ZERO WIDTH SPACE}", "\N{RIGHT-TO-LEFT OVERRIDE}\N{NBSP}", "- . -"])
def test_a_signature_of_which_nothing_can_be_read_is_none(shop: Shop, name: str) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    by_word = {"accepted_line_ids": [], "name": name, "how": "phone"}

    answers = [
        decide(shop, estimate, name=name),
        shop.owner.post(f"{path}/estimates/{estimate['id']}/decision", json=by_word),
    ]

    assert [(answer.status_code, list(answer.json["errors"])) for answer in answers] == [(400, ["name"])] * 2
    assert decide(shop, estimate, name="小野 洋子").status_code == 200


# ---- Who decides


def test_a_customer_decides_their_own(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    decision = {"accepted_line_ids": ids(estimate), "name": "Ada Obi"}

    theirs = shop.other_customer.post(f"{path}/estimates/{estimate['id']}/decision", json=decision)
    own = shop.customer.post(f"{path}/estimates/{estimate['id']}/decision", json=decision)

    assert (theirs.status_code, own.status_code) == (403, 200)
    assert (own.json["state"], own.json["decided_how"]) == ("accepted", "online")
    assert {"link", "decided_name", "sent_to", "decided_address"}.isdisjoint(own.json)


def test_staff_record_a_word_and_say_how_it_came(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    decision = {"accepted_line_ids": ids(estimate), "name": "Ada Obi"}
    at = f"{path}/estimates/{estimate['id']}/decision"

    silent = shop.mechanic.post(at, json=decision)
    told = shop.mechanic.post(at, json={**decision, "how": "phone", "note": "At 10:15"})

    assert shop.mechanic.principal is not None
    assert (silent.status_code, list(silent.json["errors"])) == (400, ["how"])
    assert (told.json["decided_how"], told.json["decided_note"], told.json["decided_name"]) == (
        "phone",
        "At 10:15",
        "Ada Obi",
    )
    assert told.json["decided_account_id"] == shop.mechanic.principal.account_id


def test_a_customer_does_not_say_that_they_called(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)

    answer = shop.customer.post(
        f"{path}/estimates/{estimate['id']}/decision",
        json={"accepted_line_ids": [], "name": "Ada", "how": "phone"},
    )

    assert (answer.status_code, fields_of(answer)) == (400, ["how"])


def test_what_is_kept_as_evidence_is_encrypted_and_shown_to_staff(app: Flask, shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    decision = {"accepted_line_ids": [], "name": "Ada Obi"}
    shop.nobody.post(by_link(estimate), json=decision, headers={"User-Agent": "Browser/1.0"})

    seen = shop.owner.get(f"{path}/estimates/{estimate['id']}").json
    with owners_connection(app) as connection:
        kept = connection.execute(
            text("SELECT decided_name, decided_address, decided_agent FROM estimates WHERE id = :id"),
            {"id": estimate["id"]},
        ).one()

    assert (seen["decided_name"], seen["decided_address"], seen["decided_agent"]) == (
        "Ada Obi",
        "127.0.0.1",
        "Browser/1.0",
    )
    assert not any(word in bytes(value) for value in kept for word in (b"Ada", b"127.0", b"Browser"))


def test_who_decided_goes_with_the_person_and_what_was_decided_stays(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    decide(shop, estimate, *ids(estimate))
    shop.owner.delete(f"/customers/{shop.customer_id}")

    seen = shop.owner.get(f"{path}/estimates/{estimate['id']}").json

    assert (seen["decided_name"], seen["decided_address"], seen["sent_to"]) == (None, None, None)
    assert (seen["state"], seen["accepted_total"]) == ("accepted", 230)


def personal(shop: Shop, estimate: dict[str, Any]) -> set[str]:
    """Return the columns of an estimate in which something of a person is kept."""
    with shop.inside():
        kept = db.session.get_one(Estimate, estimate["id"])
        return {name for name in PERSONAL if getattr(kept, name) is not None}


def test_what_is_kept_of_who_decides_is_what_an_erasure_takes(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    body = {"accepted_line_ids": [], "name": "Ada Obi", "how": "phone", "note": "Ada said so."}
    shop.owner.post(f"{path}/estimates/{estimate['id']}/decision", json=body)
    assert personal(shop, estimate) == set(PERSONAL)

    shop.owner.delete(f"/customers/{shop.customer_id}")

    assert personal(shop, estimate) == set()


@pytest.fixture
def orphaned(shop: Shop) -> tuple[str, dict[str, Any]]:
    """An estimate that is out, of a ticket whose customer was erased since; and the path of that ticket."""
    path = examined(shop)
    estimate = ask(shop, path)
    assert shop.owner.delete(f"/customers/{shop.customer_id}").status_code == 200
    return path, estimate


def test_the_word_of_who_was_erased_since_is_recorded(shop: Shop, orphaned: tuple[str, Any]) -> None:
    path, estimate = orphaned
    body = {"accepted_line_ids": ids(estimate), "name": "Ada Obi", "how": "in_person", "note": "Ada said so."}

    decided = shop.owner.post(f"{path}/estimates/{estimate['id']}/decision", json=body)

    assert (decided.status_code, decided.json["state"]) == (200, "accepted")
    assert shop.owner.get(path).json["status"] == "approved"
    assert personal(shop, estimate) == set()
    assert decided.json["decided_how"] == "in_person"


def test_a_link_decides_for_who_was_erased_since_and_nobody_is_written_to(
    shop: Shop, letters: Letters, orphaned: tuple[str, Any]
) -> None:
    path, estimate = orphaned
    written = len(letters.to(shop.customer.email))

    decided = decide(shop, estimate)

    assert (decided.status_code, shop.owner.get(path).json["status"]) == (200, "declined")
    assert personal(shop, estimate) == set()
    assert len(letters.to(shop.customer.email)) == written


def test_who_was_erased_since_is_asked_by_a_link_that_is_handed_over(
    shop: Shop, orphaned: tuple[str, Any]
) -> None:
    path, _ = orphaned

    anew = ask(shop, path)
    again = shop.owner.post(f"{path}/estimates/{anew['id']}/send")

    assert (anew["sent_to"], again.status_code, again.json["sent_to"]) == (None, 200, None)
    assert decide(shop, anew, *ids(anew)).status_code == 200
    assert personal(shop, anew) == set()


def test_another_workshops_estimate_looks_missing(shop: Shop, other_shop: Shop) -> None:
    path, theirs = examined(shop), examined(other_shop)
    mine, other = ask(shop, path), ask(other_shop, theirs)

    answers = [
        shop.owner.get(f"{path}/estimates/{other['id']}"), shop.owner.get(f"{theirs}/estimates/{other['id']}"),
        shop.owner.get(f"{theirs}/estimates"), shop.owner.post(f"{path}/estimates/{other['id']}/withdraw"),
        shop.owner.post(f"{theirs}/estimates", json={}),
        other_shop.owner.post(
            f"{theirs}/estimates/{mine['id']}/decision", json={"accepted_line_ids": [], "name": "X", "how": "phone"}
        ),
    ]  # fmt: skip

    assert {answer.status_code for answer in answers} == {404}


def test_a_ticket_with_an_estimate_is_kept(shop: Shop) -> None:
    path = examined(shop)
    ask(shop, path)

    answer = shop.owner.delete(path)

    assert (answer.status_code, answer.json["code"]) == (409, "ticket_in_use")


def test_the_letter_is_sent_again(shop: Shop, letters: Letters) -> None:
    path = examined(shop)
    estimate = ask(shop, path)

    again = shop.owner.post(f"{path}/estimates/{estimate['id']}/send")

    assert again.status_code == 200
    assert len([one for one in letters.to(shop.customer.email) if estimate["link"] in one]) == 2


# ---- The page


def test_a_browser_is_shown_a_page_and_a_program_json(shop: Shop) -> None:
    estimate = ask(shop, examined(shop))
    path = by_link(estimate)

    page = shop.nobody.get(path, headers=PAGE)
    json = shop.nobody.get(path)

    assert page.mimetype == "text/html"
    assert '<html lang="en">' in page.text
    assert "Brake pads, front" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Vary"] == json.headers["Vary"] == "Accept"
    assert json.json["state"] == "sent"
    assert shop.customer.email not in page.text


def test_the_form_decides_and_tells_what_was_decided(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)

    page = shop.nobody.post(
        by_link(estimate),
        data={"accepted_line_ids": [str(one) for one in ids(estimate)], "name": "Ada Obi"},
        headers=PAGE,
    )

    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "you agreed to all of it" in page.text
    assert shop.owner.get(path).json["status"] == "approved"


def test_a_form_with_one_choice_and_one_with_none(shop: Shop) -> None:
    one, none = ask(shop, first := examined(shop)), ask(shop, second := examined(shop))

    shop.nobody.post(by_link(one), data={"accepted_line_ids": str(ids(one)[0]), "name": "Ada"}, headers=PAGE)
    shop.nobody.post(by_link(none), data={"name": "Ada"}, headers=PAGE)

    assert [shop.owner.get(path).json["status"] for path in (first, second)] == ["approved", "declined"]


def test_a_mistake_on_the_page_is_told_on_the_page(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)

    nameless = shop.nobody.post(
        by_link(estimate), data={"accepted_line_ids": str(ids(estimate)[0])}, headers=PAGE
    )
    decide(shop, estimate)
    late = shop.nobody.post(by_link(estimate), data={"name": "Ada"}, headers=PAGE)
    lost = shop.nobody.get("/estimates/AAAA", headers=PAGE)

    assert [(page.status_code, page.mimetype) for page in (nameless, late, lost)] == [
        (400, "text/html"), (409, "text/html"), (404, "text/html"),
    ]  # fmt: skip
    assert "Please write your name" in nameless.text
    assert "checked" in nameless.text
    assert "decided already" in late.text
    assert "does not lead to an estimate" in lost.text


def test_what_the_workshop_wrote_is_shown_as_text(shop: Shop) -> None:
    path = examined(shop, {**RUST, "description": "<script>alert(1)</script>"})

    page = shop.nobody.get(by_link(ask(shop, path, message="<b>Bold</b>")), headers=PAGE)

    assert "<script>" not in page.text
    assert "<b>" not in page.text


@pytest.mark.parametrize(
    ("locale", "words"), [("pl-PL", "Kosztorys 1 do zlecenia"), ("de-DE", "Kostenvoranschlag 1 zum Auftrag")]
)
def test_the_page_speaks_the_workshops_language(shop: Shop, locale: str, words: str) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", {"locale": locale})

    page = shop.nobody.get(by_link(ask(shop, examined(shop))), headers=PAGE)

    assert words in page.text


@pytest.mark.parametrize(
    ("locale", "day"),
    [("en-US", r"[A-Z][a-z]+ \d{1,2}, \d{4}, \d"), ("en-GB", r"\d{1,2} [A-Z][a-z]+ \d{4}, \d")],
)
def test_the_page_writes_days_as_where_the_workshop_is(shop: Shop, locale: str, day: str) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", {"locale": locale})

    page = shop.nobody.get(by_link(ask(shop, examined(shop))), headers=PAGE)

    assert re.search(day, page.text)


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-1], lambda t: t + "A", lambda t: "B" + t[1:], lambda t: "", lambda t: "é"]
)
def test_a_link_that_is_not_ours_opens_nothing(shop: Shop, spoil: Any) -> None:
    token = by_link(ask(shop, examined(shop))).rpartition("/")[2]

    answer = shop.nobody.get(f"/estimates/{spoil(token)}")

    assert answer.status_code == 404


def test_what_is_agreed_to_is_worth_more_than_the_discount_on_it_whatever_came_on_the_ticket_since(
    shop: Shop,
) -> None:
    cheap = {"kind": "fee", "description": "Wipers", "unit_price": 10}
    off = {"kind": "discount", "description": "Regular customer", "unit_price": 50}
    path = examined(shop, PADS, cheap, off)
    estimate = ask(shop, path)
    shop.mechanic.post(f"{path}/lines", json={**RUST, "unit_price": 300})
    before = shop.owner.get(path).json

    refused = decide(shop, estimate, *ids(estimate, "Wipers"))

    assert (refused.status_code, refused.json["code"]) == (409, "discount_too_large")
    assert shop.owner.get(path).json == before
