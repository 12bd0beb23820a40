"""The rounds: each workload on each subject in turn, its answers checked before and its cache watched meanwhile."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import redis

from bench.databases import Database
from bench.load import Answer, Measured, Request, measure, send, write_plan
from bench.servers import Server
from bench.settings import empty
from bench.shop import Shop
from bench.workloads import Workload

WARM_UP_SECONDS = 1
REQUESTS_A_SECOND = 2500  # so many different ones are prepared for each second of a round
SAMPLE = 25
REST_SECONDS = 0.5  # in which a server answers what the load tool left behind when its time was over
CHECKED = 3
# gunicorn's workers take connections, not requests, and the load tool keeps the connections it began with: now and then one
# worker gets nearly all, and one processor rests. Such a round says nothing about the application and is run again.
LEAST_PART = 0.4
MOST_TRIES = 5


@dataclass
class Subject:
    """A server under load, and what was measured of it: by workload, one figure a round."""

    label: str
    server: Server
    plans: dict[str, Path] = field(default_factory=dict)
    measured: dict[str, list[Measured]] = field(default_factory=dict)

    def prepare(self, workload: Workload) -> None:
        """Do what must be done before a round."""

    def begin(self, workload: Workload) -> Any:
        """Note what `end` compares with."""

    def end(self, workload: Workload, begun: Any, measured: Measured) -> None:
        """Check that the round was what it should be, and tidy up."""

    def run(self, workload: Workload, seconds: int) -> None:
        """Put the server under one round of load that both workers share, and keep what it came to.

        :raises RuntimeError: not one request was answered.
        """
        for _ in range(MOST_TRIES):
            measured = self._run_once(workload, seconds)
            if min(measured.busy_seconds) >= LEAST_PART * sum(measured.busy_seconds):
                break
        if not measured.requests:
            raise RuntimeError(f"{workload.title}: no answer within {seconds} seconds")
        self.measured.setdefault(workload.name, []).append(measured)

    def warm_up(self, workload: Workload) -> None:
        """Put the server under a short load that does not count."""
        self._run_once(workload, WARM_UP_SECONDS)

    def _run_once(self, workload: Workload, seconds: int) -> Measured:
        self.prepare(workload)
        begun, busy = self.begin(workload), self.server.processor_seconds()
        measured = measure(self.server.port, self.plans[workload.name], seconds)
        pairs = zip(busy, self.server.processor_seconds(), strict=True)
        self.end(workload, begun, measured)
        return replace(measured, busy_seconds=tuple(after - before for before, after in pairs))


@dataclass
class Application(Subject):
    """The application on one database by one driver."""

    database: Database = field(kw_only=True)
    shop: Shop = field(kw_only=True)
    kept: redis.Redis[Any] = field(kw_only=True)
    requests: dict[str, list[Request]] = field(default_factory=dict)

    def plan(self, workload: Workload, folder: Path, seconds: int) -> Answer:
        """Make the workload's requests, check a sample of the answers, and return the middling one for the reference.

        :raises AssertionError: an answer is wrong.
        """
        requests = workload.requests(self.shop, seconds * REQUESTS_A_SECOND)
        if workload.name == "list_304":
            etag = send(self.server.port, requests[0]).headers["etag"]
            requests = [replace(each, headers={**each.headers, "If-None-Match": etag}) for each in requests]
        self.requests[workload.name] = requests
        self.plans[workload.name] = folder / f"{workload.name}-{self.label}"
        write_plan(self.plans[workload.name], requests)
        empty(self.kept)
        answers = [self._checked(workload, request, n) for n, request in enumerate(requests[:SAMPLE])]
        self.database.tidy()
        return sorted(answers, key=lambda answer: len(answer.body))[len(answers) // 2]

    def _checked(self, workload: Workload, request: Request, number: int) -> Answer:
        answer = send(self.server.port, request)
        assert answer.status < 400, f"{request.path} answers {answer.status}:\n{self.server.complaints()}"
        assert "x-ratelimit-limit" in answer.headers, f"{request.path} is not limited"
        if number < CHECKED:
            workload.check(self.shop, self.server.port, request, answer)
        return answer

    def prepare(self, workload: Workload) -> None:
        time.sleep(REST_SECONDS)
        empty(self.kept)
        if workload.cache == "hit":
            for _ in range(CHECKED):
                send(self.server.port, self.requests[workload.name][0])

    def begin(self, workload: Workload) -> Any:
        return self.database.activity() if workload.cache == "hit" else None

    def end(self, workload: Workload, begun: Any, measured: Measured) -> None:
        if workload.cache == "hit":
            assert self.database.activity() == begun, f"{workload.title}: a statement reached the database"
        if workload.cache == "missed":
            different = len(self.requests[workload.name])
            assert measured.requests <= different, (
                f"{workload.title}: {measured.requests} requests, only {different} different ones; take a lower BENCH_SECONDS"
            )
            kept = self.kept.dbsize()
            assert kept >= measured.requests, f"{workload.title}: some of the answers were kept ones"
        if workload.writes:
            self.database.tidy()


@dataclass
class Reference(Subject):
    """The bare view, which answers what the application answered."""

    def plan(self, workload: Workload, folder: Path, request: Request, answer: Answer) -> None:
        """Ask the reference what the application was asked, and check that it answers the same bytes.

        :raises AssertionError: it does not.
        """
        asked = request.to(f"/{workload.name}")
        given = send(self.server.port, asked)
        assert _as_kept(given) == _as_kept(answer), f"The reference answers otherwise: {workload.title}"
        self.plans[workload.name] = folder / f"{workload.name}-{self.label}"
        write_plan(self.plans[workload.name], [asked])


def _as_kept(answer: Answer) -> dict[str, Any]:
    return {
        "status": answer.status,
        "content_type": answer.headers.get("content-type", ""),
        "body": answer.body.decode(),
    }


def keep_answers(path: Path, answers: dict[str, Answer]) -> None:
    """Write down for the reference what it is to answer."""
    kept = {name: _as_kept(answer) for name, answer in answers.items()}
    path.write_text(json.dumps(kept), encoding="utf-8")


def run_rounds(subjects: Sequence[Subject], chosen: Sequence[Workload], rounds: int, seconds: int) -> None:
    """Measure each workload on each subject, `rounds` times, the subjects in turn because the machine's speed changes.

    A subject's first round of a workload is preceded by a short one that does not count.
    """
    for number in range(rounds):
        for workload in chosen:
            turn = number % len(subjects)
            for subject in (*subjects[turn:], *subjects[:turn]):
                if number == 0:
                    subject.warm_up(workload)
                subject.run(workload, seconds)
            _tell(number, rounds, workload, subjects)


def _tell(number: int, rounds: int, workload: Workload, subjects: Sequence[Subject]) -> None:
    rates = ", ".join(
        f"{subject.label} {subject.measured[workload.name][-1].rate:,.0f}/s" for subject in subjects
    )
    print(f"round {number + 1}/{rounds}  {workload.title:36} {rates}", flush=True)


def rates(subject: Subject, workload: Workload) -> list[float]:
    """Return the requests a second of each round."""
    return [measured.rate for measured in subject.measured[workload.name]]


def shares(subject: Subject, reference: Subject, workload: Workload) -> list[float]:
    """Return what part of the reference's rate the subject reached, round by round."""
    pairs = zip(rates(subject, workload), rates(reference, workload), strict=True)
    return [rate / of for rate, of in pairs]


def growth(small: Subject, large: Subject, workload: Workload) -> float:
    """Return by how much of itself the time of an answer grows from the small database to the large one."""
    return time_ms(large, workload) / time_ms(small, workload) - 1


def time_ms(subject: Subject, workload: Workload) -> float:
    """Return the time of an answer in milliseconds: the mean of a round, the median of the rounds.

    The median within a round would tell of luck: workers share the connections unevenly, and half of the answers, those of the
    one that has more, take as much longer. A login then takes 110 ms or 200, by which of the two has the middling answer.
    """
    return statistics.median(measured.mean_ms for measured in subject.measured[workload.name])
