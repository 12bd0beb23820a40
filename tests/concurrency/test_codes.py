"""Codes for one address that are asked for at once: no more are sent than of those that are asked for one after the other."""

from __future__ import annotations

from functools import partial

import pytest

from app.blueprints.accounts import codes, tries
from tests.concurrency.racing import Meeting, race, without_write_lock
from tests.factories import Shop, unique

pytestmark = pytest.mark.usefixtures("nothing_counted")

RACERS = 8


@pytest.fixture(params=["known", "unknown"])
def address(request: pytest.FixtureRequest, shop: Shop) -> str:
    return shop.customer.email if request.param == "known" else f"{unique('nobody')}@example.com"


def ask_at_once(shop: Shop, address: str) -> list[int]:
    ask = partial(shop.nobody.post, "/auth/recovery", {"email": address})
    return sorted(answer.status_code for answer in race(*[ask] * RACERS))


def test_five_are_sent_within_the_hour(shop: Shop, address: str) -> None:
    assert ask_at_once(shop, address) == [200] * codes.MOST_AN_HOUR + [429] * (RACERS - codes.MOST_AN_HOUR)


def test_control_where_nobody_waits_for_their_turn_all_are_sent(
    shop: Shop, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(RACERS)
    monkeypatch.setattr(tries, "wait_for_turn", lambda key: None)
    monkeypatch.setattr(codes, "_token_digest", meeting.after(codes._token_digest))

    with without_write_lock(shop.app):
        assert ask_at_once(shop, address) == [200] * RACERS
    assert meeting.was_held
