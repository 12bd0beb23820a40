"""That what a storekeeper looks at goes by an index, on PostgreSQL and with many rows."""

from __future__ import annotations

import os

import pytest
from flask import Flask
from sqlalchemy import NullPool, create_engine, text

from app.blueprints.inventory import proving
from app.core.engines import owners_engine
from app.extensions import db
from tests.factories import make_shop
from tests.test_plans import Crowd, plans_of, readings, rows_touched, steps

pytestmark = pytest.mark.every_case

# A neighbour's rows come first and are most, as in tests/test_plans.py.
CROWD = (
    """
    INSERT INTO part_categories (workshop_id, name, folded_name, version, created_at, updated_at)
    SELECT owners.id, 'Kind ' || n, 'kind ' || n, 1, now(), now()
    FROM (VALUES (CAST(:neighbour AS int)), (CAST(:workshop AS int))) AS owners (id), generate_series(1, 50) n
    """,
    """
    INSERT INTO parts (workshop_id, name, price, sku, folded_sku, bin, category_id, on_hand, minimum_stock_level,
        stock_value, version, created_at, updated_at)
    SELECT owners.id, 'Part ' || n, n, 'S-' || n, 's' || n, 'B-' || mod(n, 1000), kinds.id, mod(n, 200), 2, 0, 1,
        now() - interval '1 year', now()
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
CROWD += (
    """
    INSERT INTO part_references (workshop_id, part_id, kind, manufacturer, folded_manufacturer, number, folded_number, version,
        created_at, updated_at)
    SELECT workshop_id, id, 'oem', 'Maker', 'maker', 'R-' || id, 'r' || id, 1, now(), now()
    FROM parts WHERE workshop_id IN (:neighbour, :workshop)
    """,
    """
    INSERT INTO purchase_orders (workshop_id, number, supplier_id, status, currency, total, ordered_at, version, created_at,
        updated_at)
    SELECT suppliers.workshop_id, row_number() OVER (PARTITION BY workshop_id ORDER BY id), id, 'ordered', 'USD', 0, now(), 1,
        now(), now()
    FROM suppliers WHERE workshop_id IN (:neighbour, :workshop)
    """,
    """
    INSERT INTO purchase_order_lines (workshop_id, purchase_order_id, part_id, quantity, received, cancelled, received_value)
    SELECT orders.workshop_id, orders.id, parts.id, 10, 0, 0, 0
    FROM purchase_orders orders
    JOIN parts ON parts.workshop_id = orders.workshop_id AND parts.price BETWEEN 5 * orders.number AND 5 * orders.number + 4
    WHERE orders.workshop_id IN (:neighbour, :workshop)
    """,
    """
    INSERT INTO stock_alerts (workshop_id, part_id, grade, raised_at)
    SELECT workshop_id, id, 'low', now() FROM parts
    WHERE workshop_id IN (:neighbour, :workshop) AND on_hand <= minimum_stock_level
    """,
    """
    INSERT INTO stock_alerts (workshop_id, part_id, grade, raised_at, resolved_at)
    SELECT workshop_id, id, 'low', now(), now() FROM parts WHERE workshop_id IN (:neighbour, :workshop)
    """,
)
READINGS = (
    ("stock alerts", "/inventory/stock-alerts", 1, 200),
    ("what is out", "/inventory/stock-alerts?alert=out", 1, 500),
    ("alerts as they were raised", "/inventory/stock-alerts/history", 1, 60),
    ("items of a category", "/inventory?category_id={category}", 2, 450),
    ("items in a bin", "/inventory?bin=B-77", 1, 60),
    ("movements of an item", "/inventory/{part}/movements", 1, 40),
    ("items by rare words", "/inventory?q=7777", 1, 250),
    ("items by words that none has", "/inventory?q=nowhere", 1, 80),
    ("an item by its code", "/inventory/lookup?code=S-77", 1, 10),
    ("an item by one of its numbers", "/inventory?number=r{part}", 1, 40),
    ("an item by a number that is scanned", "/inventory/lookup?code=r{part}", 2, 40),
    ("what is fitted instead of an item", "/inventory/{part}/replacements", 4, 60),
    ("suppliers", "/inventory/suppliers", 1, 40),
    ("slow movers", "/inventory/slow-movers?days=1", 1, 80),
    ("purchase orders", "/inventory/purchase_orders", 2, 60),
    ("purchase orders of a supplier", "/inventory/purchase_orders?supplier_id={supplier}", 2, 60),
    ("expected purchase orders", "/inventory/purchase_orders?status=ordered&sort=number", 2, 60),
    ("purchase orders of an item", "/inventory/purchase_orders?item_id={ordered}", 2, 60),
    ("a purchase order", "/inventory/purchase_orders/{order}", 2, 40),
)
SMALL = {"part_categories"}
# As in tests/test_plans.py: behind the wall PostgreSQL asks it before LIKE, of each of the workshop's rows.
ONLY_WITHOUT_THE_WALL = {"items by rare words", "items by words that none has"}


@pytest.fixture(scope="module")
def crowd(app: Flask) -> Crowd:
    with app.app_context():
        engine = owners_engine(app)
    if engine.dialect.name != "postgresql":
        if os.environ.get("REQUIRE_SERVICES"):
            pytest.fail("PostgreSQL is required, and TEST_DATABASE_URL names none.")
        pytest.skip("The plans looked at are PostgreSQL's.")
    shop, neighbour = make_shop(app), make_shop(app)
    # As patient as it takes: on a busy machine this takes long.
    engine = create_engine(engine.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for statement in CROWD:
            connection.execute(text(statement), {"workshop": shop.id, "neighbour": neighbour.id})
            connection.execute(text("ANALYZE"))
        connection.execute(text("VACUUM ANALYZE"))
    some = shop.owner.get("/inventory?sku=S-77").json[0]
    order = shop.owner.get("/inventory/purchase_orders?sort=number").json[7]
    lines = shop.owner.get(f"/inventory/purchase_orders/{order['id']}").json["lines"]
    ids = {"order": order["id"], "supplier": order["supplier"]["id"], "ordered": lines[0]["item"]["id"]}
    return Crowd(shop, {"part": some["id"], "category": some["category_id"], **ids})


@pytest.mark.parametrize(
    ("reading", "path", "number", "most"), READINGS, ids=[reading for reading, *_ in READINGS]
)
def test_a_reading_goes_by_an_index(
    app: Flask, crowd: Crowd, reading: str, path: str, number: int, most: int
) -> None:
    plans = plans_of(app, crowd, path, walled=reading not in ONLY_WITHOUT_THE_WALL)
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


NEWCOMER = (
    """
    INSERT INTO parts (workshop_id, name, price, on_hand, stock_value, version, created_at, updated_at)
    SELECT :workshop, 'Part ' || n, n, 5, 500, 1, now(), now() FROM generate_series(1, 300) n
    """,
    """
    INSERT INTO stock_movements (workshop_id, part_id, kind, quantity, value, balance, balance_value, at)
    SELECT workshop_id, id, 'purchase', 1, 100, step, 100 * step, now()
    FROM parts, generate_series(1, 5) step WHERE workshop_id = :workshop ORDER BY id, step
    """,
)


def test_verifying_reads_each_row_once_also_where_the_statistics_do_not_know_the_workshop_yet(
    app: Flask, crowd: Crowd
) -> None:
    newcomer = make_shop(app)
    with app.app_context(), owners_engine(app).begin() as connection:
        for statement in NEWCOMER:
            connection.execute(text(statement), {"workshop": newcomer.id})
    with newcomer.inside():
        with readings(db.engine) as sent:
            assert list(proving.discrepancies(newcomer.id)) == []
        with db.engine.connect() as connection:
            plans = [
                connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values).scalar_one()
                for statement, values in sent
            ]

    assert sum(rows_touched(step) for plan in plans for step in steps(plan[0]["Plan"])) <= 4 * 300 * (1 + 5)
