"""Making the first admin of an installation from the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from app.blueprints.accounts.models import Account
from app.extensions import db
from tests.commands.conftest import Databases, MakeApp, run
from tests.factories import Caller, unique

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def installation(make_installation: Callable[[], Flask]) -> Flask:
    """An installation in which each test makes admins of its own."""
    return make_installation()


def create_admin(app: Flask, *, typed: str | bytes = PASSWORD + "\n", **options: str) -> Result:
    """Run the command with its password on standard input."""
    given = {"email": f"{unique('ada')}@example.com", **options}
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    return run(app, "create-admin", *words, "--password-stdin", input=typed)


def number_of_accounts(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Account)) or 0


def test_the_admin_signs_in_and_runs_an_installation_without_a_workshop(installation: Flask) -> None:
    result = create_admin(installation, email=" Ada@Admin.Example.COM ", name="Ada Obi")
    body = {"email": "ada@admin.example.com", "password": PASSWORD}
    login = Caller(installation).post("/auth/login", json=body)

    assert (result.exit_code, PASSWORD in result.output) == (0, False)
    assert result.stdout.startswith("ada@admin.example.com administers this installation")
    admin = Caller(installation, headers={"Authorization": f"Bearer {login.json['auth_token']}"})
    assert login.json["role"] == "admin"
    assert [one["name"] for one in admin.get("/admins").json if one["email"] == body["email"]] == ["Ada Obi"]


def test_it_is_in_the_installations_log_which_holds(installation: Flask) -> None:
    create_admin(installation)

    verified = run(installation, "audit", "verify")

    assert verified.exit_code == 0
    assert "(installation): " in verified.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"email": "taken@example.com"}, "taken@example.com has an account here already."),
        ({"email": "TAKEN@example.com"}, "taken@example.com has an account here already."),
        ({"typed": "short\n"}, "password: Shorter than minimum length 8."),
        ({"typed": "x" * 129}, "The password has more than 128 characters."),
        ({"typed": b"\xff\xfe is not text\n"}, "The password is not UTF-8."),
    ],
)
def test_a_refusal_is_one_line_and_makes_nothing(
    installation: Flask, options: dict[str, str], said: str
) -> None:
    create_admin(installation, email="taken@example.com")  # the first time; refused from then on
    before = number_of_accounts(installation)

    result = create_admin(installation, **options)

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"Error: {said}\n")
    assert number_of_accounts(installation) == before


@pytest.mark.parametrize(
    ("option", "value"), [("email", "nobody"), ("email", ""), ("name", ""), ("name", "a\x07")]
)
def test_a_value_that_is_none_is_named(installation: Flask, option: str, value: str) -> None:
    result = create_admin(installation, **{option: value})

    assert result.exit_code == 2
    assert f"Invalid value for '--{option}'" in result.stderr


def test_a_database_without_tables_is_named_with_the_mend(make_app: MakeApp, databases: Databases) -> None:
    result = create_admin(make_app(DATABASE_URL=databases.make()))

    assert result.exit_code == 1
    assert "not migrated" in result.stderr
