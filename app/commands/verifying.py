"""`flask stock verify`: whether the stock of every part is the sum of its ledger."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice

import click
from flask.cli import AppGroup

from app.blueprints.inventory import proving
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.models import Workshop
from app.commands.auditing import all_workshops
from app.commands.checks import refusals_in_one_line, require_migrated
from app.core.tenancy import acting_in

MOST_TOLD = 20  # of one workshop; the rest is more of the same

stock = AppGroup("stock", help="The ledger of the stock.")


@stock.command("verify")
@click.option("--workshop", "slug", help="Only the workshop with this slug; else all.")
@click.option(
    "--adjust", is_flag=True, help="Enter what is missing, as adjustments: what is on hand stays as it is."
)
def verify(slug: str | None, adjust: bool) -> None:
    """Check that what is on hand is what the ledger says, and reserved what tickets have; exit status 1 if it is not."""
    from tqdm import tqdm

    require_migrated()
    with refusals_in_one_line():
        examined = [workshops.with_slug(slug)] if slug else all_workshops()
    patience = 0.1 if sys.stderr.isatty() else 10.0  # seconds between two lines of a log
    wrong = 0
    with tqdm(total=_number_of_parts(examined), unit=" items", mininterval=patience) as bar:
        for workshop in examined:
            wrong += bool(_verify(workshop, bar.update, adjust=adjust))
    if wrong:
        raise click.ClickException(f"The stock of {wrong} workshop(s) is not what the ledger says.")
    click.echo("All stock is what the ledger says.")


def _number_of_parts(examined: list[Workshop]) -> int:
    number = 0
    for workshop in examined:
        with acting_in(workshop.id):
            number += proving.number_of_parts(workshop.id)
    return number


def _verify(workshop: Workshop, done: Callable[[int], object], *, adjust: bool) -> bool:
    """Examine one workshop, tell what is wrong, and enter it where that was asked for; return whether something stays wrong."""
    with acting_in(workshop.id):
        found = list(proving.discrepancies(workshop.id, done))
        for one in islice(found, MOST_TOLD):
            click.echo(f"{workshop.slug}: {one.words}.")
        if len(found) > MOST_TOLD:
            click.echo(f"{workshop.slug}: and {len(found) - MOST_TOLD:,} more.")
        if adjust:
            for part_id in sorted({one.part_id for one in found if one.is_sum}):
                proving.adjust(workshop.id, part_id)
                click.echo(f"{workshop.slug}: item {part_id}: entered in the ledger.")
            found = [one for one in found if not one.is_sum]
    return bool(found)
