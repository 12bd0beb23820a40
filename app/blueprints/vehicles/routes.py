"""Vehicles: staff keep the workshop's, customers their own."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.vehicles import keeping, odometer, plates, service, transfers, views
from app.blueprints.vehicles.models import OdometerReading
from app.blueprints.vehicles.schemas import (
    NewVehicleIn,
    PlateOut,
    PlateQuery,
    ReadingIn,
    ReadingOut,
    ReadingQuery,
    RecentQuery,
    TransferIn,
    TransferOut,
    TransferQuery,
    VehicleIn,
    VehicleOut,
    VehiclePatch,
    VehicleQuery,
    VehicleWholeOut,
    VinQuery,
    VinReadOut,
)
from app.core import paging
from app.core.contract import cached, limited, needs, unversioned
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "vehicles",
    __name__,
    url_prefix="/vehicles",
    description="The cars: what they are, whose, and how far they came.",
)

READS = ("vehicles", "vehicle_plates")


@bp.post("/")
@limited("write")
@needs("vehicles:write", "own:write")
@bp.arguments(NewVehicleIn)
@bp.response(201, VehicleWholeOut)
def create_vehicle(vehicle: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Add a vehicle: staff for a customer who is there or comes with it, a customer for themselves.

    `hints` are what the VIN says by itself; nothing of them is written to the vehicle.
    """
    value = vehicle.pop("odometer", None)
    made = keeping.add(principal(), odometer_value=value, **vehicle)
    return keeping.whole(made), {"Location": url_for("vehicles.get_vehicle", vehicle_id=made.id)}


@bp.get("/")
@limited("vehicles_list")
@needs("vehicles:read", "own:read")
@cached("vehicles", reads=READS)
@bp.arguments(VehicleQuery, location="query")
@bp.response(200, VehicleOut(many=True))
def list_vehicles(query: dict[str, Any]) -> Any:
    """List the vehicles in use: the workshop's to staff, their own to a customer."""
    return paging.answer(service.find(principal(), paging.walk_of(query), **query))


@bp.get("/hints")
@limited("read")
@needs("vehicles:read", "own:read")
@bp.arguments(VinQuery, location="query")
@bp.response(200, VinReadOut)
def get_vin_hints(query: dict[str, str]) -> dict[str, Any]:
    """Tell what a VIN says by itself, while a form is filled in: make, country and possible years.

    Hints to be confirmed; nothing is looked up or kept, and whether the workshop knows the car is not told.
    """
    return keeping.read_vin(query["VIN"])


@bp.get("/recent")
@limited("read")
@needs("vehicles:read", "own:read")
@bp.arguments(RecentQuery, location="query")
@bp.response(200, VehicleOut(many=True))
def list_recent_vehicles(query: dict[str, Any]) -> Any:
    """List the vehicles that the caller looked at last, eight a page."""
    rows, headers = paging.answer(views.recent(principal(), paging.walk_of(query)))
    return [row.Vehicle for row in rows], headers


@bp.get("/<int:vehicle_id>")
@limited("read")
@needs("vehicles:read", "own:read")
@bp.response(200, VehicleWholeOut)
def get_vehicle(vehicle_id: int) -> dict[str, Any]:
    """Show a vehicle: any to staff, their own to a customer.

    It is then the first of those that the caller looked at last.
    """
    vehicle = service.get(principal(), vehicle_id)
    shown = keeping.whole(vehicle)
    views.note(principal(), vehicle)
    return shown


@bp.put("/<int:vehicle_id>")
@limited("write")
@needs("vehicles:write", "own:write")
@bp.arguments(VehicleIn)
@bp.response(200, VehicleWholeOut)
def replace_vehicle(changes: dict[str, Any], vehicle_id: int) -> dict[str, Any]:
    """Replace a vehicle's record.

    What is left out is empty afterwards, but for the unit of an odometer that was read. The workshop alone corrects a VIN.
    """
    return keeping.whole(keeping.update(principal(), vehicle_id, changes, expected_versions()))


@bp.patch("/<int:vehicle_id>")
@limited("write")
@needs("vehicles:write", "own:write")
@bp.arguments(VehiclePatch)
@bp.response(200, VehicleWholeOut)
def patch_vehicle(changes: dict[str, Any], vehicle_id: int) -> dict[str, Any]:
    """Change a vehicle's record. Another plate ends the time of the one before; the workshop alone corrects a VIN."""
    return keeping.whole(keeping.update(principal(), vehicle_id, changes, expected_versions()))


@bp.delete("/<int:vehicle_id>")
@limited("delete")
@needs("vehicles:write", "own:write")
@bp.response(200, Message)
def delete_vehicle(vehicle_id: int) -> dict[str, str]:
    """Delete a vehicle; one with a history (tickets, readings, a change of keeper) is archived in place of that.

    An archived one is shown as before, changed no more, and gives its VIN to a new record.
    """
    is_gone = keeping.remove(principal(), vehicle_id, expected_versions())
    done = "deleted." if is_gone else "archived: it has a history."
    return {"message": f"Vehicle {vehicle_id} {done}"}


@bp.post("/<int:vehicle_id>/restore")
@limited("write")
@needs("vehicles:write", "own:write")
@bp.response(200, VehicleWholeOut)
def restore_vehicle(vehicle_id: int) -> dict[str, Any]:
    """Take an archived vehicle into use again; refused while another one in use has its VIN."""
    return keeping.whole(keeping.restore(principal(), vehicle_id, expected_versions()))


@bp.get("/<int:vehicle_id>/plates")
@limited("read")
@needs("vehicles:read", "own:read")
@bp.arguments(PlateQuery, location="query")
@bp.response(200, PlateOut(many=True))
def list_vehicle_plates(query: dict[str, Any], vehicle_id: int) -> Any:
    """List the plates that a vehicle has and had; to a customer those it had with them."""
    vehicle = service.get(principal(), vehicle_id)
    return paging.answer(plates.history(principal(), vehicle, paging.walk_of(query)))


@bp.get("/<int:vehicle_id>/readings")
@limited("read")
@needs("vehicles:read", "own:read")
@bp.arguments(ReadingQuery, location="query")
@bp.response(200, ReadingOut(many=True))
def list_vehicle_readings(query: dict[str, Any], vehicle_id: int) -> Any:
    """List the readings of a vehicle's odometer; to a customer those since it is theirs."""
    return paging.answer(odometer.readings(principal(), vehicle_id, paging.walk_of(query)))


@bp.post("/<int:vehicle_id>/readings")
@limited("write")
@needs("vehicles:write", "own:write")
@unversioned
@bp.arguments(ReadingIn)
@bp.response(201, ReadingOut)
def record_vehicle_reading(
    reading: dict[str, Any], vehicle_id: int
) -> tuple[OdometerReading, dict[str, str]]:
    """Record what a vehicle's odometer showed.

    Less than before is refused, unless who may says why (`override_reason`). A reading is never changed.
    """
    made = odometer.read(principal(), vehicle_id, **reading)
    return made, {"Location": url_for("vehicles.list_vehicle_readings", vehicle_id=vehicle_id)}


@bp.post("/<int:vehicle_id>/transfer")
@limited("write")
@needs("vehicles:write")
@bp.arguments(TransferIn)
@bp.response(200, VehicleWholeOut)
def transfer_vehicle(transfer: dict[str, Any], vehicle_id: int) -> dict[str, Any]:
    """Hand a vehicle over to another customer.

    Its history stays with it; what was its former keeper's is not shown to the next.
    """
    return keeping.whole(
        transfers.transfer(principal(), vehicle_id, **transfer, expected=expected_versions())
    )


@bp.get("/<int:vehicle_id>/transfers")
@limited("read")
@needs("vehicles:read")
@bp.arguments(TransferQuery, location="query")
@bp.response(200, TransferOut(many=True))
def list_vehicle_transfers(query: dict[str, Any], vehicle_id: int) -> Any:
    """List when a vehicle changed hands, and whose it was."""
    return paging.answer(transfers.history(principal(), vehicle_id, paging.walk_of(query)))
