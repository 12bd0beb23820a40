"""Failed tries: a pause that grows, a lock that is told by mail, and no hint of who has an account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.blueprints.accounts import tries
from app.blueprints.accounts.models import SignInFailures
from app.core.db import atomic
from app.extensions import db
from tests.accounts.letters import Letters
from tests.factories import PASSWORD, Shop, unique
from tests.mailing import Clock
from tests.second_factors import switch_on
from tests.watching import statements

pytestmark = pytest.mark.usefixtures("nothing_counted")


def sign_in(shop: Shop, email: str, password: str = "wrong", door: str = "/auth/login") -> TestResponse:
    return shop.nobody.post(door, json={"email": email, "password": password})


def fail(shop: Shop, email: str, clock: Clock, times: int) -> list[TestResponse]:
    """Fail so many times, each as soon as the door is open again."""
    answers = []
    for _ in range(times):
        answer = sign_in(shop, email)
        if answer.status_code == 429:
            clock.pass_(seconds=int(answer.headers["Retry-After"]))
            answer = sign_in(shop, email)
        answers.append(answer)
    return answers


@pytest.mark.parametrize(
    ("failures", "seconds"), [(3, 0), (4, 2), (5, 4), (7, 16), (9, 64), (10, 900), (15, 900)]
)
def test_the_pause_doubles_until_the_door_is_locked(failures: int, seconds: int) -> None:
    assert tries.BY_NAME.pause(failures) == timedelta(seconds=seconds)


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_who_failed_too_often_waits_even_with_the_right_password(
    shop: Shop, clock_set: Clock, known: bool
) -> None:
    email = shop.customer.email if known else f"{unique('nobody')}@example.com"
    answers = [sign_in(shop, email).status_code for _ in range(4)]

    early = sign_in(shop, email, PASSWORD)
    clock_set.pass_(seconds=int(early.headers["Retry-After"]))
    late = sign_in(shop, email, PASSWORD)

    assert answers == [401] * 4
    assert (early.status_code, early.json["code"], early.headers["Retry-After"]) == (
        429,
        "too_many_tries",
        "2",
    )
    assert late.status_code == (200 if known else 401)


PRESENT = {
    "/auth/password": {"password": "another-odd-spanner-77"},
    "/auth/email": {"email": "another@example.com"},
    "/auth/second_factor": {},
    "/auth/second_factor/recovery_codes": {"code": "123456"},
    "/auth/second_factor/removal": {"code": "123456"},
}


@pytest.mark.parametrize("path", PRESENT)
def test_who_is_signed_in_and_guesses_the_present_password_waits_as_at_the_door(
    shop: Shop, clock_set: Clock, path: str
) -> None:
    def give(password: str) -> tuple[int, str | None, str | None]:
        answer = shop.mechanic.post(path, json={"present_password": password, **PRESENT[path]})
        return answer.status_code, answer.json.get("code"), answer.headers.get("Retry-After")

    guesses = [give("wrong") for _ in range(4)]
    early, at_the_door = give(PASSWORD), sign_in(shop, shop.mechanic.email, PASSWORD).status_code
    clock_set.pass_(seconds=2)
    late = give(PASSWORD)

    assert guesses == [(403, "wrong_password", None)] * 4
    assert (early, at_the_door) == ((429, "too_many_tries", "2"), 429)
    assert late in [(200, None, None), (404, "second_factor_not_found", None)]


@pytest.mark.parametrize("path", PRESENT)
def test_ten_guesses_at_the_present_password_lock_and_the_person_is_told(
    shop: Shop, letters: Letters, clock_set: Clock, path: str
) -> None:
    def guess() -> tuple[int, int]:
        answer = shop.mechanic.post(path, json={"present_password": "wrong", **PRESENT[path]})
        return answer.status_code, int(answer.headers.get("Retry-After", 0))

    waited = []
    for _ in range(10):
        assert guess()[0] == 403
        waited.append(guess()[1] if len(waited) > 2 else 0)
        clock_set.pass_(seconds=waited[-1])

    assert waited == [0, 0, 0, 2, 4, 8, 16, 32, 64, 900]
    (text,) = letters.to(shop.mechanic.email)
    assert "too many wrong passwords" in text


def joining(door: str, email: str, password: str) -> dict[str, Any]:
    """Return the body by which the account of an address joins by its password."""
    slug = unique("joined-")
    rest = {
        "/auth/register": {"workshop": {"name": "Joined", "slug": slug}},
        "/customers": {"name": "Ada Obi", "phone": f"555-{unique('0')}-4567"[:20]},
    }
    return {"email": email, "password": password, **rest[door]}


JOINING = ["/auth/register", "/customers"]


@pytest.mark.parametrize("keyed", [False, True], ids=["plain", "with an Idempotency-Key"])
@pytest.mark.parametrize("door", JOINING)
def test_who_guesses_a_password_where_accounts_join_waits_and_the_tenth_is_told(
    shop: Shop, other_shop: Shop, letters: Letters, clock_set: Clock, door: str, keyed: bool
) -> None:
    def give(password: str) -> tuple[int, str | None, int]:
        headers = {"Idempotency-Key": unique("key")} if keyed else {}
        body = joining(door, shop.owner.email, password)
        answer = other_shop.nobody.post(door, json=body, headers=headers)
        return answer.status_code, answer.json.get("code"), int(answer.headers.get("Retry-After", 0))

    waited = []
    for _ in range(10):
        assert give("wrong wrong wrong") == (409, "email_taken", 0)
        early = give(PASSWORD) if len(waited) > 2 else (429, "too_many_tries", 0)
        assert early[:2] == (429, "too_many_tries")
        waited.append(early[2])
        clock_set.pass_(seconds=waited[-1])
    late = give(PASSWORD)

    assert waited == [0, 0, 0, 2, 4, 8, 16, 32, 64, 900]
    assert late[0] == 201
    assert len([text for text in letters.to(shop.owner.email) if "too many wrong passwords" in text]) == 1


@pytest.mark.parametrize("door", JOINING)
def test_where_accounts_join_the_second_factor_is_asked_for(
    shop: Shop, other_shop: Shop, clock_set: Clock, door: str
) -> None:
    phone = switch_on(shop.owner, clock_set)
    clock_set.pass_(seconds=30)
    body = joining(door, shop.owner.email, PASSWORD)

    answers = [
        other_shop.nobody.post(door, json={**body, **beside})
        for beside in ({}, {"second_factor_code": phone.wrong}, {"second_factor_code": phone.code})
    ]

    assert [(answer.status_code, answer.json.get("code")) for answer in answers] == [
        (401, "second_factor_required"), (401, "second_factor_refused"), (201, None),
    ]  # fmt: skip


@pytest.mark.parametrize("password", [PASSWORD, "wrong wrong wrong"], ids=["right", "wrong"])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_who_hires_learns_nothing_of_a_password_and_is_told_to_invite(
    shop: Shop, other_shop: Shop, method: str, password: str
) -> None:
    record = {"name": "Jane Wrench", "phone": "555-987-6543", "salary": 1}
    email = other_shop.owner.email
    path = "/mechanics" if method == "POST" else f"/mechanics/{shop.make_mechanic(email=email).id}"
    body = {**record, "email": email, "password": password}

    answer = shop.owner.open(method, path, json=body)

    assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
    assert "POST /invitations" in answer.json["detail"]
    assert sign_in(shop, email, PASSWORD, "/mechanics/login").status_code == 401


PHONE = "555-123-0000"  # the customer's


def named(shop: Shop, by: str) -> dict[str, str]:
    return {"phone": PHONE} if by == "phone" else {"email": shop.customer.email}


@pytest.mark.parametrize(("first", "then"), [("phone", "email"), ("email", "phone")])
def test_an_account_waits_by_each_of_its_names(shop: Shop, clock_set: Clock, first: str, then: str) -> None:
    def give(by: str, password: str) -> int:
        return shop.nobody.post("/auth/login", json={**named(shop, by), "password": password}).status_code

    guesses = [give(by, "wrong") for by in (first, then, first, then)]
    early = [give(by, PASSWORD) for by in (first, then)]
    clock_set.pass_(seconds=2)
    let_in = give(then, PASSWORD)  # and forgotten with that, by the other name too

    assert (guesses, early, let_in) == ([401] * 4, [429, 429], 200)
    assert [give(first, "wrong") for _ in range(4)] == [401] * 4


@pytest.mark.parametrize("by", ["email", "phone"])
def test_known_and_unknown_names_wait_alike_by_the_same_statements(
    shop: Shop, clock_set: Clock, by: str
) -> None:
    unknown = {"phone": "555-999-1234"} if by == "phone" else {"email": f"{unique('nobody')}@example.com"}
    told = []
    for name in (named(shop, by), unknown):
        answers, sent = [], []
        for _ in range(6):
            with statements(shop.app) as seen:
                answer = shop.nobody.post("/auth/login", json={**name, "password": "wrong"})
            answers.append((answer.status_code, answer.json["detail"]))
            sent.append(sorted(seen))  # name and address are counted in the order of their digests
        told.append((answers, sent))

    assert told[0] == told[1]
    assert [status for status, _ in told[0][0]] == [401] * 4 + [429] * 2


def test_a_try_while_waiting_is_not_counted(shop: Shop, clock_set: Clock) -> None:
    for _ in range(20):
        sign_in(shop, shop.customer.email)
    clock_set.pass_(seconds=2)

    assert sign_in(shop, shop.customer.email, PASSWORD).status_code == 200


def test_signing_in_forgets_the_failures(shop: Shop, clock_set: Clock) -> None:
    for _ in range(3):
        fail(shop, shop.customer.email, clock_set, 3)
        assert sign_in(shop, shop.customer.email, PASSWORD).status_code == 200


@pytest.mark.parametrize("door", ["/auth/login", "/customers/login", "/mechanics/login"])
def test_every_door_counts(shop: Shop, clock_set: Clock, door: str) -> None:
    for other in ("/auth/login", "/customers/login", "/mechanics/login", door):
        sign_in(shop, shop.customer.email, door=other)

    assert sign_in(shop, shop.customer.email, PASSWORD, door).status_code == 429


def test_a_failure_with_an_idempotency_key_counts(shop: Shop, clock_set: Clock) -> None:
    for _ in range(4):
        body = {"email": shop.customer.email, "password": "wrong"}
        shop.nobody.post("/auth/login", json=body, headers={"Idempotency-Key": unique("key")})

    assert sign_in(shop, shop.customer.email, PASSWORD).status_code == 429


def test_the_tenth_locks_and_is_told_once(shop: Shop, clock_set: Clock, letters: Letters) -> None:
    fail(shop, shop.customer.email, clock_set, 10)
    locked = sign_in(shop, shop.customer.email, PASSWORD)
    clock_set.pass_(minutes=16)
    fail(shop, shop.customer.email, clock_set, 1)

    assert (locked.status_code, locked.headers["Retry-After"]) == (429, "900")
    assert len(letters.to(shop.customer.email)) == 1


def test_a_lock_of_nobodys_is_told_to_nobody(shop: Shop, clock_set: Clock, letters: Letters) -> None:
    unknown = f"{unique('nobody')}@example.com"

    fail(shop, unknown, clock_set, 10)

    assert letters.to(unknown) == []


def test_time_opens_the_lock_and_a_day_forgets(shop: Shop, clock_set: Clock) -> None:
    fail(shop, shop.customer.email, clock_set, 10)
    clock_set.pass_(hours=25)

    assert [answer.status_code for answer in fail(shop, shop.customer.email, clock_set, 3)] == [401] * 3
    assert sign_in(shop, shop.customer.email, PASSWORD).status_code == 200


@pytest.mark.parametrize("locked", ["email", "phone"])
def test_recovering_opens_the_lock_for_every_name(
    shop: Shop, clock_set: Clock, letters: Letters, locked: str
) -> None:
    email = shop.customer.email
    fail(shop, named(shop, locked)[locked], clock_set, 10)
    assert sign_in(shop, PHONE, PASSWORD).status_code == 429
    shop.nobody.post("/auth/recovery", json={"email": email})
    token = shop.nobody.post("/auth/recovery/code", json={"email": email, "code": letters.code(email)}).json
    body = {"reset_token": token["reset_token"], "password": "wrench-otter-lagoon-42"}
    shop.nobody.post("/auth/recovery/password", json=body)

    for name in (email, PHONE):
        assert sign_in(shop, name, "wrench-otter-lagoon-42").status_code == 200


def test_an_address_that_tries_many_names_waits_too(
    shop: Shop, clock_set: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(shop.app.config, "FREE_TRIES_BY_ADDRESS", 5)
    with shop.app.app_context(), atomic() as session:  # all tests come from this address
        session.query(SignInFailures).delete()

    for number in range(6):
        assert sign_in(shop, f"nobody{number}@{unique('guess')}.example.com").status_code == 401

    assert sign_in(shop, shop.customer.email, PASSWORD).status_code == 429


def test_what_is_kept_names_nobody(shop: Shop) -> None:
    sign_in(shop, shop.customer.email)

    with shop.app.app_context():
        kept = b"".join(row.key for row in db.session.query(SignInFailures))
    assert shop.customer.email.encode() not in kept


def test_old_failures_are_deleted(shop: Shop, clock_set: Clock) -> None:
    sign_in(shop, shop.customer.email)
    clock_set.pass_(hours=25)

    with shop.app.app_context():
        tries.forget_old()

        assert db.session.query(SignInFailures).count() == 0
