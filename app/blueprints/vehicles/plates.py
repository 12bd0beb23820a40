"""The rules of plates: one at a time on a car, and those before it with the time they were there."""

from __future__ import annotations

from sqlalchemy import Select, case, literal, select, update
from sqlalchemy.orm import attributes

from app.blueprints.customers import service as customers
from app.blueprints.vehicles.errors import KeeperErased
from app.blueprints.vehicles.models import Vehicle, VehiclePlate
from app.core import clock, paging
from app.core.db import Instant, touch
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.extensions import db

ORDER = Order(VehiclePlate.id, "-since", since=VehiclePlate.since)


def normalised(text: str) -> str:
    """Return a plate as people write it: in capitals, with single blanks."""
    return " ".join(text.upper().split())


def folded(text: str) -> str:
    """Return a plate as it is looked for: its letters and digits; what stands between them tells no two apart."""
    return "".join(character for character in text.upper() if character.isalnum())


def vehicles_with(workshop_id: int, folded_plate: str) -> Select[int]:
    """Return what finds the ids of the vehicles that have a plate now."""
    return select(VehiclePlate.vehicle_id).where(
        VehiclePlate.workshop_id == workshop_id,
        VehiclePlate.folded == folded_plate,
        VehiclePlate.until.is_(None),
    )


def put_on(vehicle: Vehicle, plate: str | None) -> None:
    """Give a vehicle that is held another plate, or none; the one before it stays in its history. The caller flushes.

    :raises KeeperErased: nothing more is kept of its keeper.
    """
    wanted = normalised(plate) if plate is not None else None
    if wanted == vehicle.plate:
        return
    with db.session.no_autoflush:  # with what else is changed of it the vehicle is one version on
        may_have_one = take_off(vehicle)
    if wanted is not None and not may_have_one:
        raise KeeperErased("Hand it over first: POST /vehicles/<id>/transfer.")
    screw_on(vehicle, wanted)
    touch(vehicle)


def take_off(vehicle: Vehicle) -> bool:
    """End the time of the plate that a vehicle has, if any: at once, before another can be there.

    Tell whether its keeper may have another: erased, they may not. Their row is locked first, as an erasure has it.
    """
    may_have_one = customers.is_kept_from_erasure(vehicle.workshop_id, vehicle.customer_id)
    now = literal(clock.now(), Instant())
    db.session.execute(
        update(VehiclePlate)
        .where(
            VehiclePlate.workshop_id == vehicle.workshop_id,
            VehiclePlate.vehicle_id == vehicle.id,
            VehiclePlate.until.is_(None),
        )
        .values(until=case((VehiclePlate.since > now, VehiclePlate.since), else_=now))
        .execution_options(synchronize_session=False)
    )
    attributes.set_committed_value(vehicle, "plate", None)
    return may_have_one


def screw_on(vehicle: Vehicle, plate: str | None) -> None:
    """Give a vehicle without a plate one, or let it be without; its keeper is kept from being erased. The caller flushes."""
    wanted = normalised(plate) if plate is not None else None
    if wanted is not None:
        db.session.add(
            VehiclePlate(
                workshop_id=vehicle.workshop_id,
                vehicle_id=vehicle.id,
                customer_id=vehicle.customer_id,
                plate=wanted,
                folded=folded(wanted),
            )
        )
    attributes.set_committed_value(vehicle, "plate", wanted)


def history(caller: Principal, vehicle: Vehicle, walk: Walk) -> Page:
    """Return one page of a vehicle's plates: all to staff, to its keeper those it has had with them."""
    statement = select(VehiclePlate).where(
        VehiclePlate.workshop_id == vehicle.workshop_id, VehiclePlate.vehicle_id == vehicle.id
    )
    if not caller.may("vehicles:read"):
        statement = statement.where(VehiclePlate.customer_id == caller.customer_id)
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )
