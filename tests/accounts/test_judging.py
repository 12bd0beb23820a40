"""What is known of a person is no password of theirs, wherever one is set: names and numbers, the shop's name, addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from werkzeug.test import TestResponse

from app.blueprints.workshops.models import Workshop
from app.core import passwords
from app.core.db import atomic
from app.extensions import db
from tests.accounts.letters import Letters
from tests.factories import PASSWORD, Shop, unique
from tests.invitations.post import Post, new_mechanic

NAME, PHONE, SHOP = "Zbyszko Wołodyjowski", "(607) 441-8392", "Kwiatkowski & Sokołowska Motors"
ADDRESS = "zygfryd.brzechwa"
OWN = {
    "the name run together": "zbyszkowolodyjowski",
    "the phone": "6074418392",
    "the phone with its signs": "607-441-8392",
    "the workshop's name": "KwiatkowskiSokolowskaMotors",
    "the address": "zygfryd-brzechwa",
}
TOO_EASY = "Error: password: Add another word or two. Uncommon words are better.\n"
SHOPS = ("the workshop's name", "the address")
PEOPLES = tuple(OWN)
Place = Callable[["Setting", str], TestResponse | Result]


class Setting:
    """A shop with a telling name, whose mechanic and customer have telling names and numbers."""

    def __init__(self, shop: Shop, letters: Letters) -> None:
        self.shop, self.letters, self.post = shop, letters, Post(shop, letters)
        self.email = f"{ADDRESS}@{unique('x')}.example.com"
        with shop.app.app_context(), atomic():
            db.session.get_one(Workshop, shop.id).name = SHOP

    @property
    def known(self) -> dict[str, str]:
        return {"name": NAME, "email": self.email, "phone": PHONE}

    def customer(self) -> None:
        """Let the customer be known by all that."""
        assert self.shop.customer.patch("/customers", json=self.known).status_code == 200

    def mechanic(self) -> str:
        path = f"/mechanics/{self.shop.mechanic_id}"
        assert self.shop.owner.patch(path, json=self.known).status_code == 200
        return path

    def command(self, password: str, *words: str) -> Result:
        return self.shop.app.test_cli_runner().invoke(args=[*words, "--password-stdin"], input=password)


def register_workshop(at: Setting, password: str) -> TestResponse:
    body = {"workshop": {"name": SHOP, "slug": unique("s-")}, "email": at.email, "password": password}
    return at.shop.nobody.post("/auth/register", json=body)


def register_customer(at: Setting, password: str) -> TestResponse:
    return at.shop.nobody.post("/customers", json={**at.known, "password": password})


def own_record(method: str) -> Place:
    def place(at: Setting, password: str) -> TestResponse:
        return at.shop.customer.open(method, "/customers", json={**at.known, "password": password})

    return place


def hire(at: Setting, password: str) -> TestResponse:
    return at.shop.owner.post("/mechanics", json={**at.known, "salary": 1, "password": password})


def mechanics_record(method: str) -> Place:
    def place(at: Setting, password: str) -> TestResponse:
        body: dict[str, Any] = {**at.known, "salary": 1, "password": password}
        return at.shop.owner.open(method, f"/mechanics/{at.shop.mechanic_id}", json=body)

    return place


def first_password(at: Setting, password: str) -> TestResponse:
    hired = at.shop.make_mechanic(**at.known)
    return at.shop.owner.patch(f"/mechanics/{hired.id}", json={"password": password})


def change(at: Setting, password: str) -> TestResponse:
    at.mechanic()
    return at.shop.mechanic.post("/auth/password", {"present_password": PASSWORD, "password": password})


def recover(at: Setting, password: str) -> TestResponse:
    at.customer()
    email = at.shop.customer.email
    at.shop.nobody.post("/auth/recovery", json={"email": email})
    code = {"email": email, "code": at.letters.code(email)}
    token = at.shop.nobody.post("/auth/recovery/code", json=code).json["reset_token"]
    return at.shop.nobody.post("/auth/recovery/password", {"reset_token": token, "password": password})


def accept(at: Setting, password: str) -> TestResponse:
    at.post.invite(new_mechanic(**at.known))
    return at.shop.nobody.post(
        "/invitations/accept", {"token": at.post.token_at(at.email), "password": password}
    )


def accept_for_a_record(at: Setting, password: str) -> TestResponse:
    hired = at.shop.make_mechanic(**at.known)
    at.post.invite({"role": "mechanic", "mechanic_id": hired.id})
    return at.shop.nobody.post(
        "/invitations/accept", {"token": at.post.token_at(at.email), "password": password}
    )


def create_owner(at: Setting, password: str) -> Result:
    words = ("--workshop", SHOP, "--slug", unique("s-"), "--email", at.email)
    return at.command(password, "create-owner", *words)


def create_admin(at: Setting, password: str) -> Result:
    return at.command(password, "create-admin", "--email", at.email, "--name", NAME)


PLACES: dict[str, tuple[Place, tuple[str, ...]]] = {
    "POST /auth/register": (register_workshop, SHOPS),
    "POST /customers": (register_customer, PEOPLES),
    "PUT /customers": (own_record("PUT"), PEOPLES),
    "PATCH /customers": (own_record("PATCH"), PEOPLES),
    "POST /mechanics": (hire, PEOPLES),
    "PUT /mechanics/<id>": (mechanics_record("PUT"), PEOPLES),
    "PATCH /mechanics/<id>": (mechanics_record("PATCH"), PEOPLES),
    "PATCH /mechanics/<id>, the first": (first_password, PEOPLES),
    "POST /auth/password": (change, PEOPLES),
    "POST /auth/recovery/password": (recover, PEOPLES),
    "POST /invitations/accept": (accept, PEOPLES),
    "POST /invitations/accept, for a record": (accept_for_a_record, PEOPLES),
    "flask create-owner": (create_owner, SHOPS),
    "flask create-admin": (create_admin, ("the name run together", "the address")),
}


@pytest.fixture
def setting(shop: Shop, letters: Letters, monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setitem(shop.app.config, "PASSWORD_LEAST_SCORE", 3)
    return Setting(shop, letters)


@pytest.mark.parametrize("place", PLACES)
def test_what_is_known_of_a_person_is_refused(setting: Setting, place: str) -> None:
    put, words = PLACES[place]

    for word in words:
        answer = put(setting, OWN[word])
        told = answer.output if isinstance(answer, Result) else answer.json["code"]
        assert told in ("password_too_easy", TOO_EASY), (word, told)
        setting.email = f"{ADDRESS}@{unique('x')}.example.com"


@pytest.mark.parametrize("password", OWN.values(), ids=OWN)
def test_control_of_somebody_else_each_is_taken(setting: Setting, password: str) -> None:
    with setting.shop.app.app_context():
        assert not passwords.too_easy(password, ["Ada Obi", "ada@example.com", "555-123-4567"])
