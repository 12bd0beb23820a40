"""`flask stock import`: a table of parts, suppliers or stock, read in as a whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from app.blueprints.inventory.tables import exporting, importing
from app.blueprints.inventory.tables.importing import Outcome, Summary
from app.blueprints.workshops import service as workshops
from app.commands.checks import refusals_in_one_line, require_migrated
from app.commands.verifying import stock
from app.core.errors import DomainError
from app.core.tenancy import acting_in


@stock.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--workshop", "slug", required=True, help="The workshop with this slug.")
@click.option(
    "--of", "name", type=click.Choice(list(exporting.TABLES)), required=True, help="What it is a table of."
)
@click.option("--dry-run", is_flag=True, help="Tell what would happen, line by line, and do nothing.")
def import_table(file: Path, slug: str, name: str, dry_run: bool) -> None:
    """Read a CSV in, in one transaction; exit status 1 if a line is wrong, and then nothing was done."""
    from tqdm import tqdm

    require_migrated()
    with refusals_in_one_line():
        workshop = workshops.with_slug(slug)
    patience = 0.1 if sys.stderr.isatty() else 10.0  # seconds between two lines of a log
    with (
        acting_in(workshop.id),
        file.open("rb") as stream,
        tqdm(total=file.stat().st_size, unit="B", unit_scale=True, mininterval=patience) as bar,
    ):
        try:
            found = importing.run(
                workshop.id,
                exporting.TABLES[name](workshop.id),
                stream,
                dry_run=dry_run,
                tell=_tell,
                done=lambda number: bar.update(stream.tell() - bar.n),
            )
        except DomainError as refusal:
            raise click.ClickException(_words(refusal)) from refusal
        bar.update(file.stat().st_size - bar.n)
    click.echo(_summed_up(found, dry_run=dry_run))
    if found.refused:
        raise click.ClickException(f"{found.refused:,} lines are wrong.")


def _tell(outcome: Outcome) -> None:
    if outcome.action == "unchanged":
        return
    words = "; ".join(f"{name}: {' '.join(faults)}" for name, faults in (outcome.errors or {}).items())
    said = words or ", ".join(outcome.fields)
    click.echo(f"line {outcome.line}: {outcome.action}: {outcome.about}{f' ({said})' if said else ''}")


def _words(refusal: DomainError) -> str:
    errors: dict[str, Any] = refusal.errors or {}
    return " ".join(errors["file"]) if "file" in errors else refusal.detail


def _summed_up(found: Summary, *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    return (
        f"{found.created:,} {would}created, {found.updated:,} {would}updated, {found.unchanged:,} unchanged,"
        f" {found.refused:,} refused."
    )
