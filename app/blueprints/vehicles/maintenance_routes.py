"""Maintenance: what a vehicle needs again, and when."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.vehicles import maintenance
from app.blueprints.vehicles.maintenance_schemas import MaintenanceIn, MaintenanceOut, MaintenanceQuery
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "maintenance",
    __name__,
    url_prefix="/vehicles/<int:vehicle_id>/maintenance",
    description="What a vehicle needs again, and when.",
)


@bp.post("/", tags=["vehicles"])
@limited("write")
@needs("vehicles:write", "own:write")
@bp.arguments(MaintenanceIn)
@bp.response(201, MaintenanceOut)
def add_vehicle_maintenance(
    interval: dict[str, Any], vehicle_id: int
) -> tuple[dict[str, Any], dict[str, str]]:
    """Say what a vehicle needs again: after a time, a distance, or whichever comes first."""
    made = maintenance.add(principal(), vehicle_id, **interval)
    place = url_for("maintenance.get_vehicle_maintenance", vehicle_id=vehicle_id, maintenance_id=made["id"])
    return made, {"Location": place}


@bp.get("/", tags=["vehicles"])
@limited("read")
@needs("vehicles:read", "own:read")
@bp.arguments(MaintenanceQuery, location="query")
@bp.response(200, MaintenanceOut(many=True))
def list_vehicle_maintenance(query: dict[str, Any], vehicle_id: int) -> Any:
    """List what a vehicle needs again, each with when.

    The day by distance is reckoned from the median distance a day of its readings; from fewer than three there is none. A
    customer is shown what they or the workshop said, reckoned from readings of their own time.
    """
    return paging.answer(maintenance.find(principal(), vehicle_id, paging.walk_of(query)))


@bp.get("/<int:maintenance_id>", tags=["vehicles"])
@limited("read")
@needs("vehicles:read", "own:read")
@bp.response(200, MaintenanceOut)
def get_vehicle_maintenance(vehicle_id: int, maintenance_id: int) -> dict[str, Any]:
    """Show what a vehicle needs again, with when."""
    return maintenance.get(principal(), vehicle_id, maintenance_id)


@bp.put("/<int:maintenance_id>", tags=["vehicles"])
@limited("write")
@needs("vehicles:write", "own:write")
@bp.arguments(MaintenanceIn)
@bp.response(200, MaintenanceOut)
def replace_vehicle_maintenance(
    interval: dict[str, Any], vehicle_id: int, maintenance_id: int
) -> dict[str, Any]:
    """Say anew what a vehicle needs again, such as after it was done."""
    return maintenance.replace(principal(), vehicle_id, maintenance_id, interval, expected_versions())


@bp.delete("/<int:maintenance_id>", tags=["vehicles"])
@limited("delete")
@needs("vehicles:write", "own:write")
@bp.response(200, Message)
def delete_vehicle_maintenance(vehicle_id: int, maintenance_id: int) -> dict[str, str]:
    """Forget that a vehicle needs something again."""
    maintenance.remove(principal(), vehicle_id, maintenance_id, expected_versions())
    return {"message": f"Maintenance {maintenance_id} deleted."}
