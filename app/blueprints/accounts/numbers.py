"""Telephone numbers by which people sign in to a workshop."""

from __future__ import annotations

from sqlalchemy import select

from app.blueprints.accounts.models import Membership
from app.blueprints.accounts.service import has_number
from app.core.tenancy import acting_in
from app.extensions import db


def is_anybodys(workshop_id: int, number: str) -> bool:
    """Tell whether somebody signs in to a workshop by a number, be it one of several."""
    with acting_in(workshop_id):
        found = db.session.scalars(select(Membership.id).where(has_number(workshop_id, number)).limit(1))
        return found.first() is not None
