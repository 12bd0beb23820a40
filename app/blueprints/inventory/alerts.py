"""Alerts: raised when a part runs low and resolved when enough is there, in the transaction that brings it about.

Whatever changes a part's number, its minimum or whether it is in the inventory says so here (`look_again`); the looking is done
once, when the transaction is about to be committed and the parts are still locked. So each grade is raised once as long as it
holds, and the table is never behind the stock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import and_, case, event, insert, null, select, update
from sqlalchemy.orm import Session as AnySession

from app.blueprints.inventory.alert_models import StockAlert
from app.blueprints.inventory.models import Part
from app.core import clock, tenancy
from app.core.db import Session

PARTS_AT_ONCE = 500
# What `Part.alert` says, as the database reckons it.
GRADE: Any = case(
    (Part.archived_at.is_not(None), null()),
    (Part.on_hand == 0, "out"),
    (Part.on_hand < Part.minimum_stock_level, "low"),
    (Part.on_hand == Part.minimum_stock_level, "reorder"),
)
OPEN = and_(
    StockAlert.workshop_id == Part.workshop_id,
    StockAlert.part_id == Part.id,
    StockAlert.resolved_at.is_(None),
)


def look_again(session: AnySession, workshop_id: int, part_ids: Iterable[int]) -> None:
    """Let the alerts of these parts be settled with the present transaction, which holds the parts locked."""
    moved: dict[int, set[int]] = session.info.setdefault("parts_moved", {})
    moved.setdefault(workshop_id, set()).update(part_ids)


@event.listens_for(Session, "before_commit", insert=True)  # before the log's head is locked, which comes last
def _look(session: AnySession) -> None:
    moved: dict[int, set[int]] = session.info.pop("parts_moved", {})
    for workshop_id, part_ids in sorted(moved.items()):
        with tenancy.acting_in(workshop_id):
            session.flush()
            for some in _in_batches(sorted(part_ids)):
                settle(session, workshop_id, some)


@event.listens_for(Session, "after_rollback")
def _forget(session: AnySession) -> None:
    session.info.pop("parts_moved", None)


def _in_batches(part_ids: list[int]) -> Iterable[list[int]]:
    for first in range(0, len(part_ids), PARTS_AT_ONCE):
        yield part_ids[first : first + PARTS_AT_ONCE]


def settle(session: AnySession, workshop_id: int, part_ids: Collection[int]) -> None:
    """Resolve the alerts of these parts that hold no more, and raise those that hold now: mostly there are none."""
    differing = session.execute(
        select(Part.id, GRADE.label("grade"), StockAlert.id.label("alert_id"))
        .outerjoin(StockAlert, OPEN)
        .where(
            Part.workshop_id == workshop_id, Part.id.in_(part_ids), GRADE.is_distinct_from(StockAlert.grade)
        )
        .order_by(Part.id)
    ).all()
    now = clock.now()
    if over := [row.alert_id for row in differing if row.alert_id is not None]:
        session.execute(
            update(StockAlert)
            .where(StockAlert.workshop_id == workshop_id, StockAlert.id.in_(over))
            .values(resolved_at=now)
            .execution_options(synchronize_session=False)
        )
    raised = [
        {"workshop_id": workshop_id, "part_id": row.id, "grade": row.grade, "raised_at": now}
        for row in differing
        if row.grade is not None
    ]
    if raised:
        session.execute(insert(StockAlert).values(raised))
