"""What runs low, and what the stock is or was worth."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, text

from app.blueprints.inventory.alert_models import StockAlert
from app.blueprints.inventory.alerts import OPEN
from app.blueprints.inventory.ledger import NOTHING
from app.blueprints.inventory.models import ALERTING, Part, StockMovement
from app.blueprints.inventory.order_models import OUTSTANDING, PurchaseOrderLine
from app.blueprints.inventory.vocabulary import Alert
from app.blueprints.workshops.terms import time_zone_of
from app.core import clock, paging
from app.core.paging import Order, Page, Walk
from app.extensions import db

ORDER = Order(Part.id, "name", name=Part.name)
RAISED_ORDER = Order(StockAlert.id, "-id")
_GRADES: dict[Alert, ColumnElement[bool]] = {
    "out": Part.on_hand == 0,
    "low": and_(Part.on_hand > 0, Part.on_hand < Part.minimum_stock_level),
    "reorder": and_(Part.on_hand > 0, Part.on_hand == Part.minimum_stock_level),
}


def alerts(workshop_id: int, walk: Walk, *, alert: list[Alert] | None = None) -> Page:
    """Return one page of the parts of which too few are there, since when, and how many are on the way."""
    statement = (
        select(Part, StockAlert.raised_at, *_ordered(workshop_id))
        .outerjoin(StockAlert, OPEN)
        .where(Part.workshop_id == workshop_id, text(ALERTING))
    )
    if alert is not None:
        statement = statement.where(or_(*(_GRADES[grade] for grade in alert)))
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: [_told(*row) for row in db.session.execute(s, v)],
        lambda s, v: db.session.scalars(s, v).one(),
    )


def raised_alerts(
    workshop_id: int,
    walk: Walk,
    *,
    item_id: int | None = None,
    alert: list[Alert] | None = None,
    resolved: bool | None = None,
) -> Page:
    """Return one page of the alerts that were ever raised, of parts that were taken out since, too."""
    statement = (
        select(StockAlert, Part.name, Part.sku)
        .join(Part, and_(Part.workshop_id == workshop_id, Part.id == StockAlert.part_id))
        .where(StockAlert.workshop_id == workshop_id)
    )
    if item_id is not None:
        statement = statement.where(StockAlert.part_id == item_id)
    if alert is not None:
        statement = statement.where(StockAlert.grade.in_(alert))
    if resolved is not None:
        open_still = StockAlert.resolved_at.is_(None)
        statement = statement.where(~open_still if resolved else open_still)
    return paging.fetch(
        statement,
        RAISED_ORDER,
        walk,
        lambda s, v: [_raised(*row) for row in db.session.execute(s, v)],
        lambda s, v: db.session.scalars(s, v).one(),
    )


def _raised(alert: StockAlert, name: str, sku: str | None) -> dict[str, Any]:
    return {
        "id": alert.id,
        "item": {"id": alert.part_id, "name": name, "sku": sku},
        "alert": alert.grade,
        **{field: getattr(alert, field) for field in ("raised_at", "told_at", "resolved_at")},
    }


def _ordered(workshop_id: int) -> list[Any]:
    """Return what adds up to how many of a part are ordered and still to come."""
    line = PurchaseOrderLine
    here = (line.workshop_id == workshop_id, line.part_id == Part.id, text(OUTSTANDING))
    return [
        select(func.sum(column)).where(*here).correlate(Part).scalar_subquery()
        for column in (line.quantity, line.received, line.cancelled)
    ]


def _told(part: Part, raised_at: datetime | None, *ordered: Decimal | None) -> dict[str, Any]:
    wanted, came, gone = (quantity or Decimal(0) for quantity in ordered)
    fields = ("id", "name", "sku", "alert", "unit", "on_hand", "minimum_stock_level", "reorder_quantity")
    return {
        **{field: getattr(part, field) for field in fields},
        "raised_at": raised_at,
        "on_order": wanted - came - gone,
    }


def slow_movers(workshop_id: int, walk: Walk, *, days: int) -> Page:
    """Return one page of the parts that lie there: counted, some on hand, known for so many days, and none sold in them."""
    since = clock.now() - timedelta(days=days)
    sold = (
        StockMovement.workshop_id == workshop_id,
        StockMovement.part_id == Part.id,
        text("stock_movements.kind = 'sale'"),  # in the very words of the index
    )
    last = select(func.max(StockMovement.at)).where(*sold).correlate(Part).scalar_subquery()
    statement = select(Part, last).where(
        Part.workshop_id == workshop_id,
        Part.archived_at.is_(None),
        Part.on_hand > 0,
        Part.created_at <= since,
        ~exists().where(*sold, StockMovement.at > since).correlate(Part),
    )
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: [_lying(*row) for row in db.session.execute(s, v)],
        lambda s, v: db.session.scalars(s, v).one(),
    )


def _lying(part: Part, last_sold_at: datetime | None) -> dict[str, Any]:
    fields = ("id", "name", "sku", "bin", "unit", "on_hand", "stock_value")
    return {**{field: getattr(part, field) for field in fields}, "last_sold_at": last_sold_at}


def valuation(workshop_id: int, at: date | None = None) -> dict[str, Any]:
    """Return what the stock was worth at an instant: what it is worth now, less what the ledger has entered since.

    So it costs what moved since, not what ever moved. A day that is no instant is that day's end by the workshop's clock.
    """
    now = clock.now()
    if at is not None and not isinstance(at, datetime):
        at = _end_of(at, now.astimezone(time_zone_of(workshop_id)))
    moment = min(at or now, now)
    worth = select(func.sum(Part.stock_value)).where(Part.workshop_id == workshop_id)
    since = select(func.sum(StockMovement.value)).where(
        StockMovement.workshop_id == workshop_id, StockMovement.at > moment
    )
    present, entered = db.session.execute(select(worth.scalar_subquery(), since.scalar_subquery())).one()
    return {"at": moment, "value": (present or NOTHING) - (entered or NOTHING)}


def _end_of(day: date, now: datetime) -> datetime:
    """Return the last instant of a day by the clock that `now` is of; now, of one that is not over."""
    if day >= now.date():
        return now.astimezone(UTC)
    midnight = datetime.combine(day + timedelta(days=1), time(), now.tzinfo)
    return midnight.astimezone(UTC) - timedelta(microseconds=1)
