"""The refusals of vehicles. That of a VIN is beside its rules."""

from __future__ import annotations

from app.core.errors import Conflict, NotAllowed, NotFound


class VehicleNotFound(NotFound):
    """No such vehicle in this workshop."""

    code, title = "vehicle_not_found", "Vehicle not found."


class NotYourVehicle(NotAllowed):
    """A customer reached for another customer's vehicle."""

    code, title = "not_your_vehicle", "This is another customer's vehicle."


class VinTaken(Conflict):
    """Another active vehicle of the workshop has the VIN."""

    code, title = "vin_taken", "Another vehicle has this VIN."


class VehicleArchived(Conflict):
    """A vehicle that is kept for its history alone is changed no more."""

    code, title = "vehicle_archived", "The vehicle is archived."


class VehicleInUse(Conflict):
    """Only an archived vehicle is restored."""

    code, title = "vehicle_in_use", "The vehicle is not archived."


class OdometerLower(Conflict):
    """An odometer does not run backwards."""

    code, title = "odometer_lower", "The odometer cannot have shown that."


class MaintenanceNotFound(NotFound):
    """Nothing with this id that the vehicle needs again."""

    code, title = "maintenance_not_found", "The vehicle has no such maintenance."


class NotYourMaintenance(NotAllowed):
    """A customer reached for what the workshop said that their car needs again."""

    code, title = "not_your_maintenance", "The workshop said that the vehicle needs this."


class KeeperErased(Conflict):
    """Nothing more is kept of an erased keeper, such as their car's plate."""

    code, title = "keeper_erased", "The vehicle's keeper was erased."


class AlreadyKeeper(Conflict):
    """The car is that customer's already."""

    code, title = "already_keeper", "The vehicle is that customer's already."
