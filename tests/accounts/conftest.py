"""What the tests of accounts share."""

from __future__ import annotations

import pytest

from tests.accounts.letters import Letters
from tests.factories import Shop
from tests.mailing import Scripted


@pytest.fixture
def letters(shop: Shop, transport: Scripted) -> Letters:
    found = Letters(shop, transport)
    found.to("nobody@example.com")  # what making the shop sent
    transport.taken.clear()
    return found
