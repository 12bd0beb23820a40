"""The rules of vehicles: one active record a VIN and workshop, found without reading what is encrypted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_
from sqlalchemy.dialects import postgresql, sqlite

from app.blueprints.vehicles import vin as vins
from app.blueprints.vehicles.models import ACTIVE, Vehicle
from app.core import clock
from app.core.crypto import blind_index
from app.core.db import atomic
from app.core.prepared import Prepared
from app.extensions import db


def _upsert() -> Any:
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    columns = ("workshop_id", "customer_id", "vin", "vin_digest", "vin_tail_digest", "created_at")
    statement = insert(Vehicle).values({name: bindparam(name) for name in columns})
    return statement.on_conflict_do_update(
        index_elements=["workshop_id", "vin_digest"],
        index_where=ACTIVE,
        set_={"vin_digest": statement.excluded.vin_digest},
    ).returning(Vehicle.id)


_FIND_OR_MAKE = Prepared(_upsert, writes="vehicles")


def find_or_make(customer_id: int, vin: str) -> int:
    """Return the id of the current workshop's active vehicle with a normalised `vin`; without one, make it.

    One statement, so that two tickets opened at once for one new car find one vehicle.
    """
    with atomic():
        vehicle_id: int = _FIND_OR_MAKE.one(
            customer_id=customer_id,
            vin=vin,
            vin_digest=digest(vin),
            vin_tail_digest=tail_digest(vin),
            created_at=clock.now(),
        )
    return vehicle_id


def digest(vin: str) -> bytes:
    """Return the digest by which a whole VIN is found."""
    return blind_index("vin", vin)


def tail_digest(vin: str) -> bytes:
    """Return the digest by which a VIN is found from its last six characters, which is what people read out."""
    return blind_index("vin-tail", vin[-vins.TAIL_LENGTH :])


def digests(text: str) -> dict[str, bytes]:
    """Return the values with which `has_digests` finds the VIN `text`, or those whose last six characters it is.

    :raises InvalidVin: it is neither.
    """
    vin = vins.normalised(text)
    tail = tail_digest(vin)
    return {"vin_tail_digest": tail, "vin_digest": tail if len(vin) == vins.TAIL_LENGTH else digest(vin)}


def has_digests() -> ColumnElement[bool]:
    """Return the condition that a vehicle has the VIN, or the end of one, that `digests` was given.

    The end of the VIN finds it in either case, by its index; the index of whole VINs knows only active vehicles.
    """
    whole_or_tail: ColumnElement[bytes] = bindparam("vin_digest")
    return and_(
        Vehicle.vin_tail_digest == bindparam("vin_tail_digest"),
        or_(Vehicle.vin_digest == whole_or_tail, Vehicle.vin_tail_digest == whole_or_tail),
    )
