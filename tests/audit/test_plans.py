"""That the audit log is read by an index, however long it is and whichever filter is given (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from app.core.engines import owners_engine
from app.extensions import db
from tests.factories import Shop, make_shop
from tests.tampering import past_the_triggers

ENTRIES = 20_000
FILL = """
INSERT INTO audit_entries
    (workshop_id, sequence, at, account_id, action, subject_kind, subject_id, salt, previous_hash, hash)
SELECT :shop, 1000 + n, timestamptz '2030-01-01' + n * interval '1 minute', mod(n, 50), 'action.' || mod(n, 40),
       'kind' || mod(n, 10), mod(n, 500), '', '', ''
FROM generate_series(1, :entries) AS n
"""


@pytest.fixture(scope="module")
def long_log(app: Flask) -> Iterator[Shop]:
    """A shop with a log that is long, beside another's that is as long."""
    shops = [make_shop(app) for _ in range(2)]
    with app.app_context():
        if db.engine.dialect.name != "postgresql":
            pytest.skip("PostgreSQL's planner.")
        with owners_engine(app).begin() as connection:
            for shop in shops:
                connection.execute(text(FILL), {"shop": shop.id, "entries": ENTRIES})
        with owners_engine(app).begin() as connection:
            connection.execute(text("ANALYZE audit_entries"))
    yield shops[0]
    with past_the_triggers(app), app.app_context(), owners_engine(app).begin() as connection:
        connection.execute(text("DELETE FROM audit_entries WHERE sequence > 1000"))


def plans_of(shop: Shop, path: str) -> list[dict[str, Any]]:
    """Return how PostgreSQL carries out what a request reads from the log."""
    sent: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *others: Any) -> None:
        if "FROM audit_entries" in statement:
            sent.append((statement, parameters))

    with shop.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        answer = shop.owner.get(path)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(answer.json) == 20
    with shop.inside(), engine.connect() as connection:
        return [
            connection.exec_driver_sql("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, values).scalar_one()[0][
                "Plan"
            ]
            for statement, values in sent
        ]


def touched(plan: dict[str, Any]) -> float:
    """Return how many rows of the log were read for a plan; a step of an index alone reads none of them."""
    removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    own = (plan["Actual Rows"] + removed) * plan["Actual Loops"] if "Relation Name" in plan else 0
    return float(own) + sum(touched(part) for part in plan.get("Plans", ()))


@pytest.mark.parametrize(
    ("query", "most"),
    [
        ("", 21),
        ("sort=id", 21),
        ("subject_kind=kind3&subject_id=203", 45),
        ("subject_kind=kind3", 2100),  # the rows of a kind lie by subject: sorted, or picked from the newest
        ("account_id=7", 21),
        ("action=action.7", 21),
        ("since=2030-01-05T00:00:00Z&until=2030-01-05T02:00:00Z", 130),  # all of the period, sorted
    ],
)
def test_a_page_of_the_log_goes_by_an_index(long_log: Shop, query: str, most: int) -> None:
    (plan,) = plans_of(long_log, f"/audit?{query}")

    assert "Seq Scan" not in str(plan)
    assert 0 < touched(plan) <= most
