"""What a VIN says by itself of a car: proposals for somebody to confirm, read from vininfo's tables and looked up nowhere."""

from __future__ import annotations

from typing import Any

from vininfo import Vin

from app.blueprints.vehicles.vin import is_short
from app.core import clock


def of(vin: str) -> dict[str, Any] | None:
    """Return make, country and possible model years by a VIN; None of an old car's shorter number.

    Outside North America the tenth character need not be the model year (ISO 3779 leaves it to the maker).
    """
    if is_short(vin):
        return None
    read = Vin(vin)
    latest = clock.now().year + 1
    return {
        "make": read.manufacturer or None,
        "country": read.country or None,
        "years": sorted(year for year in read.years if year <= latest),
    }
