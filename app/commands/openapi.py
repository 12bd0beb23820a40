"""`flask openapi-write`: write the document that is committed and served."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from app.core.openapi.document import as_yaml


@click.command("openapi-write")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path), required=False)
@with_appcontext
def write_document(target: Path | None) -> None:
    """Write the OpenAPI document to TARGET (app/static/swagger.yaml by default)."""
    path = target or Path(current_app.root_path) / "static" / "swagger.yaml"
    path.write_text(as_yaml(), encoding="utf-8")
    click.echo(f"Wrote {path}.")
