"""What runs low, and what the stock is or was worth."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, text

from app.blueprints.inventory.models import ALERTING, Part, StockMovement
from app.blueprints.inventory.vocabulary import Alert
from app.core import clock, paging
from app.core.money import from_cents
from app.core.paging import Order, Page, Walk
from app.extensions import db

ORDER = Order(Part.id, "name", name=Part.name)
_GRADES: dict[Alert, ColumnElement[bool]] = {
    "out": Part.on_hand == 0,
    "low": and_(Part.on_hand > 0, Part.on_hand < Part.minimum_stock_level),
    "reorder": and_(Part.on_hand > 0, Part.on_hand == Part.minimum_stock_level),
}


def alerts(workshop_id: int, walk: Walk, *, alert: list[Alert] | None = None) -> Page:
    """Return one page of the parts of which too few are there."""
    statement = select(Part).where(Part.workshop_id == workshop_id, text(ALERTING))
    if alert is not None:
        statement = statement.where(or_(*(_GRADES[grade] for grade in alert)))
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def valuation(workshop_id: int, at: datetime | None = None) -> dict[str, Any]:
    """Return what the stock was worth at an instant: what it is worth now, less what the ledger has entered since.

    So it costs what moved since, not what ever moved.
    """
    now = clock.now()
    moment = now if at is None or at > now else at
    worth = select(func.coalesce(func.sum(Part.stock_value), from_cents(0))).where(
        Part.workshop_id == workshop_id
    )
    since = select(func.coalesce(func.sum(StockMovement.value), from_cents(0))).where(
        StockMovement.workshop_id == workshop_id, StockMovement.at > moment
    )
    present, entered = db.session.execute(select(worth.scalar_subquery(), since.scalar_subquery())).one()
    return {"at": moment, "value": present - entered}
