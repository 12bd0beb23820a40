"""The servers under load: gunicorn with the repository's own configuration, on 127.0.0.1, ended whatever happens."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
START_SECONDS = 60
STOP_SECONDS = 30
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Memory:
    """What one worker holds, in MB: resident, its fair share of what is shared, and the most it ever had."""

    resident: float
    proportional: float
    peak: float


@dataclass(frozen=True, slots=True)
class Server:
    """A running gunicorn."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(child) for child in children.split()]

    def processor_seconds(self) -> list[float]:
        """Return how long each worker has kept a processor busy so far."""
        return [_processor_seconds(pid) for pid in self.workers()]

    def memory(self) -> list[Memory]:
        """Return what each worker holds now."""
        return [_memory(pid) for pid in self.workers()]

    def complaints(self) -> str:
        """Return the last of what the server has said that is more than information."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        grave = [line for line in lines if '"warning"' in line or '"error"' in line]
        return "\n".join(line.replace("\\n", "\n") for line in grave[-3:])

    def tail(self) -> str:
        """Return the end of what the server has said."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])


def _processor_seconds(pid: int) -> float:
    _, _, rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")
    user, system = rest.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> Memory:
    rollup = _kilobytes(Path(f"/proc/{pid}/smaps_rollup"))
    status = _kilobytes(Path(f"/proc/{pid}/status"))
    return Memory(rollup["Rss"] / 1024, rollup["Pss"] / 1024, status["VmHWM"] / 1024)


def _kilobytes(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) == 3 and words[2] == "kB"}


@contextlib.contextmanager
def serving(name: str, module: str, environment: dict[str, str], logs: Path, ready: str) -> Iterator[Server]:
    """Run gunicorn with `module` for a block; it is ready when the path `ready` is answered at all.

    :raises RuntimeError: it did not start.
    """
    port, log = _free_port(), logs / f"{name}.log"
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "gunicorn.conf.py",
        "--bind",
        f"127.0.0.1:{port}",
        module,
    ]
    settings = {**environment, "WEB_CONCURRENCY": str(WORKERS), "PORT": str(port)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=settings, stdout=output, stderr=output, preexec_fn=_end_with_parent
        )
    server = Server(port, process, log)
    try:
        _await(server, ready)
        yield server
    finally:
        _stop(process)


def _end_with_parent() -> None:
    """Ask the kernel to end the child when this process ends, even by a signal that nobody can handle."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(server: Server, path: str) -> None:
    request = f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode()
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
                connection.sendall(request)
                if connection.recv(20).startswith(b"HTTP/"):
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server did not start:\n{server.tail()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGQUIT)  # gunicorn's word for now; SIGTERM would wait for what is under way
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
