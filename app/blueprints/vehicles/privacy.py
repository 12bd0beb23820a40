"""What is kept of a customer's cars: given out, and left when they are erased."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select

from app.blueprints.vehicles.models import Vehicle
from app.core import privacy
from app.core.privacy import Kept, Subject
from app.extensions import db


@privacy.part("vehicles", says="the cars that you first brought.", tables=("vehicles",))
def _give(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (Vehicle.id, Vehicle.vin.label("VIN"), Vehicle.created_at, Vehicle.archived_at)
    theirs = Vehicle.workshop_id == person.workshop_id, Vehicle.customer_id == person.customer_id
    return privacy.walked(select(*columns).where(*theirs), Vehicle.id)


@privacy.erases("vehicles")
def _keep(person: Subject) -> Iterator[Kept]:
    theirs = Vehicle.workshop_id == person.workshop_id, Vehicle.customer_id == person.customer_id
    number = db.session.scalar(select(func.count()).where(*theirs)) or 0
    yield Kept(
        "vehicles", number, "A car's history goes on with its next keeper; its number stays encrypted."
    )
