"""What the tests of security share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.security.situation import Situation
from tests.stage import Stage, stage


@pytest.fixture(scope="module", name="stage")
def stage_of_the_module(
    app: Flask, database_url: str, empty_database: Path | None
) -> Iterator[Stage[Situation]]:
    """Where situations are set up."""
    with stage(app, database_url, empty_database, Situation) as made:
        yield made


@pytest.fixture
def situation(stage: Stage[Situation]) -> Situation:
    """Two workshops of this test's own, the first with something of each kind."""
    return stage.scene()
