"""Many who try one password, or one code, at once: as many are told that it is wrong as one after the other, and no more."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

import pytest
from werkzeug.test import TestResponse

from app.blueprints.accounts import proving, second_factor, tries
from app.core.db import atomic
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


def sign_in_amid_a_turn(shop: Shop) -> int:
    """Sign in with the right password while the fourth wrong one is counted, and its turn has not ended."""
    assert shop.customer.principal is not None
    name, counted, over = tries.of_account(shop.customer.principal.account_id), Event(), Event()

    def count_wrong_ones() -> None:
        with shop.app.app_context(), atomic():
            tries.take_turn(name, None)
            for _ in range(TOLD):
                tries.note_failure(name, None)
            counted.set()
            over.wait(1)

    turn = Thread(target=count_wrong_ones)
    turn.start()
    assert counted.wait(10)
    body = {"email": shop.customer.email, "password": PASSWORD}
    status = shop.nobody.post("/auth/login", json=body).status_code
    over.set()
    turn.join()
    return status


def test_a_right_password_waits_for_the_turn_in_which_the_fourth_wrong_one_is_counted(shop: Shop) -> None:
    assert sign_in_amid_a_turn(shop) == 429


def test_control_without_waiting_a_right_password_is_let_in_amid_the_turn(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "follow_turns", tries.require_patience)

    assert sign_in_amid_a_turn(shop) == 200


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
