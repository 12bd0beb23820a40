"""What the tests of mail share: queueing, a clock that is set, and a transport that does what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.core import delivery, mail, outbox, tenancy
from app.core.db import atomic
from app.core.engines import owners_engine
from app.core.letters import Letter
from app.core.outbox import OutboxAttachment, OutboxMessage
from app.extensions import db
from tests.factories import Shop, unique

KINDS: dict[str, Any] = {
    "text": "Some words",
    "number": 15,
    "link": "https://shop.example.com/open?a=1&b=2",
    "lines": ["Oil Filter: 1 / 2 piece (low)"],
    "instant": datetime(2026, 11, 21, 10, 0, tzinfo=UTC),
    "day": date(2027, 3, 2),
}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def now(self) -> datetime:
        return self.moment

    def pass_(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass
class Scripted:
    """A transport that does what it is told, in order, and then takes everything."""

    script: list[Exception | Callable[[], None]] = field(default_factory=list)
    taken: list[Letter] = field(default_factory=list)
    name: str = "scripted"

    def send(self, letter: Letter) -> str:
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            raise step
        if step is not None:
            step()
        self.taken.append(letter)
        return self.name

    @property
    def ids(self) -> list[str]:
        return [letter.message_id for letter in self.taken]


class Killed(BaseException):
    """What a process that is killed looks like from inside: nothing after it happens."""


def post(shop: Shop, topic: str = "password_changed", recipient: str = "", **values: Any) -> int:
    """Queue a message of the shop, and return its id."""
    with shop.inside(), atomic() as session:
        message = outbox.queue(shop.id, topic, recipient or f"{unique('ada')}@example.com", **values)
        session.flush()
        return message.id


def row(shop: Shop, message_id: int) -> OutboxMessage:
    """Return a message as the database has it."""
    with shop.inside():
        return db.session.get_one(OutboxMessage, message_id)


def deliver(shop: Shop) -> int:
    """Let one worker look once."""
    with shop.app.app_context():
        return delivery.deliver()


def empty_the_outbox(shop: Shop) -> None:
    """Let nothing wait that other tests left."""
    with shop.app.app_context(), tenancy.across_workshops():
        table: Any = OutboxMessage.__table__
        files: Any = OutboxAttachment.__table__
        with owners_engine(shop.app).begin() as connection:
            connection.execute(files.delete())
            connection.execute(table.delete().where(table.c.state == "pending"))


NOT_NOW = mail.NotSent("recipient refused: 450 4.2.1")
NOBODY_THERE = mail.Unreachable("no connection: ConnectionRefusedError")
NEVER = mail.Refused("recipient refused: 550 5.1.1")
