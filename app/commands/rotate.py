"""`flask rotate-keys`: bring everything that is encrypted under the newest of ENCRYPTION_KEYS, while the API runs."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from app.commands.checks import require_migrated
from app.core import crypto, rotation
from app.core.rotation import Outcome


@click.command("rotate-keys")
@with_appcontext
def rotate_keys() -> None:
    """Re-encrypt what is kept under older keys. It may be stopped (Ctrl-C) and started again at any time."""
    from tqdm import tqdm

    require_migrated()
    newest, *older = crypto.marks().values()
    columns = rotation.encrypted_columns()
    patience = 0.1 if sys.stderr.isatty() else 10.0  # seconds between two lines of a log
    outcomes = []
    total = sum(map(rotation.waiting, columns))
    try:
        with tqdm(total=total, unit=" values", mininterval=patience) as bar:
            for column in columns:
                bar.set_postfix_str(column.table.name, refresh=False)
                outcomes.append(rotation.renew(column, bar.update))
    except KeyboardInterrupt as stopped:
        raise click.ClickException(
            "Stopped. What was done stays done; run the command again to go on."
        ) from stopped
    for outcome in outcomes:
        click.echo(_told(outcome))
    _conclude(newest, older, outcomes)


def _told(outcome: Outcome) -> str:
    left = ", ".join(f"{number:,} under {name}" for name, number in sorted(outcome.left.items()))
    return f"{outcome.name}: {outcome.renewed:,} re-encrypted" + (f"; left: {left}" if left else "")


def _conclude(newest: str, older: list[str], outcomes: list[Outcome]) -> None:
    """Say which keys may go.

    :raises click.ClickException: something is left under an older key, or under none that is known.
    """
    left = {name for outcome in outcomes for name in outcome.left}
    if "unknown" in left:
        raise click.ClickException(
            "Some values were made with a key that is not in ENCRYPTION_KEYS: put it back, behind the others."
        )
    if left:
        raise click.ClickException(
            f"Values are still written under {', '.join(sorted(left))}: does every worker have the newest key ({newest}) first?"
        )
    click.echo(f"Everything is under the newest key, {newest}.")
    if older:
        click.echo(
            f"Once every worker has it first, these may leave ENCRYPTION_KEYS: {', '.join(older)}. "
            "Backups from before need them still."
        )
