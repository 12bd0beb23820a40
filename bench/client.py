"""The bundled load client, for machines without wrk: threads with one kept-alive connection each.

`python bench/client.py PORT PLAN SECONDS CONNECTIONS` prints the same line of JSON that wrk.lua does. Being Python, it takes
more of the machine than wrk, which lowers every figure and the reference's most.
"""

from __future__ import annotations

import itertools
import json
import socket
import sys
import threading
import time
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path


@dataclass
class Tally:
    """What one connection saw."""

    answered: int = 0
    failed: int = 0


def read_plan(path: Path) -> list[bytes]:
    """Return the requests of a plan, as they go on the wire."""
    requests = []
    with path.open("rb") as plan:
        while length := plan.readline():
            requests.append(plan.read(int(length)))
    return requests


def exchange(connection: socket.socket, request: bytes) -> int:
    """Send one request, read its answer whole and return the status."""
    connection.sendall(request)
    answer = HTTPResponse(connection, method=request.partition(b" ")[0].decode())
    answer.begin()
    answer.read()
    return answer.status


def keep_asking(
    port: int, plan: list[bytes], places: itertools.count[int], until: float, tally: Tally
) -> None:
    """Send the plan's next request as soon as the last one is answered, until the time is over."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    while time.perf_counter() < until:
        try:
            status = exchange(connection, plan[next(places) % len(plan)])
        except (OSError, HTTPException):
            tally.failed += 1
            connection.close()
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            continue
        tally.answered += 1
        tally.failed += status >= 400
    connection.close()


def main(port: int, plan: list[bytes], seconds: float, connections: int) -> None:
    """Ask over all connections at once and print what came of it."""
    places, tallies = itertools.count(), [Tally() for _ in range(connections)]
    begun = time.perf_counter()
    threads = [
        threading.Thread(target=keep_asking, args=(port, plan, places, begun + seconds, tally))
        for tally in tallies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    summary = {
        "requests": sum(tally.answered for tally in tallies),
        "seconds": took,
        "failed": sum(tally.failed for tally in tallies),
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main(int(sys.argv[1]), read_plan(Path(sys.argv[2])), float(sys.argv[3]), int(sys.argv[4]))
