"""What the rest asks of a workshop: where it is, in which money and time it works, and on which terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.blueprints.workshops.models import Workshop
from app.core import clock
from app.extensions import db


def country_of(workshop_id: int) -> str:
    """Return the country (ISO 3166-1 alpha-2) in which a workshop's phone numbers are read."""
    return db.session.scalars(select(Workshop.country).where(Workshop.id == workshop_id)).one()


def currency_of(workshop_id: int) -> str:
    """Return the currency (ISO 4217) of a workshop's prices."""
    return db.session.scalars(select(Workshop.currency).where(Workshop.id == workshop_id)).one()


def email_of(workshop_id: int) -> str | None:
    """Return the address that a workshop is written to, None where it named none."""
    return db.session.scalars(select(Workshop.email).where(Workshop.id == workshop_id)).one()


def time_zone_of(workshop_id: int) -> ZoneInfo:
    """Return the time zone of a workshop's wall clocks."""
    name = db.session.scalars(select(Workshop.time_zone).where(Workshop.id == workshop_id)).one()
    return ZoneInfo(name)


def today_in(workshop_id: int) -> date:
    """Return the day that it is at a workshop."""
    return clock.now().astimezone(time_zone_of(workshop_id)).date()


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a workshop works: tax and tolerance as percentages, an hour's labour as money."""

    tax_rate: Decimal
    includes_tax: bool
    labour_rate: Decimal | None
    approval_required: bool
    tolerance: Decimal


def terms_of(workshop_id: int) -> Terms:
    """Return on which terms a workshop works. One that named no tax rate charges none."""
    row = db.session.execute(
        select(
            Workshop.tax_rate,
            Workshop.prices_include_tax,
            Workshop.labour_rate,
            Workshop.approval_required,
            Workshop.approval_tolerance,
        ).where(Workshop.id == workshop_id)
    ).one()
    return Terms(row.tax_rate or Decimal(0), *row[1:])
