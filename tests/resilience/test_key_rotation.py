"""Keys are rotated over 100,000 rows while requests are served and the rotation is killed: no read fails, nothing lies open."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

from tests.conftest import DATABASE_URL, REDIS_URL
from tests.resilience.services import free_port, until

ROOT = Path(__file__).parents[2]
ROWS = int(os.environ.get("ROTATION_ROWS", "100000"))
WRITTEN = 2_000  # of them, the first, are changed while the keys are
OLD, NEW = "old-" + "0123456789abcdef" * 3, "new-" + "fedcba9876543210" * 3
PLAIN = "ZZPLAIN"
SERVER = DATABASE_URL or "postgresql+pg8000://postgres@127.0.0.1:5432/postgres"

# Fills an installation in a process of its own, under the old key.
FILL = f"""
import sys
from sqlalchemy import select
from app import create_app
from app.blueprints.customers import profiles
from app.blueprints.customers.models import Customer, CustomerProfile
from app.blueprints.workshops.models import Workshop
from app.commands.demo.bulk import reserve, write
from app.core import clock
from app.core.db import atomic
from app.extensions import db

with create_app("development").app_context(), atomic() as session:
    connection, rows, now = session.connection(), int(sys.argv[1]), clock.now()
    shop = session.scalar(select(Workshop.id).where(Workshop.id > 0))
    first = reserve(connection, Customer, rows)
    common = {{"workshop_id": shop, "version": 1, "created_at": now, "updated_at": now}}
    write(connection, Customer, (
        {{**common, "id": first + n, "name": "Ada Obi", "email": None, "phone": None, "erased_at": None}} for n in range(rows)
    ))
    write(connection, CustomerProfile, (
        {{
            **common, "customer_id": first + n, "city": "Openville", "national_id_kind": "GB-NINO",
            "national_id": f"{PLAIN}{{n:06d}}", "national_id_digest": profiles.digest("GB-NINO", f"{PLAIN}{{n:06d}}"),
        }}
        for n in range(rows)
    ))
    print(first)
"""


@dataclass
class Served:
    """An installation with its server."""

    environment: dict[str, str]
    port: int = 0
    first: int = 0
    token: str = ""

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=550, **options
        )  # fmt: skip

    def flask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "flask", "--app", "flask_app", *words)

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    def is_ready(self) -> bool:
        try:
            return self.send("GET", "/readyz")[0] == 200
        except OSError:
            return False

    @contextmanager
    def serving(self, keys: str, log: Path) -> Iterator[None]:
        self.environment["ENCRYPTION_KEYS"], self.port = keys, free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "flask_app:app"],
                cwd=ROOT, env={**self.environment, "PORT": str(self.port)}, stdout=output, stderr=output,
            )  # fmt: skip
        try:
            until(self.is_ready, "the server is ready")
            door = {"email": "owner@example.com", "password": "demo-garage-2026"}
            self.token = self.send("POST", "/mechanics/login", door)[1]["auth_token"]
            yield
        finally:
            process.terminate()
            process.wait(40)

    def left(self) -> int:
        """Return how many rows are not under the newest key, told by the last row, which is old until the end."""
        with create_engine(self.environment["DATABASE_URL"], poolclass=NullPool).connect() as connection:
            statement = (
                "SELECT count(*) FROM customer_profiles WHERE substr(national_id, 1, 5) ="
                " (SELECT substr(national_id, 1, 5) FROM customer_profiles WHERE customer_id = :last)"
            )
            return int(connection.execute(text(statement), {"last": self.first + ROWS - 1}).scalar_one())


@dataclass
class Traffic:
    """Readers of any row and a writer of the first ones, until it is over."""

    served: Served
    reads: list[tuple[int, Any]] = field(default_factory=list)
    failed: list[Any] = field(default_factory=list)
    written: dict[int, str] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def read(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self.over.is_set():
            number = chance.randrange(WRITTEN, ROWS)
            status, body = self.served.send("GET", f"/customers/{self.served.first + number}/profile")
            self.reads.append((number, status))
            if status != 200 or body["national_id"] != f"{PLAIN}{number:06d}":
                self.failed.append((number, status, body))

    def write(self) -> None:
        for number in itertools.cycle(range(WRITTEN)):
            if self.over.is_set():
                return
            national_id = f"AB{len(self.written):06d}C"
            body = {"national_id_kind": "GB-NINO", "national_id": national_id}
            if number in self.written:
                continue
            status, told = self.served.send("PATCH", f"/customers/{self.served.first + number}/profile", body)
            if status == 200:
                self.written[number] = national_id
            else:
                self.failed.append((number, status, told))

    def __enter__(self) -> Traffic:
        self.threads = [threading.Thread(target=self.read, args=(seed,)) for seed in range(3)]
        self.threads.append(threading.Thread(target=self.write))
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join(60)


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """An installation with 100,000 national ids under the old key."""
    url, server = f"sqlite:///{tmp_path / 'shop.db'}", None
    if request.param == "postgresql":
        name = f"{make_url(SERVER).database}_rotation"
        server = create_engine(SERVER, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        url = make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    strong = "strong-" + "a1b2c3d4e5f60718" * 3
    made = Served(
        {
            **os.environ, "APP_ENV": "development", "DATABASE_URL": url, "SECRET_KEY": strong, "TOKEN_KEYS": "",
            "REDIS_URL": REDIS_URL if server is not None else "", "BLIND_INDEX_KEY": strong, "ENCRYPTION_KEYS": OLD,
            "RATE_LIMIT_ENABLED": "false", "LOG_LEVEL": "WARNING",
        }
    )  # fmt: skip
    for command in (["db", "upgrade"], ["demo", "--tickets", "50"]):
        done = made.flask(*command)
        assert done.returncode == 0, done.stderr
    filled = made.run("-c", FILL, str(ROWS))
    assert filled.returncode == 0, filled.stderr
    made.first = int(filled.stdout.splitlines()[-1])
    yield made
    if server is not None:
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        server.dispose()


def contents(served: Served, folder: Path) -> bytes:
    """Return all that lies in the database: its files on SQLite, a dump of PostgreSQL."""
    url = make_url(served.environment["DATABASE_URL"])
    if url.get_backend_name() == "sqlite":
        return b"".join(path.read_bytes() for path in sorted(folder.glob("shop.db*")))
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return subprocess.run(["pg_dump", plain], capture_output=True, timeout=300, check=True).stdout


def open_words(everything: bytes, *words: str) -> list[str]:
    """Return those of `words` that can be read in a database, as they are or as a dump writes bytes."""
    return [
        word for word in words if word.encode() in everything or word.encode().hex().encode() in everything
    ]


def test_keys_are_rotated_under_load_and_through_a_kill_and_nothing_lies_open(
    served: Served, tmp_path: Path
) -> None:
    with served.serving(f"{NEW},{OLD}", tmp_path / "server.log"), Traffic(served) as traffic:
        command = [sys.executable, "-m", "flask", "--app", "flask_app", "rotate-keys"]
        first = subprocess.Popen(command, cwd=ROOT, env=served.environment, stderr=subprocess.DEVNULL)
        until(lambda: served.left() < ROWS * 0.8, "a fifth is done", 240)
        first.kill()
        first.wait(20)
        half_done = served.left()
        begun = time.monotonic()
        second = served.flask("rotate-keys")
        seconds = time.monotonic() - begun
        reads_meanwhile = len(traffic.reads)
    print(f"{ROWS - half_done:,} rows before the kill, {half_done:,} after it in {seconds:.1f} s,"
          f" {reads_meanwhile:,} reads and {len(traffic.written):,} writes meanwhile")  # fmt: skip

    assert 0 < half_done < ROWS
    assert second.returncode == 0, second.stderr
    assert "Everything is under the newest key" in second.stdout
    assert traffic.failed == []
    assert reads_meanwhile > 50
    assert len(traffic.written) > 5
    with served.serving(NEW, tmp_path / "later.log"):  # the old key is gone
        for number in (0, WRITTEN, ROWS // 2, ROWS - 1):
            expected = traffic.written.get(number, f"{PLAIN}{number:06d}")
            status, profile = served.send("GET", f"/customers/{served.first + number}/profile")
            assert (status, profile["national_id"]) == (200, expected)
        for number, expected in traffic.written.items():
            assert (
                served.send("GET", f"/customers/{served.first + number}/profile")[1]["national_id"]
                == expected
            )
    everything = contents(served, tmp_path)
    assert open_words(everything, "Openville") == ["Openville"]  # what is not encrypted is found by this
    assert open_words(everything, PLAIN, *traffic.written.values()) == []
