"""Many who try one password, or one code, at once: as many are told that it is wrong as one after the other, and no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from app.blueprints.accounts import proving, second_factor, tries
from tests.concurrency import racing
from tests.concurrency.racing import Meeting, race
from tests.conftest import DATABASE_URL
from tests.factories import PASSWORD, Shop
from tests.mailing import Clock
from tests.second_factors import switch_on

pytestmark = pytest.mark.usefixtures("nothing_counted")

RACERS, TOLD = 6, 4  # the fourth closes the door


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the meetings be held on a slow machine too: what is raced for comes after them, so all can come."""
    monkeypatch.setattr(racing, "PATIENCE", 10)


def without_turns(name: str, address: str | None) -> None:
    return None


def statuses(*tried: Callable[[], TestResponse]) -> list[int]:
    return sorted(answer.status_code for answer in race(*tried))


def guess_at_once(shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Guess a password; the meeting is where all have been looked at, and none is counted yet."""

    def matches(kept: str | None, password: str) -> bool:
        meeting.wait()
        return False

    monkeypatch.setattr(proving.passwords, "matches", matches)
    body = {"email": shop.customer.email, "password": "wrong"}
    return statuses(*[lambda: shop.nobody.post("/auth/login", json=body)] * RACERS)


def test_of_wrong_passwords_at_once_four_are_told_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Meeting(RACERS)

    answers = guess_at_once(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert answers == [401] * TOLD + [429] * (RACERS - TOLD)


def test_control_without_turns_all_are_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "take_turn", without_turns)
    meeting = Meeting(RACERS)

    answers = guess_at_once(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert answers == [401] * RACERS


def test_a_right_password_that_comes_after_the_fourth_wrong_one_is_not_let_in(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def matches(kept: str | None, password: str) -> bool:
        """Let four wrong ones be counted while the right one is looked at."""
        if password == PASSWORD:
            for _ in range(TOLD):
                shop.nobody.post("/auth/login", json={"email": shop.customer.email, "password": "wrong"})
        return password == PASSWORD

    monkeypatch.setattr(proving.passwords, "matches", matches)

    answer = shop.nobody.post("/auth/login", json={"email": shop.customer.email, "password": PASSWORD})

    assert (answer.status_code, answer.json["code"]) == (429, "too_many_tries")


@pytest.mark.skipif(not DATABASE_URL, reason="on SQLite whoever writes is alone")
def test_those_who_know_the_password_do_not_wait_for_each_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"email": shop.customer.email, "password": PASSWORD}
    meeting = Meeting(RACERS)
    monkeypatch.setattr(tries, "follow_turns", meeting.after(tries.follow_turns))

    assert statuses(*[lambda: shop.nobody.post("/auth/login", json=body)] * RACERS) == [200] * RACERS
    assert meeting.was_held


def try_codes_at_once(shop: Shop, clock_set: Clock, meeting: Meeting, patch: pytest.MonkeyPatch) -> list[int]:
    """Try wrong codes, each at a sign-in of its own; the meeting is before the first is looked at."""
    phone = switch_on(shop.customer, clock_set)
    patch.setattr(second_factor, "_take", meeting.before(second_factor._take))
    credentials = {"email": shop.customer.email, "password": PASSWORD, "second_factor_code": phone.wrong}
    return statuses(*[lambda: shop.nobody.post("/auth/login", json=credentials)] * RACERS)


def test_of_wrong_codes_at_once_four_are_told_so(
    shop: Shop, clock_set: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(RACERS)

    answers = try_codes_at_once(shop, clock_set, meeting, monkeypatch)

    assert meeting.was_held
    assert answers == [401] * TOLD + [429] * (RACERS - TOLD)


def test_control_without_turns_all_codes_are_told(
    shop: Shop, clock_set: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "take_turn", without_turns)

    meeting = Meeting(RACERS)

    answers = try_codes_at_once(shop, clock_set, meeting, monkeypatch)

    assert meeting.was_held
    assert answers == [401] * RACERS
