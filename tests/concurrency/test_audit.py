"""Changes made at once are one chain: numbered without a gap, each after the one before."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from app.core import audit, chain
from app.core.audit import AuditEntry, AuditHead
from app.core.chain import Break, Examination
from app.core.db import atomic
from app.extensions import db
from tests.concurrency.racing import Meeting, race, without_write_lock
from tests.factories import Shop

WRITERS = 12


def chain_of(shop: Shop) -> tuple[list[int], list[Break]]:
    """Return the numbers of a workshop's entries, and where their chain is broken."""
    with shop.inside():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)).all()
        head = db.session.scalar(select(AuditHead))
        return [entry.sequence for entry in entries], list(Examination(head).breaks(entries))


def test_entries_appended_at_once_are_one_chain(shop: Shop) -> None:
    before = len(chain_of(shop)[0])

    def add(number: int) -> int:
        return shop.owner.post("/inventory", json={"name": f"Part {number}", "price": 1}).status_code

    statuses = race(*(partial(add, number) for number in range(WRITERS)))

    numbers, breaks = chain_of(shop)
    assert statuses == [201] * WRITERS
    assert numbers == list(range(1, before + WRITERS + 1))
    assert breaks == []


def test_people_and_things_changed_at_once_wait_in_no_circle(shop: Shop) -> None:
    """Each of these takes a person's key, then the head: the same order everywhere."""
    customers = [shop.make_customer().id for _ in range(3)]

    def change(customer_id: int, number: int) -> int:
        return shop.owner.patch(f"/customers/{customer_id}", json={"name": f"Ada {number}"}).status_code

    statuses = race(*(partial(change, customers[number % 3], number) for number in range(WRITERS)))

    assert statuses == [200] * WRITERS
    assert chain_of(shop)[1] == []


def test_control_reading_the_head_without_holding_it_gives_one_number_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    def read_then_write(one: audit.Note, key: Any) -> None:
        head = db.session.scalar(select(AuditHead))
        assert head is not None
        meeting.wait()
        said: dict[str, Any] = dict.fromkeys(audit.SAID) | {
            "at": one.at, "action": one.action, "subject_kind": one.subject.kind, "subject_id": one.subject.id,
        }  # fmt: skip
        salt, sequence = chain.new_salt(), head.sequence + 1
        digest = chain.content_digest(workshop_id=one.workshop_id, **said)
        link = {"salt": salt, "sequence": sequence, "previous_hash": head.hash}
        link["hash"] = chain.hash_of(salt, bytes(head.hash), sequence, digest)
        db.session.execute(insert(AuditEntry).values(workshop_id=one.workshop_id, **said, **link))

    def append() -> str:
        try:
            with shop.inside(), atomic():
                audit.note("thing.changed", "thing", 1)
        except IntegrityError:
            return "refused"
        return "appended"

    monkeypatch.setattr(audit, "_append", read_then_write)
    with without_write_lock(shop.app, logs=True):
        outcomes = race(append, append)

    assert meeting.was_held
    assert sorted(outcomes) == ["appended", "refused"]
