"""Whether a large stock is read as fast as a small one: `make bench-stock` writes bench/STOCK.md.

Two databases, one with 1,000 parts and 50,000 movements, one with 100,000 parts and 5,000,000, are asked the same in turn, in
one process and through the whole application, so that what else the machine does meets both alike. Nothing is kept between two
requests, and each is about another part or place. Of each request every plan is looked at too.

BENCH_DATABASE_URL names the server, as for `make bench`; the databases `<name>_stock_<parts>` are made anew, and dropped in the
end (BENCH_KEEP=1: they stay).
"""

from __future__ import annotations

import base64
import json
import logging
import os
import platform
import random
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy import URL, event

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import create_app
from app.blueprints.accounts import service as accounts
from app.blueprints.accounts import sessions, standing
from app.blueprints.accounts.models import Membership
from app.blueprints.customers import service as customers
from app.blueprints.workshops import service as workshops
from app.core import identity
from app.core.db import atomic
from app.core.tenancy import acting_in
from app.extensions import cache, db
from bench.databases import connected, make_anew, short
from bench.settings import production, read_settings
from config import configuration

SIZES = (1_000, 100_000)
MOVEMENTS_EACH, TICKETS = 50, 2_000
REQUESTS, WARM_UP, MOST = 60, 5, 1.25
ROLE = "mechanic_shop_bench"
MADE_BY = "bench/stock.py"
REPORT = Path(__file__).with_name("STOCK.md")

# One part in twenty runs low, half of those are out: a first page is full in either stock. A leaf of the tree of categories
# has a fiftieth of all parts, however many those are; ten of them are within each of five others. The movements come in the
# order of time, over two years.
FILL = (
    """
    INSERT INTO part_categories (workshop_id, name, folded_name, version, created_at, updated_at)
    SELECT %(workshop)s, 'Group ' || n, 'group ' || n, 1, now(), now() FROM generate_series(0, 4) n
    """,
    """
    INSERT INTO part_categories (workshop_id, parent_id, name, folded_name, version, created_at, updated_at)
    SELECT %(workshop)s, over.id, 'Kind ' || n, 'kind ' || n, 1, now(), now()
    FROM generate_series(0, 49) n
    JOIN part_categories over ON over.workshop_id = %(workshop)s AND over.name = 'Group ' || mod(n, 5)
    """,
    """
    INSERT INTO parts (workshop_id, name, price, sku, category_id, on_hand, minimum_stock_level, stock_value, last_cost,
        version, created_at, updated_at)
    SELECT %(workshop)s,
        (ARRAY['Oil filter', 'Brake pad', 'Spark plug', 'Wiper', 'Bulb', 'Belt', 'Hose'])[1 + mod(n, 7)]
            || ' ' || md5(CAST(n AS text)),
        n, 'S-' || n, kinds.id,
        CASE WHEN mod(n, 40) = 0 THEN 0 WHEN mod(n, 20) = 0 THEN 1000 ELSE 50000 END, 2000, 100 * mod(n, 977), 100, 1,
        now() - interval '3 years', now()
    FROM generate_series(1, %(parts)s) n
    JOIN part_categories kinds ON kinds.workshop_id = %(workshop)s AND kinds.name = 'Kind ' || mod(n * 7919, 50)
    """,
    """
    INSERT INTO stock_movements (workshop_id, part_id, kind, quantity, value, balance, balance_value, at)
    SELECT %(workshop)s, id, CASE mod(step, 2) WHEN 1 THEN 'purchase' ELSE 'sale' END,
        CASE mod(step, 2) WHEN 1 THEN 1000 ELSE -1000 END, CASE mod(step, 2) WHEN 1 THEN 100 ELSE -100 END,
        1000 * mod(step, 2), 100 * mod(step, 2),
        now() - interval '2 years' + (step - 1 + random()) * interval '2 years' / %(movements)s
    FROM generate_series(1, %(movements)s) step CROSS JOIN parts WHERE workshop_id = %(workshop)s
    """,
    """
    INSERT INTO suppliers (workshop_id, name, folded_name, active, version, created_at, updated_at)
    SELECT %(workshop)s, 'Supplier', 'supplier', true, 1, now(), now()
    """,
    """
    INSERT INTO purchase_orders (workshop_id, number, supplier_id, status, currency, total, ordered_at, version, created_at,
        updated_at)
    SELECT %(workshop)s, n, suppliers.id, 'ordered', 'USD', 0, now(), 1, now(), now()
    FROM generate_series(1, %(parts)s / 100) n JOIN suppliers ON suppliers.workshop_id = %(workshop)s
    """,
    """
    INSERT INTO purchase_order_lines (workshop_id, purchase_order_id, part_id, quantity, received, cancelled, received_value)
    SELECT %(workshop)s, orders.id, parts.id, 10000, 0, 0, 0
    FROM purchase_orders orders
    JOIN parts ON parts.workshop_id = %(workshop)s AND parts.price / 100 = orders.number AND mod(parts.price, 10) = 0
    WHERE orders.workshop_id = %(workshop)s
    """,
    """
    INSERT INTO stock_alerts (workshop_id, part_id, grade, raised_at, resolved_at)
    SELECT %(workshop)s, id, 'low', now() - step * interval '1 month', now() - step * interval '1 month' + interval '1 day'
    FROM parts, generate_series(1, 3) step WHERE workshop_id = %(workshop)s
    """,
    """
    INSERT INTO stock_alerts (workshop_id, part_id, grade, raised_at)
    SELECT %(workshop)s, id, CASE on_hand WHEN 0 THEN 'out' ELSE 'low' END, now() FROM parts
    WHERE workshop_id = %(workshop)s AND on_hand <= minimum_stock_level
    """,
    """
    INSERT INTO vehicles (workshop_id, customer_id, vin, vin_digest, vin_tail_digest, version, created_at, updated_at)
    SELECT %(workshop)s, %(customer)s, sealed, sealed, sealed, 1, now(), now()
    FROM (SELECT decode(md5(CAST(n AS text)), 'hex') AS sealed FROM generate_series(1, 100) n) cars
    """,
    """
    INSERT INTO service_tickets (workshop_id, number, customer_id, vehicle_id, service_date, service_desc, status, version,
        created_at, updated_at)
    SELECT %(workshop)s, n, %(customer)s, cars.id, date '2024-01-01' + mod(n, 400), 'Service', 'delivered', 1, now(), now()
    FROM generate_series(1, %(tickets)s) n
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM vehicles WHERE workshop_id = %(workshop)s) cars
        ON place = 1 + mod(n, 100)
    """,
    """
    INSERT INTO service_ticket_lines (workshop_id, service_ticket_id, kind, description, part_id, unit_price, quantity, fitted,
        tax_rate, net, tax)
    SELECT %(workshop)s, tickets.id, 'part', 'A part', parts.id, 100, 1000, 1000, 0, 100, 0
    FROM service_tickets tickets CROSS JOIN generate_series(1, 3) step
    JOIN parts ON parts.workshop_id = %(workshop)s AND parts.price = 1 + mod(tickets.number * 7919 + step * 104729, %(parts)s)
    WHERE tickets.workshop_id = %(workshop)s
    """,
)

# Those of the ledger are made again when it is full, which is sooner.
INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'stock_movements' AND indexname LIKE 'ix%'
"""


@dataclass
class Stock:
    """A database with so many parts: the application on it, its owner signed in, and what requests name of it."""

    parts: int
    url: URL
    app: Flask
    client: FlaskClient
    headers: dict[str, str]
    workshop_id: int
    chance: random.Random = field(default_factory=lambda: random.Random(20261121))
    ids: list[int] = field(default_factory=list)
    names: list[tuple[str, int]] = field(default_factory=list)
    alerting: list[tuple[str, int]] = field(default_factory=list)
    leaves: list[int] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)

    def far(self, rows: list[tuple[str, int]]) -> str:
        """Return the cursor of some place near the end of a list by name."""
        last = len(rows) - 25  # a page is behind it
        name, id_ = rows[self.chance.randrange(last - len(rows) // 10, last)]
        place = json.dumps(["name", [name, id_]]).encode()
        return base64.urlsafe_b64encode(place).decode().rstrip("=")


def _lookup(stock: Stock) -> str:
    return f"S-{stock.chance.randint(1, stock.parts)}"


def _name(stock: Stock) -> str:
    """Return the rare half of some part's name."""
    return stock.chance.choice(stock.names)[0].split()[-1][:12]


Path_ = Callable[[Stock], str]
READINGS: tuple[tuple[str, Path_], ...] = (
    ("Items, the first page", lambda stock: "/inventory"),
    ("Items, a full page", lambda stock: "/inventory?per_page=100"),
    ("Items, by cursor near the end", lambda stock: f"/inventory?cursor={stock.far(stock.names)}"),
    ("Items by price, dearest first", lambda stock: "/inventory?sort=-price"),
    ("Items of a category", lambda stock: f"/inventory?category_id={stock.chance.choice(stock.leaves)}"),
    (
        "Items of a category with ten within it",
        lambda stock: f"/inventory?category_id={stock.chance.choice(stock.groups)}",
    ),
    ("Items that are low", lambda stock: "/inventory?low=true"),
    ("Items that are not low", lambda stock: "/inventory?low=false"),
    ("Items by words that one has", lambda stock: f"/inventory?q={_name(stock)}"),
    ("Items by words that none has", lambda stock: f"/inventory?q=zz{stock.chance.randrange(10**9)}"),
    ("An item by its SKU", lambda stock: f"/inventory?sku={_lookup(stock)}"),
    ("An item by its code", lambda stock: f"/inventory/lookup?code={_lookup(stock)}"),
    ("Alerts, the first page", lambda stock: "/inventory/stock-alerts"),
    (
        "Alerts, by cursor near the end",
        lambda stock: f"/inventory/stock-alerts?cursor={stock.far(stock.alerting)}",
    ),
    ("Alerts of what is out", lambda stock: "/inventory/stock-alerts?alert=out"),
    (
        "The movements of an item",
        lambda stock: f"/inventory/{stock.chance.choice(stock.ids)}/movements",
    ),
    (
        "The sales of an item",
        lambda stock: f"/inventory/{stock.chance.choice(stock.ids)}/movements?kind=sale",
    ),
    (
        "What a month's tickets used",
        lambda stock: "/inventory/usage?service_date_from=2024-03-01&service_date_to=2024-03-31",
    ),
)
WHOLE: tuple[tuple[str, Path_], ...] = (
    ("Items by words that many have", lambda stock: "/inventory?q=filter"),
    ("Items, with how many there are", lambda stock: "/inventory?page=1"),
    ("Alerts, with how many there are", lambda stock: "/inventory/stock-alerts?page=1"),
    ("What the stock is worth", lambda stock: "/inventory/valuation"),
    ("What it was worth a day ago", lambda stock: f"/inventory/valuation?at={_a_day_ago()}"),
)
# Behind the wall PostgreSQL asks it of each of the workshop's rows before LIKE, which might tell what it is not to tell.
NOT_BEHIND_THE_WALL = {"Items by words that one has", "Items by words that none has"}


def _a_day_ago() -> str:
    return (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Figure:
    """What a reading took in the small stock and in the large one."""

    name: str
    medians: tuple[float, float]
    touched: tuple[float, float]
    whole: tuple[str, ...]

    @property
    def ratio(self) -> float:
        return self.medians[1] / self.medians[0]

    def row(self) -> str:
        small, large = self.medians
        rows = f"{self.touched[0]:,.0f} | {self.touched[1]:,.0f}"
        return f"| {self.name} | {small:.2f} | {large:.2f} | {self.ratio:.2f} | {rows} | {', '.join(self.whole) or '-'} |"


def main() -> None:
    server = read_settings().database
    urls = [server.set(database=f"{server.database}_stock_{short(parts)}") for parts in SIZES]
    try:
        tables = {}
        stocks: list[Stock] = []
        for parts, url in zip(SIZES, urls, strict=True):
            print(f"Filling {url.database} ...", flush=True)
            stocks.append(filled(parts, url))
        tables["open"] = [measured(stocks, *reading) for reading in READINGS]
        tables["whole"] = [measured(stocks, *reading, requests=REQUESTS // 5) for reading in WHOLE]
        walled = [behind_the_wall(stock) for stock in stocks]
        tables["walled"] = [measured(walled, *reading) for reading in READINGS]
    finally:
        if not os.environ.get("BENCH_KEEP"):
            for url in urls:
                dropped(url)
    text = page(tables)
    REPORT.write_text(text, encoding="utf-8")
    print(text)
    sys.exit("\n".join(failures(tables)) or 0)


def failures(tables: dict[str, list[Figure]]) -> Iterator[str]:
    excused: dict[str, set[str]] = {"open": set(), "walled": NOT_BEHIND_THE_WALL}
    for table, allowed in excused.items():
        for figure in tables[table]:
            if figure.name in allowed:
                continue
            if figure.ratio > MOST:
                yield f"{figure.name} ({table}): {figure.ratio:.2f} is more than {MOST}."
            if figure.whole:
                yield f"{figure.name} ({table}): {', '.join(figure.whole)} read whole."


# ---- Filling ------------------------------------------------------------------------------------------------------


def application(url: URL, role: str = "") -> Flask:
    address = url.set(drivername="postgresql+pg8000").render_as_string(hide_password=False)
    settings = configuration("development", DATABASE_URL=address, REDIS_URL="", DB_ROLE=role)
    settings.RATELIMIT_ENABLED = False
    settings.LOG_LEVEL = logging.WARNING
    app = create_app(settings)
    app.logger.disabled = True
    return app


def filled(parts: int, url: URL) -> Stock:
    """Make a database, with a workshop that has so many parts and their ledger."""
    address = url.set(drivername="postgresql+pg8000").render_as_string(hide_password=False)
    keys = {name: secrets.token_urlsafe(48) for name in ("ENCRYPTION_KEYS", "BLIND_INDEX_KEY")}
    make_anew(url, {**production(), **keys, "DATABASE_URL": address, "DB_ROLE": ROLE}, MADE_BY)
    app = application(url)
    with app.app_context():
        with atomic():
            workshop_id = workshops.open_workshop("Stock", "stock").id
        with acting_in(workshop_id):
            with atomic() as session:
                account = accounts.make_account("owner@stock.example.com", secrets.token_urlsafe(16))
                session.flush()
                member = Membership(workshop_id=workshop_id, account_id=account.id, role="owner")
                session.add(member)
            signed_in = sessions.begin(standing.principal_of(member)).principal
            customer_id = customers.record(
                workshop_id, name="Ada Obi", email="ada@stock.example.com", phone=None
            ).id
            headers = {"Authorization": f"Bearer {identity.issue_token(signed_in)[0]}"}
    values = {
        "workshop": workshop_id, "customer": customer_id, "parts": parts, "movements": MOVEMENTS_EACH, "tickets": TICKETS,
    }  # fmt: skip
    stock = Stock(parts, url, app, app.test_client(), headers, workshop_id)
    with connected(url) as connection:
        connection.execute("SET statement_timeout = 0")
        connection.execute(
            "SET session_replication_role = replica"
        )  # foreign keys hold by the way it is made
        indexes = connection.execute(INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}")
        for statement in FILL:
            connection.execute(statement, values)
            connection.execute("ANALYZE")
        for _, definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
        names = "SELECT name, id FROM parts ORDER BY name, id"
        stock.names = [(name, id_) for name, id_ in connection.execute(names)]
        low = "SELECT name, id FROM parts WHERE on_hand <= minimum_stock_level ORDER BY name, id"
        stock.alerting = [(name, id_) for name, id_ in connection.execute(low)]
        stock.ids = [id_ for _, id_ in stock.names]
        kinds = "SELECT id, parent_id FROM part_categories ORDER BY id"
        for id_, parent_id in connection.execute(kinds):
            (stock.groups if parent_id is None else stock.leaves).append(id_)
    return stock


def behind_the_wall(stock: Stock) -> Stock:
    """Return the same stock, read by an application that acts under DB_ROLE."""
    app = application(stock.url, ROLE)
    shared = {name: getattr(stock, name) for name in ("ids", "names", "alerting", "leaves", "groups")}
    return Stock(stock.parts, stock.url, app, app.test_client(), stock.headers, stock.workshop_id, **shared)


def dropped(url: URL) -> None:
    with connected(url, "postgres") as server:
        known = server.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [url.database]
        ).fetchone()
        if known is not None and known[0] == MADE_BY:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(str(url.database))))


# ---- Measuring ----------------------------------------------------------------------------------------------------


def measured(stocks: list[Stock], name: str, path: Path_, requests: int = REQUESTS) -> Figure:
    """Ask each stock in turn, the order changing each time."""
    times: list[list[float]] = [[] for _ in stocks]
    for turn in range(WARM_UP + requests):
        pairs = list(enumerate(stocks))
        for which, stock in pairs if turn % 2 else reversed(pairs):
            taken = timed(stock, path(stock))
            if turn >= WARM_UP:
                times[which].append(taken)
    plans = [list(steps_of(stock, path(stock))) for stock in stocks]
    whole = {step["Relation Name"] for step in plans[1] if step["Node Type"] == "Seq Scan"}
    small, large = (statistics.median(one) for one in times)
    touched_small, touched_large = (sum(map(rows_touched, steps)) for steps in plans)
    figure = Figure(name, (small, large), (touched_small, touched_large), tuple(sorted(whole & STOCK_TABLES)))
    print(figure.row(), flush=True)
    return figure


STOCK_TABLES = {"parts", "stock_movements", "stock_alerts", "purchase_order_lines"}


def timed(stock: Stock, path: str) -> float:
    with stock.app.app_context():
        cache.clear()
    stock.client.get("/auth/me", headers=stock.headers)  # that the session stands is known, and nothing else
    began = time.perf_counter()
    answer = stock.client.get(path, headers=stock.headers)
    taken = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        sys.exit(f"{path}: {answer.status_code} {answer.data[:300]!r}")
    return taken


def steps_of(stock: Stock, path: str) -> Iterator[dict[str, Any]]:
    """Yield the steps of the plans by which a request's statements are carried out."""
    sent: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *others: Any) -> None:
        if statement.startswith("SELECT"):
            sent.append((statement, parameters))

    with stock.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        timed(stock, path)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    with acting_in(stock.workshop_id), engine.connect() as connection:
        for statement, values in sent:
            if " parts" in statement or "stock_movements" in statement or "stock_alerts" in statement:
                explained = connection.exec_driver_sql(
                    "EXPLAIN (ANALYZE, FORMAT JSON) " + statement, values
                ).scalar_one()
                yield from _steps(explained[0]["Plan"])


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _steps(part)


def rows_touched(step: dict[str, Any]) -> float:
    """Return how many rows a step read from a table or an index; none for one that works on others' rows."""
    if not step["Node Type"].endswith("Scan") or step["Node Type"] in ("Subquery Scan", "CTE Scan"):
        return 0.0
    removed = step.get("Rows Removed by Filter", 0) + step.get("Rows Removed by Index Recheck", 0)
    return float((step["Actual Rows"] + removed) * step["Actual Loops"])


# ---- Telling ------------------------------------------------------------------------------------------------------

PAGE = """\
# A large stock, measured

`make bench-stock` on {day}: one workshop with {small:,} parts and {small_rows:,} movements of its ledger, and one with
{large:,} parts and {large_rows:,}, each in a database of its own; PostgreSQL by pg8000 on one machine with {processors}
processors, Python {python}. {requests} requests a line and stock through the whole application in one process, the two stocks
in turn, nothing kept from one request to the next, each about another part or place. Milliseconds, medians. To keep: a ratio of
{most} at most, and no table of the stock read whole. Rows are those that the plans of one request touched in all tables and
indexes (EXPLAIN ANALYZE).

## Lists, alerts, the ledger

{open}

## The same behind the wall (`DB_ROLE`)

{walled}

Behind the wall the words of a search are compared with each of the workshop's names: PostgreSQL asks the wall first, and LIKE
is not trusted to keep to itself what it sees.

## What looks at many by its nature

{whole}

A page with a number counts all that it is a page of, and a value adds all of them up. Words that many items have are looked for
along the names, as far as the first page of those that have them goes: soon where they are spread evenly, late where what has
them comes late, as here, where four items of seven come before the first filter. Nothing is promised of these ratios.
"""
HEAD = """\
| Asked for | {small:,} parts | {large:,} parts | Ratio | Rows | Rows | Read whole |
|---|---:|---:|---:|---:|---:|---|"""


def page(tables: dict[str, list[Figure]]) -> str:
    """Return the page that is kept."""
    small, large = SIZES
    head = HEAD.format(small=small, large=large)
    shown = {
        name: "\n".join([head, *(figure.row() for figure in figures)]) for name, figures in tables.items()
    }
    return PAGE.format(
        day=f"{datetime.now(UTC):%Y-%m-%d}", small=small, large=large, small_rows=small * MOVEMENTS_EACH,
        large_rows=large * MOVEMENTS_EACH, processors=os.cpu_count(), python=platform.python_version(), requests=REQUESTS,
        most=MOST, **shown,
    )  # fmt: skip


if __name__ == "__main__":
    main()
