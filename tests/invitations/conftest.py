"""What the tests of invitations share."""

from __future__ import annotations

import pytest

from tests.accounts.letters import Letters
from tests.factories import Shop
from tests.invitations.post import Post
from tests.mailing import Scripted


@pytest.fixture
def post(shop: Shop, transport: Scripted) -> Post:
    """The shop's invitations, and the mail that they come by."""
    letters = Letters(shop, transport)
    letters.to("nobody@example.com")  # what making the shop sent
    transport.taken.clear()
    return Post(shop, letters)
