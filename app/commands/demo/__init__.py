"""`flask demo`: a shop to look at and to measure, with three people who can sign in, and an admin of the installation."""

from __future__ import annotations

import sys
import time
from decimal import Decimal

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import select

from app.blueprints.workshops.models import Workshop
from app.commands.checks import refusals_in_one_line, require_migrated
from app.core import caching
from app.core.tenancy import INSTALLATION
from app.extensions import db

NAME, SLUG = "Demo Garage", "demo"
OWNER, MECHANIC, CUSTOMER = "owner@example.com", "mechanic@example.com", "customer@example.com"
ADMIN = "admin@example.com"
PASSWORD = "demo-garage-2026"  # noqa: S105 - published, which is why production has no demo shop
MOST_TICKETS = 1_000_000
TAX_RATE, LABOUR_RATE = Decimal("10.25"), Decimal("110.00")


@click.command("demo")
@click.option(
    "--tickets",
    type=click.IntRange(1, MOST_TICKETS),
    default=1_000,
    show_default=True,
    help="How many service tickets; above 10,000 the customers grow with them.",
)
@click.option("--if-empty", is_flag=True, help="Do nothing where there is a workshop already.")
@with_appcontext
def load_demo(tickets: int, if_empty: bool) -> None:
    """Load the demo shop: the same rows each time, all or none. Refused in production."""
    if current_app.config["NAME"] == "production":
        raise click.ClickException(
            "There is no demo shop in production, because its passwords are published. "
            "`flask --app flask_app create-owner` opens a real workshop."
        )
    require_migrated()
    slugs = db.session.scalars(
        select(Workshop.slug).where(Workshop.id != INSTALLATION).order_by(Workshop.id)
    ).all()
    is_there = SLUG in slugs
    if if_empty and slugs:
        click.echo(f"Nothing is loaded: there is a workshop already ({SLUG if is_there else slugs[0]}).")
    elif is_there:
        raise click.ClickException(f"The demo shop is here already: a workshop has the slug `{SLUG}`.")
    else:
        _load(tickets)
        is_there = True
    if is_there:
        _tell_sign_ins()


def _load(tickets: int) -> None:
    # Here, because a server that starts needs neither the made-up names nor the progress bar.
    from tqdm import tqdm

    from app.commands.demo.bulk import renew_statistics
    from app.commands.demo.loading import load

    begun = time.perf_counter()
    patience = 0.1 if sys.stderr.isatty() else 10.0  # seconds between two lines of a log
    with refusals_in_one_line(), tqdm(total=tickets, unit=" tickets", mininterval=patience) as bar:
        made = load(tickets, bar.update)
    caching.backend().clear()
    renew_statistics()
    counts = ", ".join(f"{number:,} {things}" for things, number in made.items())
    click.echo(f"{NAME} is ready after {time.perf_counter() - begun:.1f} s: {counts}.")


def _tell_sign_ins() -> None:
    click.echo(f"Sign in with the password {PASSWORD} as")
    doors = (OWNER, "mechanics"), (MECHANIC, "mechanics"), (CUSTOMER, "customers"), (ADMIN, "auth")
    for email, door in doors:
        click.echo(f"  {email:<22}POST /{door}/login")
