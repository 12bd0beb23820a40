"""`flask create-owner`: open a real workshop, with the owner who signs in to it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection
from typing import Any

import click
from flask.cli import with_appcontext
from marshmallow import ValidationError, fields, validate
from sqlalchemy import select

from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.errors import EmailTaken
from app.blueprints.accounts.models import Account
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.vocabulary import COUNTRIES, CURRENCIES, time_zones
from app.commands.checks import refusals_in_one_line, require_migrated
from app.core.db import atomic
from app.core.passwords import LONGEST_PASSWORD
from app.core.schema import Email, Text
from app.core.tenancy import acting_in

Callback = Callable[[click.Context, click.Parameter, str | None], Any]


def checked(field: fields.Field[Any], prepare: Callable[[str], str] = str) -> Callback:
    """Return a click callback that takes a value, where one is given, as the API's own `field` takes it."""

    def check(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
        try:
            return None if value is None else field.deserialize(prepare(value))
        except ValidationError as error:
            raise click.BadParameter(" ".join(map(str, error.messages))) from error

    return check


def one_of(known: Collection[str], error: str) -> fields.String:
    """Return a field that takes one of the `known` words."""
    return fields.String(validate=validate.OneOf(known, error=error))


def is_time_zone(name: str) -> None:
    """Accept the name of a time zone.

    :raises ValidationError: it is none.
    """
    if name not in time_zones():
        raise ValidationError("Not an IANA time zone, such as Europe/Warsaw.")


password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; else ask for it."
)


@click.command("create-owner")
@click.option("--workshop", required=True, callback=checked(Text()), help="The workshop's name.")
@click.option("--slug", required=True, help="Its short name in X-Workshop: a-z, 0-9 and hyphens.")
@click.option(
    "--email", required=True, callback=checked(Email()), help="The owner's address, to sign in with."
)
@password_option
@click.option(
    "--country",
    default="US",
    show_default=True,
    callback=checked(one_of(COUNTRIES, "Not a country's two letters (ISO 3166-1)."), str.upper),
    help="Where its phone numbers are read, as ISO 3166-1 alpha-2.",
)
@click.option(
    "--currency",
    default="USD",
    show_default=True,
    callback=checked(one_of(CURRENCIES, "Not a currency divided by a hundred (ISO 4217)."), str.upper),
    help="What it is paid in, as ISO 4217.",
)
@click.option(
    "--time-zone",
    default="UTC",
    show_default=True,
    callback=checked(fields.String(validate=is_time_zone)),
    help="Where its clocks are set, as an IANA name.",
)
@with_appcontext
def create_owner(workshop: str, slug: str, email: str, password_stdin: bool, **settings: str) -> None:
    """Open a workshop and make the account of its owner: both or neither."""
    require_migrated()
    password = password_given(from_input=password_stdin)
    with refusals_in_one_line():
        _open(workshop, slug, email, password, settings)
    click.echo(f"Opened the workshop {workshop} (slug `{slug}`), owned by {email}.")
    click.echo("The owner signs in at POST /mechanics/login.")


def password_given(*, from_input: bool) -> str:
    """Return the password that the caller of a command gives, on standard input or at the terminal.

    :raises click.ClickException: it is no text, or too long.
    """
    given = _password_from_input() if from_input else _password_from_terminal()
    if len(given) > LONGEST_PASSWORD:
        raise click.ClickException(f"The password has more than {LONGEST_PASSWORD} characters.")
    return given


def _password_from_input() -> str:
    try:
        given = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise click.ClickException("The password is not UTF-8.") from error
    return re.sub(r"\r?\n\Z", "", given)


def _password_from_terminal() -> str:
    given: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return given


def _open(name: str, slug: str, email: str, password: str, settings: dict[str, str]) -> None:
    with atomic() as session:
        workshop = workshops.open_workshop(name, slug, **settings)
        if session.scalar(select(Account.id).where(Account.email == email)) is not None:
            raise EmailTaken(f"{email} has an account here already.")
        with acting_in(workshop.id):
            accounts.join(
                workshop.id, accounts.make_account(email, password, workshop_id=workshop.id), "owner"
            )
