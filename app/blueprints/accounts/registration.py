"""The rule of opening a workshop by oneself."""

from __future__ import annotations

from typing import Any

from app.blueprints.accounts import service, sessions
from app.blueprints.workshops import service as workshops
from app.core.db import atomic
from app.core.identity import Principal
from app.core.tenancy import acting_in


def register(workshop: dict[str, Any], email: str, password: str) -> Principal:
    """Open a workshop, with the owner who signs in to it: both or neither.

    :raises SlugTaken: another workshop has the slug.
    :raises EmailTaken: the address has an account with another password. :raises PasswordRefused: it is too easy.
    """
    with atomic():
        opened = workshops.found(**workshop)
        with acting_in(opened.id):
            account = service.open_account(email, password)
            return sessions.principal_of(service.join(opened.id, account, "owner"))
