"""The morning's letter: what began to run low since the last one, to those of a workshop who order, once a day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session as AnySession

from app.blueprints.accounts.registration import addresses_of_holders
from app.blueprints.inventory.alert_models import StockAlert, StockDigest
from app.blueprints.inventory.models import Part
from app.blueprints.inventory.vocabulary import Alert, unit_in
from app.blueprints.workshops.models import Workshop
from app.blueprints.workshops.terms import time_zone_of
from app.core import clock, outbox, tenancy
from app.core.db import atomic
from app.core.jobs import periodic
from app.core.letters import language_of
from app.core.quantities import told
from app.extensions import db

Conditions = tuple[ColumnElement[bool], ...]
MORNING = time(7)
MOST_TOLD = 30
WORDS: dict[str, dict[Alert, str]] = {
    "en": {"out": "out", "low": "low", "reorder": "at its minimum"},
    "pl": {"out": "brak", "low": "za mało", "reorder": "na poziomie minimum"},
    "de": {"out": "leer", "low": "zu wenig", "reorder": "am Mindestbestand"},
}


@periodic("stock-digests", every=timedelta(minutes=15), at_start=True)
def write_due() -> int:
    """Write to those who order, of the workshops whose morning has come; return how many workshops were written to.

    Only what is new is told: a letter about the same parts every morning would not be read for long. What began after the
    morning waits for the next one, whether or not there was a letter. Each workshop is a transaction of its own, in which one
    statement decides between two workers.
    """
    with tenancy.across_workshops():
        waiting = db.session.scalars(
            select(StockAlert.workshop_id)
            .where(
                StockAlert.resolved_at.is_(None),
                StockAlert.told_at.is_(None),
                StockAlert.workshop_id.in_(
                    select(Workshop.id).where(Workshop.closed_at.is_(None), Workshop.suspended_at.is_(None))
                ),
            )
            .distinct()
            .order_by(StockAlert.workshop_id)
        ).all()
    return sum(_write(workshop_id) for workshop_id in waiting)


def _write(workshop_id: int) -> bool:
    with tenancy.acting_in(workshop_id), atomic() as session:
        here = clock.now().astimezone(time_zone_of(workshop_id))
        untold = _untold(workshop_id, before=datetime.combine(here.date(), MORNING, here.tzinfo))
        if here.time() < MORNING or not _number(session, untold):
            return False
        return _claim(session, workshop_id, here.date()) and _tell(session, workshop_id, untold)


def _untold(workshop_id: int, before: datetime) -> Conditions:
    return (
        StockAlert.workshop_id == workshop_id,
        StockAlert.resolved_at.is_(None),
        StockAlert.told_at.is_(None),
        StockAlert.raised_at < before,
    )


def _number(session: AnySession, untold: Conditions) -> int:
    return session.scalars(select(func.count()).select_from(StockAlert).where(*untold)).one()


def _claim(session: AnySession, workshop_id: int, day: date) -> bool:
    """Say that a day's letter is this worker's; False where another one said so before."""
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    statement = insert(StockDigest).values(workshop_id=workshop_id, day=day)
    claimed = session.execute(
        statement.on_conflict_do_update(
            index_elements=["workshop_id"],
            set_={"day": statement.excluded.day},
            where=StockDigest.day < statement.excluded.day,
        ).returning(StockDigest.workshop_id)
    ).first()
    return claimed is not None


def _tell(session: AnySession, workshop_id: int, untold: Conditions) -> bool:
    number = _number(session, untold)
    rows = session.execute(
        select(Part.name, Part.unit, Part.on_hand, Part.minimum_stock_level, StockAlert.grade)
        .join(StockAlert, StockAlert.part_id == Part.id)
        .where(Part.workshop_id == workshop_id, *untold)
        .order_by(Part.name, Part.id)
        .limit(MOST_TOLD)
    ).all()
    if not number:
        return False
    language = language_of(outbox.letterhead_of(workshop_id).locale)
    lines = [_line(language, *row) for row in rows]
    for address in addresses_of_holders(workshop_id, "purchasing:write"):
        outbox.queue(
            workshop_id, "stock_digest", address, number=number, more=number - len(lines), items=lines
        )
    session.execute(
        update(StockAlert)
        .where(*untold)
        .values(told_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return True


def _line(language: str, name: str, unit: str, on_hand: Any, minimum: Any, grade: Alert) -> str:
    least = "" if minimum is None else f" / {told(minimum)}"
    return f"{name}: {told(on_hand)}{least} {unit_in(language, unit)} ({WORDS[language][grade]})"
