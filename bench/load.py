"""Requests, and the tool that sends them under load: wrk when it is on the PATH, else the bundled client."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONNECTIONS = 16  # as many as the two workers have threads


@dataclass(frozen=True, slots=True)
class Request:
    """One request, before it is put on the wire."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def to(self, path: str) -> Request:
        """Return the same request to another path."""
        return replace(self, path=path)

    def on_the_wire(self) -> bytes:
        """Return the request as HTTP/1.1 has it."""
        headers = {"Host": "127.0.0.1", **self.headers}
        if self.body:
            headers["Content-Length"] = str(len(self.body))
        lines = [
            f"{self.method} {self.path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `headers` by name in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        """Return what the body says."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one round of load came to."""

    requests: int
    seconds: float
    failed: int
    busy_seconds: tuple[float, ...] = ()  # of each worker

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def mean_ms(self) -> float:
        """Milliseconds from a request to its answer: by Little's law, since no connection ever rests."""
        return CONNECTIONS / self.rate * 1000

    @property
    def busy_ms(self) -> float:
        """Milliseconds that a worker's processor spends on a request."""
        return sum(self.busy_seconds) / max(1, self.requests) * 1000


def send(port: int, request: Request) -> Answer:
    """Send one request on a connection of its own and return the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(request.method, request.path, request.body or None, request.headers)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, answer.read())
    finally:
        connection.close()


def write_plan(path: Path, requests: Sequence[Request]) -> None:
    """Keep `requests` as a file that both tools read."""
    with path.open("wb") as plan:
        for request in requests:
            wire = request.on_the_wire()
            plan.write(b"%d\n%b" % (len(wire), wire))


def tool() -> str:
    """Return which tool sends the load."""
    return "wrk" if shutil.which("wrk") else "the bundled Python client"


def measure(port: int, plan: Path, seconds: int) -> Measured:
    """Send the plan's requests for `seconds` over all connections.

    :raises RuntimeError: the tool failed, or an answer was an error.
    """
    if wrk := shutil.which("wrk"):
        command = [
            wrk,
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{seconds}s",
            "--timeout",
            "10s",
            "-s",
            str(HERE / "wrk.lua"),
        ]
        command += [f"http://127.0.0.1:{port}/", "--", str(plan)]
    else:
        command = [
            sys.executable,
            str(HERE / "client.py"),
            str(port),
            str(plan),
            str(seconds),
            str(CONNECTIONS),
        ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
    if done.returncode:
        raise RuntimeError(f"The load tool failed: {done.stderr or done.stdout}")
    measured = Measured(**json.loads(done.stdout.strip().splitlines()[-1]))
    if measured.failed:
        raise RuntimeError(f"{measured.failed} of {measured.requests} requests failed: {plan.stem}")
    return measured
