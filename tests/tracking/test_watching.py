"""Watching a ticket: what is told, to whom, how soon, and when it ends."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from flask import Flask
from sqlalchemy import event as sa_event

from app.blueprints.tracking import service
from app.core import live
from app.extensions import db
from tests.applications import AnotherApp
from tests.factories import Caller, Shop
from tests.inspections.examining import advise
from tests.resilience.services import free_port


class Stream:
    """What a watcher hears, read in a thread of its own."""

    def __init__(
        self,
        caller: Caller,
        path: str,
        last_seen: str | None = None,
        environ: dict[str, Any] | None = None,
    ) -> None:
        self.heard: list[tuple[float, str]] = []
        self._caller, self._path, self._environ = caller, path, environ or {}
        self._headers = {**caller.headers, **({"Last-Event-ID": last_seen} if last_seen is not None else {})}
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        """Ask and read in one thread, as a worker answers in one."""
        answer = self._caller.app.test_client().get(
            self._path, headers=self._headers, environ_overrides=self._environ
        )
        for part in answer.response:
            text = part.decode() if isinstance(part, bytes) else part
            self.heard.append((time.monotonic(), text))
        answer.close()

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.heard)

    @property
    def versions(self) -> list[int]:
        return [int(line[4:]) for line in self.text.splitlines() if line.startswith("id: ")]

    @property
    def states(self) -> list[dict[str, Any]]:
        return [json.loads(line[6:]) for line in self.text.splitlines() if line.startswith('data: {"')]

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def until(self, condition: Callable[[], Any], seconds: float = 5.0) -> float:
        """Wait for `condition`; return how long that took."""
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < seconds, self.text
            time.sleep(0.005)
        return time.monotonic() - start


@pytest.fixture
def ticket(shop: Shop) -> int:
    number: int = shop.make_ticket()["id"]
    return number


@pytest.fixture
def path(ticket: int) -> str:
    return f"/service_tickets/{ticket}/events"


@pytest.fixture
def lasting(app: Flask) -> Iterator[None]:
    """Streams last until the test sends them home."""
    app.config["LIVE_SECONDS"] = 20.0
    hub: live.Hub = app.extensions["live"]
    yield
    hub.is_stopping = True
    end = time.monotonic() + 5
    while hub.count and time.monotonic() < end:
        time.sleep(0.02)
    app.config["LIVE_SECONDS"] = 0.0
    live.init_app(app)


def describe(shop: Shop, ticket: int, words: str) -> int:
    """Change a ticket, and return its version."""
    answer = shop.owner.patch(f"/service_tickets/{ticket}", json={"service_desc": words})
    assert answer.status_code == 200
    return int(answer.headers["ETag"].strip('"').partition("-")[0])


class TestAWatcher:
    def test_is_told_what_is_there_and_then_sent_home(self, shop: Shop, ticket: int, path: str) -> None:
        answer = shop.customer.get(path)

        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.text.startswith("retry: 3000\n\nid: 1\nevent: ticket\ndata: ")
        assert '"status":"booked"' in answer.text

    @pytest.mark.usefixtures("lasting")
    def test_hears_of_each_change_as_it_is_committed(self, shop: Shop, ticket: int, path: str) -> None:
        stream = Stream(shop.customer, path)
        stream.until(lambda: stream.versions == [1])

        version = describe(shop, ticket, "Brakes and oil")
        took = stream.until(lambda: version in stream.versions)
        shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": "received"})
        stream.until(lambda: stream.states[-1]["status"] == "received")

        assert took < 0.5
        assert stream.versions == sorted(set(stream.versions))

    @pytest.mark.usefixtures("lasting")
    def test_hears_when_progress_or_an_inspection_is_shown_and_not_before(
        self, shop: Shop, ticket: int, path: str
    ) -> None:
        stream = Stream(shop.customer, path)
        stream.until(lambda: stream.versions == [1])

        for kind, content in (("progress", {"text": "The pads are off."}), ("inspections", {})):
            written = shop.mechanic.post(f"/service_tickets/{ticket}/{kind}", json=content).json["id"]
            if kind == "inspections":
                advise(shop, f"/service_tickets/{ticket}/inspections/{written}")
            before = len(stream.versions)
            shop.owner.post(f"/service_tickets/{ticket}/{kind}/{written}/validate")
            stream.until(lambda before=before: len(stream.versions) > before)

        assert [(state["status"], state["stage"]) for state in stream.states] == [("booked", "booked")] * 3
        assert stream.versions == [1, 2, 3]

    @pytest.mark.usefixtures("lasting")
    def test_of_another_ticket_hears_nothing(self, shop: Shop, ticket: int, path: str) -> None:
        stream = Stream(shop.owner, path)
        stream.until(lambda: stream.versions)

        describe(shop, shop.make_ticket()["id"], "Another")
        time.sleep(0.3)

        assert stream.versions == [1]

    @pytest.mark.usefixtures("lasting")
    def test_hears_nothing_of_what_is_undone(self, app: Flask, shop: Shop, ticket: int, path: str) -> None:
        woken: list[str] = []
        hub: live.Hub = app.extensions["live"]
        announce = hub.announce
        hub.announce = lambda topics: (woken.extend(topics), announce(topics))[1]  # type: ignore[method-assign]

        stale = {"If-Match": '"99-aa"'}
        assert (
            shop.owner.patch(
                f"/service_tickets/{ticket}", json={"service_desc": "x"}, headers=stale
            ).status_code
            == 412
        )

        assert woken == []

    @pytest.mark.parametrize(
        ("last_seen", "told"),
        [("0", True), ("1", False), ("7", False), ("x", True), ("", True), ("9" * 30, True)],
    )
    def test_who_comes_back_is_told_what_is_newer(
        self, shop: Shop, path: str, last_seen: str, told: bool
    ) -> None:
        answer = shop.customer.get(path, headers={"Last-Event-ID": last_seen})

        assert ("event: ticket" in answer.text) is told

    def test_who_may_not_see_the_ticket_watches_nothing(
        self, shop: Shop, other_shop: Shop, ticket: int, path: str
    ) -> None:
        theirs = f"/service_tickets/{other_shop.make_ticket()['id']}/events"

        assert shop.other_customer.get(path).json["code"] == "not_your_ticket"
        assert shop.owner.get(theirs).json["code"] == "service_ticket_not_found"
        assert shop.nobody.get(path).status_code == 401

    @pytest.mark.usefixtures("lasting")
    def test_whose_session_ends_is_told_so_and_nothing_more(self, shop: Shop, ticket: int, path: str) -> None:
        stream = Stream(shop.customer, path)
        stream.until(lambda: stream.versions)
        shop.customer.post("/auth/logout", json={})

        version = describe(shop, ticket, "Secret")
        stream.until(lambda: stream.is_over)

        assert stream.text.endswith("event: end\ndata: {}\n\n")
        assert version not in stream.versions

    @pytest.mark.usefixtures("lasting")
    def test_whose_ticket_goes_is_told_so(self, shop: Shop, ticket: int, path: str) -> None:
        stream = Stream(shop.owner, path)
        stream.until(lambda: stream.versions)

        shop.owner.delete(f"/service_tickets/{ticket}")
        stream.until(lambda: stream.is_over)

        assert "event: end" in stream.text

    @pytest.mark.usefixtures("lasting")
    def test_hears_that_all_is_well_now_and_then(
        self, shop: Shop, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "HEARTBEAT_SECONDS", 0.2)
        monkeypatch.setattr(service, "POLL_SECONDS", 0.2)
        monkeypatch.setattr(service, "TICK_SECONDS", 0.05)
        stream = Stream(shop.customer, path)

        stream.until(lambda: stream.text.count(": still here\n\n") >= 2)

    @pytest.mark.usefixtures("lasting")
    def test_holds_no_connection_to_the_database(self, app: Flask, shop: Shop, path: str) -> None:
        with app.app_context():
            engine = db.engine
        out: list[int] = []
        sa_event.listen(engine, "checkout", lambda *_: out.append(1))
        sa_event.listen(engine, "checkin", lambda *_: out.append(-1))
        stream = Stream(shop.customer, path)
        stream.until(lambda: stream.versions)
        time.sleep(0.2)

        assert out
        assert sum(out) <= 0


class TestAWorker:
    @pytest.mark.usefixtures("lasting")
    def test_takes_so_many_watchers_and_then_says_when_to_come_back(
        self, app: Flask, shop: Shop, path: str
    ) -> None:
        streams = [Stream(shop.customer, path) for _ in range(app.config["LIVE_WATCHERS"])]
        for stream in streams:
            stream.until(lambda stream=stream: stream.versions)  # type: ignore[misc]

        refused = shop.customer.get(path)

        assert (refused.status_code, refused.json["code"]) == (503, "too_many_watchers")
        assert refused.headers["Retry-After"] == "10"

    def test_has_room_again_when_one_has_gone(self, app: Flask, shop: Shop, path: str) -> None:
        for _ in range(2 * app.config["LIVE_WATCHERS"]):
            assert shop.customer.get(path).status_code == 200
            assert shop.customer.open("HEAD", path).status_code == 200

        assert app.extensions["live"].count == 0

    @pytest.mark.usefixtures("lasting")
    def test_gives_a_place_of_who_holds_several_to_who_has_none(
        self, app: Flask, shop: Shop, path: str
    ) -> None:
        number = app.config["LIVE_WATCHERS"]
        theirs = [Stream(shop.customer, path) for _ in range(number)]
        for stream in theirs:
            stream.until(lambda stream=stream: stream.versions)  # type: ignore[misc]

        for given in range(1, number // 2 + 1):
            mine = Stream(shop.owner, path)
            mine.until(lambda mine=mine: mine.versions)  # type: ignore[misc]
            mine.until(lambda given=given: sum(stream.is_over for stream in theirs) == given)  # type: ignore[misc]

        assert "event: end" not in "".join(stream.text for stream in theirs)
        assert shop.owner.get(path).json["code"] == "too_many_watchers"
        assert app.extensions["live"].count == number

    def test_has_one_watcher_more_at_most_while_one_leaves(self, app: Flask) -> None:
        hub = live.Hub(app)
        theirs = [hub.enter("ticket:1:1", 1) for _ in range(app.config["LIVE_WATCHERS"])]
        hub.enter("ticket:1:1", 2)

        with pytest.raises(live.TooManyWatchers):
            hub.enter("ticket:1:1", 2)
        hub.leave(theirs[0])
        hub.enter("ticket:1:1", 2)

        assert [watcher.is_sent_home for watcher in theirs[:3]] == [True, True, False]

    def test_waits_for_nobody_who_reads_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(live, "SEND_SECONDS", 1)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            live.wait_for_no_slow_reader({"gunicorn.socket": ours})

            with pytest.raises(BlockingIOError):
                ours.sendall(bytes(50_000_000))

            assert not live.has_left({"gunicorn.socket": ours})

    @pytest.mark.usefixtures("lasting")
    def test_has_the_place_of_a_watcher_who_left_within_two_seconds(
        self, app: Flask, shop: Shop, path: str
    ) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            stream = Stream(shop.customer, path, environ={"gunicorn.socket": ours})
            stream.until(lambda: stream.versions)
            time.sleep(1.2)
            assert not stream.is_over

            theirs.close()

            assert stream.until(lambda: stream.is_over) < 2
        assert app.extensions["live"].count == 0

    @pytest.mark.usefixtures("lasting")
    def test_that_stops_sends_its_watchers_home_within_two_seconds(
        self, app: Flask, shop: Shop, path: str
    ) -> None:
        stream = Stream(shop.customer, path)
        stream.until(lambda: stream.versions)

        app.extensions["live"].is_stopping = True

        assert stream.until(lambda: stream.is_over) < 2


class TestOverRedis:
    @pytest.fixture
    def elsewhere(self, another_app: AnotherApp, needs_redis: None) -> Flask:
        return another_app()

    @pytest.mark.usefixtures("lasting")
    def test_a_change_on_another_worker_is_heard_of(
        self, app: Flask, shop: Shop, ticket: int, path: str, elsewhere: Flask
    ) -> None:
        stream = Stream(shop.customer, path)
        stream.until(lambda: stream.versions and app.extensions["live"].is_linked)
        there = Shop(elsewhere, shop.id, shop.slug, *(
            Caller(elsewhere, caller.principal, shop.slug, caller.email)
            for caller in (shop.owner, shop.mechanic, shop.customer, shop.other_customer, shop.nobody)
        ))  # fmt: skip

        version = describe(there, ticket, "From elsewhere")

        assert stream.until(lambda: version in stream.versions) < 0.5


class TestWithoutRedis:
    @pytest.mark.usefixtures("lasting")
    def test_a_watcher_looks_by_itself(
        self, app: Flask, shop: Shop, ticket: int, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody is there who would pass it on: it is seen within the time after which everybody looks."""
        monkeypatch.setitem(app.config, "REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
        live.init_app(app)
        hub: live.Hub = app.extensions["live"]
        monkeypatch.setattr(service, "POLL_SECONDS", 0.3)
        monkeypatch.setattr(service, "TICK_SECONDS", 0.05)
        stream = Stream(shop.customer, path)
        stream.until(lambda: stream.versions)
        monkeypatch.setattr(hub, "_wake", lambda topic=None: None)  # as a change on another worker

        version = describe(shop, ticket, "Unheard of")

        assert not hub.is_linked
        assert 0.0 <= stream.until(lambda: version in stream.versions) < 2

    def test_a_commit_waits_once_and_not_each_time(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.config, "REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
        hub = live.Hub(app)
        asked: list[int] = []
        monkeypatch.setattr(redis.Redis, "pipeline", lambda *_, **__: asked.append(1) or _refuse())

        for _ in range(5):
            hub.announce({"ticket:1:1"})

        assert asked == [1]


def _refuse() -> None:
    raise redis.ConnectionError("connection refused")
