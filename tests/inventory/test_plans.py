"""That what a storekeeper looks at goes by an index, on PostgreSQL and with many rows."""

from __future__ import annotations

import os

import pytest
from flask import Flask
from sqlalchemy import text

from app.core.db import owners_engine
from tests.factories import make_shop
from tests.test_plans import Crowd, plans_of, rows_touched, steps

# A neighbour's rows come first and are most, as in tests/test_plans.py.
CROWD = (
    """
    INSERT INTO part_categories (workshop_id, name, folded_name, version, created_at, updated_at)
    SELECT owners.id, 'Kind ' || n, 'kind ' || n, 1, now(), now()
    FROM (VALUES (CAST(:neighbour AS int)), (CAST(:workshop AS int))) AS owners (id), generate_series(1, 50) n
    """,
    """
    INSERT INTO parts (workshop_id, name, price, sku, category_id, on_hand, minimum_stock_level, stock_value, version,
        created_at, updated_at)
    SELECT owners.id, 'Part ' || n, n, 'S-' || n, kinds.id, mod(n, 200), 2, 0, 1, now(), now()
    FROM (VALUES (CAST(:neighbour AS int), 20000), (CAST(:workshop AS int), 10000)) AS owners (id, number)
    CROSS JOIN LATERAL generate_series(1, owners.number) n
    JOIN part_categories kinds ON kinds.workshop_id = owners.id AND kinds.name = 'Kind ' || (1 + mod(n, 50))
    """,
    """
    INSERT INTO stock_movements (workshop_id, part_id, kind, quantity, value, balance, balance_value, at)
    SELECT workshop_id, id, 'purchase', 1, 100, step, 100 * step, now() - step * interval '1 day'
    FROM parts, generate_series(1, 5) step WHERE workshop_id IN (:neighbour, :workshop)
    """,
    """
    INSERT INTO suppliers (workshop_id, name, folded_name, active, version, created_at, updated_at)
    SELECT owners.id, 'Supplier ' || n, 'supplier ' || n, true, 1, now(), now()
    FROM (VALUES (CAST(:neighbour AS int)), (CAST(:workshop AS int))) AS owners (id), generate_series(1, 2000) n
    """,
)
READINGS = (
    ("stock alerts", "/inventory/stock-alerts", 1, 60),
    ("what is out", "/inventory/stock-alerts?alert=out", 1, 400),
    ("items of a category", "/inventory?category_id={category}", 2, 450),
    ("movements of an item", "/inventory/{part}/movements", 1, 40),
    ("an item by its code", "/inventory/lookup?code=S-77", 1, 10),
    ("suppliers", "/inventory/suppliers", 1, 40),
)
SMALL = {"part_categories"}


@pytest.fixture(scope="module")
def crowd(app: Flask) -> Crowd:
    with app.app_context():
        engine = owners_engine(app)
    if engine.dialect.name != "postgresql":
        if os.environ.get("REQUIRE_SERVICES"):
            pytest.fail("PostgreSQL is required, and TEST_DATABASE_URL names none.")
        pytest.skip("The plans looked at are PostgreSQL's.")
    shop, neighbour = make_shop(app), make_shop(app)
    with engine.begin() as connection:
        for statement in CROWD:
            connection.execute(text(statement), {"workshop": shop.id, "neighbour": neighbour.id})
            connection.execute(text("ANALYZE"))
    with engine.connect() as connection:
        connection.execute(text("COMMIT"))
        connection.execute(text("VACUUM ANALYZE"))
    some = shop.owner.get("/inventory?sku=S-77").json[0]
    return Crowd(shop, {"part": some["id"], "category": some["category_id"]})


@pytest.mark.parametrize(
    ("reading", "path", "number", "most"), READINGS, ids=[reading for reading, *_ in READINGS]
)
def test_a_reading_goes_by_an_index(
    app: Flask, crowd: Crowd, reading: str, path: str, number: int, most: int
) -> None:
    plans = plans_of(app, crowd, path)
    every_step = [step for plan in plans for step in steps(plan)]

    whole = {step["Relation Name"] for step in every_step if step["Node Type"] == "Seq Scan"} - SMALL
    touched = sum(rows_touched(step) for step in every_step)

    assert len(plans) == number
    assert not whole, f"{reading}: {sorted(whole)} is read whole"
    assert touched <= most, f"{reading}: {touched:.0f} rows touched where {most} should do"


def test_what_the_stock_was_worth_costs_what_moved_since(app: Flask, crowd: Crowd) -> None:
    (plan,) = plans_of(app, crowd, "/inventory/valuation")
    entered = [step for step in steps(plan) if step.get("Relation Name") == "stock_movements"]

    assert sum(rows_touched(step) for step in entered) <= 10
