"""What a scope opens: each is proven by somebody who has all the others and lacks it, and by somebody who has it alone."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from app.core import scopes
from app.core.contract import Access, contract_of
from app.core.scopes import SCOPES
from tests.factories import Caller
from tests.security.matrix import Row, rows
from tests.security.situation import Situation
from tests.security.test_access_matrix import documented, prepared
from tests.stage import Stage

pytestmark = [pytest.mark.no_cover, pytest.mark.one_database]  # counting lines would take as long again

ALL = frozenset(SCOPES)


def access_of(app: Flask, row: Row) -> Access:
    (view,) = {
        app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        if documented(rule.rule) == row.path and row.method in (rule.methods or set())
    }
    access = contract_of(view).access
    assert access is not None
    return access


def somebody(situation: Situation, role: str, having: frozenset[str]) -> Caller:
    """Return somebody of the situation who has the role, with a token that has these scopes, and not one more or less."""
    person = situation.callers[role]
    assert person.principal is not None
    return Caller(situation.app, replace(person.principal, narrowed=having), situation.shop.slug)


def who_can_have(names: tuple[str, ...]) -> str:
    roles = {role for name in names for role in SCOPES[name][1]}
    return next(role for role in ("owner", "admin", "customer") if role in roles)


# What is made has something of its maker's, who must have that too; whoever helps somebody holds what they do.
ALONGSIDE = {
    "POST /mechanics/{mechanic_id}/unlock": scopes.of_role("mechanic"),
    "DELETE /mechanics/{mechanic_id}/second_factor": scopes.of_role("mechanic"),
    "POST /api_keys": frozenset({"inventory:read"}),
    "POST /invitations": scopes.of_role("mechanic") | {"mechanics:write"},
    # The clock that is meant is another's than who has the scope here.
    "POST /service_tickets/{ticket_id}/clock/start": frozenset({"hours:write"}),
    "POST /service_tickets/{ticket_id}/clock/stop": frozenset({"hours:write"}),
    "GET /mechanics/{mechanic_id}/clock": frozenset({"hours:read"}),
}

GUARDED = [row for row in rows() if row.expected["nobody"] == 401 and not row.path.startswith("/auth/")]


@pytest.mark.parametrize("row", GUARDED, ids=str)
def test_who_has_all_scopes_but_the_routes_own_is_refused(app: Flask, situation: Situation, row: Row) -> None:
    needed = access_of(app, row).scopes
    role = who_can_have(needed)
    before = situation.everything()

    answer = situation.send(somebody(situation, role, ALL - set(needed)), row.method, row.path)

    assert needed
    assert (answer.status_code, answer.json["code"]) == (403, "not_allowed")
    assert all(f"`{name}`" in answer.json["detail"] for name in needed)
    assert situation.everything() == before


@pytest.mark.parametrize("row", GUARDED, ids=str)
def test_who_has_one_of_the_routes_scopes_alone_is_admitted(
    app: Flask, stage: Stage[Situation], row: Row
) -> None:
    for scope in access_of(app, row).scopes:
        situation = prepared(stage, row, admits=True)
        having = frozenset({scope}) | ALONGSIDE.get(str(row), frozenset())

        answer = situation.send(somebody(situation, who_can_have((scope,)), having), row.method, row.path)

        # A customer is let in to what they said of their car; what is there is the workshop's.
        is_anothers = answer.status_code == 403 and answer.json["code"] == "not_your_maintenance"
        assert is_anothers or answer.status_code in (200, 201, 202), answer.text


def test_every_scope_opens_a_route_or_shows_a_field(app: Flask) -> None:
    opening = {name for row in GUARDED for name in access_of(app, row).scopes}

    assert ALL - opening == {"mechanics:salary", "workshops:read", "vehicles:override"}


@pytest.mark.parametrize(("having", "sees"), [({"workshops:read"}, True), (ALL - {"workshops:read"}, False)])
def test_seeing_the_state_of_every_workshop_needs_its_scope(
    situation: Situation, having: set[str], sees: bool
) -> None:
    caller = somebody(situation, "admin", frozenset(having))

    answer = caller.get(f"/workshops/{situation.other_shop.id}")

    assert (answer.status_code, "state" in answer.json) == ((200, True) if sees else (404, False))
    assert caller.get("/workshops?state=open").status_code == (200 if sees else 403)


def test_recording_who_walked_in_needs_its_scope(situation: Situation) -> None:
    walk_in = {"name": "Walter Walkin"}

    able = somebody(situation, "owner", frozenset({"customers:create"})).post("/customers", json=walk_in)
    unable = somebody(situation, "owner", ALL - {"customers:create"}).post("/customers", json=walk_in)

    assert (able.status_code, unable.status_code) == (201, 400)


OF_STAFF = ("email", "phone", "skills", "active", "created_at", "updated_at")


@pytest.mark.parametrize(
    ("having", "seen"),
    [
        ({"mechanics:names"}, {"id", "name"}),
        ({"mechanics:names", "mechanics:salary"}, {"id", "name", *OF_STAFF, "salary"}),
        ({"mechanics:read"}, {"id", "name", *OF_STAFF}),
    ],
)  # fmt: skip
def test_what_is_shown_of_a_mechanic_goes_by_scope(
    situation: Situation, having: set[str], seen: set[str]
) -> None:
    shown = somebody(situation, "owner", frozenset(having)).get(f"/mechanics/{situation.shop.mechanic_id}")

    assert set(shown.json) == seen


def test_what_is_kept_for_one_set_of_scopes_is_not_shown_to_another(situation: Situation) -> None:
    path = f"/mechanics/{situation.shop.mechanic_id}"

    answers = [
        somebody(situation, "owner", frozenset(having)).get(path).json
        for having in ({"mechanics:read"}, {"mechanics:names"}, ALL, {"mechanics:read"})
    ]

    assert ["salary" in answer for answer in answers] == [False, False, True, False]
    assert ["email" in answer for answer in answers] == [True, False, True, True]


def test_no_token_has_more_than_its_role(situation: Situation) -> None:
    greedy = somebody(situation, "customer", ALL)

    assert greedy.get("/customers").status_code == 403
    assert greedy.get("/customers/my-tickets").status_code == 200


@pytest.mark.parametrize("role", scopes.ROLES)
def test_a_role_has_no_scope_that_the_table_does_not_give_it(role: scopes.Role) -> None:
    assert scopes.of_role(role) == {name for name, (_, roles) in SCOPES.items() if role in roles}


def test_the_documented_table_is_the_one_of_the_code() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "security.md").read_text(encoding="utf-8")
    found = re.finditer(r"^\| `(\w+:\w+)` \| (.+) \| (.+) \|$", text, re.MULTILINE)
    table = {
        name: (says[0].lower() + says[1:].rstrip("."), ", ".join(roles))
        for name, (says, roles) in SCOPES.items()
    }

    assert {row[1]: (row[2], row[3]) for row in found} == table


def test_a_scope_that_is_no_more_is_worth_nothing() -> None:
    assert scopes.known(["tickets:read", "tickets:eat"]) == {"tickets:read"}
