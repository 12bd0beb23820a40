"""What the tests of workshops share."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories import Caller
from tests.workshops.places import unlist_all


@pytest.fixture
def passer_by(app: Flask) -> Caller:
    """Somebody without a token who names no workshop."""
    return Caller(app)


@pytest.fixture
def empty_map(app: Flask) -> None:
    """A directory with nothing in it."""
    unlist_all(app)
