"""Delivery: at least once, tried again with growing pauses, given up in the end, and doubled in one case alone."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from app.core import caching, delivery, mail, outbox
from app.core.db import atomic
from app.core.mail import MemoryTransport
from app.extensions import db
from tests.factories import Shop, unique
from tests.mailing import NEVER, NOBODY_THERE, NOT_NOW, Clock, Killed, Scripted, deliver, post, row
from tests.watching import log_lines, statements

LEASE = timedelta(seconds=600)
PAUSES = [60, 300, 1800, 7200, 43200]


class TestAMessage:
    def test_is_sent_once_and_keeps_no_values(
        self, shop: Shop, transport: Scripted, clock_set: Clock
    ) -> None:
        recipient = f"{unique('ada')}@example.com"
        message_id = post(shop, "recovery_code", recipient, code="123456", minutes=15)

        tried = [deliver(shop), deliver(shop)]

        sent = row(shop, message_id)
        letter = transport.taken[0]
        assert tried == [1, 0]
        assert (letter.recipient, letter.message_id, letter.sender_name) == (
            recipient,
            sent.message_id,
            shop.slug.title(),
        )
        assert "123456" in letter.text
        assert (sent.state, sent.attempts, sent.sent_by, sent.sent_at) == (
            "sent",
            1,
            "scripted",
            clock_set.moment,
        )
        assert (sent.template_values, sent.claimed_until, sent.last_error) == (None, None, None)

    def test_waits_through_growing_pauses_and_is_given_up_after_the_last(
        self, shop: Shop, transport: Scripted, clock_set: Clock
    ) -> None:
        transport.script = [NOT_NOW] * 9
        message_id = post(shop)
        pauses = []
        while row(shop, message_id).state == "pending":
            assert deliver(shop) == 1
            assert deliver(shop) == 0
            if (due := row(shop, message_id).next_attempt_at) is not None:
                pauses.append((due - clock_set.moment).total_seconds())
                clock_set.moment = due - timedelta(microseconds=1)
                assert deliver(shop) == 0
                clock_set.moment = due

        dead = row(shop, message_id)
        assert pauses == PAUSES
        assert (dead.state, dead.attempts, dead.last_error) == ("dead", 6, "recipient refused: 450 4.2.1")
        assert dead.template_values is not None
        assert dead.next_attempt_at is None

    def test_that_is_refused_for_good_is_given_up_at_once(self, shop: Shop, transport: Scripted) -> None:
        transport.script = [NEVER]
        message_id = post(shop)

        deliver(shop)

        dead = row(shop, message_id)
        assert (dead.state, dead.attempts, dead.last_error) == ("dead", 1, "recipient refused: 550 5.1.1")

    def test_that_fails_does_not_hold_up_the_others(self, shop: Shop, transport: Scripted) -> None:
        transport.script = [NOT_NOW, NEVER]
        ids = [post(shop) for _ in range(3)]

        assert deliver(shop) == 3

        assert [row(shop, id_).state for id_ in ids] == ["pending", "dead", "sent"]

    def test_is_not_tried_while_nobody_takes_any(
        self, shop: Shop, transport: Scripted, clock_set: Clock
    ) -> None:
        """Each look asks with one message: a server that is away costs the others no try."""
        transport.script = [NOBODY_THERE, NOBODY_THERE]
        ids = [post(shop) for _ in range(4)]

        looks = [deliver(shop), deliver(shop), deliver(shop)]
        attempts = [row(shop, id_).attempts for id_ in ids]
        clock_set.pass_(minutes=1)
        deliver(shop)

        assert looks == [1, 1, 2]
        assert attempts == [1, 1, 1, 1]
        assert [row(shop, id_).state for id_ in ids] == ["sent"] * 4
        assert len(set(transport.ids)) == len(transport.ids) == 4

    def test_whose_key_is_gone_does_not_hold_up_the_others(
        self, shop: Shop, transport: Scripted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = shop.app.config["ENCRYPTION_KEYS"]
        with monkeypatch.context() as patch:
            patch.setitem(
                shop.app.config, "ENCRYPTION_KEYS", ["a-key-that-will-be-lost-0123456789abcdef", *keys]
            )
            lost = post(shop)
        kept = post(shop)

        with log_lines() as log:
            deliver(shop)

        with shop.inside(), db.engine.connect() as connection:
            columns = "state, attempts, last_error"
            query = f"SELECT {columns} FROM outbox_messages WHERE id = {lost}"
            assert tuple(connection.exec_driver_sql(query).one()) == (
                "pending",
                1,
                "a fault of ours: Unreadable",
            )
            connection.exec_driver_sql(f"DELETE FROM outbox_messages WHERE id = {lost}")
            connection.commit()
        assert row(shop, kept).state == "sent"
        assert [line["message"] for line in log.events("mail.fault")] == [lost]

    def test_shows_neither_recipient_nor_values_in_the_log_lines(
        self, shop: Shop, transport: Scripted
    ) -> None:
        transport.script = [NOT_NOW, NEVER, ZeroDivisionError("123456")]
        recipient = f"{unique('secret')}@example.com"
        for _ in range(4):
            post(shop, "recovery_code", recipient, code="554433", minutes=15)

        with log_lines() as log:
            deliver(shop)

        assert [line["event"] for line in log.lines] == [
            "mail.put_off",
            "mail.dead",
            "mail.fault",
            "mail.put_off",
            "mail.sent",
        ]
        assert recipient not in log.text
        assert "554433" not in log.text

    def test_ends_no_cached_answer(
        self, shop: Shop, transport: Scripted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cleared: list[str] = []
        monkeypatch.setattr(caching.Backend, "clear", lambda self: cleared.append("all"))
        monkeypatch.setattr(caching.Backend, "announce", lambda self, words: cleared.extend(words))
        post(shop)

        deliver(shop)
        with shop.app.app_context():
            delivery.clean()

        assert len(transport.taken) == 1
        assert cleared == []


class TestTheWindowBetweenSendingAndMarking:
    def test_a_worker_killed_in_it_leaves_a_double_under_the_same_message_id(
        self, shop: Shop, transport: Scripted, clock_set: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        message_id = post(shop)
        with monkeypatch.context() as patch:
            patch.setattr(delivery, "_mark_sent", killed)
            with pytest.raises(Killed):
                deliver(shop)
        during = deliver(shop)
        clock_set.moment += LEASE - timedelta(microseconds=1)
        just_before = deliver(shop)
        clock_set.moment += timedelta(microseconds=1)
        afterwards = [deliver(shop), deliver(shop)]

        sent = row(shop, message_id)
        assert (during, just_before, afterwards) == (0, 0, [1, 0])
        assert transport.ids == [sent.message_id] * 2
        assert (sent.state, sent.attempts) == ("sent", 2)

    def test_a_worker_killed_before_it_sends_leaves_no_double(
        self, shop: Shop, transport: Scripted, clock_set: Clock
    ) -> None:
        def die() -> None:
            raise Killed

        transport.script = [die]
        message_id = post(shop)
        with pytest.raises(Killed):
            deliver(shop)
        clock_set.moment += LEASE
        deliver(shop)

        assert transport.ids == [row(shop, message_id).message_id]

    def test_a_database_that_goes_away_in_it_loses_nothing(
        self, shop: Shop, transport: Scripted, clock_set: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        message_id = post(shop)
        with monkeypatch.context() as patch:
            patch.setattr(delivery, "_settle", gone)
            with pytest.raises(ConnectionError):
                deliver(shop)
        clock_set.moment += LEASE
        deliver(shop)

        assert transport.ids == [row(shop, message_id).message_id] * 2
        assert row(shop, message_id).state == "sent"

    def test_a_worker_that_was_too_slow_marks_nothing_over_the_next_one(
        self, shop: Shop, transport: Scripted, clock_set: Clock
    ) -> None:
        """The lease ended while it sent: another sent and marked the message in the meantime."""

        def oversleep() -> None:
            clock_set.moment += LEASE
            assert deliver(shop) == 1

        transport.script = [oversleep]
        message_id = post(shop)

        with log_lines() as log:
            deliver(shop)

        assert (row(shop, message_id).state, row(shop, message_id).attempts) == ("sent", 2)
        assert transport.ids == [row(shop, message_id).message_id] * 2
        assert [line["attempt"] for line in log.events("mail.lease_lost")] == [1]

    @pytest.mark.parametrize("failure", [NOT_NOW, NEVER])
    def test_a_worker_that_was_too_slow_gives_nothing_up_over_the_next_one(
        self, shop: Shop, transport: Scripted, clock_set: Clock, failure: Exception
    ) -> None:
        def oversleep_and_fail() -> None:
            clock_set.moment += LEASE
            assert deliver(shop) == 1
            raise failure

        transport.script = [oversleep_and_fail]
        message_id = post(shop)

        deliver(shop)

        assert row(shop, message_id).state == "sent"
        assert row(shop, message_id).last_error is None

    def test_a_message_that_kills_every_worker_is_given_up(
        self, shop: Shop, transport: Scripted, clock_set: Clock
    ) -> None:
        def die() -> None:
            raise Killed

        transport.script = [die] * 6
        message_id = post(shop)
        for _ in range(6):
            with pytest.raises(Killed):
                deliver(shop)
            clock_set.moment += LEASE

        deliver(shop)

        dead = row(shop, message_id)
        assert (dead.state, dead.last_error) == ("dead", "the worker died at every try")
        assert transport.taken == []


def killed(*_: object) -> None:
    raise Killed


def gone(*_: object, **__: object) -> bool:
    raise ConnectionError


class TestTheWorkersTogether:
    def test_send_each_message_once(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch, transport: Scripted
    ) -> None:
        ids = [post(shop) for _ in range(30)]
        threads = [threading.Thread(target=deliver, args=(shop,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert sorted(transport.ids) == sorted(row(shop, id_).message_id for id_ in ids)
        assert {row(shop, id_).attempts for id_ in ids} == {1}

    def test_control_without_the_lease_they_send_it_twice(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch, transport: Scripted
    ) -> None:
        monkeypatch.setitem(shop.app.config, "MAIL_LEASE_SECONDS", 0)
        message_id = post(shop)
        transport.script = [lambda: deliver(shop) and None]

        deliver(shop)

        assert transport.ids == [row(shop, message_id).message_id] * 2


class TestALook:
    def test_is_bounded_and_asks_for_another(
        self, shop: Shop, transport: Scripted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(delivery, "AT_ONCE", 2)
        for _ in range(3):
            post(shop)
        waiting = shop.app.extensions["jobs"].huey.pending_count

        before = waiting()
        first = deliver(shop)
        between = waiting()
        second = deliver(shop)

        assert (first, second) == (2, 1)
        assert (between, waiting()) == (before + 1, before + 1)

    def test_begins_nothing_more_once_its_worker_stops(
        self, shop: Shop, transport: Scripted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post(shop)
        monkeypatch.setattr(type(shop.app.extensions["jobs"]), "is_stopping", True)

        assert deliver(shop) == 0
        assert transport.taken == []

    def test_costs_one_statement_where_nothing_is_due_and_four_a_message(
        self, shop: Shop, transport: Scripted
    ) -> None:
        with statements(shop.app) as idle:
            deliver(shop)
        post(shop)
        with statements(shop.app) as busy:
            deliver(shop)

        assert len(idle) == 1, idle
        assert len(busy) - len(idle) == 5, busy

    def test_is_in_no_workshop_and_sends_for_all(
        self, shop: Shop, other_shop: Shop, transport: Scripted
    ) -> None:
        post(shop)
        post(other_shop)

        deliver(shop)

        assert {letter.sender_name for letter in transport.taken} == {
            shop.slug.title(),
            other_shop.slug.title(),
        }


def test_a_message_that_was_given_up_starts_anew_as_the_same(shop: Shop, transport: Scripted) -> None:
    transport.script = [NEVER]
    message_id = post(shop)
    deliver(shop)

    with shop.inside(), atomic():
        dead = outbox.find_locked(shop.id, message_id)
        assert dead is not None
        outbox.revive(dead)
    deliver(shop)

    sent = row(shop, message_id)
    assert (sent.state, sent.attempts, sent.last_error) == ("sent", 1, None)
    assert transport.ids == [sent.message_id]


def test_in_tests_mail_goes_to_memory(
    shop: Shop, transport: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = MemoryTransport()
    monkeypatch.setitem(shop.app.extensions, "mail", memory)
    post(shop)

    deliver(shop)

    assert [letter.subject for letter in memory.letters] == ["Your password was changed"]


def test_production_without_a_transport_gives_up_in_the_end_and_says_why(
    shop: Shop, transport: Scripted, clock_set: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(shop.app.extensions, "mail", mail.NoTransport())
    message_id = post(shop)
    for _ in range(6):
        deliver(shop)
        clock_set.pass_(days=1)

    assert row(shop, message_id).state == "dead"
    assert row(shop, message_id).last_error == "no transport is configured"
