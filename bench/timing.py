"""Whether time tells who has an account: `make bench-timing` writes bench/TIMING.md.

Signing in with a wrong password, asking for a recovery code, bringing a wrong code and registering are each sent in turn for an
address that has an account and for one that has none, every address once. The two samples of times are compared by the
Mann-Whitney U test (H. B. Mann and D. R. Whitney, Annals of Mathematical Statistics 18, 1947; normal approximation, two-sided):
p is how often chance alone would set them apart this far. The effect is the probability that a known address took longer than
an unknown one, 0.5 where nothing tells them apart.
"""

from __future__ import annotations

import logging
import math
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import flask_migrate
from flask import Flask

from app import create_app
from app.blueprints.accounts import service as accounts
from app.blueprints.workshops import service as workshops
from app.core.db import atomic
from app.core.tenancy import acting_in
from config import configuration

ADDRESSES = 400
REPORT = Path(__file__).with_name("TIMING.md")
WARM_UP = 20


@dataclass(frozen=True)
class Comparison:
    """What one kind of request took for known and unknown addresses, in milliseconds."""

    name: str
    known: list[float]
    unknown: list[float]

    @property
    def effect(self) -> float:
        """The probability that a known address took longer than an unknown one."""
        return _u(self.known, self.unknown) / (len(self.known) * len(self.unknown))

    @property
    def p(self) -> float:
        n, m = len(self.known), len(self.unknown)
        deviation = math.sqrt(n * m * (n + m + 1) / 12)
        return math.erfc(abs(_u(self.known, self.unknown) - n * m / 2) / deviation / math.sqrt(2))

    def row(self) -> str:
        known, unknown = statistics.median(self.known), statistics.median(self.unknown)
        return f"| {self.name} | {known:.2f} | {unknown:.2f} | {self.effect:.3f} | {self.p:.3f} |"


def _u(first: list[float], second: list[float]) -> float:
    """Return in how many pairs the first is greater, equal ones counted half."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    total, start = 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        total += (start + end + 1) / 2 * sum(1 for _, group in ranked[start:end] if group == 0)
        start = end
    return total - len(first) * (len(first) + 1) / 2


def make_accounts(app: Flask, addresses: list[str]) -> None:
    """Open a workshop with an owner for each address."""
    with app.app_context(), atomic():
        workshop = workshops.found("Timing")
        with acting_in(workshop.id):
            for address in addresses:
                accounts.join(
                    workshop.id, accounts.make_account(address, "an-uncommon-pair-of-pliers"), "owner"
                )


def compare(
    app: Flask, name: str, path: str, body: Callable[[str], dict[str, Any]], known: list[str]
) -> Comparison:
    """Send a request for each known address and for as many unknown ones, the order within a pair changing each time."""
    client = app.test_client()
    times: dict[bool, list[float]] = {True: [], False: []}
    for number, address in enumerate(known):
        pair = [(True, address), (False, f"nobody-{name.replace(' ', '-')}-{number}@example.com")]
        for has_account, email in pair if number % 2 else reversed(pair):
            sent = body(email)
            began = time.perf_counter()
            client.post(path, json=sent)
            times[has_account].append((time.perf_counter() - began) * 1000)
    return Comparison(name, times[True][WARM_UP:], times[False][WARM_UP:])


def main() -> None:
    """Compare, print and keep the report."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = configuration("development", DATABASE_URL=f"sqlite:///{folder}/timing.db", REDIS_URL="")
        settings.RATELIMIT_ENABLED = False
        settings.LOG_LEVEL = logging.WARNING
        settings.FREE_TRIES_BY_ADDRESS = 10**9
        app = create_app(settings)
        app.logger.disabled = True
        with app.app_context():
            flask_migrate.upgrade()
        known = [f"somebody-{number}@example.com" for number in range(ADDRESSES)]
        print(f"Making {ADDRESSES} accounts ...", flush=True)
        make_accounts(app, known)
        person = {"name": "Ada Obi", "password": "another-uncommon-pair-of-pliers"}
        found = [
            compare(app, *request, known)
            for request in (
                ("signing in", "/auth/login", lambda email: {"email": email, "password": "wrong"}),
                ("asking to recover", "/auth/recovery", lambda email: {"email": email}),
                ("a wrong code", "/auth/recovery/code", lambda email: {"email": email, "code": "000000"}),
                (
                    "registering",
                    "/customers",
                    lambda email: {**person, "email": email, "phone": f"555-{abs(hash(email)) % 10**9:09d}"},
                ),
            )
        ]
    lines = [
        "# Whether time tells who has an account",
        "",
        "`make bench-timing` writes this page; `bench/timing.py` says how it compares.",
        "",
        "| Request | known, median ms | unknown, median ms | effect | p |",
        "|---|---:|---:|---:|---:|",
        *(comparison.row() for comparison in found),
        "",
        "Registering answers 201 or 409 all the same; its answers, and those to codes, leave at whole steps of time",
        "(`REGISTRATION_STEP_MS`).",
        "",
        f"{ADDRESSES - WARM_UP} pairs each, in one process on SQLite, Python {platform.python_version()}.",
        "",
    ]
    REPORT.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
