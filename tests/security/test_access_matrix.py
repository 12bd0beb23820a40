"""Who may do what: docs/access-matrix.md against the routes there are, and each cell and its log against a situation."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.security.logged import EXEMPT, entries, is_to_be_logged
from tests.security.matrix import CALLERS, Row, rows
from tests.security.situation import BODIES, Situation
from tests.stage import Stage

pytestmark = [pytest.mark.no_cover, pytest.mark.one_database]  # counting lines would take as long again


def documented(rule: str) -> str:
    """Return a rule of the url map as the table writes it."""
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule).rstrip("/") or "/"


def routes(app: Flask) -> list[tuple[str, str]]:
    return [
        (method, documented(rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]


def test_the_table_has_every_route_once_and_no_other(app: Flask) -> None:
    table = [(row.method, row.path) for row in rows()]

    assert sorted(table) == sorted(set(routes(app)))


def test_every_good_request_is_for_a_route_of_the_table() -> None:
    assert set(BODIES) <= {str(row) for row in rows()}


def test_the_exempt_from_the_log_are_routes_that_write() -> None:
    assert set(EXEMPT) <= {str(row) for row in rows() if row.method != "GET"}


@pytest.mark.parametrize("row", rows(), ids=str)
def test_each_caller_is_answered_as_the_table_says_and_the_refused_change_nothing(
    stage: Stage[Situation], row: Row
) -> None:
    situation = prepared(stage, row)
    before = situation.everything()
    refused = {name: answer(situation, name, row) for name in CALLERS if not row.opens_to(name)}
    after = situation.everything()
    admitted, unlogged = {}, []
    for name in CALLERS:
        if row.opens_to(name):
            situation = situation if row.method == "GET" else prepared(stage, row, admits=True)
            told = entries(situation)
            admitted[name] = answer(situation, name, row)
            if is_to_be_logged(row) and entries(situation) == told:
                unlogged.append(name)

    assert refused | admitted == row.expected
    assert after == before
    assert unlogged == []


def prepared(stage: Stage[Situation], row: Row, *, admits: bool = False) -> Situation:
    """Return a situation in which a good request for the route can be answered; one who is refused there needs less."""
    situation = stage.scene()
    if admits and row.path.endswith("/reinstate"):
        situation.suspend("workshop" if row.path.startswith("/workshops") else "account")
    if str(row) == "DELETE /service_tickets/{ticket_id}" or (
        admits and row.path.endswith("/assign-mechanic/{mechanic_id}")
    ):  # who is assigned already is assigned again without a change
        situation.take_mechanic_off()
    if admits and row.path.endswith("/clock/stop"):
        situation.start_the_clock()
    if row.path == "/customers/{customer_id}/erasure":
        situation.erase_the_customer()
    if str(row) in ("DELETE /workshops/{workshop_id}", "DELETE /vehicles/{vehicle_id}"):
        situation.finish_the_ticket()
    if admits and str(row) == "POST /service_tickets/{ticket_id}/inspections":
        situation.discard_the_inspection()
    if admits and row.path == "/vehicles/{vehicle_id}/restore":
        situation.archive_the_vehicle()
    if str(row) == "DELETE /inventory/{item_id}" or row.path == "/inventory/{item_id}/restore":
        situation.sell_the_item_out(takes_out=admits and row.path.endswith("/restore"))
    if "/second_factor" in row.path and str(row) != "POST /auth/second_factor":
        situation.give_second_factors(confirmed=not row.path.endswith("/confirmation"))
    return situation


def answer(situation: Situation, caller: str, row: Row) -> int:
    return situation.send(situation.callers[caller], row.method, row.path).status_code
