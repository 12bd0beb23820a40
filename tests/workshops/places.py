"""Workshops on the map, for tests of the directory."""

from __future__ import annotations

import math
from typing import Any

from flask import Flask
from sqlalchemy import update

from app.blueprints.workshops.models import OpeningPeriod, Specialisation, Workshop
from app.core.db import atomic
from app.core.tenancy import across_workshops
from app.extensions import db
from tests.factories import Caller, unique


def put(app: Flask, *places: tuple[float, float], **fields: Any) -> list[int]:
    """Make a listed workshop at each of these latitudes and longitudes; return their ids in order."""
    with app.app_context(), atomic() as session:
        made = [
            Workshop(
                **{
                    "name": unique("Garage "), "slug": unique("garage-"), "listed": True, "latitude": lat, "longitude": lng,
                    **fields,
                }
            )
            for lat, lng in places
        ]  # fmt: skip
        session.add_all(made)
        session.flush()
        return [workshop.id for workshop in made]


def put_one(app: Flask, specialisations: tuple[str, ...] = (), **fields: Any) -> int:
    """Make a listed workshop, somewhere, that is good at something."""
    (made,) = put(app, (fields.pop("lat", 0.0), fields.pop("lng", 0.0)), **fields)
    with app.app_context(), across_workshops(), atomic() as session:
        session.add_all(Specialisation(workshop_id=made, specialisation=word) for word in specialisations)
    return made


def open_on(app: Flask, workshop_id: int, *periods: tuple[int, int, int]) -> None:
    """Give a workshop opening periods: weekday, and minutes since midnight."""
    with app.app_context(), across_workshops(), atomic() as session:
        session.add_all(
            OpeningPeriod(workshop_id=workshop_id, weekday=weekday, opens=opens, closes=closes)
            for weekday, opens, closes in periods
        )


def unlist_all(app: Flask) -> None:
    """Take every workshop out of the directory."""
    with app.app_context(), atomic():
        db.session.execute(update(Workshop).where(Workshop.listed).values(listed=False))


def haversine_km(lat: float, lng: float, other_lat: float, other_lng: float) -> float:
    """Return the great-circle distance on a sphere of 6,371 km, as any textbook has it."""
    phi, other_phi = math.radians(lat), math.radians(other_lat)
    a = (
        math.sin((other_phi - phi) / 2) ** 2
        + math.cos(phi) * math.cos(other_phi) * math.sin(math.radians(other_lng - lng) / 2) ** 2
    )
    return 6371 * 2 * math.asin(min(1.0, math.sqrt(a)))


def everything(caller: Caller, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return all rows of a list, walked by cursor."""
    found: list[dict[str, Any]] = []
    answer = caller.get(path, query_string=query)
    while True:
        assert answer.status_code == 200, answer.json
        found += answer.json
        if "Link" not in answer.headers:
            return found
        answer = caller.get(answer.headers["Link"].split(">")[0].lstrip("<"))
