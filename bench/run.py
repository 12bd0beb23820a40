"""Measure the application beside a bare Flask view: `make bench`. bench/RESULTS.md says what is measured, and how.

Everything runs on this machine and talks to 127.0.0.1 alone. What is started here is ended here.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import databases, report
from bench.databases import Database, NotOurs, short
from bench.load import Answer
from bench.rounds import Application, Reference, keep_answers, run_rounds
from bench.servers import serving
from bench.settings import (
    LARGE,
    SMALL,
    Settings,
    claimed,
    next_number,
    production,
    read_settings,
)
from bench.shop import check_cursor, read_shop


class Bench:
    """One run: what it was asked for, what it started, and where it keeps its files until it ends."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self.settings = settings
        self.stack = stack
        self.environment = production()
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))

    def database(self, tickets: int) -> Database:
        """Return the database with so many tickets, made and loaded if need be."""
        return databases.prepared(self.settings.database, tickets, self.environment, anew=self.settings.anew)

    def application(self, label: str, driver: str, database: Database, redis_url: str) -> Application:
        """Start the application, and find out what is in its shop."""
        kept = claimed(redis_url)
        self.stack.callback(kept.flushdb)
        environment = {
            **self.environment,
            **databases.keys(database.mark),
            "DATABASE_URL": database.address(driver),
            "REDIS_URL": redis_url,
        }
        server = self.stack.enter_context(
            serving(label, "flask_app:app", environment, self.folder, "/readyz")
        )
        shop = read_shop(database, server.port)
        check_cursor(shop, server.port)
        return Application(label, server, database=database, shop=shop, kept=kept)

    def plan(self, application: Application) -> dict[str, Answer]:
        """Check what `application` answers to each workload, and return one answer to each."""
        return {
            workload.name: application.plan(workload, self.folder, self.settings.seconds)
            for workload in self.settings.workloads
        }

    def reference(self, model: Application) -> Reference:
        """Start the reference, which answers what `model` answers to each workload."""
        answers = self.plan(model)
        kept = self.folder / "answers.json"
        keep_answers(kept, answers)
        environment = {**self.environment, "REDIS_URL": self.settings.redis_url, "BENCH_ANSWERS": str(kept)}
        server = self.stack.enter_context(
            serving("reference", "bench.reference:app", environment, self.folder, "/")
        )
        made = Reference("reference", server)
        for workload in self.settings.workloads:
            made.plan(workload, self.folder, model.requests[workload.name][0], answers[workload.name])
        return made


def main() -> None:
    """Prepare, check, measure, tell."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended."))
    settings = read_settings()
    with ExitStack() as stack:
        _run(Bench(settings, stack))


def _run(bench: Bench) -> None:
    settings = bench.settings
    database = bench.database(SMALL)
    applications = [
        bench.application(driver, driver, database, settings.redis_url) for driver in settings.drivers
    ]
    large = _large(bench) if settings.scale else None
    print("Checking the answers ...", flush=True)
    reference = bench.reference(applications[0])
    for other in (*applications[1:], *([large] if large else [])):
        bench.plan(other)
    subjects = [*applications, *([large] if large else []), reference]
    run_rounds(subjects, settings.workloads, settings.rounds, settings.seconds)
    report.tell(settings, applications, large, reference)


def _large(bench: Bench) -> Application:
    """Start the application by the default driver on the large database."""
    driver = bench.settings.drivers[0]
    database = bench.database(LARGE)
    return bench.application(
        f"{driver}-{short(LARGE)}", driver, database, next_number(bench.settings.redis_url)
    )


if __name__ == "__main__":
    try:
        main()
    except NotOurs as refusal:
        sys.exit(str(refusal))
    except KeyboardInterrupt:
        sys.exit(130)
