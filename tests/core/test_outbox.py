"""The outbox: queued with what it tells about, kept unreadable, and forgotten with its person."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from app.core import delivery, outbox, tenancy
from app.core.db import atomic
from app.core.letters import WrongValues
from app.core.outbox import OutboxMessage
from app.extensions import db
from tests.factories import Shop, unique
from tests.mailing import NEVER, Clock, Scripted, deliver, post, row
from tests.watching import statements


def nudges(app: Flask) -> int:
    waiting: int = app.extensions["jobs"].huey.pending_count()
    return waiting


def raw(shop: Shop, message_id: int) -> str:
    """Return all that the database has of a message, as it has it."""
    with shop.inside(), db.engine.connect() as connection:
        kept = connection.execute(
            text("SELECT * FROM outbox_messages WHERE id = :id"), {"id": message_id}
        ).one()
    return " ".join(bytes(v).decode("latin-1") if isinstance(v, bytes | memoryview) else str(v) for v in kept)


class TestQueueing:
    def test_is_refused_outside_of_a_transaction(self, shop: Shop) -> None:
        with shop.inside(), pytest.raises(RuntimeError, match="outside atomic"):
            outbox.queue(shop.id, "password_changed", "ada@example.com")

    def test_is_undone_with_the_change_that_it_tells_about(self, shop: Shop, transport: Scripted) -> None:
        before = nudges(shop.app)
        with shop.inside(), atomic() as session:
            outbox.queue(shop.id, "password_changed", "ada@example.com")
            session.flush()
            session.rollback()

        assert deliver(shop) == 0
        assert nudges(shop.app) == before

    def test_lets_a_worker_look_once_it_is_committed_and_not_before(
        self, shop: Shop, transport: Scripted
    ) -> None:
        before = nudges(shop.app)
        with shop.inside(), atomic() as session:
            outbox.queue(shop.id, "password_changed", "ada@example.com")
            session.flush()
            inside = nudges(shop.app)

        assert (inside, nudges(shop.app)) == (before, before + 1)

    def test_nudges_nobody_after_a_transaction_that_queued_nothing(
        self, shop: Shop, transport: Scripted
    ) -> None:
        post(shop)
        before = nudges(shop.app)

        shop.make_part()

        assert nudges(shop.app) == before

    @pytest.mark.parametrize(
        "recipient",
        [
            "",
            "ada",
            "ada@",
            "ada@example.com\nBcc: x@example.com",
            "a@b.example, c@d.example",
            "<a@b.example>",
        ],
    )
    def test_refuses_what_is_no_single_address(self, shop: Shop, recipient: str) -> None:
        with shop.inside(), pytest.raises(WrongValues), atomic():
            outbox.queue(shop.id, "password_changed", recipient)

    def test_refuses_values_that_the_topic_does_not_take(self, shop: Shop) -> None:
        with shop.inside(), pytest.raises(WrongValues), atomic():
            outbox.queue(shop.id, "recovery_code", "ada@example.com", code="123456")

    def test_writes_in_the_workshops_language_unless_the_recipient_has_one(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        polish = outbox.Letterhead("Warsztat", "pl-PL", "Europe/Warsaw")
        monkeypatch.setattr(outbox, "_letterhead", lambda workshop_id: polish)

        with shop.inside(), atomic() as session:
            languages = [
                outbox.queue(shop.id, "password_changed", "ada@example.com", locale=locale).language
                for locale in (None, "de-AT", "fr")
            ]
            session.rollback()

        assert languages == ["pl", "de", "en"]

    def test_says_so_when_no_feature_knows_letterheads(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(outbox, "_letterhead", None)

        with shop.inside(), pytest.raises(RuntimeError, match="letterheads"), atomic():
            outbox.queue(shop.id, "password_changed", "ada@example.com")

    def test_gives_each_message_an_id_of_its_own_under_the_senders_domain(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(shop.app.config, "MAIL_FROM", "shop@obis.example")

        ids = [row(shop, post(shop)).message_id for _ in range(3)]

        assert len(set(ids)) == 3
        assert all(id_.endswith("@obis.example>") for id_ in ids)

    def test_keeps_neither_recipient_nor_code_readable(self, shop: Shop) -> None:
        recipient = f"{unique('secret')}@example.com"
        kept = raw(shop, post(shop, "recovery_code", recipient, code="987123", minutes=15))

        assert recipient not in kept
        assert "987123" not in kept
        assert row(shop, row(shop, post(shop)).id).recipient is not None

    def test_costs_two_statements(self, shop: Shop) -> None:
        with statements(shop.app) as seen:
            post(shop)

        assert len(seen) == 2, seen


WRONG: list[dict[str, Any]] = [
    {"state": "lost"},
    {"state": "sent"},
    {"state": "sent", "sent_at": outbox.clock.now()},
    {"sent_at": outbox.clock.now()},
    {"recipient": None},
    {"template_values": None},
    {"attempts": -1},
    {"state": "dead", "claimed_until": outbox.clock.now()},
]


@pytest.mark.parametrize("wrong", WRONG, ids=[" ".join(wrong) for wrong in WRONG])
def test_the_table_refuses_a_message_that_cannot_be(shop: Shop, wrong: dict[str, Any]) -> None:
    message_id = post(shop)

    with shop.inside(), pytest.raises(DBAPIError), atomic() as session:
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == message_id)
            .values(**wrong)
            .execution_options(synchronize_session=False)
        )


def test_the_table_refuses_a_message_id_twice(shop: Shop) -> None:
    first, second = post(shop), post(shop)
    taken = row(shop, first).message_id

    with shop.inside(), pytest.raises(DBAPIError), atomic() as session:
        session.get_one(OutboxMessage, second).message_id = taken


class TestForgettingAPerson:
    def test_takes_their_address_and_what_was_written_to_them_out_of_the_log(
        self, shop: Shop, transport: Scripted
    ) -> None:
        address = f"{unique('ada')}@example.com"
        transport.script = [NEVER]
        dead = post(shop, "recovery_code", address, code="1", minutes=1)
        deliver(shop)
        sent = post(shop, recipient=address)
        deliver(shop)
        waiting, other = post(shop, recipient=address.upper()), post(shop)
        elsewhere, another = post(shop, customer_id=7), post(shop, recipient=address, customer_id=8)

        with shop.inside(), atomic():
            found = outbox.forget(shop.id, 7, [address])

        assert found == 4
        assert [row(shop, id_).state for id_ in (dead, sent, waiting, elsewhere, other, another)] == [
            "dead", "sent", "dead", "dead", "pending", "pending",
        ]  # fmt: skip
        for id_ in (dead, sent, waiting, elsewhere):
            kept = row(shop, id_)
            assert (kept.recipient, kept.recipient_digest, kept.template_values) == (None, None, None)
            assert kept.customer_id is None
        assert row(shop, waiting).last_error == "the person was erased"
        assert row(shop, other).recipient is not None
        assert (row(shop, another).recipient, row(shop, another).customer_id) == (address, 8)

    def test_leaves_other_workshops_alone(self, shop: Shop, other_shop: Shop) -> None:
        address = f"{unique('ada')}@example.com"
        theirs = post(other_shop, recipient=address, customer_id=7)

        with shop.inside(), atomic():
            assert outbox.forget(shop.id, 7, [address]) == 0

        assert row(other_shop, theirs).recipient == address


def test_the_log_is_cleaned_of_what_is_old_and_keeps_what_waits(
    shop: Shop, transport: Scripted, clock_set: Clock
) -> None:
    transport.script = [NEVER]
    dead = post(shop)
    deliver(shop)
    sent = post(shop)
    deliver(shop)
    waiting = post(shop)
    clock_set.pass_(days=364)
    recent = post(shop)

    def there() -> list[bool]:
        with shop.app.app_context():
            delivery.clean()
            with tenancy.across_workshops():
                ids = (dead, sent, waiting, recent)
                return [db.session.get(OutboxMessage, id_) is not None for id_ in ids]

    before = there()
    clock_set.pass_(days=2)
    after = there()

    assert before == [True, True, True, True]
    assert after == [False, False, True, True]


def test_the_summary_counts_what_waits_what_is_late_and_what_is_dead(
    shop: Shop, transport: Scripted, clock_set: Clock
) -> None:
    transport.script = [NEVER]
    with shop.app.app_context():
        before = outbox.summary()
    post(shop)
    deliver(shop)
    transport.script = [outbox.mail.NotSent("later")]
    first = row(shop, post(shop)).created_at
    deliver(shop)
    post(shop)

    with shop.app.app_context():
        stands = outbox.summary()

    assert (stands.pending, stands.overdue, stands.dead) == (2, 1, before.dead + 1)
    assert (before.pending, before.overdue, before.oldest) == (0, 0, None)
    assert stands.oldest == first
