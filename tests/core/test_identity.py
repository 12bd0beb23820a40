"""Tokens: what one carries, and that nothing but one of ours, of this moment, is believed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import digest
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jose import jwt

from app.core import identity
from app.core.db import atomic
from app.core.errors import NotSignedIn
from app.core.identity import Principal
from tests.factories import PASSWORD, Caller, Shop, account_of

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OWNER = Principal(account_id=1, workshop_id=2, membership_id=3, role="owner", person_id=None, session_id=9)


def encoded(part: Any) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def claims(**changes: Any) -> dict[str, Any]:
    """Return claims as ours are, with some changed; one that is changed to None is left out."""
    now = int(datetime.now(UTC).timestamp())
    whole = {
        "aud": identity.AUDIENCE, "sub": "1", "iat": now, "exp": now + 600, "jti": "x", "workshop": 2, "member": 3, "sid": 9,
        "role": "owner", "person": None, **changes,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if value is not None or name == "person"}


def signed(
    app: Flask, payload: dict[str, Any], *, algorithm: str = "HS256", headers: Any = None, key: Any = None
) -> str:
    kid, ours = next(iter(app.config["TOKEN_KEYS"].items()))
    return jwt.encode(payload, key or ours, algorithm=algorithm, headers=headers or {"kid": kid})


def read(app: Flask, token: str) -> Principal:
    with app.app_context():
        return identity.read_token(token)


class TestAToken:
    @pytest.mark.parametrize(
        "principal",
        [
            OWNER, Principal(1, 2, 3, "mechanic", 4), Principal(1, 2, 3, "customer", 5),
            Principal(2**62, 2**62, 2**62, "customer", 2**62),
        ],
        ids=lambda principal: principal.role,
    )  # fmt: skip
    def test_names_whom_it_was_issued_to(self, app: Flask, principal: Principal) -> None:
        with app.app_context():
            token, seconds = identity.issue_token(principal)

        assert read(app, token) == principal
        assert seconds == 30 * 60

    def test_carries_no_more_than_ids_and_times(self, app: Flask) -> None:
        with app.app_context(), time_machine.travel(START, tick=False):
            token, _ = identity.issue_token(OWNER)
            other, _ = identity.issue_token(OWNER)

        header, payload, _ = token.split(".")
        carried = decoded(payload)
        assert decoded(header) == {"alg": "HS256", "typ": "JWT", "kid": "default"}
        assert carried.pop("jti") != decoded(other.split(".")[1])["jti"]
        assert carried == {
            "aud": "mechanic-shop", "sub": "1", "iat": int(START.timestamp()), "exp": int(START.timestamp()) + 1800,
            "workshop": 2, "member": 3, "role": "owner", "person": None, "sid": 9,
        }  # fmt: skip

    def test_lives_as_long_as_the_configuration_says(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "TOKEN_MINUTES", 5)

        with app.app_context():
            assert identity.issue_token(OWNER)[1] == 300

    def test_opens_until_it_expires_and_not_a_second_longer(self, shop: Shop) -> None:
        with time_machine.travel(START, tick=False) as traveller:
            owner = Caller(shop.app, shop.owner.principal)
            traveller.shift(timedelta(minutes=29, seconds=59))
            in_time = owner.get("/inventory")
            traveller.shift(timedelta(seconds=2))
            too_late = owner.get("/inventory")

        assert in_time.status_code == 200
        assert (too_late.status_code, too_late.json["detail"]) == (
            401,
            "The token is invalid or has expired.",
        )

    def test_of_a_login_says_how_long(self, shop: Shop) -> None:
        answer = shop.nobody.post(
            "/customers/login", json={"email": shop.customer.email, "password": PASSWORD}
        ).json

        assert set(answer) == {
            "status", "message", "auth_token", "token_type", "expires_in", "role", "refresh_token", "refresh_expires_at",
        }  # fmt: skip
        assert (answer["status"], answer["message"]) == ("success", "Login successful")
        assert (answer["token_type"], answer["expires_in"], answer["role"]) == ("Bearer", 1800, "customer")


def without_algorithm(app: Flask) -> str:
    return f"{encoded({'alg': 'none', 'typ': 'JWT', 'kid': 'default'})}.{encoded(claims())}."


def without_algorithm_in_capitals(app: Flask) -> str:
    return f"{encoded({'alg': 'NONE', 'kid': 'default'})}.{encoded(claims())}."


def without_algorithm_but_signed(app: Flask) -> str:
    _, payload, signature = signed(app, claims()).split(".")
    return f"{encoded({'alg': 'none', 'kid': 'default'})}.{payload}.{signature}"


def without_signature(app: Flask) -> str:
    return signed(app, claims()).rpartition(".")[0] + "."


def of_another_algorithm(app: Flask) -> str:
    return signed(app, claims(), algorithm="HS512")


def naming_another_algorithm(app: Flask) -> str:
    _, payload, signature = signed(app, claims()).split(".")
    return f"{encoded({'alg': 'RS256', 'typ': 'JWT', 'kid': 'default'})}.{payload}.{signature}"


def by_another_key(app: Flask) -> str:
    return signed(app, claims(), key="another-key-" + "k" * 40)


def by_an_empty_key(app: Flask) -> str:
    header, payload = encoded({"alg": "HS256", "kid": "default"}), encoded(claims())
    return f"{header}.{payload}.{encoded(digest(b'', f'{header}.{payload}'.encode(), sha256))}"


def without_a_key_id(app: Flask) -> str:
    return signed(app, claims(), headers={"typ": "JWT"})


def of_an_unknown_key_id(app: Flask) -> str:
    return signed(app, claims(), headers={"kid": "2019-01"})


def of_an_odd_key_id(app: Flask) -> str:
    return signed(app, claims(), headers={"kid": ["default"]})


def tampered(app: Flask) -> str:
    header, payload, signature = signed(app, claims(role="customer")).split(".")
    return f"{header}.{encoded({**decoded(payload), 'role': 'owner'})}.{signature}"


def expired(app: Flask) -> str:
    return signed(app, claims(exp=int(datetime.now(UTC).timestamp()) - 1))


def not_valid_yet(app: Flask) -> str:
    return signed(app, claims(nbf=int(datetime.now(UTC).timestamp()) + 600))


def malformed(text: str) -> Callable[[Flask], str]:
    def made(app: Flask) -> str:
        return text

    made.__name__ = f"malformed_{text[:12]!r}"
    return made


def claiming(**changes: Any) -> Callable[[Flask], str]:
    def made(app: Flask) -> str:
        return signed(app, claims(**changes))

    made.__name__ = "claiming_" + "_".join(f"{name}_{value!r}" for name, value in changes.items())
    return made


FORGED: list[Callable[[Flask], str]] = [
    without_algorithm, without_algorithm_in_capitals, without_algorithm_but_signed, without_signature, of_another_algorithm,
    naming_another_algorithm, by_another_key, by_an_empty_key, without_a_key_id, of_an_unknown_key_id, of_an_odd_key_id,
    tampered, expired, not_valid_yet,
    *(claiming(**{name: None}) for name in ("exp", "aud", "sub", "iat", "workshop", "member", "role")),
    claiming(aud="another-service"), claiming(aud=["another", "service"]), claiming(aud=7), claiming(aud={"a": 1}),
    claiming(exp="tomorrow"), claiming(exp=[1]), claiming(exp={"at": 1}), claiming(iat="now"), claiming(sub=""),
    claiming(sub="me"), claiming(sub=["1"]), claiming(workshop="two"), claiming(workshop=[2]), claiming(member={}),
    claiming(role="admin"), claiming(role=["owner"]), claiming(role=1), claiming(person="4"), claiming(person=[4]),
    claiming(person=1.5),
    malformed(""), malformed("x"), malformed("a.b"), malformed("a.b.c"), malformed("...."), malformed("\x00.\x00.\x00"),
    malformed(f"{encoded([])}.{encoded([])}.x"), malformed(f"{encoded(b'{')}.{encoded(b'{')}.x"), malformed("é.é.é"),
    malformed(f"{encoded({'alg': 'HS256', 'kid': 'default'})}.{encoded(b'[1]')}.x"),
]  # fmt: skip


@pytest.mark.parametrize("forge", FORGED, ids=lambda forge: forge.__name__)
def test_a_forged_or_spoilt_token_is_not_believed(app: Flask, forge: Callable[[Flask], str]) -> None:
    with pytest.raises(NotSignedIn) as refusal:
        read(app, forge(app))

    assert refusal.value.detail == "The token is invalid or has expired."
    assert refusal.value.headers == {
        "WWW-Authenticate": 'Bearer realm="mechanic-shop", error="invalid_token"'
    }


def test_the_forger_of_these_tests_can_make_a_good_one(app: Flask) -> None:
    """The control: what is refused above is refused for its one fault."""
    assert read(app, signed(app, claims())) == OWNER


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), character=st.characters(codec="ascii", categories=["L", "N", "P"]))
def test_no_character_of_a_token_can_be_changed(app: Flask, place: int, character: str) -> None:
    with app.app_context():
        token, _ = identity.issue_token(OWNER)
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]

    if raw(changed) != raw(token):  # the last character of a part has bits that mean nothing
        with pytest.raises(NotSignedIn):
            read(app, changed)


def raw(token: str) -> list[bytes | str]:
    """Return what a token's parts say, however they are written."""
    parts: list[bytes | str] = []
    for part in token.split("."):
        try:
            parts.append(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
        except ValueError:
            parts.append(part)
    return parts


class TestRotation:
    OLD, NEW = "old-key-" + "o" * 40, "new-key-" + "n" * 40

    def test_tokens_of_the_older_key_stay_good_and_new_ones_are_of_the_newest(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "TOKEN_KEYS", {"2026-06": self.OLD})
        with app.app_context():
            before, _ = identity.issue_token(OWNER)

        monkeypatch.setitem(app.config, "TOKEN_KEYS", {"2026-12": self.NEW, "2026-06": self.OLD})
        with app.app_context():
            after, _ = identity.issue_token(OWNER)

        assert read(app, before) == read(app, after) == OWNER
        assert jwt.get_unverified_header(before)["kid"] == "2026-06"
        assert jwt.get_unverified_header(after)["kid"] == "2026-12"

    def test_once_the_older_key_is_gone_so_are_its_tokens(
        self, app: Flask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(app.config, "TOKEN_KEYS", {"2026-06": self.OLD})
        with app.app_context():
            before, _ = identity.issue_token(OWNER)
        monkeypatch.setitem(app.config, "TOKEN_KEYS", {"2026-12": self.NEW})

        with pytest.raises(NotSignedIn):
            read(app, before)

    def test_a_key_signs_under_its_own_name_alone(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(app.config, "TOKEN_KEYS", {"2026-12": self.NEW, "2026-06": self.OLD})

        with pytest.raises(NotSignedIn):
            read(app, signed(app, claims(), key=self.OLD, headers={"kid": "2026-12"}))


class TestTheHeader:
    def test_without_one_the_challenge_names_no_error(self, shop: Shop) -> None:
        answer = shop.nobody.get("/inventory")

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="mechanic-shop"'

    @pytest.mark.parametrize(
        "sent", ["Bearer", "Bearer ", "Basic b3duZXI6eA==", "Token abc", "rubbish", "Bearer a b c"]
    )
    def test_an_odd_one_is_an_invalid_token(self, shop: Shop, sent: str) -> None:
        answer = shop.nobody.get("/inventory", headers={"Authorization": sent})

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="mechanic-shop", error="invalid_token"'

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
    def test_the_scheme_is_read_without_regard_to_case(self, shop: Shop, scheme: str) -> None:
        answer = shop.nobody.get("/inventory", headers={"Authorization": f"{scheme} {shop.owner.token}"})

        assert answer.status_code == 200

    def test_a_public_route_that_recognises_members_refuses_a_bad_token(self, shop: Shop) -> None:
        body = {"name": "Ada", "email": "ada@example.org", "phone": "555-123-4567", "password": PASSWORD}

        answer = shop.nobody.post("/customers", json=body, headers={"Authorization": "Bearer rubbish"})

        assert answer.status_code == 401

    def test_a_public_route_that_does_not_never_looks(self, shop: Shop) -> None:
        assert shop.nobody.get("/livez", headers={"Authorization": "Bearer rubbish"}).status_code == 200


class TestAMembership:
    def test_that_has_ended_ends_its_tokens(self, shop: Shop) -> None:
        assert shop.customer.get("/customers/my-tickets").status_code == 200

        shop.owner.delete(f"/customers/{shop.customer_id}")

        answer = shop.customer.get("/customers/my-tickets")
        assert (answer.status_code, answer.json["code"]) == (401, "not_signed_in")
        assert (
            answer.json["detail"]
            == "The token is invalid: the session, the account or its membership has ended."
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"role": "owner"},
            {"membership_id": 999_999},
            {"account_id": 999_999},
            {"workshop_id": 999_999},
            {"session_id": 999_999},
        ],
    )
    def test_that_a_token_names_wrongly_is_none(self, shop: Shop, changes: dict[str, Any]) -> None:
        assert shop.mechanic.principal is not None
        fields = {name: getattr(shop.mechanic.principal, name) for name in Principal.__dataclass_fields__}

        answer = Caller(shop.app, Principal(**{**fields, **changes})).get("/inventory")

        assert answer.status_code == 401

    def test_of_a_closed_account_is_none(self, shop: Shop) -> None:
        with shop.app.app_context(), atomic():
            account = account_of(shop.owner.email)
            account.email, account.password_hash, account.closed_at = None, None, datetime.now(UTC)

        assert shop.owner.get("/customers?per_page=1").status_code == 401

    def test_must_be_checked_by_some_feature(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(identity, "_check", None)

        with app.app_context(), pytest.raises(RuntimeError, match="No feature checks sessions"):
            identity.still_stands(OWNER)


class TestAPrincipal:
    @pytest.mark.parametrize(
        ("role", "customer_id"), [("owner", None), ("mechanic", None), ("staff", None), ("customer", 7)]
    )
    def test_is_what_its_role_says(self, role: Any, customer_id: int | None) -> None:
        principal = Principal(1, 2, 3, role, 7)

        assert principal.customer_id == customer_id

    def test_is_read_once_a_request(self, app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        read_tokens: list[str] = []
        read_token = identity.read_token
        monkeypatch.setattr(
            identity, "read_token", lambda token: read_tokens.append(token) or read_token(token)
        )

        with app.test_request_context(headers=shop.owner.headers):
            assert identity.principal_or_none() == identity.authenticate() == shop.owner.principal

        assert len(read_tokens) == 1

    def test_is_nobody_where_the_token_is_bad(self, app: Flask) -> None:
        with app.test_request_context(headers={"Authorization": "Bearer rubbish"}):
            assert identity.principal_or_none() is None
            with pytest.raises(NotSignedIn):
                identity.authenticate()
