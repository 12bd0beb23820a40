"""What the tests of estimates share."""

from __future__ import annotations

import pytest

from tests.accounts.letters import Letters
from tests.factories import Shop
from tests.mailing import Scripted


@pytest.fixture
def letters(shop: Shop, transport: Scripted) -> Letters:
    """The mail of the shop's people."""
    return Letters(shop, transport)
