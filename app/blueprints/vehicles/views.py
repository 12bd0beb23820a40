"""What somebody looked at last: noted with the look, for half a year, and shown to nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from app.blueprints.vehicles.models import Vehicle, VehicleView
from app.core import clock, paging
from app.core.db import atomic, is_still_named
from app.core.identity import Principal
from app.core.jobs import periodic
from app.core.paging import Order, Page, Walk
from app.core.prepared import Prepared
from app.core.tenancy import across_workshops
from app.extensions import db

KEPT = timedelta(days=180)
ORDER = Order(VehicleView.vehicle_id, "-seen_at", seen_at=VehicleView.seen_at)


def _upsert() -> Any:
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    names = ("workshop_id", "account_id", "vehicle_id", "seen_at")
    statement = insert(VehicleView).values({name: bindparam(name) for name in names})
    return statement.on_conflict_do_update(
        index_elements=["workshop_id", "account_id", "vehicle_id"],
        set_={"seen_at": statement.excluded.seen_at},
    )


_NOTE = Prepared(_upsert, writes="vehicle_views", by_itself=True)


def note(caller: Principal, vehicle: Vehicle) -> None:
    """Note that somebody looks at a vehicle: one statement by itself. An integration is nobody who looks."""
    if caller.key_id is not None:
        return
    try:
        _NOTE.rows(account_id=caller.account_id, vehicle_id=vehicle.id, seen_at=clock.now())
    except DBAPIError as error:
        if not is_still_named(error):  # the vehicle was deleted since it was read
            raise


def recent(caller: Principal, walk: Walk) -> Page:
    """Return one page of the vehicles in use that `caller` looked at and may see, the last one first."""
    statement = (
        select(Vehicle, VehicleView.seen_at, VehicleView.vehicle_id)
        .join(VehicleView, VehicleView.vehicle_id == Vehicle.id)
        .where(
            Vehicle.workshop_id == caller.workshop_id,
            Vehicle.archived_at.is_(None),
            VehicleView.workshop_id == caller.workshop_id,
            VehicleView.account_id == caller.account_id,
        )
    )
    if not caller.may("vehicles:read"):
        statement = statement.where(Vehicle.customer_id == caller.customer_id)
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.execute(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


@periodic("forget-vehicle-views", every=timedelta(days=1))
def forget_old() -> None:
    """Delete what was looked at half a year ago for the last time."""
    with across_workshops(), atomic() as session:
        table = VehicleView.__table__  # past the cache's listener, as with invitations
        session.connection().execute(
            table.delete().where(table.c.seen_at < clock.now() - KEPT)  # type: ignore[attr-defined]
        )
