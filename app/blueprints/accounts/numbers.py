"""Telephone numbers by which people sign in to a workshop."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import select

from app.blueprints.accounts.models import Membership
from app.blueprints.accounts.service import has_number
from app.core.schema import Phone
from app.core.tenancy import acting_in
from app.extensions import db


def of_nobody(workshop_id: int, words: Iterable[str]) -> list[str]:
    """Return those of some words that are telephone numbers, and that nobody signs in to a workshop by."""
    numbers = [word for word in words if re.fullmatch(Phone.PATTERN, word)]
    return [number for number in numbers if not _is_anybodys(workshop_id, number)]


def _is_anybodys(workshop_id: int, number: str) -> bool:
    with acting_in(workshop_id):
        found = db.session.scalars(select(Membership.id).where(has_number(workshop_id, number)).limit(1))
        return found.first() is not None
