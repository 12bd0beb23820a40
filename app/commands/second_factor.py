"""`flask take-second-factor-away`: for an owner who has lost phone and recovery codes, and has nobody else to ask."""

from __future__ import annotations

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from app.blueprints.accounts import second_factor
from app.blueprints.accounts.models import Account
from app.commands.checks import refusals_in_one_line, require_migrated
from app.commands.owner import checked
from app.core.schema import Email
from app.extensions import db


@click.command("take-second-factor-away")
@click.option("--email", required=True, callback=checked(Email()), help="The address of the account.")
@with_appcontext
def take_second_factor_away(email: str) -> None:
    """Switch the second factor of an account off. Its person is told by mail, and the audit log tells of it."""
    require_migrated()
    account = db.session.scalar(select(Account).where(Account.email == email))
    if account is None:
        raise click.ClickException(f"{email} has no account here.")
    with refusals_in_one_line():
        second_factor.take_away(account)
    click.echo(f"The second factor of {email} is switched off. Signing in needs the password alone.")
