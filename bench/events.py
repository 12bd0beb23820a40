"""How soon a watcher hears of a commit: `make bench-events` writes bench/EVENTS.md, and fails where that is beyond its target.

Two workers of gunicorn with Redis, each of which takes half of the watchers and no more; a third process commits changes of a
ticket and notes the moment after each commit. All read one clock of one machine (CLOCK_MONOTONIC). Latency is from commit to
the event's last byte at the watcher.
"""

from __future__ import annotations

import json
import platform
import secrets
import socket
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import flask_migrate
from flask import Flask
from sqlalchemy import create_engine, text

from app import create_app
from app.blueprints.accounts import service as accounts
from app.blueprints.accounts import sessions
from app.blueprints.customers import service as customers
from app.blueprints.service_tickets import service as tickets
from app.blueprints.workshops import service as workshops
from app.core import identity
from app.core.db import atomic
from app.core.identity import Principal
from app.core.tenancy import acting_in
from bench.servers import WORKERS, serving
from bench.settings import claimed, production, read_settings

CHANGES = 300
WATCHERS = 6
PAUSE = 0.03
REPORT = Path(__file__).with_name("EVENTS.md")
TARGET_MS = 50


@dataclass
class Watcher:
    """A connection that reads events, and when each version arrived."""

    port: int
    ticket_id: int
    token: str
    arrived: dict[int, float] = field(default_factory=dict)

    def run(self) -> None:
        while (
            not self._has_listened()
        ):  # that worker has its watchers: another connection may be taken by the other one
            time.sleep(0.1)

    def _has_listened(self) -> bool:
        """Listen until the stream ends, or tell that there was none to listen to."""
        request = (
            f"GET /service_tickets/{self.ticket_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Workshop: events\r\n"
            f"Authorization: Bearer {self.token}\r\nConnection: close\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as connection:
            connection.sendall(request.encode())
            waiting = b""
            while part := connection.recv(65536):
                moment = time.monotonic()
                waiting += part
                *events, waiting = waiting.split(b"\n\n")
                for event in events:
                    if b"data: {" in event and b"event: ticket" in event:
                        self.arrived[json.loads(event.split(b"data: ")[1])["version"]] = moment
        return bool(self.arrived)

    def heard_of(self, version: int) -> float | None:
        """Return when the watcher heard of a version, be it by a newer one that came in its place; None if it never did."""
        return min((moment for known, moment in self.arrived.items() if known >= version), default=None)


def main() -> None:
    settings = read_settings()
    url = settings.database.set(
        database=f"{settings.database.database}_events", drivername="postgresql+pg8000"
    )
    server = create_engine(
        settings.database.set(drivername="postgresql+pg8000", database="postgres"),
        isolation_level="AUTOCOMMIT",
    )
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{url.database}"'))
    address = url.render_as_string(hide_password=False)
    kept = claimed(settings.redis_url)
    environment = {
        **production(), **{name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "BLIND_INDEX_KEY")},
        "DATABASE_URL": address, "REDIS_URL": settings.redis_url,
        "LIVE_WATCHERS": str(WATCHERS // WORKERS), "RATE_LIMIT_ENABLED": "false",
        "TOKEN_KEYS": "",
    }  # fmt: skip
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            latencies, number = _measured(environment, Path(folder))
    finally:
        kept.flushdb()
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)'))
    REPORT.write_text(_report(latencies, number), encoding="utf-8")
    print(REPORT.read_text(encoding="utf-8"))
    if number < WATCHERS * CHANGES:
        sys.exit(f"{WATCHERS * CHANGES - number} events were not heard.")
    if (median := statistics.median(latencies)) >= TARGET_MS:
        sys.exit(f"A median of {median:.1f} ms is not under {TARGET_MS} ms.")


def _measured(environment: dict[str, str], folder: Path) -> tuple[list[float], int]:
    secrets_ = {name: environment[name] for name in ("SECRET_KEY", "BLIND_INDEX_KEY")}
    app = create_app(
        "development", DATABASE_URL=environment["DATABASE_URL"], REDIS_URL=environment["REDIS_URL"], TOKEN_KEYS={"default":
        secrets_["SECRET_KEY"]},
        ENCRYPTION_KEYS=[environment["ENCRYPTION_KEYS"]], JOBS_IN_SERVER=False, **secrets_,
    )  # fmt: skip
    with app.app_context():
        flask_migrate.upgrade(directory=str(Path(__file__).parent.parent / "migrations"))
    owner, ticket_id, token = _furnished(app)
    with serving("events", "flask_app:app", environment, folder, "/readyz") as server:
        watchers = [Watcher(server.port, ticket_id, token) for _ in range(WATCHERS)]
        threads = [threading.Thread(target=one.run, daemon=True) for one in watchers]
        for thread in threads:
            thread.start()
        _until(lambda: all(one.arrived for one in watchers))
        time.sleep(1)
        commits = _change(app, owner, ticket_id)
        time.sleep(1)
    found = [
        heard - moment
        for one in watchers
        for version, moment in commits.items()
        if (heard := one.heard_of(version)) is not None
    ]
    assert found, "nobody heard anything"
    return [seconds * 1000 for seconds in found], len(found)


def _furnished(app: Flask) -> tuple[Principal, int, str]:
    with app.app_context(), atomic():
        workshop = workshops.open_workshop("Events", "events")
        with acting_in(workshop.id):
            account = accounts.make_account("owner@events.example.com", secrets.token_urlsafe(20))
            accounts.join(workshop.id, account, "owner")
            customer = customers.record(
                workshop.id, name="Ada Obi", email="ada@events.example.com", phone=None
            )
            customer_id = customer.id
    with app.app_context():
        principal = sessions.begin(_member(app)).principal
        with acting_in(principal.workshop_id):
            made = tickets.open_ticket(
                principal,
                VIN="WVWZZZ1JZ00000001",
                service_date=date(2026, 3, 2),
                service_desc="Brakes",
                customer_id=customer_id,
            )
        return principal, made["id"], identity.issue_token(principal)[0]


def _member(app: Flask) -> Principal:
    from app.blueprints.accounts.models import Account, Membership
    from app.core.tenancy import across_workshops
    from app.extensions import db

    with across_workshops():
        account = db.session.query(Account).filter_by(email="owner@events.example.com").one()
        member = db.session.query(Membership).filter_by(account_id=account.id).one()
    return Principal(account.id, member.workshop_id, member.id, "owner", None)


def _change(app: Flask, owner: Principal, ticket_id: int) -> dict[int, float]:
    commits: dict[int, float] = {}
    with app.app_context(), acting_in(owner.workshop_id):
        for number in range(CHANGES):
            changed = tickets.update(owner, ticket_id, {"service_desc": f"Brakes, {number}"})
            commits[changed["version"]] = time.monotonic()
            time.sleep(PAUSE)
    return commits


def _until(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "the watchers did not come"
        time.sleep(0.05)


def _report(latencies: list[float], number: int) -> str:
    ordered = sorted(latencies)
    median, ninety_ninth = statistics.median(ordered), ordered[int(len(ordered) * 0.99) - 1]
    return (
        "# How soon a watcher hears of a commit\n\n"
        f"Made by `make bench-events` on {platform.machine()}, Python {platform.python_version()}. {WATCHERS} watchers over\n"
        f"{WORKERS} workers with Redis, {WATCHERS // WORKERS} on each; {CHANGES} changes of a ticket,\n"
        f"{round(1 / PAUSE)} a second at most; from the return of the commit in the process that made it to the event's last\n"
        "byte at the watcher.\n\n"
        "| Heard | Median | 99 of 100 within | Longest |\n|---|---|---|---|\n"
        f"| {number} of {WATCHERS * CHANGES} | {median:.1f} ms | {ninety_ninth:.1f} ms | {ordered[-1]:.1f} ms |\n\n"
        f"The aim is a median of {TARGET_MS} ms. A change that follows another within a moment may be told together with\n"
        "it: what is told is the newest version, and counts for both.\n"
    )


if __name__ == "__main__":
    main()
