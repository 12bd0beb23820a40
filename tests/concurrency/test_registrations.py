"""Two who register one address at once: one gets it."""

from __future__ import annotations

from functools import partial

import pytest
from werkzeug.test import TestResponse

from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.models import Account
from app.blueprints.customers import profiles
from app.blueprints.customers.models import CustomerProfile
from tests.concurrency.racing import Meeting, race, without_write_lock
from tests.factories import Shop, unique

PASSWORDS = [("one-password", "one-password"), ("one-password", "another-password")]


def race_for_an_address(
    shop: Shop, passwords: tuple[str, str], meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[TestResponse], int]:
    """Register an address twice; the meeting is where both have seen that it has no account. Count the accounts afterwards."""
    email = f"{unique('ada')}@example.com"
    monkeypatch.setattr(accounts, "_hash_of", meeting.before(accounts._hash_of))

    def register(password: str) -> TestResponse:
        person = {
            "name": "Ada Obi",
            "email": email,
            "phone": f"555-{unique('0')}-4567"[:20],
            "password": password,
        }
        return shop.nobody.post("/customers", json=person)

    answers = race(*(partial(register, password) for password in passwords))

    with shop.inside():
        made = Account.query.filter_by(email=email).count()
    return sorted(answers, key=lambda answer: answer.status_code), made


@pytest.mark.parametrize("passwords", PASSWORDS, ids=["same password", "other password"])
def test_two_registrations_of_one_address_give_one_201_and_one_409(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, passwords: tuple[str, str]
) -> None:
    answers, accounts_made = race_for_an_address(shop, passwords, Meeting(2), monkeypatch)

    assert [answer.status_code for answer in answers] == [201, 409]
    assert answers[1].json["code"] == "email_taken"
    assert accounts_made == 1


@pytest.mark.parametrize("passwords", PASSWORDS, ids=["same password", "other password"])
def test_control_without_the_unique_constraints_both_get_it(
    lax_shop: Shop, monkeypatch: pytest.MonkeyPatch, passwords: tuple[str, str]
) -> None:
    meeting = Meeting(2)

    with without_write_lock(lax_shop.app):
        answers, accounts_made = race_for_an_address(lax_shop, passwords, meeting, monkeypatch)

    assert meeting.was_held
    assert [answer.status_code for answer in answers] == [201, 201]
    assert accounts_made == 2


# ---- National ids -------------------------------------------------------------------------------------------------


def race_for_a_national_id(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[TestResponse], int]:
    """Register two people with one national id; the meeting is where both have looked at it. Count who has it afterwards."""
    monkeypatch.setattr(profiles, "_identify", meeting.after(profiles._identify))

    def register() -> TestResponse:
        return shop.nobody.post(
            "/customers",
            json={
                "name": "Ada Obi", "email": f"{unique('ada')}@example.com", "phone": f"555-{unique('0')}-4567"[:20],
                "password": "one-password", "national_id_kind": "PL-PESEL", "national_id": "44051401359",
            },
        )  # fmt: skip

    answers = race(register, register)

    with shop.inside():
        made = CustomerProfile.query.filter_by(workshop_id=shop.id).count()
    return sorted(answers, key=lambda answer: answer.status_code), made


def test_two_registrations_with_one_national_id_give_one_201_and_one_409(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, made = race_for_a_national_id(shop, Meeting(2), monkeypatch)

    assert [answer.status_code for answer in answers] == [201, 409]
    assert answers[1].json["code"] == "national_id_taken"
    assert made == 1


def test_control_without_the_unique_digest_both_have_it(
    lax_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    with without_write_lock(lax_shop.app):
        answers, made = race_for_a_national_id(lax_shop, meeting, monkeypatch)

    assert [answer.status_code for answer in answers] == [201, 201]
    assert made == 2
