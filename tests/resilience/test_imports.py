"""A long table: read in quickly and with flat memory, and killed at any moment it leaves all or nothing."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from flask import Flask

from app.blueprints.inventory.models import Part
from app.extensions import db
from tests.factories import Shop
from tests.resilience.worker import MailProcess

pytestmark = [pytest.mark.no_cover, pytest.mark.resilience]  # it runs in processes of its own

ROWS = int(os.environ.get("IMPORT_ROWS", "10000"))
SECONDS = (
    120 * ROWS / 100_000 + 20
)  # the limit of a hundred thousand, in proportion, and what a process takes to start
FLAT = 60_000  # kilobytes that a table of any length may take more than a short one
# Runs the command, and then says how much memory the process had at most.
MEASURED = """
import resource, sys
from app.commands import importing
from flask_app import app
answer = app.test_cli_runner().invoke(args=["stock", "import", *sys.argv[1:]])
print(answer.output[-200:])
print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(answer.exit_code)
"""


def table(folder: Path, number: int, price: str = "1.50") -> Path:
    path = folder / f"parts-{number}-{price}.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("sku,name,price,unit,bin,minimum_stock_level\n")
        file.writelines(f"S-{row},Part {row},{price},piece,B-{row % 50},2\n" for row in range(number))
    return path


class Importing(MailProcess):
    """A process that reads a table in."""

    def __init__(
        self, app: Flask, shop: Shop, path: Path, log: Path, database: str, redis: str, *words: str
    ) -> None:
        command = ["flask", "--app", "flask_app", "stock", "import"]
        more = [str(path), "--workshop", shop.slug, "--of", "parts", *words]
        super().__init__([*command, *more], app, log, database=database, redis=redis, smtp_port=1)

    def ends(self) -> int:
        return self.process.wait(SECONDS * 3)


def there(shop: Shop) -> int:
    with shop.inside():
        return db.session.query(Part).filter_by(workshop_id=shop.id).count()


def test_killed_at_any_moment_it_leaves_all_or_nothing(
    app: Flask, shop: Shop, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    path, log = table(tmp_path, 3_000), tmp_path / "log"
    begun = time.monotonic()
    whole = Importing(app, shop, path, log, database_url, redis_url, "--dry-run")
    assert whole.ends() == 0, whole.said
    lasts = time.monotonic() - begun

    seen = []
    for share in (0.4, 0.55, 0.65, 0.75, 0.85, 0.9, 0.95, 1.0):
        killed = Importing(app, shop, path, log, database_url, redis_url)
        time.sleep(lasts * share)
        killed.kill()
        seen.append(there(shop))
        if seen[-1]:
            break

    assert set(seen) <= {0, 3_000}
    finished = Importing(app, shop, path, log, database_url, redis_url)
    assert finished.ends() == 0, finished.said
    assert there(shop) == 3_000


def test_a_long_one_is_quick_and_its_memory_is_flat(
    app: Flask, shop: Shop, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    peaks, lasted = [], 0.0
    for number in (1_000, ROWS):
        words = ["-c", MEASURED, str(table(tmp_path, number)), "--workshop", shop.slug, "--of", "parts"]
        begun = time.monotonic()
        process = Measured(words, app, tmp_path / "log", database_url, redis_url)
        assert process.process.wait(SECONDS * 3) == 0, process.said
        lasted = time.monotonic() - begun
        found = re.search(r"PEAK (\d+)", process.said)
        assert found is not None, process.said
        peaks.append(int(found[1]))

    assert there(shop) == ROWS
    assert lasted <= SECONDS
    assert peaks[1] - peaks[0] <= FLAT


class Measured(MailProcess):
    """A process that says how much memory it took."""

    def __init__(self, words: list[str], app: Flask, log: Path, database: str, redis: str) -> None:
        super().__init__(words, app, log, database=database, redis=redis, smtp_port=1)
