"""Opening a real workshop from the command line: its owner signs in; whatever is refused makes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from app.blueprints.accounts.models import Account, Membership
from app.blueprints.workshops.models import Workshop
from app.core import passwords
from app.core.engines import owners_engine
from app.extensions import db
from tests.commands.conftest import Databases, MakeApp, run
from tests.factories import Caller, unique

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def installation(make_installation: Callable[[], Flask]) -> Flask:
    """An installation in which each test opens workshops of its own."""
    return make_installation()


def create_owner(app: Flask, *, typed: str | bytes = PASSWORD + "\n", **options: str) -> Result:
    """Run the command with its password on standard input."""
    given = {
        "workshop": "Obi's Garage",
        "slug": unique("obi-"),
        "email": f"{unique('ada')}@example.com",
        **options,
    }
    words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
    return run(app, "create-owner", *words, "--password-stdin", input=typed)


def owned(app: Flask, slug: str) -> Workshop:
    with app.app_context():
        return db.session.scalars(select(Workshop).where(Workshop.slug == slug)).one()


def password_of(app: Flask, email: str, password: str) -> bool:
    with app.app_context():
        kept = db.session.scalar(select(Account.password_hash).where(Account.email == email))
        return passwords.matches(kept, password)


def counts(app: Flask) -> list[int]:
    with app.app_context(), owners_engine(app).connect() as connection:
        return [
            connection.execute(select(func.count()).select_from(model.__table__)).scalar_one()
            for model in (Workshop, Account, Membership)
        ]


def login(app: Flask, email: str, slug: str) -> Any:
    body = {"email": email, "password": PASSWORD}
    return Caller(app, workshop=slug).post("/mechanics/login", json=body)


# ---- Opened


def test_the_owner_signs_in_to_the_new_workshop(installation: Flask) -> None:
    result = create_owner(installation, workshop="Obi & Daughters", slug="obi", email="ada@obi.example.com")
    answer = login(installation, "ada@obi.example.com", "obi")

    assert result.exit_code == 0
    assert (answer.status_code, answer.json["role"]) == (200, "owner")
    token = {"Authorization": f"Bearer {answer.json['auth_token']}"}
    assert Caller(installation, headers=token).get("/customers").json == []


def test_it_says_what_it_made_and_never_the_password(installation: Flask) -> None:
    result = create_owner(installation, workshop="Obi's Garage", slug="obis", email="eve@example.com")

    assert result.stdout.startswith(
        "Opened the workshop Obi's Garage (slug `obis`), owned by eve@example.com.\n"
    )
    assert PASSWORD not in result.output


def test_a_workshop_has_the_usual_settings_unless_others_are_named(installation: Flask) -> None:
    create_owner(installation, slug="usual")
    create_owner(installation, slug="polish", country="pl", currency="pln", time_zone="Europe/Warsaw")

    workshops = [owned(installation, slug) for slug in ("usual", "polish")]

    assert [(shop.country, shop.currency, shop.time_zone) for shop in workshops] == [
        ("US", "USD", "UTC"),
        ("PL", "PLN", "Europe/Warsaw"),
    ]


def test_name_and_address_are_kept_as_the_api_keeps_them(installation: Flask) -> None:
    create_owner(installation, workshop="  Trimmed  ", slug="trimmed", email=" Ada.Case@Example.COM ")

    assert owned(installation, "trimmed").name == "Trimmed"
    assert password_of(installation, "ada.case@example.com", PASSWORD)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a long password\n", "a long password"),
        (b"a long password\r\n", "a long password"),
        ("a long password", "a long password"),
        ("a long password\n\n", "a long password\n"),
        ("  blanks count  \n", "  blanks count  "),
        ("zażółć gęślą jaźń\n", "zażółć gęślą jaźń"),
    ],
)
def test_one_line_end_is_no_part_of_the_password(installation: Flask, typed: str | bytes, kept: str) -> None:
    email = f"{unique('eve')}@example.com"

    result = create_owner(installation, typed=typed, email=email)

    assert result.exit_code == 0
    assert password_of(installation, email, kept)


def test_without_standard_input_it_asks_twice_and_shows_nothing(installation: Flask) -> None:
    words = ["--workshop", "Asked", "--slug", "asked", "--email", "asked@example.com"]

    result = run(
        installation, "create-owner", *words, input=f"{PASSWORD}\nmistyped\n{PASSWORD}\n{PASSWORD}\n"
    )

    assert result.exit_code == 0
    assert "The two entered values do not match" in result.output
    assert PASSWORD not in result.output
    assert login(installation, "asked@example.com", "asked").status_code == 200


def test_two_workshops_stand_side_by_side(
    installation: Flask,
) -> None:
    first = create_owner(installation, slug="left", email="left@example.com")
    second = create_owner(installation, slug="right", email="right@example.com")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert login(installation, "left@example.com", "left").status_code == 200
    assert login(installation, "left@example.com", "right").status_code == 401


# ---- Refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"slug": "taken"}, "Another workshop has this slug."),
        ({"email": "taken@example.com"}, "taken@example.com has an account here already."),
        ({"email": "TAKEN@example.com"}, "taken@example.com has an account here already."),
        ({"slug": "Not A Slug"}, "A slug has 2 to 60 of a-z, 0-9 and hyphens inside."),
        ({"slug": "x"}, "A slug has 2 to 60 of a-z, 0-9 and hyphens inside."),
        ({"typed": "short\n"}, "password: Shorter than minimum length 8."),
        ({"typed": "\n"}, "password: Shorter than minimum length 8."),
        ({"typed": ""}, "password: Shorter than minimum length 8."),
        ({"typed": "x" * 129}, "The password has more than 128 characters."),
        ({"typed": b"\xff\xfe is not text\n"}, "The password is not UTF-8."),
    ],
)
def test_a_refusal_is_one_line_and_makes_nothing(
    installation: Flask, options: dict[str, Any], said: str
) -> None:
    create_owner(
        installation, slug="taken", email="taken@example.com"
    )  # the first time; refused from then on
    before = counts(installation)

    result = create_owner(installation, **options)

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"Error: {said}\n")
    assert counts(installation) == before


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("email", "nobody", "Not a valid email address."),
        ("email", "", "Not a valid email address."),
        ("workshop", "", "Length must be between 1 and 200."),
        ("workshop", "a\x07bell", "Control characters are not allowed."),
        ("country", "XX", "Not a country's two letters (ISO 3166-1)."),
        ("country", "Poland", "Not a country's two letters (ISO 3166-1)."),
        ("currency", "EURO", "Not a currency divided by a hundred (ISO 4217)."),
        ("currency", "JPY", "Not a currency divided by a hundred (ISO 4217)."),
        ("time_zone", "Mars/Olympus", "Not an IANA time zone, such as Europe/Warsaw."),
    ],
)
def test_a_value_that_is_none_is_named(installation: Flask, option: str, value: str, said: str) -> None:
    before = counts(installation)

    result = create_owner(installation, **{option: value})

    assert result.exit_code == 2
    assert f"Invalid value for '--{option.replace('_', '-')}': {said}" in " ".join(result.stderr.split())
    assert counts(installation) == before


@pytest.mark.parametrize("missing", ["--workshop", "--slug", "--email"])
def test_name_slug_and_address_are_needed(installation: Flask, missing: str) -> None:
    given = {"--workshop": "Obi", "--slug": unique("obi-"), "--email": "needed@example.com"}
    words = [word for name, value in given.items() if name != missing for word in (name, value)]

    result = run(installation, "create-owner", *words, "--password-stdin", input=PASSWORD)

    assert result.exit_code == 2
    assert f"Missing option '{missing}'" in result.stderr


def test_a_database_without_tables_is_named_with_the_mend(make_app: MakeApp, databases: Databases) -> None:
    result = create_owner(make_app(DATABASE_URL=databases.make()))

    assert result.exit_code == 1
    assert "not migrated" in result.stderr
