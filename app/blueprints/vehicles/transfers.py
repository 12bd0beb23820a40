"""The rules of a change of keeper: the car's history stays, and what was the former keeper's is not shown to the next."""

from __future__ import annotations

from sqlalchemy import select

from app.blueprints.customers import service as customers
from app.blueprints.vehicles import plates
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.errors import AlreadyKeeper
from app.blueprints.vehicles.models import Vehicle, VehicleTransfer
from app.core import audit, paging
from app.core.db import atomic
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected
from app.extensions import db

ORDER = Order(VehicleTransfer.id, "-id")


def transfer(
    caller: Principal, vehicle_id: int, customer_id: int, *, keeps_plate: bool, expected: Expected = None
) -> Vehicle:
    """Hand a vehicle over to another customer, with its plate or without.

    :raises VehicleNotFound: unknown here. :raises VehicleArchived: it is. :raises Stale: not the `expected` version.
    :raises CustomerNotFound: unknown here. :raises AlreadyKeeper: it is theirs.
    """
    with atomic() as session:
        vehicle = vehicles.hold(caller, vehicle_id, expected)
        if vehicle.customer_id == customer_id:
            raise AlreadyKeeper()
        customers.keep_from_erasure(caller.workshop_id, customer_id)
        former, plate = vehicle.customer_id, vehicle.plate
        plates.take_off(vehicle)
        vehicle.customer_id = customer_id
        plates.screw_on(vehicle, plate if keeps_plate else None)
        session.add(
            VehicleTransfer(
                workshop_id=caller.workshop_id,
                vehicle_id=vehicle_id,
                from_customer_id=former,
                to_customer_id=customer_id,
                account_id=caller.account_id,
            )
        )
        session.flush()
        audit.note(
            "vehicle.transferred", "vehicle", vehicle_id, before={"customer_id": former}, after={"customer_id": customer_id}
        )  # fmt: skip
    return vehicle


def history(caller: Principal, vehicle_id: int, walk: Walk) -> Page:
    """Return one page of a vehicle's changes of keeper.

    :raises VehicleNotFound: unknown here.
    """
    vehicle = vehicles.get(caller, vehicle_id)
    statement = select(VehicleTransfer).where(
        VehicleTransfer.workshop_id == vehicle.workshop_id, VehicleTransfer.vehicle_id == vehicle.id
    )
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )
