"""The commands: `flask --app flask_app <command>`."""

from __future__ import annotations

import sys

import click
from flask import Flask

from app.commands import importing as importing  # for its command
from app.commands.admin import create_admin
from app.commands.auditing import audit
from app.commands.demo import load_demo
from app.commands.openapi import write_document
from app.commands.owner import create_owner
from app.commands.rotate import rotate_keys
from app.commands.second_factor import take_second_factor_away
from app.commands.verifying import stock
from app.commands.work import run_worker, show_outbox
from app.extensions import db


def init_app(app: Flask) -> None:
    """Add the commands to `app`; `flask db` is Flask-Migrate's own."""
    _bind_migrations(app)
    for command in (
        write_document,
        load_demo,
        create_owner,
        create_admin,
        take_second_factor_away,
        run_worker,
        show_outbox,
        audit,
        rotate_keys,
        stock,
    ):
        app.cli.add_command(command)


def _bind_migrations(app: Flask) -> None:
    """Bind Flask-Migrate for the `flask` command, and for who has loaded it; ten megabytes that a server has no use for."""
    if click.get_current_context(silent=True) or "flask_migrate" in sys.modules:
        from flask_migrate import Migrate

        Migrate(app, db, directory="migrations", render_as_batch=True)
