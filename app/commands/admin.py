"""`flask create-admin`: make somebody who runs the installation; the first one cannot be made otherwise."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from app.blueprints.admins import service as admins
from app.commands.checks import refusals_in_one_line, require_migrated
from app.commands.owner import checked, password_given, password_option
from app.core.schema import Email, Text


@click.command("create-admin")
@click.option("--email", required=True, callback=checked(Email()), help="The address to sign in with.")
@click.option("--name", callback=checked(Text()), help="What the admin is called.")
@password_option
@with_appcontext
def create_admin(email: str, name: str | None, password_stdin: bool) -> None:
    """Make an admin of the installation, who sees no workshop's data by that."""
    require_migrated()
    password = password_given(from_input=password_stdin)
    with refusals_in_one_line():
        admins.create(email, password, name)
    click.echo(f"{email} administers this installation, and signs in at POST /auth/login.")
