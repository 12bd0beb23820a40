"""The canned jobs of the demo shop: what it does most, with the first of each family's parts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from app.commands.demo.bulk import Row
from app.commands.demo.garage import Garage, recorded
from app.commands.demo.vocabulary import JOBS
from app.core.names import folded

OFTEN = (
    "Oil and filter change", "Oil change and tire rotation", "Front brake pads and rotors", "Brake fluid flush",
    "Cabin and engine air filters",
)  # fmt: skip
DONE_OFTEN = [job for job in JOBS if job.description in OFTEN]


def jobs(garage: Garage, first_id: int) -> Iterator[Row]:
    """Yield the canned jobs, numbered on from `first_id`."""
    for place, job in enumerate(DONE_OFTEN):
        yield {
            "id": first_id + place,
            "workshop_id": garage.workshop_id,
            "name": job.description,
            "folded_name": folded(job.description),
            **recorded(0),
        }


def lines(garage: Garage, first_id: int) -> Iterator[Row]:
    """Yield their lines: the hours it takes, then the parts, all at the prices of the day."""
    for number, job in enumerate(DONE_OFTEN):
        ours = {"workshop_id": garage.workshop_id, "canned_job_id": first_id + number, "unit_price": None}
        work = {"kind": "labour", "description": job.description, "part_id": None, "quantity": job.hours}
        yield {**ours, "place": 1, **work}
        for place, (sku, quantity) in enumerate(job.parts, 2):
            part = {"description": None, "part_id": garage.first_part[sku], "quantity": Decimal(quantity)}
            yield {**ours, "place": place, "kind": "part", **part}
