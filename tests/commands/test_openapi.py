"""The document that is committed and served is the one that the code makes."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from tests import document
from tests.commands.conftest import run


def test_writing_the_document_anew_changes_nothing(app: Flask, tmp_path: Path) -> None:
    target = tmp_path / "swagger.yaml"

    result = run(app, "openapi-write", str(target))

    assert (result.exit_code, result.stdout) == (0, f"Wrote {target}.\n")
    assert target.read_text(encoding="utf-8") == document.PATH.read_text(encoding="utf-8")
