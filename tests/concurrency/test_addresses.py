"""Both ends of a change of address confirmed at once: the second sees the first, and the address is changed."""

from __future__ import annotations

from functools import partial

import pytest

from app.blueprints.accounts import addresses, codes
from tests.accounts.letters import Letters
from tests.concurrency.racing import Meeting, race, without_row_locks
from tests.conftest import DATABASE_URL
from tests.factories import PASSWORD, Shop, unique
from tests.mailing import Scripted

ONE, CHANGED = "Confirmed. The other address is still to confirm.", "The address is changed."


def confirm_both_at_once(shop: Shop, transport: Scripted) -> list[str]:
    """Confirm both ends of a change at once; return what each was told."""
    letters, new = Letters(shop, transport), f"{unique('new')}@example.com"
    shop.mechanic.post("/auth/email", json={"email": new, "present_password": PASSWORD})
    sent = [{"token": letters.token(end)} for end in (shop.mechanic.email, new)]

    answers = race(*(partial(shop.nobody.post, "/auth/email/confirmation", json=one) for one in sent))

    return sorted(answer.json["message"] for answer in answers)


def test_the_address_is_changed(shop: Shop, transport: Scripted) -> None:
    assert confirm_both_at_once(shop, transport) == [ONE, CHANGED]


@pytest.mark.skipif(not DATABASE_URL, reason="on SQLite whoever writes is alone")
def test_control_without_the_lock_each_waits_for_the_other(
    shop: Shop, transport: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, addresses)
    monkeypatch.setattr(codes, "is_used", meeting.after(codes.is_used))

    told = confirm_both_at_once(shop, transport)

    assert meeting.was_held
    assert told == [ONE, ONE]
