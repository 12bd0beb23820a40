"""A long table: read in quickly and with flat memory, and killed at any moment it leaves all or nothing."""

from __future__ import annotations

import os
import re
import time
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask

from app.blueprints.inventory.models import Part, Supplier
from app.blueprints.inventory.tables.importing import LINES_AT_ONCE
from app.blueprints.inventory.vocabulary import FIXED, PIECE
from app.core.db import atomic
from app.extensions import db
from tests.factories import Shop
from tests.resilience.worker import MailProcess

pytestmark = [pytest.mark.no_cover, pytest.mark.resilience]  # it runs in processes of its own

LINES = {  # of each table, its head and a line by its number
    "parts": ("sku,name,price,unit,bin,minimum_stock_level", "S-{0},Part {0},1.50,piece,B-7,2"),
    "suppliers": ("name,city", "Supplier {0},Łódź"),
    "stock": ("sku,on_hand", "S-{0},3"),
}
FEW = 4 * LINES_AT_ONCE
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

# The command, but for a commit after each batch.
BY_BATCHES = """
from flask.cli import main
from app.blueprints.inventory.tables.parts import Parts
take = Parts.take
def committing(self, session, wanted):
    found = list(take(self, session, wanted))
    for words in ("COMMIT", "BEGIN"):
        session.connection().exec_driver_sql(words)
    return found
Parts.take = committing
main()
"""


def table(folder: Path, number: int, of: str = "parts") -> Path:
    heads, line = LINES[of]
    path = folder / f"{of}-{number}.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{heads}\n")
        file.writelines(f"{line.format(row)}\n" for row in range(number))
    return path


class Importing(MailProcess):
    """A process that reads a table in, and tells each line once its batch is written and before anything is committed."""

    def __init__(
        self, app: Flask, shop: Shop, path: Path, database: str, redis: str, of: str, script: str = ""
    ) -> None:
        flask = ["-c", script, "--app", "flask_app"] if script else ["flask", "--app", "flask_app"]
        command = [*flask, "stock", "import", str(path), "--workshop", shop.slug, "--of", of]
        super().__init__(command, app, path.with_suffix(".log"), database=database, redis=redis, smtp_port=1)

    def ends(self) -> int:
        return self.process.wait(SECONDS * 3)

    def killed_once_told(self, line: int) -> bool:
        """Kill it as soon as a line is told, or it has ended; return whether it was so far and had not said that it is done."""
        until = time.monotonic() + SECONDS * 3
        while f"line {line}: " not in self.all_said and self.process.poll() is None:
            assert time.monotonic() < until, self.said
            time.sleep(0.002)
        self.kill()
        return f"line {line}: " in self.all_said and "refused." not in self.all_said

    @property
    def all_said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


def there(shop: Shop, of: str) -> int:
    """Return how many of a table's lines are in the database."""
    with shop.inside():
        if of == "suppliers":
            return db.session.query(Supplier).filter_by(workshop_id=shop.id).count()
        parts = db.session.query(Part).filter_by(workshop_id=shop.id)
        return parts.filter(Part.on_hand.is_not(None)).count() if of == "stock" else parts.count()


def make_parts(shop: Shop, number: int) -> None:
    with shop.inside(), atomic() as session:
        session.add_all(
            Part(
                workshop_id=shop.id,
                sku=f"S-{row}",
                name=f"Part {row}",
                price=Decimal(1),
                unit=PIECE,
                pricing=FIXED,
            )
            for row in range(number)
        )


@pytest.mark.parametrize(
    ("of", "batches"),
    [("parts", (0, 1, 2)), ("suppliers", (1,)), ("stock", (1,))],
    ids=["parts", "suppliers", "stock"],
)
def test_killed_while_it_writes_it_leaves_nothing_and_is_begun_again(
    app: Flask,
    shop: Shop,
    tmp_path: Path,
    database_url: str,
    redis_url: str,
    of: str,
    batches: tuple[int, ...],
) -> None:
    path = table(tmp_path, FEW, of)
    if of == "stock":
        make_parts(shop, FEW)

    for batch in batches:
        killed = Importing(app, shop, path, database_url, redis_url, of)
        assert killed.killed_once_told(batch * LINES_AT_ONCE + 2), killed.said
        assert there(shop, of) == 0

    finished = Importing(app, shop, path, database_url, redis_url, of)
    assert finished.ends() == 0, finished.said
    assert there(shop, of) == FEW


def test_killed_on_the_doorstep_of_the_commit_it_leaves_all_or_nothing(
    app: Flask, shop: Shop, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    killed = Importing(app, shop, table(tmp_path, FEW), database_url, redis_url, "parts")

    killed.killed_once_told(FEW + 1)

    assert f"line {FEW + 1}: " in killed.all_said
    assert there(shop, "parts") in {0, FEW}


def test_control_one_that_commits_each_batch_leaves_some(
    app: Flask, shop: Shop, tmp_path: Path, database_url: str, redis_url: str
) -> None:
    path = table(tmp_path, FEW)

    killed = Importing(app, shop, path, database_url, redis_url, "parts", BY_BATCHES)

    assert killed.killed_once_told(LINES_AT_ONCE + 2), killed.said
    assert 0 < there(shop, "parts") < FEW


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

    assert there(shop, "parts") == ROWS
    assert lasted <= SECONDS
    assert peaks[1] - peaks[0] <= FLAT


class Measured(MailProcess):
    """A process that says how much memory it took."""

    def __init__(self, words: list[str], app: Flask, log: Path, database: str, redis: str) -> None:
        super().__init__(words, app, log, database=database, redis=redis, smtp_port=1)
