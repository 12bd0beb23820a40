"""Whether time tells who has an account: `make bench-timing` writes bench/TIMING.md.

Signing in with a wrong password by each door, by address and by phone, asking for a recovery code, bringing a wrong code and
registering as a customer and with a workshop are each sent in turn for an address (or number) that has an account and for one
that has none, every one once. The two samples of times are compared by the
Mann-Whitney U test (H. B. Mann and D. R. Whitney, Annals of Mathematical Statistics 18, 1947; normal approximation, two-sided):
p is how often chance alone would set them apart this far. The effect is the probability that a known address took longer than
an unknown one, 0.5 where nothing tells them apart.

The last rows are the same requests with the steps of time taken away. Registering is the control, which so many pairs must
tell apart then; a wrong code differs by some 0.05 ms, which they show now and then. It ends with 1 where something is told
(p < 0.001, as eight rows show by chance alone in one run of 125), or the control is not.
"""

from __future__ import annotations

import logging
import math
import platform
import re
import statistics
import sys
import tempfile
import time
import zlib
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

ADDRESSES = 300
SLUG = "timing"
TOLD = 0.001  # the p below which something is told
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


def number_of(address: str) -> str:
    """Return the telephone number that belongs to an address here, and to no other."""
    return f"+1{2_015_550_000 + zlib.crc32(address.encode()) % 900_000_000}"


def make_accounts(app: Flask, addresses: list[str]) -> None:
    """Open a workshop with an owner for each address."""
    with app.app_context(), atomic():
        workshop = workshops.found("Timing", SLUG)
        with acting_in(workshop.id):
            for address in addresses:
                account = accounts.make_account(address, "an-uncommon-pair-of-pliers")
                accounts.join(workshop.id, account, "owner", phone=number_of(address))


def compare(
    app: Flask, name: str, path: str, body: Callable[[str], dict[str, Any]], known: list[str]
) -> Comparison:
    """Send a request for each known address and for as many unknown ones, the order within a pair changing each time."""
    client = app.test_client()
    times: dict[bool, list[float]] = {True: [], False: []}
    for number, address in enumerate(known):
        pair = [(True, address), (False, f"nobody-{re.sub(r'[^a-z]+', '-', name)}-{number}@example.com")]
        for has_account, email in pair if number % 2 else reversed(pair):
            sent = body(email)
            began = time.perf_counter()
            client.post(path, json=sent, headers={"X-Workshop": SLUG})
            times[has_account].append((time.perf_counter() - began) * 1000)
    return Comparison(name, times[True][WARM_UP:], times[False][WARM_UP:])


def _registration(email: str) -> dict[str, Any]:
    return {"name": "Ada Obi", "password": PASSWORD, "email": email, "phone": number_of(email)}


def _opening(email: str) -> dict[str, Any]:
    slug = f"shop-{zlib.crc32(email.encode())}"
    return {"workshop": {"name": "Timing", "slug": slug}, "email": email, "password": PASSWORD}


def _wrong(name: str) -> Callable[[str], dict[str, Any]]:
    return lambda email: {name: number_of(email) if name == "phone" else email, "password": "wrong"}


PASSWORD = "another-uncommon-pair-of-pliers"
REQUESTS: tuple[tuple[str, str, Callable[[str], dict[str, Any]]], ...] = (
    ("signing in", "/auth/login", _wrong("email")),
    ("signing in by phone", "/auth/login", _wrong("phone")),
    ("signing in as a customer", "/customers/login", _wrong("email")),
    ("signing in as staff", "/mechanics/login", _wrong("email")),
    ("asking to recover", "/auth/recovery", lambda email: {"email": email}),
    ("a wrong code", "/auth/recovery/code", lambda email: {"email": email, "code": "000000"}),
    ("registering", "/customers", _registration),
    ("opening a workshop", "/auth/register", _opening),
)
CONTROL = "registering"
WITHOUT_STEPS = ("a wrong code", CONTROL)


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
        found = [compare(app, *request, known) for request in REQUESTS]
        app.config["REGISTRATION_STEP_MS"] = 0
        bare = {
            request[0]: compare(app, f"{request[0]}, without steps", *request[1:], known)
            for request in REQUESTS
            if request[0] in WITHOUT_STEPS
        }
    lines = [
        "# Whether time tells who has an account",
        "",
        "`make bench-timing` writes this page; `bench/timing.py` says how it compares.",
        "",
        "| Request | known, median ms | unknown, median ms | effect | p |",
        "|---|---:|---:|---:|---:|",
        *(comparison.row() for comparison in (*found, *bare.values())),
        "",
        "Registering answers 201 or 409 all the same; its answers, and those to codes, leave at whole steps of time",
        "(`REGISTRATION_STEP_MS`). The last rows are without those steps: registering is told apart then, as a control",
        "has to be; a wrong code, which differs by some 0.05 ms, in some runs alone.",
        "",
        f"{ADDRESSES - WARM_UP} pairs each, in one process on SQLite, Python {platform.python_version()}.",
        "",
    ]
    REPORT.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))
    if any(one.p < TOLD for one in found) or bare[CONTROL].p >= TOLD:
        sys.exit("Time tells who has an account, or the control is not told apart.")


if __name__ == "__main__":
    main()
