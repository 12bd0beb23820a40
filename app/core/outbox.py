"""The outbox: a message is queued by a row in the transaction of what it tells about, and leaves after the commit.

So there is no message about what was undone, and no change whose message was lost. `app.core.delivery` sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    CursorResult,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Select,
    String,
    UniqueConstraint,
    and_,
    delete,
    func,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, crypto, jobs, letters, mail, tenancy
from app.core.db import Id, Instant, Versioned, atomic, locked, one_of, require_atomic
from app.core.letters import Attachment, Letterhead, WrongValues
from app.core.model import Model
from app.core.tenancy import WorkshopOwned
from config import is_address

STATES = ("pending", "sent", "dead")
DELIVERY = "deliver-mail"  # the job that is nudged
_PENDING = text("state = 'pending'")
_OF_A_CUSTOMER = text("customer_id IS NOT NULL")
MOST_ATTACHED = 5_000_000  # bytes; what mail servers take is more, and base64 adds a third


class OutboxMessage(WorkshopOwned, Versioned, Model):
    """A message in a workshop's name: waiting, sent, or given up (`dead`).

    What fills its template may be a code or a link that opens an account: it is encrypted, and gone once the message is.
    `customer_id` says whose it is, where it is to a customer as such. No foreign key leads out: an erasure holds the customer.
    """

    __tablename__ = "outbox_messages"
    __table_args__ = (
        UniqueConstraint("workshop_id", "id"),
        CheckConstraint(one_of("state", STATES), name="state_known"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_with_time"),
        CheckConstraint("state <> 'sent' OR template_values IS NULL", name="sent_without_values"),
        CheckConstraint(
            "state <> 'pending' OR (recipient IS NOT NULL AND template_values IS NOT NULL)",
            name="pending_with_all_it_needs",
        ),
        CheckConstraint("claimed_until IS NULL OR state = 'pending'", name="only_pending_claimed"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        Index("ix_outbox_messages_due", "due_at", "id", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_outbox_messages_created_at", "workshop_id", "created_at", "id"),
        Index("ix_outbox_messages_state", "workshop_id", "state", "created_at", "id"),
        Index("ix_outbox_messages_topic", "workshop_id", "topic", "created_at", "id"),
        Index("ix_outbox_messages_recipient", "workshop_id", "recipient_digest", "created_at", "id"),
        Index(
            "ix_outbox_messages_customer",
            "workshop_id",
            "customer_id",
            "id",
            sqlite_where=_OF_A_CUSTOMER,
            postgresql_where=_OF_A_CUSTOMER,
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[str] = mapped_column(String(320), unique=True)
    topic: Mapped[str] = mapped_column(String(60))
    recipient: Mapped[str | None] = mapped_column(crypto.EncryptedText)
    recipient_digest: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    customer_id: Mapped[int | None] = mapped_column(Id)
    language: Mapped[str] = mapped_column(String(10))
    template_values: Mapped[str | None] = mapped_column(crypto.EncryptedText)
    state: Mapped[str] = mapped_column(String(20), default="pending")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime] = mapped_column(Instant)
    claimed_until: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str | None] = mapped_column(String(200))
    sent_by: Mapped[str | None] = mapped_column(String(20))
    sent_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def next_attempt_at(self) -> datetime | None:
        """When it is tried next; nothing where it is not."""
        return self.due_at if self.state == "pending" else None


class OutboxAttachment(WorkshopOwned, Model):
    """A file that goes with a message, encrypted; gone once the message is sent or its recipient is erased."""

    __tablename__ = "outbox_attachments"
    __table_args__ = (
        PrimaryKeyConstraint("workshop_id", "message_id", "place"),
        ForeignKeyConstraint(
            ["workshop_id", "message_id"], ["outbox_messages.workshop_id", "outbox_messages.id"]
        ),
        CheckConstraint("place >= 0", name="place_not_negative"),
    )

    message_id: Mapped[int] = mapped_column(Id)
    place: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    content_type: Mapped[str] = mapped_column(String(100))
    content: Mapped[bytes] = mapped_column(crypto.EncryptedBytes)


# ---- Queueing ---------------------------------------------------------------------------------------------------

_letterhead: Callable[[int], Letterhead] | None = None


def writes_letterheads(reader: Callable[[int], Letterhead]) -> Callable[[int], Letterhead]:
    """Register the function that knows in whose name, language and time zone a workshop writes."""
    global _letterhead
    _letterhead = reader
    return reader


def letterhead_of(workshop_id: int) -> Letterhead:
    """Return the letterhead of a workshop."""
    if _letterhead is None:
        raise RuntimeError("No feature knows letterheads.")
    return _letterhead(workshop_id)


_silenced: Select[int] | None = None


def silences(workshop_ids: Select[int]) -> None:
    """Register which workshops send no mail at present: theirs waits."""
    global _silenced
    _silenced = workshop_ids


def is_not_silenced() -> ColumnElement[bool]:
    """Return the condition that a message's workshop may send mail."""
    return true() if _silenced is None else OutboxMessage.workshop_id.not_in(_silenced)


def queue(
    workshop_id: int,
    topic: str,
    recipient: str,
    /,
    *,
    locale: str | None = None,
    customer_id: int | None = None,
    attachments: Sequence[Attachment] = (),
    **values: Any,
) -> OutboxMessage:
    """Queue a message on `topic` in the present transaction: it leaves if that is committed, and only then.

    `locale` is the recipient's; without one, the workshop's. `customer_id` is the customer of the workshop to whom it is, as
    such: the message goes with their erasure, whatever their address is by then.
    :raises RuntimeError: outside `atomic()`. :raises WrongValues: not what the topic takes, no address, or files too large.
    """
    from app.extensions import db

    session = db.session()
    require_atomic(session)
    if not is_address(recipient):
        raise WrongValues("The recipient is not an address.")
    if sum(len(one.content) for one in attachments) > MOST_ATTACHED:
        raise WrongValues("What is attached is too large for a letter.")
    now = clock.now()
    message = OutboxMessage(
        workshop_id=workshop_id,
        message_id=mail.new_message_id(),
        topic=topic,
        recipient=recipient,
        recipient_digest=digest_of(recipient),
        customer_id=customer_id,
        language=letters.language_of(locale or letterhead_of(workshop_id).locale),
        template_values=letters.pack(topic, values),
        due_at=now,
        created_at=now,
        updated_at=now,
    )
    session.flush()  # what waits is another workshop's, where that is who is written to
    with tenancy.acting_in(workshop_id):
        session.add(message)
        session.flush()
        _attach(message, attachments)
    jobs.nudge_after_commit(DELIVERY)
    return message


def _attach(message: OutboxMessage, attachments: Sequence[Attachment]) -> None:
    from app.extensions import db

    for place, one in enumerate(attachments):
        db.session.add(
            OutboxAttachment(
                workshop_id=message.workshop_id,
                message_id=message.id,
                place=place,
                name=one.name,
                content_type=one.content_type,
                content=one.content,
            )
        )
    if attachments:
        db.session.flush()


def attached_to(workshop_id: int, message_id: int) -> tuple[Attachment, ...]:
    """Return the files that go with a message."""
    from app.extensions import db

    rows = db.session.execute(
        select(OutboxAttachment.name, OutboxAttachment.content_type, OutboxAttachment.content)
        .where(OutboxAttachment.workshop_id == workshop_id, OutboxAttachment.message_id == message_id)
        .order_by(OutboxAttachment.place)
    )
    return tuple(Attachment(*row) for row in rows)


def forget_attached(workshop_id: int, message_id: int) -> None:
    """Delete the files of a message that was sent. Inside the caller's `atomic()`."""
    with atomic() as session:
        session.execute(
            delete(OutboxAttachment)
            .where(OutboxAttachment.workshop_id == workshop_id, OutboxAttachment.message_id == message_id)
            .execution_options(synchronize_session=False)
        )


def digest_of(address: str) -> bytes:
    """Return the blind index by which messages to an address are found."""
    return crypto.blind_index("outbox.recipient", address.lower())


# ---- Afterwards -------------------------------------------------------------------------------------------------


def find_locked(workshop_id: int, message_id: int) -> OutboxMessage | None:
    """Return a message of the workshop, locked for a change."""
    from app.extensions import db

    return db.session.scalar(
        locked(OutboxMessage).where(OutboxMessage.workshop_id == workshop_id, OutboxMessage.id == message_id)
    )


def revive(message: OutboxMessage) -> None:
    """Let a dead message start anew, as the same message: its Message-ID stays. Inside `atomic()`."""
    message.state, message.attempts, message.due_at, message.last_error = "pending", 0, clock.now(), None
    jobs.nudge_after_commit(DELIVERY)


def is_to(workshop_id: int, customer_id: int, addresses: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a message is to a customer: as such, or to nobody's record at one of these addresses."""
    digests = [digest_of(address) for address in addresses]
    to_no_record = and_(OutboxMessage.customer_id.is_(None), OutboxMessage.recipient_digest.in_(digests))
    return and_(
        OutboxMessage.workshop_id == workshop_id, or_(OutboxMessage.customer_id == customer_id, to_no_record)
    )


def forget(workshop_id: int, customer_id: int, addresses: Iterable[str]) -> int:
    """Take a person out of the log: their address and what was written to them. What still waits is not sent any more.

    `addresses` are theirs alone (`is_to`). Returns how many messages there were. Inside the caller's `atomic()`, as part of an
    erasure.
    """
    theirs = is_to(workshop_id, customer_id, addresses)
    statement = (
        update(OutboxMessage)
        .where(theirs)
        .values(
            recipient=None,
            recipient_digest=None,
            customer_id=None,
            template_values=None,
            claimed_until=None,
            version=OutboxMessage.version + 1,
            updated_at=clock.now(),
        )
        .execution_options(synchronize_session=False)
    )
    attached = delete(OutboxAttachment).where(
        OutboxAttachment.workshop_id == workshop_id,
        OutboxAttachment.message_id.in_(select(OutboxMessage.id).where(theirs)),
    )
    with atomic() as session:
        session.execute(attached.execution_options(synchronize_session=False))
        waiting = statement.where(OutboxMessage.state != "sent").values(
            state="dead", last_error="the person was erased"
        )
        found = 0
        for one in (waiting, statement):
            result = session.execute(one)
            assert isinstance(result, CursorResult)
            found += result.rowcount
    return found


@dataclass(frozen=True, slots=True)
class Summary:
    """How the outbox stands, over all workshops."""

    pending: int
    overdue: int
    dead: int
    oldest: datetime | None


def summary() -> Summary:
    """Return how many messages wait, how many of them should have left by now, how many are dead, and the oldest waiting."""
    from app.extensions import db

    statement = select(
        func.count().filter(OutboxMessage.state == "pending"),
        func.count().filter(
            OutboxMessage.state == "pending", OutboxMessage.due_at <= clock.now(), is_not_silenced()
        ),
        func.count().filter(OutboxMessage.state == "dead"),
        func.min(OutboxMessage.created_at).filter(OutboxMessage.state == "pending"),
    ).where(OutboxMessage.state != "sent")
    with tenancy.across_workshops():
        pending, overdue, dead, oldest = db.session.execute(statement).one()
    return Summary(pending, overdue, dead, oldest)
