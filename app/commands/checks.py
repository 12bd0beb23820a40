"""What the commands share: a database that is ready for them, and refusals told in one line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click

from app.blueprints.operations import health
from app.core.errors import DomainError


def require_migrated() -> None:
    """Stop unless the database answers and has the newest migration.

    :raises click.ClickException: it does not.
    """
    if not health.database_reached():
        raise click.ClickException("The database does not answer: is DATABASE_URL right, and the server up?")
    if not health.migrations_current():
        raise click.ClickException(
            "The database is not migrated: run `make migrate`, or `flask --app flask_app db upgrade`."
        )


@contextlib.contextmanager
def refusals_in_one_line() -> Iterator[None]:
    """Tell what a rule refuses as the command's error: one line on standard error, and exit status 1."""
    try:
        yield
    except DomainError as refusal:
        raise click.ClickException(_told(refusal)) from refusal


def _told(refusal: DomainError) -> str:
    fields = (f"{field}: {' '.join(messages)}" for field, messages in (refusal.errors or {}).items())
    return "; ".join(fields) or refusal.detail
