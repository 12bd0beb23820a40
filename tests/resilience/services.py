"""Services of the tests' own, to be stopped and killed: a PostgreSQL cluster, a Redis, and the API under gunicorn.

Where a program is missing, the machine's own service is borrowed behind a proxy, and only seems to stop.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import redis
from flask import Flask
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.engine import Engine

from tests.resilience.load import send
from tests.resilience.proxy import Proxy

ROOT = Path(__file__).parents[2]
STARTING_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def until(condition: Callable[[], Any], what: str, seconds: float = STARTING_SECONDS) -> None:
    """Wait for `condition`; fail when it does not come within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"Not within {seconds:.0f} seconds: {what}."
        time.sleep(0.05)


# ---- PostgreSQL -------------------------------------------------------------------------------------------------


class Database(Protocol):
    """A database that can be stopped and started: `fast` as an administrator does it, `immediate` as a crash does."""

    url: str

    def stop(self, mode: str) -> None: ...

    def start(self) -> None: ...

    def close(self) -> None: ...


def binaries() -> Path | None:
    """Return the folder with PostgreSQL's newest `initdb` and `pg_ctl` on this machine, None without."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if found := shutil.which("pg_ctl"):
        folders.append(Path(found).resolve().parent)
    complete = [folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()]
    return complete[-1] if complete else None


class PrivateCluster:
    """A PostgreSQL cluster in a folder of its own. It refuses to run as root, so root runs it as `postgres`."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="shop-postgresql-"))
        self._user: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self._run(
            "initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"
        )
        self.port = free_port()
        self.url = f"postgresql+pg8000://postgres@127.0.0.1:{self.port}/postgres"
        self.start()

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments, "--pgdata", str(self._folder / "data")]
        done = subprocess.run(
            command,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            **self._user,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def start(self) -> None:
        listening = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._run(
            "pg_ctl", "start", "--wait", "--silent", f"--log={self._folder / 'log'}", f"--options={listening}"
        )

    def stop(self, mode: str) -> None:
        self._run("pg_ctl", "stop", "--wait", "--silent", f"--mode={mode}")

    def close(self) -> None:
        with suppress(AssertionError):
            self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)


class BorrowedDatabase:
    """A database in a server that others use too: stopping it ends its own connections and refuses new ones."""

    def __init__(self, url: str) -> None:
        self._server = make_url(url)
        self._name = f"{self._server.database}_resilience"
        self._admin = create_engine(self._server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        self._execute(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')
        self._execute(f'CREATE DATABASE "{self._name}"')
        self._proxy = Proxy((self._server.host or "127.0.0.1", self._server.port or 5432))
        through = self._server.set(host="127.0.0.1", port=self._proxy.port, database=self._name)
        self.url = through.render_as_string(hide_password=False)

    def _execute(self, statement: str, **values: Any) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement), values)

    def stop(self, mode: str) -> None:
        if mode == "fast":
            self._execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name",
                name=self._name,
            )
        self._proxy.refuse()

    def start(self) -> None:
        self._proxy.serve()

    def close(self) -> None:
        self._proxy.close()
        self._execute(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')
        self._admin.dispose()


def database(url: str) -> Database:
    """Return a cluster of the tests' own where that can be made, else a database behind a proxy in the server at `url`."""
    programs = binaries()
    return PrivateCluster(programs) if programs else BorrowedDatabase(url)


# ---- Redis ------------------------------------------------------------------------------------------------------


class RedisServer(Protocol):
    """A Redis that can be stopped and started."""

    url: str

    @property
    def address(self) -> tuple[str, int]: ...

    def stop(self) -> None: ...

    def start(self) -> None: ...

    def close(self) -> None: ...


class PrivateRedis:
    """A Redis process that keeps nothing on disk: started again, it is empty."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._folder = tempfile.mkdtemp(prefix="shop-redis-")
        self._process: subprocess.Popen[bytes] | None = None
        self.address = ("127.0.0.1", free_port())
        self.url = f"redis://127.0.0.1:{self.address[1]}/0"
        self.start()

    def start(self) -> None:
        command = [
            self._program,
            "--port",
            str(self.address[1]),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self._process = subprocess.Popen(
            [*command, "--dir", self._folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers, "Redis answers")

    def _answers(self) -> bool:
        with suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


class BorrowedRedis:
    """A database of a Redis that others use too, behind a proxy."""

    def __init__(self, url: str) -> None:
        parts = redis.connection.parse_url(url)
        self._proxy = Proxy((parts.get("host", "127.0.0.1"), parts.get("port", 6379)))
        self.address = ("127.0.0.1", self._proxy.port)
        self.url = f"redis://127.0.0.1:{self._proxy.port}/{parts.get('db', 0)}"
        with redis.Redis.from_url(self.url) as client:
            client.flushdb()

    def start(self) -> None:
        self._proxy.serve()

    def stop(self) -> None:
        self._proxy.refuse()

    def close(self) -> None:
        self._proxy.close()


def redis_server(url: str) -> RedisServer:
    """Return a Redis of the tests' own where there is the program, else the one at `url` behind a proxy."""
    program = shutil.which("redis-server")
    return PrivateRedis(program) if program else BorrowedRedis(url)


# ---- The API ----------------------------------------------------------------------------------------------------


class Server:
    """The API as it is served: gunicorn with two workers and the settings of production."""

    def __init__(
        self, made_with: Flask, database_url: str, redis_url: str, log: Path, *, waits: bool = True
    ) -> None:
        self.port = free_port()
        self._log = log
        known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        config = made_with.config
        settings = {
            "APP_ENV": "production",
            "SECRET_KEY": config["SECRET_KEY"],
            "ENCRYPTION_KEYS": config["ENCRYPTION_KEYS"][0],
            "BLIND_INDEX_KEY": config["BLIND_INDEX_KEY"],
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "2",
            "LOG_LEVEL": "WARNING",
            **{f"RATE_LIMIT_{name.upper()}": "1000000/hour" for name in config["RATE_LIMITS"]},
            "RATE_LIMIT_RANKING": "5/day",
        }
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            "gunicorn.conf.py",
            "--bind",
            f"127.0.0.1:{self.port}",
        ]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "flask_app:app"], cwd=ROOT, env={**known, **settings}, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            until(lambda: self.answers("/readyz" if waits else "/livez"), "the API answers")
        except AssertionError as error:
            self.close()
            raise AssertionError(f"{error} It said: {self.said}") from error

    @property
    def said(self) -> str:
        """What the processes wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def answers(self, path: str = "/health") -> bool:
        """Tell whether both workers answer `path` with 200, as far as ten requests can show."""
        return len(self.workers()) == 2 and all(send(self.port, "GET", path).status == 200 for _ in range(10))

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == self.process.pid:
                    found.append(int(entry.name))
        return found

    def kill(self, workers: list[int]) -> None:
        """Kill workers as the kernel does when memory is short."""
        for worker in workers:
            os.kill(worker, signal.SIGKILL)

    def close(self) -> None:
        """Stop the service; what hangs is killed."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill(self.workers())
            self.process.kill()
            self.process.wait(10)


def engine_of(url: str) -> Engine:
    """Return an engine that keeps no connections, and so outlives the server's restarts."""
    return create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
