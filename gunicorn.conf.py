"""How gunicorn serves the API: `gunicorn -c gunicorn.conf.py flask_app:app`.

The environment decides, and `.env` beside this file fills in what the environment leaves open.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

from environs import Env
from gunicorn import util
from gunicorn.glogging import Logger

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # gunicorn may have been started elsewhere

from app.core.headers import SECURITY_HEADERS  # noqa: E402
from app.core.lean import without  # noqa: E402

with without("rich"):  # for tracebacks in colour, which no server writes: 4 MB of each worker
    import structlog

settings = Env()
settings.read_env(ROOT / ".env", recurse=False)


def setting(name: str, default: str = "") -> str:
    """Return the setting `name`; an empty one counts as absent."""
    return settings.str(name, "").strip() or default


def whole_number(name: str, default: int) -> int:
    """Return the setting `name` as a number."""
    given = setting(name)
    if given and not given.isdecimal():
        sys.exit(f"{name} is {given!r}: it takes a whole number.")
    return int(given) if given else default


def hold_one_heap() -> None:
    """Let glibc keep one heap for all threads: with one each, every thread's retains the memory of a password's check."""
    arena_max = -8  # M_ARENA_MAX of malloc.h
    with contextlib.suppress(OSError, AttributeError):  # another C library has its own ways
        ctypes.CDLL("libc.so.6").mallopt(arena_max, 1)


hold_one_heap()


def write_problem(connection: Any, status: int, reason: str, message: str) -> None:
    """Refuse what is no HTTP request, and never reaches the application, as all else is refused: by a problem document."""
    problem = {
        "type": "/problems/invalid_request",
        "title": "The request is not valid.",
        "status": status,
        "detail": (message or reason)[:200],
        "code": "invalid_request",
        "request_id": secrets.token_hex(12),
    }
    body = json.dumps(problem).encode()
    headers = {
        "Connection": "close",
        "Content-Type": "application/problem+json",
        "Content-Length": len(body),
        "X-Request-Id": problem["request_id"],
        "Cache-Control": "no-store",
        **SECURITY_HEADERS,
    }
    head = (
        f"HTTP/1.1 {status} {reason}\r\n"
        + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        + "\r\n"
    )
    util.write_nonblock(connection, head.encode("latin-1", "replace") + body)


util.write_error = write_problem  # gunicorn's own is a page of HTML


def worker_count() -> int:
    """Return how many processes serve: without Redis one, since each would count limits and cache for itself."""
    shared = bool(setting("REDIS_URL"))
    wanted = max(1, whole_number("WEB_CONCURRENCY", 2 if shared else 1))
    if wanted > 1 and not shared:
        print(
            f"WEB_CONCURRENCY={wanted} needs REDIS_URL: without it limits and cache live in each process. "
            "Serving with 1 worker.",
            file=sys.stderr,
        )
        return 1
    return wanted


production = setting("APP_ENV", setting("FLASK_ENV")).lower().startswith("production")
port = whole_number("PORT", 5000)

bind = f"0.0.0.0:{port}"
worker_class = "gthread"
workers = worker_count()
threads = max(1, whole_number("WEB_THREADS", 8))
timeout = 30
graceful_timeout = 25  # less than the 30 seconds that Render and compose.yaml allow for a stop
keepalive = 5
max_requests = whole_number("WEB_MAX_REQUESTS", 0)
max_requests_jitter = max_requests // 10
preload_app = False
control_socket_disable = True
if Path("/dev/shm").is_dir():  # noqa: S108 - where gunicorn's own heartbeat files can't stall on a disk
    worker_tmp_dir = "/dev/shm"  # noqa: S108

# The application alone judges X-Forwarded-*, by TRUSTED_PROXIES; gunicorn believes nobody's.
forwarded_allow_ips = setting("FORWARDED_ALLOW_IPS")

errorlog = "-"
accesslog = None  # the application logs each request itself, with its request id
loglevel = setting("LOG_LEVEL", "info").lower()


class JsonLogger(Logger):
    """Gunicorn's own messages as JSON lines, like the application's."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        formatter = structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
        for handler in self.error_log.handlers:
            handler.setFormatter(formatter)


if production:
    logger_class = JsonLogger


def post_worker_init(worker: Any) -> None:
    """End a worker on Ctrl-C as on SIGTERM: it answers what it has begun. Start its jobs, where the server does them.

    A terminal's Ctrl-C reaches a worker twice, once by way of the master. gunicorn's own handler locks the thread pool, and
    a second signal that comes in the middle of it waits for that lock forever, until the worker is killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the master passes it on, as SIGQUIT
    hub = getattr(worker.wsgi, "extensions", {}).get("live")

    def leave(number: int, frame: Any) -> None:
        if hub is not None:
            hub.is_stopping = True  # who watches a ticket is sent home within a second
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGQUIT, leave)
    signal.signal(signal.SIGTERM, leave)
    if worker.wsgi.config.get(
        "JOBS_IN_SERVER"
    ):  # a bare application, such as the benchmark's reference, has none
        worker.wsgi.extensions["jobs"].start()


def worker_exit(server: Any, worker: Any) -> None:
    """Let the jobs of a worker that ends finish what they are at."""
    if "jobs" in getattr(getattr(worker, "wsgi", None), "extensions", {}):
        worker.wsgi.extensions["jobs"].stop()


def when_ready(server: Any) -> None:
    """Tell who ran `make run` where to look, and what `flask demo` said: how to sign in."""
    if not setting("SHOW_WELCOME"):
        return
    address = f"http://localhost:{port}"
    lines = ["", f"  The API      {address}", f"  Its docs     {address}/api/docs  and  {address}/api/redoc"]
    if said := setting("WELCOME_NOTE"):
        lines += ["", *(f"  {line}" for line in said.splitlines()), ""]
    print("\n".join([*lines, "  Ctrl-C ends it.", ""]), flush=True)
