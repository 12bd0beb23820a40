"""What vehicles announce."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.identity import Principal


@dataclass(frozen=True, slots=True)
class VehicleArchiving:
    """That a vehicle, which is locked, is about to be kept for its history alone, and by whom."""

    caller: Principal
    vehicle_id: int
