"""`flask worker` does the jobs beside the server; `flask outbox` tells how the mail stands."""

from __future__ import annotations

from datetime import timedelta

import click
from flask import current_app
from flask.cli import with_appcontext

from app.commands.checks import require_migrated
from app.core import clock, mail, outbox
from app.core.jobs import JOBS
from app.core.workers import Workers


@click.command("worker")
@with_appcontext
def run_worker() -> None:
    """Do the jobs until stopped: send mail when it is queued, and what comes at regular times."""
    require_migrated()
    click.echo(f"Mail leaves by: {mail.transport().name}.")
    if current_app.config["REDIS_URL"]:
        click.echo("Nudges come through Redis.")
    else:
        click.echo("Without REDIS_URL no nudge reaches this process: mail waits for the next minute.")
    for job in JOBS.values():
        click.echo(f"Every {_told(job.every)}: {job.name}.")
    click.echo("SIGTERM or Ctrl-C ends it, after what is under way.")
    workers: Workers = current_app.extensions["jobs"]
    workers.work()
    click.echo("Stopped.")


@click.command("outbox")
@with_appcontext
def show_outbox() -> None:
    """Tell how much mail waits, how much was given up, and since when the oldest waits."""
    require_migrated()
    stands = outbox.summary()
    click.echo(f"pending  {stands.pending}")
    click.echo(f"overdue  {stands.overdue}")
    click.echo(f"dead     {stands.dead}")
    if stands.oldest is not None:
        since = clock.rfc3339(stands.oldest)
        click.echo(f"oldest   {since}, {_told(clock.now() - stands.oldest)} ago")


def _told(span: timedelta) -> str:
    """Return a span as people say it, in its greatest whole unit."""
    seconds = int(span.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            number = seconds // length
            return f"{number} {unit}s" if number > 1 else unit
    return f"{seconds} seconds"
