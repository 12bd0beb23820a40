"""Reading what became of old parts: each with the item that it was replaced by and the supplier to whom it went."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, and_, select

from app.blueprints.cores.errors import CoreNotFound
from app.blueprints.cores.models import Core
from app.blueprints.cores.vocabulary import CoreStatus
from app.blueprints.inventory.models import Part, Supplier
from app.core import audit, paging
from app.core.money import rounded
from app.core.paging import Order, Page, Walk
from app.extensions import db

ORDER = Order(Core.id, "-id")
SHOWN = (
    "id", "status", "service_ticket_id", "line_id", "quantity", "charge", "returned_at", "reference", "credit", "reason",
    "decided_at", "fee_line_id", "version", "created_at", "updated_at",
)  # fmt: skip

Told = dict[str, Any]


def find(
    workshop_id: int,
    walk: Walk,
    *,
    status: list[CoreStatus] | None = None,
    supplier_id: int | None = None,
    item_id: int | None = None,
    service_ticket_id: int | None = None,
) -> Page:
    """Return one page of the old parts that fit."""
    statement = _cores(workshop_id)
    if status is not None:
        statement = statement.where(Core.status.in_(status))
    for column, wanted in (
        (Core.supplier_id, supplier_id),
        (Core.part_id, item_id),
        (Core.service_ticket_id, service_ticket_id),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: [_told(row) for row in db.session.execute(s, v)],
        lambda s, v: db.session.scalars(s, v).one(),
    )


def get(workshop_id: int, core_id: int) -> Told:
    """Return what became of some old parts.

    :raises CoreNotFound: unknown here.
    """
    row = db.session.execute(_cores(workshop_id).where(Core.id == core_id)).one_or_none()
    if row is None:
        raise CoreNotFound()
    return _told(row)


def _cores(workshop_id: int) -> Select[Core, str, str | None]:
    supplied = and_(Supplier.workshop_id == workshop_id, Supplier.id == Core.supplier_id)
    return (
        select(Core, Part.name, Supplier.name)
        .join(Part, and_(Part.workshop_id == workshop_id, Part.id == Core.part_id))
        .outerjoin(Supplier, supplied)
        .where(Core.workshop_id == workshop_id)
    )


def _told(row: Row[Core, str, str | None]) -> Told:
    core, item, supplier = row
    return {
        "item": {"id": core.part_id, "name": item},
        "supplier": None if core.supplier_id is None else {"id": core.supplier_id, "name": supplier},
        "deposit": rounded(core.quantity * core.charge),
        **audit.fields_of(core, SHOWN),
    }
