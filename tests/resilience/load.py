"""A client as plain as can be: one connection a request, and a broken one is an outcome like any other."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

BROKEN = 0
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """What came of a request; `status` is BROKEN where the connection broke before an answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    phase: str = ""

    @property
    def is_proper_refusal(self) -> bool:
        """Whether this is a problem document that says when to come back."""
        return (
            self.headers.get("content-type") == "application/problem+json"
            and self.headers.get("retry-after", "").isdigit()
            and self.body["code"] == "unavailable"
        )


def send(
    port: int,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: Any = None,
    phase: str = "",
) -> Answer:
    """Send a request to 127.0.0.1:`port`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    content = None if body is None else json.dumps(body)
    sent = {**(headers or {}), **({} if body is None else {"Content-Type": "application/json"})}
    try:
        connection.request(method, path, content, sent)
        answer = connection.getresponse()
        text = answer.read()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, told, json.loads(text) if text else None, phase)
    except (OSError, http.client.HTTPException):
        return Answer(BROKEN, phase=phase)
    finally:
        connection.close()


class Load:
    """Callers who open tickets and read them, until they are told to stop; each answer carries the phase it was asked in."""

    def __init__(self, port: int, headers: dict[str, str], ticket: dict[str, Any], callers: int = 6) -> None:
        self.phase = "before"
        self.answers: list[Answer] = []
        self._port, self._headers, self._ticket = port, headers, ticket
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(callers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS + 10)

    def _call(self) -> None:
        last = None
        while not self._ended.wait(0.02):
            made = self._send("POST", "/service_tickets", self._ticket)
            if made.status == 201:
                last = made.body["id"]
            self._send("GET", "/service_tickets?per_page=5")
            self._send("GET", f"/service_tickets/{last}" if last else "/inventory")

    def _send(self, method: str, path: str, body: Any = None) -> Answer:
        answer = send(self._port, method, path, self._headers, body, self.phase)
        self.answers.append(answer)
        return answer

    def enter(self, phase: str, answers: int) -> None:
        """Go over to `phase` and wait until so many of its requests have been answered."""
        self.phase = phase
        end = time.monotonic() + 2 * PATIENCE_SECONDS
        while sum(answer.phase == phase for answer in list(self.answers)) < answers:
            assert time.monotonic() < end, f"Too few answers in the phase {phase}: {self.statuses()}"
            time.sleep(0.02)

    def statuses(self, *phases: str) -> Counter[int]:
        """Count the answers by status, those of `phases` or all."""
        return Counter(answer.status for answer in self.answers if not phases or answer.phase in phases)

    @property
    def acknowledged(self) -> set[int]:
        """The ids of the tickets that a caller was told exist."""
        return {answer.body["id"] for answer in self.answers if answer.status == 201}
