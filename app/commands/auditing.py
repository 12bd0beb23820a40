"""`flask audit verify`: walk the audit log's chains and say where one is broken."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import islice

import click
from flask.cli import AppGroup
from sqlalchemy import func, literal, select, true

from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.models import Workshop
from app.commands.checks import refusals_in_one_line, require_migrated
from app.core.audit import AuditEntry, AuditHead
from app.core.chain import Break, Examination
from app.core.tenancy import acting_in
from app.extensions import db

ROWS_AT_ONCE = 1_000
MOST_BREAKS = 20  # told of one workshop; the rest is more of the same

WORDS = {
    "changed": "entry {} was changed",
    "removed": "entry {} and perhaps some after it were removed",
    "inserted": "an entry was inserted at {}",
}

audit = AppGroup("audit", help="The audit log.")


@audit.command("verify")
@click.option(
    "--workshop", "slug", help="Only the workshop with this slug; else all, and the installation's own."
)
def verify(slug: str | None) -> None:
    """Check that no entry was changed, removed or inserted; exit status 1 if one was."""
    from tqdm import tqdm

    require_migrated()
    with refusals_in_one_line():
        examined = [workshops.with_slug(slug)] if slug else all_workshops()
    patience = 0.1 if sys.stderr.isatty() else 10.0  # seconds between two lines of a log
    broken = 0
    with tqdm(total=_number_of_entries(examined), unit=" entries", mininterval=patience) as bar:
        for workshop in examined:
            broken += bool(_verify(workshop, bar.update))
    if broken:
        raise click.ClickException(f"The audit log of {broken} workshop(s) is broken.")
    click.echo("Every chain holds.")


def all_workshops() -> list[Workshop]:
    """Return every workshop, and the installation's own place."""
    return list(db.session.scalars(select(Workshop).order_by(Workshop.id)))


def _number_of_entries(examined: list[Workshop]) -> int:
    number = 0
    for workshop in examined:
        with acting_in(workshop.id):
            number += db.session.scalar(select(AuditHead.sequence)) or 0
    return number


def _verify(workshop: Workshop, done: Callable[[int], object]) -> list[Break]:
    """Examine one chain and tell what is wrong; return the first breaks.

    The head and the last number come from one snapshot: what is appended meanwhile is left for the next time.
    """
    with acting_in(workshop.id):
        head, last = _end_of_chain()
        found = list(islice(Examination(head).breaks(_entries(last, done)), MOST_BREAKS))
    for one in found:
        click.echo(f"{workshop.slug}: {WORDS[one.kind].format(one.sequence)}.")
    if not found and head is not None:
        click.echo(f"{workshop.slug}: {head.sequence:,} entries, the last with the hash {head.hash.hex()}.")
    return found


def _end_of_chain() -> tuple[AuditHead | None, int]:
    """Return the current workshop's head and the number of its last entry, as of one moment."""
    last = select(func.max(AuditEntry.sequence)).scalar_subquery()
    one = select(literal(1).label("one")).subquery()
    statement = select(AuditHead, last).select_from(one).outerjoin(AuditHead, true())
    head, number = db.session.execute(statement).one()
    return head, number or 0


def _entries(last: int, done: Callable[[int], object]) -> Iterator[AuditEntry]:
    """Yield the current workshop's entries up to the last one, in their order, so many at a time."""
    place = 0
    while batch := db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.sequence > place, AuditEntry.sequence <= last)
        .order_by(AuditEntry.sequence)
        .limit(ROWS_AT_ONCE)
    ).all():
        yield from batch
        place = batch[-1].sequence
        done(len(batch))
        db.session.expunge_all()
