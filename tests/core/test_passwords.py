"""Passwords: Argon2id with the configuration's parameters, rehashed when they rise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from flask import Flask
from nacl.pwhash import argon2id
from zxcvbn import matching

import config
from app.core import passwords
from tests.factories import PASSWORD, Shop, account_of

GOOD = "correct horse battery ståple"


def raise_parameters(app: Flask, patch: pytest.MonkeyPatch) -> None:
    patch.setitem(app.config, "ARGON2_MEMORY_KIB", 128)
    patch.setitem(app.config, "ARGON2_ITERATIONS", 2)


def hash_of(shop: Shop, email: str) -> str:
    with shop.app.app_context():
        kept = account_of(email).password_hash
    assert kept is not None
    return kept


class TestAHash:
    def test_is_argon2id_with_the_parameters_of_the_configuration(self, app: Flask) -> None:
        with app.app_context():
            used = extract_parameters(passwords.hash_password(GOOD))

        assert used.type is Type.ID
        assert (used.memory_cost, used.time_cost, used.parallelism) == (64, 1, 1)

    def test_has_the_floor_of_owasp_outside_the_tests(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("ARGON2_MEMORY_KIB", "ARGON2_ITERATIONS"):
            monkeypatch.delenv(name, raising=False)

        settings = config.Config()

        assert (settings.ARGON2_MEMORY_KIB, settings.ARGON2_ITERATIONS) == (7_168, 5)
        assert config.TestingConfig().ARGON2_MEMORY_KIB == 64

    def test_of_one_password_is_never_the_same_twice(self, app: Flask) -> None:
        with app.app_context():
            assert passwords.hash_password(GOOD) != passwords.hash_password(GOOD)

    @pytest.mark.parametrize(
        "other", ["", "Correct horse battery ståple", GOOD + " ", GOOD[:-1], "stale", "\0"]
    )
    def test_matches_its_password_and_no_other(self, app: Flask, other: str) -> None:
        with app.app_context():
            kept = passwords.hash_password(GOOD)

            assert passwords.matches(kept, GOOD)
            assert not passwords.matches(kept, other)

    @pytest.mark.parametrize("password", [GOOD, "x", "\0null", "ż" * 128])
    def test_is_one_of_the_reference_implementation(self, app: Flask, password: str) -> None:
        reference = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        with app.app_context():
            theirs = reference.hash(password)

            assert reference.verify(passwords.hash_password(password), password)
            assert passwords.matches(theirs, password)
            assert not passwords.matches(theirs, password + " ")
            assert not passwords.is_outdated(theirs)

    @pytest.mark.parametrize(
        "kept", ["", "plain text", "$argon2id$v=19$", "$2b$12$abcdefghijklmnopqrstuv", "ż", "long" * 60]
    )
    def test_that_is_none_matches_nothing(self, app: Flask, kept: str) -> None:
        with app.app_context():
            assert not passwords.matches(kept, GOOD)
            assert not passwords.matches(kept, kept)
            assert not passwords.matches(kept, "nobody's password")


class TestAnUnknownAccount:
    def test_is_refused_whatever_the_password(self, app: Flask) -> None:
        with app.app_context():
            assert not passwords.matches(None, GOOD)
            assert not passwords.matches(None, "nobody's password")

    @pytest.mark.parametrize("known", [True, False])
    def test_costs_one_verification_as_a_known_one_does(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch, known: bool
    ) -> None:
        verified: list[str] = []
        verify = argon2id.verify

        def noting(kept: bytes, password: bytes) -> bool:
            verified.append(kept.decode())
            return verify(kept, password)

        email = shop.customer.email if known else "nobody-has-this@example.com"
        shop.nobody.post("/customers/login", json={"email": "warm-up@example.com", "password": "wrong"})
        monkeypatch.setattr(argon2id, "verify", noting)

        answer = shop.nobody.post("/customers/login", json={"email": email, "password": "wrong"})

        assert (answer.status_code, answer.json["code"]) == (401, "wrong_credentials")
        assert len(verified) == 1
        assert extract_parameters(verified[0]).memory_cost == 64

    def test_is_told_in_the_words_of_a_wrong_password(self, shop: Shop) -> None:
        unknown = shop.nobody.post(
            "/customers/login", json={"email": "nobody@example.com", "password": PASSWORD}
        )
        wrong = shop.nobody.post(
            "/customers/login", json={"email": shop.customer.email, "password": "wrong-password"}
        )

        assert {**unknown.json, "request_id": ""} == {**wrong.json, "request_id": ""}
        assert unknown.headers["WWW-Authenticate"] == wrong.headers["WWW-Authenticate"]


class TestRisingParameters:
    def test_make_older_hashes_outdated(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        with app.app_context():
            kept = passwords.hash_password(GOOD)
            before = passwords.is_outdated(kept)
            raise_parameters(app, monkeypatch)

            assert (before, passwords.is_outdated(kept)) == (False, True)
            assert passwords.matches(kept, GOOD)
            assert not passwords.is_outdated(passwords.hash_password(GOOD))

    def test_renew_the_hash_at_the_next_sign_in(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        before = hash_of(shop, shop.customer.email)
        raise_parameters(shop.app, monkeypatch)
        login = {"email": shop.customer.email, "password": PASSWORD}

        first = shop.nobody.post("/customers/login", json=login)
        renewed = hash_of(shop, shop.customer.email)
        second = shop.nobody.post("/customers/login", json=login)

        assert (first.status_code, second.status_code) == (200, 200)
        assert extract_parameters(before).memory_cost == 64
        assert extract_parameters(renewed).memory_cost == 128
        assert hash_of(shop, shop.customer.email) == renewed

    def test_renew_nothing_at_a_refused_one(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        before = hash_of(shop, shop.customer.email)
        raise_parameters(shop.app, monkeypatch)

        shop.nobody.post("/customers/login", json={"email": shop.customer.email, "password": "wrong"})

        assert hash_of(shop, shop.customer.email) == before


def test_the_least_length_is_a_setting(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "PASSWORD_MINIMUM_LENGTH", 14)

    with app.app_context():
        assert passwords.least_length() == 14


def test_a_short_one_is_refused_with_the_least_length(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(shop.app.config, "PASSWORD_MINIMUM_LENGTH", 12)
    body = {
        "name": "Ada",
        "email": "ada@short.example.com",
        "phone": "555-123-4567",
        "password": "eleven-long",
    }

    answer = shop.nobody.post("/customers", json=body)

    assert (answer.status_code, answer.json["code"]) == (400, "password_too_short")
    assert answer.json["errors"] == {"password": ["Shorter than minimum length 12."]}


class TestJudging:
    @pytest.fixture(autouse=True)
    def strictly(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setitem(app.config, "PASSWORD_LEAST_SCORE", 3)
        with app.app_context():
            yield

    @pytest.mark.parametrize(
        "signs", ["4@8({[<3691!|70$5+7%2", "4a@8b({[c<3e6g91!i|7l0$o5+s7%2t", "p@4$5w0rd1!|7+"]
    )
    def test_takes_no_longer_for_signs_that_can_be_read_in_many_ways(
        self, signs: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = 0
        known = matching.dictionary_match

        def counted(password: str, *words: Any, **named: Any) -> list[dict[str, Any]]:
            nonlocal read
            read += len(password) ** 2
            found: list[dict[str, Any]] = known(password, *words, **named)
            return found

        monkeypatch.setattr(matching, "dictionary_match", counted)

        passwords.too_easy((signs * 11)[:128], ["Ada Obi"])

        assert read < 20 * 128**2

    @pytest.mark.parametrize(
        "password", ["k4@8({[<3691!|70$5+7%2", "{<[(|!1$5@4%2)9}", "$(7%{1!q@4<5+9|z&[8=3"]
    )
    def test_takes_signs_in_no_order(self, password: str) -> None:
        assert passwords.too_easy(password, ["Ada Obi"]) == []

    def test_still_reads_signs_as_letters(self) -> None:
        assert passwords.too_easy("P@$$w0rd1234", ["Ada Obi"]) != []

    def test_of_several_at_once_knows_each_by_their_own_name(self, app: Flask) -> None:
        interval = sys.getswitchinterval()
        names = [f"zbyszko{letter * 2}wolodyjowski" for letter in "abcdefghijkl"]

        def judged(name: str) -> list[str]:
            with app.app_context():
                return passwords.too_easy(name, [name])

        sys.setswitchinterval(1e-6)
        try:
            with ThreadPoolExecutor(len(names)) as threads:
                advice = list(threads.map(judged, names))
        finally:
            sys.setswitchinterval(interval)

        assert all(advice)
