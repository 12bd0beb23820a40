"""Why an estimate is not shown or decided: told to people on the page, to programs as everywhere, and never too much."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.blueprints.service_tickets import fitting
from app.blueprints.service_tickets.errors import CoresSettled
from tests.accounts.letters import Letters
from tests.estimates.asking import PADS, PAGE, RUST, ask, by_link, decide, examined, ids
from tests.factories import Shop, make_admin

UNREADABLE = "could not be read"
NAMELESS = "Please write your name"


@pytest.fixture
def link(shop: Shop) -> str:
    """The path of an estimate's page."""
    return by_link(ask(shop, examined(shop)))


# ---- The page


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"data": {"accepted_line_ids": "0", "name": ""}}, 400, NAMELESS),
        ({"data": {"accepted_line_ids": "9" * 5000, "name": "Ada"}}, 400, NAMELESS),
        ({"data": {"accepted_line_ids": "٣", "name": "Ada"}}, 400, NAMELESS),
        ({"data": {"name": "Ada", "colour": "red"}}, 400, UNREADABLE),
        ({"data": {"name": "Ada"}, "query_string": {"utm_source": "mail"}}, 400, UNREADABLE),
        ({"data": {"name": "Ada" * 1_000_000}}, 413, UNREADABLE),
        ({"data": b"name=Ada", "content_type": "text/plain"}, 415, UNREADABLE),
        ({"data": b"{", "content_type": "application/json"}, 400, UNREADABLE),
    ],
    ids=["nameless", "long number", "foreign digit", "another field", "a parameter", "large", "plain text", "cut short"],
)  # fmt: skip
def test_a_page_tells_what_was_wrong_with_the_status_that_programs_get(
    shop: Shop, link: str, sent: dict[str, Any], status: int, words: str
) -> None:
    page = shop.nobody.open("POST", link, headers=PAGE, **sent)
    problem = shop.nobody.open("POST", link, **sent)

    assert (page.status_code, page.mimetype) == (status, "text/html")
    assert (problem.status_code, problem.mimetype) == (status, "application/problem+json")
    assert words in page.text
    assert "<form" in page.text
    assert page.headers["Vary"] == problem.headers["Vary"] == "Accept"


def test_who_looks_too_often_is_told_when_to_come_back(
    shop: Shop, link: str, limits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(shop.app.config["RATE_LIMITS"], "estimate_decision", "1/minute")
    form = {"data": {"name": "Ada"}, "headers": PAGE}
    shop.nobody.open("POST", link, **form)

    page = shop.nobody.open("POST", link, **form)

    assert (page.status_code, page.mimetype) == (429, "text/html")
    assert "in a moment" in page.text
    assert NAMELESS not in page.text
    assert 0 < int(page.headers["Retry-After"]) <= 60


def test_a_page_is_shown_though_a_large_form_comes_with_the_question(shop: Shop, link: str) -> None:
    page = shop.nobody.open("GET", link, data={"name": "Ada" * 1_000_000}, headers=PAGE)

    assert (page.status_code, page.mimetype) == (200, "text/html")


# ---- What stands in the way at the workshop


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part cannot come off, as it is settled what became of the old one."""

    def refuse(*_: Any, **__: Any) -> None:
        raise CoresSettled("Starter: 1 old parts are settled. Take that back first.")

    monkeypatch.setattr(fitting, "drop", refuse)


@pytest.mark.usefixtures("settled")
def test_a_customer_is_told_to_call_and_not_what_staff_have_to_do(shop: Shop) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    decision = {"accepted_line_ids": [], "name": "Ada"}
    signed_in = f"{path}/estimates/{estimate['id']}/decision"

    by_program, on_page, own, by_staff = (
        decide(shop, estimate),
        shop.nobody.post(by_link(estimate), data={"name": "Ada"}, headers=PAGE),
        shop.customer.post(signed_in, json=decision),
        shop.owner.post(signed_in, json={**decision, "how": "phone"}),
    )

    assert [(one.status_code, one.json["code"]) for one in (by_program, own)] == [
        (409, "ask_the_workshop")
    ] * 2
    assert (on_page.status_code, "call the workshop" in on_page.text) == (409, True)
    assert not any("settled" in one.text for one in (by_program, own, on_page))
    assert (by_staff.status_code, by_staff.json["code"]) == (409, "cores_settled")
    assert shop.owner.get(path).json["status"] == "awaiting_approval"


def test_a_suspended_workshops_link_neither_shows_nor_decides(shop: Shop) -> None:
    path = examined(shop)
    estimate, admin = ask(shop, path), make_admin(shop.app)
    admin.post(f"/workshops/{shop.id}/suspend", {"reason": "Unpaid."})

    answers = [
        shop.nobody.get(by_link(estimate)),
        decide(shop, estimate, *ids(estimate)),
    ]
    page = shop.nobody.get(by_link(estimate), headers=PAGE)
    admin.post(f"/workshops/{shop.id}/reinstate")

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
        (403, "workshop_suspended")
    ] * 2
    assert (page.status_code, page.mimetype, "Brake pads" in page.text) == (403, "text/html", False)
    assert "cannot be reached" in page.text
    assert decide(shop, estimate, *ids(estimate)).status_code == 200


# ---- Whose it is


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_ticket_is_nobody_elses_while_the_present_customer_is_asked(shop: Shop, method: str) -> None:
    path = examined(shop)
    ticket = shop.owner.get(path).json
    estimate = ask(shop, path)
    body = {
        name: ticket[name] for name in ("VIN", "service_date", "service_desc")
    } | {"customer_id": shop.other_customer_id}  # fmt: skip

    refused = shop.owner.open(method, path, json=body)
    same = shop.owner.open(method, path, json={**body, "customer_id": shop.customer_id})
    shop.owner.post(f"{path}/estimates/{estimate['id']}/withdraw")
    given = shop.owner.open(method, path, json=body)

    assert (refused.status_code, refused.json["code"]) == (409, "estimate_undecided")
    assert (same.status_code, given.status_code) == (200, 200)
    assert decide(shop, estimate, *ids(estimate)).json["code"] == "estimate_withdrawn"


@pytest.mark.parametrize(
    ("held", "evidence", "link"),
    [
        (("tickets:read",), True, False),
        (("tickets:read", "tickets:write"), True, True),
    ],
)
def test_the_link_is_for_who_may_record_a_decision(
    shop: Shop, held: tuple[str, ...], evidence: bool, link: bool
) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    key = shop.make_key(*held)

    shown = [
        key.get(f"{path}/estimates/{estimate['id']}").json,
        *key.get(f"{path}/estimates").json,
    ]

    assert [("sent_to" in one, "link" in one) for one in shown] == [(evidence, link)] * 2


def test_who_may_send_an_estimate_is_handed_the_link(shop: Shop) -> None:
    path = examined(shop)

    sent = shop.make_key("tickets:write").post(f"{path}/estimates", json={})

    assert sent.status_code == 201
    assert "link" in sent.json


# ---- What it said


def test_an_estimate_stays_in_the_currency_that_it_was_made_in(shop: Shop, letters: Letters) -> None:
    path = examined(shop)
    declined = ask(shop, path)
    decide(shop, declined)

    changed = shop.owner.patch(f"/workshops/{shop.id}", {"currency": "EUR"})
    seen = [
        shop.nobody.get(by_link(declined)).json,
        shop.owner.get(f"{path}/estimates/{declined['id']}").json,
    ]
    page = shop.nobody.get(by_link(declined), headers=PAGE)
    shop.mechanic.post(f"{path}/lines", json=RUST)
    anew = ask(shop, path)

    assert (changed.status_code, changed.json["currency"]) == (200, "EUR")
    assert [(one["currency"], one["total"], one["content_hash"]) for one in seen] == [
        ("USD", 230, declined["content_hash"])
    ] * 2
    assert ("$230.00" in page.text, "€" in page.text) == (True, False)
    assert anew["currency"] == "EUR"
    assert "€80.00" in letters.to(shop.customer.email)[-1]


def test_what_is_told_of_a_decision_is_in_the_currency_of_its_estimate(shop: Shop, letters: Letters) -> None:
    path = examined(shop, PADS)
    estimate = ask(shop, path)
    for line in shop.owner.get(path).json["lines"]:
        shop.mechanic.delete(f"{path}/lines/{line['id']}")
    assert shop.owner.patch(f"/workshops/{shop.id}", {"currency": "EUR"}).status_code == 200

    decided = decide(shop, estimate, *ids(estimate)).json

    assert Decimal(str(decided["accepted_total"])) == 150
    assert "$150.00" in letters.to(shop.customer.email)[-1]


@pytest.mark.parametrize(
    ("accepted", "code", "title"),
    [
        (True, "estimate_decided", "The estimate is decided already."),
        (False, "estimate_decided", "The estimate is decided already."),
        (None, "estimate_withdrawn", "The estimate was withdrawn."),
    ],
)
def test_what_is_over_is_not_taken_back_and_the_refusal_says_which(
    shop: Shop, accepted: bool | None, code: str, title: str
) -> None:
    path = examined(shop)
    estimate = ask(shop, path)
    withdraw = f"{path}/estimates/{estimate['id']}/withdraw"
    if accepted is None:
        shop.owner.post(withdraw)
    else:
        decide(shop, estimate, *(ids(estimate) if accepted else []))

    answer = shop.owner.post(withdraw)

    assert (answer.status_code, answer.json["code"], answer.json["title"]) == (409, code, title)
