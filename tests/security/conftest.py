"""What the tests of security share."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.security.situation import Situation


@pytest.fixture
def situation(app: Flask) -> Situation:
    """Two workshops of this test's own, the first with something of each kind."""
    return Situation(app)


@pytest.fixture(scope="module")
def standing(app: Flask) -> Situation:
    """The same for all tests of a module that change nothing: making one takes longer than such a test does."""
    return Situation(app)
