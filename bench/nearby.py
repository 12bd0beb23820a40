"""How long GET /workshops/nearby takes with 100,000 workshops, over HTTP: gunicorn, PostgreSQL and Redis as in production.

    make bench-nearby        # writes bench/NEARBY.md

BENCH_DATABASE_URL and BENCH_REDIS_URL name the services, as for `make bench`; the database `<name>_nearby` is made anew.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, make_url

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.databases import connected, make_anew
from bench.servers import ROOT, serving
from bench.settings import claimed, production, read_settings

WORKSHOPS, TOWNS, REQUESTS, TARGET_MS = 100_000, 400, 300, 50.0
MADE_BY = "bench/nearby.py"
# (what is asked, kilometres, rows a page): the first is what somebody with a telephone asks for.
READINGS = (
    ("the usual radius", 25.0, 20),
    ("in the same town", 5.0, 20),
    ("the usual radius, a full page", 25.0, 100),
    ("an hour's drive", 80.0, 20),
    ("as far as one may ask", 500.0, 20),
    ("as far as one may ask, a full page", 500.0, 100),
)

# Two in three workshops stand around a town, as many as the town is large; the rest anywhere. All are in Europe, so that a
# circle has as many in it as it will ever have. Nine in ten are listed.
FILL = f"""
WITH towns AS MATERIALIZED (
    SELECT n, 36 + random() * 24 AS lat, -9 + random() * 38 AS lng FROM generate_series(0, {TOWNS - 1}) n
), drawn AS MATERIALIZED (
    SELECT n, floor({TOWNS} * power(random(), 3)) AS town, random() < 0.67 AS in_town,
        random() + random() + random() - 1.5 AS north, random() + random() + random() - 1.5 AS east,
        36 + random() * 24 AS lat, -9 + random() * 38 AS lng, random() < 0.9 AS listed
    FROM generate_series(1, {WORKSHOPS}) n
)
INSERT INTO workshops (name, slug, country, currency, time_zone, created_at, city, listed, latitude, longitude)
SELECT 'Garage ' || drawn.n, 'garage-' || drawn.n, 'PL', 'PLN', 'Europe/Warsaw', now(), 'Town ' || drawn.town, listed,
    round(CAST(CASE WHEN in_town THEN towns.lat + north / 5 ELSE drawn.lat END AS numeric), 6),
    round(CAST(CASE WHEN in_town THEN towns.lng + east / 3 ELSE drawn.lng END AS numeric), 6)
FROM drawn JOIN towns ON towns.n = drawn.town
"""
HANGS_ON = (
    """
    INSERT INTO opening_periods (workshop_id, weekday, opens, closes)
    SELECT id, weekday, opens + 15 * mod(id, 9), opens + 15 * mod(id, 9) + 240
    FROM workshops, generate_series(1, 6) weekday, (VALUES (420), (690)) AS two (opens)
    """,
    """
    INSERT INTO workshop_specialisations (workshop_id, specialisation)
    SELECT id, word FROM workshops, (VALUES ('brakes'), ('diagnostics'), ('engine')) AS three (word)
    """,
    """
    INSERT INTO closures (workshop_id, first_day, last_day, reason, version, created_at, updated_at)
    SELECT id, current_date + 10, current_date + 12, 'Holiday', 1, now(), now() FROM workshops
    """,
)


def main() -> None:
    settings = read_settings()
    url = settings.database.set(database=f"{settings.database.database}_nearby")
    claimed(settings.redis_url)
    environment = {
        **production(),
        "DATABASE_URL": make_url(url)
        .set(drivername="postgresql+pg8000")
        .render_as_string(hide_password=False),
        "REDIS_URL": settings.redis_url,
        **{name: secrets.token_urlsafe(48) for name in ("ENCRYPTION_KEYS", "BLIND_INDEX_KEY")},
    }
    make_anew(url, environment, MADE_BY)
    fill(url)
    with (
        tempfile.TemporaryDirectory() as logs,
        serving("nearby", "flask_app:app", environment, Path(logs), "/livez") as server,
    ):
        report = list(measured(server.port, url))
    text = written(report)
    (ROOT / "bench" / "NEARBY.md").write_text(text, encoding="utf-8")
    print(text)
    slowest = max(median for _, median, _, _ in report)
    sys.exit(0 if slowest < TARGET_MS else f"{slowest:.1f} ms is not under {TARGET_MS:.0f} ms.")


def fill(url: URL) -> None:
    with connected(url) as connection:
        connection.execute("SELECT setseed(0.5)")
        for statement in (FILL, *HANGS_ON):
            connection.execute(statement)
        connection.execute("VACUUM ANALYZE")


def measured(port: int, url: URL) -> Iterator[tuple[str, float, float, int]]:
    """Measure each reading; yield it with the median and the 95th percentile in milliseconds, and the median of all found."""
    with connected(url) as connection:
        rows = connection.execute(
            "SELECT latitude, longitude FROM workshops WHERE listed ORDER BY id LIMIT 20000"
        ).fetchall()
    places = random.Random(20261121).sample(rows, REQUESTS)
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for name, radius, per_page in READINGS:
        times, totals = [], []
        for place, (lat, lng) in enumerate([*places[:30], *places]):  # the first thirty warm up
            path = f"/workshops/nearby?lat={lat}&lng={lng}&radius={radius}&per_page={per_page}"
            taken, _ = timed(link, path)
            if place >= 30:
                times.append(taken)
            if place % 10 == 0:
                totals.append(int(timed(link, path + "&page=1")[1] or 0))
        found = int(statistics.median(totals))
        yield f"{name}: {radius:g} km, {per_page} a page", statistics.median(times), at_95(times), found
    link.close()


def timed(link: http.client.HTTPConnection, path: str) -> tuple[float, str | None]:
    begun = time.perf_counter()
    link.request("GET", path)
    answer = link.getresponse()
    body = answer.read()
    taken = (time.perf_counter() - begun) * 1000
    if answer.status != 200 or not json.loads(body):
        sys.exit(f"{path}: {answer.status} {body[:300]!r}")
    return taken, answer.headers["X-Total-Count"]


def at_95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


PAGE = """\
# Workshops nearby, measured

`make bench-nearby` on {day}: {workshops:,} workshops in Europe, two in three of them around {towns} towns, nine in ten
listed; gunicorn with two workers, PostgreSQL by pg8000 and Redis on one machine with {processors} processors; Python {python}.
{requests} requests a line, one after the other, each for the surroundings of another workshop, so that nothing could be kept
from the one before. Milliseconds from the first byte sent to the last one read; the target is a median under {target:.0f}.

| Asked for | Within the circle (median) | Median | 95th percentile |
|---|---|---|---|
{lines}
"""


def written(report: list[tuple[str, float, float, int]]) -> str:
    """Return the page that is kept."""
    lines = [f"| {name} | {found:,} | {median:.1f} | {slow:.1f} |" for name, median, slow, found in report]
    return PAGE.format(
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        workshops=WORKSHOPS,
        towns=TOWNS,
        processors=os.cpu_count(),
        python=platform.python_version(),
        requests=REQUESTS,
        target=TARGET_MS,
        lines="\n".join(lines),
    )


if __name__ == "__main__":
    main()
