"""Opening hours and closures over HTTP."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.blueprints.workshops import opening
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.models import Closure
from app.core.db import atomic
from app.extensions import db
from tests.concurrency.racing import race
from tests.factories import Caller, Shop, fields_of
from tests.watching import statements

LONG_DAY = {
    "weekday": 1,
    "opens": "08:00",
    "closes": "17:00",
    "breaks": [{"begins": "12:00", "ends": "12:30"}],
}
CHRISTMAS = {"first_day": "2026-12-24", "last_day": "2026-12-26", "reason": "Christmas"}


def at(shop: Shop, rest: str = "") -> str:
    return f"/workshops/{shop.id}{rest}"


def listed(shop: Shop, **settings: Any) -> Shop:
    assert shop.owner.patch(at(shop), json={"listed": True, **settings}).status_code == 200
    return shop


# ---- Hours ------------------------------------------------------------------------------------------------------


def test_a_week_is_replaced_whole(shop: Shop) -> None:
    first = shop.owner.put(at(shop, "/opening_hours"), json={"days": [LONG_DAY, {**LONG_DAY, "weekday": 2}]})

    second = shop.owner.put(
        at(shop, "/opening_hours"), json={"days": [{"weekday": 7, "opens": "00:00", "closes": "24:00"}]}
    )

    assert first.json["days"][0] == LONG_DAY
    assert [day["weekday"] for day in second.json["days"] if day["opens"]] == [7]
    assert shop.owner.get(at(shop)).json["opening_hours"] == second.json["days"]


def test_the_log_has_the_hours_before_and_after(shop: Shop) -> None:
    sunday = {"weekday": 7, "opens": "00:00", "closes": "24:00"}
    for days in ([LONG_DAY], [sunday], []):
        shop.owner.put(at(shop, "/opening_hours"), json={"days": days})

    entries = shop.owner.get("/audit?action=opening_hours.replaced&sort=id").json

    monday, on_sunday = ["1 08:00-12:00", "1 12:30-17:00"], ["7 00:00-24:00"]
    assert [(one["before"]["periods"], one["after"]["periods"]) for one in entries] == [
        ([], monday), (monday, on_sunday), (on_sunday, []),
    ]  # fmt: skip


def test_what_is_answered_can_be_sent_back(shop: Shop) -> None:
    answered = shop.owner.put(at(shop, "/opening_hours"), json={"days": [LONG_DAY]}).json["days"]

    again = shop.owner.put(at(shop, "/opening_hours"), json={"days": answered})

    assert (again.status_code, again.json["days"]) == (200, answered)


def test_no_days_at_all_is_a_workshop_without_hours(shop: Shop) -> None:
    shop.owner.put(at(shop, "/opening_hours"), json={"days": [LONG_DAY]})

    emptied = shop.owner.put(at(shop, "/opening_hours"), json={"days": []})

    assert emptied.json["open_now"] is None
    assert {day["opens"] for day in emptied.json["days"]} == {None}


@pytest.mark.parametrize(
    ("moment", "open_now", "opens_next", "closes_next"),
    [
        ("2026-03-09T13:00:00Z", True, None, "2026-03-09T17:00:00Z"),
        ("2026-03-09T17:10:00Z", False, "2026-03-09T17:30:00Z", None),
        ("2026-12-21T15:00:00Z", True, None, "2026-12-21T18:00:00Z"),
        ("2026-12-21T23:00:00Z", False, "2027-01-04T14:00:00Z", None),
    ],
)
def test_a_passer_by_learns_whether_it_is_open(
    shop: Shop,
    passer_by: Caller,
    moment: str,
    open_now: bool,
    opens_next: str | None,
    closes_next: str | None,
) -> None:
    listed(shop, time_zone="America/Chicago")
    shop.owner.put(at(shop, "/opening_hours"), json={"days": [LONG_DAY]})
    shop.owner.post(at(shop, "/closures"), json={"first_day": "2026-12-24", "last_day": "2027-01-01"})

    with time_machine.travel(moment, tick=False):
        answers = [passer_by.get(at(shop, rest)).json for rest in ("", "/opening_hours")]

    told = {(one["open_now"], one["opens_next"], one["closes_next"]) for one in answers}
    assert told == {(open_now, opens_next, closes_next)}


@pytest.mark.parametrize(
    "days",
    [
        None, {}, "all", [1], [{}], [{"weekday": 0}], [{"weekday": 8}], [{"weekday": "1"}], [{"weekday": True}],
        [{"weekday": 1, "opens": "8:00", "closes": "17:00"}], [{"weekday": 1, "opens": "24:00", "closes": "24:00"}],
        [{"weekday": 1, "opens": "08:00", "closes": "24:01"}], [{"weekday": 1, "opens": "08:60", "closes": "17:00"}],
        [{"weekday": 1, "opens": 480, "closes": 1020}], [{"weekday": 1, "opens": "08:00\n", "closes": "17:00"}],
        [{"weekday": 1, "opens": "\u0660\u0668:\u0660\u0660", "closes": "17:00"}],
        [{"weekday": 1, "opens": "08:00", "closes": "08:00"}],
        [{"weekday": 1, "opens": "17:00", "closes": "08:00"}], [{"weekday": 1, "opens": "08:00"}],
        [LONG_DAY, LONG_DAY], [{**LONG_DAY, "weekday": place} for place in (1, 2, 3, 4, 5, 6, 7, 7)],
        [{**LONG_DAY, "breaks": [{"begins": "07:00", "ends": "09:00"}]}], [{**LONG_DAY, "breaks": [{"begins": "12:00"}]}],
        [{**LONG_DAY, "breaks": [LONG_DAY["breaks"][0]] * 2}], [{**LONG_DAY, "breaks": [LONG_DAY["breaks"][0]] * 11}],
        [{**LONG_DAY, "breaks": None}], [{**LONG_DAY, "closed": True}],
    ],
)  # fmt: skip
def test_hours_that_are_none_are_refused_and_change_nothing(shop: Shop, days: Any) -> None:
    shop.owner.put(at(shop, "/opening_hours"), json={"days": [LONG_DAY]})
    before = shop.owner.get(at(shop))

    answer = shop.owner.put(at(shop, "/opening_hours"), json={"days": days})

    assert answer.status_code == 400
    assert "days" in fields_of(answer)
    assert shop.owner.get(at(shop)).headers["ETag"] == before.headers["ETag"]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ((1, 600, 700), "no_overlap"),
        ((3, 400, 2000), "within_the_day"),
        ((1, 1300, 1300), "within_the_day"),
        ((8, 600, 700), "weekday_known"),
        ((1, 480, 500), "opening_periods"),
    ],
)
def test_the_table_refuses_periods_that_cannot_be(shop: Shop, row: tuple[int, int, int], name: str) -> None:
    shop.owner.put(at(shop, "/opening_hours"), json={"days": [{**LONG_DAY, "breaks": []}]})
    statement = text(
        "INSERT INTO opening_periods (workshop_id, weekday, opens, closes) VALUES (:w, :d, :o, :c)"
    )
    values = dict(zip("doc", row, strict=True))

    with shop.inside(), pytest.raises(DBAPIError, match=name), db.engine.begin() as connection:
        connection.execute(statement, {"w": shop.id, **values})


def test_the_table_lets_periods_touch_and_workshops_be_open_at_once(shop: Shop, other_shop: Shop) -> None:
    for one in (shop, other_shop):
        one.owner.put(at(one, "/opening_hours"), json={"days": [{**LONG_DAY, "breaks": []}]})

    with shop.inside(), db.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO opening_periods VALUES (:w, 1, 1020, 1440), (:w, 2, 0, 1440), (:w, 7, 0, 1440)"
            ),
            {"w": shop.id},
        )
        moved = connection.execute(
            text("UPDATE opening_periods SET opens = 490 WHERE workshop_id = :w AND opens = 480"),
            {"w": shop.id},
        )

    assert moved.rowcount == 1


# ---- Closures ---------------------------------------------------------------------------------------------------


def test_a_closure_comes_changes_and_goes(shop: Shop, passer_by: Caller) -> None:
    listed(shop)
    made = shop.owner.post(at(shop, "/closures"), json=CHRISTMAS)
    where = made.headers["Location"]

    changed = shop.owner.put(
        where,
        json={"first_day": "2026-12-23", "last_day": "2026-12-26"},
        headers={"If-Match": made.headers["ETag"]},
    )
    stale = shop.owner.put(where, json=CHRISTMAS, headers={"If-Match": made.headers["ETag"]})
    seen = passer_by.get(where)
    gone = shop.owner.delete(where, headers={"If-Match": seen.headers["ETag"]})

    assert (made.status_code, changed.status_code, stale.status_code, gone.status_code) == (
        201,
        200,
        412,
        200,
    )
    assert seen.json == changed.json
    assert (seen.json["first_day"], seen.json["reason"]) == ("2026-12-23", None)
    assert (passer_by.get(where).status_code, passer_by.get(where).json["code"]) == (404, "closure_not_found")


def test_the_entry_has_the_closures_of_two_months_in_order(shop: Shop, passer_by: Caller) -> None:
    listed(shop)
    for day in ("2026-12-24", "2026-11-30", "2027-06-01", "2026-11-01"):
        assert (
            shop.owner.post(at(shop, "/closures"), json={"first_day": day, "last_day": day}).status_code
            == 201
        )

    with time_machine.travel("2026-12-01T12:00:00Z", tick=False):
        shown = passer_by.get(at(shop)).json["closures"]

    assert [one["first_day"] for one in shown] == ["2026-11-30", "2026-12-24"]


def test_closures_are_listed_by_their_first_day(shop: Shop, passer_by: Caller) -> None:
    listed(shop)
    days = ["2026-05-01", "2026-01-06", "2026-08-15"]
    for day in days:
        shop.owner.post(at(shop, "/closures"), json={"first_day": day, "last_day": day})

    def first_days(query: str) -> list[str]:
        return [one["first_day"] for one in passer_by.get(at(shop, f"/closures{query}")).json]

    assert first_days("") == sorted(days)
    assert first_days("?sort=-first_day&per_page=1") == ["2026-08-15"]
    assert first_days("?ends_from=2026-05-01") == ["2026-05-01", "2026-08-15"]
    assert first_days("?page=2&per_page=2") == ["2026-08-15"]


@pytest.mark.parametrize(
    ("days", "status"),
    [
        (("2026-12-20", "2026-12-23"), 201), (("2026-12-27", "2026-12-28"), 201), (("2026-12-20", "2026-12-24"), 409),
        (("2026-12-26", "2026-12-26"), 409), (("2026-12-01", "2026-12-31"), 409), (("2026-12-25", "2026-12-25"), 409),
    ],
)  # fmt: skip
def test_no_day_is_in_two_closures(shop: Shop, other_shop: Shop, days: tuple[str, str], status: int) -> None:
    shop.owner.post(at(shop, "/closures"), json=CHRISTMAS)
    body = {"first_day": days[0], "last_day": days[1]}

    here, there = (one.owner.post(at(one, "/closures"), json=body) for one in (shop, other_shop))

    assert (here.status_code, there.status_code) == (status, 201)
    assert status == 201 or here.json["code"] == "closures_overlap"


def test_another_refusal_of_the_table_is_not_told_as_an_overlap(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_require_order", lambda *days: None)

    answer = shop.owner.post(at(shop, "/closures"), json={**CHRISTMAS, "last_day": "2026-12-01"})

    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")


def test_a_closure_does_not_move_onto_another(shop: Shop) -> None:
    shop.owner.post(at(shop, "/closures"), json=CHRISTMAS)
    new_year = shop.owner.post(
        at(shop, "/closures"), json={"first_day": "2027-01-01", "last_day": "2027-01-01"}
    )

    onto = shop.owner.put(
        new_year.headers["Location"], json={"first_day": "2026-12-26", "last_day": "2027-01-01"}
    )
    longer = shop.owner.put(
        new_year.headers["Location"], json={"first_day": "2026-12-31", "last_day": "2027-01-01"}
    )

    assert (onto.status_code, longer.status_code) == (409, 200)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"first_day": "2026-12-24"}, {"first_day": "2026-12-26", "last_day": "2026-12-24"},
        {"first_day": "2026-01-01", "last_day": "2027-01-02"}, {"first_day": "1999-12-31", "last_day": "2000-01-02"},
        {"first_day": "2199-12-31", "last_day": "2200-01-01"}, {"first_day": "9999-12-31", "last_day": "9999-12-31"},
        {**CHRISTMAS, "reason": ""}, {**CHRISTMAS, "reason": "x" * 201}, {**CHRISTMAS, "reason": "a\u0000b"},
        {**CHRISTMAS, "id": 1}, {"first_day": 20261224, "last_day": "2026-12-26"},
        {"first_day": "2026-02-30", "last_day": "2026-03-01"},
    ],
)  # fmt: skip
def test_a_closure_that_is_none_is_refused(shop: Shop, body: dict[str, Any]) -> None:
    answer = shop.owner.post(at(shop, "/closures"), json=body)

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")


def test_another_workshops_closure_is_not_found_under_ones_own(shop: Shop, other_shop: Shop) -> None:
    closure = shop.owner.post(at(shop, "/closures"), json=CHRISTMAS).json["id"]
    path = at(other_shop, f"/closures/{closure}")

    answers = [
        other_shop.owner.get(path),
        other_shop.owner.put(path, json=CHRISTMAS),
        other_shop.owner.delete(path),
    ]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
        (404, "closure_not_found")
    ] * 3
    assert shop.owner.get(at(shop, f"/closures/{closure}")).status_code == 200


def test_hours_and_closures_are_versions_of_the_workshop(shop: Shop) -> None:
    tag = shop.owner.get(at(shop)).headers["ETag"]

    first = shop.owner.put(at(shop, "/opening_hours"), json={"days": [LONG_DAY]}, headers={"If-Match": tag})
    stale = [
        shop.owner.put(at(shop, "/opening_hours"), json={"days": []}, headers={"If-Match": tag}),
        shop.owner.post(at(shop, "/closures"), json=CHRISTMAS, headers={"If-Match": tag}),
        shop.owner.patch(at(shop), json={"city": "Chicago"}, headers={"If-Match": tag}),
    ]
    fresh = shop.owner.post(
        at(shop, "/closures"), json=CHRISTMAS, headers={"If-Match": first.headers["ETag"]}
    )

    assert first.status_code == 200
    assert [answer.status_code for answer in stale] == [412, 412, 412]
    assert fresh.status_code == 201
    assert shop.owner.get(at(shop)).headers["ETag"].startswith('"3-')


def test_a_known_answer_is_not_sent_again(shop: Shop, passer_by: Caller) -> None:
    listed(shop)
    where = shop.owner.post(at(shop, "/closures"), json=CHRISTMAS).headers["Location"]

    for path in (at(shop), at(shop, "/opening_hours"), at(shop, "/closures"), where):
        tag = passer_by.get(path).headers["ETag"]
        assert passer_by.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_ten_who_close_for_the_same_days_at_once_make_one_closure(shop: Shop) -> None:
    statuses = race(*[lambda: shop.owner.post(at(shop, "/closures"), json=CHRISTMAS).status_code] * 10)

    assert sorted(statuses) == [201] + [409] * 9
    assert len(shop.owner.get(at(shop, "/closures")).json) == 1


def test_control_without_the_constraint_the_days_are_in_two_closures(
    shop: Shop, on_postgresql: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What keeps them apart is the table's: with that gone, nothing else does."""
    drop = (
        ["SET LOCAL ROLE NONE", "ALTER TABLE closures DROP CONSTRAINT ex_closures_no_overlap"]
        if on_postgresql
        else ["DROP TRIGGER ex_closures_no_overlap_insert", "DROP TRIGGER ex_closures_no_overlap_update"]
    )
    close = partial(opening.close_for, shop.id, date(2026, 12, 24), date(2026, 12, 26), None)

    class Undone(Exception):
        """Puts the constraint back."""

    def closing_twice() -> int:
        with shop.inside(), atomic() as session:
            for statement in drop:
                session.connection().execute(text(statement))
            close()
            close()
            made = session.query(Closure).filter_by(workshop_id=shop.id).count()
            raise Undone(made)

    with pytest.raises(Undone, match="2"):
        closing_twice()
    with shop.inside():
        workshops.held(shop.id)
        assert opening.closures(shop.id, shop.owner.principal, walk_of_all()).rows == []


def walk_of_all() -> Any:
    from app.core.paging import Walk

    return Walk("first_day", 20)


@pytest.mark.parametrize("number", [2, 20])
def test_a_list_of_closures_costs_two_statements_however_long(
    app: Flask, shop: Shop, passer_by: Caller, number: int
) -> None:
    listed(shop)
    for day in range(1, number + 1):
        shop.owner.post(
            at(shop, "/closures"), json={"first_day": f"2026-03-{day:02}", "last_day": f"2026-03-{day:02}"}
        )

    with statements(app) as sent:
        assert len(passer_by.get(at(shop, "/closures")).json) == number

    assert len(sent) == 2
